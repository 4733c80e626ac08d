//! Draws findings on the upright picture.

use std::{io::Cursor, ops::Range, sync::LazyLock};

use ab_glyph::{Font as _, FontRef, Glyph, PxScale, ScaleFont as _, point};
use anyhow::Context as _;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Rgb, RgbImage};
use rekognition_model::BoundingBox;

use super::findings::{Finding, Kind};

static FONT: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the font is embedded in the program")]
    FontRef::try_from_slice(include_bytes!("../../fonts/DejaVuSans-Bold-Latin.ttf"))
        .expect("the embedded font is valid")
});

/// The colours of the boxes, one per label in turn; all are dark enough for white text.
const COLOURS: [[u8; 3]; 8] = [
    [0xc6, 0x28, 0x28],
    [0x15, 0x65, 0xc0],
    [0x2e, 0x7d, 0x32],
    [0x6a, 0x1b, 0x9a],
    [0xad, 0x5a, 0x00],
    [0x00, 0x69, 0x6f],
    [0xad, 0x14, 0x57],
    [0x4e, 0x34, 0x2e],
];
const FACE_COLOUR: Rgb<u8> = Rgb([0x00, 0x57, 0x4b]);
const TEXT_COLOUR: Rgb<u8> = Rgb([0x37, 0x47, 0x4f]);
const WHITE: Rgb<u8> = Rgb([255, 255, 255]);

/// The outline of what is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// Of a label.
    Solid,
    /// Of a face.
    Dashed,
    /// Of text; half as wide.
    Thin,
}

/// An outline with its caption.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    caption: String,
    /// Left, top, right and bottom in pixels of the upright picture, all within it.
    area: [u32; 4],
    /// The corners in pixels, if the outline is no box.
    polygon: Vec<[f32; 2]>,
    line: Line,
    colour: Rgb<u8>,
}

/// Decodes a picture and turns it upright by its Exif orientation. Blocks.
///
/// # Errors
/// When it cannot be decoded.
pub(crate) fn decode_upright(bytes: &[u8]) -> anyhow::Result<RgbImage> {
    let mut decoder = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()?
        .into_decoder()
        .context("cannot decode the picture to draw on it")?;
    let orientation = decoder.orientation()?;
    let mut picture =
        DynamicImage::from_decoder(decoder).context("cannot decode the picture to draw on it")?;
    picture.apply_orientation(orientation);
    Ok(picture.into_rgb8())
}

/// The findings that have a place, in pixels of a picture of this width and height. Instances of a label have one colour,
/// faces another and lines of text a third. Large areas come first, so that small ones are drawn over them.
pub(crate) fn marks(findings: &[Finding], (width, height): (u32, u32)) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut colours = COLOURS.iter().cycle();
    let mut of_label: Option<(&str, Rgb<u8>)> = None;
    for finding in findings {
        let Some(place) = &finding.place else {
            continue;
        };
        let Some(area) = pixels(&place.bounds, width, height) else {
            continue;
        };
        let (line, colour) = match finding.kind {
            Kind::Face => (Line::Dashed, FACE_COLOUR),
            Kind::Text => (Line::Thin, TEXT_COLOUR),
            Kind::Label | Kind::Moderation | Kind::Custom | Kind::Celebrity | Kind::Equipment => {
                let colour = match of_label {
                    Some((name, colour)) if name == finding.name => colour,
                    _ => Rgb(colours.next().copied().unwrap_or_default()),
                };
                of_label = Some((&finding.name, colour));
                (Line::Solid, colour)
            }
        };
        marks.push(Mark {
            caption: caption(finding, place.confidence),
            area,
            polygon: place
                .polygon
                .iter()
                .map(|[x, y]| [*x as f32 * width as f32, *y as f32 * height as f32])
                .collect(),
            line,
            colour,
        });
    }
    marks.sort_by_key(|mark| {
        let [left, top, right, bottom] = mark.area;
        std::cmp::Reverse(u64::from(right - left) * u64::from(bottom - top))
    });
    marks
}

/// Name and confidence of a label; emotion, age and so on of a face, as far as they are known; the text itself.
fn caption(finding: &Finding, box_confidence: Option<f64>) -> String {
    match finding.kind {
        Kind::Text => return finding.name.clone(),
        Kind::Face | Kind::Equipment if !finding.details.is_empty() => {
            return finding.details.join(", ");
        }
        _ => {}
    }
    let name = if finding.name.is_empty() {
        "?"
    } else {
        &finding.name
    };
    box_confidence.or(finding.confidence).map_or_else(
        || name.to_owned(),
        |percent| format!("{name} {percent:.0}%"),
    )
}

