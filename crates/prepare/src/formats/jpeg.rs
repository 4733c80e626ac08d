//! JPEG, decoded at a suitable DCT scale.
//!
//! jpeg-decoder reads a photo of 12 megapixels at an eighth of its size faster than the fastest decoders read it at full size, and in
//! very little memory. But it is strict: browsers and Rekognition often show pictures that it rejects. Those get a second try with
//! zune-jpeg, the lenient decoder of the `image` crate, which decodes only at full size.

use std::io::{Cursor, ErrorKind};

use zune_jpeg::zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};

use super::decoder::{Geometry, PictureDecoder};
use crate::{
    containers::jpeg::Structure,
    error::PrepareError,
    info::Reason,
    limits::MAX_SCANNED,
    media::MediaType,
    orientation::Orientation,
    pixels::{
        downscale::{Downscaled, Downscaler, downscale_whole},
        layout::{Layout, Profile},
    },
};

/// The most scans that are read, if [`MAX_SCANNED`] allows as many. Encoders write about ten.
const MAX_SCANS: u64 = 200;

/// This many scans are read of a picture of any size: some encoders write one for each component.
const MIN_SCANS: u64 = 4;

const DAMAGED: PrepareError = PrepareError::Damaged(MediaType::Jpeg);

pub(super) struct Jpeg<'a> {
    file: &'a [u8],
    structure: Structure,
    geometry: Geometry,
}

impl<'a> Jpeg<'a> {
    /// `exif_orientation` is 1 to 8.
    pub(super) fn open(file: &'a [u8], exif_orientation: u8) -> Result<Self, PrepareError> {
        let structure = Structure::read(file).ok_or(DAMAGED)?;
        Ok(Self {
            file,
            geometry: Geometry {
                size: (
                    u32::from(structure.frame.width),
                    u32::from(structure.frame.height),
                ),
                orientation: Orientation::from_exif(exif_orientation)
                    .unwrap_or(Orientation::NoTransforms),
            },
            structure,
        })
    }

    fn components(&self) -> usize {
        self.structure.frame.sampling.len()
    }

    /// Whether the colours are CMYK or YCCK.
    fn is_cmyk(&self) -> bool {
        self.components() == 4
    }

    /// Decodes at full size and tolerates errors.
    fn decode_lenient(&self, factor: u32) -> Result<Downscaled, PrepareError> {
        let (layout, colours) = if self.components() == 1 {
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
            zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(self.file), options);
        decoder.decode_headers().map_err(|_| DAMAGED)?;
        let (width, height) = self.geometry.size;
        // In odd bytes the lenient decoder may find another frame than the one whose size was checked.
        if decoder.dimensions() != Some((width as usize, height as usize))
            || decoder.info().map(|info| usize::from(info.components)) != Some(self.components())
        {
            return Err(DAMAGED);
        }
        let pixels = decoder.decode().map_err(|_| DAMAGED)?;
        let profile = Profile::from(decoder.icc_profile());
        if pixels.len() != width as usize * height as usize * layout.bytes() {
            return Err(DAMAGED);
        }
        Ok(downscale_whole(pixels, width, layout, factor, profile))
    }

    /// Decodes at the DCT scale 1 / `scale`.
    fn decode_scaled(&self, factor: u32, scale: u32) -> Result<Downscaled, PrepareError> {
        let (width, height) = self.geometry.size;
        let mut decoder = jpeg_decoder::Decoder::new(Cursor::new(self.file));
        let (columns, rows) = decoder
            .scale(width.div_ceil(scale) as u16, height.div_ceil(scale) as u16)
            .map_err(|error| decode_error(&error))?;
        let pixels = decoder.decode().map_err(|error| decode_error(&error))?;
        let profile = Profile::from(decoder.icc_profile());
        let layout = match self.components() {
            1 => Layout::Grey,
            3 => Layout::Rgb,
            _ => Layout::Cmyk,
        };
        let (columns, rows) = (u32::from(columns), u32::from(rows));
        if pixels.len() != columns as usize * rows as usize * layout.bytes() {
            return Err(DAMAGED);
        }
        let factor = (factor / scale).max(1);
        let mut downscaled = downscale_whole(pixels, columns, layout, factor, profile);
        // The last column and row of blocks may extend beyond the picture.
        let part = |pixels: u32, blocks: u32| f64::from(pixels) / f64::from(blocks * scale);
        downscaled.exact_size.0 *= part(width, columns).min(1.0);
        downscaled.exact_size.1 *= part(height, rows).min(1.0);
        Ok(downscaled)
    }

