//! Files with object bytes. Their names are generated ids, so that a key never becomes a path.
//!
//! A file is written to `tmp/` and synchronised. Once the database refers to it, it is moved to one of 256 folders in
//! `objects/`. So a file in `tmp/` that the database does not refer to belongs to an unfinished write, and the next start
//! removes it. A file in `objects/` that the database does not refer to is never removed, unless the database says that it
//! was released (table `released`).

use super::space::Space;
use bytes::Bytes;
use s3s::crypto::{Checksum as _, Md5};
use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};
use uuid::Uuid;

/// The size of the write buffer.
const BUFFER: usize = 1 << 20;

/// The folders with the files. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Blobs {
    folders: Arc<Folders>,
}

#[derive(Debug)]
struct Folders {
    finished: PathBuf,
    unfinished: PathBuf,
    unknown: PathBuf,
    space: Space,
    /// Removed files that the database still calls released.
    removed: Mutex<Vec<String>>,
}

impl Blobs {
    /// Whether the store's folders already contain files. Without a database these belong to another program, or the
    /// database was lost; in both cases they must not be removed.
    pub(super) fn has_files(data_dir: &Path) -> io::Result<bool> {
        let entries = |folder: PathBuf| match fs::read_dir(folder) {
            Ok(entries) => entries.collect::<io::Result<Vec<_>>>(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        };
        if !entries(data_dir.join("tmp"))?.is_empty() {
            return Ok(true);
        }
        for entry in entries(data_dir.join("objects"))? {
            if !entry.file_type()?.is_dir() || !entries(entry.path())?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Creates the folders.
    pub(super) fn open(data_dir: &Path, space: Space) -> io::Result<Self> {
        let folders = Folders {
            finished: data_dir.join("objects"),
            unfinished: data_dir.join("tmp"),
            unknown: data_dir.join("unknown-objects"),
            space,
            removed: Mutex::default(),
        };
        for shard in 0..=u8::MAX {
            fs::create_dir_all(folders.finished.join(format!("{shard:02x}")))?;
        }
        fs::create_dir_all(&folders.unfinished)?;
        Ok(Self {
            folders: Arc::new(folders),
        })
    }

    /// Finishes the writes that the database knows and removes the files of the others.
    pub(super) fn finish_interrupted(&self, referenced: &HashSet<String>) -> io::Result<()> {
        let mut removed = 0;
        for id in self.unfinished()? {
            let temporary = self.temporary(&id);
            if referenced.contains(&id) {
                // The file is found in both places.
                if let Err(error) = fs::rename(temporary, self.path(&id)) {
                    tracing::warn!(%error, "a stored file could not be moved from tmp/ to objects/");
                }
            } else {
                fs::remove_file(temporary)?;
                removed += 1;
            }
        }
        if removed > 0 {
            tracing::info!(removed, "removed files of interrupted writes");
        }
        Ok(())
    }

    /// The files of unfinished writes.
    pub(super) fn unfinished(&self) -> io::Result<HashSet<String>> {
        let mut files = HashSet::new();
        for entry in fs::read_dir(&self.folders.unfinished)? {
            files.extend(id_of(&entry?));
        }
        Ok(files)
    }

    /// The files of finished writes. Files of a desktop or a person are left out.
    pub(super) fn files(&self) -> io::Result<HashSet<String>> {
        let mut files = HashSet::new();
        for shard in fs::read_dir(&self.folders.finished)? {
            let shard = shard?;
            if !shard.file_type()?.is_dir() {
                continue;
            }
            for entry in fs::read_dir(shard.path())? {
                files.extend(id_of(&entry?));
            }
        }
        Ok(files)
    }

    /// When a file was written.
    pub(super) fn written_at(&self, id: &str) -> io::Result<SystemTime> {
        fs::metadata(self.path(id))?.modified()
    }

    /// Moves a file that the database does not know to `unknown-objects/`.
    pub(super) fn set_aside(&self, id: &str) -> io::Result<()> {
        fs::create_dir_all(&self.folders.unknown)?;
        let (from, to) = (self.path(id), self.folders.unknown.join(id));
        match fs::rename(&from, &to) {
            // The folder objects/ is a mount or a link to another disk.
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                fs::copy(&from, &to)?;
                File::open(&to)?.sync_all()?;
                fs::remove_file(from)?;
            }
            moved => moved?,
        }
        // On disk before any change of the database.
        File::open(&self.folders.unknown)?.sync_all()
    }

    /// Opens a file for reading. It stays readable if it is removed.
    pub(super) fn open_file(&self, id: &str) -> io::Result<File> {
        let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        match File::open(self.path(id)) {
            // Its write is being finished, and it may be moved between the two attempts.
            Err(error) if missing(&error) => match File::open(self.temporary(id)) {
                Err(error) if missing(&error) => File::open(self.path(id)),
                opened => opened,
            },
            opened => opened,
        }
    }

    /// Removes a file that the database no longer refers to.
    pub(super) fn remove(&self, id: &str) {
        let removed = match fs::remove_file(self.path(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::remove_file(self.temporary(id))
            }
            removed => removed,
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                // The next start removes it.
                tracing::warn!(%error, "an unused file could not be removed");
            }
            _ => self.removed().push(id.to_owned()),
        }
    }

    /// The files that were removed since the last call.
    pub(super) fn take_removed(&self) -> Vec<String> {
        std::mem::take(&mut *self.removed())
    }

    fn removed(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.folders
            .removed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The disk's free space.
    pub(super) fn space(&self) -> &Space {
        &self.folders.space
    }

    /// Starts a new file.
    pub(crate) fn writer(&self) -> BlobWriter {
        BlobWriter {
            unfinished: Some(Unfinished {
                blobs: self.clone(),
                id: Uuid::new_v4().simple().to_string(),
                file: None,
                buffer: Vec::new(),
            }),
            size: 0,
            md5: Md5::new(),
        }
    }

    fn path(&self, id: &str) -> PathBuf {
        in_shard(&self.folders.finished, id)
    }

    fn temporary(&self, id: &str) -> PathBuf {
        self.folders.unfinished.join(id)
    }
}

fn in_shard(folder: &Path, id: &str) -> PathBuf {
    folder.join(id.get(..2).unwrap_or("00")).join(id)
}

/// Where a data folder has the file of a finished write.
pub(crate) fn blob_path(data_dir: &Path, id: &str) -> PathBuf {
    in_shard(&data_dir.join("objects"), id)
}

/// Where a data folder has the file of an unfinished write.
pub(crate) fn unfinished_blob_path(data_dir: &Path, id: &str) -> PathBuf {
    data_dir.join("tmp").join(id)
}

/// The id of one of the store's files; `None` for any other file.
fn id_of(entry: &fs::DirEntry) -> Option<String> {
    let name = entry.file_name().into_string().ok()?;
    let is_id = name.len() == 32
        && name.bytes().all(|byte| byte.is_ascii_hexdigit())
        && entry.file_type().is_ok_and(|kind| kind.is_file());
    is_id.then_some(name)
}

/// Writes a file. If it is dropped before [`BlobWriter::finish`], the file is removed.
pub(crate) struct BlobWriter {
    /// `None` only while a blocking thread uses it.
    unfinished: Option<Unfinished>,
    size: u64,
    md5: Md5,
}

struct Unfinished {
    blobs: Blobs,
    id: String,
    file: Option<File>,
    buffer: Vec<u8>,
}

impl BlobWriter {
    /// Appends bytes.
    pub(crate) async fn write(&mut self, bytes: &Bytes) -> io::Result<()> {
        self.md5.update(bytes);
        self.size += bytes.len() as u64;
        if let Some(unfinished) = &mut self.unfinished {
            unfinished.buffer.extend_from_slice(bytes);
            if unfinished.buffer.len() < BUFFER {
                return Ok(());
            }
        }
        let mut unfinished = self.unfinished.take().ok_or_else(interrupted)?;
        self.unfinished = Some(
            tokio::task::spawn_blocking(move || unfinished.flush().map(|()| unfinished))
                .await
                .map_err(io::Error::other)??,
        );
        Ok(())
    }

    /// Synchronises the file and its folder.
    pub(crate) async fn finish(mut self) -> io::Result<NewBlob> {
        let unfinished = self.unfinished.take().ok_or_else(interrupted)?;
        let (size, md5) = (self.size, self.md5.finalize());
        tokio::task::spawn_blocking(move || unfinished.finish(size, md5))
            .await
            .map_err(io::Error::other)?
    }

    /// As [`BlobWriter::write`], for a blocking thread.
    pub(super) fn write_blocking(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.md5.update(bytes);
        self.size += bytes.len() as u64;
        let unfinished = self.unfinished.as_mut().ok_or_else(interrupted)?;
        unfinished.buffer.extend_from_slice(bytes);
        if unfinished.buffer.len() >= BUFFER {
            unfinished.flush()
        } else {
            Ok(())
        }
    }

    /// As [`BlobWriter::finish`], for a blocking thread.
    pub(super) fn finish_blocking(mut self) -> io::Result<NewBlob> {
        let unfinished = self.unfinished.take().ok_or_else(interrupted)?;
        unfinished.finish(self.size, self.md5.finalize())
    }
}

fn interrupted() -> io::Error {
    io::Error::other("an earlier write to this file failed")
}

impl Unfinished {
    fn temporary(&self) -> PathBuf {
        self.blobs.temporary(&self.id)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.blobs.space().admit(self.buffer.len() as u64)?;
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .open(self.temporary())?;
                self.file.insert(file)
            }
        };
        file.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    fn finish(mut self, size: u64, md5: [u8; 16]) -> io::Result<NewBlob> {
        self.flush()?;
        if let Some(file) = &self.file {
            file.sync_data()?;
        }
        // From here on the new blob owns the file.
        self.file = None;
        let blob = NewBlob {
            blobs: self.blobs.clone(),
            id: std::mem::take(&mut self.id),
            size,
            md5,
            kept: false,
        };
        File::open(&blob.blobs.folders.unfinished)?.sync_all()?;
        Ok(blob)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.file.is_some() {
            // The next start removes it if this fails.
            let _ = fs::remove_file(self.temporary());
        }
    }
}

/// A finished file that the database does not refer to yet. It is removed when dropped, unless [`NewBlob::keep`] is called.
#[derive(Debug)]
pub(crate) struct NewBlob {
    blobs: Blobs,
    id: String,
    size: u64,
    md5: [u8; 16],
    kept: bool,
}

impl NewBlob {
    /// The file's name.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The MD5 of its bytes.
    pub(crate) fn md5(&self) -> [u8; 16] {
        self.md5
    }

