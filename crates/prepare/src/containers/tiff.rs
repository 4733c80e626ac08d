//! The directories of a TIFF: the tags of each page (TIFF 6.0, section 2; BigTIFF as in libtiff). Exif data has the same structure.

/// The most directories that are looked at, and the most entries of each. Real files have a few, hostile ones a cycle.
const MAX_DIRECTORIES: usize = 64;
const MAX_ENTRIES: u64 = 4096;

/// The most values of a tag that are read: the offsets of very many strips.
const MAX_VALUES: usize = 1 << 20;

/// The numbers of the tags (TIFF 6.0 and its supplements; Adobe DNG specification).
pub(crate) mod tag {
    pub(crate) const NEW_SUBFILE_TYPE: u16 = 254;
    pub(crate) const SUBFILE_TYPE: u16 = 255;
    pub(crate) const WIDTH: u16 = 256;
    pub(crate) const HEIGHT: u16 = 257;
    pub(crate) const BITS_PER_SAMPLE: u16 = 258;
    pub(crate) const COMPRESSION: u16 = 259;
    pub(crate) const PHOTOMETRIC: u16 = 262;
    pub(crate) const FILL_ORDER: u16 = 266;
    pub(crate) const MAKE: u16 = 271;
    pub(crate) const MODEL: u16 = 272;
    pub(crate) const STRIP_OFFSETS: u16 = 273;
    pub(crate) const ORIENTATION: u16 = 274;
    pub(crate) const SAMPLES_PER_PIXEL: u16 = 277;
    pub(crate) const ROWS_PER_STRIP: u16 = 278;
    pub(crate) const STRIP_BYTE_COUNTS: u16 = 279;
    pub(crate) const PLANAR_CONFIGURATION: u16 = 284;
    pub(crate) const T4_OPTIONS: u16 = 292;
    pub(crate) const DATE_TIME: u16 = 306;
    pub(crate) const PREDICTOR: u16 = 317;
    pub(crate) const COLOR_MAP: u16 = 320;
    pub(crate) const TILE_WIDTH: u16 = 322;
    pub(crate) const TILE_LENGTH: u16 = 323;
    pub(crate) const TILE_OFFSETS: u16 = 324;
    pub(crate) const TILE_BYTE_COUNTS: u16 = 325;
    pub(crate) const SUB_DIRECTORIES: u16 = 330;
    pub(crate) const INK_SET: u16 = 332;
    pub(crate) const EXTRA_SAMPLES: u16 = 338;
    pub(crate) const SAMPLE_FORMAT: u16 = 339;
    pub(crate) const JPEG_TABLES: u16 = 347;
    pub(crate) const JPEG_OFFSET: u16 = 513;
    pub(crate) const JPEG_LENGTH: u16 = 514;
    pub(crate) const YCBCR_COEFFICIENTS: u16 = 529;
    pub(crate) const YCBCR_SUBSAMPLING: u16 = 530;
    pub(crate) const REFERENCE_BLACK_WHITE: u16 = 532;
    pub(crate) const ICC_PROFILE: u16 = 34_675;
    /// The Exif directory, and the tags in it (Exif 2.32, "Tags Relating to Date and Time").
    pub(crate) const EXIF: u16 = 34_665;
    pub(crate) const DATE_TIME_ORIGINAL: u16 = 36_867;
    pub(crate) const DATE_TIME_DIGITIZED: u16 = 36_868;
    pub(crate) const OFFSET_TIME: u16 = 36_880;
    pub(crate) const OFFSET_TIME_ORIGINAL: u16 = 36_881;
    pub(crate) const OFFSET_TIME_DIGITIZED: u16 = 36_882;
    pub(crate) const DNG_VERSION: u16 = 50_706;
}

/// The tags of one page.
#[derive(Debug, Clone)]
pub(crate) struct Directory<'a> {
    file: &'a [u8],
    pub(crate) big_endian: bool,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// The offset of the values in the file.
    offset: usize,
}

