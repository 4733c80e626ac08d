//! Parts and channels. Not in the crate itself, which unit tests would compile again.

use sightline_resample::{Filter, Part, ResampleError, Source, resample};

/// A row of black, grey, white and light grey.
const STRIP: Source<'_> = Source {
    pixels: &[0, 100, 255, 205],
    width: 4,
    height: 1,
    channels: 1,
};

#[test]
fn scales_each_part() {
    for (part, to, expected) in [
        (Part::Whole, (4, 1), &[0, 100, 255, 205][..]),
        (Part::Corner(2.0, 1.0), (2, 1), &[0, 100]),
    ] {
        let scaled = resample(&STRIP, part, to, Filter::Lanczos3).unwrap();
        assert_eq!(scaled, expected, "{part:?}");
    }
    let [pixel] = resample(&STRIP, Part::Middle, (1, 1), Filter::Bilinear).unwrap()[..] else {
        panic!("one pixel");
    };
    // Between the two middle pixels.
    assert!((100..=255).contains(&pixel), "{pixel}");
}

#[test]
fn channels_do_not_mix() {
    for channels in [1, 3, 4] {
        let pixel: Vec<u8> = (0..channels as u8)
            .map(|channel| channel * 60 + 7)
            .collect();
        let source = Source {
            pixels: &pixel.repeat(64 * 48),
            width: 64,
            height: 48,
            channels,
        };
        for filter in [Filter::Bilinear, Filter::Lanczos3] {
            let scaled = resample(&source, Part::Whole, (10, 7), filter).unwrap();
            assert_eq!(scaled, pixel.repeat(10 * 7), "{channels} {filter:?}");
        }
    }
}

#[test]
fn rejects_wrong_sizes_channels_and_parts() {
    let short = Source { width: 5, ..STRIP };
    let odd = Source {
        channels: 2,
        ..STRIP
    };
    for source in [short, odd] {
        let result = resample(&source, Part::Whole, (2, 1), Filter::Bilinear);
        assert!(matches!(result, Err(ResampleError::Size { .. })));
    }
    let beyond = resample(&STRIP, Part::Corner(5.0, 1.0), (2, 1), Filter::Bilinear);
    assert!(matches!(beyond, Err(ResampleError::Rejected(_))));
}
