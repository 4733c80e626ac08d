//! The marker segments of a JPEG file (ITU-T T.81, annex B).
//!
//! Bytes between segments are skipped. The standard does not allow them, but some cameras write them, and libjpeg skips them
//! with a warning.

use crate::orientation::Orientation;

/// The first byte of every marker.
const PREFIX: u8 = 0xFF;
/// Start of image.
pub(crate) const SOI: u8 = 0xD8;
/// End of image.
pub(crate) const EOI: u8 = 0xD9;
/// Start of scan; entropy-coded data follows the segment.
pub(crate) const SOS: u8 = 0xDA;
/// Application segment 1, which may hold Exif data.
pub(crate) const APP1: u8 = 0xE1;
/// Temporary marker of arithmetic coding.
const TEM: u8 = 0x01;
/// The first and the last restart marker.
const RST0: u8 = 0xD0;
const RST7: u8 = 0xD7;
/// No marker: a byte 0xFF in coded data is followed by this.
pub(crate) const STUFFED: u8 = 0x00;

/// Whether the marker starts a frame header (SOF0 to SOF15, without DHT, JPG and DAC).
pub(crate) const fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
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
/// damaged or has no orientation.
pub(crate) fn exif_orientation(body: &[u8]) -> Option<Orientation> {
    let exif = body.strip_prefix(b"Exif\0\0")?;
    Some(Orientation::from_exif_chunk(exif).unwrap_or(Orientation::NoTransforms))
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
}

impl Frame {
    /// Reads the segment of a marker that [`is_frame`]; `None` if it is too short.
    pub(crate) fn parse(marker: u8, body: &[u8]) -> Option<Self> {
        let (&[precision, h1, h0, w1, w0, count], components) = body.split_first_chunk::<6>()?;
        let (components, _) = components.as_chunks::<3>();
        Some(Self {
            process: marker & 15,
            precision,
            width: u16::from_be_bytes([w1, w0]),
            height: u16::from_be_bytes([h1, h0]),
            sampling: components
                .iter()
                .take(usize::from(count))
                .map(|[_, sampling, _]| (sampling >> 4, sampling & 15))
                .collect(),
        })
    }

    /// Whether the frame is coded coarse to fine, so that no part of it is ready before the last scan.
    pub(crate) const fn is_progressive(&self) -> bool {
        self.process & 3 == 2
    }

    /// The number of DCT coefficients, over all components.
    pub(crate) fn coefficients(&self) -> u64 {
        let max = |side: fn(&(u8, u8)) -> u8| {
            u64::from(self.sampling.iter().map(side).max().unwrap_or(1).max(1))
        };
        let (across, down) = (max(|sampling| sampling.0), max(|sampling| sampling.1));
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
    /// The number of scans.
    pub(crate) scans: u64,
    /// Whether the file has an end-of-image marker after a scan.
    pub(crate) is_complete: bool,
}

impl Structure {
    /// Walks all segments and the coded data between them. `None` without a frame header, or if a marker that some decoders
    /// take for a segment precedes the first scan: they would see another file.
    pub(crate) fn read(file: &[u8]) -> Option<Self> {
        let mut segments = Segments::new(file);
        let mut structure: Option<Self> = None;
        let mut has_stray_bytes = false;
        let mut in_scan = false;
        loop {
            let marker = match segments.next() {
                Ok(Token::Marker(marker)) => marker,
                Ok(Token::Data) => {
                    has_stray_bytes |= !in_scan;
                    continue;
                }
                Err(_) => return structure,
            };
            match marker {
                marker if is_standalone(marker) && !in_scan => return None,
                STUFFED | SOI => {
                    has_stray_bytes |= !in_scan && marker == STUFFED;
                    continue;
                }
                marker if is_standalone(marker) => continue,
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
            if is_frame(marker) && structure.is_none() {
                structure = Some(Self {
                    frame: Frame::parse(marker, body)?,
                    has_stray_bytes: false,
                    scans: 0,
                    is_complete: false,
                });
            } else if marker == SOS {
                in_scan = true;
                if let Some(structure) = &mut structure {
                    structure.scans += 1;
                    structure.has_stray_bytes = has_stray_bytes;
                }
            }
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
