use image::{ExtendedColorType, ImageEncoder, codecs};

use super::*;
use crate::{fixtures::encoded_jpeg, pixels::encode::JpegPicture};

/// Limits with renditions of these sides.
fn sizes(thumbnail_px: u32, preview_px: u32) -> Limits {
    Limits {
        thumbnail_px,
        preview_px,
        ..Limits::default()
    }
}

#[test]
fn renditions_are_resampled_from_enough_pixels_and_not_too_many() {
    for longest in 80..20_000 {
        let factor = rendition_factor((longest, longest / 2), &sizes(128, 0));
        assert!(longest / factor >= 256.min(longest));
        assert!(longest.div_ceil(factor) < 512 || factor == 1);
        let factor = rendition_factor((longest, longest / 2), &sizes(320, 1440));
        assert!(longest / factor >= 1440.min(longest));
        assert!(longest.div_ceil(factor) < 2880 || factor == 1);
    }
    // A thumbnail alone is decoded as small as ever.
    assert_eq!(rendition_factor((4000, 3000), &sizes(128, 0)), 15);
    for side in [4096_u32, 6000, 8191, 9000, 15_000] {
        let factor = rendition_factor((side, side), &sizes(1024, 4096));
        assert!(u64::from(side.div_ceil(factor)).pow(2) <= MAX_RENDITION_PIXELS);
    }
}

#[test]
fn the_thumbnail_and_the_preview_have_the_wanted_sizes() {
    let made = |size: (u32, u32), limits: &Limits| {
        let prepared = prepare(&encoded_jpeg(size.0, size.1), limits).unwrap();
        let Renditions { thumbnail, preview } = prepared.renditions.unwrap();
        [thumbnail, preview].map(|jpeg| jpeg.map(|jpeg| (jpeg.width, jpeg.height)))
    };
    let both = [Some((320, 240)), Some((1440, 1080))];
    assert_eq!(made((4000, 3000), &Limits::default()), both);
    assert_eq!(made((1440, 1080), &Limits::default()), both);
    // A preview keeps the size of a picture that is smaller than previews are.
    assert_eq!(
        made((400, 300), &sizes(320, 1440)),
        [Some((320, 240)), Some((400, 300))]
    );
    // No picture has two renditions of one size.
    assert_eq!(
        made((320, 240), &sizes(320, 1440)),
        [Some((320, 240)), None]
    );
    assert_eq!(
        made((4000, 3000), &sizes(320, 320)),
        [Some((320, 240)), None]
    );
    // Either can be switched off.
    assert_eq!(made((4000, 3000), &sizes(128, 0)), [Some((128, 96)), None]);
    assert_eq!(
        made((4000, 3000), &sizes(0, 1440)),
        [None, Some((1440, 1080))]
    );
    assert_eq!(made((100, 80), &sizes(0, 1440)), [None, Some((100, 80))]);
    assert_eq!(made((4000, 3000), &sizes(0, 0)), [None, None]);
    assert_eq!(
        made((5000, 4500), &sizes(1024, 4096)),
        [Some((1024, 922)), Some((4096, 3686))]
    );
}

#[test]
fn a_converted_picture_and_a_turned_one_have_both_renditions() {
    let bmp = {
        let mut bytes = Vec::new();
        codecs::bmp::BmpEncoder::new(&mut bytes)
            .write_image(
                &vec![9; 2000 * 1000 * 3],
                2000,
                1000,
                ExtendedColorType::Rgb8,
            )
            .unwrap();
        bytes
    };
    let mut turned = encoded_jpeg(2000, 1000);
    turned.splice(
        2..2,
        *b"\xFF\xE1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
    );
    for (file, thumbnail, preview) in [
        (bmp, (320, 160), (1440, 720)),
        (turned, (160, 320), (720, 1440)),
    ] {
        let made = prepare(&file, &Limits::default())
            .unwrap()
            .renditions
            .unwrap();
        let size = |jpeg: Option<JpegPicture>| jpeg.map(|jpeg| (jpeg.width, jpeg.height));
        assert_eq!(size(made.thumbnail), Some(thumbnail));
        assert_eq!(size(made.preview), Some(preview));
    }
}

