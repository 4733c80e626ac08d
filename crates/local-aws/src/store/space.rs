//! The disk's free space.
//!
//! On a full disk, reads and deletions go on. A deletion needs some space for the database's log, so a file of [`RESERVE`]
//! bytes is kept and removed when the disk is full. Pictures are refused first, so that the results of those in process can
//! still be stored. Once there is enough space, the file is written again and everything goes on.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// The reserve's file in the data folder.
const FILE: &str = "reserve";

/// The size of the reserve in bytes: more than the database's log grows by in one commit.
const RESERVE: u64 = 2 << 20;

/// With less free space than this, in bytes, no picture is stored or analysed.
const LOW: u64 = 2 << 20;

/// With less free space than this, in bytes, nothing is stored.
const LOWEST: u64 = 512 << 10;

/// With less free space than this, in bytes, the reserve is given up.
const EXHAUSTED: u64 = 256 << 10;

/// How often a full disk is reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// The free space of a data folder. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Space(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    has_reserve: AtomicBool,
    reported: Mutex<Option<Instant>>,
}

impl Space {
    /// Takes the reserve, or gives it up if the disk is full.
    pub(crate) fn open(folder: &Path) -> Self {
        let space = Self(Arc::new(Inner {
            folder: folder.to_owned(),
            has_reserve: AtomicBool::new(folder.join(FILE).exists()),
            reported: Mutex::default(),
        }));
        space.make_room();
        space.is_full();
        space
    }

    /// Whether no picture can be stored or analysed now. Reports it at most once a minute.
    pub(crate) fn is_full(&self) -> bool {
        self.lacks(LOW)
    }

    /// Whether the rest of the disk is for deletions.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.lacks(LOWEST)
    }

    /// Whether a picture can be stored.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`] if not.
    pub(super) fn admit_picture(&self) -> io::Result<()> {
        if self.is_full() {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    /// Whether so many bytes can be stored.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`] if not.
    pub(super) fn admit(&self, bytes: u64) -> io::Result<()> {
        if self.lacks(LOWEST.saturating_add(bytes)) {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    /// Gives up the reserve if the disk is full, so that deletions can go on.
    pub(crate) fn make_room(&self) {
        if self.0.has_reserve.load(Ordering::Relaxed) && self.free() < EXHAUSTED {
            self.0.has_reserve.store(false, Ordering::Relaxed);
            // If this fails, deletions fail too, with the reason.
            let _ = fs::remove_file(self.file());
        }
    }

    fn lacks(&self, wanted: u64) -> bool {
        let free = self.free();
        if !self.0.has_reserve.load(Ordering::Relaxed) && free >= RESERVE + LOW {
            let taken = self.take_reserve().is_ok();
            self.0.has_reserve.store(taken, Ordering::Relaxed);
        }
        let lacks = !self.0.has_reserve.load(Ordering::Relaxed) || free < wanted;
        if lacks {
            self.report(free);
        }
        lacks
    }

    fn report(&self, free: u64) {
        let mut reported = self
            .0
            .reported
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if reported.is_none_or(|at| at.elapsed() >= REPORT_INTERVAL) {
            *reported = Some(Instant::now());
            tracing::warn!(
                folder = %self.0.folder.display(),
                free_kib = free >> 10,
                "the disk is full: nothing is stored or analysed until there is space again; free at least 4 MiB"
            );
        }
    }

    fn file(&self) -> PathBuf {
        self.0.folder.join(FILE)
    }

    fn take_reserve(&self) -> io::Result<()> {
        let mut file = File::create(self.file())?;
        let zeros = [0; 1 << 16];
        for _ in 0..RESERVE / zeros.len() as u64 {
            if let Err(error) = file.write_all(&zeros) {
                let _ = fs::remove_file(self.file());
                return Err(error);
            }
        }
        Ok(())
    }

    /// The free bytes. Where they are unknown, a full disk shows only when a write fails.
    #[cfg(unix)]
    fn free(&self) -> u64 {
        match rustix::fs::statvfs(&self.0.folder) {
            // Some file systems, such as those on a network, report no sizes at all.
            Ok(disk) if disk.f_blocks > 0 => disk.f_bavail.saturating_mul(disk.f_frsize),
            _ => u64::MAX,
        }
    }

    #[cfg(not(unix))]
    fn free(&self) -> u64 {
        u64::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_taken_where_there_is_space() {
        let dir = tempfile::tempdir().unwrap();
        let space = Space::open(dir.path());
        assert!(!space.is_full());
        let reserve = fs::metadata(dir.path().join(FILE)).unwrap();
        assert_eq!(reserve.len(), RESERVE);
        space.admit(1).unwrap();
        let error = space.admit(u64::MAX / 2).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
