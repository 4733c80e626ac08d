//! The chunks of a PNG file.

/// The PNG signature.
pub(crate) const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1A\n";

/// The offset just behind width and height: signature, chunk length, chunk type, width, height (PNG specification, "PNG
/// datastream structure" and "IHDR").
pub(crate) const SIZE_END: usize = 8 + 4 + 4 + 4 + 4;

/// The offset of the interlace method, which follows bit depth, colour type, compression and filter (PNG specification, "IHDR").
pub(crate) const INTERLACE: usize = SIZE_END + 4;

/// The type and body of each chunk up to `IEND` or the first chunk that is cut off.
pub(crate) fn chunks(file: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = file.get(SIGNATURE.len()..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (kind, body) = after.split_first_chunk::<4>()?;
        let (body, after) = body.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        // A checksum follows the body.
        rest = after.get(4..).unwrap_or_default();
        (kind != b"IEND").then_some((kind, body))
    })
}

/// The Exif data. Its chunk may precede or follow the pixels (PNG specification, third edition, "Exchangeable Image File (Exif) Profile").
pub(crate) fn exif(file: &[u8]) -> Option<&[u8]> {
    chunks(file)
        .find(|(kind, _)| *kind == b"eXIf")
        .map(|(_, exif)| exif)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_end_at_iend_or_where_one_is_cut_off() {
        let file = b"\x89PNG\r\n\x1A\n\0\0\0\x02eXIfab\x01\x02\x03\x04\0\0\0\0IEND\0\0\0\0\0\0\0\0IDAT\0\0\0\0";
        assert_eq!(
            chunks(file).collect::<Vec<_>>(),
            [(b"eXIf", b"ab".as_slice())]
        );
        assert_eq!(chunks(&file[..18]).count(), 1);
        assert_eq!(chunks(&file[..17]).count(), 0);
        assert_eq!(chunks(&file[..3]).count(), 0);
    }
}
