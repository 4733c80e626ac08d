//! TIFF: the first page, decoded strip by strip or one row of tiles after the other.

mod errors;
mod photometric;
mod samples;

use tiff::{
    TiffError,
    decoder::{ChunkType, Decoder, Limits},
    tags::{Tag, Type},
};

use self::{
    errors::{damaged, decode_error, too_large, unsupported},
    photometric::{GreyscaleReader, PALETTE, Photometric},
    samples::{MAX_PALETTE_VALUES, Palette, Samples},
};
use super::decoder::{Geometry, PictureDecoder};
use crate::{
    containers::jpeg,
    error::PrepareError,
    limits::{MAX_SCANNED, MAX_UNPACKED_BYTES},
    media::MediaType,
    orientation::Orientation,
    pixels::{
        downscale::{Downscaled, Downscaler},
        layout::Profile,
    },
};

/// The largest tag that is read, in bytes: a profile, or the offsets of very many strips.
const MAX_TAG_BYTES: usize = 4 * 1024 * 1024;

/// The largest strip or tile, in bytes.
const MAX_CHUNK_BYTES: usize = 128 * 1024 * 1024;

pub(super) struct Tiff<'a> {
    file: &'a [u8],
    decoder: Decoder<GreyscaleReader<'a>>,
    photometric: Option<Photometric>,
    geometry: Geometry,
}

impl<'a> Tiff<'a> {
    pub(super) fn open(file: &'a [u8]) -> Result<Self, PrepareError> {
        let mut limits = Limits::default();
        limits.ifd_value_size = MAX_TAG_BYTES;
        limits.decoding_buffer_size = MAX_CHUNK_BYTES;
        limits.intermediate_buffer_size = MAX_CHUNK_BYTES;
        let photometric = Photometric::find(file);
        let failed = |error: TiffError| decode_error(&error, (0, 0), photometric);
        let mut decoder = Decoder::new(GreyscaleReader::new(file, photometric))
            .map_err(failed)?
            .with_limits(limits);
        let size = decoder.dimensions().map_err(failed)?;
        if size.0 == 0 || size.1 == 0 {
            return Err(damaged());
        }
        let orientation = decoder
            .find_tag_unsigned::<u8>(Tag::Orientation)
            .ok()
            .flatten()
            .and_then(Orientation::from_exif)
            .unwrap_or(Orientation::NoTransforms);
        Ok(Self {
            file,
            decoder,
            photometric,
            geometry: Geometry { size, orientation },
        })
    }

    /// Checks strips or tiles that are JPEGs, whose headers have sizes of their own: none may be larger than its strip or tile,
    /// and their scans must not take too long. The size is that of a strip or tile, in pixels.
    fn check_jpegs(&mut self, (width, height): (u32, u32)) -> Result<(), PrepareError> {
        const JPEG: u16 = 7;
        let compression = self.decoder.find_tag_unsigned(Tag::Compression);
        if compression.ok().flatten() != Some(JPEG) {
            return Ok(());
        }
        // The decoder puts the tables before each JPEG, so a frame in the tables would replace the JPEG's own.
        let tables = self.decoder.image_ifd().find_entry(Tag::JPEGTables);
        if tables.is_some_and(|tables| tables.count() > MAX_TAG_BYTES as u64) {
            return Err(damaged());
        }
        if let Ok(tables) = self.decoder.get_tag_u8_vec(Tag::JPEGTables)
            && jpeg::Structure::read(&tables).is_some()
        {
            return Err(damaged());
        }
        let (offset_tag, length_tag) = match self.decoder.get_chunk_type() {
            ChunkType::Strip => (Tag::StripOffsets, Tag::StripByteCounts),
            ChunkType::Tile => (Tag::TileOffsets, Tag::TileByteCounts),
        };
        let mut values = |tag| {
            let values: Option<Vec<usize>> = self.decoder.find_tag_unsigned_vec(tag).ok().flatten();
            values.ok_or_else(damaged)
        };
        let chunks = values(offset_tag)?.into_iter().zip(values(length_tag)?);
        // Overlapping chunks could add up to many times the file.
        let mut left = self.file.len();
        let mut scanned = 0_u64;
        for (offset, length) in chunks {
            let chunk = self.file.get(offset..).unwrap_or_default();
            let chunk = chunk.get(..length).unwrap_or(chunk);
            left = left.checked_sub(chunk.len()).ok_or_else(damaged)?;
            let structure = jpeg::Structure::read(chunk).ok_or_else(damaged)?;
            let frame = &structure.frame;
            if u32::from(frame.width) > width || u32::from(frame.height) > height {
                return Err(damaged());
            }
            scanned = scanned.saturating_add(structure.scans.saturating_mul(frame.coefficients()));
        }
        if scanned > MAX_SCANNED {
            return Err(unsupported(
                "more JPEG scans than a picture of its size needs",
            ));
        }
        Ok(())
    }

