//! Tests of `merge` with findings as the recognisers make them.

use super::calibration::{class, object_label};
use super::findings::{Finding, Source};
use super::merge::{Asked, merge};
use super::tables::{Tables, tests::tables};
use crate::labels::LabelConfidences;
use crate::letterbox::RatioBox;
use crate::request::Options;
use rekognition_model::DetectLabelsRequest;

const ALL: Asked = Asked {
    objects: true,
    classes: true,
    faces: true,
};

const LARGE: RatioBox = RatioBox {
    left: 0.1,
    top: 0.1,
    width: 0.8,
    height: 0.8,
};
const SMALL: RatioBox = RatioBox {
    left: 0.1,
    top: 0.1,
    width: 0.1,
    height: 0.1,
};

fn finding(tables: &Tables, name: &str, source: Source, score: f32) -> Finding {
    Finding {
        label: tables
            .node(name)
            .unwrap_or_else(|| panic!("{name} is unknown")),
        source,
        score,
        confidence: 100.0 * score,
        bounds: None,
    }
}

fn object(tables: &Tables, name: &str, score: f32, bounds: RatioBox) -> Finding {
    Finding {
        confidence: object_label(score),
        bounds: Some(bounds),
        ..finding(tables, name, Source::Objects, score)
    }
}

fn classified(tables: &Tables, name: &str, belief: f32) -> Vec<Finding> {
    let label = tables.node(name).unwrap();
    let finding = |label| Finding {
        label,
        source: Source::Classes,
        score: belief,
        confidence: class(belief),
        bounds: None,
    };
    tables.lineage(label).map(finding).collect()
}

/// Labels and confidences at Rekognition's default threshold.
fn said(tables: &Tables, findings: &[Finding]) -> Vec<(String, f32)> {
    at_least(&merge(tables, findings, ALL), 55.0)
}

fn at_least(confidences: &LabelConfidences<'_>, least: f32) -> Vec<(String, f32)> {
    let request = DetectLabelsRequest {
        min_confidence: Some(f64::from(least)),
        ..DetectLabelsRequest::default()
    };
    let options = Options::from_request(&request).general.unwrap();
    let labels = confidences.labels(&options);
    labels
        .iter()
        .map(|label| label.to_response(confidences.nodes(), |_| None))
        .map(|label| (label.name.unwrap(), label.confidence.unwrap() as f32))
        .collect()
}

fn names(said: &[(String, f32)]) -> Vec<&str> {
    said.iter().map(|(name, _)| name.as_str()).collect()
}

fn of(said: &[(String, f32)], name: &str) -> f32 {
    said.iter()
        .find(|(found, _)| found == name)
        .map_or(0.0, |(_, confidence)| *confidence)
}

#[test]
fn a_cat_is_a_pet_an_animal_and_a_mammal() {
    let tables = tables();
    let said = said(&tables, &[object(&tables, "Cat", 0.94, LARGE)]);
    for name in ["Cat", "Pet", "Animal", "Mammal"] {
        assert!(of(&said, name) > 95.0, "{said:?}");
    }
}

#[test]
fn recognisers_that_agree_raise_each_other() {
    let tables = tables();
    let cat = object(&tables, "Cat", 0.45, LARGE);
    let alone = of(&said(&tables, &[cat]), "Cat");
    let mut both = classified(&tables, "Cat", 0.5);
    both.push(cat);
    let both = of(&said(&tables, &both), "Cat");
    assert!(both > alone && both > class(0.5), "{alone} {both}");
}

#[test]
fn a_doubtful_object_of_which_the_classifier_sees_nothing_is_not_said() {
    let tables = tables();
    let page = object(&tables, "Refrigerator", 0.5, LARGE);
    assert_eq!(said(&tables, &[page]), []);
    // Of small things the classifier sees nothing, and persons it does not know.
    for (name, score, bounds) in [
        ("Refrigerator", 0.5, SMALL),
        ("Refrigerator", 0.8, LARGE),
        ("Person", 0.5, LARGE),
    ] {
        let found = object(&tables, name, score, bounds);
        let said = said(&tables, &[found]);
        assert!(
            (of(&said, name) - object_label(score)).abs() < 0.01,
            "{said:?}"
        );
    }
}

#[test]
fn a_scene_that_nothing_confirms_is_not_said() {
    let tables = tables();
    for name in [
        "Forest", "Street", "Beach", "Hat", "T-Shirt", "Lemon", "Flamingo",
    ] {
        let base = finding(&tables, name, Source::Base, 0.98);
        assert_eq!(said(&tables, &[base]), [], "{name}");
    }
}

#[test]
fn a_scene_is_said_with_what_belongs_in_it() {
    let tables = tables();
    let findings = [
        finding(&tables, "Street", Source::Base, 0.9),
        object(&tables, "Bus", 0.8, LARGE),
    ];
    let said = said(&tables, &findings);
    assert!(
        of(&said, "Street") > 80.0 && of(&said, "Bus") > 90.0,
        "{said:?}"
    );
}

#[test]
fn only_faces_say_what_a_person_is() {
    let tables = tables();
    let findings = [
        finding(&tables, "Man", Source::Base, 0.99),
        finding(&tables, "Woman", Source::Faces, 0.9),
        object(&tables, "Person", 0.9, LARGE),
    ];
    let said = said(&tables, &findings);
    assert!(!names(&said).contains(&"Male") && !names(&said).contains(&"Man"));
    assert!((of(&said, "Woman") - 90.0).abs() < 0.1);
    assert!(of(&said, "Person") > object_label(0.9));
}

