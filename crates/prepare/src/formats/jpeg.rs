//! JPEG, decoded at a suitable DCT scale.
//!
//! libjpeg-turbo-rs is libjpeg-turbo in Rust. Its pixels equal those of the C library that browsers use, for damaged files too, except
//! that it does not get back into step at restart markers; [`repaired`] makes up for that. Its SIMD is switched off: nearly all of
//! the time goes into entropy decoding, and without it little unsafe code is left.

use std::borrow::Cow;

use libjpeg_turbo_rs::{
    DecodeLimits, DecodeWarning, Decoder, Image, JpegError, PixelFormat, ScalingFactor,
};

use super::decoder::{Geometry, PictureDecoder};
use crate::{
    containers::{
        jpeg::{EOI, Frame, PREFIX, Structure},
        jpeg_repair::repaired,
    },
    error::PrepareError,
    info::Reason,
    limits::{MAX_PIXELS, MAX_SCANNED},
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
    /// A copy if it had to be repaired.
    file: Cow<'a, [u8]>,
    structure: Structure,
    geometry: Geometry,
}

/// Why the header of a JPEG cannot be read.
pub(super) fn header_error(file: &[u8]) -> PrepareError {
    match Structure::read(file) {
        Some(structure) if structure.height_follows => {
            unsupported("a height that follows the pixels")
        }
        _ => DAMAGED,
    }
}

