//! Strips, tiles and whole pictures that are JPEGs (TIFF Technical Note 2; TIFF 6.0, section 22).

use std::borrow::Cow;

use libjpeg_turbo_rs::{DecodeLimits, DecodeWarning, Decoder, JpegError, PixelFormat};

use super::{
    errors::{damaged, truncated, unsupported},
    page::Page,
    unpack::Budget,
};
use crate::{
    containers::{
        jpeg::{APP0, APP14, PREFIX, SOI, SOS, Segments, Structure, Token, is_standalone},
        tiff::tag,
    },
    error::PrepareError,
    limits::{MAX_PIXELS, MAX_SCANNED},
};

/// The largest tables that JPEGs may share, in bytes. Usual ones have less than 1500.
const MAX_TABLES_BYTES: usize = 8 * 1024;

/// The most bytes of shared tables that are read, over all JPEGs.
const MAX_TABLES_READ: usize = 64 * 1024 * 1024;

/// The photometric interpretation YCbCr (TIFF 6.0).
const YCBCR: u64 = 6;

/// The JPEGs of a page.
pub(super) struct Jpegs {
    /// The tables that precede each JPEG, without the marker that ends them.
    tables: Vec<u8>,
    /// Adobe's segment, which says what the components are.
    colours: [u8; 16],
    format: PixelFormat,
    /// The most bytes that decoding one takes besides its result.
    pub(super) working_bytes: u64,
}

impl Jpegs {
    /// Checks the headers, whose sizes may differ from the page's: no JPEG may be larger than its strip or tile, and their scans must
    /// not take too long.
    pub(super) fn new(
        page: &Page<'_>,
        count: usize,
        mut budget: Budget,
    ) -> Result<Self, PrepareError> {
        let tables = page.directory.bytes(tag::JPEG_TABLES, MAX_TABLES_BYTES);
        let tables = match tables {
            Some(tables) => tables,
            None if page.directory.is_cut(tag::JPEG_TABLES) => return Err(truncated()),
            None if page.directory.has(tag::JPEG_TABLES) => {
                return Err(unsupported("JPEG tables of more than 8 KiB"));
            }
            None => &[],
        };
        if tables.len().saturating_mul(count) > MAX_TABLES_READ {
            return Err(unsupported("JPEG tables for this many strips or tiles"));
        }
        // A frame in the tables would replace the JPEG's own.
        if Structure::read(tables).is_some() {
            return Err(damaged());
        }
        let (mut scanned, mut working_bytes) = (0_u64, 0);
        for index in 0..count {
            let data = page.data(index)?;
            budget.spend(data.len() as u64)?;
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
            let extra_rows = u32::from(frame.height).saturating_sub(height);
            // As in libtiff, rows may be below the picture, but not below a tile.
            let is_last = (index + 1).is_multiple_of(page.grid().1 as usize);
            if u32::from(frame.width) > width
                || extra_rows > 0 && (page.tiled || !is_last)
                || frame.sampling.len() != page.samples_together()
            {
                return Err(damaged());
            }
            let coefficients = frame.coefficients();
            scanned = scanned.saturating_add(structure.scans.saturating_mul(coefficients));
            // The planes, and all coefficients of a progressive JPEG; the copy with the tables; copies of metadata.
            let planes = if frame.process == 2 { 3 } else { 1 };
            let copies = if matches!(data, Cow::Owned(_)) { 2 } else { 1 };
            let extra_bytes = u64::from(extra_rows) * page.row_bytes() as u64;
            working_bytes = working_bytes.max(
                coefficients * planes
                    + data.len() as u64 * copies
                    + extra_bytes
                    + structure.metadata_bytes * 3,
            );
        }
        if scanned > MAX_SCANNED {
            return Err(unsupported(
                "more JPEG scans than a picture of its size needs",
            ));
        }
        Ok(Self {
            tables: tables.strip_suffix(b"\xFF\xD9").unwrap_or(tables).to_vec(),
            colours: adobe(page.photometric == YCBCR && page.samples_together() == 3),
            format: match page.samples_together() {
                1 => PixelFormat::Grayscale,
                3 => PixelFormat::Rgb,
                4 => PixelFormat::Cmyk,
                _ => return Err(unsupported("JPEG compression with this number of samples")),
            },
            working_bytes,
        })
    }

