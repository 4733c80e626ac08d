//! Colour spaces and colour names.

use std::sync::LazyLock;

use image::{Rgb, RgbImage};

use Simple::{Black, Blue, Brown, Cyan, Green, Grey, Orange, Pink, Purple, Red, White, Yellow};

/// A colour in CIELAB under D65: `l` is lightness 0..=100. Euclidean distance approximates the perceived difference of two
/// colours (about 2 is just noticeable).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Lab {
    pub(crate) l: f32,
    pub(crate) a: f32,
    pub(crate) b: f32,
}

/// A colour with a name in CSS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CssColour {
    pub(crate) name: &'static str,
    pub(crate) simple: Simple,
    oklab: [f32; 3],
}

/// The twelve simplified colours. AWS documents their number but not their names; these are the usual groups of the CSS
/// colours, with black separate from grey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Simple {
    Black,
    Blue,
    Brown,
    Cyan,
    Green,
    Grey,
    Orange,
    Pink,
    Purple,
    Red,
    White,
    Yellow,
}

impl Simple {
    /// The name in Rekognition's spelling.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Black => "black",
            Blue => "blue",
            Brown => "brown",
            Cyan => "cyan",
            Green => "green",
            Grey => "grey",
            Orange => "orange",
            Pink => "pink",
            Purple => "purple",
            Red => "red",
            White => "white",
            Yellow => "yellow",
        }
    }
}

impl Lab {
    /// From 8-bit sRGB.
    pub(crate) fn from_rgb([r, g, b]: [u8; 3]) -> Self {
        let (r, g, b) = (linear(r), linear(g), linear(b));
        let x = (0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b) / 0.950_47;
        let y = luminance(r, g, b);
        let z = (0.019_333_9 * r + 0.119_192 * g + 0.950_304_1 * b) / 1.088_83;
        let (x, y, z) = (response(x), response(y), response(z));
        Self {
            l: 116.0 * y - 16.0,
            a: 500.0 * (x - y),
            b: 200.0 * (y - z),
        }
    }

    /// Squared distance (CIE76).
    pub(crate) fn distance_squared(self, other: Self) -> f32 {
        (self.l - other.l).powi(2) + (self.a - other.a).powi(2) + (self.b - other.b).powi(2)
    }
}

/// The lightness of each pixel, 0..=100, row by row.
pub(crate) fn lightness(image: &RgbImage) -> Vec<f32> {
    let table = &*LINEAR;
    let linear = |sample: u8| table.get(usize::from(sample)).copied().unwrap_or_default();
    let mut plane: Vec<f32> = image
        .pixels()
        .map(|Rgb([r, g, b])| luminance(linear(*r), linear(*g), linear(*b)))
        .collect();
    for value in &mut plane {
        *value = 116.0 * response(*value) - 16.0;
    }
    plane
}

/// The CSS colour that looks most like an 8-bit sRGB colour.
///
/// Uses deltaEOK2 of CSS Color Level 4: distance in Oklab with both chroma axes doubled. By CIELAB distance a dull brown
/// would be nearest to a salmon, and a dark blue to a purple.
pub(crate) fn nearest_css(rgb: [u8; 3]) -> &'static CssColour {
    let own = scaled_oklab(rgb);
    let far = |c: &&CssColour| -> f32 {
        let sides = own.iter().zip(c.oklab);
        sides.map(|(a, b)| (a - b).powi(2)).sum()
    };
    CSS.iter()
        .min_by(|a, b| far(a).total_cmp(&far(b)))
        .unwrap_or(&BLACK)
}

/// Oklab (Ottosson 2020) with its chroma axes doubled.
fn scaled_oklab([r, g, b]: [u8; 3]) -> [f32; 3] {
    let (r, g, b) = (linear(r), linear(g), linear(b));
    let l = (0.412_221_47 * r + 0.536_332_54 * g + 0.051_445_993 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_84 * g + 0.629_978_7 * b).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        2.0 * (1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s),
        2.0 * (0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s),
    ]
}

/// From an 8-bit sRGB sample to linear light, 0..=1.
fn linear(sample: u8) -> f32 {
    LINEAR.get(usize::from(sample)).copied().unwrap_or_default()
}

