//! Colour spaces that a few numbers describe instead of an ICC profile: the code points of ITU-T H.273 in AVIF and PNG, and PNG's gamma
//! and chromaticities.

use moxcms::{Chromaticity, CicpColorPrimaries, ColorPrimaries, Matrix3d, Xyz, adaption_matrix_d};

/// A colour space.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Coded {
    /// From linear RGB to linear Rec. 2020, row by row.
    to_rec2020: [[f32; 3]; 3],
    transfer: Transfer,
}

/// How stored values relate to light (ITU-T H.273, "Transfer characteristics").
#[derive(Debug, Clone, Copy, PartialEq)]
enum Transfer {
    Srgb,
    Gamma(f32),
    Smpte240,
    Smpte428,
    /// The perceptual quantizer of SMPTE ST 2084.
    Pq,
    /// The hybrid log-gamma of ARIB STD-B67.
    Hlg,
}

/// The light of diffuse white in HDR pictures, in candela a square metre (ITU-R BT.2408, section 2.1).
const HDR_WHITE: f32 = 203.0;

/// The brightest light that HDR pictures are assumed to have, relative to diffuse white: 1,000 candela a square metre.
const HDR_PEAK: f32 = 1000.0 / HDR_WHITE;

const D65: Chromaticity = Chromaticity {
    x: 0.3127,
    y: 0.329,
};

impl Coded {
    /// From code points. `None` if they describe sRGB, or nothing that browsers show.
    pub(crate) fn from_code_points(primaries: u16, transfer: u16) -> Option<Self> {
        let transfer = match transfer {
            // Video is shown with the curve of a reference display (ITU-R BT.1886), which the camera's curve does not undo.
            1 | 6 | 11 | 14 | 15 => Transfer::Gamma(2.4),
            4 => Transfer::Gamma(2.2),
            5 => Transfer::Gamma(2.8),
            7 => Transfer::Smpte240,
            8 => Transfer::Gamma(1.0),
            13 => Transfer::Srgb,
            16 => Transfer::Pq,
            17 => Transfer::Smpte428,
            18 => Transfer::Hlg,
            _ => return None,
        };
        let white = match primaries {
            4 | 8 => Chromaticity { x: 0.31, y: 0.316 },
            10 => Chromaticity {
                x: 1.0 / 3.0,
                y: 1.0 / 3.0,
            },
            11 => Chromaticity { x: 0.314, y: 0.351 },
            _ => D65,
        };
        let code = CicpColorPrimaries::try_from(u8::try_from(primaries).ok()?).ok()?;
        let primaries = ColorPrimaries::try_from(code).ok()?;
        (code != CicpColorPrimaries::Bt709 || transfer != Transfer::Srgb)
            .then(|| Self::new(primaries, white, transfer))
    }

    /// The same where the curve of video is shown like that of sRGB, as browsers do for AVIF.
    #[cfg(feature = "avif")]
    pub(crate) fn from_avif_code_points(primaries: u16, transfer: u16) -> Option<Self> {
        let is_usual = matches!(transfer, 1 | 2 | 6 | 14 | 15);
        let primaries = if primaries == 2 { 1 } else { primaries };
        Self::from_code_points(primaries, if is_usual { 13 } else { transfer })
    }

    /// From a gamma such as 0.45455, and the chromaticities of white, red, green and blue; those of sRGB if there are none. `None` if
    /// they describe about sRGB, or nothing.
    pub(crate) fn from_gamma(gamma: f32, chromaticities: Option<[(f32, f32); 4]>) -> Option<Self> {
        if gamma <= 0.0 {
            return None;
        }
        let xy = |(x, y): (f32, f32)| Chromaticity { x, y };
        let [white, red, green, blue] = match chromaticities {
            Some(four) => {
                // Colours that are no colours, or no triangle.
                let [_, (rx, ry), (gx, gy), (bx, by)] = four;
                let area = (gx - rx) * (by - ry) - (bx - rx) * (gy - ry);
                if area.abs() < 1e-4
                    || four
                        .iter()
                        .any(|(x, y)| *x < 0.0 || *y <= 0.0 || x + y > 1.01)
                {
                    return None;
                }
                four.map(xy)
            }
            // Gamma 1 / 2.2 of PNG's first days meant what sRGB is.
            None if (gamma - 0.454_55).abs() < 0.005 => return None,
            None => {
                let srgb = [(0.64, 0.33), (0.3, 0.6), (0.15, 0.06)].map(xy);
                let [red, green, blue] = srgb;
                [D65, red, green, blue]
            }
        };
        let primaries = ColorPrimaries { red, green, blue };
        Some(Self::new(primaries, white, Transfer::Gamma(1.0 / gamma)))
    }

