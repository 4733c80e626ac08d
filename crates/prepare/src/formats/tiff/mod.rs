//! TIFF: the first page, or the main picture behind a preview, decoded row by row.

mod colours;
mod errors;
mod fax;
mod jpeg;
mod page;
mod samples;
mod unpack;

use std::borrow::Cow;

use self::{
    colours::Colours,
    errors::{damaged, too_large, truncated, unsupported},
    jpeg::Jpegs,
    page::Page,
    samples::Samples,
    unpack::{Budget, Compression, Unpacker},
};
use super::decoder::{Geometry, PictureDecoder};
use crate::{
    containers::tiff::{self, tag},
    error::PrepareError,
    limits::{MAX_ICC_BYTES, MAX_UNPACKED_BYTES},
    media::MediaType,
    pixels::{
        downscale::{Downscaled, Downscaler},
        layout::Profile,
    },
};

/// The most strips or tiles beside each other that are unpacked row by row at the same time. More are unpacked whole, one after the
/// other, because each takes memory while it is being unpacked.
const MAX_OPEN: usize = 8;

/// The memory of a strip or tile that is being unpacked, in bytes: LZW's table, or the window of Deflate.
const OPEN_BYTES: u64 = 96 * 1024;

pub(super) struct Tiff<'a> {
    page: Page<'a>,
    geometry: Geometry,
}

impl<'a> Tiff<'a> {
    pub(super) fn open(file: &'a [u8]) -> Result<Self, PrepareError> {
        let directories = tiff::read(file).ok_or_else(truncated)?;
        if directories.is_cr2() {
            return Err(unsupported("raw camera data"));
        }
        let page = Page::read(directories.main().ok_or_else(damaged)?)?;
        Ok(Self {
            geometry: Geometry {
                size: (page.width, page.height),
                orientation: page.orientation,
            },
            page,
        })
    }
}

impl PictureDecoder for Tiff<'_> {
    fn format(&self) -> MediaType {
        MediaType::Tiff
    }

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn decode(self: Box<Self>, factor: u32, memory: u64) -> Result<Downscaled, PrepareError> {
        let page = &self.page;
        let (width, height) = self.geometry.size;
        let is_jpeg = matches!(page.compression, Compression::Jpeg | Compression::OldJpeg);
        let colours = Colours::new(page, is_jpeg)?;
        let mut samples = Samples::new(page, colours.is_palette())?;
        if is_jpeg && page.bits != 8 {
            let bits = page.bits;
            return Err(unsupported(format!(
                "JPEG compression with {bits} bits a colour"
            )));
        }
        let mut rows = Rows::new(page, colours.kept)?;
        let needed = rows.memory() + Downscaler::memory(width, height, colours.layout, factor);
        if needed > memory {
            return Err(too_large(self.geometry.size));
        }
        if is_jpeg {
            let jpegs = Jpegs::new(page, rows.count(), rows.budget)?;
            if needed + jpegs.working_bytes > memory {
                return Err(too_large(self.geometry.size));
            }
            rows.jpegs = Some(jpegs);
        }
        if samples.needs_white() {
            let mut largest = 0.0_f32;
            rows.walk(&mut |visit| {
                if let Visit::Bytes { bytes, .. } = visit {
                    samples.undo_predictor(bytes);
                    largest = largest.max(samples.largest(bytes));
                }
                Ok(())
            })?;
            samples.set_white(largest);
        }
        let profile = page.directory.bytes(tag::ICC_PROFILE, MAX_ICC_BYTES);
        let profile = profile
            .filter(|_| colours.has_profile())
            .map(<[u8]>::to_vec);
        let mut downscaler = Downscaler::new(width, colours.layout, factor);
        let mut group = Group::new(page, colours.kept);
        let mut pixels = Vec::new();
        rows.walk(&mut |visit| {
            match visit {
                Visit::Bytes {
                    bytes,
                    plane,
                    column,
                } => {
                    samples.undo_predictor(bytes);
                    group.add(&samples, bytes, plane, column)?;
                }
                Visit::Rows(count) => {
                    for row in group.rows(count) {
                        downscaler.push(colours.pixels(row, &mut pixels));
                    }
                }
            }
            Ok(())
        })?;
        Ok(downscaler.finish(Profile::from(profile)))
    }
}

