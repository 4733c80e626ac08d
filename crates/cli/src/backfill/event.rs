//! S3's event about an object, as S3 would have sent it when the object came.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>

use anyhow::Context as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::Object;

/// What is left as it is in an event's key: S3 encodes as HTML forms do, but keeps the slashes.
const KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/')
    .remove(b' ');

/// The message about an object. It has no sequencer, which only S3 knows: versions are then told apart by their ETags.
///
/// # Errors
/// When the clock cannot be read as a date.
pub(super) fn of(bucket: &str, region: &str, object: &Object) -> anyhow::Result<String> {
    let time = OffsetDateTime::now_utc()
        .format(&Rfc3339)
        .context("the clock is off")?;
    let key = utf8_percent_encode(object.key.as_str(), KEY)
        .to_string()
        .replace(' ', "+");
    Ok(json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": region,
        "eventTime": time,
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "sightline-backfill",
            "bucket": { "name": bucket, "arn": format!("arn:aws:s3:::{bucket}") },
            "object": { "key": key, "size": object.size, "eTag": object.e_tag }
        }
    }]})
    .to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sightline_pipeline::SourceKey;
    use sightline_processor::event::{Event, EventContent};

    #[test]
    fn the_processor_reads_it_as_it_reads_s3s_own() {
        let object = Object {
            key: SourceKey::new("uploads/my cat+1 é.jpg").unwrap(),
            size: 7,
            e_tag: "abc".to_owned(),
        };
        let body = of("pictures", "eu-west-1", &object).unwrap();
        let event =
            json!({ "Records": [{ "messageId": "m", "eventSource": "aws:sqs", "body": body }] });
        let Event::Queue(messages) = Event::read(&event).unwrap() else {
            panic!("a queue's event");
        };
        let EventContent {
            created, errors, ..
        } = &messages[0].content;
        assert_eq!(errors.len(), 0);
        let created = &created[0];
        assert_eq!(
            (created.bucket.as_str(), created.key.as_str()),
            ("pictures", object.key.as_str())
        );
        assert_eq!(
            (created.e_tag.as_deref(), created.size),
            (Some("abc"), Some(7))
        );
    }
}
