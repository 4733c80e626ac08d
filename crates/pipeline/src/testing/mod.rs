//! The ports for tests: in memory, and failing as planned.
//!
//! Behind the feature `testing`; no function is built with it.

pub mod index_images;
pub mod index_suite;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rekognition_model::Operation;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    object_store::{
        Condition, Get, GetOutcome, ListObjects, ObjectInfo, ObjectStore, PresignPut, PresignedPut,
        Presigner, Put, PutOutcome,
    },
    recogniser::{Recogniser, RecogniserCall, RecogniserQuery},
    service_error::{Fate, Service, ServiceError, code::DAILY_LIMIT_REACHED},
};

pub use crate::index::{FailingIndex, MemoryIndex, busy, index_error};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Buckets in memory. Every bucket exists; conditions are checked and objects stored under one
/// lock. As in S3, an ETag is the same for the same bytes. Clones share the objects.
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
}

impl MemoryStore {
    /// Empty, keeping only the newest version of each object.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Empty, keeping every version.
    #[must_use]
    pub fn versioned() -> Self {
        let store = Self::default();
        lock(&store.0).versioned = true;
        store
    }

    /// Stores an object as an uploader would and says what the bucket then knows of it.
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

    /// Sets the SHA-256 that a bucket would have verified on upload.
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

    /// The object as JSON; `None` when there is none or it is no JSON.
    #[must_use]
    pub fn json(&self, bucket: &str, key: &str) -> Option<Value> {
        serde_json::from_slice(&self.body(bucket, key)?).ok()
    }

    /// The bucket's keys in order.
    #[must_use]
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        lock(&self.0)
            .objects
            .keys()
            .filter(|(of, _)| of == bucket)
            .map(|(_, key)| key.clone())
            .collect()
    }

    /// Every call so far, such as `PutObject out-put results/uploads/a.jpg.json`.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        lock(&self.0).calls.clone()
    }
}

impl Buckets {
    fn called(&mut self, operation: &str, bucket: &str, key: &str) {
        self.calls.push(format!("{operation} {bucket} {key}"));
    }

    fn newest(&self, bucket: &str, key: &str) -> Option<&Version> {
        self.objects.get(&(bucket.into(), key.into()))?.last()
    }

    fn store(&mut self, put: &Put<'_>) -> ObjectInfo {
        self.stored += 1;
        // FNV-1a, whose values never change, so that golden files may hold them.
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
            // Steady, so that golden files may hold it; objects stored later are newer.
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
        });
        info
    }
}

impl ObjectStore for MemoryStore {
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, ServiceError> {
        let mut buckets = lock(&self.0);
        buckets.called("HeadObject", bucket, key);
        Ok(buckets
            .newest(bucket, key)
            .map(|version| version.info.clone()))
    }

