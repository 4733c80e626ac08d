//! Fits an image of any shape into the model's input.

use image::RgbImage;
use rekognition_model::BoundingBox;
use serde::Deserialize;

use crate::VisionError;
use crate::decode::Picture;
use crate::nms::Detection;

/// The position of the image in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Anchor {
    /// In the top left corner.
    #[default]
    TopLeft,
    /// In the centre.
    #[serde(alias = "center")]
    Centre,
}

/// The order of the channels in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Channels {
    #[serde(rename = "RGB")]
    Rgb,
    #[serde(rename = "BGR")]
    Bgr,
}

/// How an image with another aspect ratio is fitted into the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fit {
    /// The whole image with its aspect ratio, and padding.
    #[default]
    Letterbox,
    /// The whole image, distorted to the input's aspect ratio.
    Stretch,
    /// The centre of the image with its aspect ratio.
    Crop,
}

/// The mean and standard deviation that normalise each channel after it is mapped to its range, in the order R, G, B.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Normalisation {
    pub(crate) mean: [f32; 3],
    pub(crate) std: [f32; 3],
}

impl Default for Normalisation {
    fn default() -> Self {
        Self {
            mean: [0.0; 3],
            std: [1.0; 3],
        }
    }
}

/// The model's input: 1 x 3 x `height` x `width` of f32.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InputFormat {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) channels: Channels,
    /// The values for the samples 0 and 255.
    pub(crate) range: [f32; 2],
    pub(crate) normalisation: Normalisation,
    pub(crate) fit: Fit,
    /// For [`Fit::Letterbox`].
    pub(crate) anchor: Anchor,
    /// Sample value of the padding, 0..=255.
    pub(crate) pad: u8,
}

/// The area of the scaled image in the input, in input pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Letterbox {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// A box in ratios of the upright image, 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RatioBox {
    pub(crate) left: f32,
    pub(crate) top: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

impl RatioBox {
    pub(crate) fn to_response(self) -> BoundingBox {
        BoundingBox {
            width: Some(f64::from(self.width)),
            height: Some(f64::from(self.height)),
            left: Some(f64::from(self.left)),
            top: Some(f64::from(self.top)),
        }
    }
}

impl InputFormat {
    /// The area for an image of this size.
    pub(crate) fn fit(&self, (width, height): (u32, u32)) -> Letterbox {
        if self.fit != Fit::Letterbox {
            return Letterbox {
                left: 0,
                top: 0,
                width: self.width,
                height: self.height,
            };
        }
        let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
        let scale = (f64::from(self.width) / width).min(f64::from(self.height) / height);
        // Rounds half to even, as Python did in training.
        let side = |n: f64, most: u32| ((n * scale).round_ties_even() as u32).clamp(1, most);
        let (w, h) = (side(width, self.width), side(height, self.height));
        let (left, top) = match self.anchor {
            Anchor::TopLeft => (0, 0),
            Anchor::Centre => ((self.width - w) / 2, (self.height - h) / 2),
        };
        Letterbox {
            left,
            top,
            width: w,
            height: h,
        }
    }

    /// The input tensor (channel by channel, row by row) and the area of the image in it.
    ///
    /// # Errors
    /// `Internal` if scaling fails.
    pub(crate) fn prepare(&self, picture: &Picture) -> Result<(Vec<f32>, Letterbox), VisionError> {
        let letterbox = self.fit(picture.size());
        let content = match self.fit {
            Fit::Crop => picture.cropped(letterbox.width, letterbox.height)?,
            Fit::Letterbox | Fit::Stretch => picture.scaled(letterbox.width, letterbox.height)?,
        };
        Ok((self.fill(&content, letterbox), letterbox))
    }

    /// Writes scaled pixels into a padded input tensor.
    pub(crate) fn fill(&self, content: &RgbImage, letterbox: Letterbox) -> Vec<f32> {
        let [low, high] = self.range.map(f64::from);
        let Normalisation { mean, std } = self.normalisation;

        let (row, plane) = (self.width as usize, (self.width * self.height) as usize);
        let mut tensor = vec![0.0; 3 * plane];
        let order: [usize; 3] = match self.channels {
            Channels::Rgb => [0, 1, 2],
            Channels::Bgr => [2, 1, 0],
        };
        for (target, channel) in tensor.chunks_exact_mut(plane.max(1)).zip(order) {
            let of_channel = |values: [f32; 3], without| {
                f64::from(values.get(channel).copied().unwrap_or(without))
            };
            let (mean, std) = (of_channel(mean, 0.0), of_channel(std, 1.0));
            let values: [f32; 256] = std::array::from_fn(|v| {
                ((low + v as f64 * (high - low) / 255.0 - mean) / std) as f32
            });
            let value = |sample: u8| values.get(usize::from(sample)).copied().unwrap_or_default();
            target.fill(value(self.pad));
            let rows = target
                .chunks_exact_mut(row.max(1))
                .skip(letterbox.top as usize);
            for (target, source) in rows.zip(content.rows()) {
                let cells = target.iter_mut().skip(letterbox.left as usize);
                for (cell, pixel) in cells.zip(source) {
                    *cell = value(pixel.0.get(channel).copied().unwrap_or_default());
                }
            }
        }
        tensor
    }
}

