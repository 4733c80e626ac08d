//! The item boxes of an AVIF file: which pieces of coded data make up the picture, its transparency,
//! its colours, and how it is to be turned (ISO/IEC 14496-12, "The meta box" and its children;
//! ISO/IEC 23008-12, "Image properties" and "Image grid derivation"; AVIF specification 1.1).

use std::borrow::Cow;

use image::metadata::Orientation;

/// The picture of a file.
pub(super) struct Still<'a> {
    pub(super) colour: Coded<'a>,
    /// A grey picture of the same size.
    pub(super) alpha: Option<Coded<'a>>,
    /// Whether the colours have been multiplied by the transparency.
    pub(super) premultiplied: bool,
    pub(super) orientation: Orientation,
    pub(super) icc: Option<&'a [u8]>,
    pub(super) code_points: Option<CodePoints>,
}

/// Coded pictures that lie side by side, row by row.
pub(super) struct Coded<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    /// How many side by side.
    pub(super) across: u32,
    /// AV1 data of each.
    pub(super) tiles: Vec<Cow<'a, [u8]>>,
}

/// What the numbers mean (ITU-T H.273).
#[derive(Debug, Clone, Copy)]
pub(super) struct CodePoints {
    pub(super) primaries: u16,
    pub(super) matrix: u16,
    pub(super) full_range: bool,
}

/// The most items, pieces of items and references that are read. Grids of the largest pictures have some hundred; a few
/// bytes are enough to claim one, and each is looked for among the others.
const MAX_ITEMS: usize = 10_000;

/// The largest meta box that is read, in bytes: a colour profile and some small items.
const MAX_META_BYTES: usize = 8 * 1024 * 1024;

/// Reads the boxes; `None` where they contradict each other or end too early.
pub(super) fn read(file: &[u8]) -> Option<Still<'_>> {
    let meta = boxes(file).find(|(kind, _)| *kind == b"meta")?.1;
    (meta.len() <= MAX_META_BYTES).then_some(())?;
    let meta = Meta::read(file, meta)?;
    let primary = meta.primary;
    let colour = meta.coded(primary)?;
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
    let mut still = Still {
        alpha: alpha
            .and_then(|alpha| meta.coded(alpha))
            .filter(|alpha| (alpha.width, alpha.height) == (colour.width, colour.height)),
        colour,
        premultiplied,
        orientation: Orientation::NoTransforms,
        icc: None,
        code_points: None,
    };
    let (mut quarters, mut mirror) = (0, None);
    for (kind, mut body) in meta.properties(primary) {
        match kind {
            b"irot" => quarters = body.number(1)? & 3,
            b"imir" => mirror = Some(body.number(1)? & 1),
            b"colr" => match body.take(4)? {
                b"nclx" => {
                    let (primaries, _, matrix) =
                        (body.number(2)?, body.number(2)?, body.number(2)?);
                    still.code_points = Some(CodePoints {
                        primaries: u16::try_from(primaries).ok()?,
                        matrix: u16::try_from(matrix).ok()?,
                        full_range: body.number(1)? & 0x80 != 0,
                    });
                }
                b"prof" | b"rICC" => still.icc = Some(body.0),
                _ => {}
            },
            _ => {}
        }
    }
    // First quarter turns against the clock, then top and bottom (0) or left and right (1) change
    // places; as Exif says the same.
    still.orientation = match (quarters, mirror) {
        (1, None) => Orientation::Rotate270,
        (2, None) => Orientation::Rotate180,
        (3, None) => Orientation::Rotate90,
        (0, Some(0)) | (2, Some(1)) => Orientation::FlipVertical,
        (0, Some(_)) | (2, Some(_)) => Orientation::FlipHorizontal,
        (1, Some(0)) | (3, Some(1)) => Orientation::Rotate90FlipH,
        (1, Some(_)) | (3, Some(_)) => Orientation::Rotate270FlipH,
        _ => Orientation::NoTransforms,
    };
    Some(still)
}