/// A box in pixels, clipped to the picture; `None` if it is empty.
pub(crate) fn pixels(ratios: &BoundingBox, width: u32, height: u32) -> Option<[u32; 4]> {
    let (left, top) = (ratios.left?, ratios.top?);
    // A cast from a float saturates, so negative edges become 0.
    let at = |ratio: f64, size: u32| ((ratio * f64::from(size)).round() as u32).min(size);
    let area = [
        at(left, width),
        at(top, height),
        at(left + ratios.width?, width),
        at(top + ratios.height?, height),
    ];
    let [left, top, right, bottom] = area;
    (left < right && top < bottom).then_some(area)
}

/// Draws the outlines and their captions. Lines and letters scale with the picture.
pub(crate) fn draw(picture: &mut RgbImage, marks: &[Mark]) {
    let longest = picture.width().max(picture.height());
    let line_width = (longest / 300).max(2);
    for mark in marks {
        if mark.polygon.len() < 3 {
            draw_box(picture, mark, line_width);
        } else {
            draw_polygon(picture, mark, line_width);
        }
    }
    // Captions last, so that no line crosses them.
    let text_height = (longest as f32 / 45.0).max(12.0);
    for mark in marks {
        draw_text(picture, mark, text_height, line_width);
    }
}

fn draw_box(picture: &mut RgbImage, mark: &Mark, line_width: u32) {
    let [left, top, right, bottom] = mark.area;
    let line_width = match mark.line {
        Line::Thin => (line_width / 2).max(1),
        Line::Solid | Line::Dashed => line_width,
    };
    let mut fill = |x: Range<u32>, y: Range<u32>| {
        fill(picture, x, y, mark.colour);
    };
    for x in dashes(left..right, mark.line, line_width) {
        fill(x.clone(), top..(top + line_width).min(bottom));
        fill(x, bottom.saturating_sub(line_width).max(top)..bottom);
    }
    for y in dashes(top..bottom, mark.line, line_width) {
        fill(left..(left + line_width).min(right), y.clone());
        fill(right.saturating_sub(line_width).max(left)..right, y);
    }
}

/// The parts of a side that are drawn: a dash at each end, and gaps of half a dash between them; all of it for other lines.
fn dashes(side: Range<u32>, line: Line, line_width: u32) -> Vec<Range<u32>> {
    let dash = 4 * line_width;
    let length = side.end - side.start;
    if line != Line::Dashed || length < 3 * dash {
        return vec![side];
    }
    let gaps = (length - dash) / (dash + dash / 2);
    let step = f64::from(length - dash) / f64::from(gaps.max(1));
    (0..=gaps)
        .map(|number| {
            let start = side.start + (f64::from(number) * step).round() as u32;
            start..(start + dash).min(side.end)
        })
        .collect()
}

fn draw_polygon(picture: &mut RgbImage, mark: &Mark, line_width: u32) {
    let width = (line_width / 2).max(1);
    let next = mark.polygon.iter().cycle().skip(1);
    for ([x0, y0], [x1, y1]) in mark.polygon.iter().zip(next) {
        // At most one step a pixel of the picture: a corner may be far outside.
        let most = (2 * (picture.width() + picture.height())) as f32;
        let steps = (x1 - x0).abs().max((y1 - y0).abs()).ceil();
        if !steps.is_finite() {
            continue;
        }
        let steps = steps.clamp(1.0, most) as u32;
        for step in 0..=steps {
            let share = step as f32 / steps as f32;
            let (x, y) = (x0 + (x1 - x0) * share, y0 + (y1 - y0) * share);
            if x < 0.0 || y < 0.0 {
                continue;
            }
            // A cast from a float saturates, and `fill` leaves out what is beyond the picture.
            let (x, y) = (x.round() as u32, y.round() as u32);
            fill(
                picture,
                x..x.saturating_add(width),
                y..y.saturating_add(width),
                mark.colour,
            );
        }
    }
}

