//! The marker segments of a JPEG file (ITU-T T.81, annex B).
//!
//! Bytes between segments are skipped. The standard does not allow them, but some cameras write them, and libjpeg skips them
//! with a warning.

use crate::orientation::Orientation;

/// The first byte of every marker.
pub(crate) const PREFIX: u8 = 0xFF;
/// Start of image.
pub(crate) const SOI: u8 = 0xD8;
/// End of image.
pub(crate) const EOI: u8 = 0xD9;
/// Start of scan; entropy-coded data follows the segment.
pub(crate) const SOS: u8 = 0xDA;
/// Huffman tables.
const DHT: u8 = 0xC4;
/// Restart interval.
pub(crate) const DRI: u8 = 0xDD;
/// Number of lines; follows the first scan of a frame whose header has no height.
const DNL: u8 = 0xDC;
/// Application segment 0, which may hold JFIF data.
pub(crate) const APP0: u8 = 0xE0;
/// Application segment 1, which may hold Exif data.
pub(crate) const APP1: u8 = 0xE1;
/// Application segment 2, which may hold a part of a colour profile.
pub(crate) const APP2: u8 = 0xE2;
/// Application segment 13, which may hold Photoshop's data.
const APP13: u8 = 0xED;
/// A comment.
const COM: u8 = 0xFE;
/// Application segment 14, which may hold Adobe's colour transformation.
pub(crate) const APP14: u8 = 0xEE;
/// Temporary marker of arithmetic coding.
const TEM: u8 = 0x01;
/// The first and the last restart marker.
pub(crate) const RST0: u8 = 0xD0;
pub(crate) const RST7: u8 = 0xD7;
/// No marker: a byte 0xFF in coded data is followed by this.
pub(crate) const STUFFED: u8 = 0x00;

/// Whether the marker starts a frame header (SOF0 to SOF15, without DHT, JPG and DAC).
pub(crate) const fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}

/// Whether the marker starts a segment that does not matter for the pixels and that decoders copy all the same.
pub(crate) const fn is_metadata(marker: u8) -> bool {
    matches!(marker, APP1 | APP2 | APP13 | COM)
}

/// Whether the marker is TEM or a restart marker, which have no segment.
pub(crate) const fn is_standalone(marker: u8) -> bool {
    matches!(marker, TEM | RST0..=RST7)
}

/// What [`Segments::next`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// Bytes up to the next 0xFF: coded data after a scan header, stray bytes elsewhere.
    Data,
    /// The second byte of a marker, or [`STUFFED`]. Only [`is_standalone`] markers, [`SOI`], [`EOI`] and [`STUFFED`] have no
    /// segment.
    Marker(u8),
}

/// Why the walk cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SegmentError {
    /// The file ends too early: this many bytes are needed at least.
    NeedMore(usize),
    /// A segment's length is less than that of its length field.
    Length,
}

/// The content of a segment, as far as it is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment<'a> {
    body: Option<&'a [u8]>,
    end: usize,
}

impl<'a> Segment<'a> {
    /// The content without marker and length.
    pub(crate) fn body(self) -> Result<&'a [u8], SegmentError> {
        // With the marker behind it, so that a caller who reads on need not ask again.
        self.body.ok_or(SegmentError::NeedMore(self.end + 2))
    }
}

/// Walks the markers of a JPEG file, from behind its SOI.
#[derive(Debug, Clone)]
pub(crate) struct Segments<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Segments<'a> {
    pub(crate) const fn new(file: &'a [u8]) -> Self {
        Self { bytes: file, at: 2 }
    }

    /// Where the next marker or data starts.
    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    /// Moves over the next marker, or the bytes before it.
    pub(crate) fn next(&mut self) -> Result<Token, SegmentError> {
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(&[prefix, marker]) = rest.first_chunk::<2>() else {
                return Err(SegmentError::NeedMore(self.at + 2));
            };
            if prefix != PREFIX {
                let next = rest.iter().position(|byte| *byte == PREFIX);
                self.at += next.unwrap_or(rest.len());
                return Ok(Token::Data);
            }
            if marker != PREFIX {
                self.at += 2;
                return Ok(Token::Marker(marker));
            }
            // Any number of fill bytes may precede a marker.
            self.at += 1;
        }
    }

    /// Moves over the segment of the marker that [`next`](Self::next) has just returned.
    pub(crate) fn segment(&mut self) -> Result<Segment<'a>, SegmentError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(&[high, low]) = rest.first_chunk::<2>() else {
            return Err(SegmentError::NeedMore(self.at + 2));
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length < 2 {
            return Err(SegmentError::Length);
        }
        self.at += length;
        Ok(Segment {
            body: rest.get(2..length),
            end: self.at,
        })
    }
}

