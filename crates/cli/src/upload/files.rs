//! Finds the files to upload, and reads what the upload needs to know of each.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use sightline_pipeline::{
    MediaType,
    prepare::{HeaderError, read_header},
};
use walkdir::WalkDir;

use crate::special_file::special;

/// The extensions of pictures in folders. A file that is named itself may have any name.
const EXTENSIONS: [&str; 13] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic",
    "heif",
];

/// The files that the arguments name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Each file once, in the order of the arguments. Files of a folder or pattern are sorted by name.
    pub(super) files: Vec<PathBuf>,
    /// Paths that do not exist or cannot be read, and why.
    pub(super) missing: Vec<(PathBuf, String)>,
}

/// The content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    /// The format, by the bytes and not by the name.
    pub(super) media: MediaType,
    /// Length in bytes.
    pub(super) length: u64,
    /// SHA-256 in 64 hexadecimal digits.
    pub(super) sha256: String,
}

/// Finds the files. A folder stands for the pictures in it and its subfolders, without hidden ones. A path that does not
/// exist is a pattern if it contains `*`, `?` or `[`.
pub(super) fn find(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    let mut seen = std::collections::HashSet::new();
    for path in paths {
        let (files, missing) = expand(path);
        for file in files {
            // A file with two names is uploaded once.
            let identity = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            if seen.insert(identity) {
                found.files.push(file);
            }
        }
        found.missing.extend(missing);
    }
    found
}

fn expand(path: &Path) -> (Vec<PathBuf>, Vec<(PathBuf, String)>) {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => walk(path),
        Ok(metadata) => match special(metadata.file_type()) {
            None => (vec![path.to_owned()], Vec::new()),
            Some(reason) => (Vec::new(), vec![(path.to_owned(), reason)]),
        },
        Err(error) => match path.to_str().filter(|text| text.contains(['*', '?', '['])) {
            Some(pattern) => matching(pattern),
            None => (Vec::new(), vec![(path.to_owned(), reason(&error))]),
        },
    }
}

fn walk(folder: &Path) -> (Vec<PathBuf>, Vec<(PathBuf, String)>) {
    let (mut files, mut missing) = (Vec::new(), Vec::new());
    let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
    let entries = WalkDir::new(folder)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name()));
    for entry in entries {
        match entry {
            Ok(entry) if entry.file_type().is_file() && is_picture(entry.path()) => {
                files.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) => missing.push((
                error.path().unwrap_or(folder).to_owned(),
                error.io_error().map_or_else(|| error.to_string(), reason),
            )),
        }
    }
    (files, missing)
}

fn matching(pattern: &str) -> (Vec<PathBuf>, Vec<(PathBuf, String)>) {
    let wrong = |reason: String| (Vec::new(), vec![(PathBuf::from(pattern), reason)]);
    let paths = match glob::glob(pattern) {
        Ok(paths) => paths,
        Err(error) => return wrong(format!("invalid pattern: {}", error.msg)),
    };
    let (mut files, mut missing) = (Vec::new(), Vec::new());
    let mut any = false;
    for path in paths {
        any = true;
        match path {
            Ok(path) if path.is_dir() => {}
            Ok(path) => match fs::metadata(&path).map(|metadata| special(metadata.file_type())) {
                Ok(Some(reason)) => missing.push((path, reason)),
                _ => files.push(path),
            },
            Err(error) => missing.push((error.path().to_owned(), reason(error.error()))),
        }
    }
    if any {
        (files, missing)
    } else {
        wrong("no file matches the pattern".to_owned())
    }
}

/// Whether the name of a file is that of a picture.
pub(super) fn is_picture(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| {
            EXTENSIONS
                .iter()
                .any(|known| known.eq_ignore_ascii_case(extension))
        })
}

/// Why a file cannot be read, for people.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

