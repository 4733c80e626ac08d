//! BMP: all headers from OS/2 1.x to version 5, row by row (Microsoft, "Bitmap storage"; OS/2 Presentation Manager, "Bitmap file
//! format"). Where documents disagree, pictures are shown as Chromium shows them.

use super::decoder::{Geometry, PictureDecoder};
use crate::{
    error::PrepareError,
    limits::{MAX_ICC_BYTES, MAX_UNPACKED_BYTES},
    media::MediaType,
    orientation::Orientation,
    pixels::{
        downscale::{Downscaled, Downscaler, downscale_whole},
        layout::{Layout, Profile},
    },
};

const DAMAGED: PrepareError = PrepareError::Damaged(MediaType::Bmp);
const TRUNCATED: PrepareError = PrepareError::Truncated(MediaType::Bmp);

/// The bytes before the header.
const FILE_HEADER: usize = 14;

/// The header that first had `biCompression` and all that follows, and those that have masks.
const INFO_HEADER: usize = 40;
const MASKS_HEADERS: [usize; 4] = [52, 56, 108, 124];

pub(super) struct Bmp<'a> {
    file: &'a [u8],
    width: u32,
    height: u32,
    top_down: bool,
    pixels: Pixels,
    /// The offset of the pixels in the file.
    start: usize,
    icc: Option<&'a [u8]>,
}

/// How pixels are stored.
enum Pixels {
    /// Indices of 1, 2, 4 or 8 bits.
    Indexed { bits: usize, palette: Vec<[u8; 3]> },
    /// Runs of indices of 4 or 8 bits.
    Runs { bits: usize, palette: Vec<[u8; 3]> },
    /// Runs of colours.
    ColourRuns,
    /// Blue, green and red.
    Colours,
    /// Numbers of this many bytes, with a mask for each of red, green, blue and alpha.
    Masked { bytes: usize, masks: [Mask; 4] },
}

/// The place of a channel in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mask {
    shift: u32,
    /// The largest value; zero if the channel is missing.
    max: u32,
}

impl<'a> Bmp<'a> {
    pub(super) fn open(file: &'a [u8]) -> Result<Self, PrepareError> {
        let reader = Reader(file);
        let header = reader.four(FILE_HEADER)? as usize;
        let is_core = header == 12;
        let is_known = matches!(header, 12 | 42 | 46 | 108 | 124)
            || (16..=64).contains(&header) && header.is_multiple_of(4);
        if !is_known {
            return Err(DAMAGED);
        }
        let (width, height, bits) = if is_core {
            let side = |at| reader.two(FILE_HEADER + at).map(|side| side as i32);
            (side(4)?, side(6)?, reader.two(FILE_HEADER + 10)?)
        } else {
            let side = |at| reader.four(FILE_HEADER + at).map(|side| side as i32);
            (side(4)?, side(8)?, reader.two(FILE_HEADER + 14)?)
        };
        if width <= 0 || height == 0 || height == i32::MIN {
            return Err(DAMAGED);
        }
        // Shorter headers leave fields out, which are zero then.
        let field = |at: usize| {
            if at + 4 <= header {
                reader.four(FILE_HEADER + at)
            } else {
                Ok(0)
            }
        };
        let (compression, used) = (field(16)?, field(32)?);
        let has_masks = MASKS_HEADERS.contains(&header);
        let is_os2 = !is_core && header != INFO_HEADER && !has_masks;
        let palette_at = FILE_HEADER + header;
        let pixels = match (compression, bits) {
            (0, 1 | 2 | 4 | 8) | (1, 8) | (2, 4) => {
                let most = 1_usize << bits;
                let count = if used == 0 {
                    most
                } else {
                    most.min(used as usize)
                };
                let palette = reader.palette(palette_at, count, if is_core { 3 } else { 4 });
                let bits = bits as usize;
                if compression == 0 {
                    Pixels::Indexed { bits, palette }
                } else {
                    Pixels::Runs { bits, palette }
                }
            }
            (0, 24) => Pixels::Colours,
            (4, 24) if is_os2 => Pixels::ColourRuns,
            (0 | 3 | 6, 16 | 32) => {
                let mut masks = match bits {
                    16 => [0x7C00, 0x03E0, 0x001F, 0],
                    _ => [0xFF_0000, 0xFF00, 0xFF, 0],
                };
                if compression != 0 {
                    // Behind the oldest header with masks in it, they are its last fields; before, they follow the header.
                    let at = FILE_HEADER + INFO_HEADER;
                    for (index, mask) in masks.iter_mut().enumerate().take(3) {
                        *mask = reader.four(at + 4 * index)?;
                    }
                }
                if header >= 56 && has_masks || compression == 6 && !has_masks {
                    masks[3] = reader.four(FILE_HEADER + INFO_HEADER + 12)?;
                }
                let bytes = bits as usize / 8;
                let mut all = [Mask { shift: 0, max: 0 }; 4];
                for (to, mask) in all.iter_mut().zip(masks) {
                    *to = Mask::new(mask).ok_or(DAMAGED)?;
                }
                Pixels::Masked { bytes, masks: all }
            }
            (3, 1) if is_os2 => return Err(unsupported("Huffman compression")),
            (4, _) => return Err(unsupported("an embedded JPEG")),
            (5, _) => return Err(unsupported("an embedded PNG")),
            (0, _) => return Err(unsupported(format!("{bits} bits a pixel"))),
            (3 | 6, _) => return Err(unsupported(format!("masks for {bits} bits a pixel"))),
            (1 | 2, _) => {
                return Err(unsupported(format!("run lengths for {bits} bits a pixel")));
            }
            _ => return Err(unsupported(format!("compression method {compression}"))),
        };
        // The offset counts even where it points into the headers.
        let start = reader.four(10)? as usize;
        Ok(Self {
            file,
            width: width as u32,
            height: height.unsigned_abs(),
            top_down: height < 0,
            pixels,
            start,
            icc: reader.icc(header),
        })
    }