/// The Exif orientation in the body of an [`APP1`] segment: `None` if it holds no Exif data, no transformation if its Exif data is
/// damaged or has no orientation. Like browsers, it accepts any byte of padding behind the name.
pub(crate) fn exif_orientation(body: &[u8]) -> Option<Orientation> {
    Some(Orientation::from_exif_chunk(exif_data(body)?).unwrap_or(Orientation::NoTransforms))
}

fn exif_data(body: &[u8]) -> Option<&[u8]> {
    body.strip_prefix(b"Exif\0")?.get(1..)
}

/// The Exif data of a file: that of the first [`APP1`] segment that holds any, before the first scan.
pub(crate) fn exif(file: &[u8]) -> Option<&[u8]> {
    let mut segments = Segments::new(file);
    loop {
        match segments.next().ok()? {
            Token::Data => {}
            Token::Marker(SOS | SOI | EOI) => return None,
            Token::Marker(marker) if marker == STUFFED || is_standalone(marker) => {}
            Token::Marker(marker) => {
                let body = segments.segment().ok()?.body().ok()?;
                if marker == APP1
                    && let Some(exif) = exif_data(body)
                {
                    return Some(exif);
                }
            }
        }
    }
}

/// A frame header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The number of the SOF marker: 0 baseline, 1 extended, 2 progressive, and so on.
    pub(crate) process: u8,
    /// Bits a sample.
    pub(crate) precision: u8,
    pub(crate) width: u16,
    /// Zero if a DNL segment after the first scan defines it.
    pub(crate) height: u16,
    /// Horizontal and vertical sampling factors of each component.
    pub(crate) sampling: Vec<(u8, u8)>,
    /// The identifier of each component.
    ids: Vec<u8>,
}

impl Frame {
    /// Reads the segment of a marker that [`is_frame`]; `None` if it is too short.
    pub(crate) fn parse(marker: u8, body: &[u8]) -> Option<Self> {
        let (&[precision, h1, h0, w1, w0, count], components) = body.split_first_chunk::<6>()?;
        let (components, _) = components.as_chunks::<3>();
        let components = components.iter().take(usize::from(count));
        Some(Self {
            process: marker & 15,
            precision,
            width: u16::from_be_bytes([w1, w0]),
            height: u16::from_be_bytes([h1, h0]),
            sampling: components
                .clone()
                .map(|[_, sampling, _]| (sampling >> 4, sampling & 15))
                .collect(),
            ids: components.map(|[id, ..]| *id).collect(),
        })
    }

    /// The largest horizontal and vertical sampling factors.
    pub(crate) fn max_sampling(&self) -> (u8, u8) {
        let max = |side: fn(&(u8, u8)) -> u8| self.sampling.iter().map(side).max().unwrap_or(1);
        (
            max(|sampling| sampling.0).max(1),
            max(|sampling| sampling.1).max(1),
        )
    }

    /// Whether the components have more blocks than the standard allows in one unit of a scan (ITU-T T.81, B.2.3).
    pub(crate) fn has_too_many_blocks(&self) -> bool {
        let blocks: u32 = self
            .sampling
            .iter()
            .map(|(h, v)| u32::from(*h) * u32::from(*v))
            .sum();
        self.sampling.len() > 1 && blocks > 10
    }

    /// Whether the frame is coded coarse to fine, so that no part of it is ready before the last scan.
    pub(crate) const fn is_progressive(&self) -> bool {
        self.process & 3 == 2
    }

    /// The number of units (MCUs) of a scan with this header: blocks if it has one component (ITU-T T.81, A.2).
    pub(crate) fn units(&self, scan_header: &[u8]) -> u64 {
        let (across, down) = self.max_sampling();
        let (across, down) = (u64::from(across), u64::from(down));
        let (width, height) = (u64::from(self.width), u64::from(self.height));
        let component = match scan_header {
            [1, id, ..] => self.ids.iter().position(|other| other == id),
            _ => None,
        };
        let (h, v) = component
            .and_then(|index| self.sampling.get(index))
            .map_or((1, 1), |(h, v)| (u64::from(*h), u64::from(*v)));
        (width * h).div_ceil(8 * across) * (height * v).div_ceil(8 * down)
    }

