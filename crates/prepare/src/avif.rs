//! AVIF: the first picture of the file, AV1 decoded by rav1d without its assembly.

use re_rav1d::dav1d::{
    Decoder, Error, Picture, PixelLayout, PlanarImageComponent, Plane, Settings, pixel,
};

use super::{
    PrepareError, Source, Stored,
    isobmff::{CodePoints, Coded, Still, read},
    reduce::{Layout, Profile, Reduced, Reducer, divide_by_alpha},
};
use crate::MediaType;

const DAMAGED: PrepareError = PrepareError::Damaged(MediaType::Avif);

/// Primaries of Display P3 (ITU-T H.273, "Colour primaries": SMPTE EG 432-1).
const P3: u16 = 12;

/// The most coded frames in one picture: as many as it may have layers (AV1 Image File Format, "Layered Image
/// Indexing Property"). Only the last is shown; each takes as much time and memory as it.
const MAX_FRAMES: u64 = 4;

pub(super) struct Avif<'a> {
    still: Still<'a>,
    stored: Stored,
}

impl<'a> Avif<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, PrepareError> {
        let still = read(bytes).ok_or(DAMAGED)?;
        Ok(Self {
            stored: Stored {
                size: (still.colour.width, still.colour.height),
                orientation: still.orientation,
            },
            still,
        })
    }
}

impl Source for Avif<'_> {
    fn format(&self) -> MediaType {
        MediaType::Avif
    }

    fn stored(&self) -> Stored {
        self.stored
    }

    fn decode(self: Box<Self>, factor: u32, memory: u64) -> Result<Reduced, PrepareError> {
        let Still {
            colour,
            alpha,
            premultiplied,
            icc,
            code_points,
            ..
        } = self.still;
        let (width, height) = self.stored.size;
        let layout = match alpha {
            Some(_) => Layout::RgbAlpha,
            None => Layout::Rgb,
        };
        let frames = [Some(&colour), alpha.as_ref()].into_iter().flatten();
        if frames
            .flat_map(|coded| &coded.tiles)
            .any(|tile| Units::of(tile).frames > MAX_FRAMES)
        {
            return Err(PrepareError::Unsupported {
                format: MediaType::Avif,
                feature: format!("more than {MAX_FRAMES} layers"),
            });
        }
        let decoding = colour.row_memory() + alpha.as_ref().map_or(0, Coded::row_memory);
        if Reducer::memory(width, height, layout, factor) + decoding > memory {
            return Err(PrepareError::TooLarge {
                format: MediaType::Avif,
                width,
                height,
            });
        }
        let profile = match (icc, code_points) {
            (Some(icc), _) => Profile::Icc(icc.to_vec()),
            (None, Some(points)) if points.primaries == P3 => Profile::DisplayP3,
            _ => Profile::Srgb,
        };
        let mut reducer = Reducer::new(width, layout, factor);
        let mut colours = Rows::new(colour);
        let mut opacity = alpha.map(Rows::new);
        let mut row = vec![0; width as usize * layout.bytes()];
        for y in 0..height {
            colours.row(y, |picture, y, from| {
                let to = row.get_mut(from as usize * layout.bytes()..);
                Colours::of(picture, code_points).write(
                    picture,
                    y,
                    to.unwrap_or_default(),
                    layout.bytes(),
                );
            })?;
            if let Some(opacity) = &mut opacity {
                opacity.row(y, |picture, y, from| {
                    let to = row.get_mut(from as usize * layout.bytes()..);
                    write_alpha(picture, y, to.unwrap_or_default());
                })?;
                if premultiplied {
                    divide_by_alpha(&mut row, layout);
                }
            }
            reducer.push(&row);
        }
        Ok(reducer.finish(profile))
    }
}

