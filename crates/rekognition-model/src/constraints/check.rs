//! Holds single members against constraints and words what is broken as AWS does.

use std::fmt::Display;

use super::strings::{S3_BUCKET, S3_NAME, Text, at_least_long, at_most_long};
use super::{MAX_IMAGE_BYTES, Violation};
use crate::{ErrorCode, Image};

/// How many characters of a wrong value are repeated in the message about it.
const MAX_ECHO: usize = 256;

/// Collects violations. A member that is absent breaks nothing but `required`.
#[derive(Default)]
pub(super) struct Check {
    pub(super) found: Vec<Violation>,
}

impl Check {
    /// Notes a broken constraint. `value` comes after the word "Value"; it is empty for what would
    /// be long, bytes and lists, as AWS leaves it out too.
    fn broken(&mut self, value: &str, path: &str, constraint: &str) {
        let space = if value.is_empty() { "" } else { " " };
        self.found.push(Violation {
            code: ErrorCode::Validation,
            path: path.to_owned(),
            text: format!(
                "Value{space}{value} at '{path}' failed to satisfy constraint: {constraint}"
            ),
        });
    }

    fn refused(&mut self, code: ErrorCode, path: &str, text: &str) {
        self.found.push(Violation {
            code,
            path: path.to_owned(),
            text: text.to_owned(),
        });
    }

    pub(super) fn required<T: ?Sized>(&mut self, path: &str, value: Option<&T>) {
        if value.is_none() {
            self.broken("null", path, "Member must not be null");
        }
    }

    pub(super) fn percent(&mut self, path: &str, value: Option<f64>) {
        self.within(path, value, 0, 100);
    }

    /// The comparisons are written so that NaN breaks both.
    pub(super) fn within(&mut self, path: &str, value: Option<f64>, min: u32, max: u32) {
        let Some(value) = value else { return };
        let quoted = format!("'{value:?}'");
        if !matches!(value.partial_cmp(&f64::from(max)), Some(order) if order.is_le()) {
            let constraint = format!("Member must have value less than or equal to {max}");
            self.broken(&quoted, path, &constraint);
        }
        if !matches!(value.partial_cmp(&f64::from(min)), Some(order) if order.is_ge()) {
            let constraint = format!("Member must have value greater than or equal to {min}");
            self.broken(&quoted, path, &constraint);
        }
    }

    pub(super) fn at_most(&mut self, path: &str, value: Option<u32>, max: u32) {
        if let Some(value) = value.filter(|value| *value > max) {
            let constraint = format!("Member must have value less than or equal to {max}");
            self.broken(&format!("'{value}'"), path, &constraint);
        }
    }

    pub(super) fn at_most_entries<T>(&mut self, path: &str, list: Option<&[T]>, max: usize) {
        if list.is_some_and(|list| list.len() > max) {
            self.broken("", path, &at_most_long(max));
        }
    }

    pub(super) fn text(&mut self, path: &str, value: Option<&str>, text: &Text) {
        let Some(value) = value else { return };
        for constraint in text.broken(value) {
            self.broken(&quoted(value), path, &constraint);
        }
    }

    pub(super) fn texts(&mut self, path: &str, list: Option<&[String]>, text: &Text) {
        let list = list.unwrap_or_default();
        if list.iter().any(|entry| !text.broken(entry).is_empty()) {
            let constraint = format!("Member must satisfy constraint: [{}]", text.all());
            self.broken(&quoted(&listed(list)), path, &constraint);
        }
    }

    pub(super) fn known<T: Display + PartialEq>(
        &mut self,
        path: &str,
        list: Option<&[T]>,
        known: &[T],
    ) {
        let list = list.unwrap_or_default();
        if list.iter().any(|entry| !known.contains(entry)) {
            let constraint = format!(
                "Member must satisfy constraint: [Member must satisfy enum value set: {}]",
                listed(known)
            );
            self.broken(&quoted(&listed(list)), path, &constraint);
        }
    }

    /// The picture is required and comes from one place. That an S3 object has both its names is
    /// asked by Rekognition and not by the service model.
    pub(super) fn image(&mut self, image: Option<&Image>) {
        self.required("image", image);
        let Some(image) = image else { return };
        if let Some(bytes) = &image.bytes {
            if bytes.len() > MAX_IMAGE_BYTES {
                self.broken("", "image.bytes", &at_most_long(MAX_IMAGE_BYTES));
            }
            if bytes.is_empty() {
                self.broken("", "image.bytes", &at_least_long(1));
            }
        }
        if let Some(object) = &image.s3_object {
            self.text(
                "image.s3Object.bucket",
                object.bucket.as_deref(),
                &S3_BUCKET,
            );
            self.text("image.s3Object.name", object.name.as_deref(), &S3_NAME);
            self.text(
                "image.s3Object.version",
                object.version.as_deref(),
                &S3_NAME,
            );
            if object.bucket.is_none() || object.name.is_none() {
                self.refused(
                    ErrorCode::InvalidS3Object,
                    "image.s3Object",
                    "Request has invalid S3 object: Bucket and Name are both needed.",
                );
            }
        }
        match (&image.bytes, &image.s3_object) {
            (Some(_), None) | (None, Some(_)) => {}
            (None, None) => self.refused(
                ErrorCode::InvalidParameter,
                "image",
                "Request has invalid parameters: Image needs Bytes or S3Object.",
            ),
            (Some(_), Some(_)) => self.refused(
                ErrorCode::InvalidParameter,
                "image",
                "Request has invalid parameters: Image takes Bytes or S3Object, not both.",
            ),
        }
    }
}

/// A value as it stands in a message: in quotes, and not at any length.
fn quoted(value: &str) -> String {
    match value.char_indices().nth(MAX_ECHO) {
        Some((end, _)) => format!("'{}...'", value.get(..end).unwrap_or_default()),
        None => format!("'{value}'"),
    }
}

fn listed<T: Display>(values: &[T]) -> String {
    let values: Vec<String> = values.iter().map(T::to_string).collect();
    format!("[{}]", values.join(", "))
}
