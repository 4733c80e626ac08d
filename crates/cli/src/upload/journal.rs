//! What was uploaded, so that a run that ended early can be run again.
//!
//! One file for each service, a line for each picture, written before its bytes are sent: the SHA-256 of the bytes,
//! what was asked about them and the key that they were sent to. Whether they arrived, the service is asked. So
//! nothing is sent twice however a run ended, and nothing is left out when the service has forgotten a picture.

use std::{
    collections::HashMap,
    env,
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sightline_pipeline::SourceKey;

/// The journal of one service.
#[derive(Debug)]
pub(super) struct Journal {
    file: Mutex<File>,
    path: PathBuf,
    known: HashMap<(String, String), SourceKey>,
}

/// A line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    /// Where it was sent, for people.
    api: String,
    sha256: String,
    /// What was asked, comma-separated; empty for what the service asks by itself.
    analyses: String,
    key: SourceKey,
}

impl Journal {
    /// Opens the journal of a service in a folder, which is made where it is not there.
    ///
    /// # Errors
    /// When the folder or the file cannot be used.
    pub(super) fn open(folder: &Path, api: &str) -> anyhow::Result<Self> {
        let hash = Sha256::digest(api.as_bytes());
        let name: String = hash
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let path = folder.join("uploads").join(format!("{name}.jsonl"));
        let open = || -> io::Result<_> {
            fs::create_dir_all(folder.join("uploads"))?;
            let text = match fs::read(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
                Err(error) => return Err(error),
            };
            let mut file = File::options().create(true).append(true).open(&path)?;
            if text.last().is_some_and(|byte| *byte != b'\n') {
                // A run was killed in the middle of a line; the next one must not become part of it.
                file.write_all(b"\n")?;
            }
            Ok((text, file))
        };
        let (text, file) = open().with_context(|| {
            format!(
                "cannot keep the journal of uploads in {}; name another folder with --state-dir",
                path.display()
            )
        })?;
        let known = text
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Entry>(line).ok())
            .filter(|entry| entry.api == api)
            .map(|entry| ((entry.sha256, entry.analyses), entry.key))
            .collect();
        Ok(Self {
            file: Mutex::new(file),
            path,
            known,
        })
    }

    /// Where these bytes were sent before, with the same questions; they may not have arrived.
    pub(super) fn key(&self, sha256: &str, analyses: &str) -> Option<&SourceKey> {
        self.known.get(&(sha256.to_owned(), analyses.to_owned()))
    }

    /// Notes that bytes are about to be sent.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn note(
        &self,
        api: &str,
        sha256: &str,
        analyses: &str,
        key: &SourceKey,
    ) -> anyhow::Result<()> {
        let entry = Entry {
            api: api.to_owned(),
            sha256: sha256.to_owned(),
            analyses: analyses.to_owned(),
            key: key.clone(),
        };
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        // One write a line, so that two runs at once do not mix theirs.
        self.file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(&line)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Where programs keep what should outlive them (XDG Base Directory Specification; on Windows the local application
/// data).
///
/// # Errors
/// When the environment names no home.
pub(crate) fn state_folder() -> anyhow::Result<PathBuf> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let folder = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("LOCALAPPDATA").filter(|_| cfg!(windows)))
        .or_else(|| env::home_dir().map(|home| home.join(".local/state")));
    folder
        .map(|folder| folder.join("sightline"))
        .context("there is no home folder to keep the journal in; name a folder with --state-dir")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_known_again_for_the_same_service_and_questions() {
        let folder = tempfile::tempdir().unwrap();
        let key = SourceKey::new("uploads/a.jpg").unwrap();
        let journal = Journal::open(folder.path(), "http://a").unwrap();
        assert_eq!(journal.key("5a", ""), None);
        journal.note("http://a", "5a", "", &key).unwrap();

        let again = Journal::open(folder.path(), "http://a").unwrap();
        assert_eq!(again.key("5a", ""), Some(&key));
        assert_eq!(again.key("5a", "labels"), None);
        assert_eq!(again.key("5b", ""), None);
        let other = Journal::open(folder.path(), "http://b").unwrap();
        assert_eq!(other.key("5a", ""), None);
    }

    #[test]
    fn a_line_that_broke_off_costs_that_line_only() {
        let folder = tempfile::tempdir().unwrap();
        let key = SourceKey::new("uploads/a.jpg").unwrap();
        let journal = Journal::open(folder.path(), "http://a").unwrap();
        journal.note("http://a", "5a", "", &key).unwrap();
        let mut text = fs::read(&journal.path).unwrap();
        text.extend_from_slice(br#"{"api":"http://a","sha2"#);
        fs::write(&journal.path, text).unwrap();

        let journal = Journal::open(folder.path(), "http://a").unwrap();
        journal.note("http://a", "5b", "", &key).unwrap();
        let again = Journal::open(folder.path(), "http://a").unwrap();
        assert!(again.key("5a", "").is_some() && again.key("5b", "").is_some());
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Journal::open(&file, "http://a").unwrap_err();
        assert!(error.to_string().contains("--state-dir"), "{error}");
    }
}
