//! Decodes image files.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use image::{DynamicImage, RgbImage};
use sightline_prepare::orientation::{Orientation, upright_size};
use sightline_prepare::{HeaderError, MediaType, PictureFile, PrepareError, read_header};
use sightline_resample::{Filter, Part, Source, resample};

use crate::{
    VisionError,
    limits::{MAX_SIDE, MIN_SIDE},
};

/// The most pixels that are kept of a picture; a larger one is scaled down while it is decoded. No recogniser looks at more.
const MAX_KEPT_PIXELS: u64 = 40_000_000;

/// The most memory for decoding, in bytes. An interlaced PNG of 10,000 x 10,000 pixels with transparency fits, which no decoder
/// reads in parts.
const MAX_DECODING_BYTES: u64 = 512 << 20;

/// A decoded image: 8-bit sRGB as stored in the file, and its orientation.
///
/// The orientation is applied after scaling, because rotating a small image is cheap.
pub struct Picture {
    pixels: RgbImage,
    /// Width and height as stored, of which `pixels` may have fewer.
    size: (u32, u32),
    orientation: Orientation,
    /// Upright copies by the limit of their longer side, so that recognisers share them.
    upright: Mutex<Vec<(u32, Arc<RgbImage>)>>,
    /// What recognisers have found, one value of each type.
    memo: Mutex<Vec<Arc<dyn Any + Send + Sync>>>,
}

impl Picture {
    /// Decodes a JPEG or PNG.
    ///
    /// Reads the file as [`sightline_prepare`] does: in sRGB, transparent pixels over white. Checks the size in the header
    /// before it decodes pixels. Like Rekognition, applies the EXIF orientation of a JPEG but not of a PNG.
    ///
    /// # Errors
    /// `InvalidImageFormat`, `ImageTooLarge`, `ImageTooSmall`.
    pub fn decode(bytes: &[u8]) -> Result<Self, VisionError> {
        // The decoders are memory-safe, but a panic in one of them must not look like a server error.
        catch_unwind(AssertUnwindSafe(|| decode(bytes)))
            .unwrap_or_else(|_| Err(invalid("its data is damaged")))
    }

    /// The memory of its pixels and upright copies, in bytes.
    pub fn bytes(&self) -> usize {
        let copies = self.upright.lock().unwrap_or_else(PoisonError::into_inner);
        let of_copies = copies.iter().map(|(_, copy)| copy.as_raw().len());
        self.pixels.as_raw().len() + of_copies.sum::<usize>()
    }

    /// Width and height of the upright image in pixels.
    pub(crate) fn size(&self) -> (u32, u32) {
        upright_size(self.size, self.orientation)
    }

    /// The upright image, scaled to this size in pixels.
    ///
    /// Bilinear with antialiasing works best with the embedded model; the model card has the comparison.
    pub(crate) fn scaled(&self, width: u32, height: u32) -> Result<RgbImage, VisionError> {
        let (w, h) = upright_size((width, height), self.orientation);
        self.upright(resize(&self.pixels, Part::Whole, w, h)?)
    }

    /// The largest centred part of the upright image with the aspect ratio `width` : `height`, scaled to that size.
    pub(crate) fn cropped(&self, width: u32, height: u32) -> Result<RgbImage, VisionError> {
        let (w, h) = upright_size((width, height), self.orientation);
        // The centre is the same in every orientation.
        self.upright(resize(&self.pixels, Part::Middle, w, h)?)
    }

