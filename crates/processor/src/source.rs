//! The picture in the input bucket: whether it is still the one that was announced, what its
//! header says, and its bytes.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use sightline_pipeline::{
    Analyses, Analysis, SourceKey,
    analyse::whole,
    config::ProcessorConfig,
    document::{AnalysisError, Source},
    object_store::{Get, GetOutcome, ObjectInfo, ObjectStore, StoreError},
    prepare::{FIRST_BYTES, HeaderError, PictureHeader, read_header},
};

use crate::{event::Created, version::ObjectVersion};

/// A header that is this long, in bytes, is read no further on its own.
const LONG_HEADER: u64 = 1024 * 1024;

/// What was found under the announced key.
#[derive(Debug)]
pub(crate) enum Found {
    /// The announced object.
    Picture(Picture),
    /// The announced object, which the processor will never be able to read.
    Unreadable(StoreError),
    /// Nothing: it was deleted.
    Gone,
    /// Another object: it was replaced, and the event that announces the replacement is under way.
    Replaced,
}

/// The announced object.
#[derive(Debug)]
pub(crate) struct Picture {
    /// What the bucket says of it.
    pub(crate) info: ObjectInfo,
    /// What its first bytes say.
    pub(crate) header: Result<PictureHeader, HeaderError>,
}

/// Looks for the announced object.
pub(crate) async fn find<S: ObjectStore>(
    store: &S,
    created: &Created,
) -> Result<Found, StoreError> {
    // HEAD tells the newest version and its checksum, which a GET of a part does not.
    let (head, first) = futures::join!(
        store.head(&created.bucket, &created.key),
        read(store, created, created.e_tag.as_deref(), FIRST_BYTES),
    );
    let (info, first) = match (head, first) {
        (Ok(Some(info)), Ok(first)) => (info, first),
        (Ok(None), _) => return Ok(Found::Gone),
        (Err(error), _) | (_, Err(error)) => return unreadable(error),
    };
    let another = |announced: &Option<String>, found: Option<&String>| matches!((announced, found), (Some(announced), Some(found)) if announced != found);
    if another(&created.e_tag, Some(&info.e_tag))
        || another(&created.version_id, info.version_id.as_ref())
    {
        return Ok(Found::Replaced);
    }
    let mut bytes = match first {
        GetOutcome::Found(got, bytes) if got.e_tag == info.e_tag => bytes,
        GetOutcome::Found(..) | GetOutcome::Changed => return Ok(Found::Replaced),
        GetOutcome::Missing => return Ok(Found::Gone),
    };
    loop {
        let header = read_header(&bytes);
        let have = bytes.len() as u64;
        match header {
            // What a longer header says is found out when the picture is prepared.
            Err(HeaderError::NeedMore(more)) if have < info.size.min(LONG_HEADER) => {
                let wanted = more.max(2 * have).min(info.size).min(LONG_HEADER);
                match read(store, created, Some(&info.e_tag), wanted).await {
                    Ok(GetOutcome::Found(_, longer)) if longer.len() as u64 > have => {
                        bytes = longer;
                    }
                    Ok(GetOutcome::Found(..)) => {
                        return Ok(Found::Picture(Picture { info, header }));
                    }
                    Ok(GetOutcome::Changed) => return Ok(Found::Replaced),
                    Ok(GetOutcome::Missing) => return Ok(Found::Gone),
                    Err(error) => return unreadable(error),
                }
            }
            header => return Ok(Found::Picture(Picture { info, header })),
        }
    }
}

async fn read<S: ObjectStore>(
    store: &S,
    created: &Created,
    if_match: Option<&str>,
    first_bytes: u64,
) -> Result<GetOutcome, StoreError> {
    let get = Get {
        bucket: &created.bucket,
        key: &created.key,
        version_id: created.version_id.as_deref(),
        if_match,
        first_bytes: Some(first_bytes),
    };
    store.get(get).await
}

fn unreadable(error: StoreError) -> Result<Found, StoreError> {
    if error.is_final() {
        Ok(Found::Unreadable(error))
    } else {
        Err(error)
    }
}

/// The announced object's bytes.
pub(crate) enum Bytes {
    /// All of them.
    All(Vec<u8>),
    /// The processor will never be able to read them.
    Unreadable(StoreError),
    /// The object was deleted meanwhile.
    Gone,
    /// The object was replaced meanwhile.
    Replaced,
}

