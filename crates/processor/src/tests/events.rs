//! All shapes of events, and malformed events.

use std::{fs, path::Path};

use serde_json::{Value, json};
use sightline_pipeline::object_store::ObjectInfo;
use time::macros::datetime;

use super::support::{put_record, queue, s3_event};
use crate::event::{Event, EventContent, ObjectCreated};

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn direct(event: &Value) -> EventContent {
    match Event::read(event).unwrap() {
        Event::Direct(content) => content,
        Event::Queue(_) => panic!("not an event of a queue"),
    }
}

fn red_flower() -> ObjectCreated {
    ObjectCreated {
        bucket: "in-put".into(),
        key: "uploads/red flower+1 é.jpg".into(),
        e_tag: Some("b21b84d653bb07b05b1e6b33684dc11b".into()),
        version_id: Some("096fKKXTRTtl3on89fVO.nfljtsv6qko".into()),
        sequencer: Some("0C0F6F405D6ED209E1".into()),
        size: Some(1_305_107),
        time: Some(datetime!(2026-03-01 19:37:27.192 UTC)),
    }
}

fn my_cat(key: &str) -> ObjectCreated {
    ObjectCreated {
        bucket: "in-put".into(),
        key: key.into(),
        e_tag: Some("b21b84d653bb07b05b1e6b33684dc11b".into()),
        version_id: None,
        sequencer: Some("0055AED6DCD90281E5".into()),
        size: Some(12),
        time: Some(datetime!(2026-03-01 19:37:27.192 UTC)),
    }
}

#[test]
fn an_event_of_s3() {
    let content = direct(&fixture("s3-put.json"));
    assert_eq!(content.created, [red_flower()]);
    assert_eq!((content.ignored.len(), content.errors.len()), (0, 0));
}

#[test]
fn an_event_with_several_kinds_of_records() {
    let content = direct(&fixture("s3-multipart-and-copy.json"));
    let keys: Vec<_> = content
        .created
        .iter()
        .map(|created| (created.key.as_str(), created.version_id.as_deref()))
        .collect();
    assert_eq!(
        keys,
        [("uploads/big.jpg", None), ("uploads/copy.jpg", None)]
    );
    assert_eq!(content.ignored, ["the event ObjectRemoved:Delete"]);
}

#[test]
fn the_test_event_of_s3() {
    let content = direct(&fixture("s3-test-event.json"));
    assert_eq!(content.ignored, ["S3's test event"]);
    assert_eq!((content.created.len(), content.errors.len()), (0, 0));
}

#[test]
fn an_event_of_moto_without_identity_and_with_escaped_slashes() {
    let content = direct(&fixture("moto.json"));
    assert_eq!(content.created, [my_cat("uploads/my cat+1.jpg")]);
}

#[test]
fn keys_in_events_of_event_bridge_are_not_encoded() {
    let content = direct(&fixture("eventbridge-created.json"));
    assert_eq!(
        content.created,
        [ObjectCreated {
            bucket: "in-put".into(),
            key: "uploads/my cat+1 100%.jpg".into(),
            e_tag: Some("b1946ac92492d2347c6235b4d2611184".into()),
            version_id: Some("IYV3p45BT0ac8hjHg1houSdS1a.Mro8e".into()),
            sequencer: Some("617f08299329d189".into()),
            size: Some(5),
            time: Some(datetime!(2021-11-12 0:00 UTC)),
        }]
    );
    let deleted = direct(&fixture("eventbridge-deleted.json"));
    assert_eq!(deleted.ignored, ["the event \"Object Deleted\""]);
}

#[test]
fn a_notification_of_a_topic() {
    assert_eq!(direct(&fixture("sns.json")).created, [red_flower()]);
}