/// What [`Rows::walk`] has read.
enum Visit<'r> {
    /// A row of a strip or tile, or as many rows of it as share chroma samples: the number of its plane, and that of its column of
    /// tiles.
    Bytes {
        bytes: &'r mut [u8],
        plane: usize,
        column: usize,
    },
    /// This many rows of the picture are complete.
    Rows(usize),
}

/// The rows of a page.
struct Rows<'p> {
    page: &'p Page<'p>,
    /// Planes that are read.
    planes: usize,
    /// Columns and rows of strips or tiles.
    across: usize,
    down: usize,
    /// What reading all rows once may take.
    budget: Budget,
    jpegs: Option<Jpegs>,
}

impl<'p> Rows<'p> {
    /// `kept` is the number of samples of a pixel that are used.
    fn new(page: &'p Page<'p>, kept: usize) -> Result<Self, PrepareError> {
        let (across, down) = page.grid();
        let planes = if page.planar { kept } else { 1 };
        let stored = u64::from(across) * page.row_bytes() as u64;
        let rows = u64::from(page.height.div_ceil(page.subsampling.1));
        let unpacked = stored.saturating_mul(rows).saturating_mul(planes as u64);
        if unpacked > MAX_UNPACKED_BYTES {
            return Err(too_large((page.width, page.height)));
        }
        Ok(Self {
            page,
            planes,
            across: across as usize,
            down: down as usize,
            budget: Budget::new(
                page.file_bytes() as u64,
                unpacked,
                u64::from(page.height) * planes as u64,
            ),
            jpegs: None,
        })
    }

    /// The number of strips or tiles.
    const fn count(&self) -> usize {
        self.across * self.down * self.planes
    }

    /// Whether strips or tiles are unpacked whole.
    fn are_whole(&self) -> bool {
        match self.page.compression {
            Compression::None => false,
            Compression::Jpeg | Compression::OldJpeg => true,
            _ => self.across * self.planes > MAX_OPEN,
        }
    }

    /// The bytes that reading rows takes, without what decoding a JPEG takes.
    fn memory(&self) -> u64 {
        let open = (self.across * self.planes) as u64;
        let rows = (self.page.width as u64 * 8 + self.page.row_bytes() as u64) * 4;
        let copied = self.page.copied_bytes();
        rows + if self.are_whole() {
            open * self.page.chunk_bytes() as u64 + OPEN_BYTES + copied
        } else {
            open * (OPEN_BYTES + copied)
        }
    }

