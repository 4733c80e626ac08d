//! Buckets in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;

use super::lock::lock;
use crate::{
    object_store::{
        Condition, Get, GetOutcome, ListObjects, ObjectInfo, ObjectStore, Put, PutOutcome,
    },
    service_error::ServiceError,
};

/// Buckets in memory. Every bucket name exists. Conditions are checked and objects are stored under one
/// lock. As in S3, equal bytes have equal ETags. Clones share the objects.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Buckets>>);

#[derive(Debug, Default)]
struct Buckets {
    versioned: bool,
    stored: u64,
    objects: BTreeMap<(String, String), Vec<Version>>,
    calls: Vec<String>,
}

#[derive(Debug, Clone)]
struct Version {
    info: ObjectInfo,
    body: Vec<u8>,
    /// The version is a delete marker.
    deleted: bool,
}

impl MemoryStore {
    /// An empty store that keeps only the newest version of each object.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that keeps every version.
    #[must_use]
    pub fn versioned() -> Self {
        let store = Self::default();
        lock(&store.0).versioned = true;
        store
    }

    /// Stores an object as an uploader would and returns its metadata.
    pub fn insert(
        &self,
        bucket: &str,
        key: &str,
        body: &[u8],
        content_type: &str,
        metadata: &[(&str, &str)],
    ) -> ObjectInfo {
        lock(&self.0).store(&Put {
            bucket,
            key,
            body,
            content_type,
            metadata,
            condition: Condition::Always,
        })
    }

    /// Sets the SHA-256 that a bucket would verify during an upload.
    pub fn set_sha256(&self, bucket: &str, key: &str, sha256: &str) {
        let mut buckets = lock(&self.0);
        let versions = buckets.objects.get_mut(&(bucket.into(), key.into()));
        if let Some(newest) = versions.and_then(|versions| versions.last_mut()) {
            newest.info.sha256 = Some(sha256.to_owned());
        }
    }

    /// The object's bytes.
    #[must_use]
    pub fn body(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let buckets = lock(&self.0);
        buckets
            .newest(bucket, key)
            .map(|version| version.body.clone())
    }

    /// The object as JSON; `None` if it does not exist or is not JSON.
    #[must_use]
    pub fn json(&self, bucket: &str, key: &str) -> Option<Value> {
        serde_json::from_slice(&self.body(bucket, key)?).ok()
    }

    /// The keys of the bucket's current objects in order.
    #[must_use]
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        lock(&self.0)
            .objects
            .iter()
            .filter(|((of, _), versions)| {
                of == bucket && versions.last().is_some_and(|newest| !newest.deleted)
            })
            .map(|((_, key), _)| key.clone())
            .collect()
    }

    /// The number of an object's versions, delete markers included.
    #[must_use]
    pub fn versions(&self, bucket: &str, key: &str) -> usize {
        let buckets = lock(&self.0);
        let versions = buckets.objects.get(&(bucket.into(), key.into()));
        versions.map_or(0, Vec::len)
    }

    /// Every call so far, such as `PutObject out-put results/uploads/a.jpg.json`.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        lock(&self.0).calls.clone()
    }
}

impl Buckets {
    fn record(&mut self, operation: &str, bucket: &str, key: &str) {
        self.calls.push(format!("{operation} {bucket} {key}"));
    }

    fn newest(&self, bucket: &str, key: &str) -> Option<&Version> {
        let newest = self.objects.get(&(bucket.into(), key.into()))?.last()?;
        (!newest.deleted).then_some(newest)
    }

    fn delete(&mut self, bucket: &str, key: &str) {
        let address = (bucket.to_owned(), key.to_owned());
        if !self.versioned {
            self.objects.remove(&address);
            return;
        }
        self.stored += 1;
        let info = ObjectInfo {
            version_id: Some(format!("v{}", self.stored)),
            ..ObjectInfo::default()
        };
        self.objects.entry(address).or_default().push(Version {
            info,
            body: Vec::new(),
            deleted: true,
        });
    }

    fn store(&mut self, put: &Put<'_>) -> ObjectInfo {
        self.stored += 1;
        // FNV-1a. Its values never change, so golden files may contain them.
        let hash = put
            .body
            .iter()
            .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
            });
        let info = ObjectInfo {
            e_tag: format!("{hash:032x}"),
            size: put.body.len() as u64,
            content_type: put.content_type.to_owned(),
            // The same in every run, so golden files may contain it. Objects stored later are newer.
            last_modified: Some(
                time::macros::datetime!(2026-03-01 19:00 UTC) + Duration::from_secs(self.stored),
            ),
            version_id: self.versioned.then(|| format!("v{}", self.stored)),
            sha256: None,
            metadata: put
                .metadata
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        let versions = self
            .objects
            .entry((put.bucket.to_owned(), put.key.to_owned()))
            .or_default();
        if !self.versioned {
            versions.clear();
        }
        versions.push(Version {
            info: info.clone(),
            body: put.body.to_vec(),
            deleted: false,
        });
        info
    }
}

impl ObjectStore for MemoryStore {
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, ServiceError> {
        let mut buckets = lock(&self.0);
        buckets.record("HeadObject", bucket, key);
        Ok(buckets
            .newest(bucket, key)
            .map(|version| version.info.clone()))
    }