impl Coded<'_> {
    /// How many tiles lie below each other.
    fn down(&self) -> u32 {
        (self.tiles.len() as u32 / self.across).max(1)
    }

    /// Most pixels of one tile: those of a grid are alike and the last may reach beyond the picture,
    /// so each side may be up to twice its share.
    fn tile_pixels(&self) -> u64 {
        let pixels = u64::from(self.width) * u64::from(self.height);
        match self.tiles.len() as u64 {
            0 | 1 => pixels,
            tiles => pixels * 4 / tiles,
        }
    }

    /// Bytes that decoding one row of tiles takes: the planes of each frame, what the decoder notes beside them, and the
    /// data itself.
    fn row_memory(&self) -> u64 {
        let each = self.tiles.iter().map(|tile| {
            let units = Units::of(tile);
            units.plane_bytes * units.frames.max(1) + 1
        });
        let data = self.tiles.iter().map(|tile| tile.len() as u64).max();
        let across = u64::from(self.across);
        self.tile_pixels() * across * each.max().unwrap_or(1) + data.unwrap_or(0) * across
    }
}

/// What stands in AV1 data, unit by unit (AV1 Bitstream & Decoding Process Specification, 5.3 "OBU syntax").
struct Units {
    /// The most bytes a pixel may have in its planes, by the profile in the sequence header (as above, 6.4.1 "General
    /// sequence header OBU semantics"): profile 0 has 4:2:0 in up to 10 bits, the others up to 4:4:4 in 12 bits.
    plane_bytes: u64,
    /// Coded frames, shown or not.
    frames: u64,
}

impl Units {
    fn of(mut data: &[u8]) -> Self {
        let (mut highest, mut frames) = (0, 0);
        while let Some((header, mut rest)) = data.split_first() {
            if header & 4 != 0 {
                rest = rest.get(1..).unwrap_or_default();
            }
            let mut length = rest.len();
            if header & 2 != 0 {
                // Seven bits at a time, the lowest first.
                length = 0;
                for place in 0..8 {
                    let Some((byte, after)) = rest.split_first() else {
                        break;
                    };
                    rest = after;
                    length |= usize::from(byte & 0x7F) << (7 * place);
                    if byte & 0x80 == 0 {
                        break;
                    }
                }
            }
            match header >> 3 & 15 {
                // Sequence header.
                1 => highest = highest.max(rest.first().map_or(0, |byte| byte >> 5)),
                // Frame header; frame.
                3 | 6 => frames += 1,
                _ => {}
            }
            data = rest.get(length..).unwrap_or_default();
        }
        Self {
            plane_bytes: if highest == 0 { 3 } else { 6 },
            frames,
        }
    }
}

/// Decodes one row of tiles after the other.
struct Rows<'a> {
    coded: Coded<'a>,
    /// The pictures of the current row of tiles, and which row that is.
    pictures: Vec<Picture>,
    current: Option<u32>,
    /// Height of a tile.
    tile_height: u32,
}

impl<'a> Rows<'a> {
    fn new(coded: Coded<'a>) -> Self {
        Self {
            coded,
            pictures: Vec::new(),
            current: None,
            tile_height: u32::MAX,
        }
    }

    /// Shows the tiles that make up a row of pixels, each with the row inside it and the column at
    /// which it begins.
    fn row(
        &mut self,
        y: u32,
        mut show: impl FnMut(&Picture, u32, u32),
    ) -> Result<(), PrepareError> {
        let wanted = y / self.tile_height;
        if self.current != Some(wanted) {
            self.pictures.clear();
            let across = self.coded.across as usize;
            let limit = u32::try_from(self.coded.tile_pixels()).unwrap_or(u32::MAX);
            let tiles = self.coded.tiles.iter_mut().skip(wanted as usize * across);
            for tile in tiles.take(across) {
                let data = std::mem::take(tile).into_owned();
                self.pictures.push(decode(data, limit)?);
            }
            self.current = Some(wanted);
            let first = self.pictures.first().ok_or(DAMAGED)?;
            if self.tile_height == u32::MAX {
                self.tile_height = first.height().max(1);
            }
            let columns: u64 = self.pictures.iter().map(|it| u64::from(it.width())).sum();
            let fits = columns >= u64::from(self.coded.width)
                && u64::from(self.tile_height) * u64::from(self.coded.down())
                    >= u64::from(self.coded.height)
                && self.pictures.iter().all(|picture| {
                    picture.height() == self.tile_height && picture.bit_depth() == first.bit_depth()
                });
            if !fits {
                return Err(DAMAGED);
            }
        }
        let mut from = 0;
        for picture in &self.pictures {
            if from < self.coded.width {
                show(picture, y % self.tile_height, from);
            }
            from += picture.width();
        }
        Ok(())
    }
}

