//! Draws boxes and their names on the upright picture.

use std::{io::Cursor, sync::LazyLock};

use ab_glyph::{Font as _, FontRef, Glyph, PxScale, ScaleFont as _, point};
use anyhow::Context as _;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Rgb, RgbImage};
use rekognition_model::{BoundingBox, DetectLabelsResponse};

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
const WHITE: Rgb<u8> = Rgb([255, 255, 255]);

/// A box with its text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LabelBox {
    /// Name and confidence.
    text: String,
    /// Left, top, right and bottom in pixels of the upright picture, all within it.
    area: [u32; 4],
    colour: Rgb<u8>,
}

/// Decodes a picture and turns it upright by its Exif orientation. Blocks.
///
/// # Errors
/// When it cannot be decoded.
pub(super) fn decode_upright(bytes: &[u8]) -> anyhow::Result<RgbImage> {
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

/// The boxes of a response, in pixels of a picture of this width and height. Large boxes come first, so that small ones are
/// drawn over them.
pub(super) fn boxes(response: &DetectLabelsResponse, (width, height): (u32, u32)) -> Vec<LabelBox> {
    let mut boxes = Vec::new();
    let labels = response.labels.as_deref().unwrap_or_default();
    let mut colours = COLOURS.iter().cycle();
    for label in labels {
        let instances = label.instances.as_deref().unwrap_or_default();
        if instances.is_empty() {
            continue;
        }
        let colour = Rgb(colours.next().copied().unwrap_or_default());
        for instance in instances {
            let area = instance
                .bounding_box
                .as_ref()
                .and_then(|ratios| pixels(ratios, width, height));
            if let Some(area) = area {
                let name = label.name.as_deref().unwrap_or("?");
                let confidence = instance.confidence.or(label.confidence);
                boxes.push(LabelBox {
                    text: confidence.map_or_else(
                        || name.to_owned(),
                        |percent| format!("{name} {percent:.0}%"),
                    ),
                    area,
                    colour,
                });
            }
        }
    }
    boxes.sort_by_key(|label_box| {
        let [left, top, right, bottom] = label_box.area;
        std::cmp::Reverse(u64::from(right - left) * u64::from(bottom - top))
    });
    boxes
}

/// A box in pixels, clipped to the picture; `None` if it is empty.
pub(super) fn pixels(ratios: &BoundingBox, width: u32, height: u32) -> Option<[u32; 4]> {
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

/// Draws the boxes and their texts. Lines and letters scale with the picture.
pub(super) fn draw(picture: &mut RgbImage, boxes: &[LabelBox]) {
    let longest = picture.width().max(picture.height());
    let line_width = (longest / 300).max(2);
    for label_box in boxes {
        draw_outline(picture, label_box, line_width);
    }
    // Texts last, so that no line crosses them.
    let text_height = (longest as f32 / 45.0).max(12.0);
    for label_box in boxes {
        draw_text(picture, label_box, text_height, line_width);
    }
}

fn draw_outline(picture: &mut RgbImage, label_box: &LabelBox, line_width: u32) {
    let [left, top, right, bottom] = label_box.area;
    let mut fill = |x: std::ops::Range<u32>, y: std::ops::Range<u32>| {
        fill(picture, x, y, label_box.colour);
    };
    fill(left..right, top..(top + line_width).min(bottom));
    fill(
        left..right,
        bottom.saturating_sub(line_width).max(top)..bottom,
    );
    fill(left..(left + line_width).min(right), top..bottom);
    fill(
        right.saturating_sub(line_width).max(left)..right,
        top..bottom,
    );
}

/// Writes the text on a background of the box's colour: above the box if there is room, else inside its upper edge.
fn draw_text(picture: &mut RgbImage, label_box: &LabelBox, text_height: f32, line_width: u32) {
    let font = FONT.as_scaled(PxScale::from(text_height));
    let mut glyphs: Vec<Glyph> = Vec::new();
    let mut caret = 0.0;
    for char in label_box.text.chars() {
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
    let [left, top, ..] = label_box.area;
    let x = left.min(picture.width() - width);
    let y = top
        .checked_sub(height)
        .unwrap_or(top)
        .min(picture.height() - height);
    fill(picture, x..x + width, y..y + height, label_box.colour);
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

fn fill(picture: &mut RgbImage, x: std::ops::Range<u32>, y: std::ops::Range<u32>, colour: Rgb<u8>) {
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
pub(super) fn format(file: &std::path::Path) -> anyhow::Result<ImageFormat> {
    ImageFormat::from_path(file)
        .ok()
        .filter(|format| matches!(format, ImageFormat::Png | ImageFormat::Jpeg))
        .context("--draw needs a file name that ends in .png or .jpg")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rekognition_model::{Instance, Label};

    fn response(boxes: &[(&str, [f64; 4])]) -> DetectLabelsResponse {
        let labels = boxes
            .iter()
            .map(|(name, [left, top, width, height])| Label {
                name: Some((*name).to_owned()),
                confidence: Some(90.0),
                instances: Some(vec![Instance {
                    bounding_box: Some(BoundingBox {
                        left: Some(*left),
                        top: Some(*top),
                        width: Some(*width),
                        height: Some(*height),
                    }),
                    confidence: Some(87.6),
                    ..Instance::default()
                }]),
                ..Label::default()
            });
        DetectLabelsResponse {
            labels: Some(labels.collect()),
            ..DetectLabelsResponse::default()
        }
    }

    #[test]
    fn boxes_are_in_pixels_and_clipped_to_the_picture() {
        let response = response(&[
            ("Dog", [0.25, 0.5, 0.5, 0.25]),
            ("Wide", [-0.1, -0.1, 2.0, 2.0]),
            ("Beyond", [1.5, 0.0, 0.5, 1.0]),
        ]);
        let found: Vec<_> = boxes(&response, (400, 200))
            .into_iter()
            .map(|label_box| (label_box.text, label_box.area))
            .collect();
        assert_eq!(
            found,
            [
                ("Wide 88%".to_owned(), [0, 0, 400, 200]),
                ("Dog 88%".to_owned(), [100, 100, 300, 150])
            ]
        );
    }

    #[test]
    fn a_box_is_drawn_on_its_edges_only() {
        let mut picture = RgbImage::from_pixel(400, 200, Rgb([9, 9, 9]));
        let boxes = boxes(&response(&[("Dog", [0.25, 0.5, 0.5, 0.25])]), (400, 200));
        draw(&mut picture, &boxes);
        let colour = Rgb(COLOURS[0]);
        for (x, y) in [(100, 120), (299, 120), (200, 100), (200, 149), (101, 101)] {
            assert_eq!(picture.get_pixel(x, y), &colour, "{x},{y}");
        }
        for (x, y) in [(200, 125), (99, 120), (300, 120), (200, 150), (10, 10)] {
            assert_eq!(picture.get_pixel(x, y), &Rgb([9, 9, 9]), "{x},{y}");
        }
        // The text is above it, in white on the box's colour.
        let above: Vec<_> = (100..160)
            .flat_map(|x| (86..100).map(move |y| (x, y)))
            .map(|(x, y)| *picture.get_pixel(x, y))
            .collect();
        assert!(above.contains(&colour) && above.iter().any(|pixel| pixel.0[1] > 240));
    }

    #[test]
    fn unusual_boxes_and_names_can_be_drawn() {
        let long = "a very long name ".repeat(20);
        for (width, height) in [(1, 1), (3, 200), (80, 80)] {
            let mut picture = RgbImage::new(width, height);
            let response = response(&[
                (&long, [0.0, 0.0, 1.0, 1.0]),
                ("日本 \u{7f}", [0.99, 0.99, 0.1, 0.1]),
                ("", [0.5, 0.5, f64::NAN, f64::INFINITY]),
            ]);
            let boxes = boxes(&response, (width, height));
            draw(&mut picture, &boxes);
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