    async fn get(&self, get: Get<'_>) -> Result<GetOutcome, ServiceError> {
        let mut buckets = lock(&self.0);
        buckets.record("GetObject", get.bucket, get.key);
        let found = match get.version_id {
            None => buckets.newest(get.bucket, get.key),
            Some(id) => buckets
                .objects
                .get(&(get.bucket.into(), get.key.into()))
                .and_then(|versions| {
                    versions.iter().find(|version| {
                        version.info.version_id.as_deref() == Some(id) && !version.deleted
                    })
                }),
        };
        Ok(match found {
            None => GetOutcome::Missing,
            Some(version)
                if get
                    .if_match
                    .is_some_and(|e_tag| e_tag != version.info.e_tag) =>
            {
                GetOutcome::Changed
            }
            Some(version) => {
                let mut body = version.body.clone();
                if let Some(first) = get.first_bytes {
                    body.truncate(usize::try_from(first).unwrap_or(usize::MAX));
                }
                GetOutcome::Found(version.info.clone(), body)
            }
        })
    }

    async fn put(&self, put: Put<'_>) -> Result<PutOutcome, ServiceError> {
        let mut buckets = lock(&self.0);
        buckets.record("PutObject", put.bucket, put.key);
        let current = buckets
            .newest(put.bucket, put.key)
            .map(|version| version.info.e_tag.as_str());
        let holds = match put.condition {
            Condition::Always => true,
            Condition::IfAbsent => current.is_none(),
            Condition::IfMatch(e_tag) => current == Some(e_tag),
        };
        Ok(if holds {
            PutOutcome::Stored(buckets.store(&put).e_tag)
        } else {
            PutOutcome::ConditionFailed
        })
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        let mut buckets = lock(&self.0);
        buckets.record("DeleteObject", bucket, key);
        buckets.delete(bucket, key);
        Ok(())
    }

    async fn delete_versions(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        let mut buckets = lock(&self.0);
        buckets.record("DeleteObject", bucket, key);
        buckets.record("ListObjectVersions", bucket, key);
        buckets.record("DeleteObjects", bucket, key);
        buckets.objects.remove(&(bucket.into(), key.into()));
        Ok(())
    }

    async fn delete_once(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        self.delete(bucket, key).await
    }
}

impl ListObjects for MemoryStore {
    async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<String>, ServiceError> {
        lock(&self.0).record("ListObjectsV2", bucket, prefix);
        let mut keys = self.keys(bucket);
        keys.retain(|key| {
            key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after)
        });
        keys.truncate(1000);
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUT: Put<'_> = Put {
        bucket: "b",
        key: "k",
        body: b"one",
        content_type: "text/plain",
        metadata: &[],
        condition: Condition::IfAbsent,
    };

    #[tokio::test]
    async fn conditions_are_checked_as_in_s3() {
        let store = MemoryStore::new();
        let replace = |e_tag| Put {
            condition: Condition::IfMatch(e_tag),
            body: b"two",
            ..PUT
        };
        assert_eq!(
            store.put(replace("x")).await,
            Ok(PutOutcome::ConditionFailed)
        );
        let Ok(PutOutcome::Stored(e_tag)) = store.put(PUT).await else {
            panic!("the object did not exist");
        };
        assert_eq!(store.put(PUT).await, Ok(PutOutcome::ConditionFailed));
        assert_eq!(
            store.put(replace("x")).await,
            Ok(PutOutcome::ConditionFailed)
        );
        assert!(matches!(
            store.put(replace(&e_tag)).await,
            Ok(PutOutcome::Stored(_))
        ));
        assert_eq!(store.body("b", "k").as_deref(), Some(&b"two"[..]));
    }

    #[tokio::test]
    async fn one_of_many_concurrent_creations_succeeds() {
        let store = MemoryStore::new();
        let puts = (0..50).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.put(PUT).await })
        });
        let stored = futures::future::join_all(puts)
            .await
            .into_iter()
            .filter(|put| matches!(put, Ok(Ok(PutOutcome::Stored(_)))))
            .count();
        assert_eq!(stored, 1);
    }

    #[tokio::test]
    async fn a_versioned_store_keeps_every_version() {
        let store = MemoryStore::versioned();
        let one = store.insert("b", "k", b"one", "text/plain", &[]);
        store.insert("b", "k", b"two", "text/plain", &[]);
        let get = Get {
            bucket: "b",
            key: "k",
            version_id: one.version_id.as_deref(),
            if_match: Some(&one.e_tag),
            first_bytes: Some(2),
        };
        assert_eq!(
            store.get(get).await,
            Ok(GetOutcome::Found(one.clone(), b"on".to_vec()))
        );
        let newest = Get {
            version_id: None,
            ..get
        };
        assert_eq!(store.get(newest).await, Ok(GetOutcome::Changed));

        store.delete("b", "k").await.unwrap();
        assert_eq!(store.get(newest).await, Ok(GetOutcome::Missing));
        assert_eq!((store.keys("b").len(), store.versions("b", "k")), (0, 3));
        assert!(matches!(store.get(get).await, Ok(GetOutcome::Found(..))));
        store.delete_versions("b", "k").await.unwrap();
        assert_eq!(store.versions("b", "k"), 0);
    }
}
