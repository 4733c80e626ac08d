//! The preparation of one picture: whether Rekognition accepts the file, the conversion if not, the thumbnail and the preview.

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::RgbImage;

use crate::{
    error::PrepareError,
    exif,
    formats::{self, decoder::PictureDecoder},
    header::read_header,
    info::{ImageInfo, Reason},
    limits::{
        CONVERTED_PX, Limits, MAX_INLINE_BYTES, MAX_PIXELS, MAX_RENDITION_PIXELS, MAX_SIDE,
        PPE_MAX_INLINE_BYTES, PPE_MAX_SIDE, PPE_MIN_SIDE,
    },
    media::MediaType,
    orientation::Orientation,
    pixels::{
        colour,
        downscale::{Downscaled, factor_down_to},
        encode::{apply_orientation, encode_preview, encode_thumbnail, encode_to_fit},
    },
    prepared::{Converted, Prepared, Renditions},
    truncation::is_truncated,
};

/// Prepares a picture: checks whether Rekognition accepts the file, converts it if not, and makes the thumbnail and the preview. It is CPU-bound;
/// call it where blocking is allowed, and one at a time if memory is short.
///
/// # Errors
/// [`PrepareError`] if Rekognition cannot analyse the picture.
pub fn prepare(file: &[u8], limits: &Limits) -> Result<Prepared, PrepareError> {
    // Six decoder libraries read untrusted bytes. A panic in one of them must cost only this picture.
    let prepared = catch_unwind(AssertUnwindSafe(|| prepare_file(file, limits)));
    let prepared = prepared.unwrap_or_else(|_| {
        Err(
            read_header(file).map_or(PrepareError::Internal("decoding"), |header| {
                PrepareError::Damaged(header.format)
            }),
        )
    });
    prepared.map_err(|error| match error {
        PrepareError::Damaged(format) if is_truncated(format, file) => {
            PrepareError::Truncated(format)
        }
        error => error,
    })
}

fn prepare_file(file: &[u8], limits: &Limits) -> Result<Prepared, PrepareError> {
    let decoder = formats::open(file)?;
    let geometry = decoder.geometry();
    let (width, height) = geometry.upright_size();
    let info = ImageInfo {
        format: decoder.format(),
        width,
        height,
        orientation: geometry.orientation.to_exif(),
        taken_at: exif::taken_at(decoder.format(), file),
        prepared: None,
        prepared_for_ppe: None,
    };
    check_size(&info, limits)?;
    let memory = limits.memory_bytes.saturating_sub(file.len() as u64);
    match conversion_reason(decoder.as_ref(), &info, file.len(), limits) {
        None => match keep(decoder, &info, file.len(), memory, limits)? {
            // A picture whose preview takes too much memory may still have a thumbnail.
            Some(Kept {
                renditions: Err(PrepareError::TooLarge { .. }),
                ..
            }) if limits.preview_px > 0 => {
                let limits = Limits {
                    preview_px: 0,
                    ..*limits
                };
                let kept = keep(formats::open(file)?, &info, file.len(), memory, &limits)?;
                finish(kept, file, info, memory, &limits)
            }
            kept => finish(kept, file, info, memory, limits),
        },
        Some(reason) => convert(decoder, info, reason, memory, limits),
    }
}

fn check_size(info: &ImageInfo, limits: &Limits) -> Result<(), PrepareError> {
    let (width, height) = (info.width, info.height);
    if width.min(height) < limits.min_side {
        return Err(PrepareError::TooSmall {
            width,
            height,
            min_side: limits.min_side,
        });
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(PrepareError::too_large(info.format, (width, height)));
    }
    Ok(())
}

/// Why Rekognition cannot get the file itself. `None` if it accepts the file.
fn conversion_reason(
    decoder: &dyn PictureDecoder,
    info: &ImageInfo,
    file_bytes: usize,
    limits: &Limits,
) -> Option<Reason> {
    if !info.format.is_read_by_rekognition() {
        Some(Reason::Format)
    } else if file_bytes > limits.max_file_bytes() {
        Some(Reason::Bytes)
    } else if info.width.max(info.height) > MAX_SIDE {
        Some(Reason::Pixels)
    } else if info.format == MediaType::Png && info.orientation != 1 {
        Some(Reason::Orientation)
    } else {
        decoder.conversion_reason()
    }
}

