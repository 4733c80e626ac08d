//! Pictures, events and processors for tests.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder};
use serde_json::{Value, json};
use sightline_pipeline::{
    config::ProcessorConfig,
    object_store::{ObjectInfo, ObjectStore},
    service_error::{Fate, ServiceError},
    testing::{CannedRecogniser, MemoryStore, slow_down},
};
use time::{OffsetDateTime, macros::datetime};

use crate::{HandlerError, Invocation, Options, Processor, source::MAX_HELD_BYTES};

pub(super) const IN: &str = "in-put";
pub(super) const OUT: &str = "out-put";

/// A source key with characters that events encode.
pub(super) const KEY: &str = "uploads/my cat+1.jpg";

/// The lease object of [`KEY`].
pub(super) const LEASE: &str = "claims/uploads/my cat+1.jpg";

/// The keys in the output bucket once the image under [`KEY`] has a result.
pub(super) const RESULTS: [&str; 3] = [PREVIEW, RESULT, THUMBNAIL];

/// The parts of [`RESULTS`].
pub(super) const PREVIEW: &str = "previews/uploads/my cat+1.jpg.jpg";
pub(super) const RESULT: &str = "results/uploads/my cat+1.jpg.json";
pub(super) const THUMBNAIL: &str = "thumbnails/uploads/my cat+1.jpg.jpg";

/// A clock that tests move forward.
#[derive(Debug, Clone, Default)]
pub(super) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(super) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        datetime!(2026-03-01 20:00 UTC) + time::Duration::seconds(self.0.load(Ordering::SeqCst))
    }
}

pub(super) fn config(analyses: &str) -> ProcessorConfig {
    ProcessorConfig::read(&|variable| {
        Some(
            match variable {
                "INPUT_BUCKET" => IN,
                "OUTPUT_BUCKET" => OUT,
                "ANALYSES" => analyses,
                "CUSTOM_LABELS_ARN" => {
                    "arn:aws:rekognition:eu-west-1:111122223333:project/p/version/v/1"
                }
                _ => return None,
            }
            .to_owned(),
        )
    })
    .unwrap()
}

/// A processor and its in-memory ports.
pub(super) struct TestProcessor<S = MemoryStore> {
    pub(super) store: MemoryStore,
    pub(super) recogniser: CannedRecogniser,
    pub(super) processor: Processor<S, CannedRecogniser>,
    pub(super) clock: TestClock,
}

impl TestProcessor {
    pub(super) fn new(analyses: &str) -> Self {
        Self::with(
            analyses,
            MemoryStore::new(),
            CannedRecogniser::new(),
            |store| store,
        )
    }

    pub(super) fn with_recogniser(analyses: &str, recogniser: CannedRecogniser) -> Self {
        Self::with(analyses, MemoryStore::new(), recogniser, |store| store)
    }
}

impl<S: ObjectStore> TestProcessor<S> {
    /// A processor that reaches the buckets through the wrapper of an in-memory store.
    pub(super) fn with_store(analyses: &str, wrap: impl FnOnce(MemoryStore) -> S) -> Self {
        Self::with(analyses, MemoryStore::new(), CannedRecogniser::new(), wrap)
    }

    pub(super) fn with(
        analyses: &str,
        store: MemoryStore,
        recogniser: CannedRecogniser,
        wrap: impl FnOnce(MemoryStore) -> S,
    ) -> Self {
        let clock = TestClock::default();
        let options = options(&clock, Duration::ZERO);
        Self {
            processor: Processor::new(
                config(analyses),
                wrap(store.clone()),
                recogniser.clone(),
                options,
            ),
            store,
            recogniser,
            clock,
        }
    }

    /// Another processor over the same in-memory store and recogniser.
    pub(super) fn another_processor(
        &self,
        config: ProcessorConfig,
        options: Options,
    ) -> Processor<MemoryStore, CannedRecogniser> {
        Processor::new(config, self.store.clone(), self.recogniser.clone(), options)
    }

