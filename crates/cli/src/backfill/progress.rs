//! The progress of a backfill, with which an interrupted run continues.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::state_dir;

/// The progress from one location into one queue.
#[derive(Debug)]
pub(super) struct Progress {
    file: PathBuf,
    saved: SavedProgress,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SavedProgress {
    /// The location of the pictures, for people.
    #[serde(rename = "place")]
    location: String,
    /// The URL of the queue, for people.
    queue: String,
    /// The last queued key. All keys before it are queued, too.
    after: Option<String>,
    /// The number of queued pictures.
    queued: u64,
}

impl Progress {
    /// Reads the progress from this location into this queue. Ignores it with `restart`.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub(super) fn open(
        folder: &Path,
        location: &str,
        queue: &str,
        restart: bool,
    ) -> anyhow::Result<Self> {
        let name = state_dir::file_stem(&format!("{location}\n{queue}"));
        let file = folder.join("backfill").join(format!("{name}.json"));
        let new = || SavedProgress {
            location: location.to_owned(),
            queue: queue.to_owned(),
            ..SavedProgress::default()
        };
        let saved = match fs::read(&file) {
            Ok(_) if restart => new(),
            // A truncated file counts as none: queueing a picture twice costs nothing.
            Ok(json) => serde_json::from_slice(&json).unwrap_or_else(|_| new()),
            Err(error) if error.kind() == ErrorKind::NotFound => new(),
            Err(error) => {
                return Err(error).with_context(|| {
                    format!(
                        "cannot read {}; choose another folder with --state-dir",
                        file.display()
                    )
                });
            }
        };
        Ok(Self { file, saved })
    }

    /// The last queued key.
    pub(super) fn after(&self) -> Option<&str> {
        self.saved.after.as_deref()
    }

    /// The number of queued pictures.
    pub(super) fn queued(&self) -> u64 {
        self.saved.queued
    }

    /// Saves that `more` pictures up to this key are queued.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn save(&mut self, after: &str, more: u64) -> anyhow::Result<()> {
        self.saved.after = Some(after.to_owned());
        self.saved.queued += more;
        let write = || -> io::Result<()> {
            if let Some(folder) = self.file.parent() {
                fs::create_dir_all(folder)?;
            }
            let new_file = self.file.with_extension("new");
            fs::write(&new_file, serde_json::to_vec(&self.saved)?)?;
            fs::rename(new_file, &self.file)
        };
        write().with_context(|| {
            format!(
                "cannot write {}; choose another folder with --state-dir",
                self.file.display()
            )
        })
    }

    /// Removes the file after everything is queued, so that the next run starts from the beginning.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub(super) fn remove(self) -> anyhow::Result<()> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.file.display()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_continues_where_the_last_one_ended() {
        let folder = tempfile::tempdir().unwrap();
        let open = |location: &str, restart| {
            Progress::open(folder.path(), location, "q", restart).unwrap()
        };
        let mut progress = open("s3://b/uploads/", false);
        assert_eq!(progress.after(), None);
        progress.save("uploads/a", 10).unwrap();
        progress.save("uploads/b", 5).unwrap();
        let again = open("s3://b/uploads/", false);
        assert_eq!((again.after(), again.queued()), (Some("uploads/b"), 15));
        assert_eq!(open("s3://b/uploads/x", false).after(), None);
        assert_eq!(open("s3://b/uploads/", true).after(), None);
        again.remove().unwrap();
        assert_eq!(open("s3://b/uploads/", false).after(), None);
    }

    #[test]
    fn a_truncated_file_is_no_progress() {
        let folder = tempfile::tempdir().unwrap();
        let mut progress = Progress::open(folder.path(), "p", "q", false).unwrap();
        progress.save("uploads/a", 1).unwrap();
        fs::write(&progress.file, "{\"place\"").unwrap();
        let again = Progress::open(folder.path(), "p", "q", false).unwrap();
        assert_eq!(again.after(), None);
    }
}
