//! Preparation beside asynchronous work, at most so many pictures at once.

use std::sync::Arc;

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use super::{Limits, PrepareError, Prepared, prepare};
use crate::picture::PictureHeader;

/// What one picture takes at most while it is prepared, in MiB, with what stands around it: the
/// file, its pixels, and a copy of both that may linger in the allocator.
const MIB_EACH: usize = 384;

/// Of pictures that hold more than this in memory while they are decoded, in bytes, one is in hand at a time: the
/// pixels of about four megapixels. The photos that most uploads are, JPEGs that are read block by block, never do.
const LARGE_BYTES: u64 = 16 * 1024 * 1024;

/// How many pictures can be prepared at once in a function with so much memory (MiB, as Lambda tells in
/// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`): two where both have room, so that a large one holds up no
/// others; more would only share the same processors. Two where nobody tells, on one machine.
#[must_use]
pub fn side_by_side(function_mib: Option<usize>) -> usize {
    function_mib.map_or(2, |mib| (mib / MIB_EACH).clamp(1, 2))
}

/// Prepares pictures on blocking threads, at most so many at once as memory allows, and of those that
/// take much memory one. Clones share the turns.
#[derive(Debug, Clone)]
pub struct Preparer {
    turns: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Preparer {
    /// For so many pictures at once, at least one.
    #[must_use]
    pub fn new(side_by_side: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(side_by_side.max(1))),
            large: Arc::new(Semaphore::new(1)),
        }
    }

    /// Waits for a turn for a picture with this header; one whose header could not be read may be large. Take it
    /// before the file is read into memory, so that files wait in their bucket.
    pub async fn turn(&self, header: Option<&PictureHeader>) -> Turn {
        let large = header
            .and_then(PictureHeader::held_bytes)
            .is_none_or(|bytes| bytes > LARGE_BYTES);
        Turn {
            // First, so that a large one that waits for another leaves the turns to others.
            _large: if large {
                self.large.clone().acquire_owned().await.ok()
            } else {
                None
            },
            _permit: self.turns.clone().acquire_owned().await.ok(),
        }
    }
}

/// The right to prepare one picture. Who stops waiting for the picture leaves the turn to the
/// thread that still works on it.
#[derive(Debug)]
pub struct Turn {
    _large: Option<OwnedSemaphorePermit>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Turn {
    /// Prepares the picture; see [`prepare`].
    ///
    /// # Errors
    /// [`PrepareError`] where Rekognition cannot be given the picture at all.
    pub async fn prepare(self, bytes: Vec<u8>, limits: Limits) -> Result<Prepared, PrepareError> {
        spawn_blocking(move || {
            let prepared = prepare(&bytes, &limits);
            drop((bytes, self));
            prepared
        })
        .await
        .unwrap_or_else(|_| Err(PrepareError::internal("preparing")))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::MediaType;

    fn header(format: MediaType, progressive: bool) -> PictureHeader {
        PictureHeader {
            format,
            size: Some((4000, 3000)),
            orientation: 1,
            progressive,
        }
    }

    #[test]
    fn two_side_by_side_where_both_have_room() {
        let counts = [128, 512, 767, 768, 10_240].map(|mib| side_by_side(Some(mib)));
        assert_eq!(counts, [1, 1, 1, 2, 2]);
    }

    #[test]
    fn of_pictures_that_hold_much_memory_one_has_its_turn_at_a_time() {
        let preparer = Preparer::new(2);
        let turn = |header: Option<PictureHeader>| {
            let preparer = preparer.clone();
            async move { preparer.turn(header.as_ref()).await }
        };
        let photo = Some(header(MediaType::Jpeg, false));
        for large in [
            Some(header(MediaType::Jpeg, true)),
            Some(header(MediaType::Png, true)),
            Some(header(MediaType::Webp, false)),
            None,
        ] {
            let first = turn(large).now_or_never().unwrap();
            let mut second = Box::pin(turn(large));
            assert!((&mut second).now_or_never().is_none(), "{large:?}");
            // One that waits keeps no turn from others.
            drop(turn(photo).now_or_never().unwrap());
            drop(first);
            second.now_or_never().unwrap();
        }
        let _both = [photo, photo].map(|photo| turn(photo).now_or_never().unwrap());
        assert!(turn(photo).now_or_never().is_none());
    }
}