/// Reads the whole object.
pub(crate) async fn bytes<S: ObjectStore>(
    store: &S,
    created: &Created,
    version: &ObjectVersion,
) -> Result<Bytes, StoreError> {
    let get = Get {
        bucket: &created.bucket,
        key: &created.key,
        version_id: version.version_id.as_deref(),
        if_match: Some(&version.e_tag),
        first_bytes: None,
    };
    Ok(match store.get(get).await {
        Ok(GetOutcome::Found(_, bytes)) => Bytes::All(bytes),
        Ok(GetOutcome::Changed) => Bytes::Replaced,
        Ok(GetOutcome::Missing) => Bytes::Gone,
        Err(error) if error.is_final() => Bytes::Unreadable(error),
        Err(error) => return Err(error),
    })
}

/// The version that is being answered.
pub(crate) fn version(created: &Created, info: Option<&ObjectInfo>) -> ObjectVersion {
    ObjectVersion {
        e_tag: info
            .map(|info| info.e_tag.clone())
            .or_else(|| created.e_tag.clone())
            .unwrap_or_default(),
        version_id: info
            .and_then(|info| info.version_id.clone())
            .or_else(|| created.version_id.clone()),
        sequencer: created.sequencer.clone(),
        last_modified: info.and_then(|info| info.last_modified),
    }
}

/// The document's word on where the picture lies.
pub(crate) fn describe(
    created: &Created,
    key: &SourceKey,
    info: Option<&ObjectInfo>,
    version: &ObjectVersion,
) -> Source {
    Source {
        bucket: created.bucket.clone(),
        key: key.clone(),
        version_id: version.version_id.clone(),
        e_tag: version.e_tag.clone(),
        size: info
            .map(|info| info.size)
            .or(created.size)
            .unwrap_or_default(),
        content_type: info.map_or_else(
            || "application/octet-stream".to_owned(),
            |info| info.content_type.clone(),
        ),
        filename: info.and_then(|info| filename(&info.metadata)),
        sha256: info.and_then(|info| info.sha256.clone()),
        last_modified: version.last_modified,
        sequencer: version.sequencer.clone(),
    }
}

/// The uploader's name for the file: percent-encoded UTF-8, as `POST /uploads` signs it, or plain,
/// as another client may have written it. For showing only, so without control characters.
fn filename(metadata: &BTreeMap<String, String>) -> Option<String> {
    let name = metadata.get("filename")?;
    let decoded = percent_decode_str(name)
        .decode_utf8()
        .map_or_else(|_| name.clone(), |decoded| decoded.into_owned());
    let shown: String = decoded.chars().filter(|c| !c.is_control()).collect();
    (!shown.is_empty()).then_some(shown)
}

/// What is to be asked of the picture: what its uploader asked for, as far as the configuration
/// allows it; everything the configuration names where the uploader named nothing that is known.
///
/// # Errors
/// What was asked for, when nothing of it is allowed, and the error that says so.
pub(crate) fn analyses(
    info: Option<&ObjectInfo>,
    config: &ProcessorConfig,
) -> Result<Analyses, (Analyses, AnalysisError)> {
    // Who puts an object can write anything there, so it is read leniently.
    let asked: Analyses = info
        .and_then(|info| info.metadata.get("analyses"))
        .into_iter()
        .flat_map(|list| list.split(','))
        .filter_map(|name| name.trim().parse::<Analysis>().ok())
        .collect();
    if asked.is_empty() {
        return Ok(config.analyses.clone());
    }
    let allowed = asked.intersection(&config.analyses);
    if allowed.is_empty() {
        let message = format!(
            "None of the analyses asked for ({asked}) is enabled here; ask for some of {}.",
            config.analyses
        );
        return Err((asked, whole("AnalysisNotEnabled", message)));
    }
    Ok(allowed)
}

/// Why the processor cannot read the picture.
pub(crate) fn unreadable_source(error: &StoreError) -> AnalysisError {
    whole(
        &error.code,
        match error.code.as_str() {
            "InvalidObjectState" => {
                "The picture is archived; restore it, then upload it again.".to_owned()
            }
            code => format!("The bucket does not give the picture out ({code}); upload it again."),
        },
    )
}
