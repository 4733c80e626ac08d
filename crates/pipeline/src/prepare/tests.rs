use image::{ExtendedColorType, ImageEncoder, codecs};

use super::*;

fn encoded_jpeg(width: u32, height: u32) -> Vec<u8> {
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