    fn new(primaries: ColorPrimaries, white: Chromaticity, transfer: Transfer) -> Self {
        let to_xyz = primaries.transform_to_xyz_d(white);
        let xyz = |white: Chromaticity| -> Xyz { white.to_xyyb().to_xyz() };
        let adapt = adaption_matrix_d(xyz(white), xyz(D65));
        let from_xyz = ColorPrimaries::BT_2020.transform_to_xyz_d(D65).inverse();
        let Matrix3d { v } = from_xyz.mat_mul(adapt.mat_mul(to_xyz));
        Self {
            to_rec2020: v.map(|row| row.map(|value| value as f32)),
            transfer,
        }
    }

    /// Whether bright light must be compressed to be shown.
    pub(crate) const fn is_hdr(&self) -> bool {
        matches!(self.transfer, Transfer::Pq | Transfer::Hlg)
    }

    /// RGB pixels in sRGB.
    pub(crate) fn to_srgb(&self, mut pixels: Vec<u8>) -> Vec<u8> {
        let mut conversion = Conversion::new(self.clone());
        let (rgbs, _) = pixels.as_chunks_mut::<3>();
        for rgb in rgbs {
            *rgb = conversion.convert(*rgb);
        }
        pixels
    }
}

/// Converts colours to sRGB one by one.
pub(crate) struct Conversion {
    coded: Coded,
    /// The light of each value.
    linear: Vec<f32>,
    /// The last colour and what it became: neighbours are often the same.
    last: Option<([u8; 3], [u8; 3])>,
}

impl Conversion {
    pub(crate) fn new(coded: Coded) -> Self {
        Self {
            linear: (0..=255_u8)
                .map(|value| coded.transfer.light(f32::from(value) / 255.0))
                .collect(),
            coded,
            last: None,
        }
    }

    pub(crate) fn convert(&mut self, rgb: [u8; 3]) -> [u8; 3] {
        if let Some((last, converted)) = self.last
            && last == rgb
        {
            return converted;
        }
        let light = |value: u8| self.linear.get(usize::from(value)).copied();
        let light = rgb.map(|value| light(value).unwrap_or(0.0));
        let mut colour = multiply(&self.coded.to_rec2020, light);
        if self.coded.transfer == Transfer::Hlg {
            // The system gamma of a display of 1,000 candela (ITU-R BT.2100, table 5).
            let [red, green, blue] = colour;
            let luma = 0.2627 * red + 0.678 * green + 0.0593 * blue;
            let gain = luma.max(0.0).powf(0.2) * HDR_PEAK;
            colour = colour.map(|value| value * gain);
        }
        if self.coded.is_hdr() {
            let most = colour.iter().fold(0.0, |most: f32, value| most.max(*value));
            let gain = tone_gain(most);
            colour = colour.map(|value| value * gain);
        }
        let converted = multiply(&REC2020_TO_SRGB, colour).map(srgb_byte);
        self.last = Some((rgb, converted));
        converted
    }
}

/// From linear Rec. 2020 to linear sRGB (ITU-R BT.2087, the inverse of M2).
const REC2020_TO_SRGB: [[f32; 3]; 3] = [
    [1.660_491, -0.587_641, -0.072_85],
    [-0.124_55, 1.132_9, -0.008_349],
    [-0.018_151, -0.100_579, 1.118_73],
];

fn multiply(matrix: &[[f32; 3]; 3], [a, b, c]: [f32; 3]) -> [f32; 3] {
    matrix.map(|[x, y, z]| x * a + y * b + z * c)
}

/// What a colour is multiplied with so that HDR fits in SDR, by its largest value in Rec. 2020, relative to diffuse white. Diffuse white
/// becomes half as bright, and the brightest light becomes white; the logarithm of the gain is a cubic between. The curve is that of the
/// reference white tone mapping of SMPTE ST 2094-50, as browsers apply it; the slopes at its ends were measured in Chromium.
fn tone_gain(light: f32) -> f32 {
    if light >= HDR_PEAK {
        return 1.0 / light;
    }
    let t = ((light - 1.0) / (HDR_PEAK - 1.0)).max(0.0);
    let (start, end) = (-1.0, -HDR_PEAK.log2());
    let (leaving, arriving) = (-1.699_55, -0.685_58);
    let (t2, t3) = (t * t, t * t * t);
    let log = (2.0 * t3 - 3.0 * t2 + 1.0) * start
        + (t3 - 2.0 * t2 + t) * leaving
        + (3.0 * t2 - 2.0 * t3) * end
        + (t3 - t2) * arriving;
    log.exp2()
}

