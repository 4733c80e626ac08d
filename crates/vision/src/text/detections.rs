//! Turns lines of words into Rekognition's `DetectText` response.
//!
//! A line takes its text from its words, the mean of their confidences and the rectangle around them.

use rekognition_model::{DetectTextResponse, TextDetection, TextTypes};

use super::filters::TextFilters;
use super::line::Line;

/// The most words of a response (Amazon Rekognition API Reference, "DetectText").
pub(super) const MAX_WORDS: usize = 100;

/// The response for the lines of an image of `size` (width and height in pixels), which are in reading order.
///
/// Lines come first, with the lowest identifiers, as Rekognition does; words follow in reading order.
pub(super) fn response(
    mut lines: Vec<Line>,
    size: (u32, u32),
    filters: &TextFilters,
    version: String,
) -> DetectTextResponse {
    let mut left = MAX_WORDS;
    for line in &mut lines {
        line.words.retain(|word| filters.accepts(word, size));
        line.words.truncate(left);
        left -= line.words.len();
    }
    lines.retain(|line| !line.words.is_empty());

    let mut detections = Vec::with_capacity(lines.len() + MAX_WORDS - left);
    for (line, id) in lines.iter().zip(0u32..) {
        detections.push(TextDetection {
            detected_text: Some(line.text()),
            r#type: Some(TextTypes::Line),
            id: Some(id),
            parent_id: None,
            confidence: Some(line.confidence()),
            geometry: line.rectangle().map(|line| line.geometry(size)),
        });
    }
    let mut id = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    for (line, parent) in lines.iter().zip(0u32..) {
        for word in &line.words {
            detections.push(TextDetection {
                detected_text: Some(word.text.clone()),
                r#type: Some(TextTypes::Word),
                id: Some(id),
                parent_id: Some(parent),
                confidence: Some(word.confidence),
                geometry: Some(word.rectangle.geometry(size)),
            });
            id += 1;
        }
    }
    DetectTextResponse {
        text_detections: Some(detections),
        text_model_version: Some(version),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tsv::{UnreadableRow, lines};
    use super::*;
    use crate::VisionError;
    use rekognition_model::DetectTextRequest;
    use serde_json::{Value, json};

    /// What Tesseract 5.3.0 (Debian 5.3.0-2) wrote about scikit-image 0.25.2's `page.png`, turned into RGB PPM by
    /// Pillow: `tesseract stdin stdout -l eng -c tessedit_create_tsv=1 < page.ppm > page.tsv`.
    const PAGE: &str = include_str!("../../tests/recorded/page.tsv");
    const SIZE: (u32, u32) = (384, 191);

    fn filters(filters: Value) -> Result<TextFilters, VisionError> {
        let request: DetectTextRequest =
            serde_json::from_value(json!({"Filters": filters})).unwrap();
        TextFilters::from_request(&request)
    }

    fn found(tsv: &str, members: Value) -> Vec<TextDetection> {
        let lines = lines(tsv).unwrap();
        let filters = filters(members).unwrap();
        response(lines, SIZE, &filters, String::new())
            .text_detections
            .unwrap()
    }

    fn texts(detections: &[TextDetection], r#type: TextTypes) -> Vec<&str> {
        detections
            .iter()
            .filter(|d| d.r#type.as_ref() == Some(&r#type))
            .map(|d| d.detected_text.as_deref().unwrap())
            .collect()
    }

    fn row(line: u32, area: [u32; 4], confidence: &str, text: &str) -> String {
        let [left, top, width, height] = area;
        format!("5\t1\t1\t1\t{line}\t1\t{left}\t{top}\t{width}\t{height}\t{confidence}\t{text}\n")
    }

    #[test]
    fn a_recorded_page_becomes_lines_and_their_words() {
        let found = found(PAGE, Value::Null);
        let lines = texts(&found, TextTypes::Line);
        let words = texts(&found, TextTypes::Word);
        assert!(lines.contains(&"markers of the coins and the"), "{lines:?}");
        assert!(words.contains(&"segmentation"), "{words:?}");
        assert_eq!(
            lines.join(" "),
            words.join(" "),
            "every word is in its line"
        );
        for (number, detection) in found.iter().enumerate() {
            assert_eq!(detection.id, Some(u32::try_from(number).unwrap()));
            assert_eq!(detection.parent_id.is_none(), number < lines.len());
            assert!(detection.confidence.unwrap() >= 80.0);
            let geometry = detection.geometry.as_ref().unwrap();
            let area = geometry.bounding_box.as_ref().unwrap();
            let corner = &geometry.polygon.as_ref().unwrap()[2];
            let right = area.left.unwrap() + area.width.unwrap();
            assert!((corner.x.unwrap() - right).abs() < 1e-9);
            assert!(corner.x.unwrap() <= 1.0 && corner.y.unwrap() <= 1.0);
            if let Some(parent) = detection.parent_id {
                let line = &found[parent as usize];
                let text = detection.detected_text.as_deref().unwrap();
                assert!(line.detected_text.as_deref().unwrap().contains(text));
            }
        }
    }

    #[test]
    fn a_line_combines_its_words() {
        let tsv =
            row(1, [0, 0, 96, 19], "90", "Emergency") + &row(1, [192, 19, 96, 19], "96.5", "exit");
        let found = found(&tsv, Value::Null);
        let line = &found[0];
        assert_eq!(line.detected_text.as_deref(), Some("Emergency exit"));
        assert_eq!(line.confidence, Some(93.25));
        let area = line
            .geometry
            .as_ref()
            .unwrap()
            .bounding_box
            .as_ref()
            .unwrap();
        assert_eq!((area.left, area.top), (Some(0.0), Some(0.0)));
        assert_eq!((area.width, area.height), (Some(0.75), Some(38.0 / 191.0)));
        assert_eq!(
            found.iter().map(|d| d.parent_id).collect::<Vec<_>>(),
            [None, Some(0), Some(0)]
        );
    }

    #[test]
    fn filters_drop_words_and_lines_without_words() {
        let tsv = row(1, [0, 0, 96, 10], "79.9", "faint")
            + &row(2, [0, 20, 40, 20], "80", "clear")
            + &row(3, [0, 50, 200, 60], "99", "large")
            + &row(4, [0, 120, 200, 60], "99", " ");
        let lines = |filters: Value| {
            let found = found(&tsv, filters);
            let lines = texts(&found, TextTypes::Line);
            lines.join(",")
        };
        let filter = |member: &str, value: f64| json!({"WordFilter": {member: value}});
        assert_eq!(lines(Value::Null), "clear,large");
        assert_eq!(lines(filter("MinConfidence", 0.0)), "faint,clear,large");
        assert_eq!(lines(filter("MinConfidence", 90.0)), "large");
        assert_eq!(lines(filter("MinBoundingBoxHeight", 0.2)), "large");
        assert_eq!(lines(filter("MinBoundingBoxWidth", 0.3)), "large");
    }

    #[test]
    fn a_word_belongs_to_a_region_with_more_than_half_of_its_box() {
        // The left half of a word over the picture's middle, and a word at the lower right.
        let tsv =
            row(1, [96, 0, 192, 19], "99", "middle") + &row(2, [288, 150, 96, 38], "99", "corner");
        let words = |regions: Value| {
            let found = found(&tsv, json!({"RegionsOfInterest": regions}));
            texts(&found, TextTypes::Word).join(",")
        };
        let rectangle = |left: f64, width: f64| json!({"BoundingBox": {"Left": left, "Top": 0, "Width": width, "Height": 1}});
        assert_eq!(
            words(json!([rectangle(0.0, 0.5)])),
            "",
            "half is not more than half"
        );
        assert_eq!(words(json!([rectangle(0.0, 0.51)])), "middle");
        assert_eq!(
            words(json!([rectangle(0.0, 0.6), rectangle(0.7, 0.3)])),
            "middle,corner"
        );
        assert_eq!(words(json!([])), "middle,corner");
        // A triangle over the upper left half, whichever way round, and one that is folded inwards.
        let polygon = |points: &[(f64, f64)]| {
            let points: Vec<_> = points
                .iter()
                .map(|(x, y)| json!({"X": x, "Y": y}))
                .collect();
            json!([{"Polygon": points}])
        };
        assert_eq!(
            words(polygon(&[(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])),
            "middle"
        );
        assert_eq!(
            words(polygon(&[(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])),
            "middle"
        );
        let folded = [(0.0, 0.0), (0.5, 0.9), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
        assert_eq!(words(polygon(&folded)), "corner");
    }

    #[test]
    fn an_invalid_region_is_rejected() {
        for region in [
            json!({}),
            json!({"BoundingBox": {"Left": 0, "Top": 0, "Width": 1}}),
            json!({"Polygon": [{"X": 0, "Y": 0}, {"X": 1, "Y": 1}]}),
            json!({"Polygon": vec![json!({"X": 0, "Y": 0}); 11]}),
            json!({"Polygon": [{"X": 0, "Y": 0}, {"X": 1, "Y": 1}, {"X": 1}]}),
        ] {
            let Err(VisionError::InvalidParameter(error)) =
                filters(json!({"RegionsOfInterest": [region]}))
            else {
                panic!("{region} is accepted");
            };
            assert!(
                error.starts_with("filters.regionsOfInterest[0] must have"),
                "{error}"
            );
        }
    }

    #[test]
    fn at_most_a_hundred_words_are_reported() {
        let tsv: String = (0..150)
            .map(|n| row(n / 10, [0, 0, 10, 10], "99", "word"))
            .collect();
        let found = found(&tsv, Value::Null);
        assert_eq!(texts(&found, TextTypes::Word).len(), 100);
        assert_eq!(texts(&found, TextTypes::Line).len(), 10);
    }

    #[test]
    fn an_unreadable_row_is_an_error() {
        for row in [
            "5\t1",
            "5\t1\t1\t1\t1\t1\tleft\t0\t1\t1\t90\tx",
            "5\t1\t1\t1\t1\t1\t0\t0\t1\t1\tNaN\tx",
        ] {
            let tsv = format!("level\tpage_num\n{row}\n");
            assert_eq!(lines(&tsv).unwrap_err(), UnreadableRow(1), "{row}");
        }
        assert_eq!(found("", Value::Null), []);
    }
}
