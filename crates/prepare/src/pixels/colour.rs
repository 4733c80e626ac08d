//! Conversion to sRGB.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use super::layout::{Channels, Profile};
use crate::limits::MAX_ICC_BYTES;

/// Converts pixels to sRGB, three bytes each. Like browsers, it ignores a profile that is damaged or made for other channels.
pub(crate) fn to_srgb(pixels: Vec<u8>, channels: Channels, profile: &Profile) -> Vec<u8> {
    match by_profile(&pixels, channels, profile) {
        Some(converted) => converted,
        None => {
            let rgb = match channels {
                Channels::Rgb => pixels,
                Channels::Grey => pixels.iter().flat_map(|grey| [*grey; 3]).collect(),
                Channels::Cmyk => {
                    let (pixels, _) = pixels.as_chunks::<4>();
                    pixels.iter().flat_map(|cmyk| cmyk_to_rgb(*cmyk)).collect()
                }
            };
            match profile {
                Profile::Coded(coded) => coded.to_srgb(rgb),
                _ => rgb,
            }
        }
    }
}

/// The usual conversion without a profile.
fn cmyk_to_rgb([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 3] {
    [cyan, magenta, yellow].map(|ink| {
        let light = (255 - u32::from(ink)) * (255 - u32::from(black));
        ((light + 127) / 255) as u8
    })
}

fn by_profile(pixels: &[u8], channels: Channels, profile: &Profile) -> Option<Vec<u8>> {
    let profile = match profile {
        Profile::Srgb | Profile::Coded(_) => return None,
        Profile::Icc(icc) if icc.len() <= MAX_ICC_BYTES => {
            ColorProfile::new_from_slice(icc).ok()?
        }
        Profile::Icc(_) => return None,
    };
    let layout = match (channels, profile.color_space) {
        (Channels::Grey, DataColorSpace::Gray) => Layout::Gray,
        (Channels::Rgb, DataColorSpace::Rgb) => Layout::Rgb,
        // moxcms takes CMYK in a layout of four channels.
        (Channels::Cmyk, DataColorSpace::Cmyk) => Layout::Rgba,
        _ => return None,
    };
    let transform = profile
        .create_transform_8bit(
            layout,
            &ColorProfile::new_srgb(),
            Layout::Rgb,
            TransformOptions::default(),
        )
        .ok()?;
    let mut rgb = vec![0; pixels.len() / channels.count() * 3];
    transform.transform(pixels, &mut rgb).ok()?;
    Some(rgb)
}