    /// Whether this many rows may be missing: a tenth at most. More would be another picture than the one that was uploaded.
    const fn may_lack(&self, missing: u32) -> bool {
        missing <= self.height / 10
    }

    const fn layout(&self) -> Layout {
        match &self.pixels {
            Pixels::Masked {
                masks: [.., alpha], ..
            } if alpha.max > 0 => Layout::RgbAlpha,
            _ => Layout::Rgb,
        }
    }

    /// Forgets the alpha channel if no pixel uses it. As in Chromium, such a picture is opaque.
    fn drop_unused_alpha(&mut self) {
        let length = self.row_bytes();
        let Pixels::Masked { bytes, masks } = &mut self.pixels else {
            return;
        };
        let [.., alpha] = masks;
        if alpha.max == 0 {
            return;
        }
        let used = alpha.max << alpha.shift;
        let needed = self.width as usize * *bytes;
        let rows = self.file.get(self.start..).unwrap_or_default();
        let is_used = rows.chunks(length).take(self.height as usize).any(|row| {
            let row = row.get(..needed).unwrap_or(row);
            row.chunks_exact(*bytes)
                .any(|pixel| number(pixel) & used != 0)
        });
        if !is_used {
            alpha.max = 0;
        }
    }

    /// Bytes of a stored row, which are padded to a multiple of four.
    fn row_bytes(&self) -> usize {
        let bits = match &self.pixels {
            Pixels::Indexed { bits, .. } | Pixels::Runs { bits, .. } => *bits,
            Pixels::Colours | Pixels::ColourRuns => 24,
            Pixels::Masked { bytes, .. } => bytes * 8,
        };
        (self.width as usize * bits).div_ceil(32) * 4
    }

    /// Appends a stored row as pixels of the layout.
    fn unpack(&self, stored: &[u8], row: &mut Vec<u8>) {
        let width = self.width as usize;
        match &self.pixels {
            Pixels::Indexed { bits, palette } => {
                let per_byte = 8 / bits;
                let max = ((1_u16 << bits) - 1) as u8;
                for (x, byte) in stored.iter().enumerate() {
                    for place in 1..=per_byte.min(width.saturating_sub(x * per_byte)) {
                        let index = byte >> (8 - bits * place) & max;
                        row.extend(colour(palette, index));
                    }
                }
            }
            Pixels::Masked { bytes, masks } => {
                let channels = self.layout().bytes();
                for pixel in stored.chunks_exact(*bytes).take(width) {
                    let number = number(pixel);
                    row.extend(masks.iter().take(channels).map(|mask| mask.value(number)));
                }
            }
            _ => {
                let (pixels, _) = stored.as_chunks::<3>();
                let colours = pixels.iter().take(width);
                row.extend(colours.flat_map(|[blue, green, red]| [*red, *green, *blue]));
            }
        }
    }

