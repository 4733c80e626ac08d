//! JPEG, decoded at the DCT scale that suits.
//!
//! jpeg-decoder reads a photo of 12 megapixels at an eighth of its size in less time than the fastest
//! decoders need at full size, and in next to no memory. It is strict, though: what it finds damaged
//! or odd, browsers and Rekognition often show all the same. Such pictures get a second chance with
//! zune-jpeg, the lenient decoder of the `image` crate, which decodes at full size only.

use std::io::{Cursor, ErrorKind};

use image::metadata::Orientation;
use zune_jpeg::zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};

use super::{
    MAX_SCANNED, PrepareError, Reason, Source, Stored,
    reduce::{Layout, Profile, Reduced, Reducer, reduce_whole},
};
use crate::MediaType;

/// The most scans of a JPEG that are read, where [`MAX_SCANNED`] allows so many. Encoders write about ten.
const MAX_SCANS: u64 = 200;

/// So many are read of any picture: one for each colour, as some write them.
const MIN_SCANS: u64 = 4;

pub(super) struct Jpeg<'a> {
    bytes: &'a [u8],
    frame: Frame,
    stored: Stored,
}

/// What the frame header and the scans behind it say (ITU-T T.81, annex B).
#[derive(Debug)]
pub(super) struct Frame {
    /// The number of the start-of-frame marker: 0 baseline, 1 extended, 2 progressive, …
    process: u8,
    precision: u8,
    pub(super) width: u16,
    pub(super) height: u16,
    /// Sampling factors of each component, across and down.
    sampling: Vec<(u8, u8)>,
    /// Whether bytes that belong to no segment stand before the first scan.
    stray: bool,
    /// How many scans were seen.
    pub(super) scans: u64,
    /// Whether the end of the image was seen.
    complete: bool,
}

impl<'a> Jpeg<'a> {
    /// `orientation` is the one of the Exif segment.
    pub(super) fn open(bytes: &'a [u8], orientation: u8) -> Result<Self, PrepareError> {
        let frame = frame(bytes).ok_or(PrepareError::Damaged(MediaType::Jpeg))?;
        Ok(Self {
            bytes,
            stored: Stored {
                size: (u32::from(frame.width), u32::from(frame.height)),
                orientation: Orientation::from_exif(orientation)
                    .unwrap_or(Orientation::NoTransforms),
            },
            frame,
        })
    }

    /// Whether the pixels are inks (CMYK) rather than light.
    fn has_inks(&self) -> bool {
        self.frame.sampling.len() == 4
    }

