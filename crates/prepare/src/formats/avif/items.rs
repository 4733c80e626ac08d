//! The items of an AVIF file: the coded data of the primary image and its alpha plane, its colour space and orientation (ISO/IEC
//! 14496-12, "The meta box" and its children; ISO/IEC 23008-12, "Image properties" and "Image grid derivation"; AVIF specification
//! 1.1).

use std::borrow::Cow;

use crate::{containers::isobmff::Boxes, orientation::Orientation};

/// The primary image of a file.
pub(super) struct PrimaryImage<'a> {
    pub(super) colour: TileGrid<'a>,
    /// A grey image of the same size.
    pub(super) alpha: Option<TileGrid<'a>>,
    /// Whether the colours are multiplied by alpha.
    pub(super) premultiplied: bool,
    pub(super) orientation: Orientation,
    pub(super) icc: Option<&'a [u8]>,
    pub(super) code_points: Option<CodePoints>,
}

/// An image of one or more coded tiles, row by row.
pub(super) struct TileGrid<'a> {
    /// Width of the image in pixels.
    pub(super) width: u32,
    /// Height of the image in pixels.
    pub(super) height: u32,
    /// Tiles in a row.
    pub(super) columns: u32,
    /// The AV1 data of each tile.
    pub(super) tiles: Vec<Cow<'a, [u8]>>,
}

/// The coding-independent code points of the colour space (ITU-T H.273).
#[derive(Debug, Clone, Copy)]
pub(super) struct CodePoints {
    pub(super) primaries: u16,
    pub(super) transfer: u16,
    pub(super) matrix: u16,
    pub(super) full_range: bool,
}

/// The most items, extents and references that are read. Grids of the largest pictures have a few hundred. A few bytes can claim
/// one, and the lookups are linear.
const MAX_ITEMS: usize = 10_000;

/// The largest meta box that is read, in bytes. It holds a colour profile and small items.
const MAX_META_BYTES: usize = 8 * 1024 * 1024;

/// The Exif data of the primary image (ISO/IEC 23008-12, "Exif metadata"): an item that describes it, behind the offset of the data.
pub(crate) fn exif(file: &[u8]) -> Option<Cow<'_, [u8]>> {
    let meta = Meta::of(file)?;
    let describes = |item: u32| {
        meta.references.iter().any(|reference| {
            &reference.kind == b"cdsc"
                && reference.from == item
                && reference.to.contains(&meta.primary)
        })
    };
    let (item, _) = (meta.items.iter()).find(|(id, kind)| kind == b"Exif" && describes(*id))?;
    let skip = |data: &[u8]| {
        let mut reader = Reader(data);
        let offset = usize::try_from(reader.number(4)?).ok()?;
        4_usize
            .checked_add(offset)
            .filter(|start| *start <= data.len())
    };
    Some(match meta.data(*item)? {
        Cow::Borrowed(data) => Cow::Borrowed(data.get(skip(data)?..)?),
        Cow::Owned(mut data) => {
            data.drain(..skip(&data)?);
            Cow::Owned(data)
        }
    })
}

/// Reads the boxes. `None` if they contradict each other or end too early.
pub(super) fn read(file: &[u8]) -> Option<PrimaryImage<'_>> {
    let meta = Meta::of(file)?;
    let primary = meta.primary;
    let colour = meta.tiles(primary)?;
    let alpha = meta
        .references
        .iter()
        .find(|reference| {
            &reference.kind == b"auxl"
                && reference.to.contains(&primary)
                && meta.properties(reference.from).any(is_alpha)
        })
        .map(|reference| reference.from);
    let premultiplied = meta.references.iter().any(|reference| {
        &reference.kind == b"prem" && reference.from == primary && alpha.is_some()
    });
    let mut image = PrimaryImage {
        alpha: alpha
            .and_then(|alpha| meta.tiles(alpha))
            .filter(|alpha| (alpha.width, alpha.height) == (colour.width, colour.height)),
        colour,
        premultiplied,
        orientation: Orientation::NoTransforms,
        icc: None,
        code_points: None,
    };
    let (mut rotation, mut mirror) = (0, None);
    for (kind, mut body) in meta.properties(primary) {
        match kind {
            b"irot" => rotation = body.number(1)? & 3,
            b"imir" => mirror = Some(body.number(1)? & 1),
            b"colr" => match body.take(4)? {
                b"nclx" => image.code_points = Some(CodePoints::read(body)?),
                b"prof" | b"rICC" => image.icc = Some(body.0),
                _ => {}
            },
            _ => {}
        }
    }
    image.orientation = orientation(rotation, mirror);
    Some(image)
}

