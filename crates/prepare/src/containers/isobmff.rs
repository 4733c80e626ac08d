//! The boxes of an ISO base media file (ISO/IEC 14496-12, "Object structure"), such as AVIF and HEIC.

/// A box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MediaBox<'a> {
    /// Four characters.
    pub(crate) kind: &'a [u8; 4],
    /// The content, as far as it is there.
    pub(crate) body: &'a [u8],
    /// Whether all of the content is there.
    pub(crate) complete: bool,
}

/// Walks the boxes of a file or of another box. The walk ends at a box that is cut off or has an impossible length.
#[derive(Debug, Clone)]
pub(crate) struct Boxes<'a> {
    rest: &'a [u8],
    truncated: bool,
}

impl<'a> Boxes<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            truncated: false,
        }
    }

    /// The boxes that are all there.
    pub(crate) fn complete(self) -> impl Iterator<Item = (&'a [u8; 4], &'a [u8])> {
        self.filter(|found| found.complete)
            .map(|found| (found.kind, found.body))
    }

    /// Walks to the end. Whether the bytes end within a box.
    pub(crate) fn ends_within_a_box(mut self) -> bool {
        self.by_ref().for_each(drop);
        self.truncated
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = MediaBox<'a>;

    fn next(&mut self) -> Option<MediaBox<'a>> {
        let bytes = std::mem::take(&mut self.rest);
        if bytes.is_empty() {
            return None;
        }
        // Until the header has been read.
        self.truncated = true;
        let (short, after) = bytes.split_first_chunk::<4>()?;
        let (kind, mut body) = after.split_first_chunk::<4>()?;
        let length = match u32::from_be_bytes(*short) {
            // The box extends to the end of its parent.
            0 => bytes.len() as u64,
            1 => {
                let (long, after) = body.split_first_chunk::<8>()?;
                body = after;
                u64::from_be_bytes(*long)
            }
            length => u64::from(length),
        };
        let header = (bytes.len() - body.len()) as u64;
        let Some(length) = length.checked_sub(header) else {
            self.truncated = false;
            return None;
        };
        let split = usize::try_from(length)
            .ok()
            .and_then(|length| body.split_at_checked(length));
        self.truncated = split.is_none();
        let (body, rest) = split.unwrap_or((body, &[]));
        self.rest = rest;
        Some(MediaBox {
            kind,
            body,
            complete: !self.truncated,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_ends_within_a_box_is_truncated() {
        let whole = b"\0\0\0\x0Cftypavif\0\0\0\x01mdat\0\0\0\0\0\0\0\x12\x01\x02";
        let truncated = |bytes| Boxes::new(bytes).ends_within_a_box();
        assert!(!truncated(whole));
        for end in 1..whole.len() {
            let between_boxes = end == 12;
            assert_eq!(truncated(&whole[..end]), !between_boxes, "{end}");
        }
        assert!(!truncated(b"\0\0\0\0mdat\x01"));
        assert!(!truncated(b"\0\0\0\x07mdat\x01"));
    }

    #[test]
    fn boxes_are_read_with_lengths_of_all_kinds() {
        let bytes = b"\0\0\0\x09aaaa1\0\0\0\x01bbbb\0\0\0\0\0\0\0\x1222\0\0\0\0cccc333";
        let found: Vec<_> = Boxes::new(bytes).complete().collect();
        assert_eq!(
            found,
            [
                (b"aaaa", b"1".as_slice()),
                (b"bbbb", b"22"),
                (b"cccc", b"333")
            ]
        );
        let cut_off: Vec<_> = Boxes::new(&bytes[..26]).collect();
        assert_eq!(cut_off.len(), 2);
        assert_eq!((cut_off[1].body, cut_off[1].complete), (&b"2"[..], false));
        assert_eq!(Boxes::new(&bytes[..26]).complete().count(), 1);
    }
}
