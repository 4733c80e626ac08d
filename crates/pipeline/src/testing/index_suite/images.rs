//! Sample images, built from result documents as the processor writes them.

use std::ops::Range;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339, macros::datetime};

use crate::{ResultDocument, index::Entry};

/// The upload time of the first image.
pub(super) const START: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

/// An image and the content of its document.
#[derive(Debug, Clone)]
pub struct Image {
    pub key: String,
    pub e_tag: String,
    pub sequencer: Option<String>,
    pub uploaded: OffsetDateTime,
    pub processed: OffsetDateTime,
    pub status: &'static str,
    /// Name, confidence, category.
    pub labels: Vec<(String, f64, Option<&'static str>)>,
    /// Lowest and highest age, emotion.
    pub faces: Vec<(u32, u32, &'static str)>,
    pub filename: String,
    /// Lines of text.
    pub text: Vec<String>,
    /// Colours with their share in percent.
    pub colors: Vec<(&'static str, f64)>,
    pub taken: Option<String>,
}

/// Other names of labels.
fn aliases(label: &str) -> &'static [&'static str] {
    match label {
        "Car" => &["Automobile", "Auto"],
        "Person" => &["Human"],
        _ => &[],
    }
}

impl Image {
    pub fn new(key: &str, second: i64) -> Self {
        Self {
            key: key.to_owned(),
            e_tag: format!("e{second}"),
            sequencer: Some(format!("{second:010X}")),
            uploaded: START + Duration::seconds(second),
            processed: START + Duration::seconds(second + 3),
            status: "succeeded",
            labels: Vec::new(),
            faces: Vec::new(),
            filename: "holiday ö.jpg".to_owned(),
            text: Vec::new(),
            colors: Vec::new(),
            taken: None,
        }
    }

    pub fn label(mut self, name: &str, confidence: f64, category: Option<&'static str>) -> Self {
        self.labels.push((name.to_owned(), confidence, category));
        self
    }

    pub fn face(mut self, low: u32, high: u32, emotion: &'static str) -> Self {
        self.faces.push((low, high, emotion));
        self
    }

    pub fn document(&self) -> Value {
        let faces: Vec<Value> = self
            .faces
            .iter()
            .map(|(low, high, emotion)| {
                json!({
                    "Confidence": 99.5,
                    "AgeRange": {"Low": low, "High": high},
                    "Emotions": [{"Type": emotion, "Confidence": 88.5}],
                })
            })
            .collect();
        let labels: Vec<Value> = self
            .labels
            .iter()
            .map(|(name, confidence, category)| {
                let categories: Vec<Value> = category
                    .iter()
                    .map(|name| json!({ "Name": name }))
                    .collect();
                let aliases: Vec<Value> = (aliases(name).iter())
                    .map(|name| json!({ "Name": name }))
                    .collect();
                json!({"Name": name, "Confidence": confidence, "Categories": categories, "Aliases": aliases})
            })
            .collect();
        let text: Vec<Value> = (self.text.iter())
            .map(|line| json!({"Type": "LINE", "DetectedText": line}))
            .collect();
        let colors: Vec<Value> = (self.colors.iter())
            .map(|(name, percent)| json!({"SimplifiedColor": name, "PixelPercent": percent}))
            .collect();
        json!({
            "schemaVersion": 1,
            "imageId": "5fbb5b9e-6d0f-4f9e-9d4f-0a3e0c1d2b3a",
            "status": self.status,
            "source": {
                "bucket": "in-put",
                "key": self.key,
                "eTag": self.e_tag,
                "size": 4096,
                "contentType": "image/jpeg",
                "filename": self.filename,
                "lastModified": self.uploaded.format(&Rfc3339).unwrap(),
                "sequencer": self.sequencer,
            },
            "image": {"format": "jpeg", "width": 640, "height": 480, "orientation": 1, "takenAt": self.taken},
            // Without the emotions and ages, as in older documents.
            "summary": {"faces": {"count": faces.len(), "emotions": []}},
            "rekognition": {
                "detectLabels": {"Labels": labels, "ImageProperties": {"DominantColors": colors}},
                "detectFaces": {"FaceDetails": faces},
                "detectText": {"TextDetections": text},
            },
            "thumbnail": {"key": format!("thumbnails/{}.jpg", self.key), "width": 128, "height": 96},
            "analyses": ["labels", "faces"],
            "timings": {"prepareMs": 1, "recogniseMs": 2, "totalMs": 3},
            "processedAt": self.processed.format(&Rfc3339).unwrap(),
            "processorVersion": "0.1.0",
        })
    }

    pub fn entry(&self) -> Entry {
        let document: ResultDocument = serde_json::from_value(self.document()).unwrap();
        Entry::from_document(&document)
    }
}

/// A few images with different owners, statuses and labels. Some share an upload time.
pub(super) fn sample_images() -> Vec<Image> {
    const ANIMALS: Option<&str> = Some("Animals and Pets");
    const VEHICLES: Option<&str> = Some("Vehicles and Automotive");
    let mut images = Vec::new();
    for number in 0..24_i64 {
        let key = match number % 4 {
            0 => format!("uploads/{number}.jpg"),
            1 => format!("uploads/ann/{number}.jpg"),
            2 => format!("uploads/bob/with#marks and ö/{number}.jpg"),
            _ => format!("inline/ann/{number}.png"),
        };
        // Three share each second.
        let mut image = Image::new(&key, number / 3);
        image.sequencer = Some(format!("{number:04X}"));
        if number % 2 == 0 {
            image = image
                .label("Dog", 60.0 + number as f64, ANIMALS)
                .label("Pet", 55.5, ANIMALS);
        }
        if number % 3 == 0 {
            image = image.label("Car", 99.876_54, VEHICLES);
        }
        if number % 5 == 0 {
            image = image
                .label("Wheel", 70.0, VEHICLES)
                .label("Outdoors", 80.25, None);
        }
        if number % 3 != 2 {
            image = image.face(20 + number as u32, 28 + number as u32, "HAPPY");
        }
        if number % 4 == 1 {
            image = image.face(2, 6, "CALM").face(60, 70, "UNKNOWN");
        }
        if number % 4 == 2 {
            image.text = vec!["Fire EXIT".to_owned(), format!("room {number}")];
            image.colors = vec![("blue", 60.0), ("grey", 8.0), ("red", 4.0)];
        }
        if number % 6 == 1 {
            image.taken = Some(format!("2026-02-{:02}T10:00:00", 28 - number));
        }
        if number % 7 == 0 {
            image.status = "failed";
            image.labels.clear();
            image.faces.clear();
        } else if number % 11 == 0 {
            image.status = "partial";
        }
        images.push(image);
    }
    images
}

pub fn sample_entries() -> Vec<Entry> {
    sample_images().iter().map(Image::entry).collect()
}

/// Many images: every tenth shows a dog, every hundredth is Ann's, another hundredth shows a face, and four share each
/// second.
pub fn many_entries(count: usize) -> Vec<Entry> {
    (0..count).map(|number| numbered_entry(number, 0)).collect()
}

pub(super) fn numbered_entry(number: usize, later: i64) -> Entry {
    let key = if number.is_multiple_of(100) {
        format!("uploads/ann/{number:06}.jpg")
    } else {
        format!("uploads/{number:06}.jpg")
    };
    let second = later + i64::try_from(number / 4).unwrap();
    let label = if number.is_multiple_of(10) {
        "Dog"
    } else {
        "Sky"
    };
    let confidence = 55.0 + (number % 45) as f64;
    let image = Image::new(&key, second).label(label, confidence, None);
    if number % 100 == 1 {
        image.face(20, 28, "CALM").entry()
    } else {
        image.entry()
    }
}

/// An image with one label for each number.
pub fn labelled(key: &str, sequencer: &str, numbers: Range<usize>) -> Entry {
    let mut image = Image::new(key, 0);
    image.sequencer = Some(sequencer.to_owned());
    image.e_tag = sequencer.to_owned();
    for number in numbers {
        image = image.label(&format!("Thing {number}"), 60.0, None);
    }
    image.entry()
}
