//! Decodes events for the processor. No input makes it panic, and every object that it finds has a bucket and a key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sightline_processor::event::{Event, EventContent};

fn check(content: &EventContent) {
    for object in &content.created {
        assert!(!object.bucket.is_empty());
        assert!((1..=1024).contains(&object.key.len()));
    }
}

/// Reads the input as an event, and as the body of a queue's message.
fn read(value: &serde_json::Value) {
    match Event::read(value) {
        Ok(Event::Queue(messages)) => messages.iter().for_each(|message| check(&message.content)),
        Ok(Event::Direct(content)) => check(&content),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fuzz_target!(|input: &[u8]| {
    if let Ok(value) = serde_json::from_slice(input) {
        read(&value);
    }
    let body = String::from_utf8_lossy(input);
    let message = serde_json::json!({"messageId": "1", "eventSource": "aws:sqs", "body": body});
    read(&serde_json::json!({"Records": [message]}));
});
