//! Small files crafted to take much time or memory. Each is rejected by its headers, before anything is allocated for it.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder};
use sightline_prepare::{Limits, prepare};

/// The code of the error, if any.
fn error_code(bytes: &[u8]) -> Option<&'static str> {
    prepare(bytes, &Limits::default())
        .err()
        .map(|error| error.code())
}

fn grey_jpeg(side: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new(&mut bytes)
        .write_image(
            &vec![90; (side * side) as usize],
            side,
            side,
            ExtendedColorType::L8,
        )
        .unwrap();
    bytes
}

/// A box of ISO/IEC 14496-12.
fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 8).to_be_bytes();
    [&length, &kind[..], body].concat()
}

/// An AVIF whose meta box has these boxes, with this many bytes of media data.
fn avif(children: &[Vec<u8>], data_bytes: usize) -> Vec<u8> {
    let meta = [&[0; 4][..], &children.concat()].concat();
    [
        boxed(b"ftyp", b"avif\0\0\0\0avifmif1"),
        boxed(b"meta", &meta),
        boxed(b"mdat", &vec![0; data_bytes]),
    ]
    .concat()
}

/// A full box of version 0 with these 16-bit numbers.
fn numbers(kind: &[u8; 4], numbers: &[u16]) -> Vec<u8> {
    let body: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_be_bytes())
        .collect();
    boxed(kind, &[&[0; 4][..], &body].concat())
}

fn item(id: u16, kind: &[u8; 4]) -> Vec<u8> {
    let body = [&[2, 0, 0, 0][..], &id.to_be_bytes(), &[0, 0], kind, b"\0"].concat();
    boxed(b"infe", &body)
}

#[test]
fn rejects_millions_of_empty_extents() {
    // Offsets and lengths of zero bytes, so that each location claims 65,535 extents in six bytes.
    let mut locations = vec![0, 1000];
    for id in 0..1000 {
        locations.extend([id, 0, u16::MAX]);
    }
    let file = avif(&[numbers(b"pitm", &[1]), numbers(b"iloc", &locations)], 0);
    assert_eq!(error_code(&file), Some("DamagedImage"));
}

#[test]
fn rejects_a_grid_with_the_same_data_in_every_tile() {
    let data_bytes = 1_000_000;
    let build = |start: u32| {
        let wide = |number: u32| [(number >> 16) as u16, number as u16];
        // Offsets and lengths of four bytes. All 16 tiles of the grid are one item, which has two extents.
        let mut locations = vec![0x4400, 2, 1, 0, 1];
        locations.extend([wide(start), wide(8)].concat());
        locations.extend([2, 0, 2]);
        locations.extend([wide(start + 8), wide(400_000)].concat());
        locations.extend([wide(start + 400_008), wide(400_000)].concat());
        let mut parts = vec![1, 16];
        parts.extend([2; 16]);
        let references: Vec<u8> = parts
            .iter()
            .flat_map(|number: &u16| number.to_be_bytes())
            .collect();
        let items = [
            &[0, 0, 0, 0, 0, 2][..],
            &item(1, b"grid"),
            &item(2, b"av01"),
        ]
        .concat();
        let mut file = avif(
            &[
                numbers(b"pitm", &[1]),
                boxed(b"iinf", &items),
                numbers(b"iloc", &locations),
                boxed(
                    b"iref",
                    &[&[0; 4][..], &boxed(b"dimg", &references)].concat(),
                ),
            ],
            data_bytes,
        );
        let data = file.len() - data_bytes;
        file[data..data + 8].copy_from_slice(&[0, 0, 3, 3, 1, 0, 1, 0]);
        (file, data as u32)
    };
    let (_, start) = build(0);
    let (file, _) = build(start);
    assert_eq!(error_code(&file), Some("DamagedImage"));
}

#[test]
fn markers_of_coded_data_in_the_header_are_ignored() {
    let jpeg = grey_jpeg(100);
    let thumbnail = |file: &[u8]| {
        prepare(file, &Limits::default())
            .unwrap()
            .renditions
            .unwrap()
            .thumbnail
            .unwrap()
    };
    for marker in [0x01, 0xD0, 0xD7] {
        let odd = [&jpeg[..2], &[0xFF, marker], &jpeg[2..]].concat();
        assert_eq!(thumbnail(&odd), thumbnail(&jpeg));
    }
}

/// A grey TIFF of 100 x 100 pixels whose one strip is this JPEG.
fn tiff(jpeg: &[u8]) -> Vec<u8> {
    let entries = [
        (256, 100),
        (257, 100),
        (258, 8),
        (259, 7),
        (262, 1),
        (273, 8 + 2 + 9 * 12 + 4),
        (277, 1),
        (278, 100),
        (279, jpeg.len() as u32),
    ];
    let mut bytes = b"II*\0\x08\0\0\0\x09\0".to_vec();
    for (tag, value) in entries {
        bytes.extend(u16::to_le_bytes(tag));
        bytes.extend(u16::to_le_bytes(4));
        bytes.extend(u32::to_le_bytes(1));
        bytes.extend(u32::to_le_bytes(value));
    }
    bytes.extend([0; 4]);
    bytes.extend(jpeg);
    bytes
}

#[test]
fn rejects_a_tiff_strip_with_a_larger_jpeg() {
    assert_eq!(error_code(&tiff(&grey_jpeg(100))), None);
    assert_eq!(error_code(&tiff(&grey_jpeg(104))), Some("DamagedImage"));
}