    async fn get(&self, get: Get<'_>) -> Result<GetOutcome, ServiceError> {
        let mut buckets = lock(&self.0);
        buckets.called("GetObject", get.bucket, get.key);
        let found = match get.version_id {
            None => buckets.newest(get.bucket, get.key),
            Some(id) => buckets
                .objects
                .get(&(get.bucket.into(), get.key.into()))
                .and_then(|versions| {
                    versions
                        .iter()
                        .find(|version| version.info.version_id.as_deref() == Some(id))
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
        buckets.called("PutObject", put.bucket, put.key);
        let standing = buckets
            .newest(put.bucket, put.key)
            .map(|version| version.info.e_tag.as_str());
        let holds = match put.condition {
            Condition::Always => true,
            Condition::IfAbsent => standing.is_none(),
            Condition::IfMatch(e_tag) => standing == Some(e_tag),
        };
        Ok(if holds {
            PutOutcome::Stored(buckets.store(&put).e_tag)
        } else {
            PutOutcome::ConditionFailed
        })
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        let mut buckets = lock(&self.0);
        buckets.called("DeleteObject", bucket, key);
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
        lock(&self.0).called("ListObjectsV2", bucket, prefix);
        let mut keys = self.keys(bucket);
        keys.retain(|key| {
            key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after)
        });
        keys.truncate(1000);
        Ok(keys)
    }
}

/// A presigner that signs nothing. Its URLs have the shape of those that S3's has in `eu-west-1`, and it
/// names the headers that a real one would sign.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemoryPresigner;

impl MemoryPresigner {
    fn url(bucket: &str, key: &str, expires_in: Duration, signed_headers: &str) -> String {
        format!(
            "https://{bucket}.s3.eu-west-1.amazonaws.com/{}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires={}&X-Amz-SignedHeaders={signed_headers}&X-Amz-Signature=0123456789abcdef",
            utf8_percent_encode(key, KEY),
            expires_in.as_secs()
        )
    }
}

/// What S3's addresses encode in a key.
const KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'/')
    .remove(b'_')
    .remove(b'~');

impl Presigner for MemoryPresigner {
    async fn presign_put(&self, put: PresignPut<'_>) -> Result<PresignedPut, ServiceError> {
        let mut headers = BTreeMap::from([
            ("content-length".to_owned(), put.content_length.to_string()),
            ("content-type".to_owned(), put.content_type.to_owned()),
            ("if-none-match".to_owned(), "*".to_owned()),
        ]);
        if let Some(sha256) = put.sha256 {
            let digest = hex::decode(sha256).unwrap_or_default();
            headers.insert("x-amz-checksum-sha256".to_owned(), STANDARD.encode(digest));
        }
        for (name, value) in put.metadata {
            headers.insert(format!("x-amz-meta-{name}"), (*value).to_owned());
        }
        let mut signed: Vec<_> = headers.keys().map(String::as_str).collect();
        signed.push("host");
        signed.sort_unstable();
        Ok(PresignedPut {
            url: Self::url(put.bucket, put.key, put.expires_in, &signed.join("%3B")),
            expires_at: OffsetDateTime::now_utc() + put.expires_in,
            headers,
        })
    }

    async fn presign_get(
        &self,
        bucket: &str,
        key: &str,
        expires_in: Duration,
    ) -> Result<String, ServiceError> {
        Ok(Self::url(bucket, key, expires_in, "host"))
    }
}

/// When to fail, and how. Clones share the plan.
#[derive(Debug, Clone)]
pub struct Faults<E>(Arc<FaultsInner<E>>);

#[derive(Debug)]
struct FaultsInner<E> {
    plan: Plan,
    /// Counts down for [`Plan::First`]; the generator's state for [`Plan::Percent`].
    state: AtomicU64,
    error: E,
}

#[derive(Debug)]
enum Plan {
    First,
    Percent(u64),
}

impl<E: Clone> Faults<E> {
    /// The first `times` calls fail.
    #[must_use]
    pub fn first(times: u64, error: E) -> Self {
        Self(Arc::new(FaultsInner {
            plan: Plan::First,
            state: AtomicU64::new(times),
            error,
        }))
    }

    /// Every call fails.
    #[must_use]
    pub fn always(error: E) -> Self {
        Self::first(u64::MAX, error)
    }

    /// About that many percent of the calls fail; the same seed makes the same pattern.
    #[must_use]
    pub fn seeded(seed: u64, percent: u64, error: E) -> Self {
        Self(Arc::new(FaultsInner {
            plan: Plan::Percent(percent),
            state: AtomicU64::new(seed),
            error,
        }))
    }

    pub(crate) fn strike(&self) -> Option<E> {
        let inner = &self.0;
        let strikes = match inner.plan {
            Plan::First => inner
                .state
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    left.checked_sub(1)
                })
                .is_ok(),
            Plan::Percent(percent) => {
                // splitmix64
                let step = 0x9E37_79B9_7F4A_7C15;
                let mut z = inner
                    .state
                    .fetch_add(step, Ordering::SeqCst)
                    .wrapping_add(step);
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                (z ^ (z >> 31)) % 100 < percent
            }
        };
        strikes.then(|| inner.error.clone())
    }
}

