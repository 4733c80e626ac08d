//! JPEG, decoded at a suitable DCT scale.
//!
//! libjpeg-turbo-rs is libjpeg-turbo in Rust. Its pixels equal those of the C library that browsers use, for damaged files too, except
//! that it does not get back into step at restart markers; [`jpeg_repair`] makes up for that. Its SIMD is switched off: nearly all of
//! the time goes into entropy decoding, and without it little unsafe code is left.

use std::borrow::Cow;

use libjpeg_turbo_rs::{
    DecodeLimits, DecodeWarning, Decoder, Image, JpegError, PixelFormat, ScalingFactor,
};

use super::decoder::{Geometry, PictureDecoder};
use crate::{
    containers::{
        jpeg::{Frame, Structure},
        jpeg_repair::{self, PlannedCopy},
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
    /// Up to the end of the picture; while decoding a copy, if that is needed.
    file: Cow<'a, [u8]>,
    structure: Structure,
    /// The copy that is needed.
    copy: Option<PlannedCopy>,
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
        if structure.frame.process >= 9 && !structure.is_complete {
            // The decoder does not tell how much is missing.
            return Err(PrepareError::Truncated(MediaType::Jpeg));
        }
        let file = file.get(..structure.end).unwrap_or(file);
        Ok(Self {
            file: Cow::Borrowed(file),
            copy: jpeg_repair::plan(file, &structure),
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

    /// The most scans that are read.
    fn max_scans(&self) -> u64 {
        let coefficients = self.structure.frame.coefficients();
        (MAX_SCANNED / coefficients.max(1)).clamp(MIN_SCANS, MAX_SCANS)
    }

    /// A decoder whose header agrees with the one that was checked.
    fn decoder<'file>(&self, file: &'file [u8]) -> Result<Decoder<'file>, PrepareError> {
        let limits = DecodeLimits {
            max_pixels: MAX_PIXELS,
            max_scans: self.max_scans() as usize,
            ..DecodeLimits::default()
        };
        let mut decoder =
            Decoder::new_with_limits(file, limits).map_err(|error| self.decode_error(&error))?;
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

    /// The pixels of a file, at the DCT scale 1 / `scale`.
    fn decode_image(&self, file: &[u8], scale: u32) -> Result<Image, PrepareError> {
        let mut decoder = self.decoder(file)?;
        decoder.set_scale(
            ScalingFactor::try_new(1, scale).map_err(|_| PrepareError::Internal("scaling"))?,
        );
        decoder.set_output_format(match self.layout() {
            Layout::Grey => PixelFormat::Grayscale,
            Layout::Cmyk => PixelFormat::Cmyk,
            _ => PixelFormat::Rgb,
        });
        decoder
            .decode_image()
            .map_err(|error| self.decode_error(&error))
    }

    /// Decodes at the DCT scale 1 / `scale`.
    fn decode_scaled(
        &self,
        factor: u32,
        scale: u32,
        memory: u64,
    ) -> Result<Downscaled, PrepareError> {
        let (width, height) = self.geometry.size;
        let layout = self.layout();
        let Image {
            width: columns,
            height: rows,
            mut data,
            icc_profile,
            warnings,
            ..
        } = self.decode_image(&self.file, scale)?;
        self.check_decoded(&warnings, memory.saturating_sub(data.len() as u64))?;
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
    fn decode_planes(&self, factor: u32, memory: u64) -> Result<Downscaled, PrepareError> {
        let decoder = self.decoder(&self.file)?;
        let profile = Profile::from(decoder.icc_profile().ok().flatten());
        let (raw, warnings) = decoder
            .decode_raw_with_warnings()
            .map_err(|error| self.decode_error(&error))?;
        let planes = self.structure.frame.coefficients();
        self.check_decoded(&warnings, memory.saturating_sub(planes))?;
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

    /// Whether enough of the picture was there. A file that is cut off must have nine tenths of it and every scan; the rest is grey, as
    /// in browsers. A file that has its end must have half. Checking takes up to `memory` bytes.
    fn check_decoded(&self, warnings: &[DecodeWarning], memory: u64) -> Result<(), PrepareError> {
        let structure = &self.structure;
        let (limit, error) = if structure.is_complete {
            (0.5, DAMAGED)
        } else {
            (0.1, PrepareError::Truncated(MediaType::Jpeg))
        };
        let is_whole = match structure.is_complete {
            true => structure.has_all_components(),
            false => structure.is_refined(),
        };
        // Lossless pictures are in one scan.
        if !is_whole && structure.frame.process != 3 {
            return Err(error);
        }
        // Without that a scan ran short there is nothing to count.
        let Some(missing) = missing_part(structure, warnings) else {
            return Ok(());
        };
        if (structure.scans == 1 || !structure.is_complete) && missing > limit {
            return Err(error);
        }
        if structure.scans == 1 {
            return Ok(());
        }
        // The decoder tells about the first scan that ran short only. Those that refine the picture may lack any part.
        let is_subsampled = self.is_brightness_subsampled();
        let needed = if is_subsampled {
            structure.frame.coefficients() * 3
        } else {
            self.scaled_memory(8)
        };
        if needed + self.file.len() as u64 > memory {
            return Err(PrepareError::too_large(MediaType::Jpeg, self.geometry.size));
        }
        for number in &structure.first_scans {
            let file = jpeg_repair::only_scan(&self.file, *number);
            let warnings = if is_subsampled {
                let raw = self.decoder(&file)?.decode_raw_with_warnings();
                raw.map_err(|error| self.decode_error(&error))?.1
            } else {
                self.decode_image(&file, 8)?.warnings
            };
            let missing = Structure::read(&file)
                .and_then(|structure| missing_part(&structure, &warnings))
                .unwrap_or(0.0);
            if missing > limit {
                return Err(error);
            }
        }
        Ok(())
    }

    /// The most bytes that [`decode_planes`](Self::decode_planes) takes.
    fn planes_memory(&self, factor: u32) -> u64 {
        let (width, height) = self.geometry.size;
        self.structure.frame.coefficients() * 3
            + Downscaler::memory(width, height, Layout::Rgb, factor)
            + self.metadata_memory()
    }

    /// The most bytes that the decoder takes for metadata: it copies them, puts the copies together, and returns a copy of that.
    fn metadata_memory(&self) -> u64 {
        let metadata = self
            .copy
            .map_or(self.structure.metadata_bytes, |copy| copy.metadata_bytes);
        metadata * 3
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
        planes + pixels * self.layout().bytes() as u64 * 2 + coefficients + self.metadata_memory()
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
        } else if self.copy.is_some_and(|copy| copy.is_repaired)
            || (structure.frame.process < 3 && !structure.has_tables)
            || (structure.scans == 1 && structure.frame.has_too_many_blocks())
        {
            Some(Reason::Repaired)
        } else {
            // Neither browsers nor most libraries read them.
            (structure.frame.process > 2).then_some(Reason::Compression)
        }
    }

    fn decode(mut self: Box<Self>, factor: u32, memory: u64) -> Result<Downscaled, PrepareError> {
        let max_scans = self.max_scans();
        if self.structure.scans > max_scans {
            return Err(unsupported(format!("more than {max_scans} scans")));
        }
        if self.structure.has_groups && self.structure.frame.process < 2 {
            return Err(unsupported("scans of several components"));
        }
        let too_large = PrepareError::too_large(MediaType::Jpeg, self.geometry.size);
        let copy_bytes = self.copy.map_or(0, |copy| copy.bytes as u64);
        let Some(memory) = memory.checked_sub(copy_bytes) else {
            return Err(too_large);
        };
        if let Some(planned) = self.copy {
            let copy = jpeg_repair::copy(&self.file, &self.structure, planned);
            if planned.is_repaired
                && let Some(repaired) = Structure::read(&copy)
            {
                // Where the restart markers are now.
                self.structure.restarts = repaired.restarts;
            }
            self.file = Cow::Owned(copy);
        }
        if self.is_brightness_subsampled() {
            if self.planes_memory(factor) > memory {
                return Err(too_large);
            }
            return self.decode_planes(factor, memory);
        }
        let is_lossless = self.structure.frame.process == 3;
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
        self.decode_scaled(factor, scale, memory)
    }
}

/// The part of the last scan that is missing; `None` if no scan ran short.
fn missing_part(structure: &Structure, warnings: &[DecodeWarning]) -> Option<f64> {
    warnings.iter().find_map(|warning| match *warning {
        DecodeWarning::TruncatedData {
            decoded_mcus,
            total_mcus,
        } => Some(structure.missing(decoded_mcus as u64, total_mcus as u64)),
        _ => None,
    })
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