#[test]
fn a_jpeg_within_the_limits_is_not_converted() {
    let prepared = prepare(&encoded_jpeg(640, 480), &Limits::default()).unwrap();
    assert_eq!(prepared.converted, None);
    assert_eq!((prepared.info.width, prepared.info.height), (640, 480));
    let thumbnail = prepared.renditions.unwrap().thumbnail.unwrap();
    assert_eq!((thumbnail.width, thumbnail.height), (320, 240));
}

#[test]
fn pictures_are_never_enlarged() {
    let limits = Limits {
        thumbnail_px: 2000,
        ..Limits::default()
    };
    let thumbnail = prepare(&encoded_jpeg(100, 90), &limits)
        .unwrap()
        .renditions
        .unwrap()
        .thumbnail
        .unwrap();
    assert_eq!((thumbnail.width, thumbnail.height), (100, 90));
}

#[test]
fn the_caller_sets_the_minimum_side() {
    let jpeg = encoded_jpeg(300, 70);
    let error = prepare(&jpeg, &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "ImageTooSmall");
    assert_eq!(
        error.to_string(),
        "The picture is 300 x 70 pixels; upload one of at least 80 x 80."
    );
    let limits = Limits {
        min_side: 64,
        ..Limits::default()
    };
    assert!(prepare(&jpeg, &limits).is_ok());
}

#[test]
fn jpegs_that_no_reader_shows_are_rejected_with_the_reason() {
    let jpeg = encoded_jpeg(640, 480);
    let frame = jpeg.windows(2).position(|two| two == [0xFF, 0xC0]).unwrap();
    // The offset behind the marker of the frame header, what is written there, and the feature.
    for (offset, bytes, feature) in [
        (1, &[0xC5][..], "hierarchical compression"),
        (1, &[0xCB], "lossless compression with arithmetic coding"),
        (4, &[12], "12 bits a colour"),
    ] {
        let mut file = jpeg.clone();
        file[frame + offset..frame + offset + bytes.len()].copy_from_slice(bytes);
        let error = prepare(&file, &Limits::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "The JPEG file uses {feature}, which is not supported; save the picture as a standard JPEG or PNG and upload that."
            )
        );
    }
    // The height follows the first scan.
    let mut file = jpeg.clone();
    file[frame + 5..frame + 7].fill(0);
    file.truncate(file.len() - 2);
    file.extend([0xFF, 0xDC, 0, 4, 1, 0xE0, 0xFF, 0xD9]);
    let error = prepare(&file, &Limits::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("a height that follows the pixels")
    );
}

#[test]
fn a_jpeg_is_incomplete_if_more_than_a_tenth_is_missing() {
    let jpeg = encoded_jpeg(640, 480);
    for length in [400, jpeg.len() / 2, jpeg.len() * 8 / 10] {
        let error = prepare(&jpeg[..length], &Limits::default()).unwrap_err();
        assert_eq!(error, PrepareError::Truncated(MediaType::Jpeg), "{length}");
    }
    for length in [jpeg.len() * 97 / 100, jpeg.len() - 2, jpeg.len() - 1] {
        let prepared = prepare(&jpeg[..length], &Limits::default()).unwrap();
        let reason = prepared.converted.map(|it| it.reason);
        assert_eq!(reason, Some(Reason::Repaired), "{length}");
    }
    // Bytes behind the end, such as a second picture, are ignored.
    let more = [jpeg.as_slice(), &jpeg[..500]].concat();
    assert_eq!(prepare(&more, &Limits::default()).unwrap().converted, None);
}

#[test]
fn a_damaged_jpeg_that_browsers_show_is_prepared() {
    let mut jpeg = Vec::new();
    let pixels: Vec<u8> = (0..640_u32 * 480 * 3)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    codecs::jpeg::JpegEncoder::new(&mut jpeg)
        .write_image(&pixels, 640, 480, ExtendedColorType::Rgb8)
        .unwrap();
    // Ones only (a zero byte follows each byte of ones), which is no code in any Huffman table.
    let middle = jpeg.len() / 2;
    for pair in jpeg[middle..middle + 400].chunks_mut(2) {
        pair.copy_from_slice(&[0xFF, 0]);
    }
    let prepared = prepare(&jpeg, &Limits::default()).unwrap();
    assert!(prepared.renditions.is_ok());
    assert_eq!(
        prepared.converted.map(|it| it.reason),
        Some(Reason::Repaired),
        "Rekognition may reject the file"
    );
}