/// The directories of a file.
#[derive(Debug)]
pub(crate) struct Directories<'a> {
    /// The pages in their order; at least one.
    pub(crate) pages: Vec<Directory<'a>>,
    /// The directories that belong to pages, each with the number of its page.
    pub(crate) children: Vec<(usize, Directory<'a>)>,
    /// The Exif directory of the first page.
    pub(crate) exif: Option<Directory<'a>>,
}

/// Reads all directories. `None` if the first one is not inside the file.
pub(crate) fn read(file: &[u8]) -> Option<Directories<'_>> {
    let big_endian = file.starts_with(b"MM");
    let reader = Reader { file, big_endian };
    let big = reader.number(2, 2)? == 43;
    let mut next = if big {
        reader.number(8, 8)?
    } else {
        reader.number(4, 4)?
    };
    let mut seen = Vec::new();
    let mut pages = Vec::new();
    while next != 0 && !seen.contains(&next) && seen.len() < MAX_DIRECTORIES {
        seen.push(next);
        let Some((directory, following)) = reader.directory(next, big) else {
            break;
        };
        pages.push(directory);
        next = following;
    }
    let mut children = Vec::new();
    for (number, page) in pages.iter().enumerate() {
        let offsets = page.first_values(tag::SUB_DIRECTORIES, MAX_DIRECTORIES);
        for offset in offsets.unwrap_or_default() {
            if seen.len() < MAX_DIRECTORIES && !seen.contains(&offset) {
                seen.push(offset);
                let child = reader.directory(offset, big);
                children.extend(child.map(|(child, _)| (number, child)));
            }
        }
    }
    let exif = pages
        .first()?
        .value(tag::EXIF)
        .and_then(|offset| reader.directory(offset, big))
        .map(|(exif, _)| exif);
    Some(Directories {
        pages,
        children,
        exif,
    })
}

/// Reads numbers in the byte order of a file.
#[derive(Clone, Copy)]
struct Reader<'a> {
    file: &'a [u8],
    big_endian: bool,
}

impl<'a> Reader<'a> {
    fn number(self, at: usize, size: usize) -> Option<u64> {
        let digits = self.file.get(at..at.checked_add(size)?)?;
        let add = |sum: u64, digit: &u8| sum << 8 | u64::from(*digit);
        Some(if self.big_endian {
            digits.iter().fold(0, add)
        } else {
            digits.iter().rev().fold(0, add)
        })
    }

    /// The directory at this offset, and the offset of the next one.
    fn directory(self, offset: u64, big: bool) -> Option<(Directory<'a>, u64)> {
        let at = usize::try_from(offset).ok()?;
        // A BigTIFF has 8 bytes for each offset and count.
        let (word, count_bytes) = if big { (8, 8) } else { (4, 2) };
        let count = self.number(at, count_bytes)?;
        let first = at.checked_add(count_bytes)?;
        // A tag, its type, a count, and the values or their offset.
        let length = 4 + 2 * word;
        let mut entries: Vec<Entry> = Vec::new();
        for index in 0..usize::try_from(count.min(MAX_ENTRIES)).ok()? {
            let entry = first + index * length;
            let Some(inline) = self.number(entry + 4 + word, word) else {
                break;
            };
            let (tag, kind) = (self.number(entry, 2)?, self.number(entry + 2, 2)?);
            let count = self.number(entry + 4, word)?;
            let bytes = count.saturating_mul(size_of(kind as u16) as u64);
            let offset = if bytes <= word as u64 {
                entry + 4 + word
            } else {
                usize::try_from(inline).unwrap_or(usize::MAX)
            };
            entries.push(Entry {
                tag: tag as u16,
                kind: kind as u16,
                count,
                offset,
            });
        }
        let next = usize::try_from(count)
            .ok()
            .and_then(|count| first.checked_add(count.checked_mul(length)?))
            .and_then(|end| self.number(end, word));
        (!entries.is_empty()).then_some((
            Directory {
                file: self.file,
                big_endian: self.big_endian,
                entries,
            },
            next.unwrap_or(0),
        ))
    }
}

