//! The rows of an AVIF image, decoded tile by tile with rav1d.

use re_rav1d::dav1d::{Decoder, Error, Picture, Settings};

use super::{items::TileGrid, obu::Cost};
use crate::{error::PrepareError, media::MediaType};

const DAMAGED: PrepareError = PrepareError::Damaged(MediaType::Avif);

/// The most coded frames in a tile: the most layers that it may have (AV1 Image File Format, "Layered Image Indexing Property").
/// Only the last is shown, but each takes as much time and memory.
const MAX_FRAMES: u64 = 4;

/// Reads an image row by row, decoding one row of tiles at a time.
pub(super) struct RowReader<'a> {
    grid: TileGrid<'a>,
    /// The decoded tiles of the current row of tiles, and the index of that row.
    tiles: Vec<Picture>,
    current: Option<u32>,
    /// Height of a tile in pixels.
    tile_height: u32,
}

impl<'a> RowReader<'a> {
    pub(super) fn new(grid: TileGrid<'a>) -> Self {
        Self {
            grid,
            tiles: Vec::new(),
            current: None,
            tile_height: u32::MAX,
        }
    }

    /// Calls `use_tile` for each tile of a row of pixels, with the row inside the tile and the column where the tile begins.
    pub(super) fn row(
        &mut self,
        y: u32,
        mut use_tile: impl FnMut(&Picture, u32, u32),
    ) -> Result<(), PrepareError> {
        let wanted = y / self.tile_height;
        if self.current != Some(wanted) {
            self.decode_row_of_tiles(wanted)?;
        }
        let mut left = 0;
        for tile in &self.tiles {
            if left < self.grid.width {
                use_tile(tile, y % self.tile_height, left);
            }
            left += tile.width();
        }
        Ok(())
    }

    fn decode_row_of_tiles(&mut self, index: u32) -> Result<(), PrepareError> {
        self.tiles.clear();
        let columns = self.grid.columns as usize;
        let limit = u32::try_from(self.grid.max_tile_pixels()).unwrap_or(u32::MAX);
        let data = self.grid.tiles.iter_mut().skip(index as usize * columns);
        for tile in data.take(columns) {
            let data = std::mem::take(tile).into_owned();
            self.tiles.push(decode(data, limit)?);
        }
        self.current = Some(index);
        let first = self.tiles.first().ok_or(DAMAGED)?;
        if self.tile_height == u32::MAX {
            self.tile_height = first.height().max(1);
        }
        let width: u64 = self.tiles.iter().map(|tile| u64::from(tile.width())).sum();
        let height = u64::from(self.tile_height) * u64::from(self.grid.rows());
        let fits = width >= u64::from(self.grid.width)
            && height >= u64::from(self.grid.height)
            && self.tiles.iter().all(|tile| {
                tile.height() == self.tile_height && tile.bit_depth() == first.bit_depth()
            });
        if fits { Ok(()) } else { Err(DAMAGED) }
    }
}

impl TileGrid<'_> {
    /// Rows of tiles.
    fn rows(&self) -> u32 {
        (self.tiles.len() as u32 / self.columns).max(1)
    }

    /// The most pixels of a tile. Tiles of a grid are equal and the last may extend beyond the image, so each side may be up to
    /// twice its share.
    fn max_tile_pixels(&self) -> u64 {
        let pixels = u64::from(self.width) * u64::from(self.height);
        match self.tiles.len() as u64 {
            0 | 1 => pixels,
            tiles => pixels * 4 / tiles,
        }
    }

    /// The bytes that decoding one row of tiles takes: the planes of each frame, the decoder's notes beside them, and the data.
    /// An error if a tile has too many frames.
    pub(super) fn row_memory(&self) -> Result<u64, PrepareError> {
        let mut bytes_per_pixel = 1;
        let mut longest = 0;
        for tile in &self.tiles {
            let cost = Cost::of(tile);
            if cost.frames > MAX_FRAMES {
                return Err(PrepareError::unsupported(
                    MediaType::Avif,
                    format!("more than {MAX_FRAMES} layers"),
                ));
            }
            bytes_per_pixel = bytes_per_pixel.max(cost.plane_bytes * cost.frames.max(1) + 1);
            longest = longest.max(tile.len() as u64);
        }
        let columns = u64::from(self.columns);
        Ok(self.max_tile_pixels() * columns * bytes_per_pixel + longest * columns)
    }
}

/// Decodes one tile of at most `max_pixels`.
fn decode(data: Vec<u8>, max_pixels: u32) -> Result<Picture, PrepareError> {
    let decode_error = |error: Error| match error {
        Error::Again => PrepareError::Truncated(MediaType::Avif),
        Error::UnsupportedBitstream => {
            PrepareError::unsupported(MediaType::Avif, "a rare kind of compression")
        }
        _ => DAMAGED,
    };
    if data.is_empty() {
        return Err(PrepareError::Truncated(MediaType::Avif));
    }
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_frame_size_limit(max_pixels);
    // Only the best layer of a layered image.
    settings.set_all_layers(false);
    // Film grain would take a second buffer and does not help recognition.
    settings.set_apply_grain(false);
    let mut decoder = Decoder::with_settings(&settings).map_err(decode_error)?;
    match decoder.send_data(data, None, None, None) {
        Ok(()) | Err(Error::Again) => decoder.get_picture().map_err(decode_error),
        Err(error) => Err(decode_error(error)),
    }
}