/// An error as a busy bucket gives it, for [`Faults`].
#[must_use]
pub fn slow_down() -> ServiceError {
    store_error(
        "SlowDown",
        "please reduce your request rate",
        Fate::RETRY_UNANSWERED,
    )
}

/// An error of a bucket, for [`Faults`].
#[must_use]
pub fn store_error(code: &str, message: &str, fate: Fate) -> ServiceError {
    ServiceError::new(Service::S3, "PutObject", code, message, fate).on("planned")
}

/// The error of a busy recogniser, for [`Faults`].
#[must_use]
pub fn throttled() -> ServiceError {
    recogniser_error("ThrottlingException", "rate exceeded", Fate::RETRY)
}

/// A final error of the recogniser, for [`Faults`].
#[must_use]
pub fn refused(code: &str) -> ServiceError {
    recogniser_error(code, "the request was refused", Fate::Final)
}

/// The error of a recogniser that the deployment lacks permissions for, for [`Faults`].
#[must_use]
pub fn denied(code: &str) -> ServiceError {
    recogniser_error(code, "the request was refused", Fate::Repair)
}

/// The error of a recogniser whose daily limit is reached, for [`Faults`].
#[must_use]
pub fn over_daily_limit() -> ServiceError {
    recogniser_error(
        DAILY_LIMIT_REACHED,
        "today's analyses are used up",
        Fate::DailyLimit,
    )
}

/// An error of the recogniser, for [`Faults`].
#[must_use]
pub fn recogniser_error(code: &str, message: &str, fate: Fate) -> ServiceError {
    ServiceError::new(Service::Rekognition, "DetectLabels", code, message, fate)
}

/// A store or presigner whose calls fail as planned.
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
    /// Calls that the plan strikes fail, the others reach `inner`.
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

    /// Only calls whose line, as [`MemoryStore::calls`] gives it, contains `part` can fail. The line of a GET that asks
    /// for all bytes ends with ` whole` here.
    #[must_use]
    pub const fn only(mut self, part: &'static str) -> Self {
        self.only = part;
        self
    }

    /// Struck writes are done and their replies lost, as when a connection breaks.
    #[must_use]
    pub const fn lost_replies(mut self) -> Self {
        self.lost_reply = true;
        self
    }

    /// Struck GETs and PUTs never come back.
    #[must_use]
    pub const fn stuck(mut self) -> Self {
        self.stuck = true;
        self
    }

    /// Struck calls panic, as a defect would.
    #[must_use]
    pub const fn panics(mut self) -> Self {
        self.panics = true;
        self
    }

    fn strike(&self, operation: &str, bucket: &str, key: &str) -> Result<(), ServiceError> {
        if !format!("{operation} {bucket} {key}").contains(self.only) {
            return Ok(());
        }
        let struck = self.faults.strike();
        assert!(!self.panics || struck.is_none(), "as planned");
        struck.map_or(Ok(()), Err)
    }
}

impl<S: ObjectStore> ObjectStore for Failing<S> {
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, ServiceError> {
        self.strike("HeadObject", bucket, key)?;
        self.inner.head(bucket, key).await
    }

    async fn get(&self, get: Get<'_>) -> Result<GetOutcome, ServiceError> {
        let whole = if get.first_bytes.is_none() {
            " whole"
        } else {
            ""
        };
        match self.strike("GetObject", get.bucket, &format!("{}{whole}", get.key)) {
            Err(_) if self.stuck => std::future::pending().await,
            Err(error) => Err(error),
            Ok(()) => self.inner.get(get).await,
        }
    }

