//! AVIF: the primary image, decoded by rav1d without its assembly.

mod colour;
mod items;
mod obu;
mod rows;

use self::{
    colour::{ColourConversion, write_alpha},
    items::{PrimaryImage, TileGrid},
    rows::RowReader,
};
use super::decoder::{Geometry, PictureDecoder};
use crate::{
    error::PrepareError,
    media::MediaType,
    pixels::{
        coded::Coded,
        downscale::{Downscaled, Downscaler},
        layout::{Layout, Profile},
        transparency::divide_by_alpha,
    },
};

pub(crate) use self::items::exif;

pub(super) struct Avif<'a> {
    image: PrimaryImage<'a>,
    geometry: Geometry,
}

impl<'a> Avif<'a> {
    pub(super) fn open(file: &'a [u8]) -> Result<Self, PrepareError> {
        let image = items::read(file).ok_or(PrepareError::Damaged(MediaType::Avif))?;
        Ok(Self {
            geometry: Geometry {
                size: (image.colour.width, image.colour.height),
                orientation: image.orientation,
            },
            image,
        })
    }
}

impl PictureDecoder for Avif<'_> {
    fn format(&self) -> MediaType {
        MediaType::Avif
    }

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn decode(self: Box<Self>, factor: u32, memory: u64) -> Result<Downscaled, PrepareError> {
        let PrimaryImage {
            colour,
            alpha,
            premultiplied,
            icc,
            code_points,
            ..
        } = self.image;
        let (width, height) = self.geometry.size;
        let layout = match alpha {
            Some(_) => Layout::RgbAlpha,
            None => Layout::Rgb,
        };
        let decoding = colour.row_memory()? + alpha.as_ref().map_or(Ok(0), TileGrid::row_memory)?;
        if Downscaler::memory(width, height, layout, factor) + decoding > memory {
            return Err(PrepareError::too_large(MediaType::Avif, (width, height)));
        }
        let profile = match (icc, code_points) {
            (Some(icc), _) => Profile::Icc(icc.to_vec()),
            (None, Some(points)) => {
                Coded::from_avif_code_points(points.primaries, points.transfer).into()
            }
            (None, None) => Profile::Srgb,
        };
        let mut downscaler = Downscaler::new(width, layout, factor).with_profile(&profile);
        let mut colours = RowReader::new(colour);
        let mut opacity = alpha.map(RowReader::new);
        let mut row = vec![0; width as usize * layout.bytes()];
        for y in 0..height {
            colours.row(y, |tile, tile_y, left| {
                let part = row.get_mut(left as usize * layout.bytes()..);
                ColourConversion::new(tile, code_points).write(
                    tile,
                    tile_y,
                    part.unwrap_or_default(),
                    layout.bytes(),
                );
            })?;
            if let Some(opacity) = &mut opacity {
                opacity.row(y, |tile, tile_y, left| {
                    let part = row.get_mut(left as usize * layout.bytes()..);
                    write_alpha(tile, tile_y, part.unwrap_or_default());
                })?;
                if premultiplied {
                    divide_by_alpha(&mut row, layout);
                }
            }
            downscaler.push(&row);
        }
        Ok(downscaler.finish(profile))
    }
}