    /// Decodes rows that are stored as they are.
    fn decode_rows(&self, factor: u32, memory: u64) -> Result<Downscaled, PrepareError> {
        let (width, height, layout) = (self.width, self.height, self.layout());
        let length = self.row_bytes();
        let too_large = || PrepareError::too_large(MediaType::Bmp, (width, height));
        if (length as u64).saturating_mul(u64::from(height)) > MAX_UNPACKED_BYTES
            || Downscaler::memory(width, height, layout, factor) + u64::from(width) * 8 > memory
        {
            return Err(too_large());
        }
        let data = self.file.get(self.start..).unwrap_or_default();
        let stored = (data.len() / length) as u32;
        // The padding of the last row is often missing.
        let last = data.len() % length;
        let needed = match self.pixels {
            Pixels::Indexed { bits, .. } => (width as usize * bits).div_ceil(8),
            Pixels::Masked { bytes, .. } => width as usize * bytes,
            _ => width as usize * 3,
        };
        let stored = stored + u32::from(last >= needed);
        if !self.may_lack(height.saturating_sub(stored)) {
            return Err(TRUNCATED);
        }
        let blank = vec![255; width as usize * layout.bytes()];
        let mut downscaler = Downscaler::new(width, layout, factor);
        let mut row = Vec::new();
        for y in 0..height {
            let index = if self.top_down { y } else { height - 1 - y };
            let bytes = data
                .get(index as usize * length..)
                .filter(|_| index < stored);
            let Some(bytes) = bytes else {
                downscaler.push(&blank);
                continue;
            };
            row.clear();
            self.unpack(bytes.get(..length).unwrap_or(bytes), &mut row);
            downscaler.push(&row);
        }
        Ok(downscaler.finish(Profile::from(self.icc.map(<[u8]>::to_vec))))
    }

    /// Decodes runs, into a buffer because they may skip pixels, which are black then.
    fn decode_runs(&self, factor: u32, memory: u64) -> Result<Downscaled, PrepareError> {
        let (width, height) = (self.width as usize, self.height as usize);
        let whole = u64::from(self.width) * u64::from(self.height) * 3;
        let needed = whole + Downscaler::memory(self.width, self.height, Layout::Rgb, factor);
        let length = usize::try_from(whole)
            .ok()
            .filter(|_| needed <= memory)
            .ok_or_else(|| PrepareError::too_large(MediaType::Bmp, (self.width, self.height)))?;
        let mut canvas = Canvas {
            pixels: vec![0; length],
            width,
            height,
            top_down: self.top_down,
            x: 0,
            y: 0,
        };
        let data = self.file.get(self.start..).unwrap_or_default();
        let complete = self.draw_runs(data, &mut canvas).is_some();
        if !complete {
            // The row in which the data ends is lost too.
            let missing = (height - canvas.y.min(height)) as u32;
            if !self.may_lack(missing) {
                return Err(TRUNCATED);
            }
            for y in canvas.y..height {
                canvas.row(y).fill(255);
            }
        }
        let profile = Profile::from(self.icc.map(<[u8]>::to_vec));
        Ok(downscale_whole(
            canvas.pixels,
            self.width,
            Layout::Rgb,
            factor,
            profile,
        ))
    }

