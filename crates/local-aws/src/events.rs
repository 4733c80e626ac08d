//! S3 event notifications: which changes of the input bucket are queued, and their JSON.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// The account that owns the local buckets. Real accounts have twelve digits too.
pub(crate) const ACCOUNT: &str = "000000000000";

/// The name of the notification configuration.
const CONFIGURATION_ID: &str = "sightline-uploads";

/// Milliseconds, as S3 writes them.
const EVENT_TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// The id of versions that are stored without versioning. Events do not name it.
pub(crate) const NULL_VERSION: &str = "null";

/// The characters that are not encoded in an event's key: S3 encodes as HTML forms do, but keeps slashes.
const KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/')
    .remove(b' ');

/// A kind of change that causes an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    /// `s3:ObjectCreated:*`: put, copied, or completed from parts.
    ObjectCreated,
    /// `s3:ObjectRemoved:*`: deleted.
    ObjectRemoved,
}

/// A change to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Put,
    Copy,
    CompleteMultipartUpload,
    /// Deleted for good.
    Delete,
    /// Hidden by a delete marker, in a bucket with versioning.
    DeleteMarker,
}

impl Change {
    fn event_type(self) -> EventType {
        match self {
            Self::Put | Self::Copy | Self::CompleteMultipartUpload => EventType::ObjectCreated,
            Self::Delete | Self::DeleteMarker => EventType::ObjectRemoved,
        }
    }

    fn event_name(self) -> &'static str {
        match self {
            Self::Put => "ObjectCreated:Put",
            Self::Copy => "ObjectCreated:Copy",
            Self::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            Self::Delete => "ObjectRemoved:Delete",
            Self::DeleteMarker => "ObjectRemoved:DeleteMarkerCreated",
        }
    }
}

/// The request that caused a change.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub(crate) request_id: String,
    pub(crate) host_id: String,
    pub(crate) access_key_id: String,
    pub(crate) source_ip: String,
}

/// The object that changed.
#[derive(Debug)]
pub(crate) struct ChangedObject<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    /// Size in bytes and ETag. `None` if the object was deleted.
    pub(crate) content: Option<(u64, &'a str)>,
    /// The version id, if the bucket ever had versioning.
    pub(crate) version: Option<&'a str>,
    pub(crate) sequencer: u64,
}

/// The input bucket's notification configuration.
#[derive(Debug, Clone)]
pub(crate) struct Notifications {
    pub(crate) region: String,
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    pub(crate) events: Vec<EventType>,
}

impl Notifications {
    /// The message for a change, or `None` if the configuration does not cover it.
    pub(crate) fn message(
        &self,
        change: Change,
        object: &ChangedObject<'_>,
        cause: &Cause,
        at: OffsetDateTime,
    ) -> Result<Option<String>, serde_json::Error> {
        let configured = object.bucket == self.bucket
            && object.key.starts_with(&self.prefix)
            && self.events.contains(&change.event_type());
        if !configured {
            return Ok(None);
        }
        serde_json::to_string(&Event {
            records: [Record {
                event_version: "2.1",
                event_source: "aws:s3",
                aws_region: &self.region,
                event_time: at.format(EVENT_TIME).unwrap_or_default(),
                event_name: change.event_name(),
                user_identity: Identity {
                    principal_id: format!("AWS:{}", cause.access_key_id),
                },
                request_parameters: RequestParameters {
                    source_ip_address: &cause.source_ip,
                },
                response_elements: ResponseElements {
                    request_id: &cause.request_id,
                    host_id: &cause.host_id,
                },
                s3: Entity {
                    s3_schema_version: "1.0",
                    configuration_id: CONFIGURATION_ID,
                    bucket: Bucket {
                        name: object.bucket,
                        owner_identity: Identity {
                            principal_id: ACCOUNT.to_owned(),
                        },
                        arn: format!("arn:aws:s3:::{}", object.bucket),
                    },
                    object: Object {
                        key: encode_key(object.key),
                        size: object.content.map(|(size, _)| size),
                        e_tag: object.content.map(|(_, e_tag)| e_tag),
                        version_id: object.version.filter(|version| *version != NULL_VERSION),
                        sequencer: format!("{:018X}", object.sequencer),
                    },
                },
            }],
        })
        .map(Some)
    }
}

/// The key as it appears in an event: `red flower+1.jpg` becomes `red+flower%2B1.jpg`.
fn encode_key(key: &str) -> String {
    utf8_percent_encode(key, KEY).to_string().replace(' ', "+")
}

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "Records")]
    records: [Record<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    event_version: &'a str,
    event_source: &'a str,
    aws_region: &'a str,
    event_time: String,
    event_name: &'a str,
    user_identity: Identity,
    request_parameters: RequestParameters<'a>,
    response_elements: ResponseElements<'a>,
    s3: Entity<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    principal_id: String,
}

#[derive(Serialize)]
struct RequestParameters<'a> {
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: &'a str,
}

