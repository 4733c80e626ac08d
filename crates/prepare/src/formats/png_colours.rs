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

#[cfg(test)]
mod tests {
    use png::{
        CodingIndependentCodePoints, ScaledFloat, SourceChromaticities, SrgbRenderingIntent,
    };

    use super::*;

    fn gamma(value: f32) -> Profile {
        Coded::from_gamma(value, None).into()
    }

    #[test]
    fn the_first_of_the_chunks_that_browsers_obey_counts() {
        let mut info = Info::default();
        assert_eq!(profile(&info), Profile::Srgb);
        // Values that a chunk holds exactly.
        let stored = |value| ScaledFloat::new(value).into_value();
        let p3 = [(0.3127, 0.329), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)]
            .map(|(x, y)| (stored(x), stored(y)));
        let [white, red, green, blue] = p3;
        info.chrm_chunk = Some(SourceChromaticities::new(white, red, green, blue));
        assert_eq!(profile(&info), Profile::Srgb, "cHRM alone");
        info.gama_chunk = Some(ScaledFloat::new(1.0));
        assert_eq!(profile(&info), Coded::from_gamma(1.0, Some(p3)).into());
        info.chrm_chunk = None;
        assert_eq!(profile(&info), gamma(1.0));
        info.srgb = Some(SrgbRenderingIntent::Perceptual);
        assert_eq!(profile(&info), Profile::Srgb, "sRGB before gAMA");
        info.icc_profile = Some(vec![1, 2, 3].into());
        assert_eq!(
            profile(&info),
            Profile::Icc(vec![1, 2, 3]),
            "iCCP before sRGB"
        );
        let points = |is_video_full_range_image, matrix_coefficients| CodingIndependentCodePoints {
            color_primaries: 9,
            transfer_function: 16,
            matrix_coefficients,
            is_video_full_range_image,
        };
        info.coding_independent_code_points = Some(points(true, 0));
        assert_eq!(profile(&info), Coded::from_code_points(9, 16).into());
        for ignored in [points(false, 0), points(true, 1)] {
            info.coding_independent_code_points = Some(ignored);
            assert_eq!(profile(&info), Profile::Icc(vec![1, 2, 3]));
        }
    }
}