    /// Draws runs up to their end. `None` if the data ends first.
    fn draw_runs(&self, data: &[u8], canvas: &mut Canvas) -> Option<()> {
        let mut reader = data;
        let mut next = || {
            let (first, rest) = reader.split_first()?;
            reader = rest;
            Some(*first)
        };
        while canvas.y < canvas.height {
            let (count, code) = (next()?, next()?);
            match (count, code) {
                (0, 0) => (canvas.x, canvas.y) = (0, canvas.y + 1),
                (0, 1) => return Some(()),
                (0, 2) => {
                    canvas.x += usize::from(next()?);
                    canvas.y += usize::from(next()?);
                }
                (0, count) => {
                    let mut bytes = 0;
                    let mut byte = || {
                        bytes += 1;
                        next()
                    };
                    match &self.pixels {
                        Pixels::Runs { bits: 4, palette } => {
                            for pair in 0..count.div_ceil(2) {
                                let both = byte()?;
                                canvas.draw(colour(palette, both >> 4));
                                if pair * 2 + 1 < count {
                                    canvas.draw(colour(palette, both & 15));
                                }
                            }
                        }
                        Pixels::Runs { palette, .. } => {
                            for _ in 0..count {
                                canvas.draw(colour(palette, byte()?));
                            }
                        }
                        _ => {
                            for _ in 0..count {
                                let (blue, green, red) = (byte()?, byte()?, byte()?);
                                canvas.draw([red, green, blue]);
                            }
                        }
                    }
                    // Padded to a multiple of two.
                    if bytes % 2 == 1 {
                        next()?;
                    }
                }
                (count, code) => {
                    let colours = match &self.pixels {
                        Pixels::Runs { bits: 4, palette } => {
                            [colour(palette, code >> 4), colour(palette, code & 15)]
                        }
                        Pixels::Runs { palette, .. } => [colour(palette, code); 2],
                        _ => {
                            let (green, red) = (next()?, next()?);
                            [[red, green, code]; 2]
                        }
                    };
                    let colours = colours.iter().cycle().take(usize::from(count));
                    colours.for_each(|colour| canvas.draw(*colour));
                }
            }
        }
        Some(())
    }
}

/// A picture that runs are drawn in.
struct Canvas {
    pixels: Vec<u8>,
    width: usize,
    height: usize,
    top_down: bool,
    x: usize,
    /// The row in the order in which rows are stored.
    y: usize,
}

impl Canvas {
    fn row(&mut self, y: usize) -> &mut [u8] {
        let y = if self.top_down {
            y
        } else {
            self.height - 1 - y
        };
        let length = self.width * 3;
        self.pixels
            .get_mut(y * length..(y + 1) * length)
            .unwrap_or_default()
    }

    /// Draws a pixel. One beyond the end of the row is lost.
    fn draw(&mut self, colour: [u8; 3]) {
        if self.x < self.width && self.y < self.height {
            let x = self.x;
            let pixel = self.row(self.y).get_mut(x * 3..x * 3 + 3);
            pixel.unwrap_or_default().copy_from_slice(&colour);
        }
        self.x += 1;
    }
}

impl PictureDecoder for Bmp<'_> {
    fn format(&self) -> MediaType {
        MediaType::Bmp
    }

    fn geometry(&self) -> Geometry {
        Geometry {
            size: (self.width, self.height),
            orientation: Orientation::NoTransforms,
        }
    }

    fn decode(mut self: Box<Self>, factor: u32, memory: u64) -> Result<Downscaled, PrepareError> {
        self.drop_unused_alpha();
        match self.pixels {
            Pixels::Runs { .. } | Pixels::ColourRuns => self.decode_runs(factor, memory),
            _ => self.decode_rows(factor, memory),
        }
    }
}

fn unsupported(feature: impl Into<String>) -> PrepareError {
    PrepareError::unsupported(MediaType::Bmp, feature)
}

/// The little-endian number of a pixel.
fn number(pixel: &[u8]) -> u32 {
    let add = |sum, byte: &u8| sum << 8 | u32::from(*byte);
    pixel.iter().rev().fold(0, add)
}

/// The colour of an index. One beyond the palette is black.
fn colour(palette: &[[u8; 3]], index: u8) -> [u8; 3] {
    palette.get(usize::from(index)).copied().unwrap_or_default()
}

impl Mask {
    /// `None` if its bits are not next to each other.
    fn new(mask: u32) -> Option<Self> {
        let shift = mask.trailing_zeros() % 32;
        let max = mask >> shift;
        (max & max.wrapping_add(1) == 0).then_some(Self { shift, max })
    }

    fn value(self, number: u32) -> u8 {
        let value = u64::from(number >> self.shift & self.max);
        let max = u64::from(self.max);
        (value * 255 + max / 2).checked_div(max).unwrap_or(0) as u8
    }
}

