//! The thumbnail of a slot.

use sightline_pipeline::{
    document::Thumbnail,
    object_store::{Condition, ObjectInfo, ObjectStore, Put, PutOutcome},
    prepare::JpegPicture,
    version::Relation,
};

use crate::{
    outcome::RetryableFailure,
    result_slot::{ResultSlot, WRITE_ATTEMPTS, borrowed, metadata, version_in},
};

impl<S: ObjectStore> ResultSlot<'_, S> {
    /// Writes the thumbnail of this version of the image; `None` if a newer version has one.
    pub(crate) async fn write_thumbnail(
        &self,
        jpeg: &JpegPicture,
    ) -> Result<Option<Thumbnail>, RetryableFailure> {
        let thumbnail_key = self.key.thumbnail_key();
        let metadata = metadata(&self.version, None);
        let mut stored: Option<String> = None;
        for _ in 0..WRITE_ATTEMPTS {
            let put = Put {
                bucket: self.bucket,
                key: &thumbnail_key,
                body: &jpeg.bytes,
                content_type: "image/jpeg",
                metadata: &borrowed(&metadata),
                condition: stored
                    .as_deref()
                    .map_or(Condition::IfAbsent, Condition::IfMatch),
            };
            if let PutOutcome::Stored(_) = self.store.put(put).await? {
                return Ok(Some(Thumbnail {
                    key: thumbnail_key,
                    width: jpeg.width,
                    height: jpeg.height,
                }));
            }
            stored = match self.store.head(self.bucket, &thumbnail_key).await? {
                Some(info) if self.is_newer(&info) => return Ok(None),
                info => info.map(|info| info.e_tag),
            };
        }
        Err(RetryableFailure::Contended)
    }

    /// Deletes the thumbnail of an older version of the image, because this version has none.
    pub(crate) async fn delete_older_thumbnail(&self) -> Result<(), RetryableFailure> {
        let thumbnail_key = self.key.thumbnail_key();
        if let Some(info) = self.store.head(self.bucket, &thumbnail_key).await?
            && !self.is_newer(&info)
        {
            self.store.delete_once(self.bucket, &thumbnail_key).await?;
        }
        Ok(())
    }

    /// Whether an object was made from a newer version of the image.
    fn is_newer(&self, info: &ObjectInfo) -> bool {
        version_in(info)
            .is_some_and(|version| version.relation_to(&self.version) == Relation::Newer)
    }
}
