//! How a page is stored: what its tags say, with the defaults of TIFF 6.0 and of libtiff for those that are missing.

use std::borrow::Cow;

use super::{
    errors::{damaged, truncated, unsupported},
    unpack::Compression,
};
use crate::{
    containers::tiff::{Directory, tag},
    error::PrepareError,
    orientation::Orientation,
};

/// How the numbers of samples are stored (TIFF 6.0, "SampleFormat").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SampleFormat {
    Unsigned,
    Signed,
    Float,
}

/// What was done to the samples before compression (TIFF 6.0, section 14; supplement 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Predictor {
    None,
    Horizontal,
    Float,
}

/// A page, without the meaning of its colours.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) directory: Directory<'a>,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) orientation: Orientation,
    pub(super) compression: Compression,
    pub(super) predictor: Predictor,
    pub(super) photometric: u64,
    /// Bits a sample.
    pub(super) bits: u8,
    /// Samples a pixel.
    pub(super) samples: usize,
    pub(super) format: SampleFormat,
    /// Whether each sample has strips or tiles of its own.
    pub(super) planar: bool,
    /// How many pixels share one pair of chroma samples: across and down. Both 1 if all have their own.
    pub(super) subsampling: (u32, u32),
    /// The size of strips or tiles in pixels.
    pub(super) chunk: (u32, u32),
    pub(super) tiled: bool,
    reversed_bits: bool,
    chunks: Vec<Chunk>,
    /// The strips of an old-style JPEG that follow its header; empty if the JPEG is in one piece.
    scans: Vec<Chunk>,
}

/// Where a strip or tile is in the file.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    offset: u64,
    /// The number of bytes, or zero if it is unknown.
    bytes: u64,
}

impl<'a> Page<'a> {
    pub(super) fn read(directory: &Directory<'a>) -> Result<Self, PrepareError> {
        let side = |tag| {
            let side = directory
                .value(tag)
                .and_then(|side| u32::try_from(side).ok());
            side.filter(|side| *side > 0).ok_or_else(damaged)
        };
        let (width, height) = (side(tag::WIDTH)?, side(tag::HEIGHT)?);
        let compression = Compression::new(
            directory.value_or(tag::COMPRESSION, 1),
            directory.value_or(tag::T4_OPTIONS, 0),
        );
        let samples = directory.value_or(tag::SAMPLES_PER_PIXEL, 1);
        let samples = usize::try_from(samples)
            .ok()
            .filter(|samples| (1..=usize::from(u16::MAX)).contains(samples))
            .ok_or_else(damaged)?;
        let is_fax = matches!(compression, Ok(Compression::Fax(_)));
        let photometric = match directory.value(tag::PHOTOMETRIC) {
            Some(photometric) => photometric,
            // As libtiff guesses.
            None => match (samples, is_fax) {
                (1, true) => 0,
                (1, false) => 1,
                (3, _) => 2,
                _ => return Err(unsupported("an unspecified colour space")),
            },
        };
        // Before the compression: a raw file has an unusual one too, but this is what it is.
        if directory.is_raw() {
            return Err(unsupported("raw camera data"));
        }
        let compression = compression?;
        let bits = directory.values(tag::BITS_PER_SAMPLE).unwrap_or(vec![1]);
        let first = bits.first().copied().unwrap_or(1);
        if bits.iter().take(samples).any(|bits| *bits != first) {
            return Err(unsupported("a different number of bits for each colour"));
        }
        let bits = u8::try_from(first)
            .ok()
            .filter(|bits| (1..=64).contains(bits))
            .ok_or_else(damaged)?;
        let format = match directory.value_or(tag::SAMPLE_FORMAT, 1) {
            2 => SampleFormat::Signed,
            3 => SampleFormat::Float,
            5 | 6 => return Err(unsupported("complex numbers as samples")),
            _ => SampleFormat::Unsigned,
        };
        let planar = directory.value_or(tag::PLANAR_CONFIGURATION, 1) == 2 && samples > 1;
        if is_fax && (bits != 1 || samples != 1 && !planar) {
            return Err(unsupported("fax compression with more than two colours"));
        }
        let predictor = match (directory.value_or(tag::PREDICTOR, 1), compression) {
            (2, Compression::Lzw | Compression::Deflate) => Predictor::Horizontal,
            (3, Compression::Lzw | Compression::Deflate) => Predictor::Float,
            _ => Predictor::None,
        };
        match (predictor, bits) {
            (Predictor::None, _) | (Predictor::Horizontal, 8 | 16 | 32 | 64) => {}
            (Predictor::Float, 16 | 24 | 32 | 64) if format == SampleFormat::Float => {}
            (Predictor::Horizontal, ..=7) => {
                return Err(unsupported("a predictor below 8 bits a colour"));
            }
            _ => return Err(unsupported(format!("a predictor for {bits} bits a colour"))),
        }
        let mut page = Self {
            directory: directory.clone(),
            width,
            height,
            orientation: directory
                .value(tag::ORIENTATION)
                .and_then(|orientation| Orientation::from_exif(u8::try_from(orientation).ok()?))
                .unwrap_or(Orientation::NoTransforms),
            compression,
            predictor,
            photometric,
            bits,
            samples,
            format,
            planar,
            subsampling: (1, 1),
            chunk: (width, height),
            tiled: false,
            reversed_bits: directory.value_or(tag::FILL_ORDER, 1) == 2,
            chunks: Vec::new(),
            scans: Vec::new(),
        };
        page.subsampling = page.read_subsampling()?;
        page.read_chunks()?;
        Ok(page)
    }

