//! The name of a picture's files.

use sha2::{Digest as _, Sha256};
use sightline_pipeline::SourceKey;

/// The longest name, in bytes. File systems take 255; the ends `.json` and `.part` are added.
const MAX_BYTES: usize = 200;

/// A name for the files of a picture. It names no other folder, and no two pictures share one, even where case is ignored.
///
/// An upload that the API named keeps its name, `<uuid>.<extension>`. Any other name begins with 16 digits of the key's SHA-256;
/// characters that some file systems do not take become `_`.
pub(super) fn file_name(key: &SourceKey) -> String {
    let (prefix, last) = key.as_str().rsplit_once('/').unwrap_or_default();
    let is_made_by_api = prefix.starts_with("uploads/")
        && prefix.matches('/').count() == 1
        && last
            .strip_prefix(&key.image_id().to_string())
            .is_some_and(|end| {
                end.strip_prefix('.').is_some_and(|end| {
                    !end.is_empty() && end.bytes().all(|b| b.is_ascii_lowercase())
                })
            });
    if is_made_by_api {
        return last.to_owned();
    }
    unique_name(key.as_str())
}

/// A name for the file of any object.
pub(super) fn unique_name(key: &str) -> String {
    let (_, last) = key.rsplit_once('/').unwrap_or(("", key));
    let safe: String = last
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') {
                c
            } else {
                '_'
            }
        })
        .collect();
    let mut from = safe.len().saturating_sub(MAX_BYTES);
    while !safe.is_char_boundary(from) {
        from += 1;
    }
    let hash = hex::encode(Sha256::digest(key));
    let (_, safe) = safe.split_at(from);
    let (hash, _) = hash.split_at(16);
    format!("{hash}-{safe}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_safe_and_different() {
        let id = "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11";
        let name = |key: &str| file_name(&SourceKey::new(key).unwrap());
        assert_eq!(name(&format!("uploads/ann/{id}.jpg")), format!("{id}.jpg"));
        let long = "é".repeat(400);
        let keys = [
            format!("uploads/ann/{id}.jpg"),
            format!("inline/ann/{id}.jpg"),
            format!("uploads/ann/x/{id}.jpg"),
            format!("uploads/ann/{id}.JPG"),
            format!("uploads/ann/{id}.jpg."),
            "uploads/ann/..".to_owned(),
            "uploads/ann/../..".to_owned(),
            "uploads/ann/.".to_owned(),
            "uploads/ann/a\\b".to_owned(),
            "uploads/ann/a:b".to_owned(),
            "uploads/ann/a\u{0}b".to_owned(),
            "uploads/ann/CON".to_owned(),
            "uploads/ann/con".to_owned(),
            format!("uploads/ann/{long}"),
        ];
        let names: BTreeSet<String> = keys.iter().map(|key| name(key).to_lowercase()).collect();
        assert_eq!(names.len(), keys.len());
        for name in names {
            assert!(name.len() <= 240, "{name}");
            assert!(
                !name.starts_with('.') && !name.contains(['/', '\\', ':', '\0']),
                "{name}"
            );
        }
    }
}
