//! Scaling down by a whole factor while a picture is being decoded, so that its full size is never in memory.
//!
//! Each target pixel is the mean of a square of source pixels. A proper filter then resamples to the wanted size, from at least
//! twice that size.

use image::RgbImage;
use sightline_resample as resample;

use super::{
    coded::Conversion,
    layout::{Channels, Layout, Profile},
    transparency::row_over_white,
};
use crate::error::PrepareError;

/// The largest whole factor that leaves a picture whose longest side is `longest` at least `px` long.
pub(crate) fn factor_down_to(longest: u32, px: u32) -> u32 {
    (longest / px.max(1)).max(1)
}

/// A picture scaled down by a whole factor.
#[derive(Debug)]
pub(crate) struct Downscaled {
    pub(crate) pixels: Vec<u8>,
    pub(crate) columns: u32,
    pub(crate) rows: u32,
    /// The picture's exact width and height in these pixels. The last column and row may extend beyond it.
    pub(crate) exact_size: (f64, f64),
    pub(crate) channels: Channels,
    pub(crate) profile: Profile,
    /// Whether the file has a fault that the decoder overcame, so that other decoders may reject it.
    pub(crate) repaired: bool,
}

impl From<RgbImage> for Downscaled {
    fn from(picture: RgbImage) -> Self {
        let (columns, rows) = picture.dimensions();
        Self {
            exact_size: (f64::from(columns), f64::from(rows)),
            columns,
            rows,
            channels: Channels::Rgb,
            profile: Profile::Srgb,
            repaired: false,
            pixels: picture.into_raw(),
        }
    }
}

impl Downscaled {
    /// The size rounded to whole pixels.
    pub(crate) fn nearest_size(&self) -> (u32, u32) {
        let (width, height) = self.exact_size;
        (
            (width.round() as u32).clamp(1, self.columns),
            (height.round() as u32).clamp(1, self.rows),
        )
    }

    /// The size scaled to a longest side of at most `px` pixels. It is never larger.
    pub(crate) fn size_within(&self, px: u32) -> (u32, u32) {
        let (width, height) = self.exact_size;
        let scale = f64::from(px) / width.max(height);
        if scale >= 1.0 {
            return self.nearest_size();
        }
        let side = |length: f64| ((length * scale).round() as u32).max(1);
        (side(width), side(height))
    }

    /// The pixels at another size, without a copy of those that keep theirs.
    pub(crate) fn into_resized(self, size: (u32, u32)) -> Result<Vec<u8>, PrepareError> {
        if size == (self.columns, self.rows) {
            return Ok(self.pixels);
        }
        self.resized(size)
    }

    /// The pixels at another size.
    pub(crate) fn resized(&self, (width, height): (u32, u32)) -> Result<Vec<u8>, PrepareError> {
        if (width, height) == (self.columns, self.rows) {
            return Ok(self.pixels.clone());
        }
        let source = resample::Source {
            pixels: &self.pixels,
            width: self.columns,
            height: self.rows,
            channels: self.channels.count(),
        };
        let part = resample::Part::Corner(
            self.exact_size.0.min(f64::from(self.columns)),
            self.exact_size.1.min(f64::from(self.rows)),
        );
        resample::resample(&source, part, (width, height), resample::Filter::Lanczos3)
            .map_err(|_| PrepareError::Internal("resizing"))
    }
}

/// Scales a picture down row by row.
pub(crate) struct Downscaler {
    layout: Layout,
    width: usize,
    factor: usize,
    /// Sums over the rows of the current target row, `width` pixels.
    sums: Vec<u16>,
    /// How many rows `sums` contains.
    summed_rows: u16,
    /// A buffer for one row without transparency.
    opaque: Vec<u8>,
    /// What brings transparent HDR pixels to sRGB, and a buffer for a row of them.
    hdr: Option<Conversion>,
    converted: Vec<u8>,
    pixels: Vec<u8>,
    rows: u32,
    source_rows: u32,
}