#[test]
fn messages_of_a_queue_are_read_one_by_one() {
    let Event::Queue(messages) = Event::read(&fixture("sqs.json")).unwrap() else {
        panic!("a queue's event");
    };
    let read: Vec<_> = messages
        .iter()
        .map(|message| {
            let EventContent {
                created,
                ignored,
                errors,
                expired: _,
            } = &message.content;
            (
                message.id.chars().last().unwrap(),
                created.len(),
                ignored.len(),
                errors.iter().map(|error| error.name()).collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(
        read,
        [
            ('1', 1, 0, vec![]),
            ('2', 2, 1, vec![]),
            ('3', 0, 1, vec![]),
            ('4', 1, 0, vec![]),
            ('5', 1, 0, vec![]),
            ('6', 0, 0, vec!["BodyNotJson"]),
        ]
    );
    assert_eq!(
        messages[4].content.created,
        [my_cat("uploads/my cat+1.jpg")]
    );
}

#[test]
fn keys_are_decoded_once() {
    for (encoded, key) in [
        ("uploads/a+b.jpg", "uploads/a b.jpg"),
        ("uploads/a%20b.jpg", "uploads/a b.jpg"),
        ("uploads/a%2Bb.jpg", "uploads/a+b.jpg"),
        ("uploads/100%25.jpg", "uploads/100%.jpg"),
        ("uploads/100%2525.jpg", "uploads/100%25.jpg"),
        ("uploads/%C3%A9%F0%9F%90%B1.jpg", "uploads/é🐱.jpg"),
        ("uploads%2fa.jpg", "uploads/a.jpg"),
        ("uploads/é.jpg", "uploads/é.jpg"),
        ("uploads/../../etc/passwd", "uploads/../../etc/passwd"),
    ] {
        let mut record = put_record("k", &ObjectInfo::default(), "01");
        record["s3"]["object"]["key"] = json!(encoded);
        assert_eq!(direct(&s3_event(&[record])).created[0].key, key);
    }
}

/// An event with a changed record of a PUT.
fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut record = put_record("uploads/a.jpg", &ObjectInfo::default(), "01");
    change(&mut record);
    s3_event(&[record])
}

fn bridge(change: impl FnOnce(&mut Value)) -> Value {
    let mut event = fixture("eventbridge-created.json");
    change(&mut event);
    event
}

/// Malformed events, each with the name of its error and a part of the message.
fn malformed() -> Vec<(Value, &'static str, &'static str)> {
    let key = |key: Value| changed(|record| record["s3"]["object"]["key"] = key);
    vec![
        (json!(null), "NotAnObject", "null"),
        (json!("Records"), "NotAnObject", "a string"),
        (json!([1]), "NotAnObject", "a list"),
        (json!(7), "NotAnObject", "a number"),
        (json!({}), "UnknownShape", "neither Records nor detail"),
        (json!({"hello": "world"}), "UnknownShape", "s3:TestEvent"),
        (json!({"Records": {}}), "RecordsNotAList", "an object"),
        (json!({"Records": null}), "RecordsNotAList", "null"),
        (json!({"Records": [null]}), "MissingMember", "/eventName"),
        (json!({"Records": [{}]}), "MissingMember", "/eventName"),
        (
            json!({"Records": [{"eventSource": "aws:kinesis"}]}),
            "UnknownSource",
            "aws:kinesis",
        ),
        (
            json!({"Records": [{"EventSource": "aws:sns", "Sns": {}}]}),
            "MissingMember",
            "/Sns/Message",
        ),
        (
            changed(|record| record["eventVersion"] = json!("3.0")),
            "UnknownVersion",
            "3.0",
        ),
        (
            changed(|record| record["eventName"] = json!(1)),
            "WrongType",
            "/eventName is a number, not a string",
        ),
        (
            changed(|record| record["s3"] = json!(null)),
            "MissingMember",
            "/s3/bucket/name",
        ),
        (
            changed(|record| record["s3"]["bucket"]["name"] = json!("")),
            "EmptyBucket",
            "empty",
        ),
        (
            changed(|record| record["s3"]["object"] = json!([])),
            "MissingMember",
            "/s3/object/key",
        ),
        (key(json!({"a": 1})), "WrongType", "/s3/object/key"),
        (key(json!("")), "EmptyKey", "empty"),
        (key(json!("uploads/100%.jpg")), "KeyEncoding", "100%"),
        (key(json!("uploads/%zz.jpg")), "KeyEncoding", "%zz"),
        (key(json!("uploads/%C3.jpg")), "KeyEncoding", "%C3"),
        (key(json!("uploads/%é")), "KeyEncoding", "%é"),
        (key(json!("k".repeat(1025))), "KeyTooLong", "1025"),
        (
            changed(|record| record["s3"]["object"]["size"] = json!(-1)),
            "WrongType",
            "/s3/object/size",
        ),
        (
            changed(|record| record["s3"]["object"]["sequencer"] = json!(17)),
            "WrongType",
            "/s3/object/sequencer",
        ),
        (
            changed(|record| record["s3"]["object"]["eTag"] = json!(true)),
            "WrongType",
            "/s3/object/eTag is a boolean",
        ),
        (
            bridge(|event| event["source"] = json!("aws.ec2")),
            "UnknownSource",
            "aws.ec2",
        ),
        (
            bridge(|event| event["detail-type"] = json!(null)),
            "MissingMember",
            "/detail-type",
        ),
        (
            bridge(|event| event["detail"] = json!("Object Created")),
            "MissingMember",
            "/detail/bucket/name",
        ),
        (
            bridge(|event| event["detail"]["object"]["key"] = json!("")),
            "EmptyKey",
            "empty",
        ),
    ]
}

#[test]
fn every_malformed_event_has_its_error() {
    let cases = malformed();
    assert!(cases.len() >= 15);
    for (event, name, part) in &cases {
        let error = match Event::read(event) {
            Err(error) => error,
            Ok(Event::Direct(content)) => {
                assert_eq!(content.created, [], "{event}");
                content.errors.into_iter().next().unwrap()
            }
            Ok(Event::Queue(_)) => panic!("{event}"),
        };
        assert_eq!(error.name(), *name, "{event}");
        assert!(error.to_string().contains(part), "{error} of {event}");
        // In the body of a message, it fails that message with the same error.
        let Event::Queue(messages) = Event::read(&queue(&[("m", event.clone())])).unwrap() else {
            panic!("a queue's event");
        };
        if let Value::String(_) = event {
            continue; // A bare string is a body without JSON.
        }
        assert_eq!(messages[0].content.errors, [error], "{event}");
    }
}

#[test]
fn every_malformed_batch_or_message_has_its_error() {
    let message = json!({"messageId": "m", "eventSource": "aws:sqs", "body": "{}"});
    let s3 = put_record("uploads/a.jpg", &ObjectInfo::default(), "01");
    for (event, name) in [
        (json!({"Records": [message, s3]}), "MixedSources"),
        (
            json!({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}),
            "MissingMember",
        ),
        (
            json!({"Records": [{"messageId": 7, "body": "{}"}]}),
            "WrongType",
        ),
    ] {
        assert_eq!(Event::read(&event).unwrap_err().name(), name);
    }
    let twice = |event: Value| {
        let inner = json!({"Type": "Notification", "Message": event.to_string()});
        json!({"Type": "Notification", "Message": inner.to_string()})
    };
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    for (body, name) in [
        (json!(""), "BodyNotJson"),
        (json!("{\"Records\":["), "BodyNotJson"),
        (json!(deep), "BodyNotJson"),
        (json!("null"), "NotAnObject"),
        (json!("\"text\""), "NotAnObject"),
        (queue(&[("inner", s3_event(&[]))]), "WrappedTooDeep"),
        (twice(s3_event(&[])), "WrappedTooDeep"),
    ] {
        let Event::Queue(messages) = Event::read(&queue(&[("m", body.clone())])).unwrap() else {
            panic!("a queue's event");
        };
        let errors = &messages[0].content.errors;
        assert_eq!(errors.len(), 1, "{body}");
        assert_eq!(errors[0].name(), name, "{body}");
    }
    let Event::Queue(messages) =
        Event::read(&json!({"Records": [{"messageId": "m"}, {"messageId": "n", "body": 5}]}))
            .unwrap()
    else {
        panic!("a queue's event");
    };
    assert_eq!(messages[0].content.errors[0].name(), "MissingMember");
    assert_eq!(messages[1].content.errors[0].name(), "WrongType");
}

#[test]
fn a_malformed_record_does_not_affect_others() {
    let good = put_record("uploads/a.jpg", &ObjectInfo::default(), "01");
    let content = direct(&s3_event(&[good.clone(), json!({}), good]));
    assert_eq!((content.created.len(), content.errors.len()), (2, 1));
}
