//! The result that stands in the output bucket, and its replacement.

use serde::Deserialize;
use sightline_pipeline::{
    ResultDocument, SourceKey,
    document::{AnalysisError, Status},
    object_store::{
        Condition, Get, GetOutcome, ObjectInfo, ObjectStore, Put, PutOutcome, StoreError,
    },
    spending::DAILY_LIMIT_REACHED,
};
use time::OffsetDateTime;

use crate::version::{ObjectVersion, Relation};

/// Metadata of the result object that tells, to a HEAD, which version of the image it answers.
const E_TAG: &str = "source-e-tag";
const VERSION_ID: &str = "source-version-id";
const SEQUENCER: &str = "source-sequencer";
/// Seconds since 1970.
const LAST_MODIFIED: &str = "source-last-modified";
const STATUS: &str = "status";
/// The worker that wrote it, by which it knows a document of its own whose reply was lost.
const WRITER: &str = "writer";
/// Metadata of a result that says only that the day's analyses were used up.
const LIMITED: &str = "daily-limit-reached";

/// How often a write that lost a race is tried again. Each loss means that somebody else wrote,
/// and writers of one image are few.
pub(crate) const WRITE_ATTEMPTS: usize = 5;

/// What the standing result means for a version of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It answers this version.
    Answered,
    /// It answers a newer version.
    Superseded,
    /// It answers no or an older version; the ETag is the result object's, where there is one.
    Open(Option<String>),
}

impl Standing {
    /// What was found in the result's place means this for `version`.
    pub(crate) fn of(found: Option<Answered>, version: &ObjectVersion) -> Self {
        found.map_or(Self::Open(None), |found| found.judge(version))
    }

    /// Looks at the result of `key`.
    pub(crate) async fn look<S: ObjectStore>(
        store: &S,
        bucket: &str,
        key: &SourceKey,
        version: &ObjectVersion,
    ) -> Result<Self, StoreError> {
        Ok(Self::of(answered(store, bucket, key).await?, version))
    }
}

/// A result object.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    e_tag: String,
    /// The version of the image it answers; unknown when the object is no result document.
    version: Option<ObjectVersion>,
    /// Nothing was asked of the picture, because the day's analyses were used up.
    limited: bool,
    /// The worker that wrote it, where it says so.
    writer: Option<String>,
}

impl Answered {
    /// Whether it answers `version`, be it only with the day's analyses being used up.
    pub(crate) fn is_of(&self, version: &ObjectVersion) -> bool {
        self.version
            .as_ref()
            .is_some_and(|answered| answered.relation_to(version) == Relation::Same)
    }

    /// What it means for `version`. Where the day's analyses were used up, another event for the
    /// same version is another try.
    fn judge(self, version: &ObjectVersion) -> Standing {
        match self.version.map(|answered| answered.relation_to(version)) {
            Some(Relation::Same) if !self.limited => Standing::Answered,
            Some(Relation::Newer) => Standing::Superseded,
            Some(Relation::Same | Relation::NotNewer) | None => Standing::Open(Some(self.e_tag)),
        }
    }
}

/// Whether a result says only that the day's analyses were used up.
fn is_limited(status: Option<Status>, mut codes: impl Iterator<Item = impl AsRef<str>>) -> bool {
    status == Some(Status::Failed) && codes.any(|code| code.as_ref() == DAILY_LIMIT_REACHED)
}

/// The result object of `key`, where there is one.
pub(crate) async fn answered<S: ObjectStore>(
    store: &S,
    bucket: &str,
    key: &SourceKey,
) -> Result<Option<Answered>, StoreError> {
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
        return Ok(Some(Answered {
            limited: info.metadata.contains_key(LIMITED),
            writer: info.metadata.get(WRITER).cloned(),
            e_tag: info.e_tag,
            version: Some(version),
        }));
    }
    let get = Get {
        bucket,
        key: &result_key,
        version_id: None,
        if_match: None,
        first_bytes: None,
    };
    Ok(match store.get(get).await? {
        GetOutcome::Found(info, bytes) => {
            let document = serde_json::from_slice::<Document>(&bytes)
                .inspect_err(|error| tracing::warn!(key = result_key, %error, "what stands in the result's place is no result and will be replaced"))
                .ok();
            Some(Answered {
                e_tag: info.e_tag,
                limited: document.as_ref().is_some_and(|document| {
                    is_limited(
                        document.status,
                        document.errors.iter().map(|error| &error.code),
                    )
                }),
                version: document.map(|document| document.source),
                writer: None,
            })
        }
        GetOutcome::Missing | GetOutcome::Changed => None,
    })
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

/// What tells the version of the image that an object is made from, and, of a result, what it says.
/// Empty where that is no plain text: an event made by hand can name anything.
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

/// What became of writing a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Writing {
    /// It stands.
    Done,
    /// Somebody else had written one that stays; which, the standing says.
    GivenWay(Standing),
    /// Every attempt lost a race.
    Lost,
}

/// Writes a result in place of what `standing` saw, unless by then one stands that answers the
/// same or a newer version. `writer` is unlike any other worker's.
pub(crate) async fn write<S: ObjectStore>(
    store: &S,
    bucket: &str,
    document: &ResultDocument,
    version: &ObjectVersion,
    mut standing: Standing,
    writer: &str,
) -> Result<Writing, StoreError> {
    let key = &document.source.key;
    let result_key = key.result_key();
    let body = serde_json::to_vec(document).map_err(|error| StoreError {
        operation: "PutObject",
        bucket: bucket.to_owned(),
        code: "Request".to_owned(),
        message: format!("the result could not be written as JSON: {error}"),
        retryable: false,
    })?;
    // Without metadata the document alone tells its version.
    let mut metadata = metadata(version, Some(document));
    if !metadata.is_empty() {
        metadata.push((WRITER, writer.to_owned()));
    }
    for _ in 0..WRITE_ATTEMPTS {
        let condition = match &standing {
            Standing::Open(None) => Condition::IfAbsent,
            Standing::Open(Some(e_tag)) => Condition::IfMatch(e_tag),
            better => return Ok(Writing::GivenWay(better.clone())),
        };
        let put = Put {
            bucket,
            key: &result_key,
            body: &body,
            content_type: "application/json",
            metadata: &borrowed(&metadata),
            condition,
        };
        let failure = match store.put(put).await {
            Ok(PutOutcome::Stored(_)) => return Ok(Writing::Done),
            Ok(PutOutcome::ConditionFailed) => None,
            // It may have been stored all the same.
            Err(error) if error.retryable => Some(error),
            Err(error) => return Err(error),
        };
        let found = answered(store, bucket, key).await?;
        let ours = |found: &Answered| found.writer.as_deref() == Some(writer);
        if found.as_ref().is_some_and(ours) {
            return Ok(Writing::Done);
        }
        if let Some(error) = failure {
            return Err(error);
        }
        standing = Standing::of(found, version);
    }
    Ok(Writing::Lost)
}