    /// The upright image with at most `side` pixels on its longer side. Made once for each `side` and shared.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn shared(&self, side: u32) -> Result<Arc<RgbImage>, VisionError> {
        let mut copies = self.upright.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, copy)) = copies.iter().find(|(limit, _)| *limit == side) {
            return Ok(Arc::clone(copy));
        }
        let copy = Arc::new(self.thumbnail(side)?);
        copies.push((side, Arc::clone(&copy)));
        Ok(copy)
    }

    /// A value that is made once for this picture and shared, such as its detections. There is one value of each type.
    ///
    /// # Errors
    /// Those of `make`; nothing is kept then.
    pub(crate) fn memo<T: Any + Send + Sync>(
        &self,
        make: impl FnOnce() -> Result<T, VisionError>,
    ) -> Result<Arc<T>, VisionError> {
        // The lock is held meanwhile, so that two threads do not detect the same twice.
        let mut memo = self.memo.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = memo.iter().find(|value| value.is::<T>()).map(Arc::clone);
        if let Some(Ok(value)) = kept.map(Arc::downcast) {
            return Ok(value);
        }
        let value = Arc::new(make()?);
        memo.push(Arc::clone(&value) as Arc<dyn Any + Send + Sync>);
        Ok(value)
    }

    fn upright(&self, stored: RgbImage) -> Result<RgbImage, VisionError> {
        let mut upright = DynamicImage::ImageRgb8(stored);
        upright.apply_orientation(self.orientation);
        Ok(upright.into_rgb8())
    }

    /// The upright image, scaled down so that its longer side has at most `side` pixels.
    pub(crate) fn thumbnail(&self, side: u32) -> Result<RgbImage, VisionError> {
        let (width, height) = self.size();
        let longer = width.max(height);
        if longer <= side {
            return self.scaled(width, height);
        }
        let shrink = |n: u32| {
            let scaled = (f64::from(n) * f64::from(side) / f64::from(longer)).round();
            (scaled as u32).max(1)
        };
        self.scaled(shrink(width), shrink(height))
    }
}

/// Scales a part of an RGB image, bilinear with antialiasing.
pub(crate) fn resize(
    source: &RgbImage,
    part: Part,
    width: u32,
    height: u32,
) -> Result<RgbImage, VisionError> {
    let from = Source {
        pixels: source.as_raw(),
        width: source.width(),
        height: source.height(),
        channels: 3,
    };
    let failed = |what: &str| VisionError::Internal(format!("scaling: {what}"));
    let pixels = resample(&from, part, (width, height), Filter::Bilinear)
        .map_err(|error| failed(&error.to_string()))?;
    RgbImage::from_raw(width, height, pixels).ok_or_else(|| failed("buffer size"))
}

fn decode(bytes: &[u8]) -> Result<Picture, VisionError> {
    let format = match read_header(bytes) {
        Ok(header) => Some(header.format),
        Err(HeaderError::Damaged(format)) => Some(format),
        Err(HeaderError::UnknownFormat | HeaderError::NeedMore(_)) => None,
    };
    if let Some(other) = format.filter(|it| !matches!(it, MediaType::Jpeg | MediaType::Png)) {
        return Err(invalid(&format!(
            "it is {other}, and only JPEG and PNG can be analysed"
        )));
    }
    let file = PictureFile::open(bytes).map_err(refused)?;
    let (width, height) = file.stored_size();
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(VisionError::ImageTooLarge { width, height });
    }
    if width < MIN_SIDE || height < MIN_SIDE {
        return Err(VisionError::ImageTooSmall { width, height });
    }
    let orientation = match file.format() {
        MediaType::Jpeg => file.orientation(),
        _ => Orientation::NoTransforms,
    };
    Ok(Picture {
        pixels: file
            .decode(MAX_KEPT_PIXELS, MAX_DECODING_BYTES)
            .map_err(refused)?,
        size: (width, height),
        orientation,
        upright: Mutex::default(),
        memo: Mutex::default(),
    })
}

/// Why a file is refused, in words that follow "the picture cannot be read:".
fn refused(error: PrepareError) -> VisionError {
    match error {
        PrepareError::TooLarge { width, height, .. } => {
            VisionError::ImageTooLarge { width, height }
        }
        PrepareError::Empty | PrepareError::NotAnImage => invalid("it is neither a JPEG nor a PNG"),
        PrepareError::Unsupported { feature, .. } => {
            invalid(&format!("it uses {feature}, which is not supported"))
        }
        PrepareError::Truncated(_) => invalid("it is incomplete"),
        PrepareError::Internal(step) => VisionError::Internal(format!("{step} failed")),
        _ => invalid("its data is damaged"),
    }
}

