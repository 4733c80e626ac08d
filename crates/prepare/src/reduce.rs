//! Shrinking by a whole factor while a picture is being read, so that its full size is never held.
//!
//! Each target pixel is the mean of a square of source pixels. What remains to the wanted size is
//! resampled with a proper filter afterwards, from at least twice the size.

use image::RgbImage;
use sightline_resample as resample;

use super::PrepareError;

/// The largest whole factor that leaves a picture whose longest side is `longest` at least `px` long.
pub(super) fn factor_down_to(longest: u32, px: u32) -> u32 {
    (longest / px.max(1)).max(1)
}

/// What a pixel of a decoded row is made of, 8 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Grey,
    GreyAlpha,
    Rgb,
    RgbAlpha,
    /// Amounts of ink, 255 the most.
    Cmyk,
}

impl Layout {
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::RgbAlpha | Self::Cmyk => 4,
        }
    }

    pub(super) const fn has_alpha(self) -> bool {
        matches!(self, Self::GreyAlpha | Self::RgbAlpha)
    }

    const fn channels(self) -> Channels {
        match self {
            Self::Grey | Self::GreyAlpha => Channels::Grey,
            Self::Rgb | Self::RgbAlpha => Channels::Rgb,
            Self::Cmyk => Channels::Cmyk,
        }
    }
}

/// What a pixel is made of once transparency has been laid over white.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channels {
    Grey,
    Rgb,
    Cmyk,
}

impl Channels {
    pub(super) const fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }
}

/// What the numbers of a pixel mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Profile {
    Srgb,
    /// Display P3, told by code points rather than by a profile.
    #[cfg(feature = "avif")]
    DisplayP3,
    /// An ICC profile.
    Icc(Vec<u8>),
}

impl From<Option<Vec<u8>>> for Profile {
    fn from(icc: Option<Vec<u8>>) -> Self {
        icc.map_or(Self::Srgb, Self::Icc)
    }
}

/// A picture, shrunk.
#[derive(Debug)]
pub(super) struct Reduced {
    pub(super) pixels: Vec<u8>,
    pub(super) columns: u32,
    pub(super) rows: u32,
    /// What the picture's width and height measure in these pixels: the last column and row may
    /// reach beyond it.
    pub(super) exact: (f64, f64),
    pub(super) channels: Channels,
    pub(super) profile: Profile,
}

impl From<RgbImage> for Reduced {
    fn from(picture: RgbImage) -> Self {
        let (columns, rows) = picture.dimensions();
        Self {
            exact: (f64::from(columns), f64::from(rows)),
            columns,
            rows,
            channels: Channels::Rgb,
            profile: Profile::Srgb,
            pixels: picture.into_raw(),
        }
    }
}

impl Reduced {
    /// The size in whole pixels.
    pub(super) fn nearest_size(&self) -> (u32, u32) {
        let (width, height) = self.exact;
        (
            (width.round() as u32).clamp(1, self.columns),
            (height.round() as u32).clamp(1, self.rows),
        )
    }

    /// The size with a longest side of at most `px` pixels; nothing grows.
    pub(super) fn fitted(&self, px: u32) -> (u32, u32) {
        let (width, height) = self.exact;
        let scale = f64::from(px) / width.max(height);
        if scale >= 1.0 {
            return self.nearest_size();
        }
        let side = |length: f64| ((length * scale).round() as u32).max(1);
        (side(width), side(height))
    }

    /// The pixels in another size.
    pub(super) fn resized(&self, (width, height): (u32, u32)) -> Result<Vec<u8>, PrepareError> {
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
            self.exact.0.min(f64::from(self.columns)),
            self.exact.1.min(f64::from(self.rows)),
        );
        resample::resample(&source, part, (width, height), resample::Filter::Lanczos3)
            .map_err(|_| PrepareError::internal("resizing"))
    }
}

/// Takes a picture row by row, or whole, and keeps the shrunk one.
pub(super) struct Reducer {
    layout: Layout,
    width: usize,
    factor: usize,
    /// Sums of the rows so far, `width` pixels.
    sums: Vec<u16>,
    /// How many rows have been summed up.
    summed: u16,
    /// One row without transparency.
    opaque: Vec<u8>,
    pixels: Vec<u8>,
    rows: u32,
    height_read: u32,
}

