use crate::support::{INPUT, Server, settings};
use aws_sdk_s3::primitives::ByteStream;
use sightline_local_aws::{QueueError, StartError};
use std::{fs, path::Path, time::Duration};

const HOUR: Duration = Duration::from_secs(3600);

/// A copy of a folder, as a kill at this moment would leave it.
fn snapshot(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            snapshot(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let server = Server::start().await;
    server.put("uploads/a", "text").await;
    server.put("uploads/b", "more").await;
    let queue = server.aws.queue();
    let in_hand = queue.receive(1, HOUR).await.unwrap().remove(0);
    let server = server.restart().await;
    assert_eq!(server.get("uploads/a").await, b"text");
    let depth = server.aws.queue().depth().await.unwrap();
    assert_eq!((depth.visible, depth.in_flight), (2, 0));
    let received = server.aws.queue().receive(10, HOUR).await.unwrap();
    let again = received
        .iter()
        .find(|message| message.id == in_hand.id)
        .unwrap();
    assert_eq!((again.receive_count, &again.body), (2, &in_hand.body));
    assert!(
        matches!(queue.receive(1, HOUR).await, Err(QueueError::Closed)),
        "the old server's queue is closed"
    );
}

#[tokio::test]
async fn a_kill_loses_neither_objects_nor_events() {
    let server = Server::start().await;
    let uploads = (0..40).map(|number| server.put_number(number));
    futures::future::join_all(uploads).await;
    // The files that a kill during further writes leaves.
    let objects = server.dir.path().join("objects");
    fs::write(objects.join("00").join("00".repeat(16)), "never committed").unwrap();
    fs::write(
        server.dir.path().join("tmp").join("11".repeat(16)),
        "never finished",
    )
    .unwrap();

    let dir = tempfile::tempdir().unwrap();
    snapshot(server.dir.path(), dir.path());
    let settings = settings(dir.path());
    let server = Server::start_in(dir, settings).await.unwrap();
    for number in 0..40 {
        assert_eq!(
            server.get(&format!("uploads/{number}")).await,
            format!("picture {number}").as_bytes()
        );
    }
    assert_eq!(server.aws.queue().depth().await.unwrap().visible, 40);
    let objects = server.dir.path().join("objects");
    assert!(!objects.join("00").join("00".repeat(16)).exists());
    assert!(!server.dir.path().join("tmp").join("11".repeat(16)).exists());
}

impl Server {
    async fn put_number(&self, number: u8) {
        self.put(&format!("uploads/{number}"), format!("picture {number}"))
            .await;
    }
}

#[tokio::test]
async fn dropping_the_server_stops_it_and_frees_the_folder() {
    let server = Server::start().await;
    server.put("uploads/a", "text").await;
    let Server { aws, dir, .. } = server;
    let address = aws.address();
    drop(aws);
    let settings = settings(dir.path());
    let server = Server::start_in(dir, settings).await.unwrap();
    assert_ne!(server.aws.address(), address);
    assert_eq!(server.get("uploads/a").await, b"text");
}

#[tokio::test]
async fn a_folder_has_one_server() {
    let server = Server::start().await;
    let error = sightline_local_aws::start(settings(server.dir.path()))
        .await
        .unwrap_err();
    assert!(matches!(error, StartError::InUse(_)));
    assert!(error.to_string().contains("in use"), "{error}");
}

#[tokio::test]
async fn a_failed_start_names_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let mut named = settings(dir.path());
    named.input_bucket = "Pictures".to_owned();
    assert!(
        sightline_local_aws::start(named)
            .await
            .unwrap_err()
            .to_string()
            .contains("Pictures")
    );

    let mut keyless = settings(dir.path());
    keyless.credentials.secret_access_key.clear();
    assert!(matches!(
        sightline_local_aws::start(keyless).await,
        Err(StartError::Settings(_))
    ));

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut listening = settings(dir.path());
    listening.listen = taken.local_addr().unwrap();
    assert!(matches!(
        sightline_local_aws::start(listening).await,
        Err(StartError::Listen { .. })
    ));

    fs::write(dir.path().join("file"), "").unwrap();
    let error = sightline_local_aws::start(settings(&dir.path().join("file/in/it")))
        .await
        .unwrap_err();
    assert!(matches!(error, StartError::DataFolder { .. }), "{error}");

    fs::write(
        dir.path().join("store.sqlite3"),
        "not a database, but long enough to look at".repeat(100),
    )
    .unwrap();
    let error = sightline_local_aws::start(settings(dir.path()))
        .await
        .unwrap_err();
    assert!(matches!(error, StartError::DataFolder { .. }), "{error}");
}

#[tokio::test]
async fn a_shutdown_finishes_running_requests() {
    let server = Server::start().await;
    let uploads: Vec<_> = (0..8)
        .map(|number: u8| {
            let body = ByteStream::from(vec![number; 2 << 20]);
            tokio::spawn(
                server
                    .s3
                    .put_object()
                    .bucket(INPUT)
                    .key(format!("uploads/{number}"))
                    .body(body)
                    .send(),
            )
        })
        .collect();
    while server.aws.queue().depth().await.unwrap().visible == 0 {
        tokio::task::yield_now().await;
    }
    let Server { aws, dir, .. } = server;
    aws.shutdown().await;
    let mut stored = 0;
    for upload in uploads {
        stored += u64::from(upload.await.unwrap().is_ok());
    }
    let settings = settings(dir.path());
    let server = Server::start_in(dir, settings).await.unwrap();
    assert_eq!(
        server.aws.queue().depth().await.unwrap().visible,
        stored,
        "what was acknowledged is there"
    );
}

#[tokio::test]
async fn a_folder_with_foreign_files_and_no_database_is_rejected_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder
        .path()
        .join("objects/4b/825dc642cb6eb9a060e54bf8d69288fbee4904");
    std::fs::create_dir_all(theirs.parent().unwrap()).unwrap();
    std::fs::write(&theirs, b"not ours").unwrap();
    let error = sightline_local_aws::start(crate::support::settings(folder.path()))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("name another folder"), "{error}");
    assert_eq!(std::fs::read(&theirs).unwrap(), b"not ours");
}
