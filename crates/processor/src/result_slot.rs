//! The place of one image's result in the output bucket: the result document, and which version of the
//! image it answers. The lease and the thumbnail of the same slot are in [`crate::lease`] and
//! [`crate::thumbnail`].

use serde::Deserialize;
use sightline_pipeline::{
    ResultDocument, SourceKey,
    document::{AnalysisError, Status},
    object_store::{Condition, Get, GetOutcome, ObjectInfo, ObjectStore, Put, PutOutcome},
    service_error::{Fate, Service, ServiceError, code::DAILY_LIMIT_REACHED},
    version::{ObjectVersion, Relation},
};
use time::OffsetDateTime;

use crate::outcome::{RetryableFailure, Skip};

/// Metadata of the result object that tells, to a HEAD, which version of the image it answers.
const E_TAG: &str = "source-e-tag";
const VERSION_ID: &str = "source-version-id";
const SEQUENCER: &str = "source-sequencer";
/// Seconds since 1970.
const LAST_MODIFIED: &str = "source-last-modified";
const STATUS: &str = "status";
/// The worker that wrote the object. A worker recognises its own document by it when the reply was lost.
const WRITER: &str = "writer";
/// Metadata of a result that says only that the daily limit was reached.
const LIMITED: &str = "daily-limit-reached";

/// How often a write that lost a race is repeated. Each loss means that somebody else wrote,
/// and an image has few writers.
pub(crate) const WRITE_ATTEMPTS: usize = 5;

/// Where everything about one version of one image is stored.
#[derive(Debug)]
pub(crate) struct ResultSlot<'a, S> {
    pub(crate) store: &'a S,
    /// The output bucket.
    pub(crate) bucket: &'a str,
    /// The image; the keys of its result, thumbnail and lease are derived from it.
    pub(crate) key: &'a SourceKey,
    /// The version that is being answered.
    pub(crate) version: ObjectVersion,
}

/// What the stored result means for a version of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoredResult {
    /// It answers this version.
    Answered,
    /// It answers a newer version.
    Superseded,
    /// It answers an older version or there is none; with the ETag of the result object, if there is one.
    Open(Option<String>),
}

impl StoredResult {
    /// Why nothing has to be done.
    pub(crate) const fn skip(&self) -> Option<Skip> {
        match self {
            Self::Answered => Some(Skip::Answered),
            Self::Superseded => Some(Skip::Superseded),
            Self::Open(_) => None,
        }
    }
}

/// What is known of a result object without reading all of it.
#[derive(Debug, Clone)]
pub(crate) struct ResultHead {
    e_tag: String,
    /// The version of the image that it answers; unknown if the object is not a result document.
    version: Option<ObjectVersion>,
    /// The recogniser was not called, because the daily limit was reached.
    limited: bool,
    /// The worker that wrote it, if it says so.
    writer: Option<String>,
}

/// The outcome of writing a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WriteOutcome {
    /// It is stored.
    Written,
    /// Another worker's result has precedence.
    Yielded(Skip),
}

impl ResultHead {
    /// Reads the head of the result of `key`; `None` if there is none.
    pub(crate) async fn read<S: ObjectStore>(
        store: &S,
        bucket: &str,
        key: &SourceKey,
    ) -> Result<Option<Self>, ServiceError> {
        #[derive(Deserialize)]
        struct Document {
            source: ObjectVersion,
            status: Option<Status>,
            #[serde(default)]
            errors: Vec<AnalysisError>,
        }
        let result_key = key.result_key();
        let Some(info) = store.head(bucket, &result_key).await? else {
            return Ok(None);
        };
        if let Some(version) = version_in(&info) {
            return Ok(Some(Self {
                limited: info.metadata.contains_key(LIMITED),
                writer: info.metadata.get(WRITER).cloned(),
                e_tag: info.e_tag,
                version: Some(version),
            }));
        }
        let Some((info, bytes)) = read_object(store, bucket, &result_key).await? else {
            return Ok(None);
        };
        let document = serde_json::from_slice::<Document>(&bytes)
            .inspect_err(|error| tracing::warn!(key = result_key, %error, "the object in the result's place is not a result and will be replaced"))
            .ok();
        Ok(Some(Self {
            e_tag: info.e_tag,
            limited: document.as_ref().is_some_and(|document| {
                is_limited(
                    document.status,
                    document.errors.iter().map(|error| &error.code),
                )
            }),
            version: document.map(|document| document.source),
            writer: None,
        }))
    }

    /// Whether it answers `version`, even if only by saying that the daily limit was reached.
    pub(crate) fn answers(&self, version: &ObjectVersion) -> bool {
        self.version
            .as_ref()
            .is_some_and(|answered| answered.relation_to(version) == Relation::Same)
    }
}

