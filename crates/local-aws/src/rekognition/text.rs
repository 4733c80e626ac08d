//! From Tesseract's TSV to Rekognition's words for it.
//!
//! Tesseract says where each word is and how sure it is of it, in percent. What a line is follows from its words: its
//! text is theirs, its confidence their mean, its box the one around them.

use rekognition_model::{
    BoundingBox, DetectTextRequest, DetectTextResponse, DetectionFilter, Geometry, Point,
    RegionOfInterest, TextDetection, TextTypes,
};

/// Rekognition's `WordFilter.MinConfidence` where the request has none, in percent.
const MIN_CONFIDENCE: f64 = 80.0;
/// The most words of an answer (Amazon Rekognition API Reference, "DetectText").
const MOST_WORDS: usize = 100;
/// The most points of a region (Amazon Rekognition API Reference, "RegionOfInterest").
const MOST_POINTS: usize = 10;
/// The level of a row that describes a word.
const WORD: &str = "5";

/// A row of the TSV that cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {0} of Tesseract's answer cannot be read")]
pub(super) struct UnreadableRow(usize);

/// Which words to report.
#[derive(Debug, PartialEq)]
pub(super) struct Wanted {
    /// Percent.
    min_confidence: f64,
    /// Ratio of the picture's height.
    min_height: f64,
    /// Ratio of the picture's width.
    min_width: f64,
    /// Outlines in ratios; empty for the whole picture.
    regions: Vec<Vec<At>>,
}

/// A place as ratios of the picture's width and height.
type At = (f64, f64);

/// A rectangle as ratios of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Area {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

#[derive(Debug, PartialEq)]
struct Word<'t> {
    /// Page, block, paragraph and line.
    line: [u32; 4],
    area: Area,
    /// Percent.
    confidence: f64,
    text: &'t str,
}

impl Wanted {
    /// Reads the filters of a request that keeps to the service model.
    ///
    /// # Errors
    /// A sentence about a region that is none.
    pub(super) fn from_request(request: &DetectTextRequest) -> Result<Self, String> {
        let filters = request.filters.as_ref();
        let plain = DetectionFilter::default();
        let words = filters
            .and_then(|filters| filters.word_filter.as_ref())
            .unwrap_or(&plain);
        let regions = filters.and_then(|filters| filters.regions_of_interest.as_deref());
        let mut outlines = Vec::new();
        for (number, region) in regions.unwrap_or_default().iter().enumerate() {
            outlines.extend(self::outlines(region).ok_or_else(|| {
                format!(
                    "filters.regionsOfInterest[{number}] must have a BoundingBox with all four members or a Polygon of 3 \
                     to {MOST_POINTS} points"
                )
            })?);
        }
        Ok(Self {
            min_confidence: words.min_confidence.unwrap_or(MIN_CONFIDENCE),
            min_height: words.min_bounding_box_height.unwrap_or_default(),
            min_width: words.min_bounding_box_width.unwrap_or_default(),
            regions: outlines,
        })
    }

    /// Whether a word is reported. It must lie in one of the regions with more than half of its box (Amazon
    /// Rekognition API Reference, "RegionOfInterest").
    fn takes(&self, word: &Word<'_>) -> bool {
        let area = word.area;
        let within = |region: &Vec<At>| shared(region, area) > area.size() / 2.0;
        word.confidence >= self.min_confidence
            && area.bottom - area.top >= self.min_height
            && area.right - area.left >= self.min_width
            && (self.regions.is_empty() || self.regions.iter().any(within))
    }
}

