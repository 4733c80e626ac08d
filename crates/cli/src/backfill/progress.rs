//! How far a backfill got, so that one that was interrupted goes on.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// One place's progress into one queue.
#[derive(Debug)]
pub(super) struct Progress {
    file: PathBuf,
    kept: Kept,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    /// Where the pictures lie and which queue they went to, for people.
    place: String,
    queue: String,
    /// The last key that was queued; all before it were too.
    after: Option<String>,
    queued: u64,
}

impl Progress {
    /// What is known of this place and queue; nothing after `restart`.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub(super) fn open(
        folder: &Path,
        place: &str,
        queue: &str,
        restart: bool,
    ) -> anyhow::Result<Self> {
        let hash = Sha256::digest(format!("{place}\n{queue}").as_bytes());
        let name: String = hash
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let file = folder.join("backfill").join(format!("{name}.json"));
        let new = || Kept {
            place: place.to_owned(),
            queue: queue.to_owned(),
            ..Kept::default()
        };
        let kept = match fs::read(&file) {
            Ok(_) if restart => new(),
            // What cannot be read was cut off: queueing twice costs nothing.
            Ok(json) => serde_json::from_slice(&json).unwrap_or_else(|_| new()),
            Err(error) if error.kind() == ErrorKind::NotFound => new(),
            Err(error) => {
                return Err(error).with_context(|| {
                    format!(
                        "cannot read {}; name another folder with --state-dir",
                        file.display()
                    )
                });
            }
        };
        Ok(Self { file, kept })
    }

    /// The last key that was queued.
    pub(super) fn after(&self) -> Option<&str> {
        self.kept.after.as_deref()
    }

    /// How many were queued in all.
    pub(super) fn queued(&self) -> u64 {
        self.kept.queued
    }

    /// Notes that all up to a key are queued.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn note(&mut self, after: &str, more: u64) -> anyhow::Result<()> {
        self.kept.after = Some(after.to_owned());
        self.kept.queued += more;
        let write = || -> io::Result<()> {
            if let Some(folder) = self.file.parent() {
                fs::create_dir_all(folder)?;
            }
            let beside = self.file.with_extension("new");
            fs::write(&beside, serde_json::to_vec(&self.kept)?)?;
            fs::rename(beside, &self.file)
        };
        write().with_context(|| {
            format!(
                "cannot write {}; name another folder with --state-dir",
                self.file.display()
            )
        })
    }

    /// Everything is queued: the next run begins anew.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub(super) fn forget(self) -> anyhow::Result<()> {
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
    fn a_run_goes_on_where_the_last_one_ended() {
        let folder = tempfile::tempdir().unwrap();
        let open =
            |place: &str, restart| Progress::open(folder.path(), place, "q", restart).unwrap();
        let mut progress = open("s3://b/uploads/", false);
        assert_eq!(progress.after(), None);
        progress.note("uploads/a", 10).unwrap();
        progress.note("uploads/b", 5).unwrap();
        let again = open("s3://b/uploads/", false);
        assert_eq!((again.after(), again.queued()), (Some("uploads/b"), 15));
        assert_eq!(open("s3://b/uploads/x", false).after(), None);
        assert_eq!(open("s3://b/uploads/", true).after(), None);
        again.forget().unwrap();
        assert_eq!(open("s3://b/uploads/", false).after(), None);
    }

    #[test]
    fn what_was_cut_off_is_no_progress() {
        let folder = tempfile::tempdir().unwrap();
        let mut progress = Progress::open(folder.path(), "p", "q", false).unwrap();
        progress.note("uploads/a", 1).unwrap();
        fs::write(&progress.file, "{\"place\"").unwrap();
        let again = Progress::open(folder.path(), "p", "q", false).unwrap();
        assert_eq!(again.after(), None);
    }
}
