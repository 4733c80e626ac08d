//! Object keys. The source key identifies an image. Every other key is derived from it, here and
//! nowhere else.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The prefix of uploads in the input bucket. Storing an image there triggers the processor.
pub const UPLOAD_PREFIX: &str = "uploads/";
/// The prefix of images from `POST /images` in the input bucket. They trigger nothing.
const INLINE_PREFIX: &str = "inline/";
/// The prefix of result documents in the output bucket.
pub(crate) const RESULT_PREFIX: &str = "results/";
/// The prefix of thumbnails in the output bucket.
const THUMBNAIL_PREFIX: &str = "thumbnails/";
/// The prefix of previews in the output bucket.
const PREVIEW_PREFIX: &str = "previews/";
/// The prefix of leases in the output bucket.
const LEASE_PREFIX: &str = "claims/";

/// The prefix of codes in the output bucket with which guests hand over their images.
pub const HANDOVER_PREFIX: &str = "handovers/";

/// The longest key in S3, in bytes of UTF-8
/// (Amazon S3 User Guide, "Naming Amazon S3 objects").
pub const MAX_KEY_BYTES: usize = 1024;
/// The longest source key whose derived keys fit in [`MAX_KEY_BYTES`]. The thumbnail key is the longest of them.
pub const MAX_SOURCE_KEY_BYTES: usize = MAX_KEY_BYTES - THUMBNAIL_PREFIX.len() - ".jpg".len();

/// The longest `sub` of a token, in ASCII characters
/// (OpenID Connect Core 1.0, section 2, "ID Token").
const MAX_SUBJECT_BYTES: usize = 255;

/// The owner of images: the `sub` of a token, encoded as one segment of a key.
///
/// Letters, digits, `-` and `_` stay as they are, and so do the UUIDs of Amazon Cognito. Any other byte becomes
/// `!` and two hexadecimal digits. This is percent-encoding with a character that S3 keys take without
/// special handling (Amazon S3 User Guide, "Naming Amazon S3 objects"). So each subject has its own segment,
/// and no segment contains a slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner(String);

/// Whether this has the form of the ids of Amazon Cognito's identities and identity pools: a region, a colon and a UUID
/// (Amazon Cognito Federated Identities API Reference, "GetId").
#[must_use]
pub fn is_identity_id(id: &str) -> bool {
    id.split_once(':').is_some_and(|(region, uuid)| {
        !region.is_empty()
            && region
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && Uuid::try_parse(uuid).is_ok_and(|id| id.hyphenated().to_string() == uuid)
    })
}

/// A subject that cannot own images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OwnerError {
    /// No key can have it.
    #[error(
        "the subject is empty, longer than {MAX_SUBJECT_BYTES} bytes or contains control characters"
    )]
    Invalid,
    /// The `sub` of a token has the form of a guest's identity id.
    #[error("the subject has the form of a guest's identity id")]
    ReservedForGuests,
    /// The id of a guest does not have the form of an identity id.
    #[error("the guest's id is not a region, a colon and a UUID")]
    NotAnIdentity,
}

impl Owner {
    /// The owner who signed in with a token of this claim `sub`. A `sub` that could be a guest's identity id owns nothing, so no
    /// token gives access to the images of a guest.
    ///
    /// # Errors
    /// [`OwnerError::Invalid`], [`OwnerError::ReservedForGuests`].
    pub fn signed_in(subject: &str) -> Result<Self, OwnerError> {
        if is_identity_id(subject) {
            return Err(OwnerError::ReservedForGuests);
        }
        Self::from_subject(subject)
    }

    /// The guest with this identity id. Whoever knows the id gets its credentials from Cognito, and keys are in links, documents and
    /// logs, so the segment does not show it.
    ///
    /// # Errors
    /// [`OwnerError::NotAnIdentity`], so a guest is never one of the owners of [`Self::signed_in`].
    pub fn guest(identity_id: &str) -> Result<Self, OwnerError> {
        if !is_identity_id(identity_id) {
            return Err(OwnerError::NotAnIdentity);
        }
        Ok(Self::of_guest(identity_id))
    }