/// The bytes of a value of this type; zero for an unknown type.
const fn size_of(kind: u16) -> usize {
    match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 | 17 | 18 => 8,
        _ => 0,
    }
}

impl<'a> Directory<'a> {
    fn entry(&self, tag: u16) -> Option<&Entry> {
        // As in libtiff, the first of several entries counts.
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    const fn reader(&self) -> Reader<'a> {
        Reader {
            file: self.file,
            big_endian: self.big_endian,
        }
    }

    pub(crate) fn has(&self, tag: u16) -> bool {
        self.entry(tag).is_some()
    }

    /// The unsigned whole numbers of a tag. `None` if it is missing, has another type, or its values are not inside the file.
    pub(crate) fn values(&self, tag: u16) -> Option<Vec<u64>> {
        (!self.has_too_many(tag)).then_some(())?;
        self.first_values(tag, MAX_VALUES)
    }

    /// Whether a tag has more values than are read.
    pub(crate) fn has_too_many(&self, tag: u16) -> bool {
        self.entry(tag)
            .is_some_and(|entry| entry.count > MAX_VALUES as u64)
    }

    /// Whether the values of a tag extend beyond the end of the file.
    pub(crate) fn is_cut(&self, tag: u16) -> bool {
        self.entry(tag).is_some_and(|entry| {
            let bytes = entry.count.saturating_mul(size_of(entry.kind) as u64);
            (entry.offset as u64).saturating_add(bytes) > self.file.len() as u64
        })
    }

    /// As [`values`](Self::values), but at most this many of any number.
    fn first_values(&self, tag: u16, most: usize) -> Option<Vec<u64>> {
        let entry = self.entry(tag)?;
        let size = match entry.kind {
            1 | 3 | 4 | 7 | 13 | 16 | 18 => size_of(entry.kind),
            _ => return None,
        };
        let count = usize::try_from(entry.count).unwrap_or(most);
        (0..count.min(most))
            .map(|index| {
                self.reader()
                    .number(entry.offset.checked_add(index * size)?, size)
            })
            .collect()
    }

    /// The first value of a tag.
    pub(crate) fn value(&self, tag: u16) -> Option<u64> {
        let entry = self.entry(tag).filter(|entry| entry.count > 0)?;
        match entry.kind {
            1 | 3 | 4 | 13 | 16 | 18 => self.reader().number(entry.offset, size_of(entry.kind)),
            _ => None,
        }
    }

    /// The first value of a tag, or `default` if it is missing.
    pub(crate) fn value_or(&self, tag: u16, default: u64) -> u64 {
        self.value(tag).unwrap_or(default)
    }

    /// The values of a tag with fractions.
    pub(crate) fn fractions(&self, tag: u16) -> Option<Vec<f32>> {
        let entry = self.entry(tag).filter(|entry| entry.count <= 16)?;
        let reader = self.reader();
        (0..entry.count as usize)
            .map(|index| {
                let at = entry.offset.checked_add(index * size_of(entry.kind))?;
                Some(match entry.kind {
                    5 => {
                        let (above, below) = (reader.number(at, 4)?, reader.number(at + 4, 4)?);
                        above as f32 / below.max(1) as f32
                    }
                    11 => f32::from_bits(reader.number(at, 4)? as u32),
                    3 | 4 => reader.number(at, size_of(entry.kind))? as f32,
                    _ => return None,
                })
            })
            .collect()
    }