/// Decodes one still picture.
fn decode(data: Vec<u8>, limit: u32) -> Result<Picture, PrepareError> {
    let refused = |error: Error| match error {
        Error::Again => PrepareError::Truncated(MediaType::Avif),
        Error::UnsupportedBitstream => PrepareError::Unsupported {
            format: MediaType::Avif,
            feature: "a rare kind of compression".to_owned(),
        },
        _ => DAMAGED,
    };
    if data.is_empty() {
        return Err(PrepareError::Truncated(MediaType::Avif));
    }
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_frame_size_limit(limit);
    // Of a layered picture the best layer.
    settings.set_all_layers(false);
    // It would take a second picture, and nothing is found in grain.
    settings.set_apply_grain(false);
    let mut decoder = Decoder::with_settings(&settings).map_err(refused)?;
    match decoder.send_data(data, None, None, None) {
        Ok(()) | Err(Error::Again) => decoder.get_picture().map_err(refused),
        Err(error) => Err(refused(error)),
    }
}

/// How luma and chroma become red, green and blue.
struct Colours {
    matrix: Matrix,
    full_range: bool,
}

enum Matrix {
    /// The planes are green, blue and red.
    Identity,
    /// Weights of red and blue in luma (ITU-T H.273, "Matrix coefficients").
    Weights(f32, f32),
}

const BT601: Matrix = Matrix::Weights(0.299, 0.114);
const BT709: Matrix = Matrix::Weights(0.2126, 0.0722);
const BT2020: Matrix = Matrix::Weights(0.2627, 0.0593);

impl Colours {
    /// The file's own word counts before the one in the coded data.
    fn of(picture: &Picture, points: Option<CodePoints>) -> Self {
        if let Some(points) = points {
            return Self {
                matrix: match points.matrix {
                    0 => Matrix::Identity,
                    1 => BT709,
                    9 | 10 => BT2020,
                    _ => BT601,
                },
                full_range: points.full_range,
            };
        }
        Self {
            matrix: match picture.matrix_coefficients() {
                pixel::MatrixCoefficients::Identity => Matrix::Identity,
                pixel::MatrixCoefficients::BT709 => BT709,
                pixel::MatrixCoefficients::BT2020NonConstantLuminance
                | pixel::MatrixCoefficients::BT2020ConstantLuminance => BT2020,
                _ => BT601,
            },
            full_range: picture.color_range() == pixel::YUVRange::Full,
        }
    }