    /// The number of DCT coefficients, over all components.
    pub(crate) fn coefficients(&self) -> u64 {
        let (across, down) = self.max_sampling();
        let (across, down) = (u64::from(across), u64::from(down));
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

/// The structure of a whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Structure {
    /// The first frame header.
    pub(crate) frame: Frame,
    /// Whether bytes that belong to no segment precede the first scan.
    pub(crate) has_stray_bytes: bool,
    /// Whether markers that belong into coded data precede the first scan.
    pub(crate) has_stray_markers: bool,
    /// Whether the three components are red, green and blue.
    pub(crate) is_rgb: bool,
    /// The number of scans.
    pub(crate) scans: u64,
    /// Whether Huffman tables precede the first scan.
    pub(crate) has_tables: bool,
    /// Whether any segment defines a restart interval.
    pub(crate) has_restarts: bool,
    /// Whether the file has an end-of-image marker after a scan.
    pub(crate) is_complete: bool,
    /// Whether the header lacks the height, and a segment after the first scan has it.
    pub(crate) height_follows: bool,
    /// Whether a scan has several components, and the first scan does not have all.
    pub(crate) has_groups: bool,
    /// The bytes of all segments with metadata.
    pub(crate) metadata_bytes: u64,
    /// Where the picture ends: with the file, or where another picture follows.
    pub(crate) end: usize,
    /// The numbers, from 1, of the scans that first have the mean (DC) of a component's blocks.
    pub(crate) first_scans: Vec<u64>,
    /// The restart interval of the last scan in units, or 0.
    interval: u64,
    /// The number of restart markers in the last scan.
    pub(crate) restarts: u64,
    /// The number of units of the last scan.
    units: u64,
    /// The precision of each coefficient of each component after the last scan, as the number of low bits that no scan has.
    missing_bits: Vec<[u8; 64]>,
}

impl Structure {
    /// Whether the scans have all coefficients in full precision.
    pub(crate) fn is_refined(&self) -> bool {
        self.missing_bits
            .as_flattened()
            .iter()
            .all(|bits| *bits == 0)
    }

    /// Whether each component is in a scan.
    pub(crate) fn has_all_components(&self) -> bool {
        self.missing_bits.iter().all(|[mean, ..]| *mean != u8::MAX)
    }

    /// The part of the last scan that is missing, from 0 to 1, if decoding it first ran short after `decoded` of its units. Restart
    /// markers behind that tell how far the data reach.
    pub(crate) fn missing(&self, decoded: u64, total: u64) -> f64 {
        let units = self.units.max(1);
        let decoded = decoded as f64 / total.max(1) as f64;
        let before_last = (self.restarts * self.interval) as f64 / units as f64;
        let reached = if decoded < before_last {
            before_last + self.interval as f64 / units as f64
        } else {
            decoded
        };
        (1.0 - reached).max(0.0)
    }

    /// Notes the coefficients of a scan with this header.
    fn add_scan(&mut self, header: &[u8]) {
        self.scans += 1;
        self.restarts = 0;
        self.units = self.frame.units(header);
        let Some((&count, rest)) = header.split_first() else {
            return;
        };
        let Some((components, &[start, end, low_bits, ..])) =
            rest.split_at_checked(usize::from(count) * 2)
        else {
            return;
        };
        // In a damaged header the components may be wrong.
        let is_valid = header.len() == usize::from(count) * 2 + 4
            && (components.chunks_exact(2).filter_map(<[u8]>::first))
                .all(|id| self.frame.ids.contains(id));
        let is_whole = usize::from(count) >= self.frame.ids.len();
        let is_behind_whole = self.first_scans == [1] && self.has_all_components();
        self.has_groups |=
            is_valid && count > 1 && !is_behind_whole && !(is_whole && self.scans == 1);
        // Only the scans of a progressive picture have parts of blocks.
        let (start, end, low_bits) = if self.frame.is_progressive() {
            (start, end, low_bits & 15)
        } else {
            (0, 63, 0)
        };
        for (id, missing) in self.frame.ids.iter().zip(&mut self.missing_bits) {
            if components
                .chunks_exact(2)
                .any(|component| component.first() == Some(id))
            {
                let is_first = start == 0 && missing.first() == Some(&u8::MAX);
                if is_first && self.first_scans.last() != Some(&self.scans) {
                    self.first_scans.push(self.scans);
                }
                for bits in missing
                    .iter_mut()
                    .take(usize::from(end) + 1)
                    .skip(usize::from(start))
                {
                    *bits = low_bits;
                }
            }
        }
    }