    /// The bytes of a tag of at most `most` bytes.
    pub(crate) fn bytes(&self, tag: u16, most: usize) -> Option<&'a [u8]> {
        let entry = self.entry(tag)?;
        let length = usize::try_from(entry.count)
            .ok()?
            .checked_mul(size_of(entry.kind))?;
        (length <= most).then_some(())?;
        self.file
            .get(entry.offset..entry.offset.checked_add(length)?)
    }

    /// The text of a tag of at most `most` bytes, up to its first zero byte.
    pub(crate) fn text(&self, tag: u16, most: usize) -> Option<&'a str> {
        self.entry(tag).filter(|entry| entry.kind == 2)?;
        let text = self.bytes(tag, most)?.split(|byte| *byte == 0).next()?;
        std::str::from_utf8(text).ok()
    }

    /// The bytes of the file from an offset to its end.
    pub(crate) fn from(&self, offset: u64) -> Option<&'a [u8]> {
        self.file.get(usize::try_from(offset).ok()?..)
    }

    /// Whether the page is a smaller version of another one (TIFF 6.0, "NewSubfileType" and "SubfileType").
    pub(crate) fn is_preview(&self) -> bool {
        match self.value(tag::NEW_SUBFILE_TYPE) {
            Some(kind) => kind & 1 == 1,
            None => self.value(tag::SUBFILE_TYPE) == Some(2),
        }
    }

    /// Whether the page is a transparency mask of another one.
    pub(crate) fn is_mask(&self) -> bool {
        self.value(tag::NEW_SUBFILE_TYPE)
            .is_some_and(|kind| kind & 4 == 4)
    }

    /// Whether the page has values of a camera's sensor: a colour filter array or LinearRaw (Adobe DNG specification).
    pub(crate) fn is_raw(&self) -> bool {
        matches!(self.value(tag::PHOTOMETRIC), Some(32_803 | 34_892))
    }

    /// The number of pixels; zero if unknown.
    pub(crate) fn area(&self) -> u64 {
        self.value_or(tag::WIDTH, 0)
            .saturating_mul(self.value_or(tag::HEIGHT, 0))
    }
}

impl<'a> Directories<'a> {
    /// Whether the file is a camera's raw file: a DNG, a Canon CR2 (whose first bytes say so), or one with values of a sensor.
    fn is_raw_file(&self) -> bool {
        self.is_cr2()
            || self.pages.iter().any(|page| page.has(tag::DNG_VERSION))
            || self.all().any(Directory::is_raw)
    }

    /// Whether the file is a Canon CR2, whose main picture has none of the tags that describe one.
    pub(crate) fn is_cr2(&self) -> bool {
        let file = self.pages.first().map_or(&[][..], |page| page.file);
        file.get(8..)
            .is_some_and(|rest| rest.starts_with(b"CR\x02"))
    }