/// The tables of a noisy grey JPEG of 80 pixels a row, and its coded data.
fn grey_parts(height: u32) -> (Vec<u8>, Vec<u8>) {
    let pixels: Vec<u8> = (0..80 * height)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let mut jpeg = Vec::new();
    codecs::jpeg::JpegEncoder::new(&mut jpeg)
        .write_image(&pixels, 80, height, ExtendedColorType::L8)
        .unwrap();
    let at = |marker| jpeg.windows(2).position(|two| two == [0xFF, marker]);
    let (frame, scan) = (at(0xC0).unwrap(), at(0xDA).unwrap());
    let tables = [&jpeg[..frame], &jpeg[frame + 13..scan]].concat();
    (tables, jpeg[scan + 10..jpeg.len() - 2].to_vec())
}

/// The frame header of a picture of 80 x 80 pixels.
fn frame(process: u8, components: u8) -> Vec<u8> {
    let mut frame = vec![0xFF, 0xC0 | process, 0, 8 + components * 3];
    frame.extend([8, 0, 80, 0, 80, components]);
    (1..=components).for_each(|id| frame.extend([id, 0x11, 0]));
    frame
}

/// A scan of one component.
fn scan(id: u8, coded: &[u8]) -> Vec<u8> {
    [&[0xFF, 0xDA, 0, 8, 1, id, 0, 0, 63, 0], coded].concat()
}

const END: &[u8] = &[0xFF, 0xD9];

/// The code of the error, or the reason of the conversion.
fn outcome(parts: &[&[u8]]) -> String {
    match prepare(&parts.concat(), &Limits::default()) {
        Err(error) => error.code().to_owned(),
        Ok(prepared) => format!("{:?}", prepared.converted.map(|it| it.reason)),
    }
}

#[test]
fn every_scan_of_a_jpeg_must_be_there() {
    let (tables, coded) = grey_parts(80);
    let frame = frame(0, 3);
    let part = |tenths: usize| &coded[..coded.len() * tenths / 10];
    let [first, second, third] = [1, 2, 3].map(|id| scan(id, &coded));
    assert_eq!(
        outcome(&[&tables, &frame, &first, &second, &third, END]),
        "None"
    );
    for (scans, with_end, without_end) in [
        (vec![&coded[..], &coded, &coded], "None", "Some(Repaired)"),
        // One is missing.
        (vec![&coded, &coded], "DamagedImage", "TruncatedImage"),
        (
            vec![&coded, &coded, part(8)],
            "Some(Repaired)",
            "TruncatedImage",
        ),
        (
            vec![&coded, part(7), &coded],
            "Some(Repaired)",
            "TruncatedImage",
        ),
        (
            vec![&coded, part(3), &coded],
            "DamagedImage",
            "TruncatedImage",
        ),
        // The second one that is too short counts too.
        (
            vec![part(7), &coded, part(1)],
            "DamagedImage",
            "TruncatedImage",
        ),
    ] {
        let scans: Vec<u8> = (1..)
            .zip(&scans)
            .flat_map(|(id, coded)| scan(id, coded))
            .collect();
        assert_eq!(outcome(&[&tables, &frame, &scans, END]), with_end);
        assert_eq!(outcome(&[&tables, &frame, &scans]), without_end);
    }
}

#[test]
fn a_jpeg_with_restarts_is_judged_by_its_last_interval() {
    let (tables, row) = grey_parts(8);
    let short = &row[..row.len() / 3];
    let restarts = [0xFF, 0xDD, 0, 4, 0, 10];
    let frame = frame(0, 1);
    let file = |rows: &[&[u8]]| {
        let mut coded = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                coded.extend([0xFF, 0xCF + (index as u8 - 1) % 8 + 1]);
            }
            coded.extend(*row);
        }
        [&tables[..], &restarts, &frame, &scan(1, &coded)].concat()
    };
    let whole = file(&[&row[..]; 10]);
    assert_eq!(outcome(&[&whole, END]), "None");
    // An early interval is short, and all others are there.
    let mut rows = [&row[..]; 10];
    rows[1] = short;
    for end in [END, &[]] {
        assert_eq!(outcome(&[&file(&rows), end]), "Some(Repaired)");
    }
    // The file also ends too early.
    assert_eq!(outcome(&[&file(&rows[..7])]), "TruncatedImage");
    assert_eq!(outcome(&[&file(&rows[..7]), END]), "Some(Repaired)");
    assert_eq!(outcome(&[&file(&rows[..3]), END]), "DamagedImage");
}

