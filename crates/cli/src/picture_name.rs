//! How the command line names a stored picture: by its key, its image id, or an address that contains its key.

use std::str::FromStr;

use anyhow::anyhow;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::Method;
use percent_encoding::percent_decode_str;
use sightline_pipeline::{MediaType, Owner, SourceKey};
use sightline_upload_api::results_path;
use url::Url;
use uuid::Uuid;

use crate::{api::Api, exit::CliError, value_parsers::split_s3_url};

/// What the commands say about their argument.
pub(crate) const ACCEPTED: &str = "\
PICTURES
  A picture is named by its key, such as uploads/0f0e9c3a-....jpg, by its
  image id (the UUID in the key, if it was uploaded through the API), or by
  an address that contains the key: of the gallery, of its result
  (statusUrl, resultUrl), or s3://bucket/key. Quote addresses.";

/// How many keys are asked about at the same time.
const CONCURRENT_REQUESTS: usize = 8;

/// The name of a stored picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PictureName {
    /// Its key, and the service whose address contained it.
    Key(SourceKey, Option<String>),
    /// Its image id.
    Id(Uuid),
}

impl FromStr for PictureName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some(id) = Uuid::try_parse(text).ok().filter(|_| text.len() == 36) {
            return Ok(Self::Id(id));
        }
        let found = if text.starts_with("http://") || text.starts_with("https://") {
            Url::parse(text).ok().and_then(|url| in_address(&url))
        } else {
            let key = split_s3_url(text).map_or(text, |(_, key)| key);
            stored_key(key).map(|key| Self::Key(key, None))
        };
        found.ok_or_else(|| {
            "expected a key such as uploads/0f0e9c3a-....jpg, an image id, or an address that contains the key; `sightline search` lists keys".to_owned()
        })
    }
}

/// The picture of a key in one of the buckets.
fn stored_key(key: &str) -> Option<SourceKey> {
    SourceKey::new(key)
        .ok()
        .or_else(|| SourceKey::of_derived(key).map(|(key, _)| key))
}

/// The picture in an address of the gallery, where it is the fragment, of the API, or of S3.
fn in_address(url: &Url) -> Option<PictureName> {
    let decoded = |text: &str| {
        percent_decode_str(text)
            .decode_utf8()
            .ok()
            .map(String::from)
    };
    let origin = || Some(url.origin().ascii_serialization());
    if let Some(key) = url
        .fragment()
        .and_then(decoded)
        .and_then(|key| SourceKey::new(key).ok())
    {
        return Some(PictureName::Key(key, origin()));
    }
    let path = decoded(url.path())?;
    let at = |part: &str| path.find(part).map(|at| at + 1);
    let start = [at("/uploads/"), at("/inline/")]
        .into_iter()
        .flatten()
        .min()?;
    let (before, key) = path.split_at_checked(start)?;
    if !url.query_pairs().any(|(name, _)| name == "X-Amz-Signature") {
        return Some(PictureName::Key(SourceKey::new(key).ok()?, origin()));
    }
    // A signed address of an object. Before the key is its prefix in the output bucket, if it is there.
    let folder = before.trim_end_matches('/').rsplit('/').next();
    let key = format!("{}/{key}", folder.unwrap_or_default());
    SourceKey::of_derived(&key)
        .map(|(key, _)| key)
        .or_else(|| SourceKey::new(path.get(start..)?).ok())
        .map(|key| PictureName::Key(key, None))
}

impl PictureName {
    /// The key. Asks the service for the keys that an image with this id can have.
    ///
    /// # Errors
    /// When the service cannot be reached or rejects the credentials, or there is no picture with this id.
    pub(crate) async fn key(&self, api: &Api) -> anyhow::Result<SourceKey> {
        let id = match self {
            Self::Key(key, _) => return Ok(key.clone()),
            Self::Id(id) => *id,
        };
        let found = stream::iter(candidates(id, api.owner().as_ref()))
            .map(|key| async move {
                let response = api.send(Method::GET, &results_path(&key), None).await?;
                anyhow::Ok(matches!(response.status, 200 | 202).then_some(key))
            })
            .buffered(CONCURRENT_REQUESTS)
            .try_filter_map(async |found| Ok(found))
            .boxed_local()
            .try_next()
            .await?;
        found.ok_or_else(|| {
            anyhow!(
                "there is no picture with the id {id} at {}; use its key if it was not uploaded through the API",
                api.base_url()
            )
        })
    }

    /// The error about a picture that does not exist.
    pub(crate) fn missing(&self, key: &SourceKey, api: &Api) -> anyhow::Error {
        let here = api.base_url();
        let advice = self.other_service(here).map_or_else(
            || "check the key, and --api (or SIGHTLINE_API)".to_owned(),
            belongs_elsewhere,
        );
        anyhow!("there is no picture {key} at {here}; {advice}")
    }

