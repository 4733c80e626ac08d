use crate::support::{INPUT, KEY, OUTPUT, Server, request_id};
use aws_sdk_s3::primitives::ByteStream;
use serde_json::{Value, json};
use sightline_local_aws::{EventType, Queue};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

async fn record(queue: &Queue) -> Value {
    let message = queue.receive(1, MINUTE).await.unwrap().remove(0);
    queue.delete(&message.receipt).await.unwrap();
    let mut body: Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!(body["Records"].as_array().unwrap().len(), 1);
    body["Records"][0].take()
}

#[tokio::test]
async fn a_new_object_causes_an_s3_event() {
    let server = Server::start().await;
    let put = server
        .s3
        .put_object()
        .bucket(INPUT)
        .key("uploads/my cat+1.jpg")
        .body(ByteStream::from_static(b"meow"));
    let put = put.send().await.unwrap();
    let mut record = record(&server.aws.queue()).await;
    assert_eq!(
        record["responseElements"]["x-amz-request-id"],
        request_id(&put)
    );
    assert!(record["eventTime"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        record["s3"]["object"]["sequencer"].as_str().unwrap().len(),
        18
    );
    record["responseElements"] = json!(null);
    record["eventTime"] = json!(null);
    record["s3"]["object"]["sequencer"] = json!(null);
    let expected = json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": null,
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": format!("AWS:{KEY}")},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": null,
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "sightline-uploads",
            "bucket": {
                "name": INPUT,
                "ownerIdentity": {"principalId": "000000000000"},
                "arn": format!("arn:aws:s3:::{INPUT}"),
            },
            "object": {
                "key": "uploads/my+cat%2B1.jpg",
                "size": 4,
                "eTag": "4a4be40c96ac6314e91d93f38043a634",
                "sequencer": null,
            },
        },
    });
    assert_eq!(record, expected);
}

#[tokio::test]
async fn only_uploads_are_queued_and_later_ones_have_larger_sequencers() {
    let server = Server::start().await;
    server.put("inline/a", "x").await;
    server
        .s3
        .put_object()
        .bucket(OUTPUT)
        .key("uploads/a")
        .send()
        .await
        .unwrap();
    server.put("uploads/a", "1").await;
    server.put("uploads/a", "2").await;
    server
        .s3
        .copy_object()
        .bucket(INPUT)
        .key("uploads/b")
        .copy_source(format!("{INPUT}/inline/a"))
        .send()
        .await
        .unwrap();
    server
        .s3
        .delete_object()
        .bucket(INPUT)
        .key("uploads/a")
        .send()
        .await
        .unwrap();
    let queue = server.aws.queue();
    assert_eq!(queue.depth().await.unwrap().visible, 3);
    let mut last = String::new();
    for (name, key) in [
        ("ObjectCreated:Put", "uploads/a"),
        ("ObjectCreated:Put", "uploads/a"),
        ("ObjectCreated:Copy", "uploads/b"),
    ] {
        let record = record(&queue).await;
        assert_eq!(
            (&record["eventName"], &record["s3"]["object"]["key"]),
            (&json!(name), &json!(key))
        );
        let sequencer = record["s3"]["object"]["sequencer"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(sequencer > last);
        last = sequencer;
    }
}

#[tokio::test]
async fn removals_cause_events_if_configured() {
    let server = Server::start_with(|settings| {
        settings.notification_events = vec![EventType::ObjectRemoved]
    })
    .await;
    server.put("uploads/a", "x").await;
    server
        .s3
        .delete_object()
        .bucket(INPUT)
        .key("uploads/a")
        .send()
        .await
        .unwrap();
    server
        .s3
        .delete_object()
        .bucket(INPUT)
        .key("uploads/a")
        .send()
        .await
        .unwrap();
    let queue = server.aws.queue();
    assert_eq!(queue.depth().await.unwrap().visible, 1);
    let record = record(&queue).await;
    assert_eq!(record["eventName"], "ObjectRemoved:Delete");
    assert!(record["s3"]["object"].get("size").is_none());
}

#[tokio::test]
async fn a_waiting_receiver_gets_the_event_of_an_upload() {
    let server = Server::start().await;
    let queue = server.aws.queue();
    let waiting = tokio::spawn(async move { record(&queue).await });
    tokio::task::yield_now().await;
    server.put("uploads/a", "x").await;
    assert_eq!(waiting.await.unwrap()["s3"]["object"]["key"], "uploads/a");
}

#[tokio::test]
async fn a_dead_letter_is_in_the_folder_until_it_is_redriven() {
    let server = Server::start_with(|settings| settings.max_receive_count = 2).await;
    server.put("uploads/a b.jpg", "x").await;
    let queue = server.aws.queue();
    for _ in 0..2 {
        let message = queue.receive(1, MINUTE).await.unwrap().remove(0);
        let changed = queue.change_visibility(&message.receipt, Duration::ZERO);
        assert!(changed.await.unwrap());
        let reason = "the recogniser was throttled";
        queue.fail(&message.receipt, reason).await.unwrap();
    }
    // The queue moves it when it would be received again.
    let receiving = tokio::spawn({
        let queue = queue.clone();
        async move { queue.receive(1, MINUTE).await }
    });
    let folder = server.dir.path().join("dead-letters");
    while !std::fs::read_dir(&folder)
        .unwrap()
        .any(|file| file.unwrap().path().extension() == Some("json".as_ref()))
    {
        assert!(!receiving.is_finished());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    receiving.abort();
    let letters: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(letters.len(), 1);
    let letter: Value = serde_json::from_slice(&std::fs::read(&letters[0]).unwrap()).unwrap();
    assert_eq!(letter["key"], "uploads/a b.jpg");
    assert_eq!(letter["receiveCount"], 2);
    assert_eq!(letter["lastReason"], "the recogniser was throttled");
    assert_eq!(
        letter["event"]["Records"][0]["s3"]["object"]["key"],
        "uploads/a+b.jpg"
    );

    // Like `sightline redrive` in another process, while the server runs.
    let dir = server.dir.path().to_owned();
    let redriven = tokio::task::spawn_blocking(move || sightline_local_aws::redrive(&dir, &[]))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(redriven.requeued.len(), 1);
    assert!(!letters[0].exists());
    assert_eq!(
        record(&queue).await["s3"]["object"]["key"],
        "uploads/a+b.jpg"
    );
}
