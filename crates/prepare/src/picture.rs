//! What a picture's first bytes say: its format, size and orientation.
//!
//! The format is told by its magic number, whatever a content type says. JPEG is walked here,
//! marker by marker up to the start of its data, because its Exif orientation can lie behind other
//! segments of any length and the caller must learn how far to read; the sizes of all other
//! formats come from `imagesize`.

use image::metadata::Orientation;

use serde::{Deserialize, Serialize};

use crate::{Conversion, MediaType};

/// How many bytes to read at first: enough for all but JPEGs with large colour profiles, previews
/// or maker notes before their frame header, and AVIF and HEIC with large metadata.
pub const FIRST_BYTES: u64 = 64 * 1024;

/// What a picture's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureHeader {
    /// The format the bytes are in.
    pub format: MediaType,
    /// Width and height in pixels of the upright picture; `None` where the header does not tell
    /// them in the bytes at hand (never for JPEG and PNG).
    pub size: Option<(u32, u32)>,
    /// Exif orientation of a JPEG, 1 to 8; 1 for all other formats, as Rekognition turns only JPEG.
    pub orientation: u8,
    /// Whether a JPEG or PNG is stored as a coarse picture and what refines it (progressive JPEG, interlaced
    /// PNG), so that no part of it is ready before the last.
    pub progressive: bool,
}

/// What the picture's header says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageInfo {
    /// The format the bytes are in, whatever the content type says.
    pub format: MediaType,
    /// Width in pixels of the upright picture, that is, with `orientation` applied.
    pub width: u32,
    /// Height in pixels of the upright picture.
    pub height: u32,
    /// EXIF orientation, 1 to 8; 1 when there is none.
    pub orientation: u8,
    /// What was analysed in place of the file itself, where Rekognition would not take that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<Conversion>,
    /// What DetectProtectiveEquipment was given in place of that, where it alone would not take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared_for_ppe: Option<Conversion>,
}

impl PictureHeader {
    /// About how many bytes of the picture are in memory all at once while it is decoded: all its pixels, unless
    /// rows or blocks can go as they come. `None` without a size.
    #[must_use]
    pub fn held_bytes(&self) -> Option<u64> {
        let (width, height) = self.size?;
        let pixels = u64::from(width) * u64::from(height);
        Some(match (self.format, self.progressive) {
            (MediaType::Jpeg | MediaType::Png, false) => 0,
            // Coefficients of 16 bits: one and a half for each pixel as photos are stored, three at most.
            (MediaType::Jpeg, true) => pixels.saturating_mul(6),
            // Some formats can claim sides of 32 bits.
            _ => pixels.saturating_mul(4),
        })
    }

    /// The header as the result document shows it; `None` without a size.
    #[must_use]
    pub fn info(&self) -> Option<ImageInfo> {
        self.size.map(|(width, height)| ImageInfo {
            format: self.format,
            width,
            height,
            orientation: self.orientation,
            prepared: None,
            prepared_for_ppe: None,
        })
    }
}

/// Why a header could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// No format that is known here.
    #[error("the bytes are no picture of a known format")]
    UnknownFormat,
    /// The header goes on behind the given bytes: read that many and ask again. When there are no
    /// more, the picture is cut off.
    #[error("the picture's header goes on behind the bytes that were read, to byte {0} at least")]
    NeedMore(u64),
    /// The format is known, but the header contradicts it.
    #[error("the {0} header is damaged")]
    Damaged(MediaType),
}