    fn all(&self) -> impl Iterator<Item = &Directory<'a>> {
        let children = self.children.iter().map(|(_, child)| child);
        self.pages.iter().chain(children)
    }

    /// The page to show: the first one. If that is a smaller version, the picture it belongs to: its largest child, or the next page.
    /// In a camera's raw file, the largest page. Smaller versions and masks are skipped.
    pub(crate) fn main(&self) -> Option<&Directory<'a>> {
        let first = self.pages.first()?;
        if !first.is_preview() && !self.is_raw_file() {
            return Some(first);
        }
        let is_main =
            |page: &&Directory<'a>| !page.is_preview() && !page.is_mask() && page.area() > 0;
        let main = if self.is_raw_file() {
            self.all().filter(is_main).max_by_key(|page| page.area())
        } else {
            let children = self.children.iter().filter(|(page, _)| *page == 0);
            children
                .map(|(_, child)| child)
                .filter(is_main)
                .max_by_key(|page| page.area())
                .or_else(|| self.pages.iter().find(is_main))
        };
        Some(
            main.filter(|page| page.area() >= first.area())
                .unwrap_or(first),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A big-endian directory of 32-bit values, which a next one follows at `next`.
    fn directory(entries: &[(u16, u32)], next: u32) -> Vec<u8> {
        let mut bytes = (entries.len() as u16).to_be_bytes().to_vec();
        for (tag, value) in entries {
            bytes.extend(tag.to_be_bytes());
            bytes.extend(b"\0\x04\0\0\0\x01");
            bytes.extend(value.to_be_bytes());
        }
        bytes.extend(next.to_be_bytes());
        bytes
    }

    fn file(directories: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = b"MM\0*\0\0\0\x10\0\0\0\0\0\0\0\0".to_vec();
        bytes.extend(directories.concat());
        bytes
    }

    #[test]
    fn a_preview_gives_way_to_the_main_picture() {
        let size = |width| [(tag::WIDTH, width), (tag::HEIGHT, 10)];
        let page =
            |first: &[(u16, u32)], width, next| directory(&[first, &size(width)].concat(), next);
        let width = |bytes: &[u8]| {
            read(bytes).and_then(|all| all.main().and_then(|page| page.value(tag::WIDTH)))
        };
        let second = 16 + page(&[(254, 1)], 10, 0).len() as u32;
        // A smaller version comes first; in the next page, or as a child.
        let preview = page(&[(254, 1)], 10, second);
        assert_eq!(width(&file(&[preview, page(&[(254, 0)], 80, 0)])), Some(80));
        let old = page(&[(255, 2)], 10, second);
        assert_eq!(width(&file(&[old, page(&[(254, 0)], 80, 0)])), Some(80));
        let child = 16 + page(&[(254, 1), (330, 0)], 10, 0).len() as u32;
        let parent = page(&[(254, 1), (330, child)], 10, 0);
        assert_eq!(width(&file(&[parent, page(&[(254, 0)], 80, 0)])), Some(80));
        // The next page is the main picture, not a larger one behind it.
        let third = second + page(&[(254, 0)], 80, 0).len() as u32;
        let preview = page(&[(254, 1)], 10, second);
        let next = page(&[(254, 0)], 80, third);
        let pages = [preview, next, page(&[(254, 0)], 90, 0)];
        assert_eq!(width(&file(&pages)), Some(80));
        // Pages of a document are in their order, however large; so is a preview alone.
        let letter = page(&[(254, 2)], 10, second);
        assert_eq!(width(&file(&[letter, page(&[(254, 2)], 80, 0)])), Some(10));
        assert_eq!(width(&file(&[page(&[(254, 1)], 10, 16)])), Some(10));
        // A raw file's first page is not the main picture even where nothing says so.
        let preview = page(&[(262, 2)], 10, second);
        assert_eq!(
            width(&file(&[preview, page(&[(262, 32_803)], 80, 0)])),
            Some(80)
        );
    }

    #[test]
    fn only_the_first_of_very_many_children_are_read() {
        let count = 1_u32 << 20;
        let mut bytes = b"MM\0*\0\0\0\x08\0\x01\x01\x4A\0\x04".to_vec();
        bytes.extend(count.to_be_bytes());
        bytes.extend(26_u32.to_be_bytes());
        bytes.extend([0; 4]);
        // Each child is where its number says: entries of zeros.
        bytes.extend((0..count).flat_map(|index| (30 + index * 4).to_be_bytes()));
        let all = read(&bytes).unwrap();
        assert!(
            all.children.len() < MAX_DIRECTORIES,
            "{}",
            all.children.len()
        );
        assert_eq!(all.pages[0].values(tag::SUB_DIRECTORIES).unwrap()[1], 34);
        let beyond = &bytes[..bytes.len() - 1];
        assert!(read(beyond).unwrap().pages[0].is_cut(tag::SUB_DIRECTORIES));
        assert!(!all.pages[0].is_cut(tag::SUB_DIRECTORIES));
    }

    #[test]
    fn damaged_directories_are_read_as_far_as_possible() {
        let whole = file(&[directory(&[(256, 7), (257, 9)], 0)]);
        for length in 0..whole.len() {
            let _ = read(&whole[..length]);
        }
        let mut many = whole.clone();
        many[16..18].fill(0xFF);
        let all = read(&many).unwrap();
        assert_eq!(all.pages[0].value(tag::HEIGHT), Some(9));
        let mut far = whole;
        far[4..8].fill(0xFF);
        assert!(read(&far).is_none());
    }

    #[test]
    fn reads_both_byte_orders_and_a_bigtiff() {
        let mut big = b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0".to_vec();
        big.extend(b"\x06\x01\x03\0\x02\0\0\0\0\0\0\0\x05\0\x06\0\0\0\0\0");
        let all = read(&big).unwrap();
        assert_eq!(all.pages[0].values(tag::PHOTOMETRIC), Some(vec![5, 6]));
        assert_eq!(all.pages[0].values(tag::WIDTH), None);
    }
}