    fn open(
        &self,
        index: usize,
        groups: usize,
        budget: &mut Budget,
    ) -> Result<Unpacker<'p>, PrepareError> {
        let page = self.page;
        let width = page.chunk.0 as usize;
        if let Some(jpegs) = &self.jpegs {
            let samples = jpegs.decode(page, index)?;
            return Ok(Unpacker::new(Cow::Owned(samples), Compression::None, width));
        }
        let data = page.data(index)?;
        if matches!(data, Cow::Owned(_)) {
            budget.spend(data.len() as u64)?;
        }
        let mut unpacker = Unpacker::new(data, page.compression, width);
        if !self.are_whole() {
            return Ok(unpacker);
        }
        let mut whole = vec![0; groups * page.row_bytes()];
        for row in whole.chunks_exact_mut(page.row_bytes()) {
            budget.fill(&mut unpacker, page.is_cut(index), row)?;
        }
        Ok(Unpacker::new(Cow::Owned(whole), Compression::None, width))
    }

    /// Reads all rows from top to bottom.
    fn walk(
        &self,
        visit: &mut dyn FnMut(Visit<'_>) -> Result<(), PrepareError>,
    ) -> Result<(), PrepareError> {
        let page = self.page;
        let (height, share) = (page.height as usize, page.subsampling.1 as usize);
        let chunk_height = page.chunk.1 as usize;
        let mut bytes = vec![0; page.row_bytes()];
        let mut budget = self.budget;
        for band in 0..self.down {
            let rows = (height - band * chunk_height).min(chunk_height);
            let mut open = Vec::new();
            for plane in 0..self.planes {
                for column in 0..self.across {
                    let index = (plane * self.down + band) * self.across + column;
                    let unpacker = self.open(index, rows.div_ceil(share), &mut budget)?;
                    open.push((unpacker, index, plane, column));
                }
            }
            for top in (0..rows).step_by(share) {
                for (unpacker, index, plane, column) in &mut open {
                    budget.fill(unpacker, page.is_cut(*index), &mut bytes)?;
                    visit(Visit::Bytes {
                        bytes: &mut bytes,
                        plane: *plane,
                        column: *column,
                    })?;
                }
                visit(Visit::Rows((rows - top).min(share)))?;
            }
        }
        Ok(())
    }
}

/// The used samples of a row, or of as many rows as share chroma samples.
struct Group<'p> {
    page: &'p Page<'p>,
    kept: usize,
    samples: Vec<u8>,
    part: Vec<u8>,
}

impl<'p> Group<'p> {
    fn new(page: &'p Page<'p>, kept: usize) -> Self {
        let rows = page.subsampling.1 as usize;
        Self {
            page,
            kept,
            samples: vec![0; page.width as usize * kept * rows],
            part: Vec::new(),
        }
    }

    fn rows(&self, count: usize) -> impl Iterator<Item = &[u8]> {
        self.samples
            .chunks_exact(self.page.width as usize * self.kept)
            .take(count)
    }

