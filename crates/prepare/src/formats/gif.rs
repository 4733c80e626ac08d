//! GIF: the first frame on its screen, row by row.

use weezl::{BitOrder, LzwStatus, decode::Decoder};

use super::decoder::{Geometry, PictureDecoder};
use crate::{
    error::PrepareError,
    media::MediaType,
    orientation::Orientation,
    pixels::{
        downscale::{Downscaled, Downscaler},
        layout::{Layout, Profile},
    },
};

const DAMAGED: PrepareError = PrepareError::Damaged(MediaType::Gif);
const TRUNCATED: PrepareError = PrepareError::Truncated(MediaType::Gif);

/// The white that a screen without a frame has.
const WHITE: [u8; 3] = [255; 3];

pub(super) struct Gif<'a> {
    frame: Frame<'a>,
    geometry: Geometry,
}

/// The first frame.
struct Frame<'a> {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    interlaced: bool,
    /// The colours of the indices.
    palette: &'a [u8],
    transparent: Option<u8>,
    code_bits: u8,
    /// The blocks of the data.
    data: &'a [u8],
}

impl<'a> Gif<'a> {
    pub(super) fn open(file: &'a [u8]) -> Result<Self, PrepareError> {
        let mut reader = Reader(file);
        reader.take(6)?;
        let (width, height) = (reader.number()?, reader.number()?);
        let flags = reader.byte()?;
        reader.take(2)?;
        let palette = reader.palette(flags)?;
        let frame = Frame::read(&mut reader, palette)?;
        // As in browsers, a screen that is too small for the first frame grows.
        let size = (
            width.max(frame.left + frame.width),
            height.max(frame.top + frame.height),
        );
        if frame.width == 0 || frame.height == 0 {
            return Err(DAMAGED);
        }
        Ok(Self {
            frame,
            geometry: Geometry {
                size,
                orientation: Orientation::NoTransforms,
            },
        })
    }
}

impl<'a> Frame<'a> {
    /// Reads blocks up to the first frame's data (GIF89a specification, sections 20 to 26).
    fn read(reader: &mut Reader<'a>, palette: &'a [u8]) -> Result<Self, PrepareError> {
        let mut transparent = None;
        loop {
            match reader.byte()? {
                0x2C => break,
                0x21 => {
                    let is_control = reader.byte()? == 0xF9;
                    let blocks = reader.blocks();
                    if is_control && let [4, flags, _, _, index, ..] = blocks {
                        transparent = (flags & 1 == 1).then_some(*index);
                    }
                }
                _ => return Err(DAMAGED),
            }
        }
        let (left, top) = (reader.number()?, reader.number()?);
        let (width, height) = (reader.number()?, reader.number()?);
        let flags = reader.byte()?;
        let local = reader.palette(flags)?;
        let code_bits = reader.byte()?;
        if !(1..=8).contains(&code_bits) {
            return Err(DAMAGED);
        }
        Ok(Self {
            left,
            top,
            width,
            height,
            interlaced: flags & 0x40 != 0,
            palette: if flags & 0x80 == 0 { palette } else { local },
            transparent,
            code_bits,
            data: reader.0,
        })
    }

    /// The rows of an interlaced frame in the order in which they are stored (GIF89a specification, appendix E).
    fn interlaced_rows(&self) -> impl Iterator<Item = u32> {
        let height = self.height;
        [(0, 8), (4, 8), (2, 4), (1, 2)]
            .into_iter()
            .flat_map(move |(first, step)| (first..height).step_by(step))
    }

    /// Whether rows may be missing: a tenth at most. More would be another picture than the one that was uploaded.
    fn may_lack(&self, rows: u32) -> bool {
        rows <= self.height / 10
    }

