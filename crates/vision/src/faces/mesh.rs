//! Face mesh: 468 points of a face in three dimensions (Kartynnik et al., *Real-time Facial Surface Geometry from Monocular
//! Video on Mobile GPUs*, 2019).
//!
//! The input is [1, 192, 192, 3], RGB, 0..=1: a square around the face that is 1.6 times as large as its box and turned so that
//! the eyes are level. The outputs are the points in input pixels [1404], where depth has the same unit and grows away from the
//! camera, and the probability that the square shows a face.

use rekognition_model::LandmarkType;

use super::align::{Levels, Similarity};
use super::detection::Face;
use super::geometry::Point;
use super::network::{Network, Outputs};
use super::pose::{Point3, Pose};
use crate::models::InstalledModel;
use crate::{ModelError, VisionError};

const SIDE: usize = 192;
const POINTS: usize = 468;
/// The square's side relative to the face's box.
const MARGIN: f32 = 1.6;
/// Faces with a lower probability are not described by the mesh: profiles and covered faces.
const CERTAIN: f32 = 0.5;
/// The mesh of a face that looks straight into the camera has this pitch, in degrees.
const PITCH_OFFSET: f32 = -11.0;
/// An eye's height as a share of its width below which it is closed.
const CLOSED_EYE: f32 = 0.2;
/// The gap between the lips as a share of the mouth's width above which it is open.
const OPEN_MOUTH: f32 = 0.15;

/// Indices of points. Left and right are as the picture is seen.
mod at {
    pub(super) const FOREHEAD: usize = 10;
    pub(super) const CHIN: usize = 152;
    pub(super) const LEFT_CHEEK: usize = 234;
    pub(super) const RIGHT_CHEEK: usize = 454;
    /// Outer corner, inner corner, middle of the upper lid, middle of the lower lid.
    pub(super) const LEFT_EYE: [usize; 4] = [33, 133, 159, 145];
    pub(super) const RIGHT_EYE: [usize; 4] = [263, 362, 386, 374];
    /// Left corner, right corner, inner edge of the upper lip, inner edge of the lower lip.
    pub(super) const MOUTH: [usize; 4] = [78, 308, 13, 14];
}

/// The points of the mesh whose middle is a landmark, in the order of Rekognition's responses. The first five are the default.
///
/// The mesh has no pupils. Rekognition's responses have the same position for an eye and its pupil; so have these.
const LANDMARKS: [(LandmarkType, &[usize]); 30] = [
    (LandmarkType::EyeLeft, &at::LEFT_EYE),
    (LandmarkType::EyeRight, &at::RIGHT_EYE),
    (LandmarkType::MouthLeft, &[61]),
    (LandmarkType::MouthRight, &[291]),
    (LandmarkType::Nose, &[1, 4]),
    (LandmarkType::LeftEyeBrowLeft, &[70, 46]),
    (LandmarkType::LeftEyeBrowRight, &[107, 55]),
    (LandmarkType::LeftEyeBrowUp, &[105]),
    (LandmarkType::RightEyeBrowLeft, &[336, 285]),
    (LandmarkType::RightEyeBrowRight, &[300, 276]),
    (LandmarkType::RightEyeBrowUp, &[334]),
    (LandmarkType::LeftEyeLeft, &[33]),
    (LandmarkType::LeftEyeRight, &[133]),
    (LandmarkType::LeftEyeUp, &[159]),
    (LandmarkType::LeftEyeDown, &[145]),
    (LandmarkType::RightEyeLeft, &[362]),
    (LandmarkType::RightEyeRight, &[263]),
    (LandmarkType::RightEyeUp, &[386]),
    (LandmarkType::RightEyeDown, &[374]),
    (LandmarkType::NoseLeft, &[98]),
    (LandmarkType::NoseRight, &[327]),
    (LandmarkType::MouthUp, &[0]),
    (LandmarkType::MouthDown, &[17]),
    (LandmarkType::LeftPupil, &at::LEFT_EYE),
    (LandmarkType::RightPupil, &at::RIGHT_EYE),
    (LandmarkType::UpperJawlineLeft, &[127]),
    (LandmarkType::MidJawlineLeft, &[58]),
    (LandmarkType::ChinBottom, &[152]),
    (LandmarkType::MidJawlineRight, &[288]),
    (LandmarkType::UpperJawlineRight, &[356]),
];

pub(super) struct FaceMesh {
    network: Network,
}

/// The points of one face, in pixels of the upright copy of the picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mesh {
    points: Vec<Point3>,
}

