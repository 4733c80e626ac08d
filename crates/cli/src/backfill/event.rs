//! The event that S3 sends when an object is created.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>

use anyhow::Context as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::bucket::ListedPicture;

/// The characters to encode in the key of an event: those of HTML forms, but not the slash. Spaces become `+` afterwards.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/')
    .remove(b' ');

/// The event for this picture. It has no sequencer, which only S3 knows, so versions differ by their ETags.
///
/// # Errors
/// When the current time is no valid date.
pub(super) fn object_created(
    bucket: &str,
    region: &str,
    picture: &ListedPicture,
) -> anyhow::Result<String> {
    let time = OffsetDateTime::now_utc()
        .format(&Rfc3339)
        .context("the current time is no valid date; set the clock")?;
    let key = utf8_percent_encode(picture.key.as_str(), ENCODED)
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
            "object": { "key": key, "size": picture.size, "eTag": picture.e_tag }
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
    fn the_processor_can_read_the_event() {
        let picture = ListedPicture {
            key: SourceKey::new("uploads/my cat+1 é.jpg").unwrap(),
            size: 7,
            e_tag: "abc".to_owned(),
        };
        let body = object_created("pictures", "eu-west-1", &picture).unwrap();
        let event =
            json!({ "Records": [{ "messageId": "m", "eventSource": "aws:sqs", "body": body }] });
        let Event::Queue(messages) = Event::read(&event).unwrap() else {
            panic!("not an event of a queue");
        };
        let EventContent {
            created, errors, ..
        } = &messages[0].content;
        assert_eq!(errors.len(), 0);
        let created = &created[0];
        assert_eq!(
            (created.bucket.as_str(), created.key.as_str()),
            ("pictures", picture.key.as_str())
        );
        assert_eq!(
            (created.e_tag.as_deref(), created.size),
            (Some("abc"), Some(7))
        );
    }
}