    /// Appends a row of indices in RGB.
    fn colour(&self, indices: &[u8], row: &mut Vec<u8>) {
        for index in indices {
            let at = usize::from(*index) * 3;
            let colour = self.palette.get(at..at + 3).unwrap_or(&[0; 3]);
            row.extend_from_slice(if self.transparent == Some(*index) {
                &WHITE
            } else {
                colour
            });
        }
    }
}

impl PictureDecoder for Gif<'_> {
    fn format(&self) -> MediaType {
        MediaType::Gif
    }

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn decode(self: Box<Self>, factor: u32, memory: u64) -> Result<Downscaled, PrepareError> {
        let (width, height) = self.geometry.size;
        let frame = &self.frame;
        // An interlaced frame is put together first.
        let pixels = u64::from(frame.width) * u64::from(frame.height);
        let held = if frame.interlaced { pixels } else { 0 };
        if Downscaler::memory(width, height, Layout::Rgb, factor) + held + INPUT_BYTES > memory {
            return Err(PrepareError::too_large(MediaType::Gif, (width, height)));
        }
        let mut downscaler = Downscaler::new(width, Layout::Rgb, factor);
        let blank = vec![255; width as usize * 3];
        for _ in 0..frame.top {
            downscaler.push(&blank);
        }
        let mut indices = Indices::new(frame);
        let mut row = Vec::new();
        let mut part = vec![0; frame.width as usize];
        let mut push = |indices: Option<&[u8]>| {
            row.clear();
            row.resize(frame.left as usize * 3, 255);
            if let Some(indices) = indices {
                frame.colour(indices, &mut row);
            }
            row.resize(blank.len(), 255);
            downscaler.push(&row);
        };
        if frame.interlaced {
            let mut whole = vec![0; held as usize];
            let rows: Vec<u32> = frame.interlaced_rows().collect();
            let mut read = 0;
            while read < rows.len() && indices.fill(&mut part) {
                let row = rows.get(read).copied().unwrap_or(0) as usize;
                let to = whole.chunks_exact_mut(part.len()).nth(row);
                to.unwrap_or_default().copy_from_slice(&part);
                read += 1;
            }
            let missing = rows.get(read..).unwrap_or_default();
            if !frame.may_lack(missing.len() as u32) {
                return Err(indices.error());
            }
            // The last rows to arrive lie between others.
            for missing in missing {
                let above = (*missing as usize).saturating_sub(1) * part.len();
                whole.copy_within(above..above + part.len(), *missing as usize * part.len());
            }
            whole
                .chunks_exact(part.len())
                .for_each(|row| push(Some(row)));
        } else {
            let mut complete = true;
            for y in 0..frame.height {
                complete &= complete && indices.fill(&mut part);
                if !complete && !frame.may_lack(frame.height - y) {
                    return Err(indices.error());
                }
                push(complete.then_some(&part));
                if !complete && !frame.may_lack(frame.height - y) {
                    return Err(indices.error());
                }
            }
        }
        for _ in frame.top + frame.height..height {
            downscaler.push(&blank);
        }
        Ok(downscaler.finish(Profile::Srgb))
    }
}

/// The bytes of indices that are unpacked at once.
const INPUT_BYTES: u64 = 64 * 1024;

/// The indices of a frame, unpacked piece by piece.
struct Indices<'a> {
    decoder: Decoder,
    /// What remains of the current block, and the blocks behind it.
    block: &'a [u8],
    rest: &'a [u8],
    unpacked: Vec<u8>,
    taken: usize,
    ready: usize,
    /// Whether the data ended within a block.
    is_cut: bool,
}

impl<'a> Indices<'a> {
    fn new(frame: &Frame<'a>) -> Self {
        Self {
            decoder: Decoder::new(BitOrder::Lsb, frame.code_bits),
            block: &[],
            rest: frame.data,
            unpacked: vec![0; INPUT_BYTES as usize],
            taken: 0,
            ready: 0,
            is_cut: false,
        }
    }

    const fn error(&self) -> PrepareError {
        if self.is_cut { TRUNCATED } else { DAMAGED }
    }