    /// Rejects the address of another service than this.
    ///
    /// # Errors
    /// [`CliError::Usage`] if the name is one.
    pub(crate) fn check_service(&self, base_url: &str) -> Result<(), CliError> {
        self.other_service(base_url).map_or(Ok(()), |origin| {
            Err(CliError::Usage(belongs_elsewhere(origin)))
        })
    }

    fn other_service(&self, base_url: &str) -> Option<&str> {
        match self {
            Self::Key(_, Some(origin)) if !is_at(base_url, origin) => Some(origin),
            _ => None,
        }
    }
}

fn belongs_elsewhere(origin: &str) -> String {
    format!("the address belongs to {origin}; set --api (or SIGHTLINE_API) to that service")
}

/// Whether a URL has this origin.
fn is_at(base_url: &str, origin: &str) -> bool {
    Url::parse(base_url).is_ok_and(|url| url.origin().ascii_serialization() == origin)
}

/// The keys that the API gives an image with this id.
fn candidates(id: Uuid, owner: Option<&Owner>) -> Vec<SourceKey> {
    let owners = owner.map(Some).into_iter().chain([None]);
    owners
        .flat_map(|owner| {
            MediaType::ALL.into_iter().flat_map(move |format| {
                let extension = format.extension();
                [
                    SourceKey::for_upload(owner, id, extension),
                    SourceKey::for_inline(owner, id, extension),
                ]
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Option<(String, Option<String>)> {
        match text.parse() {
            Ok(PictureName::Key(key, origin)) => Some((key.to_string(), origin)),
            _ => None,
        }
    }

    #[test]
    fn keys_ids_and_addresses_name_a_picture() {
        let here = || Some("http://127.0.0.1:8080".to_owned());
        for (text, expected, origin) in [
            ("uploads/a b.jpg", "uploads/a b.jpg", None),
            ("inline/x/cat.png", "inline/x/cat.png", None),
            ("results/uploads/a.jpg.json", "uploads/a.jpg", None),
            ("thumbnails/uploads/a.jpg.jpg", "uploads/a.jpg", None),
            ("s3://input/uploads/a.jpg", "uploads/a.jpg", None),
            (
                "s3://output/results/uploads/a.jpg.json",
                "uploads/a.jpg",
                None,
            ),
            (
                "http://127.0.0.1:8080/gallery.html?label=Dog#uploads/a%20b.jpg",
                "uploads/a b.jpg",
                here(),
            ),
            (
                "http://127.0.0.1:8080/results/uploads/a%2Bb.jpg",
                "uploads/a+b.jpg",
                here(),
            ),
            (
                "https://p.example/stage/images/uploads%2F..%2Fup.png",
                "uploads/../up.png",
                Some("https://p.example".to_owned()),
            ),
            (
                "https://out.s3.eu-west-1.amazonaws.com/results/uploads/a.jpg.json?X-Amz-Signature=1",
                "uploads/a.jpg",
                None,
            ),
            (
                "http://127.0.0.1:4566/out/results/inline/a.jpg.json?X-Amz-Signature=1",
                "inline/a.jpg",
                None,
            ),
            (
                "http://127.0.0.1:4566/in/uploads/a.jpg?X-Amz-Signature=1",
                "uploads/a.jpg",
                None,
            ),
        ] {
            assert_eq!(key(text), Some((expected.to_owned(), origin)), "{text}");
        }
        let id = "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11";
        assert_eq!(
            id.parse(),
            Ok(PictureName::Id(Uuid::try_parse(id).unwrap()))
        );
    }

    #[test]
    fn other_texts_name_no_picture() {
        for text in [
            "",
            "cat.jpg",
            "uploads/",
            "0f0e9c3a",
            "https://p.example/gallery.html",
            "https://p.example/gallery.html#main",
            "s3://bucket",
        ] {
            let error = text.parse::<PictureName>().unwrap_err();
            assert!(error.contains("uploads/"), "{text}: {error}");
        }
    }

    #[test]
    fn an_id_stands_for_the_keys_that_the_api_gives() {
        let id = Uuid::try_parse("0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11").unwrap();
        let owner = Owner::signed_in("ann").unwrap();
        let keys = candidates(id, Some(&owner));
        assert_eq!(keys.len(), 4 * MediaType::ALL.len());
        for key in [format!("uploads/ann/{id}.jpg"), format!("inline/{id}.heic")] {
            assert!(
                keys.iter().any(|candidate| candidate.as_str() == key),
                "{key}"
            );
        }
        assert!(keys.iter().all(|key| key.image_id() == id));
    }

    #[test]
    fn an_address_of_another_service_is_noticed() {
        let name: PictureName = "https://p.example/gallery.html#uploads/a.jpg"
            .parse()
            .unwrap();
        assert!(name.check_service("https://p.example/beta").is_ok());
        let error = name.check_service("http://127.0.0.1:8080").unwrap_err();
        assert!(error.to_string().contains("https://p.example"), "{error}");
    }
}