    /// Keeps the file, because the database refers to it now, and moves it to its final path.
    pub(super) fn keep(mut self) {
        self.kept = true;
        // If this fails, the file is found where it is, and the next start moves it.
        if let Err(error) = fs::rename(self.blobs.temporary(&self.id), self.blobs.path(&self.id)) {
            tracing::warn!(%error, "a stored file could not be moved from tmp/ to objects/");
        }
    }
}

impl Drop for NewBlob {
    fn drop(&mut self) {
        if !self.kept {
            // The next start removes it if this fails.
            let _ = fs::remove_file(self.blobs.temporary(&self.id));
        }
    }
}

/// Reads `range` of an open file and passes it to `piece` in pieces. Blocks.
pub(super) fn read_range(
    mut file: File,
    range: Range<u64>,
    mut piece: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    file.seek(SeekFrom::Start(range.start))?;
    let length = range.end.saturating_sub(range.start);
    let mut rest = file.take(length);
    let mut buffer = vec![0; usize::try_from(length).unwrap_or(BUFFER).clamp(1, BUFFER)];
    loop {
        let read = rest.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        piece(buffer.get(..read).unwrap_or_default())?;
    }
    if rest.limit() == 0 {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &Path) -> Blobs {
        Blobs::open(dir, Space::open(dir)).unwrap()
    }

    fn files(dir: &Path) -> usize {
        fs::read_dir(dir.join("objects"))
            .unwrap()
            .map(|shard| fs::read_dir(shard.unwrap().path()).unwrap().count())
            .sum()
    }

    async fn blob(blobs: &Blobs, bytes: &'static [u8]) -> NewBlob {
        let mut writer = blobs.writer();
        writer.write(&Bytes::from_static(bytes)).await.unwrap();
        writer.finish().await.unwrap()
    }

    #[tokio::test]
    async fn a_blob_that_is_not_kept_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = open(dir.path());
        let new = blob(&blobs, b"picture").await;
        let unfinished = || fs::read_dir(dir.path().join("tmp")).unwrap().count();
        assert_eq!((new.size(), files(dir.path()), unfinished()), (7, 0, 1));
        drop(new);
        assert_eq!((files(dir.path()), unfinished()), (0, 0));
        blob(&blobs, b"picture").await.keep();
        assert_eq!(files(dir.path()), 1);
    }