    /// Only in YCbCr, where JPEG does not take care of it.
    fn read_subsampling(&self) -> Result<(u32, u32), PrepareError> {
        let is_jpeg = matches!(self.compression, Compression::Jpeg | Compression::OldJpeg);
        if self.photometric != 6 || is_jpeg || self.samples != 3 {
            return Ok((1, 1));
        }
        let factors = self.directory.values(tag::YCBCR_SUBSAMPLING);
        match factors.as_deref().unwrap_or(&[2, 2]) {
            [1, 1, ..] => Ok((1, 1)),
            _ if self.planar => Err(unsupported("subsampled colours in separate planes")),
            _ if self.bits != 8 || self.predictor != Predictor::None => {
                Err(unsupported("a rare kind of subsampled colours"))
            }
            [across @ (1 | 2 | 4), down @ (1 | 2 | 4), ..] => Ok((*across as u32, *down as u32)),
            _ => Err(damaged()),
        }
    }

    fn read_chunks(&mut self) -> Result<(), PrepareError> {
        let directory = &self.directory;
        if self.compression == Compression::OldJpeg {
            // The picture is one JPEG, whether an offset of its own or the only strip says where.
            let offset = directory.value(tag::JPEG_OFFSET);
            let strips = directory.values(tag::STRIP_OFFSETS).unwrap_or_default();
            let (offset, bytes) = match (offset, strips.as_slice()) {
                (Some(offset), strips) if offset > 0 => {
                    let bytes = directory.value_or(tag::JPEG_LENGTH, 0);
                    let end = offset.saturating_add(bytes);
                    // Some programs wrote only the header there; the strips are the rest of the JPEG.
                    if bytes > 0 && strips.iter().all(|strip| *strip < offset || *strip >= end) {
                        let counts = directory.values(tag::STRIP_BYTE_COUNTS);
                        let counts = counts.unwrap_or_default();
                        let scans = strips.iter().zip(counts);
                        self.scans = scans
                            .map(|(offset, bytes)| Chunk {
                                offset: *offset,
                                bytes,
                            })
                            .collect();
                    }
                    (offset, bytes)
                }
                (_, [offset]) => (*offset, directory.value_or(tag::STRIP_BYTE_COUNTS, 0)),
                _ => return Err(unsupported("old-style JPEG compression")),
            };
            self.chunks = vec![Chunk { offset, bytes }];
            return Ok(());
        }
        self.tiled = directory.has(tag::TILE_WIDTH) || directory.has(tag::TILE_OFFSETS);
        let (offset_tag, count_tag) = if self.tiled {
            let side = |tag| {
                let side = directory
                    .value(tag)
                    .and_then(|side| u32::try_from(side).ok());
                side.filter(|side| *side > 0).ok_or_else(damaged)
            };
            self.chunk = (side(tag::TILE_WIDTH)?, side(tag::TILE_LENGTH)?);
            // Some writers use the tags of strips for tiles.
            if directory.has(tag::TILE_OFFSETS) {
                (tag::TILE_OFFSETS, tag::TILE_BYTE_COUNTS)
            } else {
                (tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS)
            }
        } else {
            // Zero is as good as missing, and any number above the height means one strip.
            let rows = directory.value_or(tag::ROWS_PER_STRIP, 0);
            let rows = u32::try_from(rows).unwrap_or(u32::MAX).min(self.height);
            self.chunk.1 = if rows == 0 { self.height } else { rows };
            (tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS)
        };
        let offsets = directory.values(offset_tag).ok_or_else(|| {
            if directory.is_cut(offset_tag) {
                truncated()
            } else if directory.has_too_many(offset_tag) {
                unsupported("more than a million strips or tiles")
            } else {
                damaged()
            }
        })?;
        let counts = directory.values(count_tag).unwrap_or_default();
        let counts = counts.into_iter().chain(std::iter::repeat(0));
        self.chunks = offsets
            .into_iter()
            .zip(counts)
            .map(|(offset, bytes)| Chunk { offset, bytes })
            .collect();
        self.guess_bytes();
        Ok(())
    }