    /// No other subject has this segment: escapes have two upper-case digits after the `!`.
    fn of_guest(identity_id: &str) -> Self {
        let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, identity_id.as_bytes());
        Self(format!("!guest-{}", id.simple()))
    }

    /// The owner with this claim `sub`, or the guest with this identity id: for operators, who may name both. Callers of the API are
    /// told apart by [`Self::signed_in`] and [`Self::guest`].
    ///
    /// # Errors
    /// [`OwnerError`] if it is empty, too long or contains control characters.
    pub fn from_subject(subject: &str) -> Result<Self, OwnerError> {
        let is_valid = (1..=MAX_SUBJECT_BYTES).contains(&subject.len())
            && !subject.chars().any(char::is_control);
        if !is_valid {
            return Err(OwnerError::Invalid);
        }
        if is_identity_id(subject) {
            return Ok(Self::of_guest(subject));
        }
        let mut segment = String::with_capacity(subject.len());
        for byte in subject.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
                segment.push(char::from(byte));
            } else {
                segment.push_str(&format!("!{byte:02X}"));
            }
        }
        Ok(Self(segment))
    }

    /// The owner's segment in keys.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The owner with this segment in keys, which must come from [`Self::as_str`].
    #[must_use]
    pub fn from_segment(segment: &str) -> Option<Self> {
        let is_plain =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'!');
        (!segment.is_empty() && segment.bytes().all(is_plain)).then(|| Self(segment.to_owned()))
    }

    /// The prefixes of the owner's images in the input bucket.
    #[must_use]
    pub fn image_prefixes(&self) -> [String; 2] {
        [UPLOAD_PREFIX, INLINE_PREFIX].map(|prefix| format!("{prefix}{}/", self.0))
    }

    /// The prefixes of everything that belongs to the owner's images in the output bucket.
    #[must_use]
    pub fn derived_prefixes(&self) -> Vec<String> {
        let images = self.image_prefixes();
        [
            RESULT_PREFIX,
            THUMBNAIL_PREFIX,
            PREVIEW_PREFIX,
            LEASE_PREFIX,
        ]
        .iter()
        .flat_map(|derived| images.iter().map(move |image| format!("{derived}{image}")))
        .collect()
    }
}

/// An object in the output bucket that belongs to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derived {
    /// The result document.
    Result,
    /// The thumbnail.
    Thumbnail,
    /// The preview.
    Preview,
    /// The lease.
    Lease,
}

/// The key of an image in the input bucket: under `uploads/` or `inline/`, 1 to
/// [`MAX_SOURCE_KEY_BYTES`] bytes of UTF-8, not a folder placeholder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SourceKey(String);

/// Why a key is not a source key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is under neither prefix. Such objects are ignored.
    #[error("the key {0:?} is under neither uploads/ nor inline/, so it names no image")]
    OutsidePrefix(String),
    /// It ends in `/`, like the folders that consoles create, or has nothing after the prefix.
    #[error("the key {0:?} names a folder, not an image; put the image under a name below it")]
    Folder(String),
    /// Its derived keys would be too long.
    #[error(
        "the key is {bytes} bytes long, so its result could not be named; use at most {MAX_SOURCE_KEY_BYTES} bytes"
    )]
    TooLong {
        /// Length in bytes of UTF-8.
        bytes: usize,
    },
}

impl SourceKey {
    /// Checks a key, which must be percent-decoded already.
    ///
    /// # Errors
    /// [`KeyError`] if it is not a source key.
    pub fn new(key: impl Into<String>) -> Result<Self, KeyError> {
        let key = key.into();
        let Some(rest) = [UPLOAD_PREFIX, INLINE_PREFIX]
            .iter()
            .find_map(|prefix| key.strip_prefix(prefix))
        else {
            return Err(KeyError::OutsidePrefix(key));
        };
        if rest.is_empty() || rest.ends_with('/') {
            return Err(KeyError::Folder(key));
        }
        if key.len() > MAX_SOURCE_KEY_BYTES {
            return Err(KeyError::TooLong { bytes: key.len() });
        }
        Ok(Self(key))
    }

