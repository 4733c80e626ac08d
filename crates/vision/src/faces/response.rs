//! Builds the response of DetectFaces.

use rekognition_model::{
    Attribute, BoundingBox, Emotion, EyeOpen, FaceDetail, Gender as GenderMember, GenderType,
    ImageQuality, Landmark, LandmarkType, MouthOpen, Pose as PoseMember, Smile,
};

use super::attributes::{Appearance, Gender, TURNED};
use super::detection::Face;
use super::expressions::Expression;
use super::geometry::{Point, Rect};
use super::mesh::Mesh;
use super::pose::Pose;
use crate::letterbox::RatioBox;

/// The most faces of a response: Rekognition returns the 100 largest.
pub(super) const MOST_FACES: usize = 100;
/// The landmarks that are returned unless all attributes are requested.
const DEFAULT_LANDMARKS: usize = 5;

/// The attributes that a request asks for beside the default ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Wanted {
    pub(super) all_landmarks: bool,
    pub(super) age: bool,
    pub(super) gender: bool,
    pub(super) emotions: bool,
    pub(super) smile: bool,
    pub(super) eyes_open: bool,
    pub(super) mouth_open: bool,
}

impl Wanted {
    /// `ALL` wins over everything else. Attributes that no model knows are ignored.
    pub(super) fn of(attributes: Option<&[Attribute]>) -> Self {
        let attributes = attributes.unwrap_or_default();
        let all = attributes.contains(&Attribute::All);
        let wants = |attribute: Attribute| all || attributes.contains(&attribute);
        Self {
            all_landmarks: all,
            age: wants(Attribute::AgeRange),
            gender: wants(Attribute::Gender),
            emotions: wants(Attribute::Emotions),
            smile: wants(Attribute::Smile),
            eyes_open: wants(Attribute::EyesOpen),
            mouth_open: wants(Attribute::MouthOpen),
        }
    }

    /// Whether the networks of age and gender have to run.
    pub(super) fn appearance(self) -> bool {
        self.age || self.gender
    }

    /// Whether the network of expressions has to run.
    pub(super) fn expression(self) -> bool {
        self.emotions || self.smile
    }
}

/// What is known of one face.
pub(super) struct Findings<'a> {
    pub(super) face: &'a Face,
    /// Missing if the face is small, a profile or covered.
    pub(super) mesh: Option<&'a Mesh>,
    /// Brightness and sharpness.
    pub(super) quality: (f32, f32),
    pub(super) appearance: Option<&'a Appearance>,
    pub(super) expression: Option<&'a Expression>,
}

/// Orders faces by their area, largest first, and keeps the first hundred.
pub(super) fn largest(mut faces: Vec<Face>) -> Vec<Face> {
    faces.sort_by(|a, b| b.bounds.area().total_cmp(&a.bounds.area()));
    faces.truncate(MOST_FACES);
    faces
}

/// A rectangle in ratios of a picture of this size. It may extend beyond the picture, as in Rekognition's responses.
pub(super) fn ratios(rect: &Rect, (width, height): (u32, u32)) -> RatioBox {
    let (width, height) = (width.max(1) as f32, height.max(1) as f32);
    RatioBox {
        left: rect.left / width,
        top: rect.top / height,
        width: rect.width() / width,
        height: rect.height() / height,
    }
}

