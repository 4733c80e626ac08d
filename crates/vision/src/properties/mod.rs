//! `IMAGE_PROPERTIES`: quality and dominant colours of the image, of its foreground and background, and of each box.
//!
//! Rekognition does not publish its formulas. The values here have the same ranges and meaning, but other formulas; see
//! `quality`, `dominant` and `region`.

mod dominant;
mod quality;
mod region;

use image::RgbImage;
use rekognition_model::{
    DetectLabelsImageBackground, DetectLabelsImageForeground, DetectLabelsImageProperties,
    DetectLabelsImageQuality, DominantColor,
};
use sightline_resample::Part;

use crate::VisionError;
use crate::decode::{Picture, resize};
use crate::letterbox::RatioBox;
use crate::request::PropertiesOptions;
use dominant::dominant_colours;
use quality::{Quality, Tally, tallies};
use region::{Region, foreground};

/// The longer side of the image for measuring quality, in pixels. A fixed size makes sharpness independent of the
/// resolution.
const QUALITY_SIDE: u32 = 512;
/// The longer side of the image for counting colours, in pixels.
const COLOUR_SIDE: u32 = 128;

/// Scaled-down copies of one image, for measurements.
pub(crate) struct PixelStatistics {
    quality_view: RgbImage,
    colour_view: RgbImage,
    max_colours: usize,
}

impl PixelStatistics {
    /// # Errors
    /// `Internal` if scaling fails.
    pub(crate) fn new(picture: &Picture, options: PropertiesOptions) -> Result<Self, VisionError> {
        let quality_view = picture.thumbnail(QUALITY_SIDE)?;
        let longer = quality_view.width().max(quality_view.height());
        let side = |n: u32| (n * COLOUR_SIDE / longer.max(COLOUR_SIDE)).max(1);
        let colour_view = resize(
            &quality_view,
            Part::Whole,
            side(quality_view.width()),
            side(quality_view.height()),
        )?;
        Ok(Self {
            quality_view,
            colour_view,
            max_colours: options.max_dominant_colours,
        })
    }

    /// The properties of the image. `objects` are the boxes in it.
    pub(crate) fn properties(&self, objects: &[RatioBox]) -> DetectLabelsImageProperties {
        let front = foreground(&self.colour_view, objects);
        let [foreground, background] = tallies(&self.quality_view, &front);
        let whole = Tally::sum(&foreground, &background);

        DetectLabelsImageProperties {
            quality: Some(whole.quality().to_response()),
            dominant_colors: Some(self.colours(|_, _| true)),
            foreground: Some(DetectLabelsImageForeground {
                quality: Some(foreground.quality().to_response_of_part()),
                dominant_colors: Some(self.colours(|x, y| front.contains(x, y))),
            }),
            background: Some(DetectLabelsImageBackground {
                quality: Some(background.quality().to_response_of_part()),
                dominant_colors: Some(self.colours(|x, y| !front.contains(x, y))),
            }),
        }
    }

    /// The dominant colours inside a box.
    pub(crate) fn colours_in(&self, bounds: &RatioBox) -> Vec<DominantColor> {
        let (width, height) = self.colour_view.dimensions();
        let inside = Region::of_boxes(width, height, std::slice::from_ref(bounds));
        self.colours(|x, y| inside.contains(x, y))
    }

    fn colours(&self, inside: impl Fn(u32, u32) -> bool) -> Vec<DominantColor> {
        let pixels = self
            .colour_view
            .enumerate_pixels()
            .filter(|(x, y, _)| inside(*x, *y))
            .map(|(_, _, p)| p.0);
        let mut colours = dominant_colours(pixels);
        colours.truncate(self.max_colours);
        colours.iter().map(|c| c.to_response()).collect()
    }
}

/// Brightness and sharpness of a part of an image, each 0..=100.
pub(crate) fn brightness_and_sharpness(part: &RgbImage) -> (f32, f32) {
    let everywhere = Region::of_boxes(part.width(), part.height(), &[]);
    let [inside, outside] = tallies(part, &everywhere);
    let quality = Tally::sum(&inside, &outside).quality();
    (quality.brightness, quality.sharpness)
}

impl Quality {
    fn to_response(self) -> DetectLabelsImageQuality {
        DetectLabelsImageQuality {
            contrast: Some(f64::from(self.contrast)),
            ..self.to_response_of_part()
        }
    }