    /// The key of a new upload: `uploads/<id>.<extension>`, or `uploads/<owner>/<id>.<extension>`.
    #[must_use]
    pub fn for_upload(owner: Option<&Owner>, id: Uuid, extension: &str) -> Self {
        Self::compose(UPLOAD_PREFIX, owner, id, extension)
    }

    /// The key of a new image from a request: `inline/<id>.<extension>`, or
    /// `inline/<owner>/<id>.<extension>`.
    #[must_use]
    pub fn for_inline(owner: Option<&Owner>, id: Uuid, extension: &str) -> Self {
        Self::compose(INLINE_PREFIX, owner, id, extension)
    }

    fn compose(prefix: &str, owner: Option<&Owner>, id: Uuid, extension: &str) -> Self {
        Self(match owner {
            Some(Owner(owner)) => format!("{prefix}{owner}/{id}.{extension}"),
            None => format!("{prefix}{id}.{extension}"),
        })
    }

    /// The key under which an image of one owner goes to another: under `uploads/`, so that it is analysed for its new owner. `None` if
    /// the image does not belong to `from`, or if the key would be too long.
    #[must_use]
    pub fn handed_over(&self, from: &Owner, to: &Owner) -> Option<Self> {
        let [uploaded, inline] = from.image_prefixes();
        let name = self
            .0
            .strip_prefix(&uploaded)
            .or_else(|| self.0.strip_prefix(&inline))?;
        Self::new(format!("{UPLOAD_PREFIX}{}/{name}", to.0)).ok()
    }

    /// The folder after the prefix, if there is one. If the deployment has owners, this is the
    /// [`Owner::as_str`] of the image's owner.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        let (_, rest) = self.0.split_once('/')?;
        let (owner, _) = rest.split_once('/')?;
        Some(owner).filter(|owner| !owner.is_empty())
    }

    /// Whether the image belongs to this owner.
    #[must_use]
    pub fn is_of(&self, owner: &Owner) -> bool {
        self.owner() == Some(owner.as_str())
    }

    /// The key, not encoded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether storing an object with this key triggers the processor.
    #[must_use]
    pub fn is_upload(&self) -> bool {
        self.0.starts_with(UPLOAD_PREFIX)
    }

    /// The UUID in the file name, as in keys from `POST /uploads`. For any other key, a UUID (version 5)
    /// computed from the key, so the same key always has the same id.
    #[must_use]
    pub fn image_id(&self) -> Uuid {
        let name = self.0.rsplit('/').next().unwrap_or_default();
        let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
        Uuid::try_parse(stem)
            .ok()
            .filter(|id| id.hyphenated().to_string() == stem)
            .unwrap_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_URL, self.0.as_bytes()))
    }

    /// `results/<source key>.json` in the output bucket.
    #[must_use]
    pub fn result_key(&self) -> String {
        format!("{RESULT_PREFIX}{}.json", self.0)
    }

    /// `thumbnails/<source key>.jpg` in the output bucket.
    #[must_use]
    pub fn thumbnail_key(&self) -> String {
        format!("{THUMBNAIL_PREFIX}{}.jpg", self.0)
    }

    /// `previews/<source key>.jpg` in the output bucket.
    #[must_use]
    pub fn preview_key(&self) -> String {
        format!("{PREVIEW_PREFIX}{}.jpg", self.0)
    }

    /// The image that an object in the output bucket belongs to; `None` if it belongs to none.
    #[must_use]
    pub fn of_derived(key: &str) -> Option<(Self, Derived)> {
        let (image, derived) = if let Some(rest) = key.strip_prefix(RESULT_PREFIX) {
            (rest.strip_suffix(".json")?, Derived::Result)
        } else if let Some(rest) = key.strip_prefix(THUMBNAIL_PREFIX) {
            (rest.strip_suffix(".jpg")?, Derived::Thumbnail)
        } else if let Some(rest) = key.strip_prefix(PREVIEW_PREFIX) {
            (rest.strip_suffix(".jpg")?, Derived::Preview)
        } else {
            (key.strip_prefix(LEASE_PREFIX)?, Derived::Lease)
        };
        Some((Self::new(image).ok()?, derived))
    }

    /// `claims/<source key>` in the output bucket.
    #[must_use]
    pub fn lease_key(&self) -> String {
        format!("{LEASE_PREFIX}{}", self.0)
    }
}

