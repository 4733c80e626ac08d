use crate::support::{INPUT, KEY, SECRET, Server, client, five_minutes, http};
use serde_json::Value;
use std::{
    io::Write,
    sync::{Arc, Mutex},
};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

#[tokio::test]
async fn every_call_is_recorded_with_its_action() {
    let server = Server::start().await;
    server.put("uploads/my cat.jpg", "meow").await;
    server.get("uploads/my cat.jpg").await;
    server.exists("nothing").await;
    server
        .s3
        .list_objects_v2()
        .bucket(INPUT)
        .send()
        .await
        .unwrap();
    let _ = client(server.aws.address(), KEY, "wrong")
        .delete_object()
        .bucket(INPUT)
        .key("a")
        .send()
        .await;
    http(server.aws.address(), "GET", "/", &[], b"").await;
    let Server { aws, dir, .. } = server;
    aws.shutdown().await;
    let text = std::fs::read_to_string(dir.path().join("aws-calls.jsonl")).unwrap();
    let calls: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<String> = calls
        .iter()
        .map(|call| {
            let text = |name: &str| call[name].as_str().unwrap_or("-").to_owned();
            assert!(!text("requestId").is_empty() && text("time").ends_with('Z'));
            format!(
                "{} {} {} {} {}",
                text("action"),
                text("resource"),
                call["status"],
                text("errorCode"),
                text("accessKeyId")
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "s3:PutObject arn:aws:s3:::pictures-in/uploads/my cat.jpg 200 - AKIDLOCAL",
            "s3:GetObject arn:aws:s3:::pictures-in/uploads/my cat.jpg 200 - AKIDLOCAL",
            "s3:GetObject arn:aws:s3:::pictures-in/nothing 404 NoSuchKey AKIDLOCAL",
            "s3:ListBucket arn:aws:s3:::pictures-in 200 - AKIDLOCAL",
            "s3:DeleteObject arn:aws:s3:::pictures-in/a 403 SignatureDoesNotMatch AKIDLOCAL",
            "s3:ListAllMyBuckets * 403 AccessDenied -",
        ]
    );
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Memory {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The subscriber is the whole binary's, because what tracing remembers of who listens is, too; so the log has
/// what the other tests' servers say as well.
#[tokio::test]
async fn not_even_the_most_talkative_log_has_a_signed_address() {
    let memory = Memory::default();
    // The clients in this process have logs of their own, which are not the question.
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("s3s=trace,sightline_local_aws=trace"))
        .with_writer(memory.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let server = Server::start().await;
    let request = server
        .s3
        .get_object()
        .bucket(INPUT)
        .key("a")
        .presigned(five_minutes())
        .await
        .unwrap();
    let missing = server.send(&request, &[], b"").await;
    assert_eq!(missing.status, 404);
    let forged = http(
        server.aws.address(),
        "GET",
        &request.uri().replace("/a?", "/b?"),
        &[],
        b"",
    )
    .await;
    assert_eq!(forged.status, 403);
    let log = String::from_utf8(memory.0.lock().unwrap().clone()).unwrap();
    for answer in [&missing, &forged] {
        assert!(log.contains(&answer.headers["x-amz-request-id"]), "{log}");
    }
    assert!(
        !log.contains("X-Amz-Signature") && !log.contains(SECRET),
        "{log}"
    );
}