    /// Walks all segments and the coded data between them. `None` without a frame header.
    pub(crate) fn read(file: &[u8]) -> Option<Self> {
        let mut segments = Segments::new(file);
        let mut structure: Option<Self> = None;
        let (mut has_stray_bytes, mut has_stray_markers) = (false, false);
        let (mut has_tables, mut has_restarts) = (false, false);
        let mut colours = Colours::default();
        let mut in_scan = false;
        let (mut metadata_bytes, mut interval) = (0, 0);
        loop {
            let start = segments.position();
            let marker = match segments.next() {
                Ok(Token::Marker(marker)) => marker,
                Ok(Token::Data) => {
                    has_stray_bytes |= !in_scan;
                    continue;
                }
                Err(_) => return structure,
            };
            match marker {
                // Another picture follows.
                SOI if in_scan => {
                    if let Some(structure) = &mut structure {
                        structure.end = start;
                    }
                    return structure;
                }
                STUFFED | SOI => {
                    has_stray_bytes |= !in_scan && marker == STUFFED;
                    continue;
                }
                marker if is_standalone(marker) => {
                    has_stray_markers |= !in_scan;
                    if let Some(structure) = structure.as_mut().filter(|_| marker != TEM) {
                        structure.restarts += 1;
                    }
                    continue;
                }
                // Damaged coded data.
                0x02..=0xBF if in_scan => continue,
                EOI => {
                    if let Some(structure) = &mut structure {
                        structure.is_complete |= in_scan;
                    }
                    return structure;
                }
                _ => {}
            }
            let Ok(body) = segments.segment().and_then(Segment::body) else {
                return structure;
            };
            if is_metadata(marker) {
                metadata_bytes += body.len() as u64;
            }
            match marker {
                marker if is_frame(marker) && structure.is_none() => {
                    let frame = Frame::parse(marker, body)?;
                    structure = Some(Self {
                        missing_bits: vec![[u8::MAX; 64]; frame.ids.len()],
                        frame,
                        has_stray_bytes: false,
                        has_stray_markers: false,
                        is_rgb: false,
                        scans: 0,
                        has_tables: false,
                        has_restarts: false,
                        is_complete: false,
                        height_follows: false,
                        has_groups: false,
                        metadata_bytes: 0,
                        end: file.len(),
                        first_scans: Vec::new(),
                        interval: 0,
                        restarts: 0,
                        units: 0,
                    });
                }
                APP0 if !in_scan => colours.has_jfif |= body.starts_with(b"JFIF\0"),
                APP14 if !in_scan && body.starts_with(b"Adobe") => {
                    colours.adobe = body.get(11).copied().or(colours.adobe);
                }
                DHT => has_tables |= !in_scan,
                DRI => {
                    has_restarts |= body.iter().any(|byte| *byte != 0);
                    let two = body.first_chunk::<2>();
                    interval = two.map_or(0, |two| u64::from(u16::from_be_bytes(*two)));
                }
                DNL => {
                    if let Some(structure) = &mut structure {
                        structure.height_follows |= structure.frame.height == 0;
                    }
                }
                SOS => {
                    in_scan = true;
                    if let Some(structure) = &mut structure {
                        structure.is_rgb = colours.is_rgb(&structure.frame);
                        structure.add_scan(body);
                        structure.interval = interval;
                        structure.has_stray_bytes = has_stray_bytes;
                        structure.has_stray_markers = has_stray_markers;
                        structure.has_tables = has_tables;
                        structure.has_restarts = has_restarts;
                    }
                }
                _ => {}
            }
            if let Some(structure) = &mut structure {
                structure.metadata_bytes = metadata_bytes;
            }
        }
    }
}

/// What the header says about colours.
#[derive(Debug, Clone, Copy, Default)]
struct Colours {
    has_jfif: bool,
    /// The transformation in Adobe's segment.
    adobe: Option<u8>,
}

impl Colours {
    /// Whether three components are red, green and blue, by the rules of libjpeg (`default_decompress_parms`), which browsers follow.
    fn is_rgb(self, frame: &Frame) -> bool {
        frame.ids.len() == 3
            && !self.has_jfif
            && match self.adobe {
                Some(transform) => transform == 0,
                None => frame.ids == *b"RGB",
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_segments_markers_and_the_bytes_between_them() {
        let file = b"\xFF\xD8\xFF\xE1\0\x04ab\x12\x34\xFF\xFF\xFF\xD0\xFF\0\xFF\xD9";
        let mut segments = Segments::new(file);
        assert_eq!(segments.next(), Ok(Token::Marker(APP1)));
        assert_eq!(segments.segment().unwrap().body(), Ok(&b"ab"[..]));
        for expected in [
            Token::Data,
            Token::Marker(RST0),
            Token::Marker(STUFFED),
            Token::Marker(EOI),
        ] {
            assert_eq!(segments.next(), Ok(expected));
        }
        assert_eq!(segments.next(), Err(SegmentError::NeedMore(file.len() + 2)));
    }

    #[test]
    fn says_how_many_bytes_a_segment_needs() {
        let file = b"\xFF\xD8\xFF\xE1\0\x04a";
        let mut segments = Segments::new(file);
        segments.next().unwrap();
        let segment = segments.segment().unwrap();
        assert_eq!(segment.body(), Err(SegmentError::NeedMore(10)));
        let mut segments = Segments::new(b"\xFF\xD8\xFF\xE1\0\x01");
        segments.next().unwrap();
        assert_eq!(segments.segment().err(), Some(SegmentError::Length));
    }
}