    /// The most bytes that [`decode_lenient`](Self::decode_lenient) takes.
    fn lenient_memory(&self, factor: u32) -> u64 {
        let (width, height) = self.geometry.size;
        let pixels = u64::from(width) * u64::from(height) * self.components() as u64;
        pixels
            + self.structure.frame.coefficients() * 2
            + Downscaler::memory(width, height, Layout::Rgb, factor)
    }

    /// The bytes that [`decode_scaled`](Self::decode_scaled) takes.
    fn scaled_memory(&self, scale: u32) -> u64 {
        let scale = u64::from(scale);
        let (width, height) = self.geometry.size;
        let pixels = u64::from(width).div_ceil(scale) * u64::from(height).div_ceil(scale);
        let planes = self.structure.frame.coefficients() / (scale * scale);
        // A progressive picture keeps all coefficients until its last scan.
        let coefficients = match self.structure.frame.process {
            2 => self.structure.frame.coefficients() * 2,
            _ => 0,
        };
        // The planes, the pixels made from them, and a copy of these.
        planes + pixels * self.components() as u64 * 2 + coefficients
    }
}

impl PictureDecoder for Jpeg<'_> {
    fn format(&self) -> MediaType {
        MediaType::Jpeg
    }

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn conversion_reason(&self) -> Option<Reason> {
        if self.is_cmyk() {
            Some(Reason::Colours)
        } else {
            // Rekognition's handling of stray bytes is undocumented. Some decoders skip them, others reject the file, and a call for
            // a rejected file is wasted. The decoders here skip them, so Rekognition gets a clean copy.
            self.structure.has_stray_bytes.then_some(Reason::StrayBytes)
        }
    }

    fn decode(self: Box<Self>, factor: u32, memory: u64) -> Result<Downscaled, PrepareError> {
        let frame = &self.structure.frame;
        match frame.process {
            0..=2 => {}
            3 => return Err(unsupported("lossless compression")),
            9..=11 | 13..=15 => return Err(unsupported("arithmetic coding")),
            _ => return Err(unsupported("hierarchical compression")),
        }
        if frame.precision != 8 {
            return Err(unsupported(format!("{} bits a colour", frame.precision)));
        }
        let max_scans = (MAX_SCANNED / frame.coefficients().max(1)).clamp(MIN_SCANS, MAX_SCANS);
        if self.structure.scans > max_scans {
            return Err(unsupported(format!("more than {max_scans} scans")));
        }
        if !self.structure.is_complete {
            return Err(PrepareError::Truncated(MediaType::Jpeg));
        }
        // If the suitable scale takes too much memory, a coarser one must do.
        let mut scale = (1 << factor.max(1).ilog2()).min(8);
        while self.scaled_memory(scale) > memory {
            if scale == 8 {
                return Err(PrepareError::too_large(MediaType::Jpeg, self.geometry.size));
            }
            scale *= 2;
        }
        match self.decode_scaled(factor, scale) {
            Err(error) if !self.is_cmyk() && self.lenient_memory(factor) <= memory => {
                self.decode_lenient(factor).map_err(|_| error)
            }
            decoded => decoded,
        }
    }
}

fn unsupported(feature: impl Into<String>) -> PrepareError {
    PrepareError::unsupported(MediaType::Jpeg, feature)
}

fn decode_error(error: &jpeg_decoder::Error) -> PrepareError {
    match error {
        jpeg_decoder::Error::Unsupported(_) => unsupported("a rare kind of compression"),
        jpeg_decoder::Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => {
            PrepareError::Truncated(MediaType::Jpeg)
        }
        _ => DAMAGED,
    }
}
