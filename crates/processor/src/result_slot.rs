//! The slot of one image's result in the output bucket: the result document and the version of the image in
//! it. The lease and the renditions of the slot are in [`crate::lease`] and [`crate::renditions`].

use serde::Deserialize;
use sightline_pipeline::{
    ResultDocument, SourceKey,
    document::{AnalysisError, Status},
    object_store::{Condition, Get, GetOutcome, ObjectInfo, ObjectStore, Put, PutOutcome},
    service_error::{
        Fate, Service, ServiceError,
        code::{DAILY_LIMIT_REACHED, OWNER_DAILY_LIMIT_REACHED},
    },
    version::{ObjectVersion, Relation},
};
use time::OffsetDateTime;

use crate::outcome::{RetryableFailure, Skip};

/// Metadata of the result object: the version of the image, so that a HEAD is enough to read it.
const E_TAG: &str = "source-e-tag";
const VERSION_ID: &str = "source-version-id";
const SEQUENCER: &str = "source-sequencer";
/// Seconds since 1970.
const LAST_MODIFIED: &str = "source-last-modified";
const STATUS: &str = "status";
/// The worker that wrote the object. It lets a worker recognise its own document after a lost reply.
const WRITER: &str = "writer";
/// Metadata of a result whose only content is that the daily limit was reached.
const LIMITED: &str = "daily-limit-reached";

/// How often a conditional write is attempted. It fails only if another worker wrote, and an image has few
/// workers.
pub(crate) const WRITE_ATTEMPTS: usize = 5;

/// Where everything about one version of one image is stored.
#[derive(Debug)]
pub(crate) struct ResultSlot<'a, S> {
    pub(crate) store: &'a S,
    /// The output bucket.
    pub(crate) bucket: &'a str,
    /// The image's key. The keys of result, thumbnail, preview and lease are derived from it.
    pub(crate) key: &'a SourceKey,
    /// The version in process.
    pub(crate) version: ObjectVersion,
}

/// The state of a slot, for one version of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoredResult {
    /// The stored result is for this version.
    Answered,
    /// The stored result is for a newer version.
    Superseded,
    /// The stored result is for an older version, or there is none. With the ETag of the result object, if any.
    Open(Option<String>),
}

impl StoredResult {
    /// Why there is nothing to do, if so.
    pub(crate) const fn skip(&self) -> Option<Skip> {
        match self {
            Self::Answered => Some(Skip::Answered),
            Self::Superseded => Some(Skip::Superseded),
            Self::Open(_) => None,
        }
    }
}

/// The head of a result object.
#[derive(Debug, Clone)]
pub(crate) struct ResultHead {
    e_tag: String,
    /// The version of the image; `None` if the object is not a result document.
    version: Option<ObjectVersion>,
    /// Whether the daily limit was reached, so that the recogniser was not called.
    limited: bool,
    /// The worker that wrote it, if known.
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
            .inspect_err(|error| tracing::warn!(key = result_key, %error, "the object under the result's key is not a result and will be replaced"))
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

    /// Whether the result is for `version`. It may be one that says only that the daily limit was reached.
    pub(crate) fn is_for(&self, version: &ObjectVersion) -> bool {
        self.version
            .as_ref()
            .is_some_and(|stored| stored.relation_to(version) == Relation::Same)
    }
}

impl<S: ObjectStore> ResultSlot<'_, S> {
    /// Reads the state of the slot.
    pub(crate) async fn stored(&self) -> Result<StoredResult, ServiceError> {
        let head = ResultHead::read(self.store, self.bucket, self.key).await?;
        Ok(self.judge(head))
    }

    /// The state of the slot with this head. A result that only says that the daily limit was reached is open: another
    /// event for the same version is another attempt.
    pub(crate) fn judge(&self, head: Option<ResultHead>) -> StoredResult {
        let Some(head) = head else {
            return StoredResult::Open(None);
        };
        let relation = head.version.map(|stored| stored.relation_to(&self.version));
        match relation {
            Some(Relation::Same) if !head.limited => StoredResult::Answered,
            Some(Relation::Newer) => StoredResult::Superseded,
            Some(Relation::Same | Relation::NotNewer) | None => {
                StoredResult::Open(Some(head.e_tag))
            }
        }
    }

    /// Writes the result, which replaces the result in `stored`. Yields if a result for the same or a newer version has
    /// been stored since. `writer` is the unique name of this worker.
    pub(crate) async fn write(
        &self,
        document: &ResultDocument,
        mut stored: StoredResult,
        writer: &str,
    ) -> Result<WriteOutcome, RetryableFailure> {
        let result_key = self.key.result_key();
        let body = self.json("the result", document)?;
        // Without metadata, the version is read from the document.
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
                // It may have been stored although the call failed.
                Err(error) if error.is_retryable() => Some(error),
                Err(error) => return Err(error.into()),
            };
            let head = ResultHead::read(self.store, self.bucket, self.key).await?;
            let is_own = |head: &ResultHead| head.writer.as_deref() == Some(writer);
            if head.as_ref().is_some_and(is_own) {
                return Ok(WriteOutcome::Written);
            }
            if let Some(error) = failure {
                return Err(error.into());
            }
            stored = self.judge(head);
        }
        Err(RetryableFailure::Contended)
    }

    /// Serializes an object of this slot. `name` is for the error message.
    pub(crate) fn json(
        &self,
        name: &str,
        value: &impl serde::Serialize,
    ) -> Result<Vec<u8>, ServiceError> {
        serde_json::to_vec(value).map_err(|error| {
            let reason = format!("{name} could not be serialized: {error}");
            ServiceError::not_built(Service::S3, "PutObject", &reason, Fate::Final).on(self.bucket)
        })
    }
}

/// Reads an object with its metadata; `None` if there is none.
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

/// Whether the only content of a result is that a daily limit was reached.
fn is_limited(status: Option<Status>, mut codes: impl Iterator<Item = impl AsRef<str>>) -> bool {
    let limits = [DAILY_LIMIT_REACHED, OWNER_DAILY_LIMIT_REACHED];
    status == Some(Status::Failed) && codes.any(|code| limits.contains(&code.as_ref()))
}

/// The version of the image, from the metadata of an object that was made from it.
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

/// Metadata with the version of the image that an object is made from and, for a result, its status. Empty if
/// the version is not plain ASCII, which is possible in an event sent by hand.
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

/// Metadata in the form that [`Put`] takes.
pub(crate) fn borrowed<'a>(metadata: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    metadata
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}
