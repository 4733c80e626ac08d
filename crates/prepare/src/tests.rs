use image::{ExtendedColorType, ImageEncoder, codecs};

use super::*;

pub(crate) fn encoded_jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    codecs::jpeg::JpegEncoder::new(&mut bytes)
        .write_image(
            &vec![90; (width * height * 3) as usize],
            width,
            height,
            ExtendedColorType::Rgb8,
        )
        .unwrap();
    bytes
}

#[test]
fn thumbnails_are_resampled_from_twice_their_size_or_more() {
    let limits = Limits::default();
    for longest in 80..20_000 {
        let factor = limits.thumbnail_factor(longest);
        assert!(longest / factor >= 256.min(longest));
        assert!(longest.div_ceil(factor) < 512 || factor == 1);
    }
}

#[test]
fn means_are_exact_up_to_the_last_column_and_row() {
    // 5 x 3 pixels by 2: the last column has one source column, the last row one source row.
    let mut reducer = reduce::Reducer::new(5, reduce::Layout::Grey, 2);
    reducer.push(&[0, 10, 20, 30, 40]);
    reducer.push(&[10, 20, 30, 40, 50]);
    reducer.push(&[100, 101, 0, 255, 7]);
    let reduced = reducer.finish(reduce::Profile::Srgb);
    assert_eq!(reduced.pixels, [10, 30, 45, 101, 128, 7]);
    assert_eq!((reduced.columns, reduced.rows), (3, 2));
    assert_eq!(reduced.exact, (2.5, 1.5));
    // A bright picture does not overflow its sums.
    let mut reducer = reduce::Reducer::new(255, reduce::Layout::RgbAlpha, 255);
    for _ in 0..255 {
        reducer.push(&[255; 255 * 4]);
    }
    assert_eq!(reducer.finish(reduce::Profile::Srgb).pixels, [255; 3]);
}

#[test]
fn transparency_is_laid_over_white() {
    let mut reducer = reduce::Reducer::new(3, reduce::Layout::RgbAlpha, 1);
    reducer.push(&[1, 2, 3, 0, 10, 20, 30, 255, 0, 0, 255, 128]);
    let reduced = reducer.finish(reduce::Profile::Srgb);
    assert_eq!(reduced.pixels, [255, 255, 255, 10, 20, 30, 127, 127, 255]);
}

#[test]
fn a_jpeg_in_the_limits_stays_what_it_is() {
    let prepared = prepare(&encoded_jpeg(640, 480), &Limits::default()).unwrap();
    assert_eq!(prepared.converted, None);
    assert_eq!((prepared.info.width, prepared.info.height), (640, 480));
    let thumbnail = prepared.thumbnail.unwrap();
    assert_eq!((thumbnail.width, thumbnail.height), (128, 96));
}

#[test]
fn nothing_grows() {
    let limits = Limits {
        thumbnail_px: 2000,
        ..Limits::default()
    };
    let thumbnail = prepare(&encoded_jpeg(100, 90), &limits)
        .unwrap()
        .thumbnail
        .unwrap();
    assert_eq!((thumbnail.width, thumbnail.height), (100, 90));
}

#[test]
fn the_shortest_side_is_the_callers_choice() {
    let jpeg = encoded_jpeg(300, 70);
    let error = prepare(&jpeg, &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "ImageTooSmall");
    assert_eq!(
        error.to_string(),
        "The picture is 300 x 70 pixels; Rekognition takes at least 80 x 80."
    );
    let limits = Limits {
        min_side: 64,
        ..Limits::default()
    };
    assert!(prepare(&jpeg, &limits).is_ok());
}

#[test]
fn what_no_decoder_knows_may_still_suit_rekognition() {
    // Arithmetic coding: the frame header says so, the rest is never looked at.
    let mut jpeg = encoded_jpeg(640, 480);
    let frame = jpeg.windows(2).position(|two| two == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 1] = 0xC9;
    let prepared = prepare(&jpeg, &Limits::default()).unwrap();
    assert_eq!(prepared.converted, None);
    let error = prepared.thumbnail.unwrap_err();
    assert_eq!(error.code(), "UnsupportedFormat");
    assert_eq!(
        error.to_string(),
        "The JPEG file uses arithmetic coding, which cannot be read here; save it as an ordinary JPEG or PNG and upload that."
    );
}

#[test]
fn a_jpeg_without_an_end_is_cut_off() {
    let jpeg = encoded_jpeg(640, 480);
    for length in [400, jpeg.len() / 2, jpeg.len() - 2] {
        let error = prepare(&jpeg[..length], &Limits::default()).unwrap_err();
        assert_eq!(error, PrepareError::Truncated(MediaType::Jpeg), "{length}");
    }
    // What stands behind the end, such as a second picture, is another matter.
    let more = [jpeg.as_slice(), &jpeg[..500]].concat();
    assert!(prepare(&more, &Limits::default()).is_ok());
}