    /// Decodes at full size, whatever is wrong with it.
    fn whole(&self, factor: u32) -> Result<Reduced, PrepareError> {
        let (layout, colours) = if self.frame.sampling.len() == 1 {
            (Layout::Grey, ColorSpace::Luma)
        } else {
            (Layout::Rgb, ColorSpace::RGB)
        };
        let options = DecoderOptions::default()
            .set_max_width(usize::from(u16::MAX))
            .set_max_height(usize::from(u16::MAX))
            .jpeg_set_out_colorspace(colours)
            .set_strict_mode(false);
        let mut decoder =
            zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(self.bytes), options);
        let damaged = PrepareError::Damaged(MediaType::Jpeg);
        decoder.decode_headers().map_err(|_| damaged.clone())?;
        let (width, height) = self.stored.size;
        // A lenient decoder may find another frame in odd bytes than the one that was measured.
        if decoder.dimensions() != Some((width as usize, height as usize))
            || decoder.info().map(|info| usize::from(info.components))
                != Some(self.frame.sampling.len())
        {
            return Err(damaged);
        }
        let pixels = decoder.decode().map_err(|_| damaged)?;
        let profile = Profile::from(decoder.icc_profile());
        if pixels.len() != width as usize * height as usize * layout.bytes() {
            return Err(PrepareError::Damaged(MediaType::Jpeg));
        }
        Ok(reduce_whole(pixels, width, layout, factor, profile))
    }

    /// Decodes at the DCT scale 1 / `scale`.
    fn scaled(&self, factor: u32, scale: u32) -> Result<Reduced, PrepareError> {
        let (width, height) = self.stored.size;
        let mut decoder = jpeg_decoder::Decoder::new(Cursor::new(self.bytes));
        let (columns, rows) = decoder
            .scale(width.div_ceil(scale) as u16, height.div_ceil(scale) as u16)
            .map_err(|error| self.refused(&error))?;
        let pixels = decoder.decode().map_err(|error| self.refused(&error))?;
        let profile = Profile::from(decoder.icc_profile());
        let layout = match self.frame.sampling.len() {
            1 => Layout::Grey,
            3 => Layout::Rgb,
            _ => Layout::Cmyk,
        };
        let (columns, rows) = (u32::from(columns), u32::from(rows));
        if pixels.len() != columns as usize * rows as usize * layout.bytes() {
            return Err(PrepareError::Damaged(MediaType::Jpeg));
        }
        let factor = (factor / scale).max(1);
        let mut reduced = reduce_whole(pixels, columns, layout, factor, profile);
        // The last column and row of blocks may reach beyond the picture.
        let part = |pixels: u32, blocks: u32| f64::from(pixels) / f64::from(blocks * scale);
        reduced.exact.0 *= part(width, columns).min(1.0);
        reduced.exact.1 *= part(height, rows).min(1.0);
        Ok(reduced)
    }

    /// Bytes that decoding whole takes at most.
    fn whole_memory(&self, factor: u32) -> u64 {
        let (width, height) = self.stored.size;
        let pixels = u64::from(width) * u64::from(height) * self.frame.sampling.len() as u64;
        pixels + self.frame.coefficients() * 2 + Reducer::memory(width, height, Layout::Rgb, factor)
    }

    /// Bytes that decoding at a DCT scale takes.
    fn scaled_memory(&self, scale: u32) -> u64 {
        let scale = u64::from(scale);
        let (width, height) = self.stored.size;
        let pixels = u64::from(width).div_ceil(scale) * u64::from(height).div_ceil(scale);
        let planes = self.frame.coefficients() / (scale * scale);
        // Every scan of a progressive picture adds to all its coefficients.
        let held = match self.frame.process {
            2 => self.frame.coefficients() * 2,
            _ => 0,
        };
        // The planes, the pixels made of them, and both once more in what follows.
        planes + pixels * self.frame.sampling.len() as u64 * 2 + held
    }

    fn unsupported(&self, feature: &str) -> PrepareError {
        PrepareError::Unsupported {
            format: MediaType::Jpeg,
            feature: feature.to_owned(),
        }
    }

    fn refused(&self, error: &jpeg_decoder::Error) -> PrepareError {
        match error {
            jpeg_decoder::Error::Unsupported(_) => self.unsupported("a rare kind of compression"),
            jpeg_decoder::Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => {
                PrepareError::Truncated(MediaType::Jpeg)
            }
            _ => PrepareError::Damaged(MediaType::Jpeg),
        }
    }
}

impl Source for Jpeg<'_> {
    fn format(&self) -> MediaType {
        MediaType::Jpeg
    }

    fn stored(&self) -> Stored {
        self.stored
    }

    fn reason(&self) -> Option<Reason> {
        if self.has_inks() {
            Some(Reason::Colours)
        } else {
            // What Rekognition makes of such bytes is not written anywhere: one decoder skips them,
            // the next refuses the file, and a call for a refused file is wasted. The decoders here
            // read it, so Rekognition gets what they saw.
            self.frame.stray.then_some(Reason::StrayBytes)
        }
    }

    fn decode(self: Box<Self>, factor: u32, memory: u64) -> Result<Reduced, PrepareError> {
        match self.frame.process {
            0..=2 => {}
            3 => return Err(self.unsupported("lossless compression")),
            9..=11 | 13..=15 => return Err(self.unsupported("arithmetic coding")),
            _ => return Err(self.unsupported("hierarchical compression")),
        }
        if self.frame.precision != 8 {
            return Err(self.unsupported(&format!("{} bits a colour", self.frame.precision)));
        }
        let most = (MAX_SCANNED / self.frame.coefficients().max(1)).clamp(MIN_SCANS, MAX_SCANS);
        if self.frame.scans > most {
            return Err(self.unsupported(&format!("more than {most} scans")));
        }
        let (width, height) = self.stored.size;
        if !self.frame.complete {
            return Err(PrepareError::Truncated(MediaType::Jpeg));
        }
        // Where the suitable scale takes too much memory, a coarser one has to do.
        let mut scale = (1 << factor.max(1).ilog2()).min(8);
        while self.scaled_memory(scale) > memory {
            if scale == 8 {
                return Err(PrepareError::TooLarge {
                    format: MediaType::Jpeg,
                    width,
                    height,
                });
            }
            scale *= 2;
        }
        match self.scaled(factor, scale) {
            Err(error) if !self.has_inks() && self.whole_memory(factor) <= memory => {
                self.whole(factor).map_err(|_| error)
            }
            decoded => decoded,
        }
    }
}

