//! The journal of uploads, with which an interrupted run continues.
//!
//! Each service has one file. Before the bytes of a picture are sent, a line is written: their SHA-256, the analyses and
//! the key. Whether the bytes arrived is known to the service alone, so the next run asks it. This way no picture is sent
//! twice, however a run ended, and a picture that the service lost is sent again.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sightline_pipeline::SourceKey;

use crate::state_dir;

/// The journal of one service.
#[derive(Debug)]
pub(super) struct Journal {
    api: String,
    file: Mutex<File>,
    path: PathBuf,
    /// The keys by SHA-256 and analyses.
    keys: HashMap<(String, String), SourceKey>,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    /// The URL of the service.
    api: String,
    sha256: String,
    /// The analyses, separated by commas; empty for those of the service.
    analyses: String,
    key: SourceKey,
}

impl Journal {
    /// Opens the journal of the service at this URL. Creates the folder.
    ///
    /// # Errors
    /// When the folder or the file cannot be used.
    pub(super) fn open(folder: &Path, api: &str) -> anyhow::Result<Self> {
        let folder = folder.join("uploads");
        let path = folder.join(format!("{}.jsonl", state_dir::file_stem(api)));
        let open = || -> io::Result<_> {
            fs::create_dir_all(&folder)?;
            let text = match fs::read(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
                Err(error) => return Err(error),
            };
            let mut file = File::options().create(true).append(true).open(&path)?;
            if text.last().is_some_and(|byte| *byte != b'\n') {
                // A run was killed in the middle of a line. End it, so that the next line stays readable.
                file.write_all(b"\n")?;
            }
            Ok((text, file))
        };
        let (text, file) = open().with_context(|| {
            format!(
                "cannot use the upload journal {}; choose another folder with --state-dir",
                path.display()
            )
        })?;
        let keys = text
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Entry>(line).ok())
            .filter(|entry| entry.api == api)
            .map(|entry| ((entry.sha256, entry.analyses), entry.key))
            .collect();
        Ok(Self {
            api: api.to_owned(),
            file: Mutex::new(file),
            path,
            keys,
        })
    }

    /// The key to which these bytes were sent before for the same analyses. They may not have arrived.
    pub(super) fn key(&self, sha256: &str, analyses: &str) -> Option<&SourceKey> {
        self.keys.get(&(sha256.to_owned(), analyses.to_owned()))
    }

    /// Records that bytes are about to be sent.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn record(
        &self,
        sha256: &str,
        analyses: &str,
        key: &SourceKey,
    ) -> anyhow::Result<()> {
        let entry = Entry {
            api: self.api.clone(),
            sha256: sha256.to_owned(),
            analyses: analyses.to_owned(),
            key: key.clone(),
        };
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        // One write per line, so that the lines of simultaneous runs do not mix.
        self.file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(&line)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_again_for_the_same_service_and_analyses() {
        let folder = tempfile::tempdir().unwrap();
        let key = SourceKey::new("uploads/a.jpg").unwrap();
        let journal = Journal::open(folder.path(), "http://a").unwrap();
        assert_eq!(journal.key("5a", ""), None);
        journal.record("5a", "", &key).unwrap();

        let again = Journal::open(folder.path(), "http://a").unwrap();
        assert_eq!(again.key("5a", ""), Some(&key));
        assert_eq!(again.key("5a", "labels"), None);
        assert_eq!(again.key("5b", ""), None);
        let other = Journal::open(folder.path(), "http://b").unwrap();
        assert_eq!(other.key("5a", ""), None);
    }

    #[test]
    fn an_incomplete_line_spoils_no_other_line() {
        let folder = tempfile::tempdir().unwrap();
        let key = SourceKey::new("uploads/a.jpg").unwrap();
        let journal = Journal::open(folder.path(), "http://a").unwrap();
        journal.record("5a", "", &key).unwrap();
        let mut text = fs::read(&journal.path).unwrap();
        text.extend_from_slice(br#"{"api":"http://a","sha2"#);
        fs::write(&journal.path, text).unwrap();

        let journal = Journal::open(folder.path(), "http://a").unwrap();
        journal.record("5b", "", &key).unwrap();
        let again = Journal::open(folder.path(), "http://a").unwrap();
        assert!(again.key("5a", "").is_some() && again.key("5b", "").is_some());
    }

    #[test]
    fn an_unusable_folder_is_an_error_that_names_the_option() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Journal::open(&file, "http://a").unwrap_err();
        assert!(error.to_string().contains("--state-dir"), "{error}");
    }
}
