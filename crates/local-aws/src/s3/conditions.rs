//! Conditional requests, for reading (RFC 9110, section 13) and for writing.

use super::{
    convert::{condition_etag, etag},
    errors::last_modified_header,
};
use crate::store::{Object, WriteCondition};
use http::{HeaderMap, header};
use s3s::{
    S3Error, S3ErrorCode, S3Result,
    dto::{ETagCondition, Timestamp},
    s3_error,
};
use time::OffsetDateTime;

/// The conditions of a read.
#[derive(Debug, Default)]
pub(super) struct ReadConditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

/// How a condition fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    Precondition,
    NotModified,
}

impl ReadConditions {
    /// Checks a GET or HEAD of the object. Returns 412, or 304 with the object's ETag and date.
    pub(super) fn check(self, object: &Object) -> S3Result<()> {
        match self.failure(&object.etag, object.last_modified) {
            None => Ok(()),
            Some(Failure::Precondition) => Err(precondition_failed()),
            Some(Failure::NotModified) => Err(not_modified(object)),
        }
    }

    /// Checks a copy of the object, which has no 304.
    pub(super) fn check_copy(self, object: &Object) -> S3Result<()> {
        match self.failure(&object.etag, object.last_modified) {
            None => Ok(()),
            Some(_) => Err(precondition_failed()),
        }
    }

    fn failure(self, etag: &str, last_modified: OffsetDateTime) -> Option<Failure> {
        // The headers have whole seconds.
        let modified = last_modified.unix_timestamp();
        let seconds = |time: &Timestamp| OffsetDateTime::from(time.clone()).unix_timestamp();
        let names =
            |condition: &ETagCondition| condition_etag(condition).is_none_or(|named| named == etag);
        match (self.if_match, self.if_unmodified_since) {
            (Some(condition), _) if !names(&condition) => return Some(Failure::Precondition),
            (None, Some(time)) if modified > seconds(&time) => return Some(Failure::Precondition),
            _ => {}
        }
        match (self.if_none_match, self.if_modified_since) {
            (Some(condition), _) if names(&condition) => Some(Failure::NotModified),
            (None, Some(time)) if modified <= seconds(&time) => Some(Failure::NotModified),
            _ => None,
        }
    }
}

/// The condition of a write.
pub(super) fn write_condition(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
) -> S3Result<WriteCondition> {
    match (if_match, if_none_match) {
        (None, None) => Ok(WriteCondition::Always),
        (None, Some(condition)) if condition.is_any() => Ok(WriteCondition::Absent),
        (Some(condition), None) => Ok(match condition_etag(&condition) {
            None => WriteCondition::Present,
            Some(etag) => WriteCondition::Matches(etag.to_owned()),
        }),
        (_, Some(_)) => Err(s3_error!(
            NotImplemented,
            "A write accepts either If-None-Match: * or If-Match with one ETag."
        )),
    }
}

fn precondition_failed() -> S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold"
    )
}

fn not_modified(object: &Object) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    let mut headers = HeaderMap::new();
    if let Ok(value) = etag(&object.etag).to_http_header() {
        headers.insert(header::ETAG, value);
    }
    headers.extend(last_modified_header(object.last_modified));
    error.set_headers(headers);
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::convert::timestamp;
    use time::macros::datetime;

    const MODIFIED: OffsetDateTime = datetime!(2026-01-02 03:04:05.5 UTC);

    fn tag(text: &str) -> Option<ETagCondition> {
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    fn at(second: u8) -> Option<Timestamp> {
        (second > 0).then(|| {
            timestamp(
                MODIFIED
                    .replace_nanosecond(0)
                    .unwrap()
                    .replace_second(second)
                    .unwrap(),
            )
        })
    }

    #[test]
    fn read_conditions_have_precedence() {
        let (fail, same) = (Some(Failure::Precondition), Some(Failure::NotModified));
        for (if_match, if_none_match, modified_since, unmodified_since, expected) in [
            ("", "", 0, 0, None),
            ("\"a\"", "", 0, 0, None),
            ("*", "", 0, 0, None),
            ("\"b\"", "", 0, 0, fail),
            ("", "\"a\"", 0, 0, same),
            ("", "W/\"a\"", 0, 0, same),
            ("", "*", 0, 0, same),
            ("", "\"b\"", 0, 0, None),
            ("", "", 5, 0, same),
            ("", "", 4, 0, None),
            ("", "", 0, 5, None),
            ("", "", 0, 4, fail),
            // An ETag takes precedence over a date.
            ("\"a\"", "", 0, 4, None),
            ("", "\"b\"", 5, 0, None),
            ("\"b\"", "\"a\"", 0, 0, fail),
        ] {
            let conditions = ReadConditions {
                if_match: tag(if_match),
                if_none_match: tag(if_none_match),
                if_modified_since: at(modified_since),
                if_unmodified_since: at(unmodified_since),
            };
            let text = format!("{conditions:?}");
            assert_eq!(conditions.failure("a", MODIFIED), expected, "{text}");
        }
    }

    #[test]
    fn write_conditions() {
        assert_eq!(write_condition(None, None).unwrap(), WriteCondition::Always);
        assert_eq!(
            write_condition(None, tag("*")).unwrap(),
            WriteCondition::Absent
        );
        assert_eq!(
            write_condition(tag("\"a\""), None).unwrap(),
            WriteCondition::Matches("a".to_owned())
        );
        assert_eq!(
            write_condition(tag("*"), None).unwrap(),
            WriteCondition::Present
        );
        assert!(write_condition(None, tag("\"a\"")).is_err());
        assert!(write_condition(tag("\"a\""), tag("*")).is_err());
    }
}