/// Reads a whole file. Blocks.
///
/// # Errors
/// Why the file cannot be read or is not a picture.
pub(super) fn inspect(path: &Path) -> Result<Content, String> {
    let mut file = File::open(path).map_err(|error| reason(&error))?;
    let mut hash = Sha256::new();
    let mut head = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut length = 0;
    let mut media = None;
    loop {
        let read = file.read(&mut buffer).map_err(|error| reason(&error))?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        hash.update(bytes);
        length += read as u64;
        if media.is_none() {
            head.extend_from_slice(bytes);
            media = media_type(&head)?;
        }
    }
    if length == 0 {
        return Err("the file is empty".to_owned());
    }
    let media = media.ok_or("the picture is truncated before its image data")?;
    Ok(Content {
        media,
        length,
        sha256: hex::encode(hash.finalize()),
    })
}

/// The format, by the first bytes; `None` if more bytes are needed.
fn media_type(head: &[u8]) -> Result<Option<MediaType>, String> {
    match read_header(head) {
        Ok(header) => Ok(Some(header.format)),
        // The service gives a better reason when it decodes the picture.
        Err(HeaderError::Damaged(format)) => Ok(Some(format)),
        Err(HeaderError::NeedMore(_)) => Ok(None),
        Err(HeaderError::UnknownFormat) => Err(
            "not a picture in a supported format (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC)"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x64\0\0\0\x64\x08\x02\0\0\0\0\0\0\0";

    #[test]
    fn each_file_of_folders_patterns_and_names_is_found_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("b/.hidden")).unwrap();
        for name in ["z.JPG", "b/a.png", "b/.hidden/c.png", "b/notes.txt", "odd"] {
            fs::write(at(name), PNG).unwrap();
        }
        let found = find(&[
            folder.path().to_owned(),
            at("odd"),
            at("z.JPG"),
            at("*.JPG"),
            at("none.jpg"),
            at("none*.jpg"),
        ]);
        assert_eq!(found.files, [at("b/a.png"), at("z.JPG"), at("odd")]);
        assert_eq!(
            found.missing,
            [
                (at("none.jpg"), "no such file".to_owned()),
                (at("none*.jpg"), "no file matches the pattern".to_owned())
            ]
        );
    }

    #[test]
    fn an_existing_file_whose_name_looks_like_a_pattern_is_that_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cat [1].png");
        fs::write(&file, PNG).unwrap();
        assert_eq!(find(std::slice::from_ref(&file)).files, [file]);
    }

    #[cfg(unix)]
    #[test]
    fn special_files_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("a.socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let pipe = folder.path().join("a.pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let found = find(&[
            socket.clone(),
            pipe.clone(),
            PathBuf::from("/dev/zero"),
            folder.path().join("*.p?pe"),
        ]);
        assert!(found.files.is_empty());
        let reason =
            |name: &str| format!("this is {name}; save the picture in a file and name that");
        assert_eq!(
            found.missing,
            [
                (socket, reason("a socket")),
                (pipe.clone(), reason("a pipe")),
                (PathBuf::from("/dev/zero"), reason("a device")),
                (pipe, reason("a pipe")),
            ]
        );
        // A folder's special files are none of the pictures in it.
        assert_eq!(find(&[folder.path().to_owned()]), Found::default());
    }

    #[test]
    fn the_bytes_and_not_the_name_decide_the_format() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.jpg");
        fs::write(&file, PNG).unwrap();
        let content = inspect(&file).unwrap();
        assert_eq!(
            (content.media, content.length),
            (MediaType::Png, PNG.len() as u64)
        );
        assert_eq!(content.sha256.len(), 64);
        for (bytes, expected) in [
            (&b""[..], "empty"),
            (b"text", "not a picture"),
            (b"\xff\xd8\xff\xe0\0\x10", "truncated"),
        ] {
            fs::write(&file, bytes).unwrap();
            let error = inspect(&file).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert!(inspect(&folder.path().join("none")).is_err());
    }
}
