//! The meaning of the bytes of a pixel.

use super::coded::Coded;

/// The channels of a decoded pixel, 8 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Grey,
    GreyAlpha,
    Rgb,
    RgbAlpha,
    /// Amounts of ink; 255 is the most.
    Cmyk,
}

impl Layout {
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::RgbAlpha | Self::Cmyk => 4,
        }
    }

    pub(crate) const fn has_alpha(self) -> bool {
        matches!(self, Self::GreyAlpha | Self::RgbAlpha)
    }

    /// The channels that are left over white.
    pub(crate) const fn channels(self) -> Channels {
        match self {
            Self::Grey | Self::GreyAlpha => Channels::Grey,
            Self::Rgb | Self::RgbAlpha => Channels::Rgb,
            Self::Cmyk => Channels::Cmyk,
        }
    }
}

/// The channels of a pixel without transparency, 8 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channels {
    Grey,
    Rgb,
    Cmyk,
}

impl Channels {
    pub(crate) const fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }
}

/// The colour space of the channels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Profile {
    Srgb,
    /// A colour space that numbers describe.
    Coded(Coded),
    /// An ICC profile.
    Icc(Vec<u8>),
}

impl From<Option<Vec<u8>>> for Profile {
    fn from(icc: Option<Vec<u8>>) -> Self {
        icc.map_or(Self::Srgb, Self::Icc)
    }
}

impl From<Option<Coded>> for Profile {
    fn from(coded: Option<Coded>) -> Self {
        coded.map_or(Self::Srgb, Self::Coded)
    }
}
