//! The colour space of a PNG, by the first of its chunks that browsers obey.

use png::Info;

use crate::pixels::{coded::Coded, layout::Profile};

/// `cICP` comes before `iCCP`, that before `sRGB`, and that before `gAMA` with `cHRM` (PNG specification, third edition, "Color Space
/// Precedence"). As in Chromium, `cHRM` alone says nothing, nor does a `cICP` that is not in full range.
pub(super) fn profile(info: &Info<'_>) -> Profile {
    let code_points = info.coding_independent_code_points.as_ref();
    let coded = code_points
        .filter(|points| points.matrix_coefficients == 0 && points.is_video_full_range_image);
    if let Some(points) = coded {
        let (primaries, transfer) = (points.color_primaries, points.transfer_function);
        return Coded::from_code_points(primaries.into(), transfer.into()).into();
    }
    if let Some(icc) = &info.icc_profile {
        return Profile::Icc(icc.to_vec());
    }
    let gamma = info.gama_chunk.filter(|_| info.srgb.is_none());
    gamma
        .and_then(|gamma| {
            let chromaticities = info.chrm_chunk.map(|chunk| {
                [chunk.white, chunk.red, chunk.green, chunk.blue]
                    .map(|(x, y)| (x.into_value(), y.into_value()))
            });
            Coded::from_gamma(gamma.into_value(), chromaticities)
        })
        .into()
}
