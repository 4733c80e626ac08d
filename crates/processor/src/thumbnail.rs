//! The thumbnail in the output bucket.

use sightline_pipeline::{
    SourceKey,
    document::Thumbnail,
    object_store::{Condition, ObjectStore, Put, PutOutcome},
    prepare::JpegPicture,
};

use crate::{
    Setback, results,
    version::{ObjectVersion, Relation},
};

/// Writes the thumbnail of this version of the image, unless a newer version's stands there; that
/// is `None`.
pub(crate) async fn write<S: ObjectStore>(
    store: &S,
    bucket: &str,
    key: &SourceKey,
    version: &ObjectVersion,
    jpeg: &JpegPicture,
) -> Result<Option<Thumbnail>, Setback> {
    let thumbnail_key = key.thumbnail_key();
    let metadata = results::metadata(version, None);
    let mut standing = None;
    for _ in 0..results::WRITE_ATTEMPTS {
        let put = Put {
            bucket,
            key: &thumbnail_key,
            body: &jpeg.bytes,
            content_type: "image/jpeg",
            metadata: &results::borrowed(&metadata),
            condition: standing
                .as_deref()
                .map_or(Condition::IfAbsent, Condition::IfMatch),
        };
        if let PutOutcome::Stored(_) = store.put(put).await? {
            return Ok(Some(Thumbnail {
                key: thumbnail_key,
                width: jpeg.width,
                height: jpeg.height,
            }));
        }
        standing = match store.head(bucket, &thumbnail_key).await? {
            None => None,
            Some(info) => {
                let newer = results::version_in(&info)
                    .is_some_and(|shown| shown.relation_to(version) == Relation::Newer);
                if newer {
                    return Ok(None);
                }
                Some(info.e_tag)
            }
        };
    }
    Err(Setback::Contended)
}

/// Removes the thumbnail of an older version of the image, where this one has none to put in its
/// place.
pub(crate) async fn remove_older<S: ObjectStore>(
    store: &S,
    bucket: &str,
    key: &SourceKey,
    version: &ObjectVersion,
) -> Result<(), Setback> {
    let thumbnail_key = key.thumbnail_key();
    let Some(info) = store.head(bucket, &thumbnail_key).await? else {
        return Ok(());
    };
    let newer = results::version_in(&info)
        .is_some_and(|shown| shown.relation_to(version) == Relation::Newer);
    if !newer {
        store.delete_once(bucket, &thumbnail_key).await?;
    }
    Ok(())
}