impl fmt::Display for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for SourceKey {
    type Error = KeyError;

    fn try_from(key: String) -> Result<Self, Self::Error> {
        Self::new(key)
    }
}

impl From<SourceKey> for String {
    fn from(key: SourceKey) -> Self {
        key.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_keys_contain_the_source_key() {
        let key = SourceKey::new("uploads/my cat+1.jpg").unwrap();
        assert_eq!(key.result_key(), "results/uploads/my cat+1.jpg.json");
        assert_eq!(key.thumbnail_key(), "thumbnails/uploads/my cat+1.jpg.jpg");
        assert_eq!(key.preview_key(), "previews/uploads/my cat+1.jpg.jpg");
        assert_eq!(key.lease_key(), "claims/uploads/my cat+1.jpg");
        for (derived, kind) in [
            (key.result_key(), Derived::Result),
            (key.thumbnail_key(), Derived::Thumbnail),
            (key.preview_key(), Derived::Preview),
            (key.lease_key(), Derived::Lease),
        ] {
            assert_eq!(SourceKey::of_derived(&derived), Some((key.clone(), kind)));
        }
        for other in [
            "results/uploads/a.txt",
            "spending/2026-01-01.json",
            "results/a.json",
        ] {
            assert_eq!(SourceKey::of_derived(other), None, "{other}");
        }
    }

    #[test]
    fn the_image_id_is_read_or_computed_from_the_key() {
        let id = Uuid::new_v4();
        assert_eq!(SourceKey::for_upload(None, id, "jpg").image_id(), id);
        let owner = Owner::from_subject("anne").unwrap();
        assert_eq!(
            SourceKey::for_inline(Some(&owner), id, "jpg").image_id(),
            id
        );
        let other = SourceKey::new("uploads/my cat.jpg").unwrap();
        assert_eq!(other.image_id(), other.image_id());
        assert_eq!(other.image_id().get_version_num(), 5);
        let unlike = SourceKey::new("uploads/my dog.jpg").unwrap();
        assert_ne!(other.image_id(), unlike.image_id());
    }

    #[test]
    fn each_owner_has_a_segment_of_its_own() {
        for (subject, segment) in [
            (
                "7d1c9a52-3b1f-4c56-9d0f-0a3c2f5e8b11",
                "7d1c9a52-3b1f-4c56-9d0f-0a3c2f5e8b11",
            ),
            ("auth0|5f7c8e", "auth0!7C5f7c8e"),
            ("auth0!7C5f7c8e", "auth0!217C5f7c8e"),
            ("../uploads/b", "!2E!2E!2Fuploads!2Fb"),
            ("é", "!C3!A9"),
        ] {
            let owner = Owner::from_subject(subject).unwrap();
            assert_eq!(owner.as_str(), segment);
            for key in [
                SourceKey::for_upload(Some(&owner), Uuid::nil(), "jpg"),
                SourceKey::for_inline(Some(&owner), Uuid::nil(), "jpg"),
            ] {
                assert_eq!(SourceKey::new(key.as_str()), Ok(key.clone()));
                assert_eq!(key.owner(), Some(segment));
                assert!(key.is_of(&owner));
                let other = Owner::from_subject("somebody").unwrap();
                assert!(!key.is_of(&other));
            }
        }
        let long = "|".repeat(MAX_SUBJECT_BYTES);
        let key = SourceKey::for_upload(
            Owner::from_subject(&long).ok().as_ref(),
            Uuid::nil(),
            "jpeg",
        );
        assert!(key.as_str().len() <= MAX_SOURCE_KEY_BYTES);
        for subject in ["", "a\nb", "\0", &format!("{long}|")] {
            let rejected = Owner::from_subject(subject);
            assert_eq!(rejected, Err(OwnerError::Invalid), "{subject:?}");
        }
        for (key, owner) in [
            ("uploads/a.jpg", None),
            ("uploads//a.jpg", None),
            ("uploads/holiday/2026/a.jpg", Some("holiday")),
        ] {
            assert_eq!(SourceKey::new(key).unwrap().owner(), owner);
        }
    }

    #[test]
    fn no_subject_of_a_token_is_a_guest() {
        let id = "eu-west-1:0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11";
        let guest = Owner::guest(id).unwrap();
        assert_eq!(guest.as_str(), "!guest-29d67b21aa9f5d0982818b1dee95db00");
        assert!(!guest.as_str().contains("0f0e9c3a"), "the id is a secret");
        assert_eq!(Owner::signed_in(id), Err(OwnerError::ReservedForGuests));
        assert_eq!(Owner::from_subject(id).as_ref(), Ok(&guest));
        for subject in [
            "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11",
            guest.as_str(),
            "auth0|5f7c8e",
            "eu-west-1:",
            "eu-west-1:0F0E9C3A-6D0F-4C57-9C0C-3C2A4F8F6F11",
            ":0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11",
        ] {
            assert_eq!(Owner::guest(subject), Err(OwnerError::NotAnIdentity));
            assert_ne!(Owner::signed_in(subject).unwrap(), guest);
        }
    }

    #[test]
    fn an_image_is_handed_over_under_its_name() {
        let anne = Owner::guest("eu-west-1:0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11").unwrap();
        let bert = Owner::signed_in("bert").unwrap();
        assert_eq!(Owner::from_segment(anne.as_str()).as_ref(), Some(&anne));
        for wrong in ["", "a/b", "a.b"] {
            assert_eq!(Owner::from_segment(wrong), None);
        }
        let key = |prefix, owner: &Owner, name: &str| {
            SourceKey::new(format!("{prefix}/{}/{name}", owner.as_str())).unwrap()
        };
        let expected = Some(key("uploads", &bert, "1.jpg"));
        for prefix in ["uploads", "inline"] {
            let image = key(prefix, &anne, "1.jpg");
            assert_eq!(image.handed_over(&anne, &bert), expected);
            assert_eq!(image.handed_over(&bert, &anne), None);
        }
    }

    #[test]
    fn keys_that_name_no_image_are_rejected() {
        for key in [
            "",
            "cat.jpg",
            "Uploads/cat.jpg",
            "results/uploads/a.json",
            "/uploads/a",
        ] {
            assert!(
                matches!(SourceKey::new(key), Err(KeyError::OutsidePrefix(_))),
                "{key}"
            );
        }
        for key in ["uploads/", "inline/", "uploads/holiday/"] {
            assert!(
                matches!(SourceKey::new(key), Err(KeyError::Folder(_))),
                "{key}"
            );
        }
    }

    #[test]
    fn derived_keys_of_the_longest_source_key_fit_in_s3() {
        let longest = format!("uploads/{}", "é".repeat((MAX_SOURCE_KEY_BYTES - 8) / 2));
        let key = SourceKey::new(&*longest).unwrap();
        for derived in [
            key.result_key(),
            key.thumbnail_key(),
            key.preview_key(),
            key.lease_key(),
        ] {
            assert!(derived.len() <= MAX_KEY_BYTES);
        }
        assert!(matches!(
            SourceKey::new(format!("{longest}éé")),
            Err(KeyError::TooLong { .. })
        ));
    }
}
