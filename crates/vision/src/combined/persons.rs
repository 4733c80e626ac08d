//! What faces say about the persons in a picture.

use super::findings::{Finding, Source};
use super::tables::Tables;
use crate::faces::{FaceFinding, Gender};
use crate::letterbox::RatioBox;

/// The estimated age at which a person is as likely a child as an adult, in years.
const GROWN_UP: f32 = 17.0;
/// The spread of that border in years. Estimates are off by three years for children and by seven for young adults.
const SPREAD: f32 = 2.5;
/// The age up to which a child is called a baby, in years.
const BABY: f32 = 1.5;
/// The least confidence of a gender that becomes a label, in percent.
const SURE_GENDER: f32 = 80.0;
/// The share of a face that must lie in the box of its person.
const INSIDE: f32 = 0.8;

/// The labels of all faces: the face and its head with the face's box, and what its age and gender say of its person, with the
/// person's box from `objects`.
pub(super) fn of_faces(
    tables: &Tables,
    faces: &[FaceFinding],
    objects: &[Finding],
) -> Vec<Finding> {
    let person = tables.node("Person");
    let mut bodies: Vec<RatioBox> = objects
        .iter()
        .filter(|found| Some(found.label) == person)
        .filter_map(|found| found.bounds)
        .collect();
    let mut found = Vec::new();
    for face in faces {
        let body = take_body(&mut bodies, &face.bounds);
        let mut say = |name: &str, confidence: f32, bounds: Option<RatioBox>| {
            if let Some(label) = tables.node(name) {
                found.push(Finding {
                    label,
                    source: Source::Faces,
                    score: confidence / 100.0,
                    confidence,
                    bounds,
                });
            }
        };
        say("Person", face.confidence, None);
        say("Head", face.confidence, Some(face.bounds));
        say("Face", face.confidence, Some(face.bounds));
        let Some(age) = face.age else { continue };
        let adult = 1.0 / (1.0 + ((GROWN_UP - age) / SPREAD).exp());
        let grown_up = face.confidence * adult;
        let child = face.confidence * (1.0 - adult);
        if adult < 0.5 {
            say("Child", child, body);
            if age <= BABY {
                say("Baby", 0.8 * child, body);
            }
            continue;
        }
        say("Adult", grown_up, body);
        // The gender of children was not measured, and below this confidence it is wrong too often.
        let gender = face
            .gender
            .filter(|(_, confidence)| *confidence >= SURE_GENDER);
        if let Some((gender, confidence)) = gender {
            let confidence = confidence.min(grown_up);
            let (gender, grown) = match gender {
                Gender::Male => ("Male", "Man"),
                Gender::Female => ("Female", "Woman"),
            };
            say(gender, confidence, body);
            say(grown, confidence, body);
        }
    }
    found
}

/// The smallest box of a person around the face. Each box belongs to one face.
fn take_body(bodies: &mut Vec<RatioBox>, face: &RatioBox) -> Option<RatioBox> {
    let area = |bounds: &RatioBox| bounds.width * bounds.height;
    let around = |body: &RatioBox| {
        let across =
            (face.left + face.width).min(body.left + body.width) - face.left.max(body.left);
        let down = (face.top + face.height).min(body.top + body.height) - face.top.max(body.top);
        across.max(0.0) * down.max(0.0) >= INSIDE * area(face)
    };
    let (at, _) = bodies
        .iter()
        .enumerate()
        .filter(|(_, body)| around(body))
        .min_by(|(_, a), (_, b)| area(a).total_cmp(&area(b)))?;
    Some(bodies.swap_remove(at))
}

#[cfg(test)]
mod tests {
    use super::super::tables::tests::tables;
    use super::*;

    fn face(left: f32, age: Option<f32>, gender: Option<(Gender, f32)>) -> FaceFinding {
        FaceFinding {
            bounds: RatioBox {
                left,
                top: 0.1,
                width: 0.1,
                height: 0.1,
            },
            confidence: 99.0,
            age,
            gender,
            smile: None,
            emotion: None,
        }
    }

    fn body(tables: &Tables, left: f32, width: f32) -> Finding {
        Finding {
            label: tables.node("Person").unwrap(),
            source: Source::Objects,
            score: 0.9,
            confidence: 95.0,
            bounds: Some(RatioBox {
                left,
                top: 0.0,
                width,
                height: 1.0,
            }),
        }
    }

    fn said(tables: &Tables, found: &[Finding]) -> Vec<(String, f32)> {
        let name = |finding: &Finding| tables.nodes[finding.label].name.clone();
        found
            .iter()
            .filter(|finding| finding.confidence >= 55.0)
            .map(|finding| (name(finding), finding.confidence.round()))
            .collect()
    }

    #[test]
    fn a_face_is_a_person_with_a_head() {
        let tables = tables();
        let found = of_faces(&tables, &[face(0.2, None, None)], &[]);
        let names: Vec<String> = said(&tables, &found)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["Person", "Head", "Face"]);
        assert_eq!(
            found[0].bounds, None,
            "a person's box comes from the detector"
        );
        assert_eq!(found[2].bounds.unwrap().left, 0.2);
    }

    #[test]
    fn an_adult_has_the_gender_that_the_face_shows() {
        let tables = tables();
        let found = of_faces(
            &tables,
            &[face(0.2, Some(37.0), Some((Gender::Female, 90.0)))],
            &[],
        );
        let said = said(&tables, &found);
        for expected in [("Adult", 99.0), ("Female", 90.0), ("Woman", 90.0)] {
            assert!(
                said.contains(&(expected.0.to_owned(), expected.1)),
                "{said:?}"
            );
        }
        assert!(
            !said
                .iter()
                .any(|(name, _)| name == "Male" || name == "Man" || name == "Child")
        );
    }

    #[test]
    fn a_doubtful_gender_is_not_a_label() {
        let tables = tables();
        let doubtful = face(0.2, Some(37.0), Some((Gender::Male, 79.0)));
        let said = said(&tables, &of_faces(&tables, &[doubtful], &[]));
        assert!(said.iter().any(|(name, _)| name == "Adult"), "{said:?}");
        assert!(
            !said.iter().any(|(name, _)| name == "Male" || name == "Man"),
            "{said:?}"
        );
    }

    #[test]
    fn a_child_has_no_gender() {
        let tables = tables();
        let found = of_faces(
            &tables,
            &[face(0.2, Some(6.0), Some((Gender::Male, 99.0)))],
            &[],
        );
        let names: Vec<String> = said(&tables, &found)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["Person", "Head", "Face", "Child"]);
    }

    #[test]
    fn near_the_border_nothing_is_said_about_the_age() {
        let tables = tables();
        let found = of_faces(
            &tables,
            &[face(0.2, Some(17.0), Some((Gender::Male, 99.0)))],
            &[],
        );
        assert_eq!(said(&tables, &found).len(), 3);
    }

    #[test]
    fn each_face_has_the_smallest_box_around_it_once() {
        let tables = tables();
        let bodies = [body(&tables, 0.0, 0.9), body(&tables, 0.1, 0.3)];
        let faces = [face(0.2, Some(40.0), None), face(0.2, Some(40.0), None)];
        let found = of_faces(&tables, &faces, &bodies);
        let adult = tables.node("Adult").unwrap();
        let lefts: Vec<Option<f32>> = found
            .iter()
            .filter(|finding| finding.label == adult)
            .map(|finding| finding.bounds.map(|bounds| bounds.left))
            .collect();
        assert_eq!(lefts, [Some(0.1), Some(0.0)]);
    }
}
