//! The list of what is stored for an owner.

use std::collections::BTreeMap;

use sightline_pipeline::{
    Owner, ServiceError, SourceKey,
    config::Buckets,
    index::{ImageIndex, ImageRow, Query},
    keys::Derived,
    object_store::ListObjects,
};

/// The number of entries in a page of the index.
const PAGE: usize = 100;

/// What is stored for an owner.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Stored {
    pub(crate) images: BTreeMap<SourceKey, Parts>,
    /// Bucket and key of objects that belong to no image, such as the folders that consoles create.
    pub(crate) others: Vec<(String, String)>,
}

/// What is stored for one image.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Parts {
    pub(crate) original: bool,
    pub(crate) document: bool,
    pub(crate) thumbnail: bool,
    pub(crate) preview: bool,
    pub(crate) lease: bool,
    pub(crate) row: Option<ImageRow>,
}

impl Stored {
    /// Lists both buckets and the index.
    ///
    /// # Errors
    /// [`ServiceError`] if one of them fails.
    pub(crate) async fn list<S: ListObjects, I: ImageIndex>(
        store: &S,
        index: &I,
        buckets: &Buckets,
        owner: &Owner,
    ) -> Result<Self, ServiceError> {
        let mut stored = Self::default();
        for prefix in owner.image_prefixes() {
            for key in all(store, &buckets.input, &prefix).await? {
                match SourceKey::new(key.as_str()) {
                    Ok(image) => stored.parts(image).original = true,
                    Err(_) => stored.others.push((buckets.input.clone(), key)),
                }
            }
        }
        for prefix in owner.derived_prefixes() {
            for key in all(store, &buckets.output, &prefix).await? {
                let Some((image, derived)) = SourceKey::of_derived(&key) else {
                    stored.others.push((buckets.output.clone(), key));
                    continue;
                };
                let parts = stored.parts(image);
                match derived {
                    Derived::Result => parts.document = true,
                    Derived::Thumbnail => parts.thumbnail = true,
                    Derived::Preview => parts.preview = true,
                    Derived::Lease => parts.lease = true,
                }
            }
        }
        let query = Query {
            owner: Some(owner.as_str().to_owned()),
            ..Query::default()
        };
        let mut after = None;
        loop {
            let page = index.page(&query, after.as_ref(), PAGE).await?;
            for found in page.images {
                let key = found.row.key.clone();
                stored.parts(key).row = Some(found.row);
            }
            after = page.next;
            if after.is_none() {
                return Ok(stored);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.images.is_empty() && self.others.is_empty()
    }

    fn parts(&mut self, image: SourceKey) -> &mut Parts {
        self.images.entry(image).or_default()
    }
}

/// All keys that begin with the prefix.
async fn all<S: ListObjects>(
    store: &S,
    bucket: &str,
    prefix: &str,
) -> Result<Vec<String>, ServiceError> {
    let mut all: Vec<String> = Vec::new();
    loop {
        let listed = store
            .list(bucket, prefix, all.last().map(String::as_str))
            .await?;
        if listed.is_empty() {
            return Ok(all);
        }
        all.extend(listed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sightline_pipeline::testing::{MemoryIndex, MemoryStore};

    #[tokio::test]
    async fn everything_of_one_owner_is_listed_and_nothing_of_others() {
        let store = MemoryStore::new();
        let buckets = Buckets {
            input: "in-put".to_owned(),
            output: "out-put".to_owned(),
        };
        let put = |bucket: &str, key: &str| store.insert(bucket, key, b"1", "text/plain", &[]);
        for key in ["uploads/ann/a.jpg", "inline/ann/b.jpg", "uploads/ann/"] {
            put("in-put", key);
        }
        for key in [
            "results/uploads/ann/a.jpg.json",
            "results/uploads/ann/expired.jpg.json",
            "thumbnails/uploads/ann/a.jpg.jpg",
            "previews/uploads/ann/a.jpg.jpg",
            "claims/inline/ann/b.jpg",
            "results/uploads/ann/notes.txt",
        ] {
            put("out-put", key);
        }
        for (bucket, key) in [
            ("in-put", "uploads/anna/a.jpg"),
            ("in-put", "uploads/ann.jpg"),
            ("out-put", "results/uploads/bob/a.jpg.json"),
        ] {
            put(bucket, key);
        }
        let owner = Owner::from_subject("ann").unwrap();
        let stored = Stored::list(&store, &MemoryIndex::new(), &buckets, &owner)
            .await
            .unwrap();
        let keys: Vec<_> = stored.images.keys().map(SourceKey::as_str).collect();
        assert_eq!(
            keys,
            [
                "inline/ann/b.jpg",
                "uploads/ann/a.jpg",
                "uploads/ann/expired.jpg"
            ]
        );
        assert_eq!(
            stored.images[&SourceKey::new("uploads/ann/a.jpg").unwrap()],
            Parts {
                original: true,
                document: true,
                thumbnail: true,
                preview: true,
                ..Parts::default()
            }
        );
        assert_eq!(
            stored.images[&SourceKey::new("inline/ann/b.jpg").unwrap()],
            Parts {
                original: true,
                lease: true,
                ..Parts::default()
            }
        );
        let others: Vec<_> = stored.others.iter().map(|(_, key)| key.as_str()).collect();
        assert_eq!(others, ["uploads/ann/", "results/uploads/ann/notes.txt"]);
    }
}