/// Writes the caption on a background of the mark's colour: above the area if there is room, else inside its upper edge.
fn draw_text(picture: &mut RgbImage, mark: &Mark, text_height: f32, line_width: u32) {
    let font = FONT.as_scaled(PxScale::from(text_height));
    let mut glyphs: Vec<Glyph> = Vec::new();
    let mut caret = 0.0;
    for char in mark.caption.chars() {
        let mut glyph = font.scaled_glyph(char);
        if let Some(last) = glyphs.last() {
            caret += font.kern(last.id, glyph.id);
        }
        glyph.position = point(caret, font.ascent());
        caret += font.h_advance(glyph.id);
        glyphs.push(glyph);
    }
    let margin = line_width.max(2);
    let width = (caret.ceil() as u32 + 2 * margin).min(picture.width());
    let height = (font.height().ceil() as u32 + margin).min(picture.height());
    let [left, top, ..] = mark.area;
    let x = left.min(picture.width() - width);
    let y = top
        .checked_sub(height)
        .unwrap_or(top)
        .min(picture.height() - height);
    fill(picture, x..x + width, y..y + height, mark.colour);
    for glyph in glyphs {
        let Some(outline) = font.outline_glyph(glyph) else {
            continue;
        };
        let bounds = outline.px_bounds();
        outline.draw(|dx, dy, coverage| {
            let at_x = bounds.min.x + dx as f32 + (x + margin) as f32;
            let at_y = bounds.min.y + dy as f32 + (y + margin / 2) as f32;
            if at_x < 0.0 || at_y < 0.0 {
                return;
            }
            let (at_x, at_y) = (at_x as u32, at_y as u32);
            // Clip a text that is wider than the picture.
            if at_x < x + width
                && let Some(pixel) = picture.get_pixel_mut_checked(at_x, at_y)
            {
                for (under, over) in pixel.0.iter_mut().zip(WHITE.0) {
                    let mixed = f32::from(*under)
                        + (f32::from(over) - f32::from(*under)) * coverage.clamp(0.0, 1.0);
                    *under = mixed.round() as u8;
                }
            }
        });
    }
}

fn fill(picture: &mut RgbImage, x: Range<u32>, y: Range<u32>, colour: Rgb<u8>) {
    for row in y {
        for column in x.clone() {
            if let Some(pixel) = picture.get_pixel_mut_checked(column, row) {
                *pixel = colour;
            }
        }
    }
}