/// Light as a byte of sRGB (IEC 61966-2-1).
fn srgb_byte(light: f32) -> u8 {
    let value = if light <= 0.003_130_8 {
        light * 12.92
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    };
    (value * 255.0 + 0.5) as u8
}

impl Transfer {
    /// The light of a value from 0 to 1: relative to white, for HLG to the brightest light before the system gamma.
    fn light(self, value: f32) -> f32 {
        match self {
            Self::Srgb if value <= 0.040_45 => value / 12.92,
            Self::Srgb => ((value + 0.055) / 1.055).powf(2.4),
            Self::Gamma(gamma) => value.powf(gamma),
            Self::Smpte240 if value < 0.0913 => value / 4.0,
            Self::Smpte240 => ((value + 0.1115) / 1.1115).powf(1.0 / 0.45),
            Self::Smpte428 => value.powf(2.6) * 52.37 / 48.0,
            Self::Pq => {
                let (m1, m2) = (2610.0 / 16_384.0, 2523.0 / 32.0);
                let (c1, c2, c3) = (3424.0 / 4096.0, 2413.0 / 128.0, 2392.0 / 128.0);
                let power = value.powf(1.0 / m2);
                let light = ((power - c1).max(0.0) / (c2 - c3 * power)).powf(1.0 / m1);
                light * 10_000.0 / HDR_WHITE
            }
            Self::Hlg if value <= 0.5 => value * value / 3.0,
            Self::Hlg => {
                let (a, b, c) = (0.178_832_77, 0.284_668_92, 0.559_910_7);
                (((value - c) / a).exp() + b) / 12.0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(coded: &Coded, rgb: [u8; 3], expected: [u8; 3]) {
        let found = coded.to_srgb(rgb.to_vec());
        let off = found.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max();
        assert!(
            off.unwrap() <= 3,
            "{coded:?} {rgb:?}: {found:?}, not {expected:?}"
        );
    }

    #[test]
    fn greys_are_those_of_chromium() {
        for (transfer, expected) in [
            (1, [37, 121, 205]),
            (4, [44, 129, 209]),
            (5, [24, 106, 198]),
            (7, [66, 141, 213]),
            (8, [120, 188, 233]),
            (16, [15, 132, 255]),
            (17, [32, 118, 210]),
            (18, [29, 99, 212]),
        ] {
            let coded = Coded::from_code_points(1, transfer).unwrap();
            for (value, expected) in [48, 128, 208].into_iter().zip(expected) {
                near(&coded, [value; 3], [expected; 3]);
            }
        }
    }

    #[test]
    fn white_stays_white_in_every_colour_space() {
        for primaries in [1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 22] {
            if let Some(coded) = Coded::from_code_points(primaries, 13) {
                near(&coded, [255; 3], [255; 3]);
                near(&coded, [128; 3], [128; 3]);
            }
        }
        // A red that sRGB cannot show, and one that it can.
        let rec2020 = Coded::from_code_points(9, 13).unwrap();
        near(&rec2020, [255, 0, 0], [255, 0, 0]);
        near(&rec2020, [192, 96, 96], [231, 73, 93]);
    }

    #[test]
    fn what_says_nothing_or_srgb_is_left_alone() {
        for (primaries, transfer) in [
            (1, 13),
            (2, 13),
            (1, 2),
            (9, 2),
            (3, 13),
            (99, 13),
            (300, 13),
            (9, 12),
        ] {
            assert_eq!(Coded::from_code_points(primaries, transfer), None);
        }
        let srgb = [(0.3127, 0.329), (0.64, 0.33), (0.3, 0.6), (0.15, 0.06)];
        assert_eq!(Coded::from_gamma(0.454_55, None), None);
        assert_eq!(Coded::from_gamma(0.0, Some(srgb)), None);
        assert_eq!(Coded::from_gamma(1.0, Some([(0.0, 0.0); 4])), None);
        assert_eq!(Coded::from_gamma(1.0, Some([(0.3, 0.3); 4])), None);
        near(&Coded::from_gamma(1.0, None).unwrap(), [128; 3], [188; 3]);
        near(
            &Coded::from_gamma(1.0, Some(srgb)).unwrap(),
            [128; 3],
            [188; 3],
        );
    }
}
