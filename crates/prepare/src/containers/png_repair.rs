//! A clean copy of a damaged PNG.
//!
//! It keeps the chunks that browsers use (through libpng) and leaves out those that libpng ignores with a warning: other ancillary
//! chunks, those with a wrong checksum, and those at a wrong place. The checksums in the copy are not right; the decoder must not
//! compare them.

use super::png::SIGNATURE;

/// The chunks before the pixels that matter for their colours and transparency.
const COLOURS: [&[u8; 4]; 8] = [
    b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"mDCV", b"cLLI",
];

/// The copy, and whether the file has its end. `None` if its size or palette is unusable, which browsers do not show either.
pub(crate) fn repaired(file: &[u8]) -> Option<(Vec<u8>, bool)> {
    // The copy is no longer than the file.
    let mut copy = Vec::with_capacity(file.len());
    copy.extend(SIGNATURE);
    let mut rest = file.get(SIGNATURE.len()..)?;
    let mut palette = None;
    // Where the pixels start in the copy.
    let mut pixels = None;
    let mut seen = Vec::new();
    let mut has_transparency = false;
    let mut has_end = false;
    while let Some(chunk) = Chunk::first(rest) {
        let Chunk {
            kind,
            body,
            is_valid,
            ..
        } = chunk;
        rest = chunk.rest;
        match kind {
            b"IHDR" if seen.is_empty() => {
                is_valid.then(|| push(&mut copy, kind, body))?;
            }
            b"PLTE" if pixels.is_none() && palette.is_none() => {
                is_valid.then(|| push(&mut copy, kind, body))?;
                palette = Some(body.len() / 3);
            }
            b"tRNS" if is_valid && pixels.is_none() && !has_transparency => {
                let is_indexed = copy.get(SIGNATURE.len() + 8 + 9) == Some(&3);
                match (is_indexed, palette) {
                    (true, None) => {}
                    // More entries than the palette has.
                    (true, Some(colours)) => {
                        push(&mut copy, kind, body.get(..colours).unwrap_or(body));
                        has_transparency = true;
                    }
                    _ => {
                        push(&mut copy, kind, body);
                        has_transparency = true;
                    }
                }
            }
            b"IDAT" => {
                if pixels.is_none() {
                    push_header(&mut copy, kind, 0);
                    pixels = Some(copy.len());
                }
                copy.extend(body);
            }
            b"IEND" => {
                has_end = true;
                break;
            }
            // The pixels are one run of chunks.
            _ if pixels.is_some() => {
                has_end = ends(rest);
                break;
            }
            kind if is_valid && COLOURS.contains(&kind) && !seen.contains(kind) => {
                push(&mut copy, kind, body);
            }
            _ => {}
        }
        seen.push(*kind);
    }
    let start = pixels.filter(|start| copy.len() > *start)?;
    // The pixels end with the file instead of their chunk: the decoder drops the last rows of a chunk whose data is incomplete, and
    // returns all rows of a file that ends.
    let length = (copy.len() - start) as u32 + 1;
    copy.get_mut(start - 8..start - 4)?
        .copy_from_slice(&length.to_be_bytes());
    Some((copy, has_end))
}

/// Whether the file has an end chunk.
fn ends(mut rest: &[u8]) -> bool {
    while let Some(chunk) = Chunk::first(rest) {
        if chunk.kind == b"IEND" {
            return true;
        }
        rest = chunk.rest;
    }
    false
}

/// A chunk of a file.
struct Chunk<'a> {
    kind: &'a [u8; 4],
    /// Ends with the file if it is cut off.
    body: &'a [u8],
    /// Whether the checksum is right. That of pixels does not matter.
    is_valid: bool,
    /// What follows the chunk.
    rest: &'a [u8],
}

impl<'a> Chunk<'a> {
    fn first(file: &'a [u8]) -> Option<Self> {
        let (length, typed) = file.split_first_chunk::<4>()?;
        let (kind, rest) = typed.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let cut = |body| Self {
            kind,
            body,
            is_valid: false,
            rest: &[],
        };
        let Some((body, rest)) = rest.split_at_checked(length) else {
            return Some(cut(rest));
        };
        let Some((checksum, rest)) = rest.split_first_chunk::<4>() else {
            return Some(cut(body));
        };
        let is_valid = kind == b"IDAT" || {
            let typed = typed.get(..length + 4).unwrap_or_default();
            crc32fast::hash(typed) == u32::from_be_bytes(*checksum)
        };
        Some(Self {
            kind,
            body,
            is_valid,
            rest,
        })
    }
}

fn push_header(file: &mut Vec<u8>, kind: &[u8; 4], length: u32) {
    file.extend(length.to_be_bytes());
    file.extend(kind);
}

fn push(file: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    push_header(file, kind, body.len() as u32);
    file.extend(body);
    file.extend([0; 4]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let typed = [kind, body].concat();
        let length = (body.len() as u32).to_be_bytes();
        let checksum = crc32fast::hash(&typed).to_be_bytes();
        [&length[..], &typed, &checksum].concat()
    }

    fn kinds(file: &[u8]) -> Vec<[u8; 4]> {
        let mut rest = &file[SIGNATURE.len()..];
        let mut kinds = Vec::new();
        while let Some(chunk) = Chunk::first(rest) {
            kinds.push(*chunk.kind);
            rest = chunk.rest;
        }
        kinds
    }

    #[test]
    fn keeps_what_the_pixels_need() {
        let header = chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 3, 0, 0, 0]);
        let mut wrong = chunk(b"gAMA", &[0, 1, 2, 3]);
        wrong[9] ^= 1;
        let file = [
            SIGNATURE.to_vec(),
            header.clone(),
            wrong,
            chunk(b"sRGB", &[0]),
            chunk(b"tRNS", &[1]),
            chunk(b"PLTE", &[1, 2, 3]),
            chunk(b"tRNS", &[1, 2]),
            chunk(b"tEXt", b"a\0b"),
            chunk(b"IDAT", b"ab"),
            chunk(b"IDAT", b"cd"),
            chunk(b"tIME", &[0; 7]),
            chunk(b"IDAT", b"ef"),
            chunk(b"IEND", b""),
        ]
        .concat();
        let (copy, has_end) = repaired(&file).unwrap();
        assert_eq!(
            kinds(&copy),
            [b"IHDR", b"sRGB", b"PLTE", b"tRNS", b"IDAT"].map(|kind| *kind)
        );
        assert!(copy.ends_with(b"\0\0\0\x05IDATabcd"));
        assert!(has_end);
        assert_eq!(copy.capacity(), file.len(), "one copy, made at once");
        // Cut off within the pixels.
        let (copy, has_end) = repaired(&file[..file.len() - 49]).unwrap();
        assert!(copy.ends_with(b"IDATabcd") && !has_end);
        // Without a valid size.
        let mut damaged = file;
        damaged[20] ^= 1;
        assert_eq!(repaired(&damaged), None);
    }
}