/// Reads a picture's header from its first bytes, of which there may be any number.
///
/// # Errors
/// [`PictureError`]; [`PictureError::NeedMore`] only for JPEG and PNG, the formats whose size decides
/// whether they are analysed.
pub fn read_header(bytes: &[u8]) -> Result<PictureHeader, PictureError> {
    let format = format(bytes).ok_or(PictureError::UnknownFormat)?;
    if format == MediaType::Jpeg {
        return jpeg(bytes);
    }
    if format == MediaType::Png && bytes.len() < PNG_SIZE_END {
        return Err(PictureError::NeedMore(PNG_SIZE_END as u64));
    }
    let size = imagesize::blob_size(bytes)
        .ok()
        .and_then(|size| {
            Some((
                u32::try_from(size.width).ok()?,
                u32::try_from(size.height).ok()?,
            ))
        })
        // A bitmap stored from top to bottom has a negative height.
        .map(|(width, height)| match format {
            MediaType::Bmp if height > i32::MAX as u32 => (width, height.wrapping_neg()),
            _ => (width, height),
        })
        .filter(|(width, height)| *width > 0 && *height > 0);
    if size.is_none() && format == MediaType::Png {
        return Err(PictureError::Damaged(format));
    }
    Ok(PictureHeader {
        format,
        size,
        orientation: 1,
        progressive: format == MediaType::Png && bytes.get(PNG_INTERLACE) == Some(&1),
    })
}

/// Signature, chunk length, chunk type, width, height (PNG specification, "PNG datastream structure" and "IHDR").
const PNG_SIZE_END: usize = 8 + 4 + 4 + 4 + 4;

/// Where a PNG says whether it is interlaced: behind depth, colour type, compression and filter (as above).
const PNG_INTERLACE: usize = PNG_SIZE_END + 4;