impl<'a> Jpeg<'a> {
    /// `exif_orientation` is 1 to 8.
    pub(super) fn open(file: &'a [u8], exif_orientation: u8) -> Result<Self, PrepareError> {
        let structure = Structure::read(file).ok_or(DAMAGED)?;
        check_supported(&structure.frame)?;
        let mut repaired = if structure.has_stray_markers || structure.has_restarts {
            repaired(file)
        } else {
            None
        };
        if !structure.is_complete {
            // The decoder looks for the end of a progressive picture.
            let copy = repaired.get_or_insert_with(|| file.to_vec());
            copy.extend([PREFIX, EOI]);
        }
        Ok(Self {
            file: repaired.map_or(Cow::Borrowed(file), Cow::Owned),
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

    fn layout(&self) -> Layout {
        match self.structure.frame.sampling.len() {
            1 => Layout::Grey,
            3 => Layout::Rgb,
            _ => Layout::Cmyk,
        }
    }

    /// Whether the first component, the brightness, has fewer samples than another one.
    fn is_brightness_subsampled(&self) -> bool {
        let (across, down) = self.structure.frame.max_sampling();
        self.layout() == Layout::Rgb
            && self
                .structure
                .frame
                .sampling
                .first()
                .is_some_and(|(h, v)| *h < across || *v < down)
    }

    /// The decoder, whose header agrees with the one that was checked.
    fn decoder(&self) -> Result<Decoder<'_>, PrepareError> {
        let limits = DecodeLimits {
            max_pixels: MAX_PIXELS,
            max_scans: MAX_SCANS as usize,
            ..DecodeLimits::default()
        };
        let mut decoder = Decoder::new_with_limits(&self.file, limits)
            .map_err(|error| self.decode_error(&error))?;
        let (header, frame) = (decoder.header(), &self.structure.frame);
        if (header.width, header.height) != (frame.width, frame.height)
            || header.precision != frame.precision
            || header.is_progressive != frame.is_progressive()
            || header.components.len() != frame.sampling.len()
        {
            return Err(DAMAGED);
        }
        decoder.set_lenient(true);
        Ok(decoder)
    }

    /// Decodes at the DCT scale 1 / `scale`.
    fn decode_scaled(&self, factor: u32, scale: u32) -> Result<Downscaled, PrepareError> {
        let (width, height) = self.geometry.size;
        let layout = self.layout();
        let format = match layout {
            Layout::Grey => PixelFormat::Grayscale,
            Layout::Cmyk => PixelFormat::Cmyk,
            _ => PixelFormat::Rgb,
        };
        let mut decoder = self.decoder()?;
        decoder.set_scale(
            ScalingFactor::try_new(1, scale).map_err(|_| PrepareError::Internal("scaling"))?,
        );
        decoder.set_output_format(format);
        let decoded = decoder
            .decode_image()
            .map_err(|error| self.decode_error(&error))?;
        drop(decoder);
        let Image {
            width: columns,
            height: rows,
            mut data,
            icc_profile,
            warnings,
            ..
        } = decoded;
        self.check_decoded(&warnings)?;
        if data.len() != columns * rows * layout.bytes() {
            return Err(DAMAGED);
        }
        if layout == Layout::Cmyk {
            // Stored as light instead of ink. Browsers take that for granted, with and without Adobe's segment.
            data.iter_mut().for_each(|light| *light = 255 - *light);
        }
        let factor = (factor / scale).max(1);
        let mut downscaled = downscale_whole(
            data,
            columns as u32,
            layout,
            factor,
            Profile::from(icc_profile),
        );
        // The last column and row of blocks may extend beyond the picture.
        let part =
            |pixels: u32, blocks: usize| f64::from(pixels) / (blocks as f64 * f64::from(scale));
        downscaled.exact_size.0 *= part(width, columns).min(1.0);
        downscaled.exact_size.1 *= part(height, rows).min(1.0);
        downscaled.repaired = !warnings.is_empty();
        Ok(downscaled)
    }

    /// Decodes the components at full size and scales them up here, because the decoder does not do that for the first one.
    fn decode_planes(&self, factor: u32) -> Result<Downscaled, PrepareError> {
        let decoder = self.decoder()?;
        let profile = Profile::from(decoder.icc_profile().ok().flatten());
        let (raw, warnings) = decoder
            .decode_raw_with_warnings()
            .map_err(|error| self.decode_error(&error))?;
        self.check_decoded(&warnings)?;
        let (across, down) = self.structure.frame.max_sampling();
        let (width, height) = self.geometry.size;
        let mut downscaler = Downscaler::new(width, Layout::Rgb, factor);
        let mut row = vec![0; width as usize * 3];
        for y in 0..height as usize {
            for (index, plane) in raw.planes.iter().take(3).enumerate() {
                let (h, v) = self
                    .structure
                    .frame
                    .sampling
                    .get(index)
                    .copied()
                    .unwrap_or((1, 1));
                let columns = raw.plane_widths.get(index).copied().unwrap_or(0);
                let start = y * usize::from(v) / usize::from(down) * columns;
                let samples = plane.get(start..start + columns).ok_or(DAMAGED)?;
                for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
                    let sample = samples.get(x * usize::from(h) / usize::from(across));
                    if let (Some(to), Some(sample)) = (pixel.get_mut(index), sample) {
                        *to = *sample;
                    }
                }
            }
            if !self.structure.is_rgb {
                let (pixels, _) = row.as_chunks_mut::<3>();
                pixels
                    .iter_mut()
                    .for_each(|pixel| *pixel = ycbcr_to_rgb(*pixel));
            }
            downscaler.push(&row);
        }
        let mut downscaled = downscaler.finish(profile);
        downscaled.repaired = !warnings.is_empty();
        Ok(downscaled)
    }

    /// Whether enough of the picture was there. A file that is cut off must have nine tenths of it, and of a progressive picture every
    /// scan; the rest is grey, as in browsers. A file that has its end must have half.
    fn check_decoded(&self, warnings: &[DecodeWarning]) -> Result<(), PrepareError> {
        let structure = &self.structure;
        let missing = warnings.iter().find_map(|warning| match *warning {
            DecodeWarning::TruncatedData {
                decoded_mcus,
                total_mcus,
            } => Some(1.0 - decoded_mcus as f64 / total_mcus.max(1) as f64),
            _ => None,
        });
        let missing = missing.unwrap_or(0.0);
        if !structure.is_complete {
            let unrefined = structure.frame.is_progressive() && !structure.is_refined();
            if missing > 0.1 || unrefined {
                return Err(PrepareError::Truncated(MediaType::Jpeg));
            }
        } else if missing > 0.5 && !structure.has_restarts && structure.scans == 1 {
            return Err(DAMAGED);
        }
        Ok(())
    }

    /// The most bytes that [`decode_planes`](Self::decode_planes) takes.
    fn planes_memory(&self, factor: u32) -> u64 {
        let (width, height) = self.geometry.size;
        self.structure.frame.coefficients() * 3
            + Downscaler::memory(width, height, Layout::Rgb, factor)
    }

    /// The bytes that [`decode_scaled`](Self::decode_scaled) takes.
    fn scaled_memory(&self, scale: u32) -> u64 {
        let scale = u64::from(scale);
        let (width, height) = self.geometry.size;
        let pixels = u64::from(width).div_ceil(scale) * u64::from(height).div_ceil(scale);
        let planes = self.structure.frame.coefficients() / (scale * scale);
        // A progressive picture keeps all coefficients until its last scan.
        let coefficients = if self.structure.frame.is_progressive() {
            self.structure.frame.coefficients() * 2
        } else {
            0
        };
        // The planes, the pixels made from them, and a copy of these.
        planes + pixels * self.layout().bytes() as u64 * 2 + coefficients
    }

    fn decode_error(&self, error: &JpegError) -> PrepareError {
        match error {
            JpegError::Unsupported(_) => unsupported("a rare kind of compression or sampling"),
            JpegError::LimitExceeded { .. } | JpegError::AllocationFailed { .. } => {
                PrepareError::too_large(MediaType::Jpeg, self.geometry.size)
            }
            _ if !self.structure.is_complete => PrepareError::Truncated(MediaType::Jpeg),
            _ => DAMAGED,
        }
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
        let structure = &self.structure;
        if self.layout() == Layout::Cmyk || structure.is_rgb {
            Some(Reason::Colours)
        } else if structure.has_stray_bytes {
            // Rekognition's handling of stray bytes is undocumented. Some decoders skip them, others reject the file, and a call for
            // a rejected file is wasted. The decoder here skips them, so Rekognition gets a clean copy.
            Some(Reason::StrayBytes)
        } else if matches!(self.file, Cow::Owned(_))
            || (structure.frame.process < 3 && !structure.has_tables)
            || (structure.scans == 1 && structure.frame.has_too_many_blocks())
        {
            Some(Reason::Repaired)
        } else {
            // Neither browsers nor most libraries read them.
            (structure.frame.process > 2).then_some(Reason::Compression)
        }
    }

    fn decode(self: Box<Self>, factor: u32, memory: u64) -> Result<Downscaled, PrepareError> {
        let frame = &self.structure.frame;
        let max_scans = (MAX_SCANNED / frame.coefficients().max(1)).clamp(MIN_SCANS, MAX_SCANS);
        if self.structure.scans > max_scans {
            return Err(unsupported(format!("more than {max_scans} scans")));
        }
        let memory = match &self.file {
            Cow::Borrowed(_) => memory,
            Cow::Owned(copy) => memory.saturating_sub(copy.len() as u64),
        };
        let too_large = PrepareError::too_large(MediaType::Jpeg, self.geometry.size);
        if self.is_brightness_subsampled() {
            if self.planes_memory(factor) > memory {
                return Err(too_large);
            }
            return self.decode_planes(factor);
        }
        let is_lossless = frame.process == 3;
        // If the suitable scale takes too much memory, a coarser one must do. Lossless pictures have no DCT to scale.
        let mut scale = match is_lossless {
            true => 1,
            false => (1 << factor.max(1).ilog2()).min(8),
        };
        while self.scaled_memory(scale) > memory {
            if scale == 8 || is_lossless {
                return Err(too_large);
            }
            scale *= 2;
        }
        self.decode_scaled(factor, scale)
    }
}

/// Whether the decoder reads pictures of this kind.
fn check_supported(frame: &Frame) -> Result<(), PrepareError> {
    match frame.process {
        0..=3 | 9 | 10 => {}
        11 => return Err(unsupported("lossless compression with arithmetic coding")),
        _ => return Err(unsupported("hierarchical compression")),
    }
    if frame.precision != 8 {
        return Err(unsupported(format!("{} bits a colour", frame.precision)));
    }
    if !matches!(frame.sampling.len(), 1 | 3 | 4) {
        return Err(unsupported(format!("{} colours", frame.sampling.len())));
    }
    let (across, down) = frame.max_sampling();
    let is_whole =
        |(h, v): &(u8, u8)| across.checked_rem(*h) == Some(0) && down.checked_rem(*v) == Some(0);
    if !frame.sampling.iter().all(is_whole) {
        return Err(unsupported("sampling by a fraction"));
    }
    Ok(())
}

fn unsupported(feature: impl Into<String>) -> PrepareError {
    PrepareError::unsupported(MediaType::Jpeg, feature)
}

/// The conversion of JFIF (ITU-T T.871, section 7).
fn ycbcr_to_rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    [
        y + 1.402 * cr,
        y - 0.344_136 * cb - 0.714_136 * cr,
        y + 1.772 * cb,
    ]
    .map(|value| value.round().clamp(0.0, 255.0) as u8)
}