    /// Where byte counts are missing, data extends to the next strip or tile, as libtiff guesses.
    fn guess_bytes(&mut self) {
        if self.chunks.iter().all(|chunk| chunk.bytes > 0) {
            return;
        }
        let mut offsets: Vec<u64> = self.chunks.iter().map(|chunk| chunk.offset).collect();
        offsets.sort_unstable();
        for chunk in self.chunks.iter_mut().filter(|chunk| chunk.bytes == 0) {
            let next = offsets.partition_point(|offset| *offset <= chunk.offset);
            let next = offsets.get(next).copied().unwrap_or(chunk.offset);
            // Zero for the last one, which extends to the end of the file.
            chunk.bytes = next - chunk.offset;
        }
    }

    /// Strips or tiles beside each other, and below each other.
    pub(super) fn grid(&self) -> (u32, u32) {
        (
            self.width.div_ceil(self.chunk.0),
            self.height.div_ceil(self.chunk.1),
        )
    }

    /// The packed bytes of a strip or tile.
    pub(super) fn data(&self, index: usize) -> Result<Cow<'a, [u8]>, PrepareError> {
        let chunk = self.chunks.get(index).ok_or_else(damaged)?;
        let rest = self.directory.from(chunk.offset).unwrap_or_default();
        if rest.is_empty() || chunk.offset == 0 {
            return Err(truncated());
        }
        let bytes = usize::try_from(chunk.bytes).unwrap_or(usize::MAX);
        let data = if bytes == 0 || self.compression == Compression::None {
            // The decompression ends by itself, and without compression the size follows from the picture.
            rest
        } else {
            rest.get(..bytes).unwrap_or(rest)
        };
        if !self.scans.is_empty() {
            return self.joined(data).map(Cow::Owned);
        }
        let is_jpeg = matches!(self.compression, Compression::Jpeg | Compression::OldJpeg);
        Ok(if self.reversed_bits && !is_jpeg {
            let needed = match self.compression {
                Compression::None => self.chunk_bytes().min(data.len()),
                _ => data.len(),
            };
            let data = data.get(..needed).unwrap_or(data);
            Cow::Owned(data.iter().map(|byte| byte.reverse_bits()).collect())
        } else {
            Cow::Borrowed(data)
        })
    }

    /// The header of an old-style JPEG, and the strips behind it.
    fn joined(&self, header: &[u8]) -> Result<Vec<u8>, PrepareError> {
        let mut left = self.file_bytes();
        let mut all = header.to_vec();
        for scan in &self.scans {
            let rest = self.directory.from(scan.offset).unwrap_or_default();
            let bytes = usize::try_from(scan.bytes).unwrap_or(usize::MAX);
            let data = rest.get(..bytes).ok_or_else(truncated)?;
            // Strips that overlap could add up to many times the file.
            left = left.checked_sub(data.len()).ok_or_else(damaged)?;
            all.extend(data);
        }
        Ok(all)
    }

    pub(super) fn file_bytes(&self) -> usize {
        self.directory.from(0).unwrap_or_default().len()
    }

    /// Whether a strip or tile extends beyond the end of the file.
    pub(super) fn is_cut(&self, index: usize) -> bool {
        self.chunks.get(index).is_some_and(|chunk| {
            let rest = self.directory.from(chunk.offset).unwrap_or_default().len() as u64;
            self.compression == Compression::None || chunk.bytes == 0 || chunk.bytes > rest
        })
    }

    /// The packed bytes of the largest strip or tile that [`data`](Self::data) copies.
    pub(super) fn copied_bytes(&self) -> u64 {
        if !self.reversed_bits {
            return 0;
        }
        let file = self.file_bytes();
        let bytes = |chunk: &Chunk| match (self.compression, chunk.bytes) {
            (Compression::None, _) => self.chunk_bytes().min(file),
            (_, 0) => file,
            (_, bytes) => usize::try_from(bytes).unwrap_or(file).min(file),
        };
        self.chunks.iter().map(bytes).max().unwrap_or(0) as u64
    }

    /// Samples of a pixel that are stored together.
    pub(super) const fn samples_together(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }

    /// Bytes of an unpacked row of a strip or tile. With subsampling, of as many rows as share chroma samples.
    pub(super) fn row_bytes(&self) -> usize {
        let width = self.chunk.0 as usize;
        let (across, down) = self.subsampling;
        if (across, down) != (1, 1) {
            return width.div_ceil(across as usize) * (across * down + 2) as usize;
        }
        (width * self.samples_together() * usize::from(self.bits)).div_ceil(8)
    }

    /// Bytes of an unpacked strip or tile.
    pub(super) fn chunk_bytes(&self) -> usize {
        let rows = self.chunk.1.min(self.height).div_ceil(self.subsampling.1);
        self.row_bytes().saturating_mul(rows as usize)
    }
}