fn is_alpha((kind, mut body): (&[u8; 4], Bytes<'_>)) -> bool {
    kind == b"auxC"
        && body.number(4).is_some()
        && body
            .0
            .starts_with(b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
}

/// The meta box, taken apart.
struct Meta<'a> {
    file: &'a [u8],
    item_data: &'a [u8],
    primary: u32,
    items: Vec<(u32, [u8; 4])>,
    locations: Vec<Location>,
    references: Vec<Reference>,
    properties: Vec<(&'a [u8; 4], &'a [u8])>,
    /// Items and the places of their properties, counted from one.
    associations: Vec<(u32, Vec<u16>)>,
}

struct Location {
    item: u32,
    /// Whether offsets count from the start of the item data box.
    in_item_data: bool,
    extents: Vec<(u64, u64)>,
}

struct Reference {
    kind: [u8; 4],
    from: u32,
    to: Vec<u32>,
}

impl<'a> Meta<'a> {
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
        for (kind, body) in boxes(body.get(4..)?) {
            let mut bytes = Bytes(body);
            match kind {
                b"idat" => meta.item_data = body,
                b"pitm" => {
                    let (version, _) = bytes.version()?;
                    meta.primary = bytes.number32(if version == 0 { 2 } else { 4 })?;
                }
                b"iinf" => {
                    let (version, _) = bytes.version()?;
                    bytes.number(if version == 0 { 2 } else { 4 })?;
                    meta.items = boxes(bytes.0)
                        .filter(|(kind, _)| *kind == b"infe")
                        .filter_map(|(_, body)| item(Bytes(body)))
                        .collect();
                }
                b"iloc" => meta.locations = locations(bytes)?,
                b"iref" => {
                    let (version, _) = bytes.version()?;
                    let id = if version == 0 { 2 } else { 4 };
                    meta.references = boxes(bytes.0)
                        .filter_map(|(kind, body)| reference(*kind, Bytes(body), id))
                        .collect();
                }
                b"iprp" => {
                    for (kind, body) in boxes(body) {
                        match kind {
                            b"ipco" => meta.properties = boxes(body).collect(),
                            b"ipma" => meta.associations.extend(associations(Bytes(body))?),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        let most = [
            meta.items.len(),
            meta.references.len(),
            meta.associations.len(),
        ];
        most.iter().all(|items| *items <= MAX_ITEMS).then_some(meta)
    }

    fn kind(&self, item: u32) -> Option<&[u8; 4]> {
        let (_, kind) = self.items.iter().find(|(id, _)| *id == item)?;
        Some(kind)
    }

    fn properties(&self, item: u32) -> impl Iterator<Item = (&'a [u8; 4], Bytes<'a>)> + '_ {
        self.associations
            .iter()
            .filter(move |(id, _)| *id == item)
            .flat_map(|(_, places)| places)
            .filter_map(|place| self.properties.get(usize::from(*place).checked_sub(1)?))
            .map(|(kind, body)| (*kind, Bytes(body)))
    }

    /// The data of an item, in one piece.
    fn data(&self, item: u32) -> Option<Cow<'a, [u8]>> {
        let location = self.locations.iter().find(|place| place.item == item)?;
        let source = if location.in_item_data {
            self.item_data
        } else {
            self.file
        };
        let piece = |(offset, length): &(u64, u64)| {
            let rest = source.get(usize::try_from(*offset).ok()?..)?;
            match usize::try_from(*length).ok()? {
                0 => Some(rest),
                length => rest.get(..length),
            }
        };
        if let [only] = location.extents.as_slice() {
            return piece(only).map(Cow::Borrowed);
        }
        let mut whole = Vec::new();
        for extent in &location.extents {
            whole.extend_from_slice(piece(extent)?);
            // Pieces do not overlap in an honest file.
            if whole.len() > self.file.len() {
                return None;
            }
        }
        Some(Cow::Owned(whole))
    }

    /// A picture that is one coded item, or a grid of them.
    fn coded(&self, item: u32) -> Option<Coded<'a>> {
        if self.kind(item)? == b"grid" {
            let data = self.data(item)?;
            let mut bytes = Bytes(&data);
            bytes.number(1)?;
            let large = bytes.number(1)? & 1 == 1;
            let (down, across) = (bytes.number32(1)? + 1, bytes.number32(1)? + 1);
            let side = if large { 4 } else { 2 };
            let (width, height) = (bytes.number32(side)?, bytes.number32(side)?);
            let parts = &self
                .references
                .iter()
                .find(|reference| &reference.kind == b"dimg" && reference.from == item)?
                .to;
            let whole = parts.len() == across as usize * down as usize;
            (whole && parts.len() <= MAX_ITEMS && width > 0 && height > 0).then_some(())?;
            // The same piece of the file is not in several tiles, or a small file would become a large one.
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
            return Some(Coded {
                width,
                height,
                across,
                tiles,
            });
        }
        let (_, mut size) = self.properties(item).find(|(kind, _)| *kind == b"ispe")?;
        size.number(4)?;
        let (width, height) = (size.number32(4)?, size.number32(4)?);
        (self.kind(item)? == b"av01" && width > 0 && height > 0).then_some(Coded {
            width,
            height,
            across: 1,
            tiles: vec![self.data(item)?],
        })
    }
}

fn item(mut bytes: Bytes<'_>) -> Option<(u32, [u8; 4])> {
    let (version, _) = bytes.version()?;
    let id = bytes.number32(if version == 2 { 2 } else { 4 })?;
    bytes.number(2)?;
    let kind = bytes.0.first_chunk::<4>()?;
    (version >= 2).then_some((id, *kind))
}

fn reference(kind: [u8; 4], mut bytes: Bytes<'_>, id: usize) -> Option<Reference> {
    let from = bytes.number32(id)?;
    let count = bytes.number(2)?;
    let to = (0..count)
        .map(|_| bytes.number32(id))
        .collect::<Option<_>>()?;
    Some(Reference { kind, from, to })
}

fn locations(mut bytes: Bytes<'_>) -> Option<Vec<Location>> {
    let (version, _) = bytes.version()?;
    let sizes = bytes.number(2)? as usize;
    let (offset, length, base, index) = (
        sizes >> 12,
        sizes >> 8 & 15,
        sizes >> 4 & 15,
        if version == 0 { 0 } else { sizes & 15 },
    );
    let count = bytes.number(if version < 2 { 2 } else { 4 })?;
    let mut locations = Vec::new();
    let mut left = MAX_ITEMS as u64;
    for _ in 0..count {
        let item = bytes.number32(if version < 2 { 2 } else { 4 })?;
        let method = if version == 0 {
            0
        } else {
            bytes.number(2)? & 15
        };
        bytes.number(2)?;
        let start = bytes.number(base)?;
        let pieces = bytes.number(2)?;
        // An item without pieces counts as one.
        left = left.checked_sub(pieces.max(1))?;
        let mut extents = Vec::new();
        for _ in 0..pieces {
            bytes.number(index)?;
            let (offset, length) = (bytes.number(offset)?, bytes.number(length)?);
            extents.push((start.checked_add(offset)?, length));
        }
        // Method 2 counts from other items; no AVIF has it.
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

fn associations(mut bytes: Bytes<'_>) -> Option<Vec<(u32, Vec<u16>)>> {
    let (version, flags) = bytes.version()?;
    let count = bytes.number(4)?;
    (count <= MAX_ITEMS as u64).then_some(())?;
    let mut all = Vec::new();
    for _ in 0..count {
        let item = bytes.number32(if version == 0 { 2 } else { 4 })?;
        let places = bytes.number(1)?;
        let places = (0..places)
            .map(|_| {
                // The highest bit says whether the property must be understood.
                if flags & 1 == 1 {
                    bytes.number(2).map(|place| (place & 0x7FFF) as u16)
                } else {
                    bytes.number(1).map(|place| (place & 0x7F) as u16)
                }
            })
            .collect::<Option<_>>()?;
        all.push((item, places));
    }
    Some(all)
}

/// The boxes in a body, up to where one reaches beyond it.
fn boxes(mut body: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (length, rest) = body.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let (length, header, rest) = match u32::from_be_bytes(*length) {
            // To the end.
            0 => (body.len(), 8, rest),
            1 => {
                let (length, rest) = rest.split_first_chunk::<8>()?;
                (usize::try_from(u64::from_be_bytes(*length)).ok()?, 16, rest)
            }
            length => (length as usize, 8, rest),
        };
        let (inner, after) = rest.split_at_checked(length.checked_sub(header)?)?;
        body = after;
        Some((kind, inner))
    })
}

/// Bytes that are read from the front.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of so many bytes, the highest first.
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

    /// The version and the flags of a full box.
    fn version(&mut self) -> Option<(u64, u64)> {
        Some((self.number(1)?, self.number(3)?))
    }
}