    async fn put(&self, put: Put<'_>) -> Result<PutOutcome, ServiceError> {
        match self.strike("PutObject", put.bucket, put.key) {
            Err(_) if self.stuck => std::future::pending().await,
            Err(error) if self.lost_reply => {
                self.inner.put(put).await?;
                Err(error)
            }
            Err(error) => Err(error),
            Ok(()) => self.inner.put(put).await,
        }
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        match self.strike("DeleteObject", bucket, key) {
            Err(error) if self.lost_reply => {
                self.inner.delete(bucket, key).await?;
                Err(error)
            }
            Err(error) => Err(error),
            Ok(()) => self.inner.delete(bucket, key).await,
        }
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
        self.strike("ListObjectsV2", bucket, prefix)?;
        self.inner.list(bucket, prefix, after).await
    }
}

impl<P: Presigner> Presigner for Failing<P> {
    async fn presign_put(&self, put: PresignPut<'_>) -> Result<PresignedPut, ServiceError> {
        self.strike("PresignPut", put.bucket, put.key)?;
        self.inner.presign_put(put).await
    }

    async fn presign_get(
        &self,
        bucket: &str,
        key: &str,
        expires_in: Duration,
    ) -> Result<String, ServiceError> {
        self.strike("PresignGet", bucket, key)?;
        self.inner.presign_get(bucket, key, expires_in).await
    }
}

/// A recogniser that sees the same in every picture: for each operation one fixed finding, or the
/// answer it was given. Counts its calls; clones share everything.
#[derive(Debug, Clone, Default)]
pub struct CannedRecogniser(Arc<Mutex<Canned>>);

#[derive(Debug, Default)]
struct Canned {
    answers: BTreeMap<&'static str, Value>,
    faults: Vec<(Option<Operation>, Faults<ServiceError>)>,
    delay: Duration,
    calls: Vec<RecogniserCall>,
}

impl CannedRecogniser {
    /// With its own findings, at once, never failing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// This operation gets this answer.
    #[must_use]
    pub fn with_answer(self, operation: Operation, answer: Value) -> Self {
        lock(&self.0).answers.insert(operation.name(), answer);
        self
    }

    /// Calls of this operation, or of every operation, fail as planned.
    #[must_use]
    pub fn with_faults(
        self,
        operation: impl Into<Option<Operation>>,
        faults: Faults<ServiceError>,
    ) -> Self {
        lock(&self.0).faults.push((operation.into(), faults));
        self
    }

    /// Every answer takes that long.
    #[must_use]
    pub fn with_delay(self, delay: Duration) -> Self {
        lock(&self.0).delay = delay;
        self
    }

    /// Every call so far, failed ones included.
    #[must_use]
    pub fn calls(&self) -> Vec<RecogniserCall> {
        lock(&self.0).calls.clone()
    }

    /// How many calls there were so far.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.0).calls.len()
    }
}

impl Recogniser for CannedRecogniser {
    async fn recognise(&self, call: &RecogniserCall) -> Result<Value, ServiceError> {
        let (delay, outcome) = {
            let mut canned = lock(&self.0);
            canned.calls.push(call.clone());
            let operation = call.query.operation();
            let struck = canned
                .faults
                .iter()
                .filter(|(only, _)| only.is_none_or(|only| only == operation))
                .find_map(|(_, faults)| faults.strike());
            let outcome = struck.map_or_else(
                || {
                    Ok(canned
                        .answers
                        .get(operation.name())
                        .cloned()
                        .unwrap_or_else(|| finding(&call.query)))
                },
                |error| {
                    Err(ServiceError {
                        operation: operation.name(),
                        ..error
                    })
                },
            );
            (canned.delay, outcome)
        };
        tokio::time::sleep(delay).await;
        outcome
    }
}

