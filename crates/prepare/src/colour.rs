//! Whatever the numbers of a pixel mean, to sRGB.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use super::reduce::{Channels, Profile};

/// The largest ICC profile that is read, in bytes: profiles of presses have up to about 2 MiB.
pub(super) const MAX_ICC: usize = 4 * 1024 * 1024;

/// Converts pixels to sRGB, three bytes each. A profile that cannot be read or does not fit the
/// pixels is left aside, as browsers do.
pub(super) fn to_srgb(pixels: Vec<u8>, channels: Channels, profile: &Profile) -> Vec<u8> {
    match by_profile(&pixels, channels, profile) {
        Some(converted) => converted,
        None => match channels {
            Channels::Rgb => pixels,
            Channels::Grey => pixels.iter().flat_map(|grey| [*grey; 3]).collect(),
            Channels::Cmyk => {
                let (inks, _) = pixels.as_chunks::<4>();
                inks.iter().flat_map(|inks| light(*inks)).collect()
            }
        },
    }
}

/// Light left over by inks, without a profile.
fn light([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 3] {
    [cyan, magenta, yellow].map(|ink| {
        let left = (255 - u32::from(ink)) * (255 - u32::from(black));
        ((left + 127) / 255) as u8
    })
}

fn by_profile(pixels: &[u8], channels: Channels, profile: &Profile) -> Option<Vec<u8>> {
    let profile = match profile {
        Profile::Srgb => return None,
        #[cfg(feature = "avif")]
        Profile::DisplayP3 => ColorProfile::new_display_p3(),
        Profile::Icc(icc) if icc.len() <= MAX_ICC => ColorProfile::new_from_slice(icc).ok()?,
        Profile::Icc(_) => return None,
    };
    let layout = match (channels, profile.color_space) {
        (Channels::Grey, DataColorSpace::Gray) => Layout::Gray,
        (Channels::Rgb, DataColorSpace::Rgb) => Layout::Rgb,
        // Four inks travel in the four channels of this layout.
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
