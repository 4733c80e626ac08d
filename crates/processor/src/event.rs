//! Reads S3's events.
//!
//! They arrive in four ways: from S3 directly, through SQS (several records in one message), through
//! EventBridge (to the function or to the queue), and through SNS. Events are read member by member
//! and not into the types of `aws_lambda_events`, because those reject a whole batch for one member
//! that is not needed here.
//!
//! Sources: Amazon S3 User Guide, "Event message structure" and "Using EventBridge"; AWS Lambda
//! Developer Guide, "Using Lambda with Amazon SQS".

use percent_encoding::percent_decode_str;
use serde_json::Value;
use sightline_pipeline::{json::kind, keys::MAX_KEY_BYTES};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The event of one invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Messages of a queue. Each succeeds or fails by itself.
    Queue(Vec<Message>),
    /// An event without a queue. It succeeds or fails as a whole.
    Direct(EventContent),
}

/// A message of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The id for reporting its failure.
    pub id: String,
    /// How it was received; `None` if the event does not say so.
    pub delivery: Option<Delivery>,
    /// The content.
    pub content: EventContent,
}

/// One receive of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The queue's ARN.
    pub queue_arn: String,
    /// Identifies this receive.
    pub receipt: String,
    /// How often the message was received, including this time.
    pub receives: u32,
}

/// The content of one message or direct event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventContent {
    /// Objects that were created, in the event's order.
    pub created: Vec<ObjectCreated>,
    /// Objects that a lifecycle rule deleted.
    pub expired: Vec<ObjectExpired>,
    /// Descriptions of records that need no processing.
    pub ignored: Vec<String>,
    /// Errors of records that cannot be read.
    pub errors: Vec<EventError>,
}

/// A created object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectCreated {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// ETag without quotes.
    pub e_tag: Option<String>,
    /// The version, if the bucket has versioning.
    pub version_id: Option<String>,
    /// S3's sequencer, which orders the events of one key.
    pub sequencer: Option<String>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// When it was created.
    pub time: Option<OffsetDateTime>,
}

/// An object that a lifecycle rule deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectExpired {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// When it was deleted.
    pub time: Option<OffsetDateTime>,
}

/// Why an event, or a part of it, cannot be read. A retry cannot help, so the message ends in the
/// dead-letter queue, where a person finds it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not a JSON object.
    #[error("the event is {0}, not an object; send an S3, SQS, SNS or EventBridge event")]
    NotAnObject(&'static str),
    /// None of the known shapes.
    #[error(
        "the event has neither Records nor detail and is not an s3:TestEvent; send an S3, SQS, SNS or EventBridge event"
    )]
    UnknownShape,
    /// `Records` is not a list.
    #[error("Records is {0}, not a list")]
    RecordsNotAList(&'static str),
    /// Records of another service.
    #[error("records of {0:?} contain no S3 events; send records of aws:s3, aws:sqs or aws:sns")]
    UnknownSource(String),
    /// Messages of a queue among other records.
    #[error("record {0} is not an SQS message although others are")]
    MixedSources(usize),
    /// A member is missing.
    #[error("{0} is missing")]
    MissingMember(&'static str),
    /// A member has another type.
    #[error("{member} is {found}, not {expected}")]
    WrongType {
        /// The member, as a JSON pointer.
        member: &'static str,
        /// The type found.
        found: &'static str,
        /// The type expected.
        expected: &'static str,
    },
    /// The body of a message is not JSON.
    #[error("the body is not JSON: {0}")]
    BodyNotJson(String),
    /// An event that is nested too deeply.
    #[error("the body contains an event that is nested more deeply than any service nests it")]
    WrappedTooDeep,
    /// An unknown major version of S3's events.
    #[error("the event's version is {0:?}; only versions 2.x are supported")]
    UnknownVersion(String),
    /// The key is not form-urlencoded.
    #[error("the key {0:?} is not form-urlencoded UTF-8, as S3 encodes keys in events")]
    KeyEncoding(String),
    /// An empty key.
    #[error("the key is empty")]
    EmptyKey,
    /// A key longer than S3 allows.
    #[error("the key is {0} bytes long; S3 keys have at most {MAX_KEY_BYTES}")]
    KeyTooLong(usize),
    /// An empty bucket name.
    #[error("the bucket's name is empty")]
    EmptyBucket,
}

impl EventError {
    /// A stable name for logs and tests.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotAnObject(_) => "NotAnObject",
            Self::UnknownShape => "UnknownShape",
            Self::RecordsNotAList(_) => "RecordsNotAList",
            Self::UnknownSource(_) => "UnknownSource",
            Self::MixedSources(_) => "MixedSources",
            Self::MissingMember(_) => "MissingMember",
            Self::WrongType { .. } => "WrongType",
            Self::BodyNotJson(_) => "BodyNotJson",
            Self::WrappedTooDeep => "WrappedTooDeep",
            Self::UnknownVersion(_) => "UnknownVersion",
            Self::KeyEncoding(_) => "KeyEncoding",
            Self::EmptyKey => "EmptyKey",
            Self::KeyTooLong(_) => "KeyTooLong",
            Self::EmptyBucket => "EmptyBucket",
        }
    }
}