/// One finding in the shape of each operation's answer.
fn finding(query: &RecogniserQuery) -> Value {
    let bounding_box = json!({"Width": 0.5, "Height": 0.25, "Left": 0.125, "Top": 0.0625});
    match query {
        RecogniserQuery::Labels {
            labels,
            image_properties,
            ..
        } => {
            let mut answer = json!({"Labels": [], "LabelModelVersion": "3.0"});
            if *labels && let Some(answer) = answer.as_object_mut() {
                answer.insert(
                    "Labels".to_owned(),
                    json!([
                        {
                            "Name": "Dog",
                            "Confidence": 97.5,
                            "Instances": [{"BoundingBox": bounding_box, "Confidence": 97.5}],
                            "Parents": [{"Name": "Animal"}],
                            "Aliases": [],
                            "Categories": [{"Name": "Animals and Pets"}],
                        },
                        {
                            "Name": "Animal",
                            "Confidence": 97.5,
                            "Instances": [],
                            "Parents": [],
                            "Aliases": [],
                            "Categories": [{"Name": "Animals and Pets"}],
                        },
                    ]),
                );
            }
            if *image_properties && let Some(answer) = answer.as_object_mut() {
                answer.insert(
                    "ImageProperties".to_owned(),
                    json!({"Quality": {"Brightness": 50.0, "Sharpness": 75.0, "Contrast": 25.0}}),
                );
            }
            answer
        }
        RecogniserQuery::Faces => json!({
            "FaceDetails": [{
                "BoundingBox": bounding_box,
                "Confidence": 99.5,
                "Emotions": [
                    {"Type": "CALM", "Confidence": 12.5},
                    {"Type": "HAPPY", "Confidence": 80.5},
                ],
            }],
        }),
        RecogniserQuery::Text => json!({
            "TextDetections": [
                {"Id": 0, "Type": "LINE", "DetectedText": "NO ENTRY", "Confidence": 98.5, "Geometry": {"BoundingBox": bounding_box}},
                {"Id": 1, "ParentId": 0, "Type": "WORD", "DetectedText": "NO", "Confidence": 98.5, "Geometry": {"BoundingBox": bounding_box}},
                {"Id": 2, "ParentId": 0, "Type": "WORD", "DetectedText": "ENTRY", "Confidence": 98.5, "Geometry": {"BoundingBox": bounding_box}},
            ],
            "TextModelVersion": "3.0",
        }),
        RecogniserQuery::Moderation { .. } => json!({
            "ModerationLabels": [
                {"Name": "Alcohol", "ParentName": "", "Confidence": 90.5, "TaxonomyLevel": 1},
                {"Name": "Drinking", "ParentName": "Alcohol", "Confidence": 91.5, "TaxonomyLevel": 2},
            ],
            "ModerationModelVersion": "7.0",
            "ContentTypes": [],
        }),
        RecogniserQuery::Celebrities => json!({"CelebrityFaces": [], "UnrecognizedFaces": []}),
        RecogniserQuery::ProtectiveEquipment => {
            json!({"ProtectiveEquipmentModelVersion": "1.0", "Persons": []})
        }
        RecogniserQuery::CustomLabels { .. } => {
            json!({"CustomLabels": [{"Name": "Shelf", "Confidence": 88.5}]})
        }
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
    async fn conditions_hold_as_in_s3() {
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
            panic!("nothing was there");
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
    async fn of_many_who_create_one_does() {
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
    async fn versions_are_kept_where_they_should_be() {
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
    }

    #[tokio::test]
    async fn faults_strike_as_planned() {
        let store = Failing::new(MemoryStore::new(), Faults::first(2, slow_down()))
            .only("PutObject b k")
            .lost_replies();
        assert_eq!(store.head("b", "k").await, Ok(None));
        assert_eq!(store.put(PUT).await, Err(slow_down()));
        // The first was done though its reply was lost.
        assert_eq!(store.put(PUT).await, Err(slow_down()));
        assert_eq!(store.put(PUT).await, Ok(PutOutcome::ConditionFailed));
        let pattern = |seed| {
            let faults = Faults::seeded(seed, 30, ());
            (0..1000)
                .map(|_| faults.strike().is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(pattern(7), pattern(7));
        assert_ne!(pattern(7), pattern(8));
        let struck = pattern(7).into_iter().filter(|struck| *struck).count();
        assert!((200..400).contains(&struck), "{struck}");
    }
}
