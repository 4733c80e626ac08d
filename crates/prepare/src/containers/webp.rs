//! The parts of a WebP file (WebP container specification), by the rules of libwebp's demultiplexer, which browsers use.
//!
//! The flags in the extended header decide what counts: a chunk without its flag is ignored, and a flag without its chunk is allowed.

use std::borrow::Cow;

use super::{pieces::Pieces, riff};

/// Flags of the extended header.
const ANIMATION: u8 = 0x02;
const EXIF: u8 = 0x08;
const ALPHA: u8 = 0x10;
const ICC: u8 = 0x20;
/// These and the flag of XMP. libwebp rejects all others.
const ALL: u8 = ANIMATION | 0x04 | EXIF | ALPHA | ICC;

/// A still picture, or the first frame of an animation.
#[derive(Debug)]
pub(crate) struct Webp<'a> {
    /// Width and height of the canvas in pixels.
    pub(crate) size: (u32, u32),
    /// The colour profile.
    pub(crate) icc: Option<&'a [u8]>,
    /// The Exif data.
    pub(crate) exif: Option<&'a [u8]>,
    pub(crate) is_animated: bool,
    /// Whether the picture may be transparent.
    has_alpha: bool,
    frame: Frame<'a>,
    /// The header of an animation's frame.
    frame_header: Option<&'a [u8]>,
}

impl<'a> Webp<'a> {
    /// `None` if browsers reject the file.
    pub(crate) fn read(file: &'a [u8]) -> Option<Self> {
        let riff_bytes = u32::from_le_bytes(*file.get(4..)?.first_chunk::<4>()?) as usize;
        let is_cut = riff_bytes + 8 > file.len();
        // What follows the container is ignored.
        let content = file.get(12..file.len().min(riff_bytes + 8))?;
        let mut chunks = riff::chunks(content);
        let (kind, body) = chunks.next()?;
        if kind != b"VP8X" {
            let frame = Frame::read([(kind, body)].into_iter()).filter(|_| !is_cut)?;
            return Some(Self {
                size: frame.size,
                icc: None,
                exif: None,
                is_animated: false,
                has_alpha: true,
                frame,
                frame_header: None,
            });
        }
        // More bytes are ignored.
        let &[flags, _, _, _, w0, w1, w2, h0, h1, h2] = body.first_chunk::<10>()?;
        if flags & !ALL != 0 {
            return None;
        }
        let size = (number([w0, w1, w2]) + 1, number([h0, h1, h2]) + 1);
        let first = |wanted: &[u8; 4], flag: u8| {
            let mut chunks = riff::chunks(content);
            chunks
                .find(|(kind, _)| *kind == wanted && flags & flag != 0)
                .map(|(_, body)| body)
        };
        let is_animated = flags & ANIMATION != 0;
        let (frame, frame_header) = if is_animated {
            let (frame, header) = first_frame(chunks, size)?;
            (frame, Some(header))
        } else {
            if is_cut
                || chunks
                    .clone()
                    .any(|(kind, _)| matches!(kind, b"ANIM" | b"ANMF"))
            {
                return None;
            }
            (
                Frame::read(chunks).filter(|frame| frame.size == size)?,
                None,
            )
        };
        Some(Self {
            size,
            icc: first(b"ICCP", ICC),
            // Some writers add the prefix of JPEG files.
            exif: first(b"EXIF", EXIF).map(|exif| exif.strip_prefix(b"Exif\0\0").unwrap_or(exif)),
            is_animated,
            // The canvas around a smaller frame is transparent.
            has_alpha: flags & ALPHA != 0 || frame.size != size,
            frame,
            frame_header,
        })
    }

    /// Whether the decoder needs a second copy of the pixels, or transparency beside three planes.
    pub(crate) const fn is_lossless_or_transparent(&self) -> bool {
        self.frame.is_lossless || self.frame.alpha.is_some()
    }

