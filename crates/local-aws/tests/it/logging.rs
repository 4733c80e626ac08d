use crate::support::{INPUT, KEY, OUTPUT, SECRET, Server, client, five_minutes, http};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use sightline_local_aws::Credentials;
use std::{
    io::Write,
    sync::{Arc, Mutex},
};
use tracing::Level;
use tracing_subscriber::{filter::Targets, fmt::MakeWriter, layer::SubscriberExt};

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
    let calls = server.into_calls().await;
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

/// The permissions of each call as `action resource`, with the access key.
fn needed(calls: &[serde_json::Value]) -> Vec<(String, Vec<String>)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    calls
        .iter()
        .map(|call| {
            let permissions = call["permissions"].as_array().unwrap().iter();
            let needed = permissions
                .map(|one| format!("{} {}", text(&one["action"]), text(&one["resource"])))
                .collect();
            (text(&call["accessKeyId"]), needed)
        })
        .collect()
}

#[tokio::test]
async fn every_permission_that_a_call_needs_is_recorded() {
    let server = Server::start().await;
    server.put("a", "text").await;
    let tagged = server.s3.put_object().bucket(INPUT).key("tagged");
    tagged.tagging("x=y").send().await.unwrap();
    server.exists("a").await;
    server.exists("nothing").await;
    server.getting("nothing").send().await.unwrap_err();
    let version = server.getting("a").version_id("null");
    version.send().await.unwrap();
    for key in ["a", "nothing", "tagged"] {
        let copy = server.s3.copy_object().bucket(OUTPUT).key("copy");
        let _ = copy.copy_source(format!("{INPUT}/{key}")).send().await;
    }
    let key = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let two = Delete::builder().objects(key("a")).objects(key("b"));
    let delete = server.s3.delete_objects().bucket(INPUT);
    delete.delete(two.build().unwrap()).send().await.unwrap();
    let calls = server.into_calls().await;
    let told: Vec<Vec<String>> = needed(&calls)
        .into_iter()
        .map(|(_, needed)| needed)
        .collect();
    let object = |action: &str, key: &str| format!("s3:{action} arn:aws:s3:::{key}");
    let list = format!("s3:ListBucket arn:aws:s3:::{INPUT}");
    assert_eq!(
        told,
        [
            vec![object("PutObject", "pictures-in/a")],
            vec![
                object("PutObject", "pictures-in/tagged"),
                object("PutObjectTagging", "pictures-in/tagged"),
            ],
            vec![object("GetObject", "pictures-in/a")],
            vec![object("GetObject", "pictures-in/nothing"), list.clone()],
            vec![object("GetObject", "pictures-in/nothing"), list.clone()],
            vec![object("GetObjectVersion", "pictures-in/a")],
            vec![
                object("PutObject", "pictures-out/copy"),
                object("GetObject", "pictures-in/a"),
            ],
            vec![
                object("PutObject", "pictures-out/copy"),
                object("GetObject", "pictures-in/nothing"),
                list,
            ],
            vec![
                object("PutObject", "pictures-out/copy"),
                object("GetObject", "pictures-in/tagged"),
                object("GetObjectTagging", "pictures-in/tagged"),
                object("PutObjectTagging", "pictures-out/copy"),
            ],
            vec![
                object("DeleteObject", "pictures-in/a"),
                object("DeleteObject", "pictures-in/b"),
            ],
        ]
    );
}

#[tokio::test]
async fn callers_are_identified_by_their_keys() {
    let other = Credentials {
        access_key_id: "AKIDOTHER".to_owned(),
        secret_access_key: "another secret".to_owned(),
    };
    let server = Server::start_with(|settings| settings.more_credentials.push(other)).await;
    let address = server.aws.address();
    server.put("a", "text").await;
    let put = client(address, "AKIDOTHER", "another secret");
    let put = put.put_object().bucket(INPUT).key("b");
    put.send().await.unwrap();
    let crossed = client(address, "AKIDOTHER", SECRET);
    let crossed = crossed.put_object().bucket(INPUT).key("c");
    crossed.send().await.unwrap_err();
    let calls = server.into_calls().await;
    let callers: Vec<String> = needed(&calls)
        .into_iter()
        .map(|(caller, _)| caller)
        .collect();
    assert_eq!(callers, [KEY, "AKIDOTHER", "AKIDOTHER"]);
    assert_eq!(calls[2]["errorCode"], "SignatureDoesNotMatch");
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

/// tracing caches subscribers globally, so this one is global too, and its log also has the lines of other tests' servers.
#[tokio::test]
async fn no_log_level_contains_a_signed_url() {
    let memory = Memory::default();
    // The clients in this process log too; their lines do not count.
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_writer(memory.clone())
        .finish()
        .with(
            "s3s=trace,sightline_local_aws=trace"
                .parse::<Targets>()
                .unwrap(),
        );
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let server = Server::start().await;
    let request = server.getting("a").presigned(five_minutes()).await.unwrap();
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