    /// Adds the bytes of a strip or tile.
    fn add(
        &mut self,
        samples: &Samples,
        bytes: &[u8],
        plane: usize,
        column: usize,
    ) -> Result<(), PrepareError> {
        let (width, kept) = (self.page.width as usize, self.kept);
        let left = column * self.page.chunk.0 as usize;
        let columns = (width - left).min(self.page.chunk.0 as usize);
        if self.page.subsampling != (1, 1) {
            self.add_shared(bytes, left, columns);
            return Ok(());
        }
        let together = self.page.samples_together();
        self.part.clear();
        samples.append(bytes, columns * together, &mut self.part)?;
        let to = self.samples.get_mut(left * kept..).ok_or_else(damaged)?;
        if self.page.planar {
            for (to, from) in to.chunks_exact_mut(kept).zip(&self.part) {
                if let Some(to) = to.get_mut(plane) {
                    *to = *from;
                }
            }
        } else if together == kept {
            let to = to.get_mut(..self.part.len()).ok_or_else(damaged)?;
            to.copy_from_slice(&self.part);
        } else {
            // The samples beyond the used ones mean nothing here.
            let pixels = to
                .chunks_exact_mut(kept)
                .zip(self.part.chunks_exact(together));
            for (to, from) in pixels {
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
        }
        Ok(())
    }

    /// Adds blocks of luma samples, each with one pair of chroma samples behind it (TIFF 6.0, section 21).
    fn add_shared(&mut self, bytes: &[u8], left: usize, columns: usize) {
        let (across, down) = self.page.subsampling;
        let (across, down) = (across as usize, down as usize);
        let width = self.page.width as usize;
        for (block, values) in bytes.chunks_exact(across * down + 2).enumerate() {
            let Some((luma, &[blue, red])) = values.split_last_chunk::<2>() else {
                continue;
            };
            for (place, luma) in luma.iter().enumerate() {
                let (x, y) = (block * across + place % across, place / across);
                let at = (y * width + left + x) * 3;
                if x < columns
                    && let Some(pixel) = self.samples.get_mut(at..at + 3)
                {
                    pixel.copy_from_slice(&[*luma, blue, red]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};

    use super::*;
    use crate::{Limits, prepare};

    /// The data is here in the file.
    const DATA: u32 = 8;

    /// A page with these tags of 32-bit numbers.
    fn tiff(data: &[u8], tags: &[(u16, &[u32])]) -> Vec<u8> {
        let (mut entries, mut arrays) = (Vec::new(), Vec::new());
        let start = DATA + data.len() as u32;
        let arrays_at = start + 6 + tags.len() as u32 * 12;
        entries.extend((tags.len() as u16).to_le_bytes());
        for (tag, values) in tags {
            entries.extend(tag.to_le_bytes());
            entries.extend([4, 0]);
            entries.extend((values.len() as u32).to_le_bytes());
            match values {
                [value] => entries.extend(value.to_le_bytes()),
                values => {
                    entries.extend((arrays_at + arrays.len() as u32).to_le_bytes());
                    arrays.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                }
            }
        }
        entries.extend([0; 4]);
        let header = [&b"II*\0"[..], &start.to_le_bytes()].concat();
        [&header[..], data, &entries, &arrays].concat()
    }

    /// A page of 100 pixels across and this many down, in one strip unless further tags say otherwise.
    fn page(
        height: u32,
        compression: u32,
        photometric: u32,
        data: &[u8],
        further: &[(u16, &[u32])],
    ) -> Vec<u8> {
        let count = data.len() as u32;
        let tags: [(u16, &[u32]); 8] = [
            (tag::WIDTH, &[100]),
            (tag::HEIGHT, &[height]),
            (tag::COMPRESSION, &[compression]),
            (tag::PHOTOMETRIC, &[photometric]),
            (tag::BITS_PER_SAMPLE, &[8]),
            (tag::SAMPLES_PER_PIXEL, &[1]),
            (tag::STRIP_OFFSETS, &[DATA]),
            (tag::STRIP_BYTE_COUNTS, &[count]),
        ];
        let others = tags
            .into_iter()
            .filter(|(tag, _)| further.iter().all(|(further, _)| further != tag));
        let all: Vec<_> = further.iter().copied().chain(others).collect();
        tiff(data, &all)
    }

    fn jpeg(width: u32, height: u32, pixel: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let colours = match pixel {
            [_] => ExtendedColorType::L8,
            _ => ExtendedColorType::Rgb8,
        };
        let pixels = pixel.repeat((width * height) as usize);
        JpegEncoder::new(&mut bytes)
            .encode(&pixels, width, height, colours)
            .unwrap();
        bytes
    }

    fn is(file: &[u8], expected: [u8; 3]) {
        let prepared = prepare(file, &Limits::default()).unwrap();
        let thumbnail =
            image::load_from_memory(&prepared.renditions.unwrap().thumbnail.unwrap().bytes)
                .unwrap();
        let found = thumbnail.to_rgb8().get_pixel(5, 5).0;
        let near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) < 8);
        assert!(near, "{found:?}, not {expected:?}");
    }

    fn is_refused(file: &[u8], says: &str) {
        let error = prepare(file, &Limits::default()).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn a_jpeg_may_have_rows_below_the_picture_but_not_below_a_tile() {
        let data = jpeg(100, 112, &[50]);
        is(&page(110, 7, 1, &data, &[]), [50; 3]);
        let tile: [(u16, &[u32]); 2] = [(tag::TILE_WIDTH, &[100]), (tag::TILE_LENGTH, &[110])];
        is_refused(&page(110, 7, 1, &data, &tile), "damaged");
        let wide = jpeg(104, 104, &[50]);
        is_refused(&page(110, 7, 1, &wide, &[]), "damaged");
    }

    #[test]
    fn the_page_says_what_the_components_of_a_jpeg_are() {
        // The encoder writes YCbCr and a JFIF segment.
        let jfif = jpeg(100, 100, &[200, 30, 60]);
        let adobe = |transform| {
            let segment = *b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0";
            [&[0xFF, 0xD8][..], &segment, &[transform], &jfif[2..]].concat()
        };
        for data in [jfif.clone(), adobe(0), adobe(1)] {
            let three: [(u16, &[u32]); 1] = [(tag::SAMPLES_PER_PIXEL, &[3])];
            is(&page(100, 7, 6, &data, &three), [200, 30, 60]);
            is(&page(100, 7, 2, &data, &three), [84, 114, 211]);
        }
    }

    #[test]
    fn an_old_jpeg_may_have_its_header_and_its_scan_in_two_places() {
        let data = jpeg(100, 100, &[50]);
        let scan = data.windows(2).position(|two| two == [0xFF, 0xDA]).unwrap();
        let header = scan + 2 + usize::from(data[scan + 3]);
        for gap in [0, 50] {
            let apart = [&data[..header], &vec![0; gap], &data[header..]].concat();
            let old: [(u16, &[u32]); 4] = [
                (tag::JPEG_OFFSET, &[DATA]),
                (tag::JPEG_LENGTH, &[header as u32]),
                (tag::STRIP_OFFSETS, &[DATA + (header + gap) as u32]),
                (tag::STRIP_BYTE_COUNTS, &[(data.len() - header) as u32]),
            ];
            is(&page(100, 6, 1, &apart, &old), [50; 3]);
        }
    }

    #[test]
    fn tiles_may_be_used_again_but_not_without_bound() {
        let blank = jpeg(16, 16, &[50]);
        let count = blank.len() as u32;
        let tiles: [(u16, &[u32]); 4] = [
            (tag::TILE_WIDTH, &[16]),
            (tag::TILE_LENGTH, &[16]),
            (tag::TILE_OFFSETS, &[DATA; 49]),
            (tag::TILE_BYTE_COUNTS, &[count; 49]),
        ];
        is_refused(&page(100, 7, 1, &blank, &tiles), "overlapping");
        let blank = jpeg(100, 100, &[50]);
        let count = blank.len() as u32;
        let strips: [(u16, &[u32]); 3] = [
            (tag::ROWS_PER_STRIP, &[100]),
            (tag::STRIP_OFFSETS, &[DATA; 9]),
            (tag::STRIP_BYTE_COUNTS, &[count; 9]),
        ];
        is(&page(900, 7, 1, &blank, &strips), [50; 3]);
        let nothing = [&[0x80; 5000][..], &[0x9D, 50]].concat();
        let strips: [(u16, &[u32]); 3] = [
            (tag::ROWS_PER_STRIP, &[1]),
            (tag::STRIP_OFFSETS, &[DATA; 90]),
            (tag::STRIP_BYTE_COUNTS, &[5002; 90]),
        ];
        is_refused(&page(90, 32_773, 1, &nothing, &strips), "overlapping");
        is(
            &page(90, 32_773, 1, &[0x9D, 50], &[strips[0], strips[1]]),
            [50; 3],
        );
    }

    #[test]
    fn a_fax_has_two_colours_and_at_most_a_tenth_of_damaged_rows() {
        let says = "fax compression with more than two colours";
        is_refused(&page(100, 4, 0, &[0xFF; 1000], &[]), says);
        let one: [(u16, &[u32]); 1] = [(tag::BITS_PER_SAMPLE, &[1])];
        // In Group 4, a row like the one above is a single 1; 0000 0001 1 is no code, and nothing follows it.
        let mut data = [0xFF; 12].to_vec();
        data.extend([1, 0x80]);
        data.resize(100, 0);
        is(&page(104, 4, 0, &data, &one), [255; 3]);
        is_refused(&page(120, 4, 0, &data, &one), "damaged");
    }
}