    /// Rekognition returns no contrast for foreground and background.
    fn to_response_of_part(self) -> DetectLabelsImageQuality {
        DetectLabelsImageQuality {
            brightness: Some(f64::from(self.brightness)),
            sharpness: Some(f64::from(self.sharpness)),
            contrast: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::tests::png;
    use image::Rgb;

    /// 320 x 240, blue, with a red square of 80 x 80 at (160, 80).
    fn square_on_blue() -> Picture {
        let image = RgbImage::from_fn(320, 240, |x, y| {
            Rgb(if (160..240).contains(&x) && (80..160).contains(&y) {
                [220, 20, 60]
            } else {
                [0, 0, 205]
            })
        });
        Picture::decode(&png(image)).unwrap()
    }

    const SQUARE: RatioBox = RatioBox {
        left: 0.5,
        top: 1.0 / 3.0,
        width: 0.25,
        height: 1.0 / 3.0,
    };

    fn names(colours: &Option<Vec<DominantColor>>) -> Vec<&str> {
        colours
            .as_ref()
            .unwrap()
            .iter()
            .map(|c| c.css_color.as_deref().unwrap())
            .collect()
    }

    #[test]
    fn the_object_is_the_foreground_and_the_rest_the_background() {
        let measured = PixelStatistics::new(
            &square_on_blue(),
            PropertiesOptions {
                max_dominant_colours: 10,
            },
        )
        .unwrap();
        for objects in [&[SQUARE][..], &[]] {
            let properties = measured.properties(objects);
            assert_eq!(
                names(&properties.dominant_colors)[..2],
                ["mediumblue", "crimson"]
            );
            let (front, back) = (
                properties.foreground.unwrap(),
                properties.background.unwrap(),
            );
            assert_eq!(names(&front.dominant_colors)[0], "crimson", "{objects:?}");
            assert_eq!(names(&back.dominant_colors)[0], "mediumblue");
            let share = back.dominant_colors.unwrap()[0].pixel_percent.unwrap();
            assert!(share > 97.0, "{share}");
            assert!(front.quality.as_ref().unwrap().contrast.is_none());
            assert!(back.quality.as_ref().unwrap().contrast.is_none());
            assert!(properties.quality.unwrap().contrast.is_some());
            assert!(front.quality.unwrap().brightness > back.quality.unwrap().brightness);
        }
    }

    #[test]
    fn a_box_has_its_own_colours() {
        let measured = PixelStatistics::new(
            &square_on_blue(),
            PropertiesOptions {
                max_dominant_colours: 10,
            },
        )
        .unwrap();
        let colours = measured.colours_in(&SQUARE);
        assert_eq!(colours[0].css_color.as_deref(), Some("crimson"));
        assert!(colours[0].pixel_percent.unwrap() > 80.0);
        let speck = RatioBox {
            left: 0.01,
            top: 0.01,
            width: 1e-4,
            height: 1e-4,
        };
        assert_eq!(
            measured.colours_in(&speck)[0].css_color.as_deref(),
            Some("mediumblue")
        );
    }

    #[test]
    fn max_dominant_colors_limits_each_list() {
        let at = |most| {
            let measured = PixelStatistics::new(
                &square_on_blue(),
                PropertiesOptions {
                    max_dominant_colours: most,
                },
            )
            .unwrap();
            measured
                .properties(&[SQUARE])
                .dominant_colors
                .unwrap()
                .len()
        };
        assert_eq!(at(0), 0);
        assert_eq!(at(1), 1);
        assert!(at(20) >= 2);
    }

    #[test]
    fn a_colour_has_all_its_members() {
        let flat = Picture::decode(&png(RgbImage::from_pixel(90, 90, Rgb([200, 100, 7])))).unwrap();
        let measured = PixelStatistics::new(
            &flat,
            PropertiesOptions {
                max_dominant_colours: 10,
            },
        )
        .unwrap();
        let colours = measured.properties(&[]).dominant_colors;
        assert_eq!(
            serde_json::to_value(colours).unwrap(),
            serde_json::json!([{
                "Red": 200, "Green": 100, "Blue": 7, "HexCode": "#c86407", "CSSColor": "chocolate",
                "SimplifiedColor": "brown", "PixelPercent": 100.0
            }])
        );
    }
}
