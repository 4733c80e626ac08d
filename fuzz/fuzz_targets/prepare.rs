//! A picture file. Preparation must neither panic nor take more than its memory, whatever the bytes are.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sightline_prepare::{Limits, PictureFile, prepare};

fuzz_target!(|file: &[u8]| {
    // Preparation catches panics of decoders; the process must not.
    if let Ok(prepared) = prepare(file, &Limits::default()) {
        assert!(prepared.info.width >= 80 && prepared.info.height >= 80);
        for converted in prepared.converted.iter().chain(&prepared.ppe) {
            assert!(converted.jpeg.bytes.len() <= sightline_prepare::MAX_INLINE_BYTES);
        }
    }
    // The recogniser's way to the pixels, which catches nothing here.
    if let Ok(picture) = PictureFile::open(file) {
        let (width, height) = picture.stored_size();
        if u64::from(width) * u64::from(height) <= 1 << 22 {
            let _ = picture.decode(1 << 20, 64 << 20);
        }
    }
});