/// The format to write, by the name of the file.
///
/// # Errors
/// When it is neither PNG nor JPEG.
pub(crate) fn format(file: &std::path::Path) -> anyhow::Result<ImageFormat> {
    ImageFormat::from_path(file)
        .ok()
        .filter(|format| matches!(format, ImageFormat::Png | ImageFormat::Jpeg))
        .context("--draw needs a file name that ends in .png or .jpg")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::findings::Place;

    fn finding(kind: Kind, name: &str, [left, top, width, height]: [f64; 4]) -> Finding {
        Finding {
            kind,
            name: name.to_owned(),
            confidence: Some(90.0),
            place: Some(Place {
                bounds: BoundingBox {
                    left: Some(left),
                    top: Some(top),
                    width: Some(width),
                    height: Some(height),
                },
                confidence: Some(87.6),
                polygon: Vec::new(),
            }),
            details: Vec::new(),
        }
    }

    fn pictured(findings: &[Finding]) -> RgbImage {
        let mut picture = RgbImage::from_pixel(400, 200, GREY);
        draw(&mut picture, &marks(findings, (400, 200)));
        picture
    }

    const GREY: Rgb<u8> = Rgb([9, 9, 9]);

    #[test]
    fn boxes_are_in_pixels_and_clipped_to_the_picture() {
        let face = Finding {
            details: vec!["Happy".to_owned(), "20-28 years".to_owned()],
            ..finding(Kind::Face, "Face 1", [0.0, 0.0, 0.1, 0.1])
        };
        let findings = [
            finding(Kind::Label, "Dog", [0.25, 0.5, 0.5, 0.25]),
            finding(Kind::Label, "Wide", [-0.1, -0.1, 2.0, 2.0]),
            finding(Kind::Label, "Beyond", [1.5, 0.0, 0.5, 1.0]),
            face,
            finding(Kind::Text, "EXIT", [0.5, 0.0, 0.1, 0.05]),
            Finding {
                place: None,
                ..finding(Kind::Moderation, "Alcohol", [0.0; 4])
            },
        ];
        let found: Vec<_> = marks(&findings, (400, 200))
            .into_iter()
            .map(|mark| (mark.caption, mark.area))
            .collect();
        assert_eq!(
            found,
            [
                ("Wide 88%".to_owned(), [0, 0, 400, 200]),
                ("Dog 88%".to_owned(), [100, 100, 300, 150]),
                ("Happy, 20-28 years".to_owned(), [0, 0, 40, 20]),
                ("EXIT".to_owned(), [200, 0, 240, 10]),
            ]
        );
    }

    #[test]
    fn a_box_is_drawn_on_its_edges_only() {
        let picture = pictured(&[finding(Kind::Label, "Dog", [0.25, 0.5, 0.5, 0.25])]);
        let colour = Rgb(COLOURS[0]);
        for (x, y) in [(100, 120), (299, 120), (200, 100), (200, 149), (101, 101)] {
            assert_eq!(picture.get_pixel(x, y), &colour, "{x},{y}");
        }
        for (x, y) in [(200, 125), (99, 120), (300, 120), (200, 150), (10, 10)] {
            assert_eq!(picture.get_pixel(x, y), &GREY, "{x},{y}");
        }
        // The caption is above it, in white on the box's colour.
        let above: Vec<_> = (100..160)
            .flat_map(|x| (86..100).map(move |y| (x, y)))
            .map(|(x, y)| *picture.get_pixel(x, y))
            .collect();
        assert!(above.contains(&colour) && above.iter().any(|pixel| pixel.0[1] > 240));
    }

    #[test]
    fn instances_of_a_label_have_one_colour_and_other_labels_another() {
        let at = [0.25, 0.5, 0.5, 0.25];
        let labels = ["Dog", "Dog", "Cat"].map(|name| finding(Kind::Label, name, at));
        let colours: Vec<_> = marks(&labels, (400, 200))
            .into_iter()
            .map(|mark| mark.colour.0)
            .collect();
        assert_eq!(colours, [COLOURS[0], COLOURS[0], COLOURS[1]]);
    }

    #[test]
    fn a_face_is_dashed_from_corner_to_corner() {
        let picture = pictured(&[finding(Kind::Face, "Face 1", [0.25, 0.5, 0.5, 0.25])]);
        let lower: Vec<_> = (100..300)
            .map(|x| picture.get_pixel(x, 149) == &FACE_COLOUR)
            .collect();
        let drawn = lower.iter().filter(|drawn| **drawn).count();
        assert!((100..180).contains(&drawn), "{drawn} of 200");
        for (x, y) in [(100, 149), (299, 149), (299, 100), (100, 130)] {
            assert_eq!(picture.get_pixel(x, y), &FACE_COLOUR, "{x},{y}");
        }
        let dashes = lower.chunk_by(|one, other| one == other).count();
        assert!(dashes > 10, "{dashes}");
    }

    #[test]
    fn slanted_text_is_outlined_by_its_polygon() {
        let mut text = finding(Kind::Text, "EXIT", [0.25, 0.5, 0.5, 0.5]);
        // A diamond.
        if let Some(place) = &mut text.place {
            place.polygon = vec![[0.5, 0.5], [0.75, 0.75], [0.5, 0.99], [0.25, 0.75]];
        }
        let picture = pictured(&[text]);
        for (x, y) in [(250, 125), (300, 150), (150, 125), (200, 198)] {
            assert_eq!(picture.get_pixel(x, y), &TEXT_COLOUR, "{x},{y}");
        }
        // Neither the box around it nor its inside.
        for (x, y) in [(100, 110), (299, 110), (299, 190), (200, 150)] {
            assert_eq!(picture.get_pixel(x, y), &GREY, "{x},{y}");
        }
    }

    #[test]
    fn unusual_places_and_names_can_be_drawn() {
        let long = "a very long name ".repeat(20);
        for (width, height) in [(1, 1), (3, 200), (80, 80)] {
            let mut picture = RgbImage::new(width, height);
            let mut findings = Vec::new();
            for kind in [Kind::Label, Kind::Face, Kind::Text] {
                findings.extend([
                    finding(kind, &long, [0.0, 0.0, 1.0, 1.0]),
                    finding(kind, "日本 \u{7f}", [0.99, 0.99, 0.1, 0.1]),
                    finding(kind, "", [0.5, 0.5, f64::NAN, f64::INFINITY]),
                ]);
                for corner in [f64::NAN, f64::INFINITY, -1e30, 1e9] {
                    let mut odd = finding(kind, "odd", [0.0, 0.0, 1.0, 1.0]);
                    if let Some(place) = &mut odd.place {
                        place.polygon = vec![[0.0, 0.0], [corner, 0.5], [1.0, corner]];
                    }
                    findings.push(odd);
                }
            }
            draw(&mut picture, &marks(&findings, (width, height)));
        }
    }

    #[test]
    fn the_name_of_the_file_decides_its_format() {
        assert_eq!(format("a.PNG".as_ref()).unwrap(), ImageFormat::Png);
        assert_eq!(format("a.jpeg".as_ref()).unwrap(), ImageFormat::Jpeg);
        assert!(format("a.gif".as_ref()).is_err());
        assert!(format("a".as_ref()).is_err());
    }
}
