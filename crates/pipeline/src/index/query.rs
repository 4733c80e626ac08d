//! Which images to list, and in which order.

use time::OffsetDateTime;

use super::{
    entry::{ImageRow, Term, TermKind, fold},
    timestamp::{EARLIEST, LATEST, milliseconds},
};
use crate::{
    document::{AgeSpan, Status},
    recognition::FACE,
};

/// A query for images. An image must meet all parts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// Only images of this [`SourceKey::owner`](crate::SourceKey::owner); all images if `None`.
    pub owner: Option<String>,
    /// Only images that meet all of these.
    pub conditions: Vec<Condition>,
    /// No images that meet all conditions of one of these.
    pub excluded: Vec<Vec<Condition>>,
    /// Only images whose confidence of the labels and categories in `conditions` is at least this, in percent. The confidence of a
    /// category is the highest among its labels. Exclusions and terms of other kinds ignore it.
    pub min_confidence: Option<f64>,
    /// Only images with this status.
    pub status: Option<Status>,
    /// Only images with such faces.
    pub faces: FaceFilter,
    /// Only images uploaded at this time or later; with [`Sort::Taken`], taken at this time or later.
    pub from: Option<OffsetDateTime>,
    /// Only images uploaded, or taken, at this time or earlier.
    pub to: Option<OffsetDateTime>,
    /// The order.
    pub sort: Sort,
}

/// A part of a query: the image has at least one of these terms.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Condition {
    /// The terms.
    pub any: Vec<Term>,
    /// About how many images have one of the labels and categories among them, if that is known. Only the cost of a query depends
    /// on it.
    pub images: Option<u64>,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sort {
    /// By upload time, newest first.
    #[default]
    Newest,
    /// By upload time, oldest first.
    Oldest,
    /// By the confidence of the first condition with a label or category, highest first, then newest first. Without such a
    /// condition it is [`Self::Newest`].
    Confidence,
    /// By the time of taking, newest first. An image without one counts by its upload time.
    Taken,
}

impl Sort {
    /// All orders; the default first.
    pub const ALL: [Self; 4] = [Self::Newest, Self::Oldest, Self::Confidence, Self::Taken];

    /// The name in requests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::Confidence => "confidence",
            Self::Taken => "taken",
        }
    }
}

/// A filter of images by their faces. Each part may be met by another face of the image.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct FaceFilter {
    /// At least this many faces; 0 for any image.
    pub min_count: u64,
    /// The main emotion of a face, such as `Happy`. Case is ignored.
    pub emotion: Option<String>,
    /// An estimated age of a face lies in this span, at least in part.
    pub ages: Option<AgeSpan>,
}

impl From<Term> for Condition {
    /// The image has this term.
    fn from(term: Term) -> Self {
        Self {
            any: vec![term],
            images: None,
        }
    }
}

impl Condition {
    /// Whether it has a label or category, so that it has a confidence.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.any.iter().any(|term| term.kind.is_counted())
    }

    /// About how many images meet it, to choose the rarest condition. Where no counts are known, it is a guess by kind.
    #[must_use]
    pub fn estimate(&self) -> u64 {
        let of_uncounted = self.any.iter().map(|term| match term.kind {
            TermKind::Label | TermKind::Category => 0,
            TermKind::Text => 500,
            TermKind::Filename => 2_000,
            TermKind::Color => 20_000,
        });
        let of_counted = match self.images {
            Some(images) => images,
            None if self.is_measured() => 10_000,
            None => 0,
        };
        of_uncounted.fold(of_counted, u64::saturating_add)
    }

    /// The confidence in percent with which an image meets the condition; [`Met::No`] if it has none of the terms.
    /// `confidence_of` gives the image's confidence of a term.
    fn met(&self, least: Option<f64>, confidence_of: &impl Fn(&Term) -> Option<f64>) -> Met {
        let mut met = Met::No;
        for term in &self.any {
            let Some(confidence) = confidence_of(term) else {
                continue;
            };
            if !term.kind.is_counted() {
                met = met.or(Met::Unmeasured);
            } else if least.is_none_or(|least| confidence >= least) {
                met = met.or(Met::With(confidence));
            }
        }
        met
    }
}

/// How an image meets a condition.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Met {
    No,
    /// By a term that has no confidence.
    Unmeasured,
    With(f64),
}

impl Met {
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::With(one), Self::With(other)) => Self::With(one.max(other)),
            (Self::With(one), _) | (_, Self::With(one)) => Self::With(one),
            (Self::Unmeasured, _) | (_, Self::Unmeasured) => Self::Unmeasured,
            (Self::No, Self::No) => Self::No,
        }
    }
}

/// An image that a query finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// The confidence of the first condition with a label or category, in percent; `None` if the image has none of them.
    pub confidence: Option<f64>,
}

impl Query {
    /// The query for images with this term.
    #[must_use]
    pub fn for_term(term: Term) -> Self {
        Self {
            conditions: vec![term.into()],
            ..Self::default()
        }
    }

    /// The order that the list really has: without a label or category there is no order by confidence.
    #[must_use]
    pub fn order(&self) -> Sort {
        match self.sort {
            Sort::Confidence if self.measured().is_none() => Sort::Newest,
            sort => sort,
        }
    }

    /// The first condition with a label or category, whose confidence an image is listed with.
    #[must_use]
    pub fn measured(&self) -> Option<&Condition> {
        self.conditions.iter().find(|one| one.is_measured())
    }