/// Why DetectProtectiveEquipment, if requested, does not accept an upright picture of this size. `inline_bytes` is the size of the
/// file if it goes in the request.
fn ppe_conversion_reason(
    (width, height): (u32, u32),
    inline_bytes: Option<usize>,
    limits: &Limits,
) -> Option<Reason> {
    let (shortest, longest) = (width.min(height), width.max(height));
    // A picture that would be too narrow after scaling down is left for Rekognition to reject, in that one analysis.
    let scaled = u64::from(shortest) * u64::from(PPE_MAX_SIDE) / u64::from(longest.max(1));
    if !limits.protective_equipment {
        None
    } else if longest > PPE_MAX_SIDE {
        (scaled >= u64::from(PPE_MIN_SIDE)).then_some(Reason::Pixels)
    } else if inline_bytes.is_some_and(|bytes| bytes > PPE_MAX_INLINE_BYTES) {
        Some(Reason::Bytes)
    } else {
        None
    }
}

/// What is made of a picture whose file Rekognition gets.
struct Kept {
    ppe: Option<Converted>,
    renditions: Result<Renditions, PrepareError>,
}

/// The outcome for a picture that was [kept](keep). Without one, the picture is converted.
fn finish(
    kept: Option<Kept>,
    file: &[u8],
    info: ImageInfo,
    memory: u64,
    limits: &Limits,
) -> Result<Prepared, PrepareError> {
    match kept {
        Some(Kept { ppe, renditions }) => Ok(Prepared {
            info,
            converted: None,
            ppe,
            renditions,
        }),
        None => convert(formats::open(file)?, info, Reason::Repaired, memory, limits),
    }
}

/// Rekognition gets the file itself. Makes the renditions, and the picture for DetectProtectiveEquipment if that needs one. `None` if
/// decoding shows that the file has a fault, so that Rekognition must get a converted picture after all.
fn keep(
    decoder: Box<dyn PictureDecoder + '_>,
    info: &ImageInfo,
    file_bytes: usize,
    memory: u64,
    limits: &Limits,
) -> Result<Option<Kept>, PrepareError> {
    let orientation = decoder.geometry().orientation;
    let inline_bytes = limits.inline.then_some(file_bytes);
    let ppe_reason = ppe_conversion_reason((info.width, info.height), inline_bytes, limits);
    let factor = match ppe_reason {
        None => rendition_factor((info.width, info.height), limits),
        Some(_) => info.width.max(info.height).div_ceil(PPE_MAX_SIDE),
    };
    let made = decoder.decode(factor, memory).and_then(|downscaled| {
        if downscaled.repaired {
            return Ok(None);
        }
        let Some(reason) = ppe_reason else {
            return Ok(Some((
                renditions(info.format, downscaled, orientation, limits)?,
                None,
            )));
        };
        let picture = ppe_picture(&downscaled, orientation)?;
        drop(downscaled);
        let jpeg = encode_to_fit(&picture, PPE_MAX_INLINE_BYTES)?;
        let picture = Downscaled::from(picture);
        let renditions = renditions(info.format, picture, Orientation::NoTransforms, limits)?;
        Ok(Some((renditions, Some(Converted { jpeg, reason }))))
    });
    // A file that is damaged for the decoder here is damaged for Rekognition too. A feature or size that it does not support may
    // be fine there.
    let (renditions, ppe) = match made {
        Err(error @ (PrepareError::Damaged(_) | PrepareError::Truncated(_))) => return Err(error),
        Err(error) => (Err(error), None),
        Ok(None) => return Ok(None),
        Ok(Some((renditions, ppe))) => (Ok(renditions), ppe),
    };
    Ok(Some(Kept { ppe, renditions }))
}

