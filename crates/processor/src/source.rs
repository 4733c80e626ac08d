//! The image in the input bucket: whether it is still the one that the event announced, what its header
//! says, and its bytes.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use sightline_pipeline::{
    Analyses, Analysis, SourceKey,
    analyse::whole,
    config::ProcessorConfig,
    document::{AnalysisError, Source},
    object_store::{Get, GetOutcome, ObjectInfo, ObjectStore},
    prepare::{FIRST_BYTES, HeaderError, PictureHeader, read_header},
    service_error::ServiceError,
    version::ObjectVersion,
};

use crate::event::ObjectCreated;

/// A header that is this long, in bytes, is read no further on its own.
const LONG_HEADER: u64 = 1024 * 1024;

/// The outcome of looking for the announced object.
#[derive(Debug)]
pub(crate) enum Search {
    /// The announced object.
    Found(SourceImage),
    /// The announced object, which the processor can never read.
    Unreadable(ServiceError),
    /// The object was deleted.
    Gone,
    /// The object was replaced; the replacement has an event of its own.
    Replaced,
}

/// The announced object.
#[derive(Debug)]
pub(crate) struct SourceImage {
    /// What the bucket says of it.
    pub(crate) info: ObjectInfo,
    /// What its first bytes say.
    pub(crate) header: Result<PictureHeader, HeaderError>,
}

/// Looks for the announced object.
pub(crate) async fn find<S: ObjectStore>(
    store: &S,
    event: &ObjectCreated,
) -> Result<Search, ServiceError> {
    // HEAD tells the newest version and its checksum, which a GET of a part does not.
    let (head, first) = futures::join!(
        store.head(&event.bucket, &event.key),
        read_first(store, event, event.e_tag.as_deref(), FIRST_BYTES),
    );
    let (info, first) = match (head, first) {
        (Ok(Some(info)), Ok(first)) => (info, first),
        (Ok(None), _) => return Ok(Search::Gone),
        (Err(error), _) | (_, Err(error)) => return unreadable(error),
    };
    let another = |announced: &Option<String>, found: Option<&String>| matches!((announced, found), (Some(announced), Some(found)) if announced != found);
    if another(&event.e_tag, Some(&info.e_tag))
        || another(&event.version_id, info.version_id.as_ref())
    {
        return Ok(Search::Replaced);
    }
    let mut bytes = match first {
        GetOutcome::Found(got, bytes) if got.e_tag == info.e_tag => bytes,
        GetOutcome::Found(..) | GetOutcome::Changed => return Ok(Search::Replaced),
        GetOutcome::Missing => return Ok(Search::Gone),
    };
    loop {
        let header = read_header(&bytes);
        let have = bytes.len() as u64;
        match header {
            // What a longer header says is found out when the picture is prepared.
            Err(HeaderError::NeedMore(more)) if have < info.size.min(LONG_HEADER) => {
                let wanted = more.max(2 * have).min(info.size).min(LONG_HEADER);
                match read_first(store, event, Some(&info.e_tag), wanted).await {
                    Ok(GetOutcome::Found(_, longer)) if longer.len() as u64 > have => {
                        bytes = longer;
                    }
                    Ok(GetOutcome::Found(..)) => {
                        return Ok(Search::Found(SourceImage { info, header }));
                    }
                    Ok(GetOutcome::Changed) => return Ok(Search::Replaced),
                    Ok(GetOutcome::Missing) => return Ok(Search::Gone),
                    Err(error) => return unreadable(error),
                }
            }
            header => return Ok(Search::Found(SourceImage { info, header })),
        }
    }
}

async fn read_first<S: ObjectStore>(
    store: &S,
    event: &ObjectCreated,
    if_match: Option<&str>,
    first_bytes: u64,
) -> Result<GetOutcome, ServiceError> {
    let get = Get {
        bucket: &event.bucket,
        key: &event.key,
        version_id: event.version_id.as_deref(),
        if_match,
        first_bytes: Some(first_bytes),
    };
    store.get(get).await
}

fn unreadable(error: ServiceError) -> Result<Search, ServiceError> {
    if error.is_final() {
        Ok(Search::Unreadable(error))
    } else {
        Err(error)
    }
}

/// The outcome of reading the announced object.
pub(crate) enum ReadOutcome {
    /// All of its bytes.
    Whole(Vec<u8>),
    /// The processor can never read it.
    Unreadable(ServiceError),
    /// The object was deleted.
    Gone,
    /// The object was replaced.
    Replaced,
}

/// Reads the whole object.
pub(crate) async fn read<S: ObjectStore>(
    store: &S,
    event: &ObjectCreated,
    version: &ObjectVersion,
) -> Result<ReadOutcome, ServiceError> {
    let get = Get {
        bucket: &event.bucket,
        key: &event.key,
        version_id: version.version_id.as_deref(),
        if_match: Some(&version.e_tag),
        first_bytes: None,
    };
    Ok(match store.get(get).await {
        Ok(GetOutcome::Found(_, bytes)) => ReadOutcome::Whole(bytes),
        Ok(GetOutcome::Changed) => ReadOutcome::Replaced,
        Ok(GetOutcome::Missing) => ReadOutcome::Gone,
        Err(error) if error.is_final() => ReadOutcome::Unreadable(error),
        Err(error) => return Err(error),
    })
}

/// The version that is being answered.
pub(crate) fn version(event: &ObjectCreated, info: Option<&ObjectInfo>) -> ObjectVersion {
    ObjectVersion {
        e_tag: info
            .map(|info| info.e_tag.clone())
            .or_else(|| event.e_tag.clone())
            .unwrap_or_default(),
        version_id: info
            .and_then(|info| info.version_id.clone())
            .or_else(|| event.version_id.clone()),
        sequencer: event.sequencer.clone(),
        last_modified: info.and_then(|info| info.last_modified),
    }
}

/// Where the image is stored, for the document.
pub(crate) fn describe(
    event: &ObjectCreated,
    key: &SourceKey,
    info: Option<&ObjectInfo>,
    version: &ObjectVersion,
) -> Source {
    Source {
        bucket: event.bucket.clone(),
        key: key.clone(),
        version_id: version.version_id.clone(),
        e_tag: version.e_tag.clone(),
        size: info
            .map(|info| info.size)
            .or(event.size)
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

/// The analyses of the image: those its uploader asked for, as far as the configuration allows them. If the
/// uploader named none that is known, all that are configured.
///
/// # Errors
/// The analyses asked for, if none of them is allowed, and the error that says so.
pub(crate) fn analyses(
    info: Option<&ObjectInfo>,
    config: &ProcessorConfig,
) -> Result<Analyses, (Analyses, AnalysisError)> {
    // An uploader can write anything there, so it is read leniently.
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
pub(crate) fn unreadable_source(error: &ServiceError) -> AnalysisError {
    whole(
        &error.code,
        match error.code.as_str() {
            "InvalidObjectState" => {
                "The picture is archived; restore it, then upload it again.".to_owned()
            }
            code => {
                format!("The picture cannot be read from the bucket ({code}); upload it again.")
            }
        },
    )
}
