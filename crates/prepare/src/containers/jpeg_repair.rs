//! A copy of a damaged JPEG that a decoder reads as libjpeg reads the original.
//!
//! libjpeg, and with it every browser, ignores restart markers in the header, and uses those in coded data to get back into step where
//! data was lost.

use super::jpeg::{
    DRI, EOI, PREFIX, RST0, RST7, SOI, SOS, STUFFED, Segment, Segments, Token, is_standalone,
};

/// The repaired file; `None` if it needs no repair.
pub(crate) fn repaired(file: &[u8]) -> Option<Vec<u8>> {
    let mut segments = Segments::new(file);
    let mut repair = Repair {
        file,
        copied: 0,
        copy: Vec::new(),
    };
    let (mut in_scan, mut interval) = (false, 0_u16);
    // The number of the next restart marker.
    let mut expected = 0;
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
            repair.replace(start, end, &[]);
            continue;
        }
        match marker {
            RST0..=RST7 if interval > 0 => {
                let found = marker - RST0;
                let from = unused.take();
                match found.wrapping_sub(expected) & 7 {
                    0 => {
                        if let Some(from) = from {
                            repair.replace(from, start, &[]);
                        }
                        expected = (expected + 1) & 7;
                    }
                    // One or two intervals are missing.
                    ahead @ 1..=2 => {
                        let mut markers = Vec::new();
                        for step in 0..=ahead {
                            markers.extend([PREFIX, RST0 + ((expected + step) & 7)]);
                        }
                        repair.replace(from.unwrap_or(start), end, &markers);
                        expected = (found + 1) & 7;
                    }
                    // A repeated interval, up to the next marker.
                    6..=7 => unused = Some(from.unwrap_or(start)),
                    // Nobody can tell how many are missing.
                    _ => {
                        repair.replace(from.unwrap_or(start), end, &[PREFIX, RST0 + expected]);
                        expected = (expected + 1) & 7;
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
            repair.replace(from, start, &[]);
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
            }
            _ => {}
        }
    }
    repair.finish()
}

/// A copy of a file with some pieces replaced.
struct Repair<'a> {
    file: &'a [u8],
    /// How far the file has been copied.
    copied: usize,
    copy: Vec<u8>,
}

impl Repair<'_> {
    /// Replaces the bytes from `start` to `end`. Pieces come in the order of the file.
    fn replace(&mut self, start: usize, end: usize, by: &[u8]) {
        self.copy
            .extend(self.file.get(self.copied..start).unwrap_or_default());
        self.copy.extend(by);
        self.copied = end;
    }

    /// `None` if nothing was replaced.
    fn finish(mut self) -> Option<Vec<u8>> {
        (self.copied > 0).then(|| {
            self.copy
                .extend(self.file.get(self.copied..).unwrap_or_default());
            self.copy
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with a restart interval, and these coded data.
    fn file(coded: &[u8]) -> Vec<u8> {
        [
            b"\xFF\xD8\xFF\xDD\0\x04\0\x01\xFF\xDA\0\x02",
            coded,
            b"\xFF\xD9",
        ]
        .concat()
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
    fn markers_of_coded_data_are_removed_from_the_header() {
        let damaged = b"\xFF\xD8\xFF\xD3\xFF\xFE\0\x03a\xFF\x01\xFF\xDA\0\x02a";
        let expected = b"\xFF\xD8\xFF\xFE\0\x03a\xFF\xDA\0\x02a";
        assert_eq!(repaired(damaged).unwrap(), expected);
        assert_eq!(repaired(expected), None);
    }
}
