//! Buckets and presigners whose calls fail.

use std::time::Duration;

use super::faults::{Faults, fail_or_write};
use crate::{
    object_store::{
        CopyOutcome, Get, GetOutcome, ListObjects, ObjectInfo, ObjectStore, PresignPut,
        PresignedPut, Presigner, Put, PutOutcome,
    },
    service_error::ServiceError,
};

/// A store or presigner with planned failures.
#[derive(Debug, Clone)]
pub struct Failing<P> {
    inner: P,
    faults: Faults<ServiceError>,
    only: &'static str,
    lost_reply: bool,
    stuck: bool,
    panics: bool,
}

impl<P> Failing<P> {
    /// Calls fail as `faults` plans; the others reach `inner`.
    pub const fn new(inner: P, faults: Faults<ServiceError>) -> Self {
        Self {
            inner,
            faults,
            only: "",
            lost_reply: false,
            stuck: false,
            panics: false,
        }
    }

    /// Only calls whose line contains `part` can fail. Lines are those of
    /// [`MemoryStore::calls`](super::MemoryStore::calls); here, the line of a GET for all bytes ends with ` whole`.
    #[must_use]
    pub const fn only(mut self, part: &'static str) -> Self {
        self.only = part;
        self
    }

    /// Writes that fail are done, but their replies are lost, as when a connection breaks.
    #[must_use]
    pub const fn lost_replies(mut self) -> Self {
        self.lost_reply = true;
        self
    }

    /// GETs and PUTs never return instead of failing.
    #[must_use]
    pub const fn stuck(mut self) -> Self {
        self.stuck = true;
        self
    }

    /// Calls panic instead of failing, as a defect would.
    #[must_use]
    pub const fn panics(mut self) -> Self {
        self.panics = true;
        self
    }

    /// The error of this call, if it is to fail.
    fn failure(&self, operation: &str, bucket: &str, key: &str) -> Option<ServiceError> {
        if !format!("{operation} {bucket} {key}").contains(self.only) {
            return None;
        }
        let error = self.faults.next_failure();
        assert!(!self.panics || error.is_none(), "planned panic");
        error
    }

    /// Fails if this call is to fail.
    fn check(&self, operation: &str, bucket: &str, key: &str) -> Result<(), ServiceError> {
        self.failure(operation, bucket, key).map_or(Ok(()), Err)
    }
}

impl<S: ObjectStore> ObjectStore for Failing<S> {
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, ServiceError> {
        self.check("HeadObject", bucket, key)?;
        self.inner.head(bucket, key).await
    }

    async fn get(&self, get: Get<'_>) -> Result<GetOutcome, ServiceError> {
        let whole = if get.first_bytes.is_none() {
            " whole"
        } else {
            ""
        };
        match self.failure("GetObject", get.bucket, &format!("{}{whole}", get.key)) {
            Some(_) if self.stuck => std::future::pending().await,
            Some(error) => Err(error),
            None => self.inner.get(get).await,
        }
    }

    async fn put(&self, put: Put<'_>) -> Result<PutOutcome, ServiceError> {
        let failure = self.failure("PutObject", put.bucket, put.key);
        if self.stuck && failure.is_some() {
            std::future::pending().await
        }
        fail_or_write(failure, self.lost_reply, self.inner.put(put)).await
    }

    async fn copy(&self, bucket: &str, from: &str, to: &str) -> Result<CopyOutcome, ServiceError> {
        let failure = self.failure("CopyObject", bucket, from);
        fail_or_write(failure, self.lost_reply, self.inner.copy(bucket, from, to)).await
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        let failure = self.failure("DeleteObject", bucket, key);
        fail_or_write(failure, self.lost_reply, self.inner.delete(bucket, key)).await
    }

    async fn delete_versions(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        let failure = self.failure("DeleteObject", bucket, key);
        let delete = self.inner.delete_versions(bucket, key);
        fail_or_write(failure, self.lost_reply, delete).await
    }

    async fn delete_once(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        self.delete(bucket, key).await
    }
}

impl<S: ListObjects> ListObjects for Failing<S> {
    async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<String>, ServiceError> {
        self.check("ListObjectsV2", bucket, prefix)?;
        self.inner.list(bucket, prefix, after).await
    }
}

impl<P: Presigner> Presigner for Failing<P> {
    async fn presign_put(&self, put: PresignPut<'_>) -> Result<PresignedPut, ServiceError> {
        self.check("PresignPut", put.bucket, put.key)?;
        self.inner.presign_put(put).await
    }

    async fn presign_get(
        &self,
        bucket: &str,
        key: &str,
        expires_in: Duration,
    ) -> Result<String, ServiceError> {
        self.check("PresignGet", bucket, key)?;
        self.inner.presign_get(bucket, key, expires_in).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        object_store::Condition,
        testing::{MemoryStore, slow_down},
    };

    #[tokio::test]
    async fn calls_fail_as_planned() {
        let put = Put {
            bucket: "b",
            key: "k",
            body: b"one",
            content_type: "text/plain",
            metadata: &[],
            condition: Condition::IfAbsent,
        };
        let store = Failing::new(MemoryStore::new(), Faults::first(2, slow_down()))
            .only("PutObject b k")
            .lost_replies();
        assert_eq!(store.head("b", "k").await, Ok(None));
        assert_eq!(store.put(put).await, Err(slow_down()));
        // The first write was done although its reply was lost.
        assert_eq!(store.put(put).await, Err(slow_down()));
        assert_eq!(store.put(put).await, Ok(PutOutcome::ConditionFailed));
    }
}