    /// A file with nothing but the pixels, which every decoder reads alike.
    pub(crate) fn pixels(&self) -> Pieces<'a> {
        let alpha = self.frame.alpha.filter(|_| self.has_alpha);
        let kind = if self.frame.is_lossless {
            b"VP8L"
        } else {
            b"VP8 "
        };
        let coded = [
            alpha.map(|alpha| (b"ALPH", alpha)),
            Some((kind, self.frame.coded)),
        ];
        let coded_bytes: usize = coded
            .iter()
            .flatten()
            .map(|(_, body)| 8 + body.len().next_multiple_of(2))
            .sum();
        let mut head = b"WEBP".to_vec();
        if self.is_animated || alpha.is_some() {
            let alpha = if self.has_alpha { ALPHA } else { 0 };
            let animation = if self.is_animated { ANIMATION } else { 0 };
            head.extend(chunk_header(b"VP8X", 10));
            head.extend([alpha | animation, 0, 0, 0]);
            for side in [self.size.0, self.size.1] {
                head.extend((side - 1).to_le_bytes().iter().take(3));
            }
        }
        if let Some(header) = self.frame_header {
            // A transparent canvas.
            head.extend(chunk_header(b"ANIM", 6));
            head.extend([0; 6]);
            head.extend(chunk_header(b"ANMF", header.len() + coded_bytes));
            head.extend(header);
        }
        let riff = chunk_header(b"RIFF", head.len() + coded_bytes);
        let mut pieces = vec![Cow::Owned([&riff[..], &head].concat())];
        for (kind, body) in coded.into_iter().flatten() {
            pieces.push(Cow::Owned(chunk_header(kind, body.len()).to_vec()));
            pieces.push(Cow::Borrowed(body));
            if !body.len().is_multiple_of(2) {
                pieces.push(Cow::Borrowed(&[0]));
            }
        }
        Pieces::new(pieces)
    }
}

/// The coded data of one picture.
#[derive(Debug, Clone, Copy)]
struct Frame<'a> {
    /// Width and height in pixels.
    size: (u32, u32),
    alpha: Option<&'a [u8]>,
    coded: &'a [u8],
    is_lossless: bool,
}

impl<'a> Frame<'a> {
    /// The only picture among these chunks. Its transparency, if any, precedes it.
    fn read(chunks: impl Iterator<Item = (&'a [u8; 4], &'a [u8])>) -> Option<Self> {
        let (mut alpha, mut frame) = (None, None);
        for (kind, body) in chunks {
            match kind {
                b"ALPH" if alpha.is_none() && frame.is_none() => alpha = Some(body),
                b"VP8 " | b"VP8L" if frame.is_none() => {
                    let is_lossless = kind == b"VP8L";
                    let size = if is_lossless {
                        lossless_size(body)?
                    } else {
                        lossy_size(body)?
                    };
                    if is_lossless && alpha.is_some() {
                        return None;
                    }
                    frame = Some(Self {
                        size,
                        alpha,
                        coded: body,
                        is_lossless,
                    });
                }
                b"ALPH" | b"VP8 " | b"VP8L" => return None,
                _ => {}
            }
        }
        frame
    }
}

/// The first frame of an animation on a canvas of this size, and its header. No picture lies outside the frames.
fn first_frame<'a>(
    chunks: impl Iterator<Item = (&'a [u8; 4], &'a [u8])>,
    canvas: (u32, u32),
) -> Option<(Frame<'a>, &'a [u8])> {
    let (mut is_animation, mut first) = (false, None);
    for (kind, body) in chunks {
        match kind {
            b"ANIM" => is_animation = true,
            b"ANMF" if first.is_none() => {
                let (header, data) = body.split_at_checked(16)?;
                let mut numbers = header.as_chunks::<3>().0.iter().map(|three| number(*three));
                let (x, y) = (numbers.next()? * 2, numbers.next()? * 2);
                let (width, height) = (numbers.next()? + 1, numbers.next()? + 1);
                let frame = Frame::read(riff::chunks(data))?;
                let fits = x + width <= canvas.0 && y + height <= canvas.1;
                if !is_animation || !fits || frame.size != (width, height) {
                    return None;
                }
                first = Some((frame, header));
            }
            b"ALPH" | b"VP8 " | b"VP8L" => return None,
            _ => {}
        }
    }
    first
}