/// Reads little-endian numbers.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn two(self, at: usize) -> Result<u32, PrepareError> {
        let bytes = self.0.get(at..).and_then(|rest| rest.first_chunk::<2>());
        Ok(u32::from(u16::from_le_bytes(*bytes.ok_or(TRUNCATED)?)))
    }

    fn four(self, at: usize) -> Result<u32, PrepareError> {
        let bytes = self.0.get(at..).and_then(|rest| rest.first_chunk::<4>());
        Ok(u32::from_le_bytes(*bytes.ok_or(TRUNCATED)?))
    }

    /// The colours of a palette, as far as the file has them.
    fn palette(self, at: usize, count: usize, size: usize) -> Vec<[u8; 3]> {
        let bytes = self.0.get(at..).unwrap_or_default();
        let colours = bytes.chunks_exact(size).take(count);
        colours
            .filter_map(|colour| colour.first_chunk::<3>())
            .map(|[blue, green, red]| [*red, *green, *blue])
            .collect()
    }

    /// The profile that a header of version 5 says is embedded.
    fn icc(self, header: usize) -> Option<&'a [u8]> {
        const EMBEDDED: u32 = u32::from_be_bytes(*b"MBED");
        (header == 124 && self.four(FILE_HEADER + 56).ok()? == EMBEDDED).then_some(())?;
        let offset = self.four(FILE_HEADER + 112).ok()? as usize;
        let length = self.four(FILE_HEADER + 116).ok()? as usize;
        let rest = self.0.get(FILE_HEADER + offset..)?;
        (length <= MAX_ICC_BYTES)
            .then(|| rest.get(..length))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, prepare};

    /// A BMP with this header behind its size, a palette, and pixels.
    fn bmp(header: &[u8], palette: &[u8], pixels: &[u8]) -> Vec<u8> {
        let start = 14 + 4 + header.len() + palette.len();
        let mut bytes = b"BM\0\0\0\0\0\0\0\0".to_vec();
        bytes.extend((start as u32).to_le_bytes());
        bytes.extend((header.len() as u32 + 4).to_le_bytes());
        bytes.extend([header, palette, pixels].concat());
        bytes
    }

    /// A header of this length for 100 x 90 pixels.
    fn info(length: usize, height: i32, bits: u16, compression: u32) -> Vec<u8> {
        let mut bytes = [100_i32.to_le_bytes(), height.to_le_bytes()].concat();
        bytes.extend([1, 0]);
        bytes.extend(bits.to_le_bytes());
        bytes.extend(compression.to_le_bytes());
        bytes.resize(length - 4, 0);
        bytes
    }

    fn thumbnail(file: &[u8]) -> image::RgbImage {
        let jpeg = prepare(file, &Limits::default())
            .unwrap()
            .renditions
            .unwrap()
            .thumbnail
            .unwrap();
        image::load_from_memory(&jpeg.bytes).unwrap().into_rgb8()
    }

    fn is(picture: &image::RgbImage, x: u32, y: u32, expected: [u8; 3]) {
        let found = picture.get_pixel(x, y).0;
        let near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) < 40);
        assert!(near, "{x} {y}: {found:?}, not {expected:?}");
    }

    /// Rows of index 1 below, of index 2 above, in 8 bits, as they are stored.
    fn indices() -> Vec<u8> {
        [[1; 4500], [2; 4500]].concat()
    }

    const BLUE_GREEN: [u8; 12] = [0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0];

    #[test]
    fn headers_of_every_length_are_read() {
        for length in [16, 20, 24, 36, 40, 42, 46, 48, 52, 56, 60, 64, 108, 124] {
            let picture = thumbnail(&bmp(&info(length, 90, 8, 0), &BLUE_GREEN, &indices()));
            is(&picture, 50, 20, [0, 255, 0]);
            is(&picture, 50, 70, [0, 0, 255]);
        }
        let core = [100, 0, 90, 0, 1, 0, 8, 0];
        let picture = thumbnail(&bmp(&core, &[0, 0, 0, 255, 0, 0, 0, 255, 0], &indices()));
        is(&picture, 50, 20, [0, 255, 0]);
        let picture = thumbnail(&bmp(&info(40, -90, 8, 0), &BLUE_GREEN, &indices()));
        is(&picture, 50, 20, [0, 0, 255]);
    }

    #[test]
    fn missing_rows_are_white_and_missing_colours_black() {
        let whole = bmp(&info(40, 90, 8, 0), &BLUE_GREEN, &indices());
        let picture = thumbnail(&whole[..whole.len() - 800]);
        is(&picture, 50, 3, [255; 3]);
        is(&picture, 50, 20, [0, 255, 0]);
        let error = prepare(&whole[..whole.len() - 4000], &Limits::default()).unwrap_err();
        assert_eq!(error.code(), "TruncatedImage");
        let picture = thumbnail(&bmp(&info(40, 90, 8, 0), &BLUE_GREEN, &[9; 9000]));
        // The palette is read as far as 256 colours go: into the pixels.
        is(&picture, 50, 50, [9; 3]);
        let mut few = info(40, 90, 8, 0);
        few[28] = 3;
        is(
            &thumbnail(&bmp(&few, &BLUE_GREEN, &[9; 9000])),
            50,
            50,
            [0; 3],
        );
    }

    #[test]
    fn runs_may_skip_end_early_and_be_too_long() {
        // Forty rows, a step of ten columns and ten rows, then rows that are too long, without the mark of the end.
        let mut runs = [100, 1, 0, 0].repeat(40);
        runs.extend([0, 2, 10, 10]);
        runs.extend([120, 2, 0, 0].repeat(40));
        for compression in [1, 2] {
            let bits = [8, 4][compression as usize - 1];
            let runs: Vec<u8> = match bits {
                8 => runs.clone(),
                _ => runs
                    .chunks(2)
                    .flat_map(|two| [two[0], two[1] * if two[0] > 99 { 17 } else { 1 }])
                    .collect(),
            };
            // A full palette, for its offset to be right.
            let palette = [&BLUE_GREEN[..], &vec![0; (4 << bits) - 12]].concat();
            let file = [
                &bmp(&info(40, 90, bits, compression), &palette, &[])[..],
                &runs,
            ]
            .concat();
            let picture = thumbnail(&file);
            is(&picture, 50, 88, [0, 0, 255]);
            is(&picture, 50, 45, [0; 3]);
            is(&picture, 50, 10, [0, 255, 0]);
        }
        let coloured = [[100, 0, 0, 255], [0, 0, 0, 0]].concat();
        let runs: Vec<u8> = (0..90).flat_map(|_| coloured[..6].to_vec()).collect();
        let picture = thumbnail(&bmp(&info(64, 90, 24, 4), &[], &runs));
        is(&picture, 50, 45, [255, 0, 0]);
    }

    #[test]
    fn masks_say_where_the_channels_are() {
        let masked = |length: usize, compression: u32, masks: &[u32], pixel: [u8; 4]| {
            let mut header = info(length, 90, 32, compression);
            let masks: Vec<u8> = masks.iter().flat_map(|mask| mask.to_le_bytes()).collect();
            if length > 40 {
                header[36..36 + masks.len()].copy_from_slice(&masks);
                bmp(&header, &[], &pixel.repeat(9000))
            } else {
                bmp(&header, &masks, &pixel.repeat(9000))
            }
        };
        let usual = [0xFF_0000, 0xFF00, 0xFF, 0xFF00_0000];
        let swapped = [0xFF, 0xFF00, 0xFF_0000];
        for (file, expected) in [
            (masked(40, 3, &swapped, [255, 0, 0, 0]), [255, 0, 0]),
            (masked(52, 3, &swapped, [255, 0, 0, 0]), [255, 0, 0]),
            (masked(56, 3, &usual, [255, 0, 0, 255]), [0, 0, 255]),
            // An alpha channel that no pixel uses means nothing.
            (masked(40, 6, &usual, [255, 0, 0, 0]), [0, 0, 255]),
            (masked(124, 3, &usual, [255, 0, 0, 0]), [0, 0, 255]),
            (masked(124, 0, &usual, [255, 0, 0, 0]), [0, 0, 255]),
            // Without a mask the fourth byte means nothing.
            (masked(40, 0, &[], [255, 0, 0, 0]), [0, 0, 255]),
        ] {
            is(&thumbnail(&file), 50, 50, expected);
        }
        // One visible pixel, and all others are transparent.
        for header in [40, 124] {
            let mut file = masked(header, 6, &usual, [255, 0, 0, 0]);
            *file.last_mut().unwrap() = 255;
            is(&thumbnail(&file), 50, 50, [255; 3]);
        }
        assert_eq!(Mask::new(0xF70), None);
        assert_eq!(Mask::new(0x7C00).unwrap().value(0x4000), 132);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (bits, compression, says) in [
            (0, 4, "an embedded JPEG"),
            (0, 5, "an embedded PNG"),
            (3, 0, "3 bits a pixel"),
            (1, 2, "run lengths for 1 bits a pixel"),
            (24, 11, "compression method 11"),
        ] {
            let file = bmp(&info(40, 90, bits, compression), &[], &[0; 9000]);
            let error = prepare(&file, &Limits::default()).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
