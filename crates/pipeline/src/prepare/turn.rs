//! Preparation beside asynchronous work, at most so many pictures at once.

use std::sync::{Arc, Mutex};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use super::{Limits, PrepareError, Prepared, prepare_beside};

/// What one picture takes at most while it is prepared, in MiB, with what stands around it: the
/// file, its pixels, and a copy of both that may linger in the allocator.
const MIB_EACH: usize = 384;

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
    large: Arc<Mutex<()>>,
}

impl Preparer {
    /// For so many pictures at once, at least one.
    #[must_use]
    pub fn new(side_by_side: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(side_by_side.max(1))),
            large: Arc::default(),
        }
    }

    /// Waits for a turn. Take it before the file is read into memory, so that files wait in their
    /// bucket.
    pub async fn turn(&self) -> Turn {
        Turn {
            _permit: self.turns.clone().acquire_owned().await.ok(),
            large: self.large.clone(),
        }
    }
}

/// The right to prepare one picture. Who stops waiting for the picture leaves the turn to the
/// thread that still works on it.
#[derive(Debug)]
pub struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
    large: Arc<Mutex<()>>,
}

impl Turn {
    /// Prepares the picture; see [`prepare`].
    ///
    /// # Errors
    /// [`PrepareError`] where Rekognition cannot be given the picture at all.
    pub async fn prepare(self, bytes: Vec<u8>, limits: Limits) -> Result<Prepared, PrepareError> {
        spawn_blocking(move || {
            let prepared = prepare_beside(&bytes, &limits, &self.large);
            drop((bytes, self));
            prepared
        })
        .await
        .unwrap_or_else(|_| Err(PrepareError::internal("preparing")))
    }
}
