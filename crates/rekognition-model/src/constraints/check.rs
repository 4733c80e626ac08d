//! Checks single members against constraints, with AWS's messages.

use std::fmt::Display;

use super::strings::{S3_BUCKET, S3_NAME, Text, at_least_long, at_most_long};
use super::violation::Violation;
use crate::error::ErrorCode;
use crate::image::Image;

/// The most bytes that [`Image::bytes`] may have, decoded: 5 MiB.
pub const MAX_IMAGE_BYTES: usize = 5_242_880;

/// The most characters of an invalid value that a message repeats.
const MAX_ECHO: usize = 256;

/// Collects violations. An absent member violates only `required`.
#[derive(Default)]
pub(super) struct Check {
    pub(super) found: Vec<Violation>,
}

impl Check {
    /// Adds a violated constraint. `value` follows the word "Value". Like AWS, it is empty for bytes and the length of lists.
    fn violated(&mut self, value: &str, path: &str, constraint: &str) {
        let space = if value.is_empty() { "" } else { " " };
        self.found.push(Violation {
            code: ErrorCode::Validation,
            path: path.to_owned(),
            text: format!(
                "Value{space}{value} at '{path}' failed to satisfy constraint: {constraint}"
            ),
        });
    }

    /// Adds a violation that Rekognition itself would report.
    fn rejected(&mut self, code: ErrorCode, path: &str, text: &str) {
        self.found.push(Violation {
            code,
            path: path.to_owned(),
            text: text.to_owned(),
        });
    }

    pub(super) fn required<T: ?Sized>(&mut self, path: &str, value: Option<&T>) {
        if value.is_none() {
            self.violated("null", path, "Member must not be null");
        }
    }

    pub(super) fn percent(&mut self, path: &str, value: Option<f64>) {
        self.within(path, value, 0, 100);
    }

    /// NaN violates both bounds.
    pub(super) fn within(&mut self, path: &str, value: Option<f64>, min: u32, max: u32) {
        let Some(value) = value else { return };
        let quoted = format!("'{value:?}'");
        if !matches!(value.partial_cmp(&f64::from(max)), Some(order) if order.is_le()) {
            let constraint = format!("Member must have value less than or equal to {max}");
            self.violated(&quoted, path, &constraint);
        }
        if !matches!(value.partial_cmp(&f64::from(min)), Some(order) if order.is_ge()) {
            let constraint = format!("Member must have value greater than or equal to {min}");
            self.violated(&quoted, path, &constraint);
        }
    }

    pub(super) fn at_most(&mut self, path: &str, value: Option<u32>, max: u32) {
        if let Some(value) = value.filter(|value| *value > max) {
            let constraint = format!("Member must have value less than or equal to {max}");
            self.violated(&format!("'{value}'"), path, &constraint);
        }
    }

    pub(super) fn at_most_entries<T>(&mut self, path: &str, list: Option<&[T]>, max: usize) {
        if list.is_some_and(|list| list.len() > max) {
            self.violated("", path, &at_most_long(max));
        }
    }

    pub(super) fn text(&mut self, path: &str, value: Option<&str>, text: &Text) {
        let Some(value) = value else { return };
        for constraint in text.violated(value) {
            self.violated(&quoted(value), path, &constraint);
        }
    }

    pub(super) fn texts(&mut self, path: &str, list: Option<&[String]>, text: &Text) {
        let list = list.unwrap_or_default();
        if list.iter().any(|entry| !text.violated(entry).is_empty()) {
            let constraint = format!("Member must satisfy constraint: [{}]", text.all());
            self.violated(&quoted(&listed(list)), path, &constraint);
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
            self.violated(&quoted(&listed(list)), path, &constraint);
        }
    }

    /// The image is required, with either bytes or an S3 object. Rekognition itself, not the service model, requires both names of an
    /// S3 object.
    pub(super) fn image(&mut self, image: Option<&Image>) {
        self.required("image", image);
        let Some(image) = image else { return };
        if let Some(bytes) = &image.bytes {
            if bytes.len() > MAX_IMAGE_BYTES {
                self.violated("", "image.bytes", &at_most_long(MAX_IMAGE_BYTES));
            }
            if bytes.is_empty() {
                self.violated("", "image.bytes", &at_least_long(1));
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
                self.rejected(
                    ErrorCode::InvalidS3Object,
                    "image.s3Object",
                    "Request has invalid S3 object: Bucket and Name are both needed.",
                );
            }
        }
        match (&image.bytes, &image.s3_object) {
            (Some(_), None) | (None, Some(_)) => {}
            (None, None) => self.rejected(
                ErrorCode::InvalidParameter,
                "image",
                "Request has invalid parameters: Image needs Bytes or S3Object.",
            ),
            (Some(_), Some(_)) => self.rejected(
                ErrorCode::InvalidParameter,
                "image",
                "Request has invalid parameters: Image takes Bytes or S3Object, not both.",
            ),
        }
    }
}

/// A value in quotes, truncated if it is long.
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
