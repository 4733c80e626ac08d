//! Puts the findings of all recognisers together into one answer.

use super::calibration::{agreement, class};
use super::findings::{Finding, Source};
use super::scenes::{CONFIRMED, CONFIRMS, PERSONS, SCENES};
use super::tables::{Scope, Tables};
use crate::labels::{LabelConfidences, LabelInstance};

/// Which recognisers looked at the picture beside the embedded model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Asked {
    pub(super) objects: bool,
    pub(super) classes: bool,
    pub(super) faces: bool,
}

/// The score from which the detector sees something of a kind. It finds nearly every large object with at least this score.
const SEEN: f32 = 0.15;
/// What remains of a label of the classifier that the detector knows and does not see.
const UNSEEN: f32 = 0.65;
/// What remains of an object of the detector if the classifier is sure of another kind that the detector knows.
const CONTRADICTED: f32 = 0.75;
/// The same if the detector does not know that kind, so that it can only have chosen the nearest one: a cheetah is a cat to it.
const OUTSIDE: f32 = 0.4;
/// The probability from which the classifier is sure of a kind, and the share of it from which another one is possible.
const SURE: f32 = 0.6;
const POSSIBLE: f32 = 0.1;
/// What remains of an object of the embedded model that the installed recognisers see, hint at, and do not see.
const TRUST_IN_OBJECTS: [f32; 3] = [0.8, 0.65, 0.5];
/// The score of the detector from which it sees a thing that the embedded model names.
const CLEARLY_SEEN: f32 = 0.3;
/// What remains of a doubtful object of which the classifier sees nothing: the detector takes a page for a refrigerator.
const UNSUPPORTED: f32 = 0.65;
/// The scores between which an object is doubtful and certain, and the probability below which the classifier sees nothing.
const DOUBTFUL: f32 = 0.55;
const NOT_DOUBTFUL: f32 = 0.75;
const NOTHING: f32 = 0.01;
/// The share of a picture from which the classifier should see something of an object that it knows.
const PROMINENT: f32 = 0.1;
/// The share of a picture that an object must cover before the classifier, which sees the whole picture, can contradict it.
const LARGE: f32 = 0.08;
/// The probability of a thing from which its kinds are compared with each other.
const COMPARABLE: f32 = 0.3;
/// The confidence from which an object of the detector is certain enough to choose its kind, in percent.
const CERTAIN: f32 = 70.0;
/// What the choice of a kind of a certain object is worth.
const CHOICE: f32 = 0.9;

/// A value for each label.
type ByLabel = Vec<f32>;

/// The confidence of every label, and the boxes.
///
/// Recognisers that agree raise each other's confidence. A label that contradicts a better one is lowered or left out.
/// Ancestors have at least the confidence of each label below them.
pub(super) fn merge<'t>(
    tables: &'t Tables,
    findings: &[Finding],
    asked: Asked,
) -> LabelConfidences<'t> {
    let seen = scores(tables, findings, Source::Objects);
    let beliefs = scores(tables, findings, Source::Classes);
    let faces = confidences(tables, findings, Source::Faces, |_| 1.0);
    let objects = confidences(tables, findings, Source::Objects, |found| {
        doubt_in_object(tables, found, asked, &beliefs)
    });
    let mut classes = confidences(tables, findings, Source::Classes, |found| {
        let unseen = asked.objects && unseen(tables, found.label, &seen);
        if unseen { UNSEEN } else { 1.0 }
    });
    // The classifier sees one subject.
    leave_out_contradictions(tables, Scope::Subject, &mut classes);
    let context = Context {
        tables,
        asked,
        seen: &seen,
        beliefs: &beliefs,
        objects: &objects,
        classes: &classes,
    };
    let trust: ByLabel = (0..tables.nodes.len())
        .map(|at| context.trust(at))
        .collect();
    let base = confidences(tables, findings, Source::Base, |found| {
        at(&trust, found.label)
    });

    let mut all: ByLabel = (0..tables.nodes.len())
        .map(|label| {
            let of = [&objects, &classes, &base, &faces];
            let said = of.map(|source| at(source, label));
            said.into_iter().fold(0.0, agreement)
        })
        .collect();
    choose_kinds(tables, &objects, &beliefs, &mut all);
    leave_out_contradictions(tables, Scope::Picture, &mut all);
    propagate(tables, &mut all);

    let mut instances: Vec<LabelInstance> = findings
        .iter()
        .filter(|found| found.source != Source::Base || !asked.objects)
        .filter_map(|found| {
            let whole = at(&all, found.label);
            let factor = match found.source {
                Source::Objects => doubt_in_object(tables, found, asked, &beliefs),
                Source::Base => at(&trust, found.label),
                _ => 1.0,
            };
            let mut confidence = factor * found.confidence;
            if confidence >= at(&objects, found.label) {
                // The best box of its label: who confirms the label confirms it.
                confidence = raised(confidence, at(&classes, found.label));
            }
            Some(LabelInstance {
                node: found.label,
                confidence: confidence.min(whole),
                bounds: found.bounds?,
            })
        })
        .filter(|instance| instance.confidence > 0.0)
        .collect();
    instances.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    LabelConfidences::of(&tables.nodes, all, instances)
}