/// Rekognition gets a JPEG made from the file.
fn convert(
    decoder: Box<dyn PictureDecoder + '_>,
    info: ImageInfo,
    reason: Reason,
    memory: u64,
    limits: &Limits,
) -> Result<Prepared, PrepareError> {
    let orientation = decoder.geometry().orientation;
    let max_side = converted_side(&info, limits)?;
    let (shortest, longest) = (info.width.min(info.height), info.width.max(info.height));
    let factor = longest
        .div_ceil(CONVERTED_PX)
        .min(shortest / limits.min_side.max(1));
    let downscaled = decoder.decode(factor.max(1), memory)?;
    let picture = upright(&downscaled, downscaled.size_within(max_side), orientation)?;
    drop(downscaled);
    let jpeg = encode_to_fit(&picture, MAX_INLINE_BYTES)?;
    let picture = Downscaled::from(picture);
    let ppe = ppe_conversion_reason((jpeg.width, jpeg.height), Some(jpeg.bytes.len()), limits)
        .map(|reason| {
            let smaller = ppe_picture(&picture, Orientation::NoTransforms)?;
            let jpeg = encode_to_fit(&smaller, PPE_MAX_INLINE_BYTES)?;
            Ok(Converted { jpeg, reason })
        })
        .transpose()?;
    Ok(Prepared {
        renditions: renditions(info.format, picture, Orientation::NoTransforms, limits),
        info,
        converted: Some(Converted { jpeg, reason }),
        ppe,
    })
}

/// The longest side of the converted picture. A narrow picture is scaled down only as far as its shorter side allows.
fn converted_side(info: &ImageInfo, limits: &Limits) -> Result<u32, PrepareError> {
    let (width, height) = (info.width, info.height);
    let (shortest, longest) = (width.min(height), width.max(height));
    let needed = limits.min_side.saturating_mul(longest).div_ceil(shortest);
    if longest <= MAX_SIDE {
        Ok(CONVERTED_PX.max(needed))
    } else if needed <= MAX_SIDE {
        Ok(CONVERTED_PX.max(needed).min(MAX_SIDE))
    } else {
        Err(PrepareError::TooNarrow { width, height })
    }
}

/// The picture in sRGB and upright, in the given size before rotation.
fn upright(
    downscaled: &Downscaled,
    size: (u32, u32),
    orientation: Orientation,
) -> Result<RgbImage, PrepareError> {
    let pixels = downscaled.resized(size)?;
    let rgb = colour::to_srgb(pixels, downscaled.channels, &downscaled.profile);
    apply_orientation(rgb, size, orientation)
}

/// The picture at a size that DetectProtectiveEquipment accepts.
fn ppe_picture(
    downscaled: &Downscaled,
    orientation: Orientation,
) -> Result<RgbImage, PrepareError> {
    upright(
        downscaled,
        downscaled.size_within(PPE_MAX_SIDE),
        orientation,
    )
}

/// How far decoding may shrink a picture for its renditions: to the size of the preview and twice that of the thumbnail, so that
/// resampling does the rest, and to at most [`MAX_RENDITION_PIXELS`].
fn rendition_factor((width, height): (u32, u32), limits: &Limits) -> u32 {
    let px = limits.preview_px.max(limits.thumbnail_px.saturating_mul(2));
    let pixels =
        |factor: u32| u64::from(width.div_ceil(factor)) * u64::from(height.div_ceil(factor));
    let mut factor = factor_down_to(width.max(height), px);
    while pixels(factor) > MAX_RENDITION_PIXELS {
        factor += 1;
    }
    factor
}

/// Makes the preview, and the thumbnail from the preview's pixels.
fn renditions(
    source: MediaType,
    mut picture: Downscaled,
    mut orientation: Orientation,
    limits: &Limits,
) -> Result<Renditions, PrepareError> {
    let mut renditions = Renditions::default();
    let (width, height) = picture.size_within(limits.preview_px.max(1));
    if width.max(height) > limits.thumbnail_px.max(1) {
        let preview = upright(&picture, (width, height), orientation)?;
        renditions.preview = Some(encode_preview(&preview, source)?);
        picture = preview.into();
        orientation = Orientation::NoTransforms;
    }
    if limits.thumbnail_px > 0 {
        let size = picture.size_within(limits.thumbnail_px);
        renditions.thumbnail = Some(encode_thumbnail(
            &upright(&picture, size, orientation)?,
            source,
        )?);
    }
    Ok(renditions)
}

#[cfg(test)]
mod tests;
