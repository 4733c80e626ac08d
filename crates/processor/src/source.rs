//! The image in the input bucket: finding the object of an event, its header, and its bytes.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use sightline_pipeline::{
    Analyses, Analysis, SourceKey,
    config::ProcessorConfig,
    document::{AnalysisError, Source},
    object_store::{Get, GetOutcome, ObjectInfo, ObjectStore},
    prepare::{FIRST_BYTES, HeaderError, PictureHeader, read_header},
    recognition::image_error,
    service_error::ServiceError,
    version::{ObjectVersion, Relation},
};

use crate::event::ObjectCreated;

/// The largest image, by its event, that is read whole at once and held until its turn to be prepared. The images in process
/// at once ([`Options::concurrency`](crate::Options::concurrency)) hold eight times as much, 64 MiB.
pub(crate) const MAX_HELD_BYTES: u64 = 8 * 1024 * 1024;

/// The most bytes that are read to find the end of a header.
const MAX_HEADER_BYTES: u64 = 1024 * 1024;

/// The outcome of looking for the event's object.
#[derive(Debug)]
pub(crate) enum FindOutcome {
    /// The object and, if it was read whole, its bytes.
    Found(SourceImage, Option<Vec<u8>>),
    /// The processor can never read the object.
    Unreadable(ServiceError),
    /// The object was deleted.
    Gone,
    /// The object was replaced. The replacement has an event of its own.
    Replaced,
}

/// The event's object.
#[derive(Debug)]
pub(crate) struct SourceImage {
    /// Its metadata.
    pub(crate) info: ObjectInfo,
    /// The picture's header.
    pub(crate) header: Result<PictureHeader, HeaderError>,
}

/// Looks for the event's object. If the event says that it is small enough to be held, one GET reads all of it.
pub(crate) async fn find<S: ObjectStore>(
    store: &S,
    event: &ObjectCreated,
) -> Result<FindOutcome, ServiceError> {
    match (&event.e_tag, event.size) {
        (Some(e_tag), Some(size)) if size <= MAX_HELD_BYTES => find_held(store, event, e_tag).await,
        _ => find_header(store, event).await,
    }
}

/// Reads the whole object, if it is the newest version.
async fn find_held<S: ObjectStore>(
    store: &S,
    event: &ObjectCreated,
    e_tag: &str,
) -> Result<FindOutcome, ServiceError> {
    let get = Get {
        if_match: Some(e_tag),
        ..Get::whole(&event.bucket, &event.key)
    };
    match store.get(get).await {
        Ok(GetOutcome::Found(info, _))
            if differ(event.version_id.as_ref(), info.version_id.as_ref()) =>
        {
            Ok(FindOutcome::Replaced)
        }
        Ok(GetOutcome::Found(info, bytes)) => {
            let header = read_header(&bytes);
            Ok(FindOutcome::Found(
                SourceImage { info, header },
                Some(bytes),
            ))
        }
        Ok(GetOutcome::Changed) => Ok(FindOutcome::Replaced),
        Ok(GetOutcome::Missing) => Ok(FindOutcome::Gone),
        Err(error) => unreadable(error),
    }
}

/// Whether event and bucket give different values.
fn differ(in_event: Option<&String>, found: Option<&String>) -> bool {
    matches!((in_event, found), (Some(in_event), Some(found)) if in_event != found)
}