/// The format by its magic number.
fn format(bytes: &[u8]) -> Option<MediaType> {
    let at = |offset: usize, magic: &[u8]| {
        bytes
            .get(offset..)
            .is_some_and(|rest| rest.starts_with(magic))
    };
    if at(0, b"\xFF\xD8\xFF") {
        Some(MediaType::Jpeg)
    } else if at(0, b"\x89PNG\r\n\x1A\n") {
        Some(MediaType::Png)
    } else if at(0, b"GIF87a") || at(0, b"GIF89a") {
        Some(MediaType::Gif)
    } else if at(0, b"RIFF") && at(8, b"WEBP") {
        Some(MediaType::Webp)
    } else if [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"]
        .iter()
        .any(|magic| at(0, *magic))
    {
        Some(MediaType::Tiff)
    } else if at(4, b"ftyp") {
        iso_media(bytes)
    } else if at(0, b"BM") && at(6, &[0; 4]) {
        // Two letters are little; the four reserved bytes are always zero.
        Some(MediaType::Bmp)
    } else {
        None
    }
}

/// AVIF or HEIC by the brands of the file type box: a major brand, a version, then any number of
/// compatible brands (ISO/IEC 14496-12, "File Type Box"; AVIF specification, "Brands"; ISO/IEC
/// 23008-12, annex B). Generic brands such as `mif1` may come before the telling one.
fn iso_media(bytes: &[u8]) -> Option<MediaType> {
    let length = bytes.first_chunk::<4>().copied().map(u32::from_be_bytes)?;
    let end = usize::try_from(length).ok()?.min(bytes.len());
    let (major, rest) = bytes.get(8..end)?.split_at_checked(4)?;
    let compatible = rest.get(4..).unwrap_or_default().chunks_exact(4);
    std::iter::once(major)
        .chain(compatible)
        .find_map(|brand| match brand {
            b"avif" | b"avis" | b"avio" | b"MA1A" | b"MA1B" => Some(MediaType::Avif),
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => {
                Some(MediaType::Heic)
            }
            _ => None,
        })
}

/// Walks the marker segments up to the start of the first scan (ITU-T T.81, annex B). Bytes between
/// segments are skipped, which the standard does not allow and libjpeg does with a warning: some
/// cameras write them.
fn jpeg(bytes: &[u8]) -> Result<PictureHeader, PictureError> {
    const DAMAGED: PictureError = PictureError::Damaged(MediaType::Jpeg);
    let need = |end: usize| PictureError::NeedMore(end as u64);
    let mut at = 2;
    let mut size = None;
    let mut progressive = false;
    let mut orientation = None;
    loop {
        let (prefix, marker) = match bytes.get(at..at + 2) {
            Some(&[prefix, marker]) => (prefix, marker),
            _ => return Err(need(at + 2)),
        };
        match (prefix, marker) {
            // A marker may be preceded by any number of fill bytes.
            (0xFF, 0xFF) => {
                at += 1;
                continue;
            }
            // TEM and restart markers stand alone; a zero makes it no marker.
            (0xFF, 0x00 | 0x01 | 0xD0..=0xD7) => {
                at += 2;
                continue;
            }
            (0xFF, 0xDA) => break,
            (0xFF, 0x02..=0xCF | 0xDB..=0xFE) => {}
            // The start and the end of an image have no place here.
            (0xFF, 0xD8 | 0xD9) => return Err(DAMAGED),
            _ => {
                let rest = bytes.get(at..).unwrap_or_default();
                at += rest
                    .iter()
                    .position(|byte| *byte == 0xFF)
                    .unwrap_or(rest.len());
                continue;
            }
        }
        let length = match bytes.get(at + 2..at + 4) {
            Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
            _ => return Err(need(at + 4)),
        };
        let end = at + 2 + length;
        if length < 2 {
            return Err(DAMAGED);
        }
        let wanted = match marker {
            0xC0..=0xCF => !matches!(marker, 0xC4 | 0xC8 | 0xCC),
            0xE1 => orientation.is_none(),
            _ => false,
        };
        if wanted {
            let segment = bytes.get(at + 4..end).ok_or_else(|| need(end + 2))?;
            if marker == 0xE1 {
                orientation = segment
                    .strip_prefix(b"Exif\0\0")
                    .map(|exif| Orientation::from_exif_chunk(exif).map_or(1, Orientation::to_exif));
            } else {
                // Precision, height, width.
                let Some(&[_, h1, h0, w1, w0]) = segment.first_chunk::<5>() else {
                    return Err(DAMAGED);
                };
                progressive = marker & 3 == 2;
                size = Some((
                    u32::from(u16::from_be_bytes([w1, w0])),
                    u32::from(u16::from_be_bytes([h1, h0])),
                ));
            }
        }
        at = end;
    }
    let orientation = orientation.unwrap_or(1);
    match size {
        // A height of zero is told after the data (marker DNL), which nobody reads.
        Some((width, height)) if width > 0 && height > 0 => Ok(PictureHeader {
            format: MediaType::Jpeg,
            // 5 to 8 lie on their side.
            size: Some(if orientation >= 5 {
                (height, width)
            } else {
                (width, height)
            }),
            orientation,
            progressive,
        }),
        _ => Err(DAMAGED),
    }
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder, codecs};

    use super::*;
    use crate::tests::encoded_jpeg;

    /// With a segment put right behind the start of the image.
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

    fn mpeg_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        [&length[..], kind, body].concat()
    }

    fn heif(brands: &[u8], width: u32, height: u32) -> Vec<u8> {
        let ispe = [&[0; 4][..], &width.to_be_bytes(), &height.to_be_bytes()].concat();
        let ipco = mpeg_box(b"ipco", &mpeg_box(b"ispe", &ispe));
        let iprp = mpeg_box(b"iprp", &ipco);
        let meta = mpeg_box(b"meta", &[&[0; 4][..], &iprp].concat());
        let (major, compatible) = brands.split_at(4);
        let ftyp = mpeg_box(b"ftyp", &[major, &[0; 4], compatible].concat());
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
    fn every_format_is_known_by_its_bytes_and_tells_its_size() {
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
    fn what_is_stored_coarse_to_fine_is_held_whole_while_it_is_decoded() {
        let mut jpeg = encoded_jpeg(120, 90);
        let mut png = png(120, 90);
        for bytes in [&jpeg, &png] {
            assert_eq!(read_header(bytes).unwrap().held_bytes(), Some(0));
        }
        let frame = jpeg.windows(2).position(|marker| marker == [0xFF, 0xC0]);
        jpeg[frame.unwrap() + 1] = 0xC2;
        png[PNG_INTERLACE] = 1;
        assert_eq!(read_header(&jpeg).unwrap().held_bytes(), Some(120 * 90 * 6));
        assert_eq!(read_header(&png).unwrap().held_bytes(), Some(120 * 90 * 4));
        assert_eq!(
            read_header(&gif(120, 90)).unwrap().held_bytes(),
            Some(120 * 90 * 4)
        );
    }

    #[test]
    fn sides_of_any_length_can_be_claimed() {
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
        assert_eq!(header.held_bytes(), Some(u64::MAX));
    }

    #[test]
    fn a_jpeg_on_its_side_is_given_upright() {
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
        for nonsense in [0, 9, 0xFFFF] {
            let header = read_header(&with_segment(&jpeg, 0xE1, &exif(nonsense))).unwrap();
            assert_eq!((header.size, header.orientation), (Some((120, 90)), 1));
        }
    }

    #[test]
    fn exif_behind_other_segments_is_found() {
        let jpeg = with_segment(&encoded_jpeg(120, 90), 0xE1, &exif(6));
        let jpeg = with_segment(&jpeg, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>");
        let jpeg = with_segment(&jpeg, 0xE2, &vec![0xFF; 65_533]);
        let jpeg = with_segment(&jpeg, 0xE2, &vec![0xFF; 65_533]);
        assert_eq!(read_header(&jpeg).unwrap().orientation, 6);
        // Read a piece at a time, as a caller does, it says how far to read and gets there.
        let mut have = 10;
        let mut reads = 0;
        let header = loop {
            reads += 1;
            match read_header(&jpeg[..have]) {
                Err(PictureError::NeedMore(more)) => {
                    assert!(more > have as u64);
                    // As a caller does: at least twice as much as before.
                    have = (more as usize).max(2 * have).min(jpeg.len());
                }
                header => break header.unwrap(),
            }
        };
        assert_eq!(header, read_header(&jpeg).unwrap());
        assert!(reads < 16, "{reads}");
    }

    #[test]
    fn bytes_between_segments_are_skipped() {
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
            // To the end of what is there, more is asked for.
            let end = tables + stray.len();
            assert!(matches!(
                read_header(&with[..end]),
                Err(PictureError::NeedMore(more)) if more > end as u64
            ));
        }
        for misplaced in [b"\xFF\xD8", b"\xFF\xD9"] {
            let with = [&jpeg[..tables], &misplaced[..], &jpeg[tables..]].concat();
            assert_eq!(
                read_header(&with),
                Err(PictureError::Damaged(MediaType::Jpeg))
            );
        }
    }

    #[test]
    fn what_is_no_picture_is_told_from_what_is_damaged() {
        for bytes in [
            &b""[..],
            b"\xFF",
            b"\xFF\xD8",
            b"%PDF-1.7",
            b"BMW",
            b"<svg/>",
            b"\0\0\0\x18ftypmp42",
        ] {
            assert_eq!(read_header(bytes), Err(PictureError::UnknownFormat));
        }
        let jpeg = encoded_jpeg(120, 90);
        let scan = jpeg.windows(2).position(|two| two == [0xFF, 0xDA]).unwrap();
        assert_eq!(
            read_header(b"\xFF\xD8\xFF\xDA\0\x02"),
            Err(PictureError::Damaged(MediaType::Jpeg))
        );
        assert!(matches!(
            read_header(&jpeg[..scan]),
            Err(PictureError::NeedMore(_))
        ));
        assert_eq!(
            read_header(b"\xFF\xD8\xFF\xE0\0\x01"),
            Err(PictureError::Damaged(MediaType::Jpeg))
        );
        let mut none = png(1, 1);
        none[16..24].fill(0);
        assert_eq!(
            read_header(&none),
            Err(PictureError::Damaged(MediaType::Png))
        );
        assert_eq!(read_header(&none[..20]), Err(PictureError::NeedMore(24)));
    }

    /// Every answer is allowed but a panic, or asking for bytes that were given.
    #[test]
    fn no_bytes_make_it_panic() {
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
            if let Err(PictureError::NeedMore(more)) = read_header(&bytes) {
                assert!(more > bytes.len() as u64);
            }
        }
    }
}