/// Relative luminance of linear sRGB.
fn luminance(r: f32, g: f32, b: f32) -> f32 {
    0.212_672_9 * r + 0.715_152_2 * g + 0.072_175 * b
}

/// CIELAB's response to relative luminance.
fn response(t: f32) -> f32 {
    if t > 0.008_856_452 {
        cube_root(t)
    } else {
        t * 7.787_037 + 16.0 / 116.0
    }
}

/// The cube root of a positive number, to the last digit but one: Kahan's estimate from the exponent, and two steps of
/// Halley's method. Unlike `cbrt`, it is computed for several pixels at once.
fn cube_root(t: f32) -> f32 {
    let step = |root: f32| {
        let cube = root * root * root;
        root * (cube + 2.0 * t) / (2.0 * cube + t)
    };
    step(step(f32::from_bits(t.to_bits() / 3 + 0x2a51_19f2)))
}

static LINEAR: LazyLock<[f32; 256]> = LazyLock::new(|| {
    std::array::from_fn(|v| {
        let v = v as f64 / 255.0;
        (if v <= 0.040_45 {
            v / 12.92
        } else {
            ((v + 0.055) / 1.055).powf(2.4)
        }) as f32
    })
});

static CSS: LazyLock<Vec<CssColour>> = LazyLock::new(|| {
    let colour = |&(name, rgb, simple): &(&'static str, u32, Simple)| {
        let [_, r, g, b] = rgb.to_be_bytes();
        CssColour {
            name,
            simple,
            oklab: scaled_oklab([r, g, b]),
        }
    };
    NAMED.iter().map(colour).collect()
});

static BLACK: CssColour = CssColour {
    name: "black",
    simple: Black,
    oklab: [0.0; 3],
};

