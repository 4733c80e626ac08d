//! The format of a file, by its first bytes.

use crate::{
    containers::{isobmff::Boxes, png},
    media::MediaType,
};

/// The format by its magic number, whatever a content type or file name says.
pub(crate) fn detect(file: &[u8]) -> Option<MediaType> {
    let at = |offset: usize, magic: &[u8]| {
        file.get(offset..)
            .is_some_and(|rest| rest.starts_with(magic))
    };
    if at(0, b"\xFF\xD8\xFF") {
        Some(MediaType::Jpeg)
    } else if at(0, png::SIGNATURE) {
        Some(MediaType::Png)
    } else if at(0, b"GIF87a") || at(0, b"GIF89a") {
        Some(MediaType::Gif)
    } else if at(0, b"RIFF") && at(8, b"WEBP") {
        Some(MediaType::Webp)
    } else if [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"]
        .iter()
        .any(|magic| at(0, *magic))
    {
        Some(MediaType::Tiff)
    } else if at(0, b"BM") && (at(6, &[0; 4]) || at(15, &[0; 3])) {
        // Two letters prove little; the four reserved bytes are nearly always zero, and headers are always shorter than 256 bytes.
        Some(MediaType::Bmp)
    } else {
        let first = Boxes::new(file).next()?;
        (first.kind == b"ftyp").then_some(())?;
        iso_media(first.body)
    }
}

/// AVIF or HEIC by the body of the file type box: a major brand, a version, then any number of compatible brands (ISO/IEC
/// 14496-12, "File Type Box"; AVIF specification, "Brands"; ISO/IEC 23008-12, annex B). Generic brands such as `mif1` may come
/// first.
fn iso_media(file_type: &[u8]) -> Option<MediaType> {
    let (major, rest) = file_type.split_at_checked(4)?;
    let compatible = rest.get(4..).unwrap_or_default().chunks_exact(4);
    std::iter::once(major)
        .chain(compatible)
        .find_map(|brand| match brand {
            b"avif" | b"avis" | b"avio" | b"MA1A" | b"MA1B" => Some(MediaType::Avif),
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => {
                Some(MediaType::Heic)
            }
            _ => None,
        })
}
