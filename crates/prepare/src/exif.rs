//! When a picture was taken, as its Exif data says (Exif 2.32, "Tags Relating to Date and Time").

use std::borrow::Cow;

use crate::{
    containers::{
        jpeg, png,
        tiff::{self, Directories, Directory, tag},
        webp::Webp,
    },
    media::MediaType,
};

/// The longest text that is read, in bytes. Times have 20.
const MAX_TEXT_BYTES: usize = 64;

/// The first year that counts. The oldest photographs are from the 1820s; cameras and programs write year 0 or 1 for an unknown time.
const FIRST_YEAR: u16 = 1800;

/// When the picture was taken: `2024-05-01T13:20:05`, and the offset from UTC, such as `+02:00`, if the data names it.
///
/// This is the first valid time of `DateTimeOriginal`, `DateTimeDigitized` and `DateTime`, each with its own offset. Programs set
/// `DateTime` whenever they change a file, so it counts only where the data names a camera and has neither of the others: old cameras
/// write nothing else.
pub(crate) fn taken_at(format: MediaType, file: &[u8]) -> Option<String> {
    let data = exif_data(format, file)?;
    let directories = tiff::read(&data)?;
    let exif = directories.exif.as_ref();
    let times = [
        (tag::DATE_TIME_ORIGINAL, tag::OFFSET_TIME_ORIGINAL),
        (tag::DATE_TIME_DIGITIZED, tag::OFFSET_TIME_DIGITIZED),
    ];
    for (time, offset) in times {
        if let Some(time) = exif.and_then(|exif| local_time(exif, time)) {
            return Some(with_offset(time, exif, offset));
        }
    }
    if exif.is_some_and(|exif| times.iter().any(|(time, _)| exif.has(*time))) {
        return None;
    }
    camera_time(&directories).map(|time| with_offset(time, exif, tag::OFFSET_TIME))
}

/// The Exif data of a file. A TIFF is such data itself.
fn exif_data(format: MediaType, file: &[u8]) -> Option<Cow<'_, [u8]>> {
    match format {
        MediaType::Jpeg => jpeg::exif(file).map(Cow::Borrowed),
        MediaType::Png => png::exif(file).map(Cow::Borrowed),
        MediaType::Webp => Webp::read(file)?.exif.map(Cow::Borrowed),
        MediaType::Tiff => Some(Cow::Borrowed(file)),
        #[cfg(feature = "avif")]
        MediaType::Avif => crate::formats::avif_exif(file),
        _ => None,
    }
}

/// `DateTime`, if the data names a camera.
fn camera_time(directories: &Directories<'_>) -> Option<String> {
    let first = directories.pages.first()?;
    let names_camera = [tag::MAKE, tag::MODEL].iter().any(|name| {
        first
            .text(*name, MAX_TEXT_BYTES)
            .is_some_and(|name| !name.trim().is_empty())
    });
    names_camera.then(|| local_time(first, tag::DATE_TIME))?
}

/// A time `2024:05:01 13:20:05` as `2024-05-01T13:20:05`. `None` if it is missing, unknown (spaces or zeros), or no time of the calendar.
fn local_time(directory: &Directory<'_>, tag: u16) -> Option<String> {
    let text = directory.text(tag, MAX_TEXT_BYTES)?.trim_end();
    let (date, time) = text.split_at_checked(10)?;
    let time = time.strip_prefix([' ', 'T'])?;
    // Some programs write the date as ISO 8601 does.
    let [year, month, day] = numbers(date, [4, 2, 2], if date.contains('-') { '-' } else { ':' })?;
    let [hour, minute, second] = numbers(time, [2, 2, 2], ':')?;
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let is_valid = year >= FIRST_YEAR
        && (1..=days).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 59;
    is_valid.then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"))
}

/// The time with the offset of this tag, if that is valid: `+02:00`, from -14:00 to +14:00.
fn with_offset(mut time: String, exif: Option<&Directory<'_>>, tag: u16) -> String {
    let offset = exif
        .and_then(|exif| exif.text(tag, MAX_TEXT_BYTES))
        .map(str::trim_end);
    if let Some(offset) = offset
        && let Some(digits) = offset.strip_prefix(['+', '-'])
        && let Some([hours, minutes]) = numbers(digits, [2, 2], ':')
        && minutes <= 59
        && hours * 60 + minutes <= 14 * 60
    {
        time.push_str(offset);
    }
    time
}