impl Event {
    /// Reads an event.
    ///
    /// # Errors
    /// [`EventError`] if the event cannot be divided into messages. An error inside one message or record is part of
    /// its [`EventContent`] and affects no other.
    pub fn read(event: &Value) -> Result<Self, EventError> {
        if !event.is_object() {
            return Err(EventError::NotAnObject(kind(event)));
        }
        let records = match event.get("Records") {
            Some(Value::Array(records)) => records.as_slice(),
            Some(other) => return Err(EventError::RecordsNotAList(kind(other))),
            None => &[],
        };
        let is_message =
            |record: &Value| record.get("messageId").is_some() || source(record) == Some("aws:sqs");
        if !records.iter().any(is_message) {
            return Ok(Self::Direct(EventContent::of(event, Depth::Event)));
        }
        records
            .iter()
            .enumerate()
            .map(|(at, record)| {
                if is_message(record) {
                    Message::read(record)
                } else {
                    Err(EventError::MixedSources(at))
                }
            })
            .collect::<Result<_, _>>()
            .map(Self::Queue)
    }
}

impl Message {
    fn read(record: &Value) -> Result<Self, EventError> {
        let id = text(record, "/messageId")?.to_owned();
        let content = text(record, "/body").map_or_else(EventContent::failed, |body| {
            EventContent::of_body(body, Depth::Message)
        });
        Ok(Self {
            id,
            delivery: Delivery::read(record),
            content,
        })
    }
}

impl Delivery {
    /// Reads a record (AWS Lambda Developer Guide, "Example Amazon SQS message event").
    fn read(record: &Value) -> Option<Self> {
        let member = |pointer| text(record, pointer).ok().filter(|text| !text.is_empty());
        Some(Self {
            queue_arn: member("/eventSourceARN")?.to_owned(),
            receipt: member("/receiptHandle")?.to_owned(),
            receives: member("/attributes/ApproximateReceiveCount")?
                .parse()
                .ok()?,
        })
    }
}

/// How deeply an event is nested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Not nested.
    Event,
    /// In a message of a queue.
    Message,
    /// In a notification of a topic, which may itself be in a message.
    Notification,
}

impl EventContent {
    fn failed(error: EventError) -> Self {
        Self {
            errors: vec![error],
            ..Self::default()
        }
    }

    fn of_body(body: &str, depth: Depth) -> Self {
        match serde_json::from_str::<Value>(body) {
            Ok(event) => Self::of(&event, depth),
            Err(error) => Self::failed(EventError::BodyNotJson(error.to_string())),
        }
    }

    fn of(event: &Value, depth: Depth) -> Self {
        if !event.is_object() {
            return Self::failed(EventError::NotAnObject(kind(event)));
        }
        if event.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
            // S3 sends this when a notification is configured.
            return Self {
                ignored: vec!["S3's test event".to_owned()],
                ..Self::default()
            };
        }
        if event.get("detail").is_some() {
            return event_bridge(event).into();
        }
        // SNS to SQS without raw message delivery.
        if event.get("Type").and_then(Value::as_str) == Some("Notification") {
            return Self::of_notification(event, "/Message", depth);
        }
        match event.get("Records") {
            Some(Value::Array(records)) => {
                let mut all = Self::default();
                for record in records {
                    all.add(Self::of_record(record, depth));
                }
                all
            }
            Some(other) => Self::failed(EventError::RecordsNotAList(kind(other))),
            None => Self::failed(EventError::UnknownShape),
        }
    }

    fn of_record(record: &Value, depth: Depth) -> Self {
        match source(record) {
            Some("aws:sns") => Self::of_notification(record, "/Sns/Message", depth),
            Some("aws:sqs") => Self::failed(EventError::WrappedTooDeep),
            Some(other) if other != "aws:s3" => {
                Self::failed(EventError::UnknownSource(other.to_owned()))
            }
            // Some senders omit the source.
            _ => s3_record(record).into(),
        }
    }

    fn of_notification(event: &Value, member: &'static str, depth: Depth) -> Self {
        if depth == Depth::Notification {
            return Self::failed(EventError::WrappedTooDeep);
        }
        text(event, member).map_or_else(Self::failed, |message| {
            Self::of_body(message, Depth::Notification)
        })
    }

    fn add(&mut self, other: Self) {
        self.created.extend(other.created);
        self.expired.extend(other.expired);
        self.ignored.extend(other.ignored);
        self.errors.extend(other.errors);
    }
}

/// The content of one record: an object, or a description if it needs no processing.
type Record = Result<Content, EventError>;

enum Content {
    Created(ObjectCreated),
    Expired(ObjectExpired),
    Ignored(String),
}

impl From<Record> for EventContent {
    fn from(record: Record) -> Self {
        let mut content = Self::default();
        match record {
            Ok(Content::Created(created)) => content.created.push(created),
            Ok(Content::Expired(expired)) => content.expired.push(expired),
            Ok(Content::Ignored(ignored)) => content.ignored.push(ignored),
            Err(error) => content.errors.push(error),
        }
        content
    }
}