impl FaceMesh {
    /// # Errors
    /// `Read` and `Onnx`.
    pub(super) fn open(model: &InstalledModel) -> Result<Self, ModelError> {
        let network = Network::open(model, "facemesh.onnx")?;
        Ok(Self { network })
    }

    /// The mesh of a face; `None` if the network is not certain that the square shows one.
    ///
    /// # Errors
    /// `Internal`.
    pub(super) fn fit(&self, levels: &Levels, face: &Face) -> Result<Option<Mesh>, VisionError> {
        let to_picture = Similarity::square(
            SIDE,
            face.bounds.centre(),
            MARGIN * face.bounds.longer_side(),
            face.points.tilt(),
        );
        let mut values = Vec::with_capacity(SIDE * SIDE * 3);
        levels
            .cut(&to_picture, SIDE, SIDE)
            .push_rows(&mut values, |pixel| pixel.map(|v| v / 255.0));
        let found = self.network.run(&[1, SIDE, SIDE, 3], &values)?;
        read(&found, &to_picture)
    }
}

fn read(outputs: &Outputs, to_picture: &Similarity) -> Result<Option<Mesh>, VisionError> {
    let flag = outputs.with(1)?.first().copied().unwrap_or_default();
    if flag.is_nan() || flag < CERTAIN {
        return Ok(None);
    }
    let scale = to_picture.scale();
    let points = outputs.with(3 * POINTS)?.chunks_exact(3).filter_map(|xyz| {
        let [x, y, z] = *xyz else { return None };
        let flat = to_picture.apply(Point::new(x, y));
        Some(Point3 {
            x: flat.x,
            y: flat.y,
            z: z * scale,
        })
    });
    Ok(Some(Mesh {
        points: points.collect(),
    }))
}

impl Mesh {
    fn point(&self, index: usize) -> Point3 {
        self.points.get(index).copied().unwrap_or_default()
    }

    fn mean(&self, indices: &[usize]) -> Point {
        let n = indices.len().max(1) as f32;
        let sum = indices.iter().fold(Point::default(), |sum, index| {
            let point = self.point(*index);
            Point::new(sum.x + point.x, sum.y + point.y)
        });
        Point::new(sum.x / n, sum.y / n)
    }

    /// All landmarks. The first five are Rekognition's default.
    pub(super) fn landmarks(&self) -> Vec<(LandmarkType, Point)> {
        LANDMARKS
            .iter()
            .map(|(kind, indices)| (kind.clone(), self.mean(indices)))
            .collect()
    }

    pub(super) fn pose(&self) -> Pose {
        let [left_outer, ..] = at::LEFT_EYE;
        let [right_outer, ..] = at::RIGHT_EYE;
        let left = self.point(at::LEFT_CHEEK).middle(self.point(left_outer));
        let right = self.point(at::RIGHT_CHEEK).middle(self.point(right_outer));
        let down = self.point(at::CHIN).minus(self.point(at::FOREHEAD));
        let pose = Pose::of_axes(right.minus(left), down);
        Pose {
            pitch: pose.pitch - PITCH_OFFSET,
            ..pose
        }
    }

    /// Height divided by width of an opening: two corners, then the middle of its upper and lower edge.
    fn opening(&self, [from, to, upper, lower]: [usize; 4]) -> f32 {
        let distance = |a: usize, b: usize| {
            let (a, b) = (self.point(a), self.point(b));
            a.flat().distance(b.flat())
        };
        distance(upper, lower) / distance(from, to).max(1e-3)
    }

    /// Whether the eyes are open, and the confidence in percent.
    pub(super) fn eyes_open(&self) -> (bool, f32) {
        let ratio = (self.opening(at::LEFT_EYE) + self.opening(at::RIGHT_EYE)) / 2.0;
        (ratio >= CLOSED_EYE, certainty(ratio, CLOSED_EYE))
    }

    /// Whether the mouth is open, and the confidence in percent.
    pub(super) fn mouth_open(&self) -> (bool, f32) {
        let ratio = self.opening(at::MOUTH);
        (ratio >= OPEN_MOUTH, certainty(ratio, OPEN_MOUTH))
    }
}