/// From quarter turns anticlockwise, then a mirror that swaps top and bottom (0) or left and right (1).
const fn orientation(rotation: u64, mirror: Option<u64>) -> Orientation {
    match (rotation, mirror) {
        (1, None) => Orientation::Rotate270,
        (2, None) => Orientation::Rotate180,
        (3, None) => Orientation::Rotate90,
        (0, Some(0)) | (2, Some(1)) => Orientation::FlipVertical,
        (0, Some(_)) | (2, Some(_)) => Orientation::FlipHorizontal,
        (1, Some(0)) | (3, Some(1)) => Orientation::Rotate90FlipH,
        (1, Some(_)) | (3, Some(_)) => Orientation::Rotate270FlipH,
        _ => Orientation::NoTransforms,
    }
}

impl CodePoints {
    fn read(mut nclx: Reader<'_>) -> Option<Self> {
        let (primaries, transfer, matrix) = (nclx.number(2)?, nclx.number(2)?, nclx.number(2)?);
        Some(Self {
            primaries: u16::try_from(primaries).ok()?,
            transfer: u16::try_from(transfer).ok()?,
            matrix: u16::try_from(matrix).ok()?,
            full_range: nclx.number(1)? & 0x80 != 0,
        })
    }
}

fn is_alpha((kind, mut body): (&[u8; 4], Reader<'_>)) -> bool {
    kind == b"auxC"
        && body.number(4).is_some()
        && body
            .0
            .starts_with(b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
}

/// The content of the meta box.
struct Meta<'a> {
    file: &'a [u8],
    item_data: &'a [u8],
    primary: u32,
    items: Vec<(u32, [u8; 4])>,
    locations: Vec<Location>,
    references: Vec<Reference>,
    properties: Vec<(&'a [u8; 4], &'a [u8])>,
    /// Items and the indices of their properties, starting at one.
    associations: Vec<(u32, Vec<u16>)>,
}

struct Location {
    item: u32,
    /// Whether offsets are relative to the item data box.
    in_item_data: bool,
    /// Offsets and lengths.
    extents: Vec<(u64, u64)>,
}

struct Reference {
    kind: [u8; 4],
    from: u32,
    to: Vec<u32>,
}

impl<'a> Meta<'a> {
    /// The content of a file's meta box.
    fn of(file: &'a [u8]) -> Option<Self> {
        let (_, meta) = Boxes::new(file)
            .complete()
            .find(|(kind, _)| *kind == b"meta")?;
        (meta.len() <= MAX_META_BYTES).then_some(())?;
        Self::read(file, meta)
    }

    fn read(file: &'a [u8], body: &'a [u8]) -> Option<Self> {
        let mut meta = Self {
            file,
            item_data: &[],
            primary: 0,
            items: Vec::new(),
            locations: Vec::new(),
            references: Vec::new(),
            properties: Vec::new(),
            associations: Vec::new(),
        };
        for (kind, body) in Boxes::new(body.get(4..)?).complete() {
            let mut reader = Reader(body);
            match kind {
                b"idat" => meta.item_data = body,
                b"pitm" => {
                    let (version, _) = reader.version()?;
                    meta.primary = reader.number32(if version == 0 { 2 } else { 4 })?;
                }
                b"iinf" => {
                    let (version, _) = reader.version()?;
                    reader.number(if version == 0 { 2 } else { 4 })?;
                    meta.items = Boxes::new(reader.0)
                        .complete()
                        .filter(|(kind, _)| *kind == b"infe")
                        .filter_map(|(_, body)| item(Reader(body)))
                        .collect();
                }
                b"iloc" => meta.locations = locations(reader)?,
                b"iref" => {
                    let (version, _) = reader.version()?;
                    let id = if version == 0 { 2 } else { 4 };
                    meta.references = Boxes::new(reader.0)
                        .complete()
                        .filter_map(|(kind, body)| reference(*kind, Reader(body), id))
                        .collect();
                }
                b"iprp" => {
                    for (kind, body) in Boxes::new(body).complete() {
                        match kind {
                            b"ipco" => meta.properties = Boxes::new(body).complete().collect(),
                            b"ipma" => meta.associations.extend(associations(Reader(body))?),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        let counts = [
            meta.items.len(),
            meta.references.len(),
            meta.associations.len(),
        ];
        counts
            .iter()
            .all(|count| *count <= MAX_ITEMS)
            .then_some(meta)
    }

    fn kind(&self, item: u32) -> Option<&[u8; 4]> {
        let (_, kind) = self.items.iter().find(|(id, _)| *id == item)?;
        Some(kind)
    }

    fn properties(&self, item: u32) -> impl Iterator<Item = (&'a [u8; 4], Reader<'a>)> + '_ {
        self.associations
            .iter()
            .filter(move |(id, _)| *id == item)
            .flat_map(|(_, indices)| indices)
            .filter_map(|index| self.properties.get(usize::from(*index).checked_sub(1)?))
            .map(|(kind, body)| (*kind, Reader(body)))
    }

    /// The data of an item, with its extents joined.
    fn data(&self, item: u32) -> Option<Cow<'a, [u8]>> {
        let location = self
            .locations
            .iter()
            .find(|location| location.item == item)?;
        let source = if location.in_item_data {
            self.item_data
        } else {
            self.file
        };
        let extent = |(offset, length): &(u64, u64)| {
            let rest = source.get(usize::try_from(*offset).ok()?..)?;
            match usize::try_from(*length).ok()? {
                0 => Some(rest),
                length => rest.get(..length),
            }
        };
        if let [only] = location.extents.as_slice() {
            return extent(only).map(Cow::Borrowed);
        }
        let mut whole = Vec::new();
        for range in &location.extents {
            whole.extend_from_slice(extent(range)?);
            // Extents overlap only in a hostile file.
            if whole.len() > self.file.len() {
                return None;
            }
        }
        Some(Cow::Owned(whole))
    }

    /// The tiles of an image item: one coded image, or a grid of them.
    fn tiles(&self, item: u32) -> Option<TileGrid<'a>> {
        if self.kind(item)? == b"grid" {
            let data = self.data(item)?;
            let mut reader = Reader(&data);
            reader.number(1)?;
            let large = reader.number(1)? & 1 == 1;
            let (rows, columns) = (reader.number32(1)? + 1, reader.number32(1)? + 1);
            let side = if large { 4 } else { 2 };
            let (width, height) = (reader.number32(side)?, reader.number32(side)?);
            let parts = &self
                .references
                .iter()
                .find(|reference| &reference.kind == b"dimg" && reference.from == item)?
                .to;
            let complete = parts.len() == columns as usize * rows as usize;
            (complete && parts.len() <= MAX_ITEMS && width > 0 && height > 0).then_some(())?;
            // Tiles must not share data, or a small file could become a huge picture.
            let mut left = self.file.len();
            let tiles = parts
                .iter()
                .map(|tile| {
                    (self.kind(*tile)? == b"av01").then_some(())?;
                    let data = self.data(*tile)?;
                    left = left.checked_sub(data.len())?;
                    Some(data)
                })
                .collect::<Option<_>>()?;
            return Some(TileGrid {
                width,
                height,
                columns,
                tiles,
            });
        }
        let (_, mut size) = self.properties(item).find(|(kind, _)| *kind == b"ispe")?;
        size.number(4)?;
        let (width, height) = (size.number32(4)?, size.number32(4)?);
        (self.kind(item)? == b"av01" && width > 0 && height > 0).then_some(TileGrid {
            width,
            height,
            columns: 1,
            tiles: vec![self.data(item)?],
        })
    }
}

fn item(mut reader: Reader<'_>) -> Option<(u32, [u8; 4])> {
    let (version, _) = reader.version()?;
    let id = reader.number32(if version == 2 { 2 } else { 4 })?;
    reader.number(2)?;
    let kind = reader.0.first_chunk::<4>()?;
    (version >= 2).then_some((id, *kind))
}

/// `id_bytes` is the size of item ids.
fn reference(kind: [u8; 4], mut reader: Reader<'_>, id_bytes: usize) -> Option<Reference> {
    let from = reader.number32(id_bytes)?;
    let count = reader.number(2)?;
    let to = (0..count)
        .map(|_| reader.number32(id_bytes))
        .collect::<Option<_>>()?;
    Some(Reference { kind, from, to })
}

fn locations(mut reader: Reader<'_>) -> Option<Vec<Location>> {
    let (version, _) = reader.version()?;
    let sizes = reader.number(2)? as usize;
    let (offset_bytes, length_bytes, base_bytes, index_bytes) = (
        sizes >> 12,
        sizes >> 8 & 15,
        sizes >> 4 & 15,
        if version == 0 { 0 } else { sizes & 15 },
    );
    let count = reader.number(if version < 2 { 2 } else { 4 })?;
    let mut locations = Vec::new();
    let mut left = MAX_ITEMS as u64;
    for _ in 0..count {
        let item = reader.number32(if version < 2 { 2 } else { 4 })?;
        let method = if version == 0 {
            0
        } else {
            reader.number(2)? & 15
        };
        reader.number(2)?;
        let base = reader.number(base_bytes)?;
        let count = reader.number(2)?;
        // An item without extents counts as one.
        left = left.checked_sub(count.max(1))?;
        let mut extents = Vec::new();
        for _ in 0..count {
            reader.number(index_bytes)?;
            let (offset, length) = (reader.number(offset_bytes)?, reader.number(length_bytes)?);
            extents.push((base.checked_add(offset)?, length));
        }
        // Method 2 is relative to other items; AVIF does not use it.
        if method < 2 {
            locations.push(Location {
                item,
                in_item_data: method == 1,
                extents,
            });
        }
    }
    Some(locations)
}

fn associations(mut reader: Reader<'_>) -> Option<Vec<(u32, Vec<u16>)>> {
    let (version, flags) = reader.version()?;
    let count = reader.number(4)?;
    (count <= MAX_ITEMS as u64).then_some(())?;
    let mut all = Vec::new();
    for _ in 0..count {
        let item = reader.number32(if version == 0 { 2 } else { 4 })?;
        let count = reader.number(1)?;
        let indices = (0..count)
            .map(|_| {
                // The highest bit marks the property as essential.
                if flags & 1 == 1 {
                    reader.number(2).map(|index| (index & 0x7FFF) as u16)
                } else {
                    reader.number(1).map(|index| (index & 0x7F) as u16)
                }
            })
            .collect::<Option<_>>()?;
        all.push((item, indices));
    }
    Some(all)
}

/// Reads big-endian numbers from the front of a slice.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of up to 8 bytes.
    fn number(&mut self, bytes: usize) -> Option<u64> {
        (bytes <= 8).then_some(())?;
        Some(
            self.take(bytes)?
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        )
    }

    fn number32(&mut self, bytes: usize) -> Option<u32> {
        u32::try_from(self.number(bytes)?).ok()
    }

    /// The version and flags of a full box.
    fn version(&mut self) -> Option<(u64, u64)> {
        Some((self.number(1)?, self.number(3)?))
    }
}