    /// The condition by which an index looks the images up: the rarest, or else one that every image meets which passes the
    /// face filter. `None` if the query has neither.
    #[must_use]
    pub fn lookup(&self) -> Option<Condition> {
        let rarest = self.conditions.iter().min_by_key(|one| one.estimate());
        if let Some(condition) = rarest {
            return Some(condition.clone());
        }
        match &self.faces.emotion {
            Some(emotion) => Some(Term::label(emotion.as_str()).into()),
            None => (!self.faces.is_empty()).then(|| Term::label(FACE).into()),
        }
    }

    /// The first and the last millisecond of the time of the images, both included.
    #[must_use]
    pub fn range(&self) -> (i64, i64) {
        let part = time::Duration::MILLISECOND - time::Duration::NANOSECOND;
        // Times of images are whole milliseconds.
        let from = self.from.map_or(EARLIEST, |from| {
            milliseconds(from.checked_add(part).unwrap_or(from))
        });
        (from, self.to.map_or(LATEST, milliseconds))
    }

    /// Whether an image is found, and with which confidence. `confidence_of` gives the image's confidence of a term, of all its
    /// terms and not only of those in the row.
    #[must_use]
    pub fn matches(
        &self,
        row: &ImageRow,
        confidence_of: impl Fn(&Term) -> Option<f64>,
    ) -> Option<Match> {
        let (from, to) = self.range();
        let at = match self.sort {
            Sort::Taken => row.taken_ms(),
            _ => milliseconds(row.uploaded_at),
        };
        let is_listed = (self.owner.as_deref()).is_none_or(|owner| row.key.owner() == Some(owner))
            && self.status.is_none_or(|status| row.status == status)
            && (from..=to).contains(&at)
            && self.faces.matches(row);
        if !is_listed {
            return None;
        }
        let mut confidence = None;
        let mut is_measured = false;
        for condition in &self.conditions {
            let met = condition.met(self.min_confidence, &confidence_of);
            if met == Met::No {
                return None;
            }
            if condition.is_measured() && !is_measured {
                is_measured = true;
                if let Met::With(percent) = met {
                    confidence = Some(percent);
                }
            }
        }
        let is_excluded = self.excluded.iter().any(|all| {
            let mut conditions = all.iter();
            !all.is_empty() && conditions.all(|one| one.met(None, &confidence_of) != Met::No)
        });
        (!is_excluded).then_some(Match { confidence })
    }

    /// A text that two queries have in common only if they list the same images in the same order.
    #[must_use]
    pub fn identity(&self) -> String {
        let Self {
            owner,
            conditions,
            excluded,
            min_confidence,
            status,
            faces,
            from: _,
            to: _,
            sort,
        } = self;
        let all = |conditions: &[Condition]| -> Vec<Vec<_>> {
            let terms = |one: &Condition| {
                (one.any.iter())
                    .map(|term| (term.kind, term.folded()))
                    .collect()
            };
            conditions.iter().map(terms).collect()
        };
        let excluded: Vec<_> = excluded.iter().map(|one| all(one)).collect();
        format!(
            "{owner:?} {:?} {excluded:?} {min_confidence:?} {:?} {} {:?} {:?} {:?} {}",
            all(conditions),
            status.map(Status::name),
            faces.min_count,
            faces.emotion.as_deref().map(fold),
            faces.ages,
            self.range(),
            sort.name(),
        )
    }
}

impl FaceFilter {
    /// Whether every image passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the image passes. The index has read its row then: an index finds the images of
    /// [`Query::lookup`] by key, and reads one row for each of them.
    #[must_use]
    pub fn matches(&self, row: &ImageRow) -> bool {
        row.faces.unwrap_or_default() >= self.min_count
            && self.emotion.as_deref().is_none_or(|wanted| {
                let wanted = fold(wanted);
                row.emotions.iter().any(|emotion| fold(emotion) == wanted)
            })
            && (self.ages).is_none_or(|wanted| row.ages.iter().any(|ages| ages.overlaps(wanted)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_looked_up_by_the_rarest_condition() {
        let faces = FaceFilter {
            min_count: 1,
            ..FaceFilter::default()
        };
        let happy = FaceFilter {
            emotion: Some("happy".to_owned()),
            ..faces.clone()
        };
        let lookup = |conditions: &[Condition], faces: &FaceFilter| {
            let query = Query {
                conditions: conditions.to_vec(),
                faces: faces.clone(),
                ..Query::default()
            };
            query.lookup().map(|mut condition| condition.any.remove(0))
        };
        assert_eq!(lookup(&[], &FaceFilter::default()), None);
        assert_eq!(lookup(&[], &faces), Some(Term::label("Face")));
        assert_eq!(lookup(&[], &happy), Some(Term::label("happy")));
        let condition = |term: Term, images| Condition {
            images,
            ..Condition::from(term)
        };
        let dog = condition(Term::label("Dog"), Some(40));
        let cat = condition(Term::label("Cat"), Some(30));
        let exit = condition(Term::text("exit"), None);
        assert_eq!(
            lookup(std::slice::from_ref(&dog), &happy),
            Some(Term::label("Dog"))
        );
        assert_eq!(
            lookup(&[dog.clone(), exit.clone(), cat], &happy),
            Some(Term::label("Cat"))
        );
        let sky = condition(Term::label("Sky"), Some(90_000));
        assert_eq!(lookup(&[sky, exit], &happy), Some(Term::text("exit")));
    }
}
