//! Scales pictures: fast_image_resize behind one function that is not generic.
//!
//! The resizer is generic over pixel types. Each crate that calls it compiles its loops for every instruction set and precision, which
//! takes a minute. This crate does it once for all.

use fast_image_resize::{
    FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::{U8, U8x3, U8x4},
};

/// Pixels row by row without padding, one byte a channel.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// `width * height * channels` bytes.
    pub pixels: &'a [u8],
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Channels of a pixel: 1, 3 or 4. All are scaled alike; the fourth is not treated as alpha.
    pub channels: usize,
}

/// The part of a picture to scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Width and height in pixels from the top left corner. They may be fractions.
    Corner(f64, f64),
    /// The largest centred part with the target's aspect ratio.
    Middle,
}

/// How pixels are interpolated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Linear between neighbours. Scaling down uses every pixel.
    Bilinear,
    /// Sharper, from three neighbours on each side.
    Lanczos3,
}

/// Why a picture cannot be scaled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResampleError {
    /// The number of bytes or channels does not match the size.
    #[error(
        "{bytes} bytes do not match a picture of {width} x {height} pixels in {channels} channels; use 1, 3 or 4 channels"
    )]
    Size {
        /// Bytes given.
        bytes: usize,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Channels of a pixel.
        channels: usize,
    },
    /// The resizer rejected the request, for example because the part extends beyond the picture.
    #[error("{0}")]
    Rejected(String),
}

/// Scales a part of the picture to `width` x `height` pixels. The result has the same channels.
///
/// # Errors
/// [`ResampleError`].
pub fn resample(
    source: &Source<'_>,
    part: Part,
    (width, height): (u32, u32),
    filter: Filter,
) -> Result<Vec<u8>, ResampleError> {
    let filter = match filter {
        Filter::Bilinear => FilterType::Bilinear,
        Filter::Lanczos3 => FilterType::Lanczos3,
    };
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .use_alpha(false);
    let options = match part {
        Part::Whole => options,
        Part::Corner(across, down) => options.crop(0.0, 0.0, across, down),
        Part::Middle => options.fit_into_destination(None),
    };
    match source.channels {
        1 => scaled::<U8>(source, width, height, &options),
        3 => scaled::<U8x3>(source, width, height, &options),
        4 => scaled::<U8x4>(source, width, height, &options),
        _ => Err(size(source)),
    }
}

fn scaled<P: PixelTrait>(
    source: &Source<'_>,
    width: u32,
    height: u32,
    options: &ResizeOptions,
) -> Result<Vec<u8>, ResampleError> {
    let from = TypedImageRef::<P>::from_buffer(source.width, source.height, source.pixels)
        .map_err(|_| size(source))?;
    let mut pixels = vec![0; width as usize * height as usize * P::size()];
    let rejected = |error: &dyn std::error::Error| ResampleError::Rejected(error.to_string());
    let mut to = TypedImage::<P>::from_buffer(width, height, &mut pixels)
        .map_err(|error| rejected(&error))?;
    Resizer::new()
        .resize_typed(&from, &mut to, options)
        .map_err(|error| rejected(&error))?;
    drop(to);
    Ok(pixels)
}

const fn size(source: &Source<'_>) -> ResampleError {
    ResampleError::Size {
        bytes: source.pixels.len(),
        width: source.width,
        height: source.height,
        channels: source.channels,
    }
}