    /// The palette of a picture with this many bits an index. `None` if its samples are not indices.
    fn palette(&mut self, bits: u8) -> Result<Option<Palette>, PrepareError> {
        if self.photometric.is_none_or(|it| it.value != PALETTE) {
            return Ok(None);
        }
        if bits > 8 {
            return Err(unsupported(format!("a palette with {bits} bits a pixel")));
        }
        let entry = self.decoder.image_ifd().find_entry(Tag::ColorMap);
        entry
            .filter(|map| map.field_type() == Type::SHORT && map.count() <= MAX_PALETTE_VALUES)
            .and_then(|_| self.decoder.get_tag_u16_vec(Tag::ColorMap).ok())
            .map(|map| Some(Palette::new(&map)))
            .ok_or_else(damaged)
    }
}

impl PictureDecoder for Tiff<'_> {
    fn format(&self) -> MediaType {
        MediaType::Tiff
    }

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn decode(mut self: Box<Self>, factor: u32, memory: u64) -> Result<Downscaled, PrepareError> {
        let size = self.geometry.size;
        let (width, height) = size;
        let photometric = self.photometric;
        let failed = |error: TiffError| decode_error(&error, size, photometric);
        let extra = self.decoder.find_tag_unsigned_vec(Tag::ExtraSamples);
        let colours = self.decoder.colortype().map_err(failed)?;
        let palette = self.palette(colours.bit_depth())?;
        let samples = Samples::new(colours, palette, &extra.ok().flatten().unwrap_or_default())?;
        let profile = Profile::from(self.decoder.get_tag_u8_vec(Tag::IccProfile).ok());
        let planes = match self
            .decoder
            .find_tag_unsigned::<u16>(Tag::PlanarConfiguration)
        {
            Ok(Some(2)) => samples.stored,
            _ => 1,
        };
        let (chunk_width, chunk_height) = self.decoder.chunk_dimensions();
        if chunk_width == 0 || chunk_height == 0 {
            return Err(damaged());
        }
        let across = match self.decoder.get_chunk_type() {
            ChunkType::Strip => 1,
            ChunkType::Tile => width.div_ceil(chunk_width),
        };
        let band_height = chunk_height.min(height);
        let bands = height.div_ceil(chunk_height);
        // A band of samples, a decoded chunk and the decoder's own copy of that.
        let band = u64::from(width) * u64::from(band_height) * samples.kept as u64;
        let chunk = u64::from(chunk_width)
            * u64::from(band_height)
            * (samples.stored / planes) as u64
            * u64::from(samples.bits.div_ceil(8));
        // Chunks at the edge extend beyond the picture, and are decoded whole.
        let chunks = u64::from(across) * u64::from(bands) * planes as u64;
        if chunks.saturating_mul(chunk) > MAX_UNPACKED_BYTES {
            return Err(too_large(size));
        }
        self.check_jpegs((chunk_width, chunk_height))?;
        let needed = band + chunk * 2 + Downscaler::memory(width, height, samples.layout, factor);
        let band = usize::try_from(band)
            .ok()
            .filter(|_| needed <= memory)
            .ok_or_else(|| too_large(size))?;
        let mut downscaler = Downscaler::new(width, samples.layout, factor);
        let mut band_samples = vec![0; band];
        let mut pixels = Vec::new();
        let row_bytes = width as usize * samples.kept;
        for band in 0..bands {
            let rows = (height - band * chunk_height).min(chunk_height) as usize;
            for plane in 0..planes {
                for column in 0..across {
                    let index = (plane as u32)
                        .checked_mul(bands)
                        .and_then(|first| first.checked_add(band))
                        .and_then(|row| row.checked_mul(across))
                        .and_then(|first| first.checked_add(column))
                        .ok_or_else(damaged)?;
                    let decoded = self.decoder.read_chunk(index).map_err(failed)?;
                    let left = column as usize * chunk_width as usize;
                    let columns = (width as usize - left).min(chunk_width as usize);
                    let values = samples.bytes(decoded, columns * samples.stored / planes)?;
                    let length = columns * samples.stored / planes;
                    for (from, to) in values
                        .chunks_exact(length)
                        .zip(band_samples.chunks_exact_mut(row_bytes))
                        .take(rows)
                    {
                        let to = to.get_mut(left * samples.kept..).ok_or_else(damaged)?;
                        if planes == 1 {
                            copy_samples(from, samples.stored, to, samples.kept);
                        } else {
                            for (to, from) in to.chunks_exact_mut(samples.kept).zip(from) {
                                if let Some(to) = to.get_mut(plane) {
                                    *to = *from;
                                }
                            }
                        }
                    }
                }
            }
            for row in band_samples.chunks_exact(row_bytes).take(rows) {
                downscaler.push(samples.pixels(row, &mut pixels));
            }
        }
        Ok(downscaler.finish(profile))
    }
}

/// Copies the first samples of each pixel and leaves out the others, which mean nothing here.
fn copy_samples(from: &[u8], stored: usize, to: &mut [u8], kept: usize) {
    if stored == kept {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
        return;
    }
    for (to, from) in to.chunks_exact_mut(kept).zip(from.chunks_exact(stored)) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    }
}