/// What the other recognisers say, for judging the embedded model's labels.
struct Context<'a> {
    tables: &'a Tables,
    asked: Asked,
    seen: &'a [f32],
    beliefs: &'a [f32],
    objects: &'a [f32],
    classes: &'a [f32],
}

impl Context<'_> {
    /// The share of the embedded model's confidence that counts.
    fn trust(&self, label: usize) -> f32 {
        let Some(node) = self.tables.nodes.get(label) else {
            return 0.0;
        };
        let name = node.name.as_str();
        if PERSONS.contains(&name) {
            return 0.0;
        }
        if let Some(scene) = SCENES.iter().find(|scene| scene.label == name) {
            let confirmed = scene.with.iter().any(|with| {
                let with = self.tables.node(with);
                with.is_some_and(|with| self.confidence(with) >= CONFIRMS)
            });
            return if confirmed { CONFIRMED } else { scene.alone };
        }
        if self.tables.is_object(label) {
            let [clear, hinted, unseen] = TRUST_IN_OBJECTS;
            let (seen, belief) = (at(self.seen, label), at(self.beliefs, label));
            return if !self.asked.objects && !self.asked.classes {
                1.0
            } else if seen >= CLEARLY_SEEN || belief >= SEEN {
                clear
            } else if seen >= SEEN {
                hinted
            } else {
                unseen
            };
        }
        // Learned from pictures of single things, as the classifier was from many more.
        match at(self.beliefs, label) >= SEEN {
            true => CONFIRMED,
            false => 0.5,
        }
    }

    fn confidence(&self, label: usize) -> f32 {
        at(self.objects, label).max(at(self.classes, label))
    }
}

fn at(values: &[f32], label: usize) -> f32 {
    values.get(label).copied().unwrap_or_default()
}

/// The best value of each label and of those below it.
fn best(tables: &Tables, values: impl Iterator<Item = (usize, f32)>) -> ByLabel {
    let mut best = vec![0f32; tables.nodes.len()];
    for (label, value) in values {
        for label in tables.lineage(label) {
            if let Some(best) = best.get_mut(label) {
                *best = best.max(value);
            }
        }
    }
    best
}

fn scores(tables: &Tables, findings: &[Finding], source: Source) -> ByLabel {
    let of = findings.iter().filter(|found| found.source == source);
    best(tables, of.map(|found| (found.label, found.score)))
}

fn confidences(
    tables: &Tables,
    findings: &[Finding],
    source: Source,
    factor: impl Fn(&Finding) -> f32,
) -> ByLabel {
    let of = findings.iter().filter(|found| found.source == source);
    best(
        tables,
        of.map(|found| (found.label, factor(found) * found.confidence)),
    )
}