#[test]
fn two_faces_may_have_two_genders() {
    let tables = tables();
    let findings = [
        finding(&tables, "Man", Source::Faces, 0.9),
        finding(&tables, "Woman", Source::Faces, 0.8),
    ];
    let said = said(&tables, &findings);
    assert!(
        names(&said).contains(&"Man") && names(&said).contains(&"Woman"),
        "{said:?}"
    );
}

#[test]
fn the_classifier_is_doubted_if_the_detector_does_not_see_what_it_knows() {
    let tables = tables();
    let boat = classified(&tables, "Boat", 0.6);
    let without = Asked {
        objects: false,
        ..ALL
    };
    assert!(of(&at_least(&merge(&tables, &boat, without), 55.0), "Boat") > 75.0);
    assert_eq!(of(&said(&tables, &boat), "Boat"), 0.0);

    let mut hinted = boat;
    hinted.push(object(&tables, "Boat", 0.2, SMALL));
    assert!(of(&said(&tables, &hinted), "Boat") > 75.0);
}

#[test]
fn a_large_animal_is_doubted_if_the_classifier_is_sure_of_another() {
    let tables = tables();
    let mut findings = classified(&tables, "Cat", 0.9);
    let alone = object_label(0.45);
    findings.push(object(&tables, "Dog", 0.45, LARGE));
    assert!(of(&said(&tables, &findings), "Dog") < alone);
    findings.pop();
    // A small dog beside the cat is possible.
    findings.push(object(&tables, "Dog", 0.45, SMALL));
    assert_eq!(of(&said(&tables, &findings), "Dog"), alone);
}

#[test]
fn of_scenes_that_exclude_each_other_the_best_is_said() {
    let tables = tables();
    let findings = [
        finding(&tables, "Indoors", Source::Faces, 0.7),
        finding(&tables, "Outdoors", Source::Faces, 0.8),
    ];
    let said = said(&tables, &findings);
    assert_eq!(names(&said), ["Outdoors"]);
}

#[test]
fn the_classifier_sees_one_subject() {
    let tables = tables();
    let mut findings = classified(&tables, "Cheetah", 0.48);
    findings.extend(classified(&tables, "Lion", 0.47));
    let from_the_classifier = said(&tables, &findings);
    assert!(names(&from_the_classifier).contains(&"Cheetah"));
    assert!(!names(&from_the_classifier).contains(&"Lion"));
    // The detector shows each thing with its box.
    findings.push(object(&tables, "Dog", 0.6, SMALL));
    let with_a_box = said(&tables, &findings);
    assert!(names(&with_a_box).contains(&"Cheetah") && names(&with_a_box).contains(&"Dog"));
}

#[test]
fn a_cheetah_is_no_cat_and_no_bird() {
    let tables = tables();
    let mut findings = classified(&tables, "Cheetah", 0.9);
    findings.push(object(&tables, "Cat", 0.95, LARGE));
    findings.push(object(&tables, "Bird", 0.8, LARGE));
    let said = said(&tables, &findings);
    assert!(names(&said).contains(&"Cheetah"), "{said:?}");
    assert!(
        !names(&said).contains(&"Cat") && !names(&said).contains(&"Bird"),
        "{said:?}"
    );
}

#[test]
fn the_classifier_confirms_the_best_box_only() {
    let tables = tables();
    let mut findings = classified(&tables, "Cat", 0.9);
    findings.push(object(&tables, "Cat", 0.25, LARGE));
    findings.push(Finding {
        confidence: 20.0,
        ..object(&tables, "Cat", 0.2, SMALL)
    });
    let merged = merge(&tables, &findings, ALL);
    let confidences: Vec<f32> = merged
        .instances
        .iter()
        .map(|found| found.confidence)
        .collect();
    assert_eq!(confidences.len(), 2);
    assert!(
        confidences[0] > 55.0 && (confidences[1] - 20.0).abs() < 0.01,
        "{confidences:?}"
    );
}

#[test]
fn every_answer_is_consistent() {
    let tables = tables();
    let mut state = 7u64;
    let mut draw = move |most: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % most
    };
    for _ in 0..200 {
        let findings: Vec<Finding> = (0..draw(30))
            .map(|_| {
                let score = draw(1001) as f32 / 1000.0;
                let source = [
                    Source::Objects,
                    Source::Classes,
                    Source::Base,
                    Source::Faces,
                ][draw(4)];
                Finding {
                    label: draw(tables.nodes.len()),
                    source,
                    score,
                    confidence: 100.0 * score,
                    bounds: (draw(2) == 0).then_some(if draw(2) == 0 { SMALL } else { LARGE }),
                }
            })
            .collect();
        let merged = merge(&tables, &findings, ALL);
        let all = at_least(&merged, 0.0);
        for (name, confidence) in &all {
            assert!((0.0..=100.0).contains(confidence));
            let label = tables.node(name).unwrap();
            for above in tables.ancestors(label) {
                let above = &tables.nodes[*above].name;
                assert!(of(&all, above) >= *confidence, "{above} above {name}");
            }
        }
        for instance in &merged.instances {
            let name = &tables.nodes[instance.node].name;
            assert!(instance.confidence <= of(&all, name), "{name}");
        }
    }
}
