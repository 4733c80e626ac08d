//! Preparation in asynchronous programs, with a limit on pictures at a time.

use std::sync::Arc;

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use crate::{
    error::PrepareError, header::PictureHeader, limits::Limits, prepare::prepare,
    prepared::Prepared,
};

/// The most memory that preparing one picture takes in a process, in MiB: the file, its pixels, and a copy of both that may linger
/// in the allocator.
const MIB_PER_PICTURE: usize = 384;

/// Pictures that buffer more bytes of pixels than this are prepared one at a time: about four megapixels. Baseline JPEGs, which
/// most uploads are, buffer none.
const LARGE_BYTES: u64 = 16 * 1024 * 1024;

/// How many pictures to prepare at once in a function with this much memory (in MiB, as in Lambda's
/// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`): two if both fit, so that a large one does not delay others. More would only share the same
/// processors. Without a limit, as on one machine, also two.
#[must_use]
pub fn default_concurrency(function_mib: Option<usize>) -> usize {
    function_mib.map_or(2, |mib| (mib / MIB_PER_PICTURE).clamp(1, 2))
}

/// Prepares pictures on blocking threads, with a limit on pictures at a time and only one large picture at a time. Clones share
/// the limits.
#[derive(Debug, Clone)]
pub struct Preparer {
    all: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Preparer {
    /// Prepares `concurrency` pictures at once, at least one.
    #[must_use]
    pub fn new(concurrency: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(concurrency.max(1))),
            large: Arc::new(Semaphore::new(1)),
        }
    }

    /// Waits until a picture with this header may be prepared. Without a header the picture counts as large. Acquire the permit
    /// before reading the file into memory.
    pub async fn acquire(&self, header: Option<&PictureHeader>) -> PreparePermit {
        let large = header
            .and_then(PictureHeader::buffered_bytes)
            .is_none_or(|bytes| bytes > LARGE_BYTES);
        PreparePermit {
            // First, so that a large picture that waits for another does not block small ones.
            _large: if large {
                self.large.clone().acquire_owned().await.ok()
            } else {
                None
            },
            _all: self.all.clone().acquire_owned().await.ok(),
        }
    }
}

/// Permission to prepare one picture. If the caller stops waiting, the thread keeps the permit until it is done.
#[derive(Debug)]
pub struct PreparePermit {
    _large: Option<OwnedSemaphorePermit>,
    _all: Option<OwnedSemaphorePermit>,
}

impl PreparePermit {
    /// Prepares the picture; see [`prepare`].
    ///
    /// # Errors
    /// [`PrepareError`] if Rekognition cannot analyse the picture.
    pub async fn prepare(self, file: Vec<u8>, limits: Limits) -> Result<Prepared, PrepareError> {
        spawn_blocking(move || {
            let prepared = prepare(&file, &limits);
            drop((file, self));
            prepared
        })
        .await
        .unwrap_or(Err(PrepareError::Internal("preparing")))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::media::MediaType;

    fn header(format: MediaType, progressive: bool) -> PictureHeader {
        PictureHeader {
            format,
            size: Some((4000, 3000)),
            orientation: 1,
            progressive,
        }
    }

    #[test]
    fn two_pictures_at_once_if_both_fit() {
        let counts = [128, 512, 767, 768, 10_240].map(|mib| default_concurrency(Some(mib)));
        assert_eq!(counts, [1, 1, 1, 2, 2]);
    }

    #[test]
    fn large_pictures_are_prepared_one_at_a_time() {
        let preparer = Preparer::new(2);
        let acquire = |header: Option<PictureHeader>| {
            let preparer = preparer.clone();
            async move { preparer.acquire(header.as_ref()).await }
        };
        let photo = Some(header(MediaType::Jpeg, false));
        for large in [
            Some(header(MediaType::Jpeg, true)),
            Some(header(MediaType::Png, true)),
            Some(header(MediaType::Webp, false)),
            None,
        ] {
            let first = acquire(large).now_or_never().unwrap();
            let mut second = Box::pin(acquire(large));
            assert!((&mut second).now_or_never().is_none(), "{large:?}");
            // The waiting picture does not block a small one.
            drop(acquire(photo).now_or_never().unwrap());
            drop(first);
            second.now_or_never().unwrap();
        }
        let _both = [photo, photo].map(|photo| acquire(photo).now_or_never().unwrap());
        assert!(acquire(photo).now_or_never().is_none());
    }
}
