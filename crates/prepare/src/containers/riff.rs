//! The chunks of a WebP file (WebP container specification, "RIFF file format").

/// The type and body of each chunk up to the first one that is cut off.
pub(crate) fn chunks(mut rest: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> + Clone {
    std::iter::from_fn(move || {
        let (kind, after) = rest.split_first_chunk::<4>()?;
        let (length, body) = after.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        // Bodies are padded to an even length.
        rest = body.get(length + length % 2..).unwrap_or_default();
        Some((kind, body.get(..length)?))
    })
}