impl<S: ObjectStore> ResultSlot<'_, S> {
    /// What is stored in the slot.
    pub(crate) async fn stored(&self) -> Result<StoredResult, ServiceError> {
        let head = ResultHead::read(self.store, self.bucket, self.key).await?;
        Ok(self.judge(head))
    }

    /// What a result's head means for this version. After a daily limit, another event for the same
    /// version is another attempt.
    pub(crate) fn judge(&self, head: Option<ResultHead>) -> StoredResult {
        let Some(head) = head else {
            return StoredResult::Open(None);
        };
        let relation = head
            .version
            .map(|answered| answered.relation_to(&self.version));
        match relation {
            Some(Relation::Same) if !head.limited => StoredResult::Answered,
            Some(Relation::Newer) => StoredResult::Superseded,
            Some(Relation::Same | Relation::NotNewer) | None => {
                StoredResult::Open(Some(head.e_tag))
            }
        }
    }

    /// Writes the result in place of what `stored` saw, unless a result for the same or a newer version is
    /// there by then. `writer` names this worker and no other.
    pub(crate) async fn write(
        &self,
        document: &ResultDocument,
        mut stored: StoredResult,
        writer: &str,
    ) -> Result<WriteOutcome, RetryableFailure> {
        let result_key = self.key.result_key();
        let body = self.json("the result", document)?;
        // Without metadata the document alone tells its version.
        let mut metadata = metadata(&self.version, Some(document));
        if !metadata.is_empty() {
            metadata.push((WRITER, writer.to_owned()));
        }
        for _ in 0..WRITE_ATTEMPTS {
            let condition = match &stored {
                StoredResult::Open(None) => Condition::IfAbsent,
                StoredResult::Open(Some(e_tag)) => Condition::IfMatch(e_tag),
                StoredResult::Answered => return Ok(WriteOutcome::Yielded(Skip::Answered)),
                StoredResult::Superseded => return Ok(WriteOutcome::Yielded(Skip::Superseded)),
            };
            let put = Put {
                bucket: self.bucket,
                key: &result_key,
                body: &body,
                content_type: "application/json",
                metadata: &borrowed(&metadata),
                condition,
            };
            let failure = match self.store.put(put).await {
                Ok(PutOutcome::Stored(_)) => return Ok(WriteOutcome::Written),
                Ok(PutOutcome::ConditionFailed) => None,
                // It may have been stored all the same.
                Err(error) if error.is_retryable() => Some(error),
                Err(error) => return Err(error.into()),
            };
            let head = ResultHead::read(self.store, self.bucket, self.key).await?;
            let ours = |head: &ResultHead| head.writer.as_deref() == Some(writer);
            if head.as_ref().is_some_and(ours) {
                return Ok(WriteOutcome::Written);
            }
            if let Some(error) = failure {
                return Err(error.into());
            }
            stored = self.judge(head);
        }
        Err(RetryableFailure::Contended)
    }

    /// An object of ours as JSON.
    pub(crate) fn json(
        &self,
        what: &str,
        value: &impl serde::Serialize,
    ) -> Result<Vec<u8>, ServiceError> {
        serde_json::to_vec(value).map_err(|error| {
            let reason = format!("{what} could not be written as JSON: {error}");
            ServiceError::not_built(Service::S3, "PutObject", &reason, Fate::Final).on(self.bucket)
        })
    }
}

/// A whole object; `None` if there is none.
pub(crate) async fn read_object<S: ObjectStore>(
    store: &S,
    bucket: &str,
    key: &str,
) -> Result<Option<(ObjectInfo, Vec<u8>)>, ServiceError> {
    Ok(match store.get(Get::whole(bucket, key)).await? {
        GetOutcome::Found(info, bytes) => Some((info, bytes)),
        GetOutcome::Missing | GetOutcome::Changed => None,
    })
}

/// Whether a result says only that the daily limit was reached.
fn is_limited(status: Option<Status>, mut codes: impl Iterator<Item = impl AsRef<str>>) -> bool {
    status == Some(Status::Failed) && codes.any(|code| code.as_ref() == DAILY_LIMIT_REACHED)
}

/// The version of the image that an object says it was made from.
pub(crate) fn version_in(info: &ObjectInfo) -> Option<ObjectVersion> {
    let metadata = |name: &str| info.metadata.get(name).cloned();
    Some(ObjectVersion {
        e_tag: metadata(E_TAG)?,
        version_id: metadata(VERSION_ID),
        sequencer: metadata(SEQUENCER),
        last_modified: metadata(LAST_MODIFIED)
            .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds.parse().ok()?).ok()),
    })
}

/// Metadata that tells which version of the image an object is made from and, for a result, its status.
/// Empty if the version is not plain text: an event made by hand can name anything.
pub(crate) fn metadata(
    version: &ObjectVersion,
    document: Option<&ResultDocument>,
) -> Vec<(&'static str, String)> {
    let limited = document.is_some_and(|document| {
        is_limited(
            Some(document.status),
            document.errors.iter().map(|error| &error.code),
        )
    });
    let last_modified = version.last_modified.map(OffsetDateTime::unix_timestamp);
    let metadata: Vec<_> = [
        (E_TAG, Some(version.e_tag.clone())),
        (VERSION_ID, version.version_id.clone()),
        (SEQUENCER, version.sequencer.clone()),
        (LAST_MODIFIED, last_modified.map(|time| time.to_string())),
        (
            STATUS,
            document.map(|document| document.status.name().to_owned()),
        ),
        (LIMITED, limited.then(|| "true".to_owned())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect();
    let plain = metadata
        .iter()
        .all(|(_, value)| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic()));
    if plain { metadata } else { Vec::new() }
}

/// As a request to store takes it.
pub(crate) fn borrowed<'a>(metadata: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    metadata
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}