/// Numbers of exactly so many digits.
fn numbers<const N: usize>(text: &str, digits: [usize; N], separator: char) -> Option<[u16; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = is_number.then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder, codecs};

    use super::*;
    use crate::{fixtures::encoded_jpeg, limits::Limits, prepare::prepare};

    const ORIGINAL: u16 = tag::DATE_TIME_ORIGINAL;
    const DIGITIZED: u16 = tag::DATE_TIME_DIGITIZED;

    /// Exif data with these texts: those of the first directory, and those of the Exif directory.
    fn exif(first: &[(u16, &str)], second: &[(u16, &str)]) -> Vec<u8> {
        let start = 8 + 2 + 12 * (first.len() + 1) + 4;
        let mut texts = start + 2 + 12 * second.len() + 4;
        let mut bytes = b"II*\0\x08\0\0\0".to_vec();
        let mut values = Vec::new();
        for (entries, pointer) in [(first, Some(start)), (second, None)] {
            let count = entries.len() + usize::from(pointer.is_some());
            bytes.extend((count as u16).to_le_bytes());
            for (tag, text) in entries {
                let mut text = text.as_bytes().to_vec();
                text.push(0);
                bytes.extend(tag.to_le_bytes());
                bytes.extend([2, 0]);
                bytes.extend((text.len() as u32).to_le_bytes());
                if text.len() <= 4 {
                    text.resize(4, 0);
                    bytes.extend(text);
                } else {
                    bytes.extend((texts as u32).to_le_bytes());
                    texts += text.len();
                    values.extend(text);
                }
            }
            if let Some(pointer) = pointer {
                bytes.extend(tag::EXIF.to_le_bytes());
                bytes.extend([4, 0, 1, 0, 0, 0]);
                bytes.extend((pointer as u32).to_le_bytes());
            }
            bytes.extend([0; 4]);
        }
        [bytes, values].concat()
    }

    fn taken(first: &[(u16, &str)], second: &[(u16, &str)]) -> Option<String> {
        taken_at(MediaType::Tiff, &exif(first, second))
    }

    #[test]
    fn the_original_time_precedes_the_digitized_one() {
        let original = (ORIGINAL, "2024:05:01 13:20:05");
        let digitized = (DIGITIZED, "2025:06:02 01:02:03");
        let offset = (tag::OFFSET_TIME_ORIGINAL, "+02:00");
        let both = taken(&[], &[original, digitized, offset]);
        assert_eq!(both.as_deref(), Some("2024-05-01T13:20:05+02:00"));
        // Each time has an offset of its own.
        let scanned = taken(&[], &[digitized, offset]);
        assert_eq!(scanned.as_deref(), Some("2025-06-02T01:02:03"));
        let unknown = (ORIGINAL, "0000:00:00 00:00:00");
        let own = (tag::OFFSET_TIME_DIGITIZED, "-05:30");
        let scanned = taken(&[], &[unknown, digitized, own]);
        assert_eq!(scanned.as_deref(), Some("2025-06-02T01:02:03-05:30"));
    }

    #[test]
    fn the_time_of_a_change_counts_only_where_a_camera_wrote_nothing_else() {
        let changed = (tag::DATE_TIME, "2004:05:01 13:20:05");
        let camera = (tag::MODEL, "C-2020");
        let offset = (tag::OFFSET_TIME, "+01:00");
        assert_eq!(taken(&[changed], &[offset]), None);
        assert_eq!(taken(&[changed, (tag::MAKE, "  ")], &[]), None);
        assert_eq!(
            taken(&[changed, camera], &[(ORIGINAL, "    :  :     :  :  ")]),
            None
        );
        let time = taken(&[changed, camera], &[offset]);
        assert_eq!(time.as_deref(), Some("2004-05-01T13:20:05+01:00"));
    }

    #[test]
    fn times_that_are_none_are_left_out() {
        for text in [
            "",
            "0000:00:00 00:00:00",
            "0001:01:01 00:00:00",
            "    :  :     :  :  ",
            "                   ",
            "2024:13:01 00:00:00",
            "2024:00:01 00:00:00",
            "2024:02:30 00:00:00",
            "2023:02:29 00:00:00",
            "2024:04:31 00:00:00",
            "2024:05:00 00:00:00",
            "2024:05:01 24:00:00",
            "2024:05:01 13:60:00",
            "2024:05:01 13:20:60",
            "2024:05:01 13:20",
            "2024:05:01",
            "2024:5:1 13:20:05",
            "2024:05:01 13:20:05.5",
            "2024:05:01x13:20:05",
            "+024:05:01 13:20:05",
            "2024:05:0\u{e9} 3:20:05",
            "Wed May  1 13:20:05 2024",
        ] {
            assert_eq!(taken(&[], &[(ORIGINAL, text)]), None, "{text:?}");
        }
        for text in [
            "2024:02:29 23:59:59",
            "2024-02-29 23:59:59",
            "2024-02-29T23:59:59  ",
        ] {
            let time = taken(&[], &[(ORIGINAL, text)]);
            assert_eq!(time.as_deref(), Some("2024-02-29T23:59:59"), "{text:?}");
        }
        for offset in [
            "", "   :  ", "Z", "02:00", "+2:00", "+02:60", "+14:01", "+99:00", "+0200",
        ] {
            let time = taken(
                &[],
                &[
                    (ORIGINAL, "2024:05:01 13:20:05"),
                    (tag::OFFSET_TIME_ORIGINAL, offset),
                ],
            );
            assert_eq!(time.as_deref(), Some("2024-05-01T13:20:05"), "{offset:?}");
        }
    }

    #[test]
    fn data_that_is_cut_off_has_no_time() {
        let whole = exif(&[], &[(ORIGINAL, "2024:05:01 13:20:05")]);
        for length in 0..whole.len() {
            assert_eq!(
                taken_at(MediaType::Tiff, &whole[..length]),
                None,
                "{length}"
            );
        }
        assert!(taken_at(MediaType::Tiff, &whole).is_some());
    }

    fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut crc = crc32fast::Hasher::new();
        crc.update(kind);
        crc.update(body);
        let length = (body.len() as u32).to_be_bytes();
        [&length[..], kind, body, &crc.finalize().to_be_bytes()].concat()
    }

    #[test]
    fn the_time_is_read_from_every_format_with_exif_data() {
        let data = exif(&[], &[(ORIGINAL, "2024:05:01 13:20:05")]);
        let pixels = vec![90; 100 * 90 * 3];
        let encoded = |encode: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = Vec::new();
            encode(&mut bytes);
            bytes
        };
        let mut jpeg = encoded_jpeg(100, 90);
        let segment = [b"Exif\0\0".as_slice(), &data].concat();
        let length = (segment.len() as u16 + 2).to_be_bytes();
        let xmp = b"\xFF\xE1\0\x20http://ns.adobe.com/xap/1.0/\0 ";
        jpeg.splice(2..2, [xmp, &[0xFF, 0xE1][..], &length, &segment].concat());
        let png = encoded(&|bytes| {
            codecs::png::PngEncoder::new(bytes)
                .write_image(&pixels, 100, 90, ExtendedColorType::Rgb8)
                .unwrap();
        });
        let before = [&png[..33], &chunk(b"eXIf", &data), &png[33..]].concat();
        let end = png.len() - 12;
        let after = [&png[..end], &chunk(b"eXIf", &data), &png[end..]].concat();
        let webp = encoded(&|bytes| {
            codecs::webp::WebPEncoder::new_lossless(bytes)
                .write_image(&pixels, 100, 90, ExtendedColorType::Rgb8)
                .unwrap();
        });
        let extended = |exif: &[u8]| {
            let mut exif = [b"EXIF", &(exif.len() as u32).to_le_bytes()[..], exif].concat();
            exif.resize(exif.len().next_multiple_of(2), 0);
            let header = b"WEBPVP8X\x0A\0\0\0\x08\0\0\0\x63\0\0\x59\0\0";
            let content = [header, &webp[12..], &exif].concat();
            [b"RIFF", &(content.len() as u32).to_le_bytes()[..], &content].concat()
        };
        for (name, file) in [
            ("JPEG", jpeg),
            ("PNG, before the pixels", before),
            ("PNG, behind the pixels", after),
            ("WebP", extended(&data)),
            ("WebP with the prefix of JPEG", extended(&segment)),
        ] {
            let prepared = prepare(&file, &Limits::default()).unwrap();
            let time = prepared.image_info().taken_at;
            assert_eq!(time.as_deref(), Some("2024-05-01T13:20:05"), "{name}");
        }
        // Made by Pillow.
        #[cfg(feature = "avif")]
        {
            let avif = include_bytes!("../tests/fixtures/taken.avif");
            let time = prepare(avif, &Limits::default()).unwrap().info.taken_at;
            assert_eq!(time.as_deref(), Some("2024-05-01T13:20:05"));
        }
        let none = prepare(&encoded_jpeg(100, 90), &Limits::default()).unwrap();
        assert_eq!(none.info.taken_at, None);
        let json = serde_json::to_value(none.info).unwrap();
        assert!(json.get("takenAt").is_none());
    }
}
