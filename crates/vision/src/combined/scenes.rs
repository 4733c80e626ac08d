//! How far the embedded model is believed beside better recognisers.
//!
//! Its objects, persons, garments and groceries were learned from pictures of one thing, and fire on photographs of others.
//! Its scenes are good where another recogniser sees what belongs there.

/// What a label of the embedded model is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scene {
    pub(super) label: &'static str,
    /// The share of its confidence that remains if nothing else speaks for it.
    pub(super) alone: f32,
    /// Labels of other recognisers that speak for it.
    pub(super) with: &'static [&'static str],
}

/// The share of its confidence that a confirmed label keeps.
pub(super) const CONFIRMED: f32 = 0.95;
/// The confidence from which a label confirms another, in percent.
pub(super) const CONFIRMS: f32 = 50.0;

/// The confidence that a label which nothing confirms has at most keeps it below Rekognition's default of 55.
const SILENT: f32 = 0.5;

const fn scene(label: &'static str, with: &'static [&'static str]) -> Scene {
    Scene {
        label,
        alone: SILENT,
        with,
    }
}

const TRAFFIC: &[&str] = &["Car", "Bus", "Traffic Light", "Stopsign", "Parking Meter"];

/// Scenes, and what belongs in them.
pub(super) const SCENES: &[Scene] = &[
    scene("Beach", &["Surfboard", "Coast", "Shoreline", "Kite"]),
    scene("Sea", &["Surfboard", "Boat", "Coast", "Shoreline"]),
    scene("Snow", &["Skis", "Snowboard", "Snow", "Ice"]),
    scene("Mountain", &["Mountain", "Skis", "Snowboard"]),
    scene("Street", TRAFFIC),
    scene("Road", TRAFFIC),
    scene("City", &["Bus", "Traffic Light", "Parking Meter"]),
    scene("Building", &["Building", "Architecture"]),
    scene("Lake", &["Boat", "Lake"]),
    scene(
        "Kitchen",
        &["Oven", "Refrigerator", "Microwave", "Sink", "Toaster"],
    ),
    scene("Bathroom", &["Toilet", "Sink", "Toothbrush", "Bathtub"]),
    scene("Bedroom", &["Bed"]),
    scene("Living Room", &["Couch", "TV"]),
    scene("Restaurant", &["Restaurant", "Wine Glass"]),
    scene("Desk", &["Laptop", "Computer Keyboard", "Mouse"]),
    scene("Airport", &["Airplane"]),
    scene("Train Station", &["Train"]),
    scene("Parking Lot", &["Car", "Parking Meter"]),
    scene("Food", &["Food"]),
    scene("Baseball", &["Baseball Bat", "Baseball Glove"]),
    scene("Tennis", &["Tennis Racket"]),
    scene("Soccer", &["Ball"]),
    scene("Skiing", &["Skis"]),
    scene("Snowboarding", &["Snowboard"]),
    scene("Surfing", &["Surfboard"]),
    scene("Skateboarding", &["Skateboard"]),
];

/// Labels about persons. The embedded model takes women for men; only faces tell.
pub(super) const PERSONS: &[&str] = &["Man", "Woman", "Child", "Baby", "Face", "Crowd"];
