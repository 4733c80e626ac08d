//! The thumbnail and the preview of a slot.

use sightline_pipeline::{
    ResultDocument,
    document::Rendition,
    object_store::{Condition, ObjectInfo, ObjectStore, Put, PutOutcome},
    prepare::{JpegPicture, Renditions},
    version::Relation,
};

use crate::{
    outcome::RetryableFailure,
    result_slot::{ResultSlot, WRITE_ATTEMPTS, borrowed, metadata, version_in},
};

/// The renditions that are stored.
#[derive(Debug, Default)]
pub(crate) struct StoredRenditions {
    pub(crate) thumbnail: Option<Rendition>,
    pub(crate) preview: Option<Rendition>,
}

impl<S: ObjectStore> ResultSlot<'_, S> {
    /// Writes the renditions of this version of the image, side by side. One of which a newer version has its own is left out.
    pub(crate) async fn write_renditions(
        &self,
        renditions: &Renditions,
    ) -> Result<StoredRenditions, RetryableFailure> {
        let (thumbnail, preview) = futures::try_join!(
            self.write_rendition(self.key.thumbnail_key(), renditions.thumbnail.as_ref()),
            self.write_rendition(self.key.preview_key(), renditions.preview.as_ref()),
        )?;
        Ok(StoredRenditions { thumbnail, preview })
    }

    /// Deletes the renditions of an older version of the image.
    pub(crate) async fn delete_older_renditions(&self) -> Result<(), RetryableFailure> {
        futures::try_join!(
            self.delete_older(self.key.thumbnail_key()),
            self.delete_older(self.key.preview_key()),
        )?;
        Ok(())
    }

    /// Deletes the renditions of an older version of the image of which the document of this version has none.
    pub(crate) async fn delete_older_renditions_than(
        &self,
        document: &ResultDocument,
    ) -> Result<(), RetryableFailure> {
        if document.thumbnail.is_none() {
            self.delete_older(self.key.thumbnail_key()).await?;
        }
        if document.preview.is_none() {
            self.delete_older(self.key.preview_key()).await?;
        }
        Ok(())
    }

    async fn write_rendition(
        &self,
        key: String,
        jpeg: Option<&JpegPicture>,
    ) -> Result<Option<Rendition>, RetryableFailure> {
        let Some(jpeg) = jpeg else {
            return Ok(None);
        };
        let metadata = metadata(&self.version, None);
        let mut stored: Option<String> = None;
        for _ in 0..WRITE_ATTEMPTS {
            let put = Put {
                bucket: self.bucket,
                key: &key,
                body: &jpeg.bytes,
                content_type: "image/jpeg",
                metadata: &borrowed(&metadata),
                condition: stored
                    .as_deref()
                    .map_or(Condition::IfAbsent, Condition::IfMatch),
            };
            if let PutOutcome::Stored(_) = self.store.put(put).await? {
                return Ok(Some(Rendition {
                    key,
                    width: jpeg.width,
                    height: jpeg.height,
                }));
            }
            stored = match self.store.head(self.bucket, &key).await? {
                Some(info) if self.is_newer(&info) => return Ok(None),
                info => info.map(|info| info.e_tag),
            };
        }
        Err(RetryableFailure::Contended)
    }

    async fn delete_older(&self, key: String) -> Result<(), RetryableFailure> {
        if let Some(info) = self.store.head(self.bucket, &key).await?
            && !self.is_newer(&info)
        {
            self.store.delete_once(self.bucket, &key).await?;
        }
        Ok(())
    }

    /// Whether an object was made from a newer version of the image.
    fn is_newer(&self, info: &ObjectInfo) -> bool {
        version_in(info)
            .is_some_and(|version| version.relation_to(&self.version) == Relation::Newer)
    }
}
