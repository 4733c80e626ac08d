//! Recently decoded pictures. The calls for one picture come together, one for each analysis, and decode it once.

use s3s::crypto::{Checksum as _, Sha256};
use sightline_vision::{Picture, VisionError};
use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

/// How long a picture is kept after its last use. The calls for one picture wait for each other, so they follow closely.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(5);
/// The memory of pictures that no call uses, in bytes: one photograph of 20 megapixels, or several small ones.
const KEPT_BYTES: usize = 64 << 20;

/// What makes two pictures the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Identity {
    /// The file in the store. Every write of an object makes a new file.
    Stored(String),
    /// The SHA-256 of the bytes in a request.
    Sent([u8; 32]),
}

impl Identity {
    /// The identity of bytes in a request.
    pub(super) fn of_bytes(bytes: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(bytes);
        Self::Sent(hasher.finalize())
    }
}

/// The outcome of decoding, once there is one. Whoever comes first decodes; the others wait.
type Decoded = Arc<OnceLock<Result<Arc<Picture>, VisionError>>>;

struct Entry {
    identity: Identity,
    decoded: Decoded,
    last_used: Instant,
}

impl Entry {
    /// Whether a call decodes or uses the picture.
    fn is_in_use(&self) -> bool {
        let by_a_call = |picture: &Arc<Picture>| Arc::strong_count(picture) > 1;
        Arc::strong_count(&self.decoded) > 1
            || matches!(self.decoded.get(), Some(Ok(picture)) if by_a_call(picture))
    }

    fn bytes(&self) -> usize {
        match self.decoded.get() {
            Some(Ok(picture)) => picture.bytes(),
            _ => 0,
        }
    }
}

/// The pictures in use, and for a few seconds those that were used last, within [`KEPT_BYTES`].
#[derive(Default)]
pub(crate) struct Pictures(Mutex<Vec<Entry>>);

impl Pictures {
    /// The picture with this identity. Decodes `bytes` unless another call has done so, or waits while one does.
    ///
    /// # Errors
    /// Those of [`Picture::decode`].
    pub(super) fn get(
        &self,
        identity: &Identity,
        bytes: &[u8],
    ) -> Result<Arc<Picture>, VisionError> {
        let decoded = self.entry(identity);
        decoded
            .get_or_init(|| Picture::decode(bytes).map(Arc::new))
            .clone()
    }

    fn entry(&self, identity: &Identity) -> Decoded {
        let mut entries = self.lock();
        if let Some(entry) = entries.iter().find(|entry| entry.identity == *identity) {
            return Arc::clone(&entry.decoded);
        }
        let decoded = Decoded::default();
        entries.push(Entry {
            identity: identity.clone(),
            decoded: Arc::clone(&decoded),
            last_used: Instant::now(),
        });
        decoded
    }

    /// Ends the use of a picture at `now`, and drops what is not kept.
    pub(super) fn release(&self, identity: &Identity, picture: Arc<Picture>, now: Instant) {
        drop(picture);
        let mut entries = self.lock();
        for entry in entries.iter_mut() {
            if entry.identity == *identity {
                entry.last_used = now;
            }
        }
        drop_unused(&mut entries, now);
    }

    /// Drops the pictures whose time is over at `now`.
    pub(super) fn expire(&self, now: Instant) {
        drop_unused(&mut self.lock(), now);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops failures, expired pictures, and the least recently used ones beyond the limit of memory.
fn drop_unused(entries: &mut Vec<Entry>, now: Instant) {
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.last_used));
    let mut kept = 0;
    entries.retain(|entry| {
        if entry.is_in_use() {
            return true;
        }
        let is_picture = matches!(entry.decoded.get(), Some(Ok(_)));
        let is_recent = now.saturating_duration_since(entry.last_used) < KEPT_FOR;
        let fits = kept + entry.bytes() <= KEPT_BYTES;
        let keep = is_picture && is_recent && fits;
        if keep {
            kept += entry.bytes();
        }
        keep
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, ImageFormat, RgbImage};
    use std::io::Cursor;

    fn png(side: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::from(RgbImage::new(side, side))
            .write_to(&mut bytes, ImageFormat::Png)
            .unwrap();
        bytes.into_inner()
    }

    fn stored(name: &str) -> Identity {
        Identity::Stored(name.to_owned())
    }

    fn count(pictures: &Pictures) -> usize {
        pictures.lock().len()
    }

    #[test]
    fn calls_side_by_side_decode_a_picture_once() {
        let pictures = Pictures::default();
        let bytes = png(900);
        let identity = Identity::of_bytes(&bytes);
        let found: Vec<Arc<Picture>> = std::thread::scope(|scope| {
            let calls: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| pictures.get(&identity, &bytes).unwrap()))
                .collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        for other in &found {
            assert!(Arc::ptr_eq(&found[0], other));
        }
        assert_eq!(count(&pictures), 1);
    }

    #[test]
    fn a_picture_is_kept_for_some_seconds_after_its_last_use() {
        let pictures = Pictures::default();
        let (bytes, id) = (png(100), stored("a"));
        let first = pictures.get(&id, &bytes).unwrap();
        let now = Instant::now();
        pictures.expire(now + 2 * KEPT_FOR);
        assert_eq!(count(&pictures), 1, "it is in use");
        pictures.release(&id, first, now);
        pictures.expire(now + KEPT_FOR / 2);
        assert_eq!(count(&pictures), 1);
        pictures.expire(now + KEPT_FOR);
        assert_eq!(count(&pictures), 0);
    }

    #[test]
    fn the_memory_of_unused_pictures_is_limited() {
        let pictures = Pictures::default();
        // 27 MiB each, so two fit and three do not.
        let bytes = png(3072);
        let began = Instant::now();
        for (name, second) in [("a", 1), ("b", 2), ("c", 3)] {
            let id = stored(name);
            let picture = pictures.get(&id, &bytes).unwrap();
            pictures.release(&id, picture, began + Duration::from_secs(second));
        }
        let kept: Vec<_> = pictures
            .lock()
            .iter()
            .map(|entry| entry.identity.clone())
            .collect();
        assert_eq!(kept, [stored("c"), stored("b")]);
    }

    #[test]
    fn other_bytes_and_other_versions_are_other_pictures() {
        let pictures = Pictures::default();
        let (small, large) = (png(100), png(200));
        assert_ne!(Identity::of_bytes(&small), Identity::of_bytes(&large));
        assert_eq!(Identity::of_bytes(&small), Identity::of_bytes(&png(100)));
        let a = pictures.get(&stored("a"), &small).unwrap();
        let b = pictures.get(&stored("b"), &small).unwrap();
        assert!(!Arc::ptr_eq(&a, &b));
    }

    #[test]
    fn failures_are_not_kept() {
        let pictures = Pictures::default();
        let id = stored("a");
        assert!(pictures.get(&id, b"no picture").is_err());
        pictures.expire(Instant::now());
        assert_eq!(count(&pictures), 0);
        pictures.get(&id, &png(100)).unwrap();
    }
}
