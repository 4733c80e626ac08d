//! A copy of a JPEG that a decoder reads as libjpeg reads the original.
//!
//! libjpeg, and with it every browser, ignores restart markers in the header, and uses those in coded data to get back into step where
//! data was lost.

use super::jpeg::{
    APP2, DRI, EOI, Frame, PREFIX, RST0, RST7, SOI, SOS, STUFFED, Segment, Segments, Structure,
    Token, is_metadata, is_standalone,
};
use crate::limits::MAX_ICC_BYTES;

/// Metadata of more bytes are left out of a copy.
const MAX_METADATA_BYTES: u64 = 1024 * 1024;

/// A copy that has not been made yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlannedCopy {
    /// The length of the copy in bytes.
    pub(crate) bytes: usize,
    /// Whether the file has a fault, apart from its size.
    pub(crate) is_repaired: bool,
    /// The bytes of all segments with metadata in the copy.
    pub(crate) metadata_bytes: u64,
}

/// The copy that a file needs: its length, or `None` if the file can be decoded as it is.
pub(crate) fn plan(file: &[u8], structure: &Structure) -> Option<PlannedCopy> {
    let mut metadata_bytes = structure.metadata_bytes;
    let has_much_metadata = metadata_bytes > MAX_METADATA_BYTES;
    let is_faulty = structure.has_stray_markers || structure.has_restarts || !structure.is_complete;
    if !is_faulty && !has_much_metadata {
        return None;
    }
    let mut bytes = file.len();
    let (mut is_repaired, mut is_needed) = (false, false);
    walk(file, &structure.frame, has_much_metadata, |edit| {
        is_needed = true;
        is_repaired |= edit.metadata_bytes == 0;
        bytes = bytes - (edit.end - edit.start) + edit.by.len();
        metadata_bytes = metadata_bytes.saturating_sub(edit.metadata_bytes);
    });
    if !structure.is_complete {
        (is_repaired, is_needed) = (true, true);
        bytes += 2;
    }
    is_needed.then_some(PlannedCopy {
        bytes,
        is_repaired,
        metadata_bytes,
    })
}

/// Makes the copy that [`plan`] has planned.
pub(crate) fn copy(file: &[u8], structure: &Structure, planned: PlannedCopy) -> Vec<u8> {
    let has_much_metadata = structure.metadata_bytes > MAX_METADATA_BYTES;
    let mut copy = Vec::with_capacity(planned.bytes);
    let mut copied = 0;
    walk(file, &structure.frame, has_much_metadata, |edit| {
        copy.extend(file.get(copied..edit.start).unwrap_or_default());
        copy.extend(edit.by);
        copied = edit.end;
    });
    copy.extend(file.get(copied..).unwrap_or_default());
    if !structure.is_complete {
        // The decoder looks for the end of a picture with several scans.
        copy.extend([PREFIX, EOI]);
    }
    copy
}

/// The file with the scan of this number, from 1, and without all others and the metadata.
pub(crate) fn only_scan(file: &[u8], number: u64) -> Vec<u8> {
    let mut copy = Vec::with_capacity(file.len() + 2);
    copy.extend([PREFIX, SOI]);
    let mut segments = Segments::new(file);
    let mut scan = 0;
    loop {
        let start = segments.position();
        let Ok(token) = segments.next() else { break };
        let is_segment = match token {
            Token::Data | Token::Marker(STUFFED) => false,
            Token::Marker(SOI | EOI) => break,
            Token::Marker(marker) if is_standalone(marker) => false,
            Token::Marker(0x02..=0xBF) if scan > 0 => false,
            Token::Marker(_) if scan == number => break,
            Token::Marker(marker) => {
                scan += u64::from(marker == SOS);
                if segments.segment().is_err() {
                    break;
                }
                !is_metadata(marker) && (marker != SOS || scan == number)
            }
        };
        if is_segment || scan == number {
            copy.extend(file.get(start..segments.position()).unwrap_or_default());
        }
    }
    copy.extend([PREFIX, EOI]);
    copy
}

/// A change to a file.
struct Edit<'a> {
    /// The bytes from here to `end` are replaced.
    start: usize,
    end: usize,
    by: &'a [u8],
    /// The bytes of metadata that are left out.
    metadata_bytes: u64,
}

