//! Finds the pictures of folders, those that are there and those that appear, when they are completely written.
//!
//! The system says what happens in the folders. A file counts as complete when the program that wrote it closed it or moved it there.
//! Where the system does not say that, the file must not change for some seconds. The folders are also read from time to
//! time, because some file systems report nothing, and because reports get lost when there are too many.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, ModifyKind, RenameMode},
};
use tokio::{sync::mpsc, task::spawn_blocking, time::MissedTickBehavior};

use super::{files, run::FileToUpload, source::Source};
use crate::output;

/// How often the files are looked at that may be complete.
const TICK: Duration = Duration::from_millis(250);
/// How often the folders are read.
const RESCAN: Duration = Duration::from_secs(30);
/// How long a file must not change that its writer has closed or moved.
const CLOSED: Duration = Duration::from_millis(200);
/// How long a file must not change about which nothing is known.
const UNKNOWN: Duration = Duration::from_secs(2);
/// How long a file must not change whose writer has not closed it. Links, for example, are never written.
const OPEN: Duration = Duration::from_secs(30);

/// The state of a file, by which a change is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// `None` if there is no such file.
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some(Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}

/// A file that may not be complete.
#[derive(Debug)]
struct Waiting {
    stamp: Stamp,
    since: Instant,
    /// How long it must not change.
    patience: Duration,
}

/// The files of the folders.
#[derive(Debug, Default)]
struct Files {
    waiting: BTreeMap<PathBuf, Waiting>,
    /// Those that were handed on, as they were then.
    done: HashMap<PathBuf, Stamp>,
}

impl Files {
    /// Something happened to a file, or it was found. It must then not change for `patience`.
    fn notice(&mut self, path: PathBuf, patience: Duration, now: Instant) {
        let Some(stamp) = Stamp::of(&path) else {
            self.forget(&path);
            return;
        };
        if self.done.get(&path) == Some(&stamp) {
            return;
        }
        self.waiting.insert(
            path,
            Waiting {
                stamp,
                since: now,
                patience,
            },
        );
    }

    fn forget(&mut self, path: &Path) {
        self.waiting.remove(path);
        self.done.remove(path);
    }

    /// Whether a file that is found in its folder is new.
    fn knows(&self, path: &Path) -> bool {
        self.waiting.contains_key(path)
            || Stamp::of(path).is_some_and(|stamp| self.done.get(path) == Some(&stamp))
    }

    /// Takes the files that are complete.
    fn take_complete(&mut self, now: Instant) -> Vec<PathBuf> {
        let mut complete = Vec::new();
        self.waiting.retain(|path, waiting| {
            let Some(stamp) = Stamp::of(path) else {
                return false;
            };
            if stamp != waiting.stamp {
                waiting.stamp = stamp;
                waiting.since = now;
            }
            let patience = match stamp.length {
                // Its content is still to come.
                0 => waiting.patience.max(OPEN),
                _ => waiting.patience,
            };
            let is_complete = now.duration_since(waiting.since) >= patience;
            if is_complete {
                complete.push((path.clone(), stamp));
            }
            !is_complete
        });
        let paths = complete.iter().map(|(path, _)| path.clone()).collect();
        self.done.extend(complete);
        paths
    }

    /// Notices the effects of an event.
    fn apply(&mut self, event: Event, folders: &[PathBuf], now: Instant) {
        let patience = match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both)) => CLOSED,
            // The bytes are the same.
            EventKind::Modify(ModifyKind::Metadata(_)) => return,
            EventKind::Create(_) | EventKind::Modify(ModifyKind::Data(_))
                if cfg!(target_os = "linux") =>
            {
                OPEN
            }
            EventKind::Create(_) | EventKind::Modify(_) => UNKNOWN,
            EventKind::Remove(_) => {
                for path in event.paths {
                    self.forget(&path);
                }
                return;
            }
            _ => return,
        };
        for path in event.paths {
            if path.is_dir() {
                // A folder that was moved here, or whose files came before it was watched.
                self.scan(&path, now);
            } else if is_wanted(&path, folders) {
                self.notice(path, patience, now);
            }
        }
    }

    /// Notices the new files of a folder.
    fn scan(&mut self, folder: &Path, now: Instant) {
        let found = files::find(&[folder.to_owned()]);
        for path in found.files {
            if is_partial(&path) || self.knows(&path) {
                continue;
            }
            let age = Stamp::of(&path)
                .and_then(|stamp| stamp.modified?.elapsed().ok())
                .unwrap_or_default();
            let patience = if age > UNKNOWN {
                Duration::ZERO
            } else {
                UNKNOWN
            };
            self.notice(path, patience, now);
        }
    }
}