#[test]
fn scans_of_several_components_are_named() {
    let (tables, coded) = grey_parts(80);
    let two = [0xFF, 0xDA, 0, 10, 2, 2, 0, 3, 0, 0, 63, 0];
    let file = [
        &tables[..],
        &frame(0, 3),
        &scan(1, &coded),
        &two,
        &coded,
        END,
    ]
    .concat();
    let error = prepare(&file, &Limits::default()).unwrap().renditions;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("scans of several components"), "{error}");
}

#[test]
fn an_arithmetic_jpeg_needs_its_end() {
    let (tables, coded) = grey_parts(80);
    let file = [&tables[..], &frame(9, 1), &scan(1, &coded)].concat();
    assert_eq!(outcome(&[&file]), "TruncatedImage");
    assert_ne!(outcome(&[&file, END]), "TruncatedImage");
}

#[test]
fn scans_behind_the_start_of_another_picture_are_not_decoded() {
    let (tables, coded) = grey_parts(80);
    let picture = [&tables[..], &frame(0, 3), &scan(1, &coded)].concat();
    let scans = [scan(2, &coded), scan(3, &coded)].concat();
    // The decoder takes the marker for that of a segment, and goes on.
    let start = [0xFF, 0xD8, 0, 2];
    assert_eq!(outcome(&[&picture, &start, &scans, END]), "TruncatedImage");
    let many = scan(3, &coded).repeat(300);
    let all = [&picture[..], &scans, &start, &many].concat();
    assert_eq!(outcome(&[&all, END]), "Some(Repaired)");
}

#[test]
fn large_metadata_take_no_memory() {
    let jpeg = encoded_jpeg(200, 160);
    let mut comment = vec![0xFF, 0xE1, 0xFF, 0xFF];
    comment.resize(0x1_0001, 0);
    let file = [&jpeg[..2], &comment.repeat(100), &jpeg[2..]].concat();
    let limits = Limits {
        // The file, and little more.
        memory_bytes: file.len() as u64 + 1_000_000,
        ..Limits::default()
    };
    let prepared = prepare(&file, &limits).unwrap();
    assert!(prepared.renditions.is_ok());
    assert_eq!(prepared.converted, None, "the file has no fault");
}

#[test]
fn decoding_stays_within_the_memory_limit() {
    let jpeg = encoded_jpeg(3000, 2000);
    let limits = |memory_bytes| Limits {
        memory_bytes,
        ..Limits::default()
    };
    // Too little for full size, enough for an eighth.
    assert!(
        prepare(&jpeg, &limits(2_000_000))
            .unwrap()
            .renditions
            .is_ok()
    );
    let renditions = prepare(&jpeg, &limits(300_000)).unwrap().renditions;
    assert_eq!(renditions.unwrap_err().code(), "ImageTooLarge");
}

/// A PNG header with this size, depth and colour type, and no pixels.
fn png_header(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    let mut body = [width.to_be_bytes(), height.to_be_bytes()].concat();
    body.extend([depth, colour, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1A\n".to_vec();
    for (kind, body) in [(b"IHDR", body.as_slice()), (b"IDAT", &[])] {
        let crc = !kind.iter().chain(body).fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ (0xEDB8_8320 * (crc & 1))
            })
        });
        file.extend((body.len() as u32).to_be_bytes());
        file.extend(kind);
        file.extend(body);
        file.extend(crc.to_be_bytes());
    }
    file
}

