//! What a picture's first bytes say: its format, size and orientation.
//!
//! JPEG is walked here up to the start of its data, because its Exif orientation can follow other segments of any length and the
//! caller must learn how far to read. The sizes of all other formats come from `imagesize`.

use crate::{
    containers::{
        jpeg::{self, Frame, SegmentError, Segments, Token},
        png,
    },
    detect::detect,
    info::ImageInfo,
    media::MediaType,
    orientation::{Orientation, upright_size},
};

/// How many bytes to read at first: enough for all files except JPEGs with large colour profiles, previews or maker notes before
/// their frame header, and AVIF and HEIC files with large metadata.
pub const FIRST_BYTES: u64 = 64 * 1024;

/// What a picture's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureHeader {
    /// The format of the bytes.
    pub format: MediaType,
    /// Width and height of the upright picture, in pixels. `None` if the given bytes do not include them (never for JPEG and PNG).
    pub size: Option<(u32, u32)>,
    /// The Exif orientation of a JPEG, 1 to 8. It is 1 for all other formats, because Rekognition applies only that of JPEGs.
    pub orientation: u8,
    /// Whether a JPEG is progressive or a PNG interlaced: stored coarse to fine, so that no part is ready before the last.
    pub progressive: bool,
}

impl PictureHeader {
    /// Roughly how many bytes of pixels decoding holds in memory at once: all of them, unless rows or blocks can be processed one
    /// after the other. `None` without a size.
    pub(crate) fn buffered_bytes(&self) -> Option<u64> {
        let (width, height) = self.size?;
        let pixels = u64::from(width) * u64::from(height);
        Some(match (self.format, self.progressive) {
            (MediaType::Jpeg | MediaType::Png, false) => 0,
            // 16-bit coefficients: one and a half a pixel in typical photos, three at most.
            (MediaType::Jpeg, true) => pixels.saturating_mul(6),
            // Some formats can claim sides of 32 bits.
            _ => pixels.saturating_mul(4),
        })
    }

    /// The header as the result document shows it. `None` without a size.
    #[must_use]
    pub fn info(&self) -> Option<ImageInfo> {
        self.size.map(|(width, height)| ImageInfo {
            format: self.format,
            width,
            height,
            orientation: self.orientation,
            taken_at: None,
            prepared: None,
            prepared_for_ppe: None,
        })
    }
}

/// Why a header cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Not a supported format.
    #[error("the file is not a picture in a supported format")]
    UnknownFormat,
    /// The header continues behind the given bytes: read at least this many from the start and try again. If the file has no more
    /// bytes, it is incomplete.
    #[error("the picture's header is longer than the bytes read; read at least {0} bytes")]
    NeedMore(u64),
    /// The header contradicts its format.
    #[error("the {0} header is damaged")]
    Damaged(MediaType),
}

impl From<SegmentError> for HeaderError {
    fn from(error: SegmentError) -> Self {
        match error {
            SegmentError::NeedMore(end) => Self::NeedMore(end as u64),
            SegmentError::Length => Self::Damaged(MediaType::Jpeg),
        }
    }
}

/// Reads a picture's header from its first bytes. Any number of bytes may be given.
///
/// # Errors
/// [`HeaderError`]. [`HeaderError::NeedMore`] occurs only for JPEG and PNG, the formats that Rekognition reads itself.
pub fn read_header(bytes: &[u8]) -> Result<PictureHeader, HeaderError> {
    let format = detect(bytes).ok_or(HeaderError::UnknownFormat)?;
    if format == MediaType::Jpeg {
        return read_jpeg(bytes);
    }
    if format == MediaType::Png && bytes.len() < png::SIZE_END {
        return Err(HeaderError::NeedMore(png::SIZE_END as u64));
    }
    let size = imagesize::blob_size(bytes)
        .ok()
        .and_then(|size| {
            Some((
                u32::try_from(size.width).ok()?,
                u32::try_from(size.height).ok()?,
            ))
        })
        // A bitmap whose first row is the top one has a negative height.
        .map(|(width, height)| match format {
            MediaType::Bmp if height > i32::MAX as u32 => (width, height.wrapping_neg()),
            _ => (width, height),
        })
        .filter(|(width, height)| *width > 0 && *height > 0);
    if size.is_none() && format == MediaType::Png {
        return Err(HeaderError::Damaged(format));
    }
    Ok(PictureHeader {
        format,
        size,
        orientation: 1,
        progressive: format == MediaType::Png && bytes.get(png::INTERLACE) == Some(&1),
    })
}

