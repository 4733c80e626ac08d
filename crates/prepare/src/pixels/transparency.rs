//! Transparency: straight and premultiplied alpha, and pictures over white.

use super::layout::Layout;

/// A colour value of the given opacity over a white background.
#[must_use]
pub fn over_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

/// Appends a row with transparency to `opaque`, over white.
pub(crate) fn row_over_white(row: &[u8], layout: Layout, opaque: &mut Vec<u8>) {
    if layout == Layout::GreyAlpha {
        let (pixels, _) = row.as_chunks::<2>();
        opaque.extend(pixels.iter().map(|[grey, alpha]| over_white(*grey, *alpha)));
    } else {
        let (pixels, _) = row.as_chunks::<4>();
        opaque.extend(pixels.iter().flat_map(|[red, green, blue, alpha]| {
            [*red, *green, *blue].map(|value| over_white(value, *alpha))
        }));
    }
}

/// Turns premultiplied alpha into straight alpha.
pub(crate) fn divide_by_alpha(row: &mut [u8], layout: Layout) {
    for pixel in row.chunks_exact_mut(layout.bytes()) {
        if let Some((alpha, colours)) = pixel.split_last_mut() {
            let alpha = u16::from(*alpha).max(1);
            for colour in colours {
                *colour = ((u16::from(*colour) * 255 + alpha / 2) / alpha).min(255) as u8;
            }
        }
    }
}