#[test]
fn a_jpeg_that_browsers_show_in_spite_of_damage_is_prepared() {
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
    assert!(
        jpeg_decoder::Decoder::new(jpeg.as_slice())
            .decode()
            .is_err()
    );
    let prepared = prepare(&jpeg, &Limits::default()).unwrap();
    assert!(prepared.thumbnail.is_ok());
}

#[test]
fn memory_is_bounded_by_the_callers_limit() {
    let jpeg = encoded_jpeg(3000, 2000);
    let limits = |memory_bytes| Limits {
        memory_bytes,
        ..Limits::default()
    };
    // Too little for all of it, enough for an eighth.
    assert!(
        prepare(&jpeg, &limits(2_000_000))
            .unwrap()
            .thumbnail
            .is_ok()
    );
    let thumbnail = prepare(&jpeg, &limits(300_000)).unwrap().thumbnail;
    assert_eq!(thumbnail.unwrap_err().code(), "ImageTooLarge");
}

#[test]
fn a_conversion_reads_as_the_document_shows_it() {
    let conversion = Conversion {
        reason: Reason::Pixels,
        width: 4000,
        height: 3000,
    };
    assert_eq!(
        serde_json::to_value(conversion).unwrap(),
        serde_json::json!({"reason": "pixels", "width": 4000, "height": 3000})
    );
}

/// A PNG header that promises this and holds nothing.
fn promised_png(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
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
fn what_would_take_long_to_unpack_is_not_begun() {
    // 15,800 x 15,800 pixels in 16-bit RGB would be 1.5 GB.
    let error = prepare(&promised_png(15_800, 15_800, 16, 2), &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "ImageTooLarge");
    // In 8-bit RGB it is begun, and found to be cut off.
    let error = prepare(&promised_png(15_800, 15_800, 8, 2), &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "TruncatedImage");
    // The largest that Rekognition takes.
    let error = prepare(&promised_png(10_000, 10_000, 16, 6), &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "TruncatedImage");
}

#[test]
fn scans_are_counted_before_they_are_read() {
    let jpeg = encoded_jpeg(640, 480);
    let scan = jpeg.windows(2).position(|two| two == [0xFF, 0xDA]).unwrap();
    let length = 2 + usize::from(u16::from_be_bytes([jpeg[scan + 2], jpeg[scan + 3]]));
    let header = jpeg[scan..scan + length].to_vec();
    let many = [&jpeg[..scan], &header.repeat(200), &jpeg[scan..]].concat();
    let prepared = prepare(&many, &Limits::default()).unwrap();
    assert_eq!(prepared.thumbnail.unwrap_err().code(), "UnsupportedFormat");
    // The larger the picture, the fewer.
    let mut large = [&jpeg[..scan], &header.repeat(10), &jpeg[scan..]].concat();
    let frame = large
        .windows(2)
        .position(|two| two == [0xFF, 0xC0])
        .unwrap();
    large[frame + 5..frame + 9].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
    let error = prepare(&large, &Limits::default()).unwrap().thumbnail;
    assert!(error.unwrap_err().to_string().contains("more than 6 scans"));
}

#[test]
fn protective_equipment_gets_a_smaller_picture_where_it_needs_one() {
    let limits = Limits {
        protective_equipment: true,
        ..Limits::default()
    };
    let jpeg = encoded_jpeg(5000, 300);
    assert_eq!(prepare(&jpeg, &Limits::default()).unwrap().ppe, None);
    let prepared = prepare(&jpeg, &limits).unwrap();
    assert_eq!(
        prepared.converted, None,
        "the other questions take the file"
    );
    let ppe = prepared.image_info().prepared_for_ppe.unwrap();
    assert_eq!(ppe.reason, Reason::Pixels);
    assert!(ppe.width <= PPE_MAX_SIDE && ppe.height >= PPE_MIN_SIDE);
    assert!(prepared.thumbnail.is_ok());
    // Within its limits, or too narrow for it whatever is done.
    assert_eq!(
        prepare(&encoded_jpeg(4096, 300), &limits).unwrap().ppe,
        None
    );
    assert_eq!(prepare(&encoded_jpeg(6000, 90), &limits).unwrap().ppe, None);
    // What was converted may still be too much.
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
fn a_file_in_a_request_may_be_too_much_by_its_bytes() {
    let mut jpeg = encoded_jpeg(640, 480);
    // Comments, which count as bytes and as nothing else.
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