/// The answer for a picture of `width` x `height` pixels that Tesseract described in `tsv`.
///
/// Lines come first and are numbered first, as Rekognition does; words follow in reading order.
///
/// # Errors
/// When the TSV is none.
pub(super) fn answer(
    tsv: &str,
    (width, height): (u32, u32),
    wanted: &Wanted,
    version: &str,
) -> Result<DetectTextResponse, UnreadableRow> {
    let mut words = words(tsv, (width, height))?;
    words.retain(|word| wanted.takes(word));
    words.truncate(MOST_WORDS);

    let lines: Vec<&[Word<'_>]> = words.chunk_by(|a, b| a.line == b.line).collect();
    let mut detections = Vec::with_capacity(lines.len() + words.len());
    for (line, id) in lines.iter().zip(0u32..) {
        let text: Vec<&str> = line.iter().map(|word| word.text).collect();
        let confidence = line.iter().map(|word| word.confidence).sum::<f64>() / line.len() as f64;
        let area = line.iter().map(|word| word.area).reduce(Area::around);
        detections.push(TextDetection {
            detected_text: Some(text.join(" ")),
            r#type: Some(TextTypes::Line),
            id: Some(id),
            parent_id: None,
            confidence: Some(confidence),
            geometry: area.map(Area::geometry),
        });
    }
    let mut id = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    for (line, parent) in lines.iter().zip(0u32..) {
        for word in *line {
            detections.push(TextDetection {
                detected_text: Some(word.text.to_owned()),
                r#type: Some(TextTypes::Word),
                id: Some(id),
                parent_id: Some(parent),
                confidence: Some(word.confidence),
                geometry: Some(word.area.geometry()),
            });
            id += 1;
        }
    }
    Ok(DetectTextResponse {
        text_detections: Some(detections),
        text_model_version: Some(format!("tesseract-{version}")),
    })
}

/// The words of a TSV: level, page, block, paragraph, line, word, left, top, width, height, confidence, text. A word
/// of spaces is none.
fn words(tsv: &str, size: (u32, u32)) -> Result<Vec<Word<'_>>, UnreadableRow> {
    tsv.lines()
        .enumerate()
        .filter(|(_, row)| row.split('\t').next() == Some(WORD))
        .map(|(number, row)| word(row, size).ok_or(UnreadableRow(number)))
        .filter(|word| word.as_ref().map_or(true, |word| !word.text.is_empty()))
        .collect()
}

fn word(row: &str, (width, height): (u32, u32)) -> Option<Word<'_>> {
    let columns: Vec<&str> = row.splitn(12, '\t').collect();
    let &[
        _,
        page,
        block,
        paragraph,
        line,
        _,
        left,
        top,
        w,
        h,
        confidence,
        text,
    ] = columns.as_slice()
    else {
        return None;
    };
    let number = |text: &str| text.parse::<u32>().ok();
    let [left, top, w, h] = [number(left)?, number(top)?, number(w)?, number(h)?].map(f64::from);
    let (width, height) = (f64::from(width), f64::from(height));
    let confidence: f64 = confidence.parse().ok()?;
    Some(Word {
        line: [
            number(page)?,
            number(block)?,
            number(paragraph)?,
            number(line)?,
        ],
        area: Area {
            left: left / width,
            top: top / height,
            right: (left + w) / width,
            bottom: (top + h) / height,
        },
        confidence: confidence
            .is_finite()
            .then(|| confidence.clamp(0.0, 100.0))?,
        text: text.trim(),
    })
}

impl Area {
    fn size(self) -> f64 {
        (self.right - self.left) * (self.bottom - self.top)
    }

