//! The table of `sightline search`.

use std::io;

use serde_json::Value;
use sightline_pipeline::{index::MAX_ROW_LABELS, prepare::size::mib};

use crate::{
    output::{self, When},
    table::{Step, Table, Tone},
};

/// The columns.
const NAMES: [&str; 9] = [
    "KEY",
    "UPLOADED",
    "STATUS",
    "CONFIDENCE",
    "LABELS",
    "FILE",
    "FACES",
    "TAKEN",
    "SIZE",
];

/// How the table fits a narrow terminal. The key comes last, because other commands take it.
const STEPS: [Step; 12] = [
    Step::Items(4, 24),
    Step::End(5, 16),
    Step::Day(1),
    Step::Day(7),
    Step::Hide(8),
    Step::Items(6, 12),
    Step::Hide(7),
    Step::Hide(1),
    Step::Hide(2),
    Step::Items(4, 14),
    Step::End(5, 12),
    Step::End(0, 20),
];

/// The found pictures.
pub(crate) struct SearchTable(Table);

impl SearchTable {
    /// A table without pictures.
    pub(crate) fn new() -> Self {
        Self(Table::new(&NAMES).fit_by(&STEPS))
    }

    /// Adds an element of `images` of `GET /images`.
    pub(crate) fn add(&mut self, image: &Value) {
        self.0.row(row(image).map(|field| (field, Tone::Plain)));
    }

    /// Writes the table to standard output.
    ///
    /// # Errors
    /// When standard output cannot be written. A closed pipe is no error.
    pub(crate) fn print(&self, color: When) -> io::Result<()> {
        self.0.print(color)
    }
}

fn row(image: &Value) -> [String; 9] {
    let text = |member: &str| {
        image
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let confidence = image
        .get("confidence")
        .and_then(Value::as_f64)
        .map_or_else(String::new, |percent| format!("{percent:.1}"));
    // In the order of the service, the telling ones first.
    let labels: Vec<_> = image
        .get("labels")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|label| {
            Some((
                label.get("name")?.as_str()?,
                label.get("confidence")?.as_f64()?,
            ))
        })
        .collect();
    let size = image.get("size").and_then(Value::as_u64);
    [
        text("key"),
        text("uploadedAt"),
        text("status"),
        confidence,
        output::labels(&labels, labels.len() < MAX_ROW_LABELS),
        text("filename"),
        faces(image),
        text("takenAt"),
        size.map_or_else(String::new, mib),
    ]
}

/// The number of faces with their emotions and ages, such as `2: Happy, 2-6 and 30-38 years`; empty without faces.
fn faces(image: &Value) -> String {
    let count = image.get("faces").and_then(Value::as_u64).unwrap_or(0);
    if count == 0 {
        return String::new();
    }
    let list = |member: &str| image.get(member).and_then(Value::as_array);
    let emotions = (list("emotions").into_iter().flatten()).filter_map(Value::as_str);
    let mut details: Vec<_> = emotions.map(str::to_owned).collect();
    let year = |ages: &Value, end: &str| ages.get(end).and_then(Value::as_u64);
    let ages: Vec<_> = (list("ages").into_iter().flatten())
        .filter_map(|ages| Some(format!("{}-{}", year(ages, "low")?, year(ages, "high")?)))
        .collect();
    if !ages.is_empty() {
        details.push(format!("{} years", ages.join(" and ")));
    }
    if details.is_empty() {
        count.to_string()
    } else {
        format!("{count}: {}", details.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_shows_the_labels_of_the_picture() {
        let image = json!({"key": "uploads/a.jpg", "uploadedAt": "2026-01-01T12:00:00Z", "status": "succeeded",
            "confidence": 97.25, "labels": [{"name": "Dog", "confidence": 97.25}, {"name": "Pet", "confidence": 61.0}],
            "takenAt": "2025-12-24T18:00:00+01:00", "size": 183_421});
        assert_eq!(
            row(&image),
            [
                "uploads/a.jpg",
                "2026-01-01T12:00:00Z",
                "succeeded",
                "97.2",
                "Dog 97%, Pet 61%",
                "",
                "",
                "2025-12-24T18:00:00+01:00",
                "179.1 KiB",
            ]
        );
        let image = json!({"faces": 3, "emotions": ["Happy", "Calm"],
            "ages": [{"low": 2, "high": 6}, {"low": 30, "high": 38}]});
        assert_eq!(row(&image)[6], "3: Happy, Calm, 2-6 and 30-38 years");
        assert_eq!(row(&json!({"faces": 1, "emotions": []}))[6], "1");
        assert_eq!(row(&json!({"faces": 0}))[6], "");
        assert_eq!(row(&json!({}))[0], "");
    }

    #[test]
    fn labels_that_do_not_fit_are_counted() {
        let shown = |number: usize| {
            let labels: Vec<_> = (1..=number)
                .map(|label| json!({"name": format!("L{label}"), "confidence": 90.0}))
                .collect();
            row(&json!({ "labels": labels }))[4].clone()
        };
        let five = "L1 90%, L2 90%, L3 90%, L4 90%, L5 90%";
        assert_eq!(shown(5), five);
        assert_eq!(shown(6), format!("{five}, and 1 more"));
        // The API lists at most 20 labels, even if the picture has more.
        assert_eq!(shown(20), format!("{five}, and at least 15 more"));
    }
}