/// The confidence in percent that a ratio is on its side of the limit: 50 at the limit, at most 95, since the limits were not
/// calibrated on photographs with known answers.
fn certainty(ratio: f32, limit: f32) -> f32 {
    let distance = (ratio - limit).abs() / limit;
    50.0 + 45.0 * distance.min(1.0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::faces::pose::tests::turned;

    /// A mesh of a head in the given pose whose eyes and mouth are open by these ratios. 100 pixels are between the cheeks.
    pub(in crate::faces) fn mesh(pose: Pose, eyes: f32, mouth: f32) -> Mesh {
        let mut points = vec![Point3::default(); POINTS];
        let mut set = |index: usize, x: f32, y: f32, z: f32| {
            let point = turned(Point3 { x, y, z }, pose);
            points[index] = Point3 {
                x: 300.0 + point.x,
                y: 200.0 + point.y,
                z: point.z,
            };
        };
        let tilt = PITCH_OFFSET.to_radians();
        set(at::FOREHEAD, 0.0, -60.0 * tilt.cos(), 60.0 * tilt.sin());
        set(at::CHIN, 0.0, 60.0 * tilt.cos(), -60.0 * tilt.sin());
        set(at::LEFT_CHEEK, -50.0, 0.0, 0.0);
        set(at::RIGHT_CHEEK, 50.0, 0.0, 0.0);
        for (eye, side) in [(at::LEFT_EYE, -1.0), (at::RIGHT_EYE, 1.0)] {
            set(eye[0], side * 30.0, -20.0, 0.0);
            set(eye[1], side * 10.0, -20.0, 0.0);
            set(eye[2], side * 20.0, -20.0 - 10.0 * eyes, 0.0);
            set(eye[3], side * 20.0, -20.0 + 10.0 * eyes, 0.0);
        }
        set(at::MOUTH[0], -15.0, 30.0, 0.0);
        set(at::MOUTH[1], 15.0, 30.0, 0.0);
        set(at::MOUTH[2], 0.0, 30.0 - 15.0 * mouth, 0.0);
        set(at::MOUTH[3], 0.0, 30.0 + 15.0 * mouth, 0.0);
        Mesh { points }
    }

    #[test]
    fn a_known_turn_of_the_head_is_found() {
        for (roll, yaw, pitch) in [
            (0.0, 0.0, 0.0),
            (12.0, 0.0, 0.0),
            (0.0, 35.0, 0.0),
            (0.0, 0.0, 15.0),
            (-10.0, -25.0, -15.0),
        ] {
            let pose = Pose { roll, yaw, pitch };
            let found = mesh(pose, 0.3, 0.0).pose();
            assert!((found.roll - roll).abs() < 0.1, "{pose:?}: {found:?}");
            assert!((found.yaw - yaw).abs() < 0.1, "{pose:?}: {found:?}");
            assert!((found.pitch - pitch).abs() < 0.1, "{pose:?}: {found:?}");
        }
    }

    #[test]
    fn eyes_and_mouth_are_open_above_their_limits() {
        let pose = Pose {
            roll: 20.0,
            ..Pose::default()
        };
        let (open, confidence) = mesh(pose, 0.5, 0.0).eyes_open();
        assert!(open && (confidence - 95.0).abs() < 1e-3);
        assert!(!mesh(pose, 0.1, 0.0).eyes_open().0);
        let (open, confidence) = mesh(pose, 0.21, 0.0).eyes_open();
        assert!(open && confidence > 50.0 && confidence < 55.0);
        assert!(mesh(pose, 0.3, 0.6).mouth_open().0);
        let (open, confidence) = mesh(pose, 0.3, 0.0).mouth_open();
        assert!(!open && (confidence - 95.0).abs() < 1e-3);
    }

    #[test]
    fn every_landmark_of_rekognition_occurs_once() {
        let mut kinds: Vec<_> = LANDMARKS.iter().map(|l| l.0.as_str().to_owned()).collect();
        let mut known: Vec<_> = LandmarkType::KNOWN
            .iter()
            .map(|k| k.as_str().to_owned())
            .collect();
        kinds.sort();
        known.sort();
        assert_eq!(kinds, known);
        let eyes = mesh(Pose::default(), 0.3, 0.0).landmarks();
        assert_eq!(eyes[0].1, Point::new(280.0, 180.0));
        assert_eq!(eyes[1].1, Point::new(320.0, 180.0));
    }

    #[test]
    fn points_are_placed_in_the_picture_and_uncertain_faces_have_none() {
        let to_picture = Similarity::square(SIDE, Point::new(400.0, 300.0), 384.0, 0.0);
        let output = |flag: f32| {
            let mut values = vec![0.0; 3 * POINTS];
            values[3..6].copy_from_slice(&[96.0, 48.0, -10.0]);
            Outputs::of(vec![vec![0.0; 266], vec![flag], values])
        };
        let mesh = read(&output(0.9), &to_picture).unwrap().unwrap();
        let nose = mesh.point(1);
        assert_eq!((nose.x, nose.y, nose.z), (400.0, 204.0, -20.0));
        assert_eq!(read(&output(0.3), &to_picture).unwrap(), None);
    }
}