    /// Fills a buffer. `false` if the data is damaged or ends before.
    fn fill(&mut self, mut buffer: &mut [u8]) -> bool {
        while !buffer.is_empty() {
            if self.taken == self.ready && !self.unpack() {
                return false;
            }
            let ready = self
                .unpacked
                .get(self.taken..self.ready)
                .unwrap_or_default();
            let length = ready.len().min(buffer.len());
            let (part, rest) = buffer.split_at_mut(length);
            part.iter_mut()
                .zip(ready)
                .for_each(|(to, from)| *to = *from);
            self.taken += length;
            buffer = rest;
        }
        true
    }

    /// Unpacks at least one more byte.
    fn unpack(&mut self) -> bool {
        loop {
            if self.block.is_empty() {
                let length = match self.rest.split_first() {
                    Some((0, _)) => return false,
                    Some((length, rest)) => {
                        self.rest = rest;
                        usize::from(*length)
                    }
                    None => {
                        self.is_cut = true;
                        return false;
                    }
                };
                (self.block, self.rest) = self.rest.split_at(length.min(self.rest.len()));
            }
            let result = self.decoder.decode_bytes(self.block, &mut self.unpacked);
            self.block = self.block.get(result.consumed_in..).unwrap_or_default();
            (self.taken, self.ready) = (0, result.consumed_out);
            match result.status {
                _ if result.consumed_out > 0 => return true,
                Ok(LzwStatus::Ok | LzwStatus::NoProgress) if result.consumed_in > 0 => {}
                Ok(LzwStatus::NoProgress) if self.block.is_empty() => {}
                _ => return false,
            }
        }
    }
}