/// A record of S3's own event. Its key is form-urlencoded.
fn s3_record(record: &Value) -> Record {
    if let Some(version) = optional_text(record, "/eventVersion")?
        && version.split('.').next() != Some("2")
    {
        return Err(EventError::UnknownVersion(version.to_owned()));
    }
    let name = text(record, "/eventName")?;
    let name = name.strip_prefix("s3:").unwrap_or(name);
    // In a bucket with versions, a lifecycle rule creates a delete marker.
    if name.starts_with("LifecycleExpiration:") {
        return Ok(Content::Expired(ObjectExpired {
            bucket: text(record, "/s3/bucket/name")?.to_owned(),
            key: decoded_key(text(record, "/s3/object/key")?)?,
            time: optional_text(record, "/eventTime")?.and_then(parsed),
        }));
    }
    if !name.starts_with("ObjectCreated:") {
        return Ok(Content::Ignored(format!("the event {name}")));
    }
    created(
        text(record, "/s3/bucket/name")?,
        decoded_key(text(record, "/s3/object/key")?)?,
        optional_text(record, "/s3/object/eTag")?,
        optional_text(record, "/s3/object/versionId")?,
        optional_text(record, "/s3/object/sequencer")?,
        optional_size(record, "/s3/object/size")?,
        optional_text(record, "/eventTime")?,
    )
}

/// An event of EventBridge. Its key is not encoded.
fn event_bridge(event: &Value) -> Record {
    if let Some(source) = optional_text(event, "/source")?
        && source != "aws.s3"
    {
        return Err(EventError::UnknownSource(source.to_owned()));
    }
    let kind = text(event, "/detail-type")?;
    if kind == "Object Deleted"
        && optional_text(event, "/detail/reason")? == Some("Lifecycle Expiration")
    {
        return Ok(Content::Expired(ObjectExpired {
            bucket: text(event, "/detail/bucket/name")?.to_owned(),
            key: text(event, "/detail/object/key")?.to_owned(),
            time: optional_text(event, "/time")?.and_then(parsed),
        }));
    }
    if kind != "Object Created" {
        return Ok(Content::Ignored(format!("the event {kind:?}")));
    }
    created(
        text(event, "/detail/bucket/name")?,
        text(event, "/detail/object/key")?.to_owned(),
        optional_text(event, "/detail/object/etag")?,
        optional_text(event, "/detail/object/version-id")?,
        optional_text(event, "/detail/object/sequencer")?,
        optional_size(event, "/detail/object/size")?,
        optional_text(event, "/time")?,
    )
}

fn created(
    bucket: &str,
    key: String,
    e_tag: Option<&str>,
    version_id: Option<&str>,
    sequencer: Option<&str>,
    size: Option<u64>,
    time: Option<&str>,
) -> Record {
    if bucket.is_empty() {
        return Err(EventError::EmptyBucket);
    }
    if key.is_empty() {
        return Err(EventError::EmptyKey);
    }
    if key.len() > MAX_KEY_BYTES {
        return Err(EventError::KeyTooLong(key.len()));
    }
    let owned = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(Content::Created(ObjectCreated {
        bucket: bucket.to_owned(),
        key,
        e_tag: owned(e_tag.map(|e_tag| e_tag.trim_matches('"'))),
        // The only version in a bucket without versioning.
        version_id: owned(version_id).filter(|id| id != "null"),
        sequencer: owned(sequencer),
        size,
        // Used for timings only, so a malformed time is ignored.
        time: time.and_then(parsed),
    }))
}

fn parsed(time: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(time, &Rfc3339).ok()
}

/// Decodes a key once: `+` is a space, `%XX` a byte. S3 does not encode `/`, but other senders write `%2F`.
fn decoded_key(encoded: &str) -> Result<String, EventError> {
    let error = || EventError::KeyEncoding(encoded.to_owned());
    let well_formed = encoded.split('%').skip(1).all(|rest| {
        rest.as_bytes()
            .first_chunk::<2>()
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if !well_formed {
        return Err(error());
    }
    percent_decode_str(&encoded.replace('+', " "))
        .decode_utf8()
        .map(|key| key.into_owned())
        .map_err(|_| error())
}

fn source(record: &Value) -> Option<&str> {
    // SNS capitalizes the name.
    record
        .get("eventSource")
        .or_else(|| record.get("EventSource"))
        .and_then(Value::as_str)
}

fn text<'a>(event: &'a Value, member: &'static str) -> Result<&'a str, EventError> {
    optional_text(event, member)?.ok_or(EventError::MissingMember(member))
}

fn optional_text<'a>(
    event: &'a Value,
    member: &'static str,
) -> Result<Option<&'a str>, EventError> {
    match event.pointer(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(EventError::WrongType {
            member,
            found: kind(other),
            expected: "a string",
        }),
    }
}

fn optional_size(event: &Value, member: &'static str) -> Result<Option<u64>, EventError> {
    match event.pointer(member) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or(EventError::WrongType {
            member,
            found: kind(value),
            expected: "a number of bytes",
        }),
    }
}