impl Findings<'_> {
    pub(super) fn pose(&self) -> Pose {
        self.mesh
            .map_or_else(|| Pose::of_points(&self.face.points), Mesh::pose)
    }

    /// The face with the wanted attributes, in a picture of this size. What is not known is left out.
    pub(super) fn detail(&self, wanted: Wanted, size: (u32, u32)) -> FaceDetail {
        let pose = self.pose();
        let bounds: BoundingBox = ratios(&self.face.bounds, size).to_response();
        let (brightness, sharpness) = self.quality;
        let appearance = self.appearance;
        // Faces that look aside or are covered seem sad.
        let expression = self
            .expression
            .filter(|_| self.mesh.is_some() && pose.yaw.abs() <= TURNED);
        let mesh = self.mesh;
        FaceDetail {
            bounding_box: Some(bounds),
            confidence: Some(percent(100.0 * self.face.score)),
            landmarks: Some(self.landmarks(wanted.all_landmarks, size)),
            pose: Some(PoseMember {
                roll: Some(f64::from(pose.roll)),
                yaw: Some(f64::from(pose.yaw)),
                pitch: Some(f64::from(pose.pitch)),
            }),
            quality: Some(ImageQuality {
                brightness: Some(percent(brightness)),
                sharpness: Some(percent(sharpness)),
            }),
            age_range: appearance.filter(|_| wanted.age).map(Appearance::age_range),
            gender: appearance.filter(|_| wanted.gender).map(|appearance| {
                let (gender, confidence) = appearance.gender(self.face.bounds.width(), pose.yaw);
                GenderMember {
                    value: Some(gender.to_response()),
                    confidence: Some(percent(confidence)),
                }
            }),
            emotions: expression.filter(|_| wanted.emotions).map(emotions),
            smile: expression.filter(|_| wanted.smile).map(|expression| {
                let (value, confidence) = expression.smile();
                Smile {
                    value: Some(value),
                    confidence: Some(percent(confidence)),
                }
            }),
            eyes_open: mesh.filter(|_| wanted.eyes_open).map(|mesh| {
                let (value, confidence) = mesh.eyes_open();
                EyeOpen {
                    value: Some(value),
                    confidence: Some(percent(confidence)),
                }
            }),
            mouth_open: mesh.filter(|_| wanted.mouth_open).map(|mesh| {
                let (value, confidence) = mesh.mouth_open();
                MouthOpen {
                    value: Some(value),
                    confidence: Some(percent(confidence)),
                }
            }),
            ..FaceDetail::default()
        }
    }

    /// All landmarks of the mesh or its first five. Without a mesh, those that the detector finds.
    fn landmarks(&self, all: bool, (width, height): (u32, u32)) -> Vec<Landmark> {
        let most = if all { usize::MAX } else { DEFAULT_LANDMARKS };
        let points = self
            .mesh
            .map_or_else(|| detected(self.face), Mesh::landmarks);
        let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
        points
            .into_iter()
            .take(most)
            .map(|(kind, point)| Landmark {
                r#type: Some(kind),
                x: Some(f64::from(point.x) / width),
                y: Some(f64::from(point.y) / height),
            })
            .collect()
    }
}

fn detected(face: &Face) -> Vec<(LandmarkType, Point)> {
    let [left, right] = face.points.eyes;
    let mut points = vec![
        (LandmarkType::EyeLeft, left),
        (LandmarkType::EyeRight, right),
    ];
    if let Some([left, right]) = face.points.corners {
        points.push((LandmarkType::MouthLeft, left));
        points.push((LandmarkType::MouthRight, right));
    }
    points.push((LandmarkType::Nose, face.points.nose));
    points
}

fn emotions(expression: &Expression) -> Vec<Emotion> {
    let emotion = |(name, confidence)| Emotion {
        r#type: Some(name),
        confidence: Some(percent(confidence)),
    };
    expression.emotions().into_iter().map(emotion).collect()
}

fn percent(value: f32) -> f64 {
    f64::from(value.clamp(0.0, 100.0))
}