/// Whether a file is a picture of the folders that is not hidden.
fn is_wanted(path: &Path, folders: &[PathBuf]) -> bool {
    let below = folders
        .iter()
        .filter_map(|folder| path.strip_prefix(folder).ok())
        .min_by_key(|below| below.components().count());
    let hidden = |name: &OsStr| name.to_string_lossy().starts_with('.');
    below.is_some_and(|below| !below.iter().any(hidden))
        && files::is_picture(path)
        && !is_partial(path)
}

/// Whether a name is one that programs give to what is not complete. Names with an extension of their own, as `cat.jpg.part`, are
/// no pictures.
fn is_partial(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(['~', '#']))
}

/// Watches the folders as long as somebody receives their files. A picture comes when it is complete, and again when it changes.
///
/// # Errors
/// When a folder cannot be watched and read.
pub(super) fn watch(
    folders: Vec<PathBuf>,
) -> anyhow::Result<mpsc::UnboundedReceiver<FileToUpload>> {
    let (complete, receiver) = mpsc::unbounded_channel();
    let (events, happened) = mpsc::unbounded_channel();
    let watcher = notify::recommended_watcher(move |event| {
        // At the end nobody listens.
        let _ = events.send(event);
    });
    let folders = Folders {
        watcher: watcher.inspect_err(cannot_watch).ok(),
        watched: HashSet::new(),
        folders,
    };
    tokio::spawn(follow(folders, happened, complete));
    Ok(receiver)
}

fn cannot_watch(error: &notify::Error) {
    output::print_message(&format!(
        "The system does not report changes ({error}), so the folder is read every {} seconds.",
        RESCAN.as_secs()
    ));
}