fn invalid(reason: &str) -> VisionError {
    VisionError::InvalidImageFormat(reason.to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Cursor;

    use super::*;
    use image::{GrayImage, ImageBuffer, ImageDecoder, ImageFormat, Luma, Rgb, Rgba, RgbaImage};

    /// Encodes any picture as PNG.
    pub(crate) fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        image.into().write_to(&mut out, ImageFormat::Png).unwrap();
        out.into_inner()
    }

    /// Encodes an RGB picture as JPEG, quality 95.
    pub(crate) fn jpeg(image: &RgbImage) -> Vec<u8> {
        let mut out = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, 95)
            .encode_image(image)
            .unwrap();
        out
    }

    /// Inserts an APP1 segment with only an EXIF orientation after the SOI marker.
    pub(crate) fn with_exif_orientation(jpeg: &[u8], orientation: u16) -> Vec<u8> {
        let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
        exif.extend(orientation.to_be_bytes());
        exif.extend([0, 0, 0, 0, 0, 0]);
        let mut out = jpeg[..2].to_vec();
        out.extend([0xff, 0xe1]);
        out.extend(u16::try_from(exif.len() + 2).unwrap().to_be_bytes());
        out.extend(exif);
        out.extend(&jpeg[2..]);
        out
    }

    /// 160 x 96: the left half red, the right half blue, a white bar along the top.
    fn marked() -> RgbImage {
        RgbImage::from_fn(160, 96, |x, y| {
            Rgb(if y < 16 {
                [255; 3]
            } else if x < 80 {
                [255, 0, 0]
            } else {
                [0, 0, 255]
            })
        })
    }

    fn upright(bytes: &[u8]) -> RgbImage {
        let picture = Picture::decode(bytes).unwrap();
        let (w, h) = picture.size();
        picture.scaled(w, h).unwrap()
    }

    #[test]
    fn all_eight_exif_orientations_are_applied() {
        // For each orientation a camera stores the upright image after the inverse transformation.
        let upright_picture = DynamicImage::ImageRgb8(marked());
        for exif in 1..=8u8 {
            let mut stored = upright_picture.clone();
            let undo = match Orientation::from_exif(exif).unwrap() {
                Orientation::Rotate90 => Orientation::Rotate270,
                Orientation::Rotate270 => Orientation::Rotate90,
                other => other,
            };
            stored.apply_orientation(undo);
            let file = with_exif_orientation(&jpeg(&stored.into_rgb8()), exif.into());
            let picture = Picture::decode(&file).unwrap();
            assert_eq!(picture.size(), (160, 96), "orientation {exif}");
            let pixels = picture.scaled(160, 96).unwrap();
            for (x, y, expected) in [
                (40, 60, [255, 0, 0]),
                (120, 60, [0, 0, 255]),
                (80, 4, [255; 3]),
            ] {
                let found = pixels.get_pixel(x, y).0;
                let off = found
                    .iter()
                    .zip(expected)
                    .map(|(a, b)| a.abs_diff(b))
                    .max()
                    .unwrap();
                assert!(off < 12, "orientation {exif} at {x},{y}: {found:?}");
            }
        }
    }

    #[test]
    fn the_crop_is_centred_in_the_upright_image() {
        // 160 x 96: of a square only the middle 96 columns, and of them the white bar of 16 rows.
        let mut stored = DynamicImage::ImageRgb8(marked());
        stored.apply_orientation(Orientation::Rotate270);
        let file = with_exif_orientation(&jpeg(&stored.into_rgb8()), 6);
        let square = Picture::decode(&file).unwrap().cropped(48, 48).unwrap();
        assert_eq!(square.dimensions(), (48, 48));
        for (x, y, expected) in [
            (4, 30, [255, 0, 0]),
            (44, 30, [0, 0, 255]),
            (24, 2, [255; 3]),
        ] {
            let found = square.get_pixel(x, y).0;
            let near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) < 12);
            assert!(near, "at {x},{y}: {found:?}");
        }
    }

    #[test]
    fn a_thumbnail_is_upright_and_never_enlarged() {
        let stored = RgbImage::from_fn(200, 100, |x, _| {
            if x < 100 {
                Rgb([255, 0, 0])
            } else {
                Rgb([0, 0, 255])
            }
        });
        let whole = Picture::decode(&png(stored.clone())).unwrap();
        let whole = whole.thumbnail(200).unwrap();
        assert_eq!(whole, stored);

        // Rotated by 90 degrees, left becomes the top.
        let rotated = with_exif_orientation(&jpeg(&stored), 6);
        let small = Picture::decode(&rotated).unwrap().thumbnail(100).unwrap();
        assert_eq!(small.dimensions(), (50, 100));
        let [red, _, blue] = small.as_raw()[..3] else {
            panic!("three bytes a pixel")
        };
        assert!(red > 240 && blue < 16);
    }

    #[test]
    fn the_exif_orientation_of_a_png_is_not_applied() {
        let plain = png(marked());
        // eXIf goes right after IHDR (8 bytes signature + 25 bytes chunk).
        let body = b"eXIfMM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let mut file = plain[..33].to_vec();
        file.extend(u32::try_from(body.len() - 4).unwrap().to_be_bytes());
        file.extend(body);
        file.extend(crc32(body).to_be_bytes());
        file.extend(&plain[33..]);
        let mut decoder = image::codecs::png::PngDecoder::new(Cursor::new(&file)).unwrap();
        assert_eq!(
            decoder.orientation().unwrap(),
            Orientation::Rotate90,
            "the file carries an orientation"
        );
        assert_eq!(Picture::decode(&file).unwrap().size(), (160, 96));
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |c, _| {
                if c & 1 == 1 {
                    (c >> 1) ^ 0xedb8_8320
                } else {
                    c >> 1
                }
            })
        })
    }

    #[test]
    fn damaged_exif_data_is_ignored() {
        let mut file = with_exif_orientation(&jpeg(&marked()), 6);
        let at = file.windows(2).position(|w| w == b"MM").unwrap();
        file[at..at + 8].fill(0xff);
        assert_eq!(Picture::decode(&file).unwrap().size(), (160, 96));
    }

    #[test]
    fn transparent_pixels_are_put_over_white() {
        let image = RgbaImage::from_fn(80, 80, |x, _| match x {
            0..40 => Rgba([10, 20, 30, 0]),
            _ => Rgba([0, 100, 200, 128]),
        });
        let pixels = upright(&png(image));
        assert_eq!(pixels.get_pixel(0, 0).0, [255; 3]);
        assert_eq!(pixels.get_pixel(79, 0).0, [127, 177, 227]);
    }

    #[test]
    fn grey_and_16_bit_images_become_8_bit_rgb() {
        let grey = GrayImage::from_pixel(80, 80, Luma([77]));
        assert_eq!(upright(&png(grey)).get_pixel(5, 5).0, [77; 3]);
        let deep: ImageBuffer<Rgb<u16>, _> =
            ImageBuffer::from_pixel(80, 80, Rgb([65535u16, 32896, 0]));
        assert_eq!(upright(&png(deep)).get_pixel(5, 5).0, [255, 128, 0]);
        let deep_grey: ImageBuffer<Luma<u16>, _> =
            ImageBuffer::from_pixel(80, 80, Luma([257u16 * 9]));
        assert_eq!(upright(&png(deep_grey)).get_pixel(5, 5).0, [9; 3]);
    }

    #[test]
    fn cmyk_images_become_rgb() {
        // 88 x 80: (200, 40, 40) on the left, (20, 60, 200) on the right, written as CMYK by Pillow 12.
        let pixels = upright(include_bytes!("../tests/pictures/cmyk.jpg"));
        for (x, expected) in [(10, [200u8, 40, 40]), (78, [20, 60, 200])] {
            let found = pixels.get_pixel(x, 40).0;
            let off = found
                .iter()
                .zip(expected)
                .map(|(a, b)| a.abs_diff(b))
                .max()
                .unwrap();
            assert!(off < 8, "{found:?}");
        }
    }

    #[test]
    fn sides_from_80_to_10000_pixels_are_accepted() {
        let decode = |w, h| Picture::decode(&png(GrayImage::new(w, h))).map(|p| p.size());
        assert_eq!(decode(80, 80), Ok((80, 80)));
        assert_eq!(
            decode(79, 500),
            Err(VisionError::ImageTooSmall {
                width: 79,
                height: 500
            })
        );
        assert_eq!(
            decode(500, 79),
            Err(VisionError::ImageTooSmall {
                width: 500,
                height: 79
            })
        );
        assert_eq!(decode(10_000, 80), Ok((10_000, 80)));
        assert_eq!(
            decode(10_001, 80),
            Err(VisionError::ImageTooLarge {
                width: 10_001,
                height: 80
            })
        );
    }

    #[test]
    fn a_declared_size_takes_no_memory() {
        // A PNG that declares 9,999 x 9,999 16-bit RGBA and holds no pixel at all: 800 MB if believed.
        let mut file = png(RgbaImage::new(80, 80))[..8].to_vec();
        let mut ihdr = b"IHDR".to_vec();
        ihdr.extend(9_999u32.to_be_bytes());
        ihdr.extend(9_999u32.to_be_bytes());
        ihdr.extend([16, 6, 0, 0, 0]);
        file.extend(13u32.to_be_bytes());
        file.extend(&ihdr);
        file.extend(crc32(&ihdr).to_be_bytes());
        file.extend([0, 0, 0, 0]);
        file.extend(b"IDAT");
        file.extend(crc32(b"IDAT").to_be_bytes());
        let error = Picture::decode(&file).err().unwrap();
        assert!(
            matches!(error, VisionError::InvalidImageFormat(_)),
            "{error}"
        );
    }

    #[test]
    fn a_large_picture_keeps_its_size_but_not_its_pixels() {
        let picture = Picture::decode(&png(GrayImage::new(8_000, 6_000))).unwrap();
        assert_eq!(picture.size(), (8_000, 6_000));
        assert_eq!(picture.pixels.dimensions(), (4_000, 3_000));
        assert_eq!(picture.thumbnail(1_000).unwrap().dimensions(), (1_000, 750));
    }

    #[test]
    fn other_formats_are_named() {
        let gif = Picture::decode(b"GIF89a\x01\0\x01\0\0\0\0;").err().unwrap();
        assert_eq!(
            gif.to_string(),
            "the picture cannot be read: it is GIF, and only JPEG and PNG can be analysed"
        );
        let text = Picture::decode(b"hello").err().unwrap();
        assert_eq!(
            text.to_string(),
            "the picture cannot be read: it is neither a JPEG nor a PNG"
        );
        assert!(matches!(
            Picture::decode(b""),
            Err(VisionError::InvalidImageFormat(_))
        ));
    }

    #[test]
    fn a_memo_is_made_once_for_each_type() {
        let picture = Picture::decode(&png(marked())).unwrap();
        let failed = picture.memo::<u32>(|| Err(invalid("it is a test")));
        assert!(failed.is_err());
        assert_eq!(*picture.memo(|| Ok(7u32)).unwrap(), 7);
        assert_eq!(*picture.memo(|| Ok(8u32)).unwrap(), 7);
        assert_eq!(*picture.memo(|| Ok("other")).unwrap(), "other");
    }

    #[test]
    fn a_thumbnail_keeps_the_shape_and_is_never_enlarged() {
        let picture = Picture::decode(&png(marked())).unwrap();
        assert_eq!(picture.thumbnail(80).unwrap().dimensions(), (80, 48));
        assert_eq!(picture.thumbnail(4000).unwrap().dimensions(), (160, 96));
    }
}