    fn around(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// From the upper left corner clockwise.
    fn corners(self) -> [At; 4] {
        let Self {
            left,
            top,
            right,
            bottom,
        } = self;
        [(left, top), (right, top), (right, bottom), (left, bottom)]
    }

    fn geometry(self) -> Geometry {
        let point = |(x, y)| Point {
            x: Some(x),
            y: Some(y),
        };
        Geometry {
            bounding_box: Some(BoundingBox {
                width: Some(self.right - self.left),
                height: Some(self.bottom - self.top),
                left: Some(self.left),
                top: Some(self.top),
            }),
            polygon: Some(self.corners().map(point).to_vec()),
        }
    }
}

/// The outlines of a region, one for each of the two ways in which it may be given; nothing where it is no region.
fn outlines(region: &RegionOfInterest) -> Option<Vec<Vec<At>>> {
    let mut outlines = Vec::new();
    if let Some(rectangle) = &region.bounding_box {
        let (left, top) = (rectangle.left?, rectangle.top?);
        let area = Area {
            left,
            top,
            right: left + rectangle.width?,
            bottom: top + rectangle.height?,
        };
        outlines.push(area.corners().to_vec());
    }
    if let Some(polygon) = &region.polygon {
        let points: Option<Vec<At>> = polygon.iter().map(|point| point.x.zip(point.y)).collect();
        let points = points.filter(|points| (3..=MOST_POINTS).contains(&points.len()))?;
        outlines.push(points);
    }
    (!outlines.is_empty()).then_some(outlines)
}

/// How much of a rectangle an outline covers: the outline is clipped at the rectangle's four sides, one after the
/// other (Sutherland and Hodgman, 1974), and measured.
fn shared(outline: &[At], area: Area) -> f64 {
    let left = clip(outline, |(x, _)| x - area.left);
    let right = clip(&left, |(x, _)| area.right - x);
    let top = clip(&right, |(_, y)| y - area.top);
    enclosed(&clip(&top, |(_, y)| area.bottom - y))
}

/// The part of an outline where `inside` is not negative; `inside` is linear.
fn clip(outline: &[At], inside: impl Fn(At) -> f64) -> Vec<At> {
    let mut clipped = Vec::with_capacity(outline.len() + 4);
    for (from, to) in sides(outline) {
        let (a, b) = (inside(from), inside(to));
        if a >= 0.0 {
            clipped.push(from);
        }
        if (a >= 0.0) != (b >= 0.0) {
            let part = a / (a - b);
            clipped.push((
                from.0 + part * (to.0 - from.0),
                from.1 + part * (to.1 - from.1),
            ));
        }
    }
    clipped
}

/// The area of an outline (the shoelace formula).
fn enclosed(outline: &[At]) -> f64 {
    let doubled: f64 = sides(outline)
        .map(|((x0, y0), (x1, y1))| x0 * y1 - x1 * y0)
        .sum();
    doubled.abs() / 2.0
}

fn sides(outline: &[At]) -> impl Iterator<Item = (At, At)> + '_ {
    let next = outline.iter().cycle().skip(1);
    outline.iter().copied().zip(next.copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// What Tesseract 5.3.0 (Debian 5.3.0-2) wrote about scikit-image 0.25.2's `page.png`, turned into RGB PPM by
    /// Pillow: `tesseract stdin stdout -l eng -c tessedit_create_tsv=1 < page.ppm > page.tsv`.
    const PAGE: &str = include_str!("../../tests/recorded/page.tsv");
    const SIZE: (u32, u32) = (384, 191);

    fn wanted(filters: Value) -> Result<Wanted, String> {
        let request: DetectTextRequest =
            serde_json::from_value(json!({"Filters": filters})).unwrap();
        Wanted::from_request(&request)
    }

    fn found(tsv: &str, filters: Value) -> Vec<TextDetection> {
        let wanted = wanted(filters).unwrap();
        answer(tsv, SIZE, &wanted, "5.3.0")
            .unwrap()
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
    fn a_line_follows_from_its_words() {
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
    fn words_are_filtered_and_lines_without_words_are_none() {
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
    fn a_word_counts_where_more_than_half_of_it_lies() {
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
    fn a_region_that_is_none_is_refused() {
        for region in [
            json!({}),
            json!({"BoundingBox": {"Left": 0, "Top": 0, "Width": 1}}),
            json!({"Polygon": [{"X": 0, "Y": 0}, {"X": 1, "Y": 1}]}),
            json!({"Polygon": vec![json!({"X": 0, "Y": 0}); 11]}),
            json!({"Polygon": [{"X": 0, "Y": 0}, {"X": 1, "Y": 1}, {"X": 1}]}),
        ] {
            let error = wanted(json!({"RegionsOfInterest": [region]})).unwrap_err();
            assert!(
                error.starts_with("filters.regionsOfInterest[0] must have"),
                "{error}"
            );
        }
    }

    #[test]
    fn at_most_a_hundred_words_are_told() {
        let tsv: String = (0..150)
            .map(|n| row(n / 10, [0, 0, 10, 10], "99", "word"))
            .collect();
        let found = found(&tsv, Value::Null);
        assert_eq!(texts(&found, TextTypes::Word).len(), 100);
        assert_eq!(texts(&found, TextTypes::Line).len(), 10);
    }

    #[test]
    fn what_is_no_tsv_is_refused() {
        for row in [
            "5\t1",
            "5\t1\t1\t1\t1\t1\tleft\t0\t1\t1\t90\tx",
            "5\t1\t1\t1\t1\t1\t0\t0\t1\t1\tNaN\tx",
        ] {
            let tsv = format!("level\tpage_num\n{row}\n");
            let wanted = wanted(Value::Null).unwrap();
            assert_eq!(
                answer(&tsv, SIZE, &wanted, "5").unwrap_err(),
                UnreadableRow(1),
                "{row}"
            );
        }
        assert_eq!(found("", Value::Null), []);
    }
}