impl Reducer {
    /// For a picture of a given width. The factor is at most 255, the rest is left to resampling.
    pub(super) fn new(width: u32, layout: Layout, factor: u32) -> Self {
        let width = width as usize;
        let factor = factor.clamp(1, 255) as usize;
        Self {
            layout,
            width,
            factor,
            sums: vec![0; width * layout.channels().count()],
            summed: 0,
            opaque: Vec::new(),
            pixels: Vec::new(),
            rows: 0,
            height_read: 0,
        }
    }

    /// Bytes needed to shrink a picture of this size.
    pub(super) fn memory(width: u32, height: u32, layout: Layout, factor: u32) -> u64 {
        let factor = u64::from(factor.clamp(1, 255));
        let channels = layout.channels().count() as u64;
        let (width, height) = (u64::from(width), u64::from(height));
        width.div_ceil(factor) * height.div_ceil(factor) * channels + width * channels * 3
    }

    /// The next row; what is missing of it counts as black, what is too much is left out.
    pub(super) fn push(&mut self, row: &[u8]) {
        self.height_read += 1;
        let mut opaque = std::mem::take(&mut self.opaque);
        let row = if self.layout.has_alpha() {
            opaque.clear();
            over_white(row, self.layout, &mut opaque);
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
            self.summed += 1;
            if usize::from(self.summed) == self.factor {
                self.flush();
            }
        }
        self.opaque = opaque;
    }

    /// Writes one target row from the sums.
    fn flush(&mut self) {
        let channels = self.layout.channels().count();
        let rows = u32::from(self.summed);
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
        self.summed = 0;
        self.rows += 1;
    }

    /// The shrunk picture.
    pub(super) fn finish(mut self, profile: Profile) -> Reduced {
        if self.summed > 0 {
            self.flush();
        }
        let factor = self.factor as f64;
        Reduced {
            columns: self.width.div_ceil(self.factor) as u32,
            rows: self.rows,
            exact: (
                self.width as f64 / factor,
                f64::from(self.height_read) / factor,
            ),
            channels: self.layout.channels(),
            profile,
            pixels: self.pixels,
        }
    }
}

/// Shrinks a picture that has been decoded whole; without a copy where its size stays.
pub(super) fn reduce_whole(
    mut pixels: Vec<u8>,
    width: u32,
    layout: Layout,
    factor: u32,
    profile: Profile,
) -> Reduced {
    let row = (width as usize * layout.bytes()).max(1);
    if factor > 1 || layout.has_alpha() {
        let mut reducer = Reducer::new(width, layout, factor);
        for row in pixels.chunks_exact(row) {
            reducer.push(row);
        }
        return reducer.finish(profile);
    }
    let rows = pixels.len() / row;
    pixels.truncate(rows * row);
    Reduced {
        columns: width,
        rows: rows as u32,
        exact: (f64::from(width), rows as f64),
        channels: layout.channels(),
        profile,
        pixels,
    }
}

/// Gives the pixels of a row with transparency, stored as they look over black, their own colours.
pub(super) fn divide_by_alpha(row: &mut [u8], layout: Layout) {
    for pixel in row.chunks_exact_mut(layout.bytes()) {
        if let Some((alpha, colours)) = pixel.split_last_mut() {
            let alpha = u16::from(*alpha).max(1);
            for colour in colours {
                *colour = ((u16::from(*colour) * 255 + alpha / 2) / alpha).min(255) as u8;
            }
        }
    }
}

/// Lays a row with transparency over white.
fn over_white(row: &[u8], layout: Layout, opaque: &mut Vec<u8>) {
    let over = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    if layout == Layout::GreyAlpha {
        let (pixels, _) = row.as_chunks::<2>();
        opaque.extend(pixels.iter().map(|[grey, alpha]| over(*grey, *alpha)));
    } else {
        let (pixels, _) = row.as_chunks::<4>();
        opaque.extend(pixels.iter().flat_map(|[red, green, blue, alpha]| {
            [
                over(*red, *alpha),
                over(*green, *alpha),
                over(*blue, *alpha),
            ]
        }));
    }
}