impl Frame {
    /// How many DCT coefficients the picture has, over all components.
    pub(super) fn coefficients(&self) -> u64 {
        let most = |side: fn(&(u8, u8)) -> u8| {
            u64::from(self.sampling.iter().map(side).max().unwrap_or(1).max(1))
        };
        let (across, down) = (most(|sampling| sampling.0), most(|sampling| sampling.1));
        let blocks =
            u64::from(self.width).div_ceil(8 * across) * u64::from(self.height).div_ceil(8 * down);
        let per_block: u64 = self
            .sampling
            .iter()
            .map(|(h, v)| u64::from(*h) * u64::from(*v))
            .sum();
        blocks * per_block * 64
    }
}

/// Walks all marker segments and the coded data between them. `None` where there is no frame.
pub(super) fn frame(bytes: &[u8]) -> Option<Frame> {
    let mut rest = bytes.get(2..)?;
    let mut frame: Option<Frame> = None;
    let mut stray = false;
    let mut in_scan = false;
    loop {
        let Some(&[prefix, marker]) = rest.first_chunk::<2>() else {
            return frame;
        };
        if prefix != 0xFF {
            // Coded data, or stray bytes, which decoders skip.
            stray |= !in_scan;
            let next = rest.iter().position(|byte| *byte == 0xFF);
            let Some(next) = next else { return frame };
            rest = rest.get(next..)?;
            continue;
        }
        match marker {
            0xFF => {
                rest = rest.get(1..)?;
                continue;
            }
            // Some decoders take what follows for a length, and would see another file.
            0x01 | 0xD0..=0xD7 if !in_scan => return None,
            0x00 | 0x01 | 0xD0..=0xD8 => {
                stray |= !in_scan && marker == 0;
                rest = rest.get(2..)?;
                continue;
            }
            0xD9 => {
                if in_scan && let Some(frame) = &mut frame {
                    frame.complete = true;
                }
                return frame;
            }
            _ => {}
        }
        let Some(&[high, low]) = rest.get(2..).and_then(|rest| rest.first_chunk::<2>()) else {
            return frame;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(body) = rest.get(4..2 + length) else {
            return frame;
        };
        match marker {
            0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) && frame.is_none() => {
                let (&[precision, h1, h0, w1, w0, count], components) =
                    body.split_first_chunk::<6>()?;
                let (components, _) = components.as_chunks::<3>();
                let sampling = components
                    .iter()
                    .take(usize::from(count))
                    .map(|[_, sampling, _]| (sampling >> 4, sampling & 15))
                    .collect();
                frame = Some(Frame {
                    process: marker - 0xC0,
                    precision,
                    width: u16::from_be_bytes([w1, w0]),
                    height: u16::from_be_bytes([h1, h0]),
                    sampling,
                    stray: false,
                    scans: 0,
                    complete: false,
                });
            }
            0xDA => {
                in_scan = true;
                if let Some(frame) = &mut frame {
                    frame.scans += 1;
                    frame.stray = stray;
                }
            }
            _ => {}
        }
        rest = rest.get(2 + length..)?;
    }
}