/// Reads from the front of a slice.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], PrepareError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(TRUNCATED)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, PrepareError> {
        self.take(1)?.first().copied().ok_or(TRUNCATED)
    }

    fn number(&mut self) -> Result<u32, PrepareError> {
        let (low, high) = (self.byte()?, self.byte()?);
        Ok(u32::from(u16::from_le_bytes([low, high])))
    }

    /// The colour table that these flags announce, or none.
    fn palette(&mut self, flags: u8) -> Result<&'a [u8], PrepareError> {
        if flags & 0x80 == 0 {
            return Ok(&[]);
        }
        self.take(3 << ((flags & 7) + 1))
    }

    /// Moves over blocks up to the empty one that ends them.
    fn blocks(&mut self) -> &'a [u8] {
        let start = self.0;
        while let Some((length, rest)) = self.0.split_first() {
            self.0 = rest.get(usize::from(*length)..).unwrap_or_default();
            if *length == 0 {
                break;
            }
        }
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, prepare};

    /// A GIF with a global palette of black, red, green and white, whose frame has this descriptor and these indices.
    fn gif(screen: (u16, u16), descriptor: [u16; 4], flags: u8, indices: &[u8]) -> Vec<u8> {
        let mut bytes = b"GIF89a".to_vec();
        bytes.extend([screen.0.to_le_bytes(), screen.1.to_le_bytes()].concat());
        bytes.extend([0x81, 2, 0]);
        bytes.extend([0, 0, 0, 255, 0, 0, 0, 255, 0, 255, 255, 255]);
        // Index 3 is transparent.
        bytes.extend([0x21, 0xF9, 4, 1, 0, 0, 3, 0, 0x2C]);
        bytes.extend(descriptor.iter().flat_map(|number| number.to_le_bytes()));
        bytes.extend([flags, 2]);
        let packed = weezl::encode::Encoder::new(BitOrder::Lsb, 2)
            .encode(indices)
            .unwrap();
        for block in packed.chunks(255) {
            bytes.push(block.len() as u8);
            bytes.extend(block);
        }
        bytes.extend([0, 0x3B]);
        bytes
    }

    fn thumbnail(file: &[u8]) -> image::RgbImage {
        let limits = Limits {
            thumbnail_px: 1000,
            ..Limits::default()
        };
        let jpeg = prepare(file, &limits)
            .unwrap()
            .renditions
            .unwrap()
            .thumbnail
            .unwrap();
        image::load_from_memory(&jpeg.bytes).unwrap().into_rgb8()
    }

    fn is(pixel: &image::Rgb<u8>, expected: [u8; 3]) -> bool {
        pixel
            .0
            .iter()
            .zip(expected)
            .all(|(a, b)| a.abs_diff(b) < 40)
    }

    #[test]
    fn the_screen_grows_to_the_first_frame() {
        for (screen, place, size) in [
            ((0, 0), (0, 0), (100, 90)),
            ((60, 200), (0, 0), (100, 200)),
            ((120, 90), (40, 30), (140, 120)),
        ] {
            let file = gif(screen, [place.0, place.1, 100, 90], 0, &[1; 9000]);
            let picture = thumbnail(&file);
            assert_eq!(picture.dimensions(), size);
            let inside = picture.get_pixel(u32::from(place.0) + 50, u32::from(place.1) + 45);
            assert!(is(inside, [255, 0, 0]), "{inside:?}");
            if place.0 > 0 {
                assert!(is(picture.get_pixel(20, 20), [255; 3]));
            }
        }
    }

    #[test]
    fn missing_and_transparent_pixels_are_white_and_unknown_ones_black() {
        // Nine tenths of the rows, without an end; a transparent half; no palette.
        let whole = gif((100, 90), [0, 0, 100, 90], 0, &[2; 8300]);
        let picture = thumbnail(&whole);
        assert!(is(picture.get_pixel(50, 40), [0, 255, 0]));
        assert!(is(picture.get_pixel(50, 88), [255; 3]));
        let picture = thumbnail(&gif((100, 90), [0, 0, 100, 90], 0, &[3; 9000]));
        assert!(is(picture.get_pixel(50, 40), [255; 3]));
        let mut bare = gif((100, 90), [0, 0, 100, 90], 0, &[1; 9000]);
        bare[10] = 0;
        bare.drain(13..25);
        assert!(is(thumbnail(&bare).get_pixel(50, 40), [0; 3]));
    }

    #[test]
    fn an_incomplete_frame_is_not_prepared() {
        let noise: Vec<u8> = (0..9000_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 30) as u8)
            .collect();
        let whole = gif((100, 90), [0, 0, 100, 90], 0, &noise);
        let limits = Limits::default();
        // Without the trailer, and without the last block's end.
        for length in [whole.len() - 1, whole.len() - 2] {
            assert!(prepare(&whole[..length], &limits).is_ok());
        }
        for length in [whole.len() / 2, 60, 20] {
            let error = prepare(&whole[..length], &limits).unwrap_err();
            assert_eq!(error.code(), "TruncatedImage", "{length}");
        }
        let short = gif((100, 90), [0, 0, 100, 90], 0, &[1; 4000]);
        let error = prepare(&short, &limits).unwrap_err();
        assert_eq!(error.code(), "DamagedImage");
    }

    #[test]
    fn interlaced_rows_are_put_in_their_order() {
        let mut stored = Vec::new();
        let order = [(0, 8), (4, 8), (2, 4), (1, 2)];
        for row in order
            .into_iter()
            .flat_map(|(first, step)| (first..90).step_by(step))
        {
            stored.extend([if row < 45 { 1 } else { 2 }; 100]);
        }
        // The last rows are missing.
        for length in [9000, 8300] {
            let file = gif((100, 90), [0, 0, 100, 90], 0x40, &stored[..length]);
            let picture = thumbnail(&file);
            for (y, expected) in [
                (5, [255, 0, 0]),
                (40, [255, 0, 0]),
                (50, [0, 255, 0]),
                (89, [0, 255, 0]),
            ] {
                assert!(is(picture.get_pixel(50, y), expected), "{length} {y}");
            }
        }
    }
}
