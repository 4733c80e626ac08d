//! Which files are meant, and what each of them is.

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

/// Extensions of files that are taken out of folders; a file that is named is taken whatever it is called.
const EXTENSIONS: [&str; 13] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic",
    "heif",
];

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Files, each once, in the order in which they were named; those of a folder or pattern by name.
    pub(super) files: Vec<PathBuf>,
    /// What was named and is not there or cannot be read, and why.
    pub(super) missing: Vec<(PathBuf, String)>,
}

/// What a picture's file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    /// The format of the bytes, whatever the file is called.
    pub(super) media: MediaType,
    /// Length in bytes.
    pub(super) length: u64,
    /// SHA-256 in 64 hexadecimal digits.
    pub(super) sha256: String,
}

/// Finds the files: a file is itself, a folder is the pictures in and below it but hidden ones, and what is neither
/// and holds `*`, `?` or `[` is a pattern.
pub(super) fn find(named: &[PathBuf]) -> Found {
    let mut found = Found::default();
    let mut seen = std::collections::HashSet::new();
    for path in named {
        let (files, missing) = one(path);
        for file in files {
            // The same file by two names is one picture.
            let identity = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            if seen.insert(identity) {
                found.files.push(file);
            }
        }
        found.missing.extend(missing);
    }
    found
}

fn one(path: &Path) -> (Vec<PathBuf>, Vec<(PathBuf, String)>) {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => walk(path),
        Ok(_) => (vec![path.to_owned()], Vec::new()),
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
        Err(error) => return wrong(format!("it is no pattern: {}", error.msg)),
    };
    let (mut files, mut missing) = (Vec::new(), Vec::new());
    let mut any = false;
    for path in paths {
        any = true;
        match path {
            Ok(path) if path.is_dir() => {}
            Ok(path) => files.push(path),
            Err(error) => missing.push((error.path().to_owned(), reason(error.error()))),
        }
    }
    if any {
        (files, missing)
    } else {
        wrong("no file matches the pattern".to_owned())
    }
}

fn is_picture(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| {
            EXTENSIONS
                .iter()
                .any(|known| known.eq_ignore_ascii_case(extension))
        })
}

/// What a system's error means to a person.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        _ => format!("it cannot be read: {error}"),
    }
}

/// Reads a file once, from end to end. Blocks.
///
/// # Errors
/// One sentence when it cannot be read or is no picture.
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
    let media = media.ok_or("the picture is cut off before its data begins")?;
    let sha256 = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(Content {
        media,
        length,
        sha256,
    })
}

/// The format by the first bytes; `None` when more are needed.
fn media_type(head: &[u8]) -> Result<Option<MediaType>, String> {
    match read_header(head) {
        Ok(header) => Ok(Some(header.format)),
        // What is damaged is told better by whoever decodes it.
        Err(HeaderError::Damaged(format)) => Ok(Some(format)),
        Err(HeaderError::NeedMore(_)) => Ok(None),
        Err(HeaderError::UnknownFormat) => Err(
            "it is no picture in a format that is known here (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC)"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x64\0\0\0\x64\x08\x02\0\0\0\0\0\0\0";

    #[test]
    fn folders_give_their_pictures_and_files_themselves_each_once() {
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
                (at("none.jpg"), "there is no such file".to_owned()),
                (at("none*.jpg"), "no file matches the pattern".to_owned())
            ]
        );
    }

    #[test]
    fn a_name_that_looks_like_a_pattern_is_a_name_where_it_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cat [1].png");
        fs::write(&file, PNG).unwrap();
        assert_eq!(find(std::slice::from_ref(&file)).files, [file]);
    }

    #[test]
    fn a_file_is_what_its_bytes_say() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.jpg");
        fs::write(&file, PNG).unwrap();
        let content = inspect(&file).unwrap();
        assert_eq!(
            (content.media, content.length),
            (MediaType::Png, PNG.len() as u64)
        );
        assert_eq!(content.sha256.len(), 64);
        for (bytes, said) in [
            (&b""[..], "empty"),
            (b"text", "no picture"),
            (b"\xff\xd8\xff\xe0\0\x10", "cut off"),
        ] {
            fs::write(&file, bytes).unwrap();
            let error = inspect(&file).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        assert!(inspect(&folder.path().join("none")).is_err());
    }
}
