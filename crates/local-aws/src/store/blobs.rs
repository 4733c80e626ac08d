//! Files with object bytes. Their names are generated ids, so that a key never becomes a path.
//!
//! A file is written to a temporary folder, synchronised, and renamed into one of 256 folders, which is synchronised too.
//! Files that the database does not refer to, such as after a crash, are removed at the next start.

use bytes::Bytes;
use s3s::crypto::{Checksum as _, Md5};
use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
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

    /// Creates the folders and removes unfinished files.
    pub(super) fn open(data_dir: &Path) -> io::Result<Self> {
        let folders = Folders {
            finished: data_dir.join("objects"),
            unfinished: data_dir.join("tmp"),
        };
        for shard in 0..=u8::MAX {
            fs::create_dir_all(folders.finished.join(format!("{shard:02x}")))?;
        }
        fs::create_dir_all(&folders.unfinished)?;
        for entry in fs::read_dir(&folders.unfinished)? {
            let entry = entry?;
            if id_of(&entry).is_some() {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(Self {
            folders: Arc::new(folders),
        })
    }

    /// Removes the files that the database does not refer to. Returns their number.
    pub(super) fn sweep(&self, referenced: &HashSet<String>) -> io::Result<usize> {
        let mut removed = 0;
        for shard in fs::read_dir(&self.folders.finished)? {
            let shard = shard?;
            // Files of a desktop or a person stay.
            if !shard.file_type()?.is_dir() {
                continue;
            }
            for entry in fs::read_dir(shard.path())? {
                let entry = entry?;
                if id_of(&entry).is_some_and(|id| !referenced.contains(&id)) {
                    fs::remove_file(entry.path())?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    /// Opens a file for reading. It stays readable if it is removed.
    pub(super) fn open_file(&self, id: &str) -> io::Result<File> {
        File::open(self.path(id))
    }

    /// Removes a file that the database no longer refers to.
    pub(super) fn remove(&self, id: &str) {
        if let Err(error) = fs::remove_file(self.path(id)) {
            // The next start removes it.
            tracing::warn!(%error, "an unused file could not be removed");
        }
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
        self.folders
            .finished
            .join(id.get(..2).unwrap_or("00"))
            .join(id)
    }
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

    /// Synchronises the file and renames it to its final path.
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
        self.blobs.folders.unfinished.join(&self.id)
    }

    fn flush(&mut self) -> io::Result<()> {
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
        let path = self.blobs.path(&self.id);
        fs::rename(self.temporary(), &path)?;
        // From here on the new blob owns the file.
        self.file = None;
        let blob = NewBlob {
            blobs: self.blobs.clone(),
            id: std::mem::take(&mut self.id),
            size,
            md5,
            kept: false,
        };
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
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

    /// Keeps the file, because the database refers to it now.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for NewBlob {
    fn drop(&mut self) {
        if !self.kept {
            self.blobs.remove(&self.id);
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
        let blobs = Blobs::open(dir.path()).unwrap();
        let new = blob(&blobs, b"picture").await;
        assert_eq!((new.size(), files(dir.path())), (7, 1));
        drop(new);
        assert_eq!(files(dir.path()), 0);
        blob(&blobs, b"picture").await.keep();
        assert_eq!(files(dir.path()), 1);
    }

    #[tokio::test]
    async fn foreign_files_are_kept_and_noticed() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!Blobs::has_files(dir.path()).unwrap());
        let blobs = Blobs::open(dir.path()).unwrap();
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
        Blobs::open(dir.path()).unwrap();
        assert_eq!(blobs.sweep(&HashSet::new()).unwrap(), 1);
        assert!(!orphan.exists() && objects.join("ab/notes").exists());
        assert!(dir.path().join("tmp/draft").exists());
    }

    #[tokio::test]
    async fn an_abandoned_large_file_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path()).unwrap();
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
    async fn the_sweep_removes_only_unreferenced_files() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path()).unwrap();
        let named = blob(&blobs, b"named").await;
        let id = named.id().to_owned();
        named.keep();
        blob(&blobs, b"orphan").await.keep();
        fs::write(dir.path().join("tmp").join("0f".repeat(16)), b"half").unwrap();

        let blobs = Blobs::open(dir.path()).unwrap();
        assert_eq!(blobs.sweep(&HashSet::from([id.clone()])).unwrap(), 1);
        let mut read = Vec::new();
        let file = blobs.open_file(&id).unwrap();
        read_range(file, 1..4, |piece| {
            read.extend_from_slice(piece);
            Ok(())
        })
        .unwrap();
        assert_eq!(read, b"ame");
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
    }
}