    /// The samples of a strip or tile, in rows as long as the strip or tile is wide.
    pub(super) fn decode(&self, page: &Page<'_>, index: usize) -> Result<Vec<u8>, PrepareError> {
        let data = page.data(index)?;
        let samples = page.samples_together();
        let own = data.strip_prefix(&[PREFIX, SOI]).ok_or_else(damaged)?;
        let mut whole = Vec::with_capacity(self.tables.len() + self.colours.len() + data.len() + 2);
        if self.tables.is_empty() {
            whole.extend([PREFIX, SOI]);
        } else {
            whole.extend(&self.tables);
        }
        whole.extend(self.colours);
        let start = whole.len() - 2;
        whole.extend(own);
        hide_colours(whole.get_mut(start..).unwrap_or_default());

        let decode_error = |error: JpegError| match error {
            JpegError::Unsupported(_) => unsupported("a rare kind of JPEG compression"),
            _ if page.is_cut(index) => truncated(),
            _ => damaged(),
        };
        let limits = DecodeLimits {
            max_pixels: MAX_PIXELS,
            // As many as were counted before.
            max_scans: Structure::read(&data).map_or(0, |structure| structure.scans as usize),
            ..DecodeLimits::default()
        };
        let mut decoder = Decoder::new_with_limits(&whole, limits).map_err(decode_error)?;
        decoder.set_lenient(true);
        decoder.set_output_format(self.format);
        let decoded = decoder.decode_image().map_err(decode_error)?;
        let missing = (decoded.warnings.iter())
            .any(|warning| matches!(warning, DecodeWarning::TruncatedData { .. }));
        if missing {
            return Err(if page.is_cut(index) {
                truncated()
            } else {
                damaged()
            });
        }
        let pixels = decoded.data;
        let (from, to) = (decoded.width * samples, page.chunk.0 as usize * samples);
        if from == to || from == 0 {
            return Ok(pixels);
        }
        let mut rows = Vec::with_capacity(decoded.height * to);
        for row in pixels.chunks_exact(from) {
            rows.extend_from_slice(row);
            rows.resize(rows.len() + to.saturating_sub(from), 0);
        }
        Ok(rows)
    }
}

/// Adobe's segment for components that are YCbCr, or what the page says.
const fn adobe(is_ycbcr: bool) -> [u8; 16] {
    let transform = if is_ycbcr { 1 } else { 0 };
    [
        PREFIX, APP14, 0, 14, b'A', b'd', b'o', b'b', b'e', 0, 100, 0, 0, 0, 0, transform,
    ]
}

/// Turns the segments of a header that say what the components are into comments: the page says that, whatever markers the JPEG has.
/// The header starts with two bytes that are skipped.
fn hide_colours(jpeg: &mut [u8]) {
    /// A comment.
    const COM: u8 = 0xFE;
    let mut start = 0;
    while let Some(found) = jpeg.get(start..).and_then(find_colours) {
        let at = start + found;
        if let Some(marker) = jpeg.get_mut(at) {
            *marker = COM;
        }
        // Go on with this comment: two bytes are skipped before its marker of two bytes.
        start = at - 3;
    }
}

/// Where the marker of the first segment is that says what the components are: the second byte of it.
fn find_colours(header: &[u8]) -> Option<usize> {
    let mut segments = Segments::new(header);
    loop {
        match segments.next().ok()? {
            Token::Data | Token::Marker(SOI | 0) => {}
            Token::Marker(SOS) => return None,
            Token::Marker(APP0 | APP14) => return Some(segments.position() - 1),
            Token::Marker(marker) if is_standalone(marker) => {}
            Token::Marker(_) => {
                segments.segment().ok()?;
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_segment_with_colours_becomes_a_comment() {
        let header = |marker: [u8; 3]| {
            let [first, second, third] = marker;
            [
                &[
                    9, 9, 0xFF, 0xFF, first, 0, 4, 1, 2, 0xFF, 0xE1, 0, 4, 0xFF, 0xEE,
                ][..],
                &[0xFF, second, 0, 2, 0xFF, third, 0, 2, 0xFF, SOS, 0, 2],
                &[0xFF, 0xE0, 0, 2],
            ]
            .concat()
        };
        let mut jpeg = header([APP0, APP0, APP14]);
        hide_colours(&mut jpeg);
        assert_eq!(jpeg, header([0xFE; 3]));
    }
}