const fn number([low, middle, high]: [u8; 3]) -> u32 {
    u32::from_le_bytes([low, middle, high, 0])
}

/// Width and height in the header of a key frame that is shown (RFC 6386, section 9.1).
fn lossy_size(body: &[u8]) -> Option<(u32, u32)> {
    let &[t0, t1, t2, 0x9D, 0x01, 0x2A, w0, w1, h0, h1] = body.first_chunk::<10>()? else {
        return None;
    };
    let tag = number([t0, t1, t2]);
    let (is_key_frame, version, is_shown) = (tag & 1 == 0, tag >> 1 & 7, tag >> 4 & 1 == 1);
    let first_partition = (tag >> 5) as usize;
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
    let size = (side(w0, w1), side(h0, h1));
    (is_key_frame && version <= 3 && is_shown && first_partition < body.len())
        .then_some(size)
        .filter(|(width, height)| *width > 0 && *height > 0)
}

/// Width and height in the header of lossless data (WebP lossless bitstream specification, "RIFF header").
fn lossless_size(body: &[u8]) -> Option<(u32, u32)> {
    let (&[0x2F, b0, b1, b2, b3], _) = body.split_first_chunk::<5>()? else {
        return None;
    };
    let bits = u32::from_le_bytes([b0, b1, b2, b3]);
    Some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
}

fn chunk_header(kind: &[u8; 4], length: usize) -> [u8; 8] {
    let [k0, k1, k2, k3] = *kind;
    let [l0, l1, l2, l3] = (length as u32).to_le_bytes();
    [k0, k1, k2, k3, l0, l1, l2, l3]
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn file(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut body = b"WEBP".to_vec();
        for (kind, chunk) in chunks {
            body.extend(chunk_header(kind, chunk.len()));
            body.extend(*chunk);
            body.extend(&[0][..chunk.len() % 2]);
        }
        [&chunk_header(b"RIFF", body.len())[..], &body].concat()
    }

    #[test]
    fn the_flags_decide_over_the_chunks() {
        // A lossless picture of 3 x 2 pixels, as far as the container tells.
        let lossless: &[u8] = &[0x2F, 2, 0x40, 0, 0];
        let header = |flags| [flags, 0, 0, 0, 2, 0, 0, 1, 0, 0];
        let chunks = |flags: &[u8; 10]| {
            file(&[
                (b"VP8X", flags),
                (b"ICCP", b"icc"),
                (b"VP8L", lossless),
                (b"EXIF", b"exif"),
            ])
        };
        for flags in [0, EXIF, ICC, EXIF | ICC] {
            let file = chunks(&header(flags));
            let webp = Webp::read(&file).unwrap();
            assert_eq!(webp.size, (3, 2));
            assert_eq!(webp.exif.is_some(), flags & EXIF != 0);
            assert_eq!(webp.icc.is_some(), flags & ICC != 0);
            let mut pixels = Vec::new();
            webp.pixels().read_to_end(&mut pixels).unwrap();
            assert_eq!(pixels, self::file(&[(b"VP8L", lossless)]));
        }
        for flags in [ANIMATION, 1, 0x80] {
            assert!(Webp::read(&chunks(&header(flags))).is_none(), "{flags}");
        }
        let larger = [0, 0, 0, 0, 3, 0, 0, 1, 0, 0];
        assert!(Webp::read(&chunks(&larger)).is_none());
        // A header may be longer, but not shorter.
        let long = [&header(0)[..], &[9, 9]].concat();
        for (header, is_read) in [(&long[..], true), (&long[..9], false)] {
            let file = file(&[(b"VP8X", header), (b"VP8L", lossless)]);
            assert_eq!(Webp::read(&file).is_some(), is_read);
        }
    }
}
