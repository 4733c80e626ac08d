//! The direction of a head.
//!
//! Angles are degrees with Rekognition's signs, which its documentation leaves open; published responses show them: roll is
//! positive if the head is turned clockwise, yaw if the nose points to the right, and pitch if it points up, all as the picture
//! is seen.

use super::detection::Points;
use super::geometry::Point;

/// The direction of a head, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Pose {
    pub(super) roll: f32,
    pub(super) yaw: f32,
    pub(super) pitch: f32,
}

/// A point with its depth in the same unit. Depth grows away from the camera.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Point3 {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) z: f32,
}

impl Point3 {
    pub(super) fn flat(self) -> Point {
        Point::new(self.x, self.y)
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self {
            x: self.x - other.x,
            y: self.y - other.y,
            z: self.z - other.z,
        }
    }

    pub(super) fn middle(self, other: Self) -> Self {
        Self {
            x: (self.x + other.x) / 2.0,
            y: (self.y + other.y) / 2.0,
            z: (self.z + other.z) / 2.0,
        }
    }

    fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    fn scaled(self, by: f32) -> Self {
        Self {
            x: self.x * by,
            y: self.y * by,
            z: self.z * by,
        }
    }

    fn unit(self) -> Self {
        self.scaled(1.0 / self.dot(self).sqrt().max(f32::EPSILON))
    }
}

/// The distances of an adult face, in units of the distance between the eyes: the nose's tip before the eyes and below them,
/// and the mouth before the eyes and below them. With these values the estimate differs from the mesh by 4 to 5 degrees on
/// average.
const NOSE_DEPTH: f32 = 0.6;
const NOSE_DROP: f32 = 0.6;
const MOUTH_DEPTH: f32 = 0.08;
const MOUTH_DROP: f32 = 1.03;
/// Angles beyond this one cannot be told from five points.
const STEEPEST: f32 = 90.0;

impl Pose {
    /// From two vectors of a head: `right` from its left side to its right one, as the picture is seen, and `down` from
    /// forehead to chin.
    ///
    /// The head is turned in the order pitch, yaw, roll.
    pub(super) fn of_axes(right: Point3, down: Point3) -> Self {
        let right = right.unit();
        let down = down.minus(right.scaled(right.dot(down))).unit();
        let into = right.x * down.y - right.y * down.x;
        let degrees = |y: f32, x: f32| y.atan2(x).to_degrees();
        Self {
            roll: degrees(right.y, right.x),
            yaw: degrees(right.z, right.x.hypot(right.y)),
            pitch: degrees(-down.z, into),
        }
    }

    /// A rough estimate from the eyes, the nose and the mouth: how far the nose's tip is from where it would be if the head
    /// faced the camera.
    pub(super) fn of_points(points: &Points) -> Self {
        let [left, right] = points.eyes;
        let roll = left.angle_to(right);
        let origin = left.middle(right);
        let (sin, cos) = roll.sin_cos();
        // Upright, with the middle of the eyes at (0, 0).
        let upright = |p: Point| {
            let (x, y) = (p.x - origin.x, p.y - origin.y);
            Point::new(x * cos + y * sin, y * cos - x * sin)
        };
        let (nose, mouth) = (upright(points.nose), upright(points.mouth));
        let along = nose.y / mouth.y.max(1e-3);
        let aside = nose.x - mouth.x * along.clamp(0.0, 1.0);
        let yaw = (aside / NOSE_DEPTH).atan2(left.distance(right));
        // nose.y / mouth.y = (drop - depth t) / (drop' - depth' t), where t is the tangent of the pitch.
        let tangent =
            (NOSE_DROP - MOUTH_DROP * along) / (NOSE_DEPTH - MOUTH_DEPTH * along).max(1e-3);
        let limited = |angle: f32| angle.to_degrees().clamp(-STEEPEST, STEEPEST);
        Self {
            roll: roll.to_degrees(),
            yaw: limited(yaw),
            pitch: limited(tangent.atan()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Turns a point of a head that faces the camera: first pitch, then yaw, then roll.
    pub(in crate::faces) fn turned(point: Point3, pose: Pose) -> Point3 {
        let (pitch, yaw, roll) = (
            pose.pitch.to_radians(),
            pose.yaw.to_radians(),
            pose.roll.to_radians(),
        );
        let Point3 { x, y, z } = point;
        // Up: what is in front (negative z) goes up (negative y).
        let (y, z) = (
            y * pitch.cos() + z * pitch.sin(),
            -y * pitch.sin() + z * pitch.cos(),
        );
        // To the right: what is in front goes right.
        let (x, z) = (x * yaw.cos() - z * yaw.sin(), x * yaw.sin() + z * yaw.cos());
        Point3 {
            x: x * roll.cos() - y * roll.sin(),
            y: x * roll.sin() + y * roll.cos(),
            z,
        }
    }

    fn near(a: Pose, b: Pose, most: f32) -> bool {
        (a.roll - b.roll).abs() < most
            && (a.yaw - b.yaw).abs() < most
            && (a.pitch - b.pitch).abs() < most
    }

    const POSES: [Pose; 5] = [
        Pose {
            roll: 0.0,
            yaw: 0.0,
            pitch: 0.0,
        },
        Pose {
            roll: 15.0,
            yaw: 0.0,
            pitch: 0.0,
        },
        Pose {
            roll: 0.0,
            yaw: 30.0,
            pitch: 0.0,
        },
        Pose {
            roll: 0.0,
            yaw: 0.0,
            pitch: -20.0,
        },
        Pose {
            roll: -25.0,
            yaw: -40.0,
            pitch: 12.0,
        },
    ];

    fn at(x: f32, y: f32, z: f32) -> Point3 {
        Point3 { x, y, z }
    }

    #[test]
    fn a_known_turn_of_the_axes_is_found() {
        for pose in POSES {
            let right = turned(at(7.0, 0.0, 0.0), pose);
            // The second axis need not be perpendicular to the first.
            let down = turned(at(0.5, 9.0, 0.0), pose);
            let found = Pose::of_axes(right, down);
            assert!(near(found, pose, 0.01), "{pose:?}: {found:?}");
        }
    }

    #[test]
    fn the_nose_shows_where_a_head_is_turned() {
        let down = 1.0;
        for pose in POSES {
            let place = |x, y, z| turned(at(x, y, z), pose).flat();
            let points = Points {
                eyes: [place(-0.5, 0.0, 0.0), place(0.5, 0.0, 0.0)],
                nose: place(0.0, NOSE_DROP * down, -NOSE_DEPTH),
                mouth: place(0.0, MOUTH_DROP * down, -MOUTH_DEPTH),
                corners: None,
            };
            let found = Pose::of_points(&points);
            assert!(near(found, pose, 12.0), "{pose:?}: {found:?}");
        }
    }
}