impl Letterbox {
    /// Converts input pixels to ratios of the image and clips to it. `None` if the box is outside the image.
    pub(crate) fn ratios(&self, detection: &Detection) -> Option<RatioBox> {
        let (width, height) = (self.width as f32, self.height as f32);
        let x = |v: f32| (v - self.left as f32).clamp(0.0, width) / width;
        let y = |v: f32| (v - self.top as f32).clamp(0.0, height) / height;
        let [left, top] = [x(detection.left), y(detection.top)];
        let found = RatioBox {
            left,
            top,
            width: x(detection.right) - left,
            height: y(detection.bottom) - top,
        };
        (found.width > 0.0 && found.height > 0.0).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn format(
        width: u32,
        height: u32,
        anchor: Anchor,
        channels: Channels,
        range: [f32; 2],
    ) -> InputFormat {
        InputFormat {
            width,
            height,
            channels,
            range,
            normalisation: Normalisation::default(),
            fit: Fit::Letterbox,
            anchor,
            pad: 114,
        }
    }

    #[test]
    fn without_padding_the_image_fills_the_input() {
        for fit in [Fit::Stretch, Fit::Crop] {
            let mut f = format(64, 32, Anchor::Centre, Channels::Rgb, [0.0, 1.0]);
            f.fit = fit;
            let whole = Letterbox {
                left: 0,
                top: 0,
                width: 64,
                height: 32,
            };
            assert_eq!(f.fit((300, 100)), whole);
        }
    }

    #[test]
    fn each_channel_has_its_own_normalisation() {
        let content = RgbImage::from_pixel(1, 1, Rgb([255, 0, 51]));
        let letterbox = Letterbox {
            left: 0,
            top: 0,
            width: 1,
            height: 1,
        };
        for (channels, order) in [(Channels::Rgb, [0, 1, 2]), (Channels::Bgr, [2, 1, 0])] {
            let mut f = format(1, 1, Anchor::Centre, channels, [0.0, 1.0]);
            f.normalisation = Normalisation {
                mean: [0.5, 0.25, 0.2],
                std: [0.25, 0.5, 1.0],
            };
            let expected = [2.0f32, -0.5, 0.0];
            for (found, channel) in f.fill(&content, letterbox).iter().zip(order) {
                assert!((found - expected[channel]).abs() < 1e-6, "{found}");
            }
        }
    }

    #[test]
    fn the_longer_side_fills_the_input() {
        let f = format(320, 320, Anchor::TopLeft, Channels::Rgb, [0.0, 1.0]);
        assert_eq!(
            f.fit((640, 480)),
            Letterbox {
                left: 0,
                top: 0,
                width: 320,
                height: 240
            }
        );
        assert_eq!(
            f.fit((480, 640)),
            Letterbox {
                left: 0,
                top: 0,
                width: 240,
                height: 320
            }
        );
        assert_eq!(
            f.fit((80, 80)),
            Letterbox {
                left: 0,
                top: 0,
                width: 320,
                height: 320
            }
        );
        // 741 x 500 has a shorter side of 215.92 pixels.
        assert_eq!(f.fit((741, 500)).height, 216);
        assert_eq!(f.fit((10_000, 1)).height, 1);
    }

    #[test]
    fn a_centred_image_has_padding_on_both_sides() {
        let f = format(64, 64, Anchor::Centre, Channels::Rgb, [0.0, 1.0]);
        assert_eq!(
            f.fit((160, 80)),
            Letterbox {
                left: 0,
                top: 16,
                width: 64,
                height: 32
            }
        );
        assert_eq!(
            f.fit((80, 160)),
            Letterbox {
                left: 16,
                top: 0,
                width: 32,
                height: 64
            }
        );
        let wide = format(64, 32, Anchor::Centre, Channels::Rgb, [0.0, 1.0]);
        assert_eq!(
            wide.fit((100, 100)),
            Letterbox {
                left: 16,
                top: 0,
                width: 32,
                height: 32
            }
        );
    }

    #[test]
    fn pixels_are_written_by_channel_with_padding_around_them() {
        let content = RgbImage::from_pixel(2, 1, Rgb([255, 0, 51]));
        let letterbox = Letterbox {
            left: 1,
            top: 1,
            width: 2,
            height: 1,
        };
        let rgb = format(4, 2, Anchor::Centre, Channels::Rgb, [0.0, 1.0]).fill(&content, letterbox);
        let p = 114.0 / 255.0;
        assert_eq!(rgb[..8], [p, p, p, p, p, 1.0, 1.0, p]);
        assert_eq!(rgb[8..16], [p, p, p, p, p, 0.0, 0.0, p]);
        assert_eq!(rgb[16..], [p, p, p, p, p, 0.2, 0.2, p]);
        let bgr =
            format(4, 2, Anchor::Centre, Channels::Bgr, [0.0, 255.0]).fill(&content, letterbox);
        assert_eq!(
            bgr[..8],
            [114.0, 114.0, 114.0, 114.0, 114.0, 51.0, 51.0, 114.0]
        );
        assert_eq!(
            bgr[16..],
            [114.0, 114.0, 114.0, 114.0, 114.0, 255.0, 255.0, 114.0]
        );
    }

    #[test]
    fn boxes_become_ratios_and_are_clipped_to_the_image() {
        let letterbox = Letterbox {
            left: 0,
            top: 16,
            width: 64,
            height: 32,
        };
        let at = |left, top, right, bottom| {
            letterbox.ratios(&Detection {
                class: 0,
                score: 1.0,
                left,
                top,
                right,
                bottom,
            })
        };
        let inside = at(16.0, 24.0, 32.0, 40.0).unwrap();
        assert_eq!(
            inside,
            RatioBox {
                left: 0.25,
                top: 0.25,
                width: 0.25,
                height: 0.5
            }
        );
        let over = at(-9.0, 0.0, 99.0, 99.0).unwrap();
        assert_eq!(
            over,
            RatioBox {
                left: 0.0,
                top: 0.0,
                width: 1.0,
                height: 1.0
            }
        );
        assert_eq!(
            at(0.0, 0.0, 64.0, 10.0),
            None,
            "a box in the padding is no box"
        );
        assert_eq!(at(f32::NAN, 0.0, 64.0, 40.0), None);
    }
}