#[test]
fn pictures_that_unpack_to_too_many_bytes_are_rejected_first() {
    // 15,800 x 15,800 pixels in 16-bit RGB would be 1.5 GB.
    let error = prepare(&png_header(15_800, 15_800, 16, 2), &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "ImageTooLarge");
    // In 8-bit RGB decoding starts, and finds the file incomplete.
    let error = prepare(&png_header(15_800, 15_800, 8, 2), &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "TruncatedImage");
    // The largest PNG that Rekognition accepts.
    let error = prepare(&png_header(10_000, 10_000, 16, 6), &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "TruncatedImage");
}

#[test]
fn scans_are_counted_before_decoding() {
    let jpeg = encoded_jpeg(640, 480);
    let scan = jpeg.windows(2).position(|two| two == [0xFF, 0xDA]).unwrap();
    let length = 2 + usize::from(u16::from_be_bytes([jpeg[scan + 2], jpeg[scan + 3]]));
    let header = jpeg[scan..scan + length].to_vec();
    let many = [&jpeg[..scan], &header.repeat(200), &jpeg[scan..]].concat();
    let prepared = prepare(&many, &Limits::default()).unwrap();
    assert_eq!(prepared.renditions.unwrap_err().code(), "UnsupportedFormat");
    // Larger pictures may have fewer scans.
    let mut large = [&jpeg[..scan], &header.repeat(10), &jpeg[scan..]].concat();
    let frame = large
        .windows(2)
        .position(|two| two == [0xFF, 0xC0])
        .unwrap();
    large[frame + 5..frame + 9].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
    let error = prepare(&large, &Limits::default()).unwrap().renditions;
    assert!(error.unwrap_err().to_string().contains("more than 6 scans"));
}

#[test]
fn protective_equipment_gets_a_smaller_picture_if_needed() {
    let limits = Limits {
        protective_equipment: true,
        ..Limits::default()
    };
    let jpeg = encoded_jpeg(5000, 300);
    assert_eq!(prepare(&jpeg, &Limits::default()).unwrap().ppe, None);
    let prepared = prepare(&jpeg, &limits).unwrap();
    assert_eq!(prepared.converted, None, "the other analyses get the file");
    let ppe = prepared.image_info().prepared_for_ppe.unwrap();
    assert_eq!(ppe.reason, Reason::Pixels);
    assert!(ppe.width <= PPE_MAX_SIDE && ppe.height >= PPE_MIN_SIDE);
    assert!(prepared.renditions.is_ok());
    // Within its limits, or too narrow to scale down.
    assert_eq!(
        prepare(&encoded_jpeg(4096, 300), &limits).unwrap().ppe,
        None
    );
    assert_eq!(prepare(&encoded_jpeg(6000, 90), &limits).unwrap().ppe, None);
    // A converted picture may still be too large.
    let bmp = {
        let mut bytes = Vec::new();
        codecs::bmp::BmpEncoder::new(&mut bytes)
            .write_image(&vec![9; 6000 * 100 * 3], 6000, 100, ExtendedColorType::Rgb8)
            .unwrap();
        bytes
    };
    let prepared = prepare(&bmp, &limits).unwrap();
    assert!(
        prepared
            .converted
            .is_some_and(|it| it.jpeg.width > PPE_MAX_SIDE)
    );
    assert_eq!(prepared.ppe.unwrap().jpeg.width, PPE_MAX_SIDE);
}

#[test]
fn an_inline_file_may_have_too_many_bytes_for_protective_equipment() {
    let mut jpeg = encoded_jpeg(640, 480);
    // Comments add bytes and nothing else.
    let comment = [&[0xFF, 0xFE, 0xFF, 0xFF][..], &[0; 0xFFFD]].concat();
    jpeg.splice(2..2, comment.repeat(62));
    assert!(jpeg.len() > PPE_MAX_INLINE_BYTES);
    let by_reference = Limits {
        protective_equipment: true,
        ..Limits::default()
    };
    assert_eq!(prepare(&jpeg, &by_reference).unwrap().ppe, None);
    let limits = Limits {
        inline: true,
        ..by_reference
    };
    let prepared = prepare(&jpeg, &limits).unwrap();
    assert_eq!(prepared.converted, None);
    let ppe = prepared.ppe.unwrap();
    assert_eq!((ppe.reason, ppe.jpeg.width), (Reason::Bytes, 640));
}