impl Downscaler {
    /// For a picture of this width in pixels. The factor is capped at 255; resampling does the rest.
    pub(crate) fn new(width: u32, layout: Layout, factor: u32) -> Self {
        let width = width as usize;
        let factor = factor.clamp(1, 255) as usize;
        Self {
            layout,
            width,
            factor,
            sums: vec![0; width * layout.channels().count()],
            summed_rows: 0,
            opaque: Vec::new(),
            hdr: None,
            converted: Vec::new(),
            pixels: Vec::new(),
            rows: 0,
            source_rows: 0,
        }
    }

    /// Converts transparent HDR pixels before they are placed over white, as browsers do: their values between a colour and white
    /// are very different from those in sRGB. [`finish`](Self::finish) is given the same profile.
    pub(crate) fn with_profile(mut self, profile: &Profile) -> Self {
        if let Profile::Coded(coded) = profile
            && coded.is_hdr()
            && self.layout.has_alpha()
        {
            self.hdr = Some(Conversion::new(coded.clone()));
        }
        self
    }

    /// The bytes that scaling down a picture of this size needs.
    pub(crate) fn memory(width: u32, height: u32, layout: Layout, factor: u32) -> u64 {
        let factor = u64::from(factor.clamp(1, 255));
        let channels = layout.channels().count() as u64;
        let (width, height) = (u64::from(width), u64::from(height));
        let converted = if layout.has_alpha() {
            layout.bytes() as u64
        } else {
            0
        };
        width.div_ceil(factor) * height.div_ceil(factor) * channels
            + width * (channels * 3 + converted)
    }

    /// Adds the next row. Missing pixels are black, excess ones are ignored.
    pub(crate) fn push(&mut self, row: &[u8]) {
        self.source_rows += 1;
        let mut opaque = std::mem::take(&mut self.opaque);
        let row = if self.layout.has_alpha() {
            opaque.clear();
            let row = if let Some(conversion) = &mut self.hdr {
                self.converted.clear();
                self.converted.extend(row);
                convert_visible(conversion, self.layout, &mut self.converted);
                &self.converted
            } else {
                row
            };
            row_over_white(row, self.layout, &mut opaque);
            opaque.as_slice()
        } else {
            row
        };
        if self.factor == 1 {
            let length = self.sums.len();
            let end = self.pixels.len() + length;
            self.pixels.extend(row.iter().take(length));
            self.pixels.resize(end, 0);
            self.rows += 1;
        } else {
            for (sum, value) in self.sums.iter_mut().zip(row) {
                *sum += u16::from(*value);
            }
            self.summed_rows += 1;
            if usize::from(self.summed_rows) == self.factor {
                self.flush();
            }
        }
        self.opaque = opaque;
    }

    /// Writes a target row from the sums.
    fn flush(&mut self) {
        let channels = self.layout.channels().count();
        let rows = u32::from(self.summed_rows);
        for block in self.sums.chunks(self.factor * channels) {
            let mut totals = [0_u32; 4];
            for pixel in block.chunks_exact(channels) {
                for (total, value) in totals.iter_mut().zip(pixel) {
                    *total += u32::from(*value);
                }
            }
            let count = (block.len() / channels) as u32 * rows;
            for total in totals.iter().take(channels) {
                self.pixels.push(((total + count / 2) / count.max(1)) as u8);
            }
        }
        self.sums.fill(0);
        self.summed_rows = 0;
        self.rows += 1;
    }

    /// The scaled picture.
    pub(crate) fn finish(mut self, profile: Profile) -> Downscaled {
        if self.summed_rows > 0 {
            self.flush();
        }
        let factor = self.factor as f64;
        Downscaled {
            columns: self.width.div_ceil(self.factor) as u32,
            rows: self.rows,
            exact_size: (
                self.width as f64 / factor,
                f64::from(self.source_rows) / factor,
            ),
            channels: self.layout.channels(),
            profile: match self.hdr {
                Some(_) => Profile::Srgb,
                None => profile,
            },
            repaired: false,
            pixels: self.pixels,
        }
    }
}