    pub(super) async fn handle(&self, event: Value) -> Result<Value, HandlerError> {
        self.processor.handle(event, &invocation(60)).await
    }

    /// Handles a queue's event, and returns the ids of the messages that failed.
    pub(super) async fn failures(&self, event: Value) -> Vec<String> {
        failures(&self.handle(event).await.unwrap())
    }

    pub(super) fn document(&self, key: &str) -> Value {
        self.store
            .json(OUT, &format!("results/{key}.json"))
            .unwrap_or_else(|| panic!("no result for {key}: {:?}", self.store.keys(OUT)))
    }

    /// Whether the image under [`KEY`] has a result.
    pub(super) fn has_result(&self) -> bool {
        self.store.body(OUT, RESULT).is_some()
    }

    pub(super) fn upload(&self, key: &str, body: &[u8]) -> ObjectInfo {
        self.store.insert(IN, key, body, "image/jpeg", &[])
    }
}

pub(super) fn options(clock: &TestClock, lease_wait: Duration) -> Options {
    let clock = clock.clone();
    Options {
        lease_wait,
        clock: Arc::new(move || clock.now()),
        ..Options::default()
    }
}

pub(super) fn invocation(seconds: u64) -> Invocation {
    Invocation {
        request_id: "request-1".to_owned(),
        time_left: Duration::from_secs(seconds),
    }
}

pub(super) fn failures(answer: &Value) -> Vec<String> {
    answer["batchItemFailures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned())
        .collect()
}

/// A grey JPEG of this size. The comment makes it differ from others.
pub(super) fn jpeg(width: u32, height: u32, comment: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new(&mut bytes)
        .write_image(
            &vec![120; (width * height) as usize],
            width,
            height,
            ExtendedColorType::L8,
        )
        .unwrap();
    let length = u16::try_from(comment.len() + 2).unwrap().to_be_bytes();
    bytes.splice(2..2, [&[0xFF, 0xFE], length.as_slice(), comment].concat());
    bytes
}

/// A picture of 640 x 480 pixels.
pub(super) fn picture() -> Vec<u8> {
    static PICTURE: LazyLock<Vec<u8>> = LazyLock::new(|| jpeg(640, 480, b"any"));
    PICTURE.clone()
}

/// S3's record of a PUT.
pub(super) fn put_record(key: &str, info: &ObjectInfo, sequencer: &str) -> Value {
    json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": "2026-03-01T19:59:58.500Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": IN},
            "object": {
                "key": key.replace('+', "%2B").replace(' ', "+"),
                "size": info.size,
                "eTag": info.e_tag,
                "versionId": info.version_id,
                "sequencer": sequencer,
            },
        },
    })
}

pub(super) fn s3_event(records: &[Value]) -> Value {
    json!({"Records": records})
}

/// S3's event of one PUT.
pub(super) fn direct_event(key: &str, info: &ObjectInfo, sequencer: &str) -> Value {
    s3_event(&[put_record(key, info, sequencer)])
}

/// A queue's event with one message, `m`, about one PUT.
pub(super) fn message(key: &str, info: &ObjectInfo, sequencer: &str) -> Value {
    queue(&[("m", direct_event(key, info, sequencer))])
}

/// The metadata with which an event says that the image is too large to be held.
pub(super) fn too_large_to_hold(info: &ObjectInfo) -> ObjectInfo {
    ObjectInfo {
        size: MAX_HELD_BYTES + 1,
        ..info.clone()
    }
}

/// The error of a bucket without permission for the processor.
pub(super) fn denied() -> ServiceError {
    ServiceError {
        code: "AccessDenied".to_owned(),
        fate: Fate::Repair,
        ..slow_down()
    }
}

/// A queue's event of messages with these ids and bodies.
pub(super) fn queue(messages: &[(&str, Value)]) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .map(|(id, body)| {
            json!({
                "messageId": id,
                "eventSource": "aws:sqs",
                "body": body.as_str().map_or_else(|| body.to_string(), str::to_owned),
            })
        })
        .collect();
    json!({"Records": records})
}