/// The folders and the system's reports about them.
struct Folders {
    watcher: Option<RecommendedWatcher>,
    watched: HashSet<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Folders {
    /// Watches the folders that exist. One that was deleted or unmounted is watched again when it is back.
    fn watch(&mut self) {
        for folder in &self.folders {
            if !folder.is_dir() {
                if self.watched.remove(folder) {
                    let folder = folder.display();
                    output::print_message(&format!(
                        "{folder} is gone. It is watched again when it is back."
                    ));
                }
                continue;
            }
            let Some(watcher) = &mut self.watcher else {
                continue;
            };
            if self.watched.insert(folder.clone())
                && let Err(error) = watcher.watch(folder, RecursiveMode::Recursive)
            {
                cannot_watch(&error);
            }
        }
    }
}

async fn follow(
    mut folders: Folders,
    mut happened: mpsc::UnboundedReceiver<notify::Result<Event>>,
    complete: mpsc::UnboundedSender<FileToUpload>,
) {
    let mut files = Files::default();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first one is due at once.
    let mut rescan = tokio::time::interval(RESCAN);
    rescan.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !complete.is_closed() {
        let mut is_lost = false;
        tokio::select! {
            event = happened.recv(), if !happened.is_closed() => match event {
                Some(Ok(event)) if !event.need_rescan() => {
                    files.apply(event, &folders.folders, Instant::now());
                }
                Some(_) => is_lost = true,
                None => {}
            },
            _ = rescan.tick() => is_lost = true,
            _ = tick.tick() => {
                for path in files.take_complete(Instant::now()) {
                    // Closed at the end.
                    let _ = complete.send(FileToUpload::new(Source::File(path)));
                }
            }
        }
        if is_lost {
            // Reading folders takes time.
            let read = spawn_blocking(move || {
                folders.watch();
                for folder in &folders.folders {
                    files.scan(folder, Instant::now());
                }
                (folders, files)
            });
            match read.await {
                Ok(back) => (folders, files) = back,
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, RemoveKind};

    /// What happened to a file.
    const CREATED: EventKind = EventKind::Create(CreateKind::File);
    const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const IS_CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));
    const MOVED_HERE: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::To));
    const REMOVED: EventKind = EventKind::Remove(RemoveKind::File);

    struct Inbox {
        folder: tempfile::TempDir,
        files: Files,
        start: Instant,
    }

    impl Inbox {
        fn new() -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
                files: Files::default(),
                start: Instant::now(),
            }
        }

        fn write(&self, name: &str, bytes: &[u8]) {
            fs::write(self.folder.path().join(name), bytes).unwrap();
        }

        /// Something happens at this time.
        fn happens(&mut self, kind: EventKind, name: &str, milliseconds: u64) {
            let event = Event::new(kind).add_path(self.folder.path().join(name));
            let now = self.start + Duration::from_millis(milliseconds);
            let folder = self.folder.path().to_owned();
            self.files.apply(event, &[folder], now);
        }

        /// The names of the files that are complete at this time.
        fn complete(&mut self, milliseconds: u64) -> Vec<String> {
            let now = self.start + Duration::from_millis(milliseconds);
            let paths = self.files.take_complete(now);
            paths
                .iter()
                .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
                .collect()
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_picture_is_complete_when_its_writer_closed_it() {
        let mut inbox = Inbox::new();
        inbox.write("a.jpg", b"half");
        inbox.happens(CREATED, "a.jpg", 0);
        inbox.happens(WRITTEN, "a.jpg", 100);
        assert!(inbox.complete(20_000).is_empty());
        inbox.write("a.jpg", b"half and half");
        inbox.happens(WRITTEN, "a.jpg", 20_000);
        inbox.happens(IS_CLOSED, "a.jpg", 20_100);
        assert!(inbox.complete(20_200).is_empty());
        assert_eq!(inbox.complete(20_300), ["a.jpg"]);
        assert!(inbox.complete(60_000).is_empty());
        // A link is never closed.
        inbox.write("link.jpg", b"whole");
        inbox.happens(CREATED, "link.jpg", 60_000);
        assert_eq!(inbox.complete(90_000), ["link.jpg"]);
    }

    #[test]
    fn a_picture_that_is_moved_here_is_complete_and_one_that_goes_is_forgotten() {
        let mut inbox = Inbox::new();
        inbox.write("a.jpg", b"picture");
        inbox.happens(MOVED_HERE, "a.jpg", 0);
        assert_eq!(inbox.complete(200), ["a.jpg"]);
        inbox.write("b.jpg", b"picture");
        inbox.happens(MOVED_HERE, "b.jpg", 300);
        fs::remove_file(inbox.folder.path().join("b.jpg")).unwrap();
        inbox.happens(REMOVED, "b.jpg", 400);
        assert!(inbox.complete(60_000).is_empty());
    }

    #[test]
    fn a_file_that_still_changes_or_is_empty_is_not_complete() {
        let mut inbox = Inbox::new();
        inbox.write("a.jpg", b"1");
        inbox.write("empty.jpg", b"");
        inbox.happens(IS_CLOSED, "a.jpg", 0);
        inbox.happens(IS_CLOSED, "empty.jpg", 0);
        inbox.write("a.jpg", b"12");
        assert!(inbox.complete(1000).is_empty());
        assert_eq!(inbox.complete(1300), ["a.jpg"]);
        assert_eq!(inbox.complete(30_000), ["empty.jpg"]);
    }

    #[test]
    fn hidden_and_partial_files_and_other_formats_are_left_out() {
        let mut inbox = Inbox::new();
        fs::create_dir(inbox.folder.path().join(".cache")).unwrap();
        for name in [
            ".a.jpg",
            "~a.jpg",
            "#a.jpg",
            "a.jpg.part",
            "a.txt",
            ".cache/a.jpg",
        ] {
            inbox.write(name, b"picture");
            inbox.happens(IS_CLOSED, name, 0);
        }
        assert!(inbox.complete(60_000).is_empty());
    }

    #[test]
    fn a_folder_that_is_read_again_has_only_what_is_new() {
        let mut inbox = Inbox::new();
        let folder = inbox.folder.path().to_owned();
        inbox.write("a.jpg", b"picture");
        inbox.files.scan(&folder, inbox.start);
        assert_eq!(inbox.complete(2000), ["a.jpg"]);
        inbox.write("b.jpg", b"picture");
        inbox.write("~c.jpg", b"picture");
        let now = inbox.start + Duration::from_secs(3);
        inbox.files.scan(&folder, now);
        assert_eq!(inbox.complete(5000), ["b.jpg"]);
    }
}
