//! Strips, tiles and whole pictures that are JPEGs (TIFF Technical Note 2; TIFF 6.0, section 22).

use std::io::Cursor;

use jpeg_decoder::{ColorTransform, Decoder};

use super::{
    directory::tag,
    errors::{damaged, truncated, unsupported},
    page::Page,
};
use crate::{containers::jpeg::Structure, error::PrepareError, limits::MAX_SCANNED};

/// The largest tables that JPEGs may share, in bytes.
const MAX_TABLES_BYTES: usize = 256 * 1024;

/// The photometric interpretation YCbCr (TIFF 6.0).
const YCBCR: u64 = 6;

/// The JPEGs of a page.
pub(super) struct Jpegs {
    /// The tables that precede each JPEG, without the marker that ends them.
    tables: Vec<u8>,
    transform: ColorTransform,
    /// The most bytes that decoding one takes besides its result.
    pub(super) working_bytes: u64,
}

impl Jpegs {
    /// Checks the headers, whose sizes may differ from the page's: no JPEG may be larger than its strip or tile, and their scans must
    /// not take too long.
    pub(super) fn new(page: &Page<'_>, count: usize) -> Result<Self, PrepareError> {
        let tables = page.directory.bytes(tag::JPEG_TABLES, MAX_TABLES_BYTES);
        if tables.is_none() && page.directory.has(tag::JPEG_TABLES) {
            return Err(damaged());
        }
        let tables = tables.unwrap_or_default();
        // A frame in the tables would replace the JPEG's own.
        if Structure::read(tables).is_some() {
            return Err(damaged());
        }
        let (mut scanned, mut working_bytes) = (0_u64, 0);
        // Overlapping strips could add up to many times the file.
        let mut left = page.directory.from(0).unwrap_or_default().len();
        for index in 0..count {
            let data = page.data(index)?;
            let structure = Structure::read(&data).ok_or_else(|| not_a_jpeg(page, index))?;
            let frame = &structure.frame;
            match frame.process {
                0..=2 => {}
                3 => return Err(unsupported("lossless JPEG compression")),
                _ => return Err(unsupported("a rare kind of JPEG compression")),
            }
            if frame.precision != 8 {
                let bits = frame.precision;
                return Err(unsupported(format!(
                    "JPEG compression with {bits} bits a colour"
                )));
            }
            let (width, height) = page.chunk;
            if u32::from(frame.width) > width
                || u32::from(frame.height) > height
                || frame.sampling.len() != page.samples_together()
            {
                return Err(damaged());
            }
            let coefficients = frame.coefficients();
            scanned = scanned.saturating_add(structure.scans.saturating_mul(coefficients));
            // The planes, and all coefficients of a progressive JPEG; the copy with the tables.
            let planes = if frame.process == 2 { 3 } else { 1 };
            working_bytes = working_bytes.max(coefficients * planes + data.len() as u64);
            left = left.checked_sub(data.len()).ok_or_else(damaged)?;
        }
        if scanned > MAX_SCANNED {
            return Err(unsupported(
                "more JPEG scans than a picture of its size needs",
            ));
        }
        Ok(Self {
            tables: tables.strip_suffix(b"\xFF\xD9").unwrap_or(tables).to_vec(),
            // The page says what the samples are, whatever markers the JPEG has.
            transform: match (page.samples_together(), page.photometric) {
                (3, YCBCR) => ColorTransform::YCbCr,
                (3, _) => ColorTransform::RGB,
                (4, _) => ColorTransform::CMYK,
                _ => ColorTransform::None,
            },
            working_bytes,
        })
    }

    /// The samples of a strip or tile, in rows as long as the strip or tile is wide.
    pub(super) fn decode(&self, page: &Page<'_>, index: usize) -> Result<Vec<u8>, PrepareError> {
        let data = page.data(index)?;
        let samples = page.samples_together();
        let joined;
        let whole = if self.tables.is_empty() {
            &*data
        } else {
            let own = data.strip_prefix(b"\xFF\xD8").ok_or_else(damaged)?;
            joined = [self.tables.as_slice(), own].concat();
            &joined
        };
        let mut decoder = Decoder::new(Cursor::new(whole));
        decoder.set_color_transform(self.transform);
        let mut pixels = decoder.decode().map_err(|error| match error {
            jpeg_decoder::Error::Io(_) if page.is_cut(index) => truncated(),
            jpeg_decoder::Error::Unsupported(_) => unsupported("a rare kind of JPEG compression"),
            _ => damaged(),
        })?;
        if samples == 4 {
            // The decoder inverts inks, as in files for print, which TIFFs do not have.
            pixels.iter_mut().for_each(|ink| *ink = !*ink);
        }
        let info = decoder.info().ok_or_else(damaged)?;
        let (from, to) = (
            usize::from(info.width) * samples,
            page.chunk.0 as usize * samples,
        );
        if from == to || from == 0 {
            return Ok(pixels);
        }
        let mut rows = Vec::with_capacity(usize::from(info.height) * to);
        for row in pixels.chunks_exact(from) {
            rows.extend_from_slice(row);
            rows.resize(rows.len() + to.saturating_sub(from), 0);
        }
        Ok(rows)
    }
}

/// The error for data without a frame.
fn not_a_jpeg(page: &Page<'_>, index: usize) -> PrepareError {
    if page.compression == super::unpack::Compression::OldJpeg {
        // Only the tables and the data, in the way of TIFF 6.0.
        unsupported("old-style JPEG compression")
    } else if page.is_cut(index) {
        truncated()
    } else {
        damaged()
    }
}