/// Reads the object's metadata and header.
async fn find_header<S: ObjectStore>(
    store: &S,
    event: &ObjectCreated,
) -> Result<FindOutcome, ServiceError> {
    // HEAD returns the newest version and its checksum; a GET of a range does not.
    let (head, first) = futures::join!(
        store.head(&event.bucket, &event.key),
        read_first(store, event, event.e_tag.as_deref(), FIRST_BYTES),
    );
    let (info, first) = match (head, first) {
        (Ok(Some(info)), Ok(first)) => (info, first),
        (Ok(None), _) => return Ok(FindOutcome::Gone),
        (Err(error), _) | (_, Err(error)) => return unreadable(error),
    };
    if differ(event.e_tag.as_ref(), Some(&info.e_tag))
        || differ(event.version_id.as_ref(), info.version_id.as_ref())
    {
        return Ok(FindOutcome::Replaced);
    }
    let mut bytes = match first {
        GetOutcome::Found(got, bytes) if got.e_tag == info.e_tag => bytes,
        GetOutcome::Found(..) | GetOutcome::Changed => return Ok(FindOutcome::Replaced),
        GetOutcome::Missing => return Ok(FindOutcome::Gone),
    };
    loop {
        let header = read_header(&bytes);
        let read = bytes.len() as u64;
        match header {
            // Preparation reads longer headers.
            Err(HeaderError::NeedMore(more)) if read < info.size.min(MAX_HEADER_BYTES) => {
                let wanted = more.max(2 * read).min(info.size).min(MAX_HEADER_BYTES);
                match read_first(store, event, Some(&info.e_tag), wanted).await {
                    Ok(GetOutcome::Found(_, longer)) if longer.len() as u64 > read => {
                        bytes = longer;
                    }
                    Ok(GetOutcome::Found(..)) => {
                        return Ok(FindOutcome::Found(SourceImage { info, header }, None));
                    }
                    Ok(GetOutcome::Changed) => return Ok(FindOutcome::Replaced),
                    Ok(GetOutcome::Missing) => return Ok(FindOutcome::Gone),
                    Err(error) => return unreadable(error),
                }
            }
            header => return Ok(FindOutcome::Found(SourceImage { info, header }, None)),
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

fn unreadable(error: ServiceError) -> Result<FindOutcome, ServiceError> {
    if error.is_final() {
        Ok(FindOutcome::Unreadable(error))
    } else {
        Err(error)
    }
}

/// The outcome of reading the object.
pub(crate) enum ReadOutcome {
    /// All of its bytes.
    Complete(Vec<u8>),
    /// The processor can never read the object.
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
        Ok(GetOutcome::Found(_, bytes)) => ReadOutcome::Complete(bytes),
        Ok(GetOutcome::Changed) => ReadOutcome::Replaced,
        Ok(GetOutcome::Missing) => ReadOutcome::Gone,
        Err(error) if error.is_final() => ReadOutcome::Unreadable(error),
        Err(error) => return Err(error),
    })
}

/// The version of the object, from the bucket or, if it cannot be read, from the event.
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

/// Whether the object in the bucket may be this version.
pub(crate) fn is_version(info: &ObjectInfo, version: &ObjectVersion) -> bool {
    info.version().relation_to(version) == Relation::Same
}

/// The object's description in the document.
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

/// The uploader's name for the file, without control characters. `POST /uploads` signs it as percent-encoded
/// UTF-8; other clients may write it as plain text.
fn filename(metadata: &BTreeMap<String, String>) -> Option<String> {
    let name = metadata.get("filename")?;
    let decoded = percent_decode_str(name)
        .decode_utf8()
        .map_or_else(|_| name.clone(), |decoded| decoded.into_owned());
    let shown: String = decoded.chars().filter(|c| !c.is_control()).collect();
    (!shown.is_empty()).then_some(shown)
}

/// The analyses of the image: those that its uploader requested and the configuration allows. If the
/// uploader named no known analysis, all that are configured.
///
/// # Errors
/// The requested analyses and an error, if none of them is allowed.
pub(crate) fn analyses(
    info: Option<&ObjectInfo>,
    config: &ProcessorConfig,
) -> Result<Analyses, (Analyses, AnalysisError)> {
    // Uploaders can write anything there, so unknown names are ignored.
    let requested: Analyses = info
        .and_then(|info| info.metadata.get("analyses"))
        .into_iter()
        .flat_map(|list| list.split(','))
        .filter_map(|name| name.trim().parse::<Analysis>().ok())
        .collect();
    if requested.is_empty() {
        return Ok(config.analyses.clone());
    }
    let allowed = requested.intersection(&config.analyses);
    if allowed.is_empty() {
        let message = format!(
            "None of the requested analyses ({requested}) is enabled; request some of {}.",
            config.analyses
        );
        return Err((requested, image_error("AnalysisNotEnabled", message)));
    }
    Ok(allowed)
}

/// The document's error for a picture that the processor cannot read.
pub(crate) fn unreadable_source(error: &ServiceError) -> AnalysisError {
    image_error(
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