/// Reads the segments up to the first scan.
fn read_jpeg(bytes: &[u8]) -> Result<PictureHeader, HeaderError> {
    const DAMAGED: HeaderError = HeaderError::Damaged(MediaType::Jpeg);
    let mut segments = Segments::new(bytes);
    let mut frame = None;
    let mut orientation = None;
    loop {
        let marker = match segments.next()? {
            Token::Marker(jpeg::SOS) => break,
            Token::Marker(jpeg::SOI | jpeg::EOI) => return Err(DAMAGED),
            Token::Marker(marker) if marker != jpeg::STUFFED && !jpeg::is_standalone(marker) => {
                marker
            }
            Token::Marker(_) | Token::Data => continue,
        };
        let segment = segments.segment()?;
        if jpeg::is_frame(marker) {
            frame = Some(Frame::parse(marker, segment.body()?).ok_or(DAMAGED)?);
        } else if marker == jpeg::APP1 && orientation.is_none() {
            orientation = jpeg::exif_orientation(segment.body()?);
        }
    }
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    match frame {
        // A height of zero means that a DNL segment follows the data, which no decoder here reads.
        Some(frame) if frame.width > 0 && frame.height > 0 => Ok(PictureHeader {
            format: MediaType::Jpeg,
            size: Some(upright_size(
                (u32::from(frame.width), u32::from(frame.height)),
                orientation,
            )),
            orientation: orientation.to_exif(),
            progressive: frame.is_progressive(),
        }),
        _ => Err(DAMAGED),
    }
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder, codecs};

    use super::*;
    use crate::fixtures::encoded_jpeg;

    /// Inserts a segment right behind SOI.
    fn with_segment(jpeg: &[u8], marker: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&jpeg[..2], &[0xFF, marker], &length, body, &jpeg[2..]].concat()
    }

    fn exif(orientation: u16) -> Vec<u8> {
        let mut body = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
        body.extend(orientation.to_be_bytes());
        body.extend([0; 6]);
        body
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        codecs::png::PngEncoder::new(&mut bytes)
            .write_image(
                &vec![90; (width * height) as usize],
                width,
                height,
                ExtendedColorType::L8,
            )
            .unwrap();
        bytes
    }

    fn bmp(width: i32, height: i32) -> Vec<u8> {
        let mut bytes = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        bytes.extend(width.to_le_bytes());
        bytes.extend(height.to_le_bytes());
        bytes
    }

    fn tiff(width: u16, height: u16) -> Vec<u8> {
        let mut bytes = b"II*\0\x08\0\0\0\x02\0".to_vec();
        for (tag, value) in [(0x100_u16, width), (0x101, height)] {
            bytes.extend(tag.to_le_bytes());
            bytes.extend([3, 0, 1, 0, 0, 0]);
            bytes.extend(value.to_le_bytes());
            bytes.extend([0, 0]);
        }
        bytes
    }

    fn webp(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"RIFF\x20\0\0\0WEBPVP8X\x0A\0\0\0\0\0\0\0".to_vec();
        bytes.extend(&(width - 1).to_le_bytes()[..3]);
        bytes.extend(&(height - 1).to_le_bytes()[..3]);
        bytes
    }

    fn media_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        [&length[..], kind, body].concat()
    }

    fn heif(brands: &[u8], width: u32, height: u32) -> Vec<u8> {
        let ispe = [&[0; 4][..], &width.to_be_bytes(), &height.to_be_bytes()].concat();
        let ipco = media_box(b"ipco", &media_box(b"ispe", &ispe));
        let iprp = media_box(b"iprp", &ipco);
        let meta = media_box(b"meta", &[&[0; 4][..], &iprp].concat());
        let (major, compatible) = brands.split_at(4);
        let ftyp = media_box(b"ftyp", &[major, &[0; 4], compatible].concat());
        [ftyp, meta].concat()
    }

    fn gif(width: u16, height: u16) -> Vec<u8> {
        let mut bytes = b"GIF89a".to_vec();
        bytes.extend(width.to_le_bytes());
        bytes.extend(height.to_le_bytes());
        // Colour table flags, background, aspect ratio.
        bytes.extend([0; 3]);
        bytes
    }

    fn every_format() -> Vec<(MediaType, Vec<u8>)> {
        vec![
            (MediaType::Jpeg, encoded_jpeg(120, 90)),
            (MediaType::Png, png(120, 90)),
            (MediaType::Webp, webp(120, 90)),
            (MediaType::Gif, gif(120, 90)),
            (MediaType::Bmp, bmp(120, 90)),
            (MediaType::Tiff, tiff(120, 90)),
            (MediaType::Avif, heif(b"mif1miafavif", 120, 90)),
            (MediaType::Heic, heif(b"heicmif1", 120, 90)),
        ]
    }

    #[test]
    fn detects_every_format_and_reads_its_size() {
        for (format, bytes) in every_format() {
            assert_eq!(
                read_header(&bytes),
                Ok(PictureHeader {
                    format,
                    size: Some((120, 90)),
                    orientation: 1,
                    progressive: false
                }),
                "{format}"
            );
        }
        assert_eq!(read_header(&bmp(120, -90)).unwrap().size, Some((120, 90)));
    }

    #[test]
    fn progressive_pictures_are_buffered_whole() {
        let mut jpeg = encoded_jpeg(120, 90);
        let mut png = png(120, 90);
        for bytes in [&jpeg, &png] {
            assert_eq!(read_header(bytes).unwrap().buffered_bytes(), Some(0));
        }
        let frame = jpeg.windows(2).position(|marker| marker == [0xFF, 0xC0]);
        jpeg[frame.unwrap() + 1] = 0xC2;
        png[png::INTERLACE] = 1;
        assert_eq!(
            read_header(&jpeg).unwrap().buffered_bytes(),
            Some(120 * 90 * 6)
        );
        assert_eq!(
            read_header(&png).unwrap().buffered_bytes(),
            Some(120 * 90 * 4)
        );
        assert_eq!(
            read_header(&gif(120, 90)).unwrap().buffered_bytes(),
            Some(120 * 90 * 4)
        );
    }

    #[test]
    fn huge_sides_do_not_overflow() {
        let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
        for tag in [0x100_u16, 0x101] {
            tiff.extend(tag.to_le_bytes());
            tiff.extend(4_u16.to_le_bytes());
            tiff.extend(1_u32.to_le_bytes());
            tiff.extend((1_u32 << 31).to_le_bytes());
        }
        tiff.extend([0; 4]);
        let header = read_header(&tiff).unwrap();
        assert_eq!(header.size, Some((1 << 31, 1 << 31)));
        assert_eq!(header.buffered_bytes(), Some(u64::MAX));
    }

    #[test]
    fn the_size_of_a_rotated_jpeg_is_the_upright_one() {
        let jpeg = encoded_jpeg(120, 90);
        for orientation in 1..=8 {
            let header = read_header(&with_segment(&jpeg, 0xE1, &exif(orientation))).unwrap();
            let upright = if orientation >= 5 {
                (90, 120)
            } else {
                (120, 90)
            };
            assert_eq!(header.size, Some(upright), "{orientation}");
            assert_eq!(u16::from(header.orientation), orientation);
        }
        for invalid in [0, 9, 0xFFFF] {
            let header = read_header(&with_segment(&jpeg, 0xE1, &exif(invalid))).unwrap();
            assert_eq!((header.size, header.orientation), (Some((120, 90)), 1));
        }
    }

    #[test]
    fn finds_exif_behind_other_segments() {
        let jpeg = with_segment(&encoded_jpeg(120, 90), 0xE1, &exif(6));
        let jpeg = with_segment(&jpeg, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>");
        let jpeg = with_segment(&jpeg, 0xE2, &vec![0xFF; 65_533]);
        let jpeg = with_segment(&jpeg, 0xE2, &vec![0xFF; 65_533]);
        assert_eq!(read_header(&jpeg).unwrap().orientation, 6);
        // A caller who reads piece by piece learns how far to read, and gets there.
        let mut have = 10;
        let mut reads = 0;
        let header = loop {
            reads += 1;
            match read_header(&jpeg[..have]) {
                Err(HeaderError::NeedMore(more)) => {
                    assert!(more > have as u64);
                    // Callers at least double what they read.
                    have = (more as usize).max(2 * have).min(jpeg.len());
                }
                header => break header.unwrap(),
            }
        };
        assert_eq!(header, read_header(&jpeg).unwrap());
        assert!(reads < 16, "{reads}");
    }

    #[test]
    fn skips_bytes_between_segments() {
        let jpeg = with_segment(&encoded_jpeg(120, 90), 0xE1, &exif(6));
        let expected = read_header(&jpeg).unwrap();
        let tables = jpeg.windows(2).position(|two| two == [0xFF, 0xDB]).unwrap();
        let long = vec![0xA5; 200_000];
        for stray in [
            &b"\0"[..],
            b"\x12\x34",
            b"\xFF\0",
            b"\0\xFF\xFF\0\x12\xFF",
            &long,
        ] {
            let with = [&jpeg[..tables], stray, &jpeg[tables..]].concat();
            assert_eq!(read_header(&with), Ok(expected));
            // At the end of the bytes, it asks for more.
            let end = tables + stray.len();
            assert!(matches!(
                read_header(&with[..end]),
                Err(HeaderError::NeedMore(more)) if more > end as u64
            ));
        }
        for misplaced in [b"\xFF\xD8", b"\xFF\xD9"] {
            let with = [&jpeg[..tables], &misplaced[..], &jpeg[tables..]].concat();
            assert_eq!(
                read_header(&with),
                Err(HeaderError::Damaged(MediaType::Jpeg))
            );
        }
    }

    #[test]
    fn unknown_formats_differ_from_damaged_pictures() {
        for bytes in [
            &b""[..],
            b"\xFF",
            b"\xFF\xD8",
            b"%PDF-1.7",
            b"BMW",
            b"<svg/>",
            b"\0\0\0\x18ftypmp42",
        ] {
            assert_eq!(read_header(bytes), Err(HeaderError::UnknownFormat));
        }
        let jpeg = encoded_jpeg(120, 90);
        let scan = jpeg.windows(2).position(|two| two == [0xFF, 0xDA]).unwrap();
        assert_eq!(
            read_header(b"\xFF\xD8\xFF\xDA\0\x02"),
            Err(HeaderError::Damaged(MediaType::Jpeg))
        );
        assert!(matches!(
            read_header(&jpeg[..scan]),
            Err(HeaderError::NeedMore(_))
        ));
        assert_eq!(
            read_header(b"\xFF\xD8\xFF\xE0\0\x01"),
            Err(HeaderError::Damaged(MediaType::Jpeg))
        );
        let mut empty = png(1, 1);
        empty[16..24].fill(0);
        assert_eq!(
            read_header(&empty),
            Err(HeaderError::Damaged(MediaType::Png))
        );
        assert_eq!(read_header(&empty[..20]), Err(HeaderError::NeedMore(24)));
    }

    /// Any result is fine, except a panic or a request for bytes that were given.
    #[test]
    fn no_bytes_cause_a_panic() {
        let mut seed = 0x5EED_u64;
        let mut random = move || {
            // splitmix64
            seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = seed;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        };
        let mut samples = every_format();
        samples.push((
            MediaType::Jpeg,
            with_segment(&encoded_jpeg(8, 8), 0xE1, &exif(6)),
        ));
        for (_, sample) in &samples {
            for length in 0..sample.len().min(200) {
                let _ = read_header(&sample[..length]);
            }
        }
        for round in 0..40_000 {
            let mut bytes = samples[round % samples.len()].1.clone();
            bytes.truncate(700);
            for _ in 0..=random() % 6 {
                let at = (random() % bytes.len() as u64) as usize;
                match random() % 4 {
                    0 => bytes[at] = random() as u8,
                    1 => bytes[at] = [0, 0xFF, 0x7F, 0x80][(random() % 4) as usize],
                    2 => bytes.truncate(at.max(1)),
                    _ => {
                        let byte = random() as u8;
                        bytes.insert(at, byte);
                    }
                }
            }
            if let Err(HeaderError::NeedMore(more)) = read_header(&bytes) {
                assert!(more > bytes.len() as u64);
            }
        }
    }
}