/// What remains of an object if the classifier is sure that it is another kind of thing, or sees nothing of it.
fn doubt_in_object(tables: &Tables, found: &Finding, asked: Asked, beliefs: &[f32]) -> f32 {
    let share = found
        .bounds
        .map_or(0.0, |bounds| bounds.width * bounds.height);
    if !asked.classes || share < LARGE {
        return 1.0;
    }
    // The classifier knows few kinds of persons.
    let known = Some(found.label) != tables.node("Person") && tables.is_class(found.label);
    let nothing = known && at(beliefs, found.label) < NOTHING;
    let supported = if nothing && share >= PROMINENT {
        let along = (found.score - DOUBTFUL) / (NOT_DOUBTFUL - DOUBTFUL);
        UNSUPPORTED + (1.0 - UNSUPPORTED) * along.clamp(0.0, 1.0)
    } else {
        1.0
    };
    let subjects = tables
        .exclusive
        .iter()
        .filter(|group| group.scope == Scope::Subject);
    let lineage: Vec<usize> = tables.lineage(found.label).collect();
    subjects
        .map(|group| {
            let Some(own) = group.labels.iter().find(|label| lineage.contains(label)) else {
                return 1.0;
            };
            let other = group
                .labels
                .iter()
                .filter(|label| *label != own && !lineage.contains(label))
                .max_by(|a, b| at(beliefs, **a).total_cmp(&at(beliefs, **b)));
            let belief = other.map_or(0.0, |other| at(beliefs, *other));
            match other {
                Some(other) if belief >= SURE && at(beliefs, *own) < POSSIBLE * belief => {
                    if detector_knows(tables, *other, beliefs) {
                        CONTRADICTED
                    } else {
                        OUTSIDE
                    }
                }
                _ => 1.0,
            }
        })
        .fold(supported, f32::min)
}

/// Whether most of the probability of a label lies on kinds that the detector knows.
fn detector_knows(tables: &Tables, label: usize, beliefs: &[f32]) -> bool {
    let of_objects = tables.objects.iter().flatten();
    let below = of_objects.filter(|object| {
        tables.lineage(**object).any(|above| above == label)
            || tables.ancestors(label).contains(object)
    });
    let known = below.map(|object| at(beliefs, *object)).fold(0.0, f32::max);
    known >= at(beliefs, label) / 2.0
}

/// Whether the detector knows this kind of thing and does not see it.
fn unseen(tables: &Tables, label: usize, seen: &[f32]) -> bool {
    let mut known = tables
        .lineage(label)
        .filter(|label| tables.is_object(*label))
        .peekable();
    known.peek().is_some() && known.all(|label| at(seen, label) < SEEN)
}

/// The confidence of a finding that another recogniser confirms with `other` percent.
fn raised(confidence: f32, other: f32) -> f32 {
    confidence + (100.0 - confidence) * other / 200.0
}

/// If the detector is certain of a thing, the classifier chooses its kind: a dog with a third of the probability, all of it on
/// one breed, is of that breed.
fn choose_kinds(tables: &Tables, objects: &[f32], beliefs: &[f32], all: &mut ByLabel) {
    for (label, confidence) in all.iter_mut().enumerate() {
        if tables.is_object(label) || at(beliefs, label) == 0.0 {
            continue;
        }
        for thing in tables.ancestors(label) {
            let (certain, belief) = (at(objects, *thing), at(beliefs, *thing));
            if tables.is_object(*thing) && certain >= CERTAIN && belief >= COMPARABLE {
                let kind = class(at(beliefs, label) / belief);
                *confidence = confidence.max(CHOICE * kind * certain / 100.0);
            }
        }
    }
}

/// Leaves out all but the best of the labels that exclude each other in a scope, and what is below them.
fn leave_out_contradictions(tables: &Tables, scope: Scope, all: &mut ByLabel) {
    for group in tables.exclusive.iter().filter(|group| group.scope == scope) {
        let mut of: Vec<(usize, f32)> = group.labels.iter().map(|label| (*label, 0.0)).collect();
        for (label, confidence) in all.iter().enumerate() {
            for above in tables.lineage(label) {
                if let Some((_, best)) = of.iter_mut().find(|(member, _)| *member == above) {
                    *best = best.max(*confidence);
                }
            }
        }
        let best = of.iter().max_by(|(_, a), (_, b)| a.total_cmp(b));
        let Some((best, _)) = best else { continue };
        for (label, confidence) in all.iter_mut().enumerate() {
            let loses = tables.lineage(label).all(|above| above != *best)
                && tables
                    .lineage(label)
                    .any(|above| group.labels.contains(&above));
            if loses && !tables.ancestors(*best).contains(&label) {
                *confidence = 0.0;
            }
        }
    }
}

fn propagate(tables: &Tables, all: &mut ByLabel) {
    let found = std::mem::take(all);
    *all = best(tables, found.into_iter().enumerate());
}