    #[tokio::test]
    async fn foreign_files_are_kept_and_noticed() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!Blobs::has_files(dir.path()).unwrap());
        let blobs = open(dir.path());
        assert!(!Blobs::has_files(dir.path()).unwrap());
        let objects = dir.path().join("objects");
        let orphan = objects.join("ab").join("ab".repeat(16));
        for file in [
            &orphan,
            &objects.join(".DS_Store"),
            &objects.join("ab/notes"),
            &dir.path().join("tmp/draft"),
        ] {
            fs::write(file, b"x").unwrap();
        }
        fs::create_dir(dir.path().join("tmp/folder")).unwrap();
        assert!(Blobs::has_files(dir.path()).unwrap());
        blobs.finish_interrupted(&HashSet::new()).unwrap();
        let files = blobs.files().unwrap();
        assert_eq!(files, HashSet::from(["ab".repeat(16)]));
        blobs.set_aside(&"ab".repeat(16)).unwrap();
        assert!(!orphan.exists() && objects.join("ab/notes").exists());
        let aside = dir.path().join("unknown-objects").join("ab".repeat(16));
        assert_eq!(fs::read(aside).unwrap(), b"x");
        assert!(dir.path().join("tmp/draft").exists());
    }

    #[tokio::test]
    async fn an_abandoned_large_file_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = open(dir.path());
        let mut writer = blobs.writer();
        writer
            .write(&Bytes::from(vec![7; 3 * BUFFER]))
            .await
            .unwrap();
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 1);
        drop(writer);
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn interrupted_writes_are_finished_if_the_database_knows_them() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = open(dir.path());
        let committed = blob(&blobs, b"named").await;
        let id = committed.id().to_owned();
        let read = |blobs: &Blobs| {
            let mut read = Vec::new();
            read_range(blobs.open_file(&id).unwrap(), 1..4, |piece| {
                read.extend_from_slice(piece);
                Ok(())
            })
            .unwrap();
            read
        };
        assert_eq!(read(&blobs), b"ame");
        // As after a kill between the commit and the move.
        std::mem::forget(committed);
        fs::write(dir.path().join("tmp").join("0f".repeat(16)), b"half").unwrap();

        let blobs = open(dir.path());
        blobs
            .finish_interrupted(&HashSet::from([id.clone()]))
            .unwrap();
        assert_eq!(read(&blobs), b"ame");
        assert_eq!(files(dir.path()), 1);
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
        blobs.remove(&id);
        assert_eq!(blobs.take_removed(), [id]);
        assert_eq!(files(dir.path()), 0);
    }
}