/// The colours of CSS Color Level 4, each once, in Rekognition's spelling: `darkslategrey` and `dimgrey`, but `gray`.
#[rustfmt::skip]
const NAMED: &[(&str, u32, Simple)] = &[
    ("aliceblue", 0xf0f8ff, White),
    ("antiquewhite", 0xfaebd7, White),
    ("aquamarine", 0x7fffd4, Cyan),
    ("azure", 0xf0ffff, White),
    ("beige", 0xf5f5dc, White),
    ("bisque", 0xffe4c4, Brown),
    ("black", 0x000000, Black),
    ("blanchedalmond", 0xffebcd, Brown),
    ("blue", 0x0000ff, Blue),
    ("blueviolet", 0x8a2be2, Purple),
    ("brown", 0xa52a2a, Brown),
    ("burlywood", 0xdeb887, Brown),
    ("cadetblue", 0x5f9ea0, Cyan),
    ("chartreuse", 0x7fff00, Green),
    ("chocolate", 0xd2691e, Brown),
    ("coral", 0xff7f50, Orange),
    ("cornflowerblue", 0x6495ed, Blue),
    ("cornsilk", 0xfff8dc, Brown),
    ("crimson", 0xdc143c, Red),
    ("cyan", 0x00ffff, Cyan),
    ("darkblue", 0x00008b, Blue),
    ("darkcyan", 0x008b8b, Cyan),
    ("darkgoldenrod", 0xb8860b, Brown),
    ("darkgreen", 0x006400, Green),
    ("darkgrey", 0xa9a9a9, Grey),
    ("darkkhaki", 0xbdb76b, Yellow),
    ("darkmagenta", 0x8b008b, Purple),
    ("darkolivegreen", 0x556b2f, Green),
    ("darkorange", 0xff8c00, Orange),
    ("darkorchid", 0x9932cc, Purple),
    ("darkred", 0x8b0000, Red),
    ("darksalmon", 0xe9967a, Red),
    ("darkseagreen", 0x8fbc8f, Green),
    ("darkslateblue", 0x483d8b, Purple),
    ("darkslategrey", 0x2f4f4f, Grey),
    ("darkturquoise", 0x00ced1, Cyan),
    ("darkviolet", 0x9400d3, Purple),
    ("deeppink", 0xff1493, Pink),
    ("deepskyblue", 0x00bfff, Blue),
    ("dimgrey", 0x696969, Grey),
    ("dodgerblue", 0x1e90ff, Blue),
    ("firebrick", 0xb22222, Red),
    ("floralwhite", 0xfffaf0, White),
    ("forestgreen", 0x228b22, Green),
    ("gainsboro", 0xdcdcdc, Grey),
    ("ghostwhite", 0xf8f8ff, White),
    ("gold", 0xffd700, Yellow),
    ("goldenrod", 0xdaa520, Brown),
    ("gray", 0x808080, Grey),
    ("green", 0x008000, Green),
    ("greenyellow", 0xadff2f, Green),
    ("honeydew", 0xf0fff0, White),
    ("hotpink", 0xff69b4, Pink),
    ("indianred", 0xcd5c5c, Red),
    ("indigo", 0x4b0082, Purple),
    ("ivory", 0xfffff0, White),
    ("khaki", 0xf0e68c, Yellow),
    ("lavender", 0xe6e6fa, Purple),
    ("lavenderblush", 0xfff0f5, White),
    ("lawngreen", 0x7cfc00, Green),
    ("lemonchiffon", 0xfffacd, Yellow),
    ("lightblue", 0xadd8e6, Blue),
    ("lightcoral", 0xf08080, Red),
    ("lightcyan", 0xe0ffff, Cyan),
    ("lightgoldenrodyellow", 0xfafad2, Yellow),
    ("lightgreen", 0x90ee90, Green),
    ("lightgrey", 0xd3d3d3, Grey),
    ("lightpink", 0xffb6c1, Pink),
    ("lightsalmon", 0xffa07a, Red),
    ("lightseagreen", 0x20b2aa, Cyan),
    ("lightskyblue", 0x87cefa, Blue),
    ("lightslategrey", 0x778899, Grey),
    ("lightsteelblue", 0xb0c4de, Blue),
    ("lightyellow", 0xffffe0, Yellow),
    ("lime", 0x00ff00, Green),
    ("limegreen", 0x32cd32, Green),
    ("linen", 0xfaf0e6, White),
    ("magenta", 0xff00ff, Purple),
    ("maroon", 0x800000, Brown),
    ("mediumaquamarine", 0x66cdaa, Green),
    ("mediumblue", 0x0000cd, Blue),
    ("mediumorchid", 0xba55d3, Purple),
    ("mediumpurple", 0x9370db, Purple),
    ("mediumseagreen", 0x3cb371, Green),
    ("mediumslateblue", 0x7b68ee, Purple),
    ("mediumspringgreen", 0x00fa9a, Green),
    ("mediumturquoise", 0x48d1cc, Cyan),
    ("mediumvioletred", 0xc71585, Pink),
    ("midnightblue", 0x191970, Blue),
    ("mintcream", 0xf5fffa, White),
    ("mistyrose", 0xffe4e1, White),
    ("moccasin", 0xffe4b5, Yellow),
    ("navajowhite", 0xffdead, Brown),
    ("navy", 0x000080, Blue),
    ("oldlace", 0xfdf5e6, White),
    ("olive", 0x808000, Green),
    ("olivedrab", 0x6b8e23, Green),
    ("orange", 0xffa500, Orange),
    ("orangered", 0xff4500, Orange),
    ("orchid", 0xda70d6, Purple),
    ("palegoldenrod", 0xeee8aa, Yellow),
    ("palegreen", 0x98fb98, Green),
    ("paleturquoise", 0xafeeee, Cyan),
    ("palevioletred", 0xdb7093, Pink),
    ("papayawhip", 0xffefd5, Yellow),
    ("peachpuff", 0xffdab9, Yellow),
    ("peru", 0xcd853f, Brown),
    ("pink", 0xffc0cb, Pink),
    ("plum", 0xdda0dd, Purple),
    ("powderblue", 0xb0e0e6, Blue),
    ("purple", 0x800080, Purple),
    ("rebeccapurple", 0x663399, Purple),
    ("red", 0xff0000, Red),
    ("rosybrown", 0xbc8f8f, Brown),
    ("royalblue", 0x4169e1, Blue),
    ("saddlebrown", 0x8b4513, Brown),
    ("salmon", 0xfa8072, Red),
    ("sandybrown", 0xf4a460, Brown),
    ("seagreen", 0x2e8b57, Green),
    ("seashell", 0xfff5ee, White),
    ("sienna", 0xa0522d, Brown),
    ("silver", 0xc0c0c0, Grey),
    ("skyblue", 0x87ceeb, Blue),
    ("slateblue", 0x6a5acd, Purple),
    ("slategrey", 0x708090, Grey),
    ("snow", 0xfffafa, White),
    ("springgreen", 0x00ff7f, Green),
    ("steelblue", 0x4682b4, Blue),
    ("tan", 0xd2b48c, Brown),
    ("teal", 0x008080, Cyan),
    ("thistle", 0xd8bfd8, Purple),
    ("tomato", 0xff6347, Orange),
    ("turquoise", 0x40e0d0, Cyan),
    ("violet", 0xee82ee, Purple),
    ("wheat", 0xf5deb3, Brown),
    ("white", 0xffffff, White),
    ("whitesmoke", 0xf5f5f5, White),
    ("yellow", 0xffff00, Yellow),
    ("yellowgreen", 0x9acd32, Green),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn lab_agrees_with_published_values() {
        for (rgb, [l, a, b]) in [
            ([0, 0, 0], [0.0, 0.0, 0.0]),
            ([255, 255, 255], [100.0, 0.0, 0.0]),
            ([255, 0, 0], [53.24, 80.09, 67.20]),
            ([0, 255, 0], [87.73, -86.18, 83.18]),
            ([0, 0, 255], [32.30, 79.19, -107.86]),
            ([119, 119, 119], [50.03, 0.0, 0.0]),
        ] {
            let lab = Lab::from_rgb(rgb);
            let image = RgbImage::from_pixel(1, 1, Rgb(rgb));
            assert!((lightness(&image)[0] - lab.l).abs() < 1e-4);
            for (found, expected) in [(lab.l, l), (lab.a, a), (lab.b, b)] {
                assert!((found - expected).abs() < 0.02, "{rgb:?}: {lab:?}");
            }
        }
    }

    #[test]
    fn the_cube_root_is_exact_enough() {
        for n in 1..=10_000 {
            let t = n as f32 / 10_000.0;
            assert!((cube_root(t) / t.cbrt() - 1.0).abs() < 3e-7, "{t}");
        }
    }

    #[test]
    fn a_named_colour_is_nearest_to_itself() {
        for (name, rgb, simple) in NAMED {
            let [_, r, g, b] = rgb.to_be_bytes();
            let found = nearest_css([r, g, b]);
            assert_eq!((found.name, found.simple), (*name, *simple));
        }
    }

    #[test]
    fn colours_between_the_named_ones_have_fitting_names() {
        for (rgb, name, simple) in [
            ([172, 120, 89], "peru", "brown"),
            ([20, 60, 200], "mediumblue", "blue"),
            ([20, 20, 60], "midnightblue", "blue"),
            ([120, 170, 210], "skyblue", "blue"),
            ([60, 20, 20], "maroon", "brown"),
            ([230, 150, 170], "lightpink", "pink"),
            ([62, 55, 52], "darkslategrey", "grey"),
            ([250, 250, 245], "floralwhite", "white"),
        ] {
            let found = nearest_css(rgb);
            assert_eq!((found.name, found.simple.name()), (name, simple), "{rgb:?}");
        }
    }

    #[test]
    fn names_and_values_are_unique_and_there_are_twelve_simple_colours() {
        assert_eq!(NAMED.len(), 139);
        assert_eq!(
            NAMED.iter().map(|c| c.0).collect::<BTreeSet<_>>().len(),
            139
        );
        assert_eq!(
            NAMED.iter().map(|c| c.1).collect::<BTreeSet<_>>().len(),
            139
        );
        assert_eq!(NAMED.iter().map(|c| c.2).collect::<BTreeSet<_>>().len(), 12);
    }

    #[test]
    fn simple_names_match_rekognitions_responses() {
        for (rgb, name, simple) in [
            ([47, 79, 79], "darkslategrey", "grey"),
            ([85, 107, 47], "darkolivegreen", "green"),
            ([128, 128, 128], "gray", "grey"),
            ([105, 105, 105], "dimgrey", "grey"),
            ([0, 0, 0], "black", "black"),
        ] {
            let found = nearest_css(rgb);
            assert_eq!((found.name, found.simple.name()), (name, simple));
        }
    }
}