impl Gender {
    pub(super) fn to_response(self) -> GenderType {
        match self {
            Self::Male => GenderType::Male,
            Self::Female => GenderType::Female,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces::attributes::tests::appearance;
    use crate::faces::detection::Points;
    use crate::faces::expressions::tests::SMILING;
    use crate::faces::mesh::tests::mesh;
    use serde_json::{Value, json};

    fn face(left: f32, width: f32) -> Face {
        let at = |x: f32, y: f32| Point::new(left + x * width, 100.0 + y * width);
        Face {
            bounds: Rect {
                left,
                top: 100.0,
                right: left + width,
                bottom: 100.0 + width,
            },
            score: 0.995,
            points: Points {
                eyes: [at(0.3, 0.4), at(0.7, 0.4)],
                nose: at(0.5, 0.6),
                mouth: at(0.5, 0.8),
                corners: Some([at(0.35, 0.8), at(0.65, 0.8)]),
            },
        }
    }

    fn detail(attributes: &[Attribute], mesh: Option<&Mesh>) -> Value {
        let findings = Findings {
            face: &face(-20.0, 100.0),
            mesh,
            quality: (60.0, 80.0),
            appearance: Some(&appearance([30.0, 32.0], [0.1, 0.1])),
            expression: Some(&SMILING),
        };
        let wanted = Wanted::of(Some(attributes));
        serde_json::to_value(findings.detail(wanted, (400, 300))).unwrap()
    }

    fn members(value: &Value) -> Vec<&str> {
        value
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect()
    }

    const DEFAULT: [&str; 5] = ["BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"];

    #[test]
    fn nothing_requested_is_the_default() {
        assert_eq!(Wanted::of(None), Wanted::default());
        assert_eq!(Wanted::of(Some(&[Attribute::Default])), Wanted::default());
        let wanted = Wanted::of(Some(&[Attribute::Smile, Attribute::Beard]));
        assert!(wanted.expression() && !wanted.appearance() && !wanted.all_landmarks);
        let all = Wanted::of(Some(&[Attribute::Default, Attribute::All]));
        assert!(all.all_landmarks && all.appearance() && all.expression());
    }

    #[test]
    fn a_face_has_the_requested_members_and_the_default_ones() {
        let mesh = mesh(Pose::default(), 0.3, 0.0);
        let sorted = |mut of: Vec<&'static str>| {
            of.sort_unstable();
            of
        };
        assert_eq!(members(&detail(&[], Some(&mesh))), sorted(DEFAULT.to_vec()));
        let some = detail(&[Attribute::AgeRange, Attribute::MouthOpen], Some(&mesh));
        assert_eq!(
            members(&some),
            sorted([&DEFAULT[..], &["AgeRange", "MouthOpen"]].concat())
        );
        let all = detail(&[Attribute::All], Some(&mesh));
        let known = [
            "AgeRange",
            "Emotions",
            "EyesOpen",
            "Gender",
            "MouthOpen",
            "Smile",
        ];
        assert_eq!(members(&all), sorted([&DEFAULT[..], &known].concat()));
        assert_eq!(all["Landmarks"].as_array().unwrap().len(), 30);
        assert_eq!(some["Landmarks"].as_array().unwrap().len(), 5);
        assert_eq!(all["AgeRange"], json!({"Low": 23, "High": 41}));
        assert_eq!(all["Gender"]["Value"], "Female");
        assert_eq!(all["Emotions"][0]["Type"], "HAPPY");
        assert_eq!(all["Smile"]["Value"], true);
        assert_eq!(all["EyesOpen"]["Value"], true);
    }

    #[test]
    fn a_box_may_extend_beyond_the_picture() {
        let bounds = detail(&[], None)["BoundingBox"].clone();
        let at = |member: &str| (1e4 * bounds[member].as_f64().unwrap()).round() / 1e4;
        assert_eq!(at("Left"), -0.05);
        assert_eq!(at("Top"), 0.3333);
        assert_eq!((at("Width"), at("Height")), (0.25, 0.3333));
    }

    #[test]
    fn a_face_without_a_mesh_has_the_points_of_the_detector_and_no_emotions() {
        let all = detail(&[Attribute::All], None);
        let kinds: Vec<_> = all["Landmarks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|l| l["Type"].as_str().unwrap())
            .collect();
        assert_eq!(
            kinds,
            ["eyeLeft", "eyeRight", "mouthLeft", "mouthRight", "nose"]
        );
        for absent in ["Emotions", "Smile", "EyesOpen", "MouthOpen"] {
            assert!(all.get(absent).is_none(), "{absent}");
        }
        assert!(all.get("Gender").is_some());
    }

    #[test]
    fn a_face_that_looks_aside_has_no_emotions() {
        let aside = Pose {
            yaw: 50.0,
            ..Pose::default()
        };
        let all = detail(&[Attribute::All], Some(&mesh(aside, 0.3, 0.0)));
        assert!(all.get("Emotions").is_none() && all.get("EyesOpen").is_some());
        assert!(all["Gender"]["Confidence"].as_f64().unwrap() < 80.0);
    }

    #[test]
    fn the_hundred_largest_faces_are_ordered_by_size() {
        let faces = (0..120u8).map(|n| face(0.0, 20.0 + f32::from(n))).collect();
        let largest = largest(faces);
        assert_eq!(largest.len(), 100);
        assert_eq!(largest[0].bounds.width(), 139.0);
        assert_eq!(largest[99].bounds.width(), 40.0);
    }
}