/// Brings the pixels of a row to sRGB, except those that are transparent throughout.
fn convert_visible(conversion: &mut Conversion, layout: Layout, row: &mut [u8]) {
    for pixel in row.chunks_exact_mut(layout.bytes()) {
        match pixel {
            [.., 0] => {}
            [grey, _] => [*grey, ..] = conversion.convert([*grey; 3]),
            [red, green, blue, _] => {
                [*red, *green, *blue] = conversion.convert([*red, *green, *blue]);
            }
            _ => {}
        }
    }
}

/// Scales down a picture that has been decoded whole. It makes no copy if the size stays.
pub(crate) fn downscale_whole(
    mut pixels: Vec<u8>,
    width: u32,
    layout: Layout,
    factor: u32,
    profile: Profile,
) -> Downscaled {
    let row = (width as usize * layout.bytes()).max(1);
    if factor > 1 || layout.has_alpha() {
        let mut downscaler = Downscaler::new(width, layout, factor).with_profile(&profile);
        for row in pixels.chunks_exact(row) {
            downscaler.push(row);
        }
        return downscaler.finish(profile);
    }
    let rows = pixels.len() / row;
    pixels.truncate(rows * row);
    Downscaled {
        columns: width,
        rows: rows as u32,
        exact_size: (f64::from(width), rows as f64),
        channels: layout.channels(),
        profile,
        repaired: false,
        pixels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::coded::Coded;

    #[test]
    fn means_are_exact_up_to_the_last_column_and_row() {
        // 5 x 3 pixels by 2: the last column has one source column, the last row one source row.
        let mut downscaler = Downscaler::new(5, Layout::Grey, 2);
        downscaler.push(&[0, 10, 20, 30, 40]);
        downscaler.push(&[10, 20, 30, 40, 50]);
        downscaler.push(&[100, 101, 0, 255, 7]);
        let downscaled = downscaler.finish(Profile::Srgb);
        assert_eq!(downscaled.pixels, [10, 30, 45, 101, 128, 7]);
        assert_eq!((downscaled.columns, downscaled.rows), (3, 2));
        assert_eq!(downscaled.exact_size, (2.5, 1.5));
        // The sums of a bright picture do not overflow.
        let mut downscaler = Downscaler::new(255, Layout::RgbAlpha, 255);
        for _ in 0..255 {
            downscaler.push(&[255; 255 * 4]);
        }
        assert_eq!(downscaler.finish(Profile::Srgb).pixels, [255; 3]);
    }

    #[test]
    fn transparent_pictures_are_placed_over_white() {
        let mut downscaler = Downscaler::new(3, Layout::RgbAlpha, 1);
        downscaler.push(&[1, 2, 3, 0, 10, 20, 30, 255, 0, 0, 255, 128]);
        let downscaled = downscaler.finish(Profile::Srgb);
        assert_eq!(
            downscaled.pixels,
            [255, 255, 255, 10, 20, 30, 127, 127, 255]
        );
    }

    #[test]
    fn transparent_hdr_pixels_are_converted_before_they_are_placed_over_white() {
        // Transparent, half-transparent black, and a grey of diffuse white and less.
        for (layout, row) in [
            (
                Layout::RgbAlpha,
                &[9, 9, 9, 0, 0, 0, 0, 128, 128, 128, 128, 255][..],
            ),
            (Layout::GreyAlpha, &[9, 0, 0, 128, 128, 255]),
        ] {
            let pq: Profile = Coded::from_code_points(1, 16).into();
            let mut downscaler = Downscaler::new(3, layout, 1).with_profile(&pq);
            downscaler.push(row);
            let downscaled = downscaler.finish(pq);
            assert_eq!(downscaled.profile, Profile::Srgb);
            let channels = downscaled.channels.count();
            let first: Vec<u8> = downscaled
                .pixels
                .iter()
                .copied()
                .step_by(channels)
                .collect();
            assert_eq!(first[..2], [255, 127], "{layout:?}");
            assert!(first[2].abs_diff(132) < 4, "{layout:?} {first:?}");
        }
    }
}