    /// Writes one row of pixels.
    fn write(&self, picture: &Picture, y: u32, to: &mut [u8], step: usize) {
        let bits = picture.bit_depth();
        let luma = Samples::row(picture, PlanarImageComponent::Y, y);
        let (across, down) = match picture.pixel_layout() {
            PixelLayout::I400 => {
                let (low, span, _) = range(self.full_range, bits);
                for (pixel, value) in to.chunks_exact_mut(step).zip(luma.iter()) {
                    let grey = byte((f32::from(value) - low) / span);
                    pixel.iter_mut().take(3).for_each(|channel| *channel = grey);
                }
                return;
            }
            PixelLayout::I420 => (2, 2),
            PixelLayout::I422 => (2, 1),
            PixelLayout::I444 => (1, 1),
        };
        let first = Samples::row(picture, PlanarImageComponent::U, y / down);
        let second = Samples::row(picture, PlanarImageComponent::V, y / down);
        let chroma = first
            .iter()
            .zip(second.iter())
            .flat_map(|both| std::iter::repeat_n(both, across));
        let pixels = to.chunks_exact_mut(step).zip(luma.iter()).zip(chroma);
        let (low, span, chroma_span) = range(self.full_range, bits);
        match self.matrix {
            Matrix::Identity => {
                for ((pixel, green), (blue, red)) in pixels {
                    let rgb = [red, green, blue].map(|value| byte((f32::from(value) - low) / span));
                    pixel.iter_mut().zip(rgb).for_each(|(to, from)| *to = from);
                }
            }
            Matrix::Weights(red_weight, blue_weight) => {
                let middle = f32::from(1_u16 << (bits - 1));
                let green_weight = 1.0 - red_weight - blue_weight;
                for ((pixel, luma), (blue, red)) in pixels {
                    let luma = (f32::from(luma) - low) / span;
                    let blue = (f32::from(blue) - middle) / chroma_span * 2.0 * (1.0 - blue_weight);
                    let red = (f32::from(red) - middle) / chroma_span * 2.0 * (1.0 - red_weight);
                    let green = (red_weight * red + blue_weight * blue) / green_weight;
                    let rgb = [luma + red, luma - green, luma + blue].map(byte);
                    pixel.iter_mut().zip(rgb).for_each(|(to, from)| *to = from);
                }
            }
        }
    }
}

/// The lowest luma, the span of luma and that of chroma.
fn range(full: bool, bits: usize) -> (f32, f32, f32) {
    if full {
        let most = f32::from((1_u32 << bits).saturating_sub(1).min(65_535) as u16);
        (0.0, most, most)
    } else {
        let unit = f32::from(1_u16 << (bits - 8));
        (16.0 * unit, 219.0 * unit, 224.0 * unit)
    }
}

/// A byte for 0 to 1.
fn byte(value: f32) -> u8 {
    (value * 255.0 + 0.5) as u8
}

/// Writes the transparency of one row into the fourth byte of each pixel.
fn write_alpha(picture: &Picture, y: u32, to: &mut [u8]) {
    let (low, span, _) = range(
        picture.color_range() == pixel::YUVRange::Full,
        picture.bit_depth(),
    );
    let luma = Samples::row(picture, PlanarImageComponent::Y, y);
    let (pixels, _) = to.as_chunks_mut::<4>();
    for ([_, _, _, alpha], value) in pixels.iter_mut().zip(luma.iter()) {
        *alpha = byte((f32::from(value) - low) / span);
    }
}

/// One row of a plane.
struct Samples {
    plane: Plane,
    start: usize,
    /// In bytes.
    length: usize,
    wide: bool,
}

impl Samples {
    fn row(picture: &Picture, component: PlanarImageComponent, y: u32) -> Self {
        let wide = picture.bit_depth() > 8;
        // In bytes.
        let stride = picture.stride(component) as usize;
        Self {
            plane: picture.plane(component),
            start: stride * y as usize,
            length: stride,
            wide,
        }
    }

    fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        let row = self
            .plane
            .get(self.start..self.start + self.length)
            .unwrap_or_default();
        let (narrow, wide) = if self.wide {
            (&[][..], row.as_chunks::<2>().0)
        } else {
            (row, &[][..])
        };
        narrow
            .iter()
            .map(|byte| u16::from(*byte))
            .chain(wide.iter().map(|bytes| u16::from_ne_bytes(*bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_shown_or_not() {
        let sequence = [0x0A, 1, 0x20];
        let frame = [0x32, 3, 1, 2, 3];
        let header = [0x1A, 0];
        let units = Units::of(&[&sequence[..], &frame, &header, &frame].concat());
        assert_eq!((units.frames, units.plane_bytes), (3, 6));
        // Without a length a unit goes to the end.
        assert_eq!(Units::of(&[0x30, 0x32, 0, 0x32, 0]).frames, 1);
    }
}