impl<'a> Edit<'a> {
    const fn new(start: usize, end: usize, by: &'a [u8]) -> Self {
        Self {
            start,
            end,
            by,
            metadata_bytes: 0,
        }
    }
}

/// Calls `edit` for each change, in the order of the file. Changes do not overlap.
fn walk(file: &[u8], frame: &Frame, without_metadata: bool, mut edit: impl FnMut(Edit<'_>)) {
    let mut segments = Segments::new(file);
    let (mut in_scan, mut interval) = (false, 0_u16);
    // The number of the next restart marker.
    let mut expected = 0;
    // The number of restart markers that the scan can still have.
    let mut left = 0_u64;
    let mut icc_bytes = 0;
    // Where data to leave out starts.
    let mut unused: Option<usize> = None;
    loop {
        let start = segments.position();
        let Ok(token) = segments.next() else { break };
        let end = segments.position();
        let marker = match token {
            Token::Marker(marker) => marker,
            Token::Data => continue,
        };
        if !in_scan && is_standalone(marker) {
            edit(Edit::new(start, end, &[]));
            continue;
        }
        match marker {
            // Behind the last interval.
            RST0..=RST7 if left == 0 => continue,
            RST0..=RST7 => {
                let found = marker - RST0;
                let from = unused.take();
                match found.wrapping_sub(expected) & 7 {
                    0 => {
                        if let Some(from) = from {
                            edit(Edit::new(from, start, &[]));
                        }
                        expected = (expected + 1) & 7;
                        left -= 1;
                    }
                    // One or two intervals are missing.
                    ahead @ 1..=2 => {
                        let numbers = [0, 1, 2].map(|step| RST0 + ((expected + step) & 7));
                        let [a, b, c] = numbers;
                        let markers = [PREFIX, a, PREFIX, b, PREFIX, c];
                        let markers = markers.get(..usize::from(ahead) * 2 + 2);
                        edit(Edit::new(
                            from.unwrap_or(start),
                            end,
                            markers.unwrap_or_default(),
                        ));
                        expected = (found + 1) & 7;
                        left = left.saturating_sub(u64::from(ahead) + 1);
                    }
                    // A repeated interval, up to the next marker.
                    6..=7 => unused = Some(from.unwrap_or(start)),
                    // Nobody can tell how many are missing.
                    _ => {
                        let marker = [PREFIX, RST0 + expected];
                        edit(Edit::new(from.unwrap_or(start), end, &marker));
                        expected = (expected + 1) & 7;
                        left -= 1;
                    }
                }
                continue;
            }
            STUFFED => continue,
            marker if is_standalone(marker) => continue,
            // Damaged coded data.
            0x02..=0xBF if in_scan => continue,
            _ => {}
        }
        if let Some(from) = unused.take() {
            edit(Edit::new(from, start, &[]));
        }
        if marker == SOI || marker == EOI {
            break;
        }
        let Ok(body) = segments.segment().and_then(Segment::body) else {
            break;
        };
        match marker {
            DRI => {
                interval = body
                    .first_chunk::<2>()
                    .map_or(0, |two| u16::from_be_bytes(*two));
            }
            SOS => {
                in_scan = true;
                expected = 0;
                left = match u64::from(interval) {
                    0 => 0,
                    interval => frame.units(body).div_ceil(interval).saturating_sub(1),
                };
            }
            marker if without_metadata && is_metadata(marker) => {
                let is_profile = marker == APP2 && body.starts_with(b"ICC_PROFILE\0");
                if is_profile {
                    icc_bytes += body.len();
                }
                if !is_profile || icc_bytes > MAX_ICC_BYTES {
                    edit(Edit {
                        start,
                        end: segments.position(),
                        by: &[],
                        metadata_bytes: body.len() as u64,
                    });
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of a picture of 8 x 64 pixels with a restart interval, and these coded data.
    fn file(coded: &[u8]) -> Vec<u8> {
        let header = b"\xFF\xD8\xFF\xDD\0\x04\0\x01\xFF\xC0\0\x0B\x08\0\x40\0\x08\x01\x01\x11\0";
        let scan = b"\xFF\xDA\0\x08\x01\x01\0\0\x3F\0";
        [header, &scan[..], coded, b"\xFF\xD9"].concat()
    }

    fn repaired(file: &[u8]) -> Option<Vec<u8>> {
        let structure = Structure::read(file).unwrap();
        let planned = plan(file, &structure)?;
        let copy = copy(file, &structure, planned);
        assert_eq!(copy.len(), planned.bytes);
        Some(copy)
    }

    #[test]
    fn restart_markers_are_put_in_order() {
        for (coded, expected) in [
            // Intervals 0 to 3, each a letter.
            (&b"a\xFF\xD0b\xFF\xD1c\xFF\xD2d"[..], None),
            // Without b and its marker, with two intervals lost, and with only a marker lost.
            (
                b"a\xFF\xD0c\xFF\xD2d",
                Some(&b"a\xFF\xD0c\xFF\xD1\xFF\xD2d"[..]),
            ),
            (b"c\xFF\xD2d", Some(b"c\xFF\xD0\xFF\xD1\xFF\xD2d")),
            (
                b"ab\xFF\xD1c\xFF\xD2d",
                Some(b"ab\xFF\xD0\xFF\xD1c\xFF\xD2d"),
            ),
            // b twice; what follows the repeated marker has no place.
            (
                b"a\xFF\xD0b\xFF\xD1b\xFF\xD1c\xFF\xD2d",
                Some(b"a\xFF\xD0b\xFF\xD1b\xFF\xD2d"),
            ),
            // Another number altogether.
            (b"a\xFF\xD4b", Some(b"a\xFF\xD0b")),
        ] {
            assert_eq!(repaired(&file(coded)), expected.map(file), "{coded:?}");
        }
    }

    #[test]
    fn restart_markers_behind_the_last_interval_are_left_alone() {
        let many = b"\xFF\xD2\xFF\xD5".repeat(1000);
        let file = file(&many);
        let copy = repaired(&file).unwrap();
        assert!(copy.len() <= file.len() + 8 * 4, "{}", copy.len());
    }

    #[test]
    fn markers_of_coded_data_are_removed_from_the_header() {
        let expected = file(b"a");
        let damaged = [&expected[..2], b"\xFF\xD3\xFF\x01", &expected[2..]].concat();
        assert_eq!(repaired(&damaged).unwrap(), expected);
        assert_eq!(repaired(&expected), None);
    }

    #[test]
    fn much_metadata_is_left_out() {
        let clean = file(b"a");
        let segment = |marker, name: &[u8]| {
            let mut body = name.to_vec();
            body.resize(60_000, 0);
            let length = (body.len() as u16 + 2).to_be_bytes();
            [&[PREFIX, marker], &length[..], &body].concat()
        };
        let profile = segment(APP2, b"ICC_PROFILE\0");
        let comments = segment(0xFE, b"").repeat(20);
        let file = [&clean[..2], &comments, &profile, &clean[2..]].concat();
        let structure = Structure::read(&file).unwrap();
        let planned = plan(&file, &structure).unwrap();
        assert_eq!(
            (planned.is_repaired, planned.metadata_bytes),
            (false, 60_000)
        );
        let expected = [&clean[..2], &profile, &clean[2..]].concat();
        assert_eq!(copy(&file, &structure, planned), expected);
        let little = [&clean[..2], &segment(0xFE, b""), &clean[2..]].concat();
        assert_eq!(plan(&little, &Structure::read(&little).unwrap()), None);
    }

    #[test]
    fn one_scan_can_be_kept() {
        let one = file(b"a\xFF\xD0b");
        let scan = &one[one.len() - 16..one.len() - 2];
        let second = b"\xFF\xC4\0\x02\xFF\xDA\0\x08\x01\x01\0\0\x3F\0c";
        let both = [&one[..one.len() - 2], second, b"\xFF\xD9"].concat();
        assert_eq!(only_scan(&both, 1), one);
        assert!(
            only_scan(&both, 2)
                .ends_with(b"\xFF\xC4\0\x02\xFF\xDA\0\x08\x01\x01\0\0\x3F\0c\xFF\xD9")
        );
        assert_eq!(
            only_scan(&both, 2).len(),
            one.len() - scan.len() + second.len()
        );
    }
}
