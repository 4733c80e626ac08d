//! Pictures in another size: fast_image_resize behind one function that is not generic.
//!
//! The resizer is generic in the kind of its pictures, and whoever calls it compiles its loops for each processor and
//! each precision, which takes a minute. Here that is done once for all crates that scale pictures.

use fast_image_resize::{
    FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::{U8, U8x3, U8x4},
};

/// Pixels row by row, without gaps; a byte for each channel.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// `width * height * channels` bytes.
    pub pixels: &'a [u8],
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Channels of a pixel: 1, 3 or 4. They are scaled alike: a fourth one is no transparency.
    pub channels: usize,
}

/// What part of a picture is scaled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part {
    /// All of it.
    Whole,
    /// From its top left corner so many pixels across and down; they may be fractions.
    Corner(f64, f64),
    /// The middle of it, as large as fits, in the shape of what it is scaled to.
    Middle,
}

/// How pixels that lie between others are made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Linear between neighbours; scaling down, every pixel counts.
    Bilinear,
    /// Sharper, from three neighbours to each side.
    Lanczos3,
}

/// The pixels could not be scaled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResampleError {
    /// There are more or fewer bytes than the size says.
    #[error("{bytes} bytes are no picture of {width} x {height} pixels in {channels} channels")]
    Size {
        /// Bytes there are.
        bytes: usize,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Channels of a pixel.
        channels: usize,
    },
    /// The resizer refused, such as for a part that lies beyond the picture; why.
    #[error("{0}")]
    Refused(String),
}

/// The part of the picture, `width` x `height` pixels large, in as many channels.
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
    let refused = |error: &dyn std::error::Error| ResampleError::Refused(error.to_string());
    let mut to = TypedImage::<P>::from_buffer(width, height, &mut pixels)
        .map_err(|error| refused(&error))?;
    Resizer::new()
        .resize_typed(&from, &mut to, options)
        .map_err(|error| refused(&error))?;
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