#[derive(Serialize)]
struct ResponseElements<'a> {
    #[serde(rename = "x-amz-request-id")]
    request_id: &'a str,
    #[serde(rename = "x-amz-id-2")]
    host_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entity<'a> {
    s3_schema_version: &'a str,
    configuration_id: &'a str,
    bucket: Bucket<'a>,
    object: Object<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bucket<'a> {
    name: &'a str,
    owner_identity: Identity,
    arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e_tag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<&'a str>,
    sequencer: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn notifications() -> Notifications {
        Notifications {
            region: "eu-central-1".to_owned(),
            bucket: "pictures-in".to_owned(),
            prefix: "uploads/".to_owned(),
            events: vec![EventType::ObjectCreated, EventType::ObjectRemoved],
        }
    }

    fn message(
        change: Change,
        key: &str,
        content: Option<(u64, &str)>,
        version: Option<&str>,
    ) -> Option<String> {
        let cause = Cause {
            request_id: "C3D13FE58DE4C810".to_owned(),
            host_id: "QzNEMTNGRTU4REU0QzgxMA==".to_owned(),
            access_key_id: "local".to_owned(),
            source_ip: "127.0.0.1".to_owned(),
        };
        let object = ChangedObject {
            bucket: "pictures-in",
            key,
            content,
            version,
            sequencer: 0x0006_4F1D_2C3B_4A59,
        };
        notifications()
            .message(
                change,
                &object,
                &cause,
                datetime!(2026-01-02 03:04:05.678901 UTC),
            )
            .unwrap()
    }

    /// `UPDATE_GOLDEN=1` rewrites the files.
    fn assert_golden(name: &str, body: &str) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(name);
        let value: serde_json::Value = serde_json::from_str(body).unwrap();
        let text = format!("{}\n", serde_json::to_string_pretty(&value).unwrap());
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{name}");
    }

    #[test]
    fn events_have_the_same_shape_as_on_s3() {
        let key = "uploads/my cat+1.jpg";
        let content = Some((1024, "d41d8cd98f00b204e9800998ecf8427e"));
        assert_golden(
            "event-put.json",
            &message(Change::Put, key, content, None).unwrap(),
        );
        assert_golden(
            "event-delete.json",
            &message(Change::Delete, key, None, None).unwrap(),
        );
    }

    #[test]
    fn events_of_a_bucket_with_versioning_name_the_version() {
        let version = Some("3sL4kqtJlcpXroDTDmJ");
        let named = |change, content, version| {
            let body = message(change, "uploads/a", content, version).unwrap();
            let event: serde_json::Value = serde_json::from_str(&body).unwrap();
            (
                event["Records"][0]["eventName"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
                event["Records"][0]["s3"]["object"]["versionId"]
                    .as_str()
                    .map(str::to_owned),
            )
        };
        let id = || version.map(str::to_owned);
        assert_eq!(
            named(Change::Put, Some((1, "e")), version),
            ("ObjectCreated:Put".to_owned(), id())
        );
        assert_eq!(
            named(Change::DeleteMarker, None, version),
            ("ObjectRemoved:DeleteMarkerCreated".to_owned(), id())
        );
        assert_eq!(
            named(Change::Delete, None, version),
            ("ObjectRemoved:Delete".to_owned(), id())
        );
        let without = named(Change::Put, Some((1, "e")), Some(NULL_VERSION));
        assert_eq!(without, ("ObjectCreated:Put".to_owned(), None));
    }

    #[test]
    fn only_the_configured_bucket_prefix_and_events_are_reported() {
        assert_eq!(
            message(Change::Put, "results/a.json", Some((1, "e")), None),
            None
        );
        assert_eq!(message(Change::Put, "uploads", Some((1, "e")), None), None);
        let quiet = Notifications {
            events: vec![EventType::ObjectCreated],
            ..notifications()
        };
        let object = ChangedObject {
            bucket: "pictures-in",
            key: "uploads/a",
            content: None,
            version: None,
            sequencer: 1,
        };
        let cause = Cause {
            request_id: String::new(),
            host_id: String::new(),
            access_key_id: String::new(),
            source_ip: String::new(),
        };
        let at = datetime!(2026-01-02 03:04:05 UTC);
        assert_eq!(
            quiet.message(Change::Delete, &object, &cause, at).unwrap(),
            None
        );
        assert!(
            quiet
                .message(Change::Copy, &object, &cause, at)
                .unwrap()
                .is_some()
        );
    }

    #[test]
    fn keys_are_form_encoded_except_for_slashes() {
        for (key, encoded) in [
            ("uploads/red flower.jpg", "uploads/red+flower.jpg"),
            ("uploads/1+1=2%.png", "uploads/1%2B1%3D2%25.png"),
            ("uploads/../a//b", "uploads/../a//b"),
            ("uploads/Grüße*_-.jpg", "uploads/Gr%C3%BC%C3%9Fe*_-.jpg"),
            ("uploads/\u{1}\n", "uploads/%01%0A"),
        ] {
            assert_eq!(encode_key(key), encoded);
        }
    }
}
