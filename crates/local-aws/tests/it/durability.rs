use crate::support::{INPUT, Server, settings};
use aws_sdk_s3::primitives::ByteStream;
use rusqlite::{Connection, config::DbConfig};
use sightline_local_aws::{BackupError, Others, QueueError, StartError};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

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
    // Its attempt was given back, because the restart is not its fault.
    assert_eq!((again.receive_count, &again.body), (1, &in_hand.body));
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
    // The file that a kill during a further write leaves.
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

/// The files in `objects/` of a data folder, sorted.
fn object_files(data_dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(data_dir.join("objects"))
        .unwrap()
        .flat_map(|shard| fs::read_dir(shard.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files
}

/// A stopped data folder with this many objects.
async fn stopped(objects: u8) -> TempDir {
    let server = Server::start().await;
    let uploads = (0..objects).map(|number| server.put_number(number));
    futures::future::join_all(uploads).await;
    let Server { aws, dir, .. } = server;
    aws.shutdown().await;
    dir
}

#[tokio::test]
async fn a_clean_stop_merges_the_write_ahead_log() {
    let server = Server::start().await;
    server.put("uploads/a", "text").await;
    // Queries keep connections of their own open.
    futures::future::join_all((0..16).map(|_| server.get("uploads/a"))).await;
    let Server { aws, dir, .. } = server;
    aws.shutdown().await;
    for name in ["store.sqlite3-wal", "store.sqlite3-shm"] {
        assert!(!dir.path().join(name).exists(), "{name}");
    }
}

#[tokio::test]
async fn a_database_that_does_not_belong_to_the_files_is_refused_unchanged() {
    let dir = stopped(8).await;
    let database = |dir: &TempDir| dir.path().join("store.sqlite3");
    let older = stopped(0).await;
    type Damage<'a> = (&'a str, Box<dyn Fn(&TempDir) + 'a>);
    let damages: [Damage<'_>; 5] = [
        (
            "is empty",
            Box::new(|copy| fs::write(database(copy), "").unwrap()),
        ),
        (
            "is empty",
            Box::new(|copy| {
                fs::copy(database(&older), database(copy)).unwrap();
            }),
        ),
        (
            // Without triggers, as if these rows had never been committed.
            "is older than 2",
            Box::new(|copy| {
                let connection = Connection::open(database(copy)).unwrap();
                connection
                    .execute_batch(
                        "DROP TRIGGER object_deleted;
                         DELETE FROM objects WHERE CAST(key AS TEXT) IN ('uploads/6', 'uploads/7');
                         UPDATE counters SET value = value - 3600000000;",
                    )
                    .unwrap();
            }),
        ),
        (
            "does not know 5 of 8",
            Box::new(|copy| {
                let connection = Connection::open(database(copy)).unwrap();
                connection
                    .execute_batch(
                        "DROP TRIGGER object_deleted;
                         DELETE FROM objects WHERE CAST(key AS TEXT) < 'uploads/5';
                         UPDATE counters SET value = value + 3600000000;",
                    )
                    .unwrap();
            }),
        ),
        (
            "of 5 of 8 objects are missing",
            Box::new(|copy| {
                for file in object_files(copy.path()).iter().take(5) {
                    fs::remove_file(file).unwrap();
                }
            }),
        ),
    ];
    for (reason, damage) in damages {
        let copy = tempfile::tempdir().unwrap();
        snapshot(dir.path(), copy.path());
        damage(&copy);
        let (before, bytes) = (
            object_files(copy.path()),
            fs::read(database(&copy)).unwrap(),
        );
        let error = sightline_local_aws::start(settings(copy.path()))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(reason), "{error}");
        assert!(error.contains("--accept-database"), "{error}");
        assert_eq!(object_files(copy.path()), before);
        assert!(fs::read(database(&copy)).unwrap() == bytes, "{reason}");

        let mut accepting = settings(copy.path());
        accepting.accept_database = true;
        let aws = sightline_local_aws::start(accepting).await.unwrap();
        aws.shutdown().await;
        let aside = fs::read_dir(copy.path().join("unknown-objects"));
        let aside = aside.map_or(0, Iterator::count);
        assert_eq!(object_files(copy.path()).len() + aside, before.len());
        let again = sightline_local_aws::start(settings(copy.path())).await;
        again.unwrap().shutdown().await;
    }
}

/// Makes a folder of an older program, whose tables had version 1, and leaves a write-ahead log.
fn make_version_1(data_dir: &Path) {
    let connection = Connection::open(data_dir.join("store.sqlite3")).unwrap();
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .unwrap();
    connection
        .execute_batch(
            "DROP TRIGGER object_deleted; DROP TRIGGER object_replaced; DROP TRIGGER part_deleted;
             DROP TABLE released; DROP TABLE versions; ALTER TABLE objects DROP COLUMN version;
             ALTER TABLE buckets DROP COLUMN versioning;
             DROP INDEX messages_by_lane; ALTER TABLE messages DROP COLUMN lane; PRAGMA user_version = 1;",
        )
        .unwrap();
}

#[tokio::test]
async fn a_folder_of_version_1_is_opened_after_a_kill() {
    let dir = stopped(1).await;
    make_version_1(dir.path());
    // Uploads in progress: version 1 wrote them into objects/.
    for number in 10..15 {
        let file = format!("objects/{number}/{}", number.to_string().repeat(16));
        fs::write(dir.path().join(file), "unfinished").unwrap();
    }
    let settings = settings(dir.path());
    let server = Server::start_in(dir, settings).await.unwrap();
    assert_eq!(server.get("uploads/0").await, b"picture 0");
    let aside = fs::read_dir(server.dir.path().join("unknown-objects")).unwrap();
    assert_eq!(aside.count(), 5);
    server.put_number(1).await;
    let server = server.restart().await;
    assert_eq!(server.get("uploads/1").await, b"picture 1");
}

/// Makes a folder of an older program, whose tables had version 2.
fn make_version_2(data_dir: &Path) {
    Connection::open(data_dir.join("store.sqlite3"))
        .unwrap()
        .execute_batch(
            "DROP TRIGGER object_deleted; DROP TRIGGER object_replaced; DROP TABLE versions;
             ALTER TABLE objects DROP COLUMN version; ALTER TABLE buckets DROP COLUMN versioning;
             DROP INDEX messages_by_lane; ALTER TABLE messages DROP COLUMN lane;
             CREATE TRIGGER object_deleted AFTER DELETE ON objects BEGIN
                 INSERT OR IGNORE INTO released VALUES (old.blob);
             END;
             CREATE TRIGGER object_replaced AFTER UPDATE OF blob ON objects WHEN new.blob <> old.blob BEGIN
                 INSERT OR IGNORE INTO released VALUES (old.blob);
             END;
             PRAGMA user_version = 2;",
        )
        .unwrap();
}

#[tokio::test]
async fn a_folder_of_version_2_is_backed_up_restored_and_opened() {
    let dir = stopped(3).await;
    make_version_2(dir.path());
    let target = tempfile::tempdir().unwrap();
    let folder = target.path().join("backup");
    let copied = sightline_local_aws::backup(dir.path(), &folder, OTHERS).unwrap();
    assert_eq!((copied.files, copied.damaged), (3, 0));
    let new = tempfile::tempdir().unwrap();
    let restored = sightline_local_aws::restore(&folder, new.path(), OTHERS).unwrap();
    assert_eq!(restored, copied);
    for dir in [dir, new] {
        let mut settings = settings(dir.path());
        settings.versioning = true;
        let server = Server::start_in(dir, settings).await.unwrap();
        server.put("uploads/1", "replaced").await;
        let old = server.getting("uploads/1").version_id("null").send().await;
        let old = old.unwrap().body.collect().await.unwrap().to_vec();
        assert_eq!(old, b"picture 1");
    }
}

/// A stopped folder with two objects of two versions each. The second one is deleted.
async fn stopped_with_versions() -> TempDir {
    let server = Server::start_with(|settings| settings.versioning = true).await;
    for key in ["uploads/0", "uploads/1"] {
        server.put(key, "first").await;
        server.put(key, "second").await;
    }
    let delete = server.s3.delete_object().bucket(INPUT);
    delete.key("uploads/1").send().await.unwrap();
    let Server { aws, dir, .. } = server;
    aws.shutdown().await;
    dir
}

/// The texts of all versions, newest first.
async fn texts(server: &Server) -> Vec<String> {
    let list = server.s3.list_object_versions().bucket(INPUT).send().await;
    let mut texts = Vec::new();
    for version in list.unwrap().versions() {
        let get = server.getting(version.key().unwrap());
        let got = get.set_version_id(version.version_id().map(str::to_owned));
        let bytes = got.send().await.unwrap().body.collect().await.unwrap();
        texts.push(String::from_utf8(bytes.to_vec()).unwrap());
    }
    texts
}

#[tokio::test]
async fn versions_survive_restarts_kills_and_backups() {
    let dir = stopped_with_versions().await;
    let target = tempfile::tempdir().unwrap();
    let folder = target.path().join("backup");
    let copied = sightline_local_aws::backup(dir.path(), &folder, OTHERS).unwrap();
    assert_eq!((copied.files, copied.damaged), (4, 0));
    let (restored, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    sightline_local_aws::restore(&folder, restored.path(), OTHERS).unwrap();
    let settings_of = |dir: &TempDir| settings(dir.path());
    let settings = settings_of(&dir);
    let server = Server::start_in(dir, settings).await.unwrap();
    assert_eq!(texts(&server).await, ["second", "first", "second", "first"]);
    snapshot(server.dir.path(), killed.path());
    for dir in [restored, killed] {
        let settings = settings_of(&dir);
        let server = Server::start_in(dir, settings).await.unwrap();
        assert_eq!(texts(&server).await, ["second", "first", "second", "first"]);
        assert!(!server.exists("uploads/1").await);
        let unknown = server.dir.path().join("unknown-objects");
        assert!(!unknown.exists());
    }
}

#[tokio::test]
async fn a_backup_names_the_version_of_a_damaged_file() {
    let dir = stopped_with_versions().await;
    for file in object_files(dir.path()) {
        fs::remove_file(file).unwrap();
    }
    let target = tempfile::tempdir().unwrap();
    let folder = target.path().join("backup");
    let copied = sightline_local_aws::backup(dir.path(), &folder, OTHERS).unwrap();
    assert_eq!((copied.files, copied.damaged), (0, 4));
    let manifest = fs::read(folder.join("sightline-backup.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    for entry in manifest["damaged"].as_array().unwrap() {
        assert!(entry["key"].as_str().unwrap().starts_with("uploads/"));
        assert_eq!(entry["versionId"].as_str().unwrap().len(), 32);
    }
}

#[tokio::test]
async fn the_removal_of_a_version_that_was_interrupted_is_finished() {
    let dir = stopped_with_versions().await;
    let connection = Connection::open(dir.path().join("store.sqlite3")).unwrap();
    connection
        .execute_batch("DELETE FROM versions WHERE CAST(key AS TEXT) = 'uploads/0'")
        .unwrap();
    drop(connection);
    assert_eq!(object_files(dir.path()).len(), 4);
    let settings = settings(dir.path());
    let server = Server::start_in(dir, settings).await.unwrap();
    assert_eq!(object_files(server.dir.path()).len(), 3);
    assert_eq!(texts(&server).await, ["second", "second", "first"]);
}

#[tokio::test]
async fn a_folder_of_version_1_without_its_log_is_refused_unchanged() {
    let dir = stopped(4).await;
    make_version_1(dir.path());
    let database = dir.path().join("store.sqlite3");
    let log = dir.path().join("store.sqlite3-wal");
    // All but the last object is in the database's file.
    let connection = Connection::open(&database).unwrap();
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    connection
        .execute_batch("DELETE FROM objects WHERE CAST(key AS TEXT) = 'uploads/3'")
        .unwrap();
    drop(connection);
    assert!(!log.exists());
    let before = (object_files(dir.path()), fs::read(&database).unwrap());
    for _ in 0..2 {
        let error = sightline_local_aws::start(settings(dir.path()))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("is older than 1 file of"), "{error}");
        let after = (object_files(dir.path()), fs::read(&database).unwrap());
        assert!(after == before);
    }
}

#[tokio::test]
async fn a_refused_start_keeps_the_write_ahead_log() {
    let dir = stopped(2).await;
    make_version_1(dir.path());
    let log = dir.path().join("store.sqlite3-wal");
    let bytes = fs::read(&log).unwrap();
    for file in object_files(dir.path()) {
        fs::remove_file(file).unwrap();
    }
    let error = sightline_local_aws::start(settings(dir.path())).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("of 2 of 2 objects are missing"), "{error}");
    assert!(fs::read(&log).unwrap() == bytes);
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_named() {
    let dir = stopped(2).await;
    let connection = Connection::open(dir.path().join("store.sqlite3")).unwrap();
    connection
        .execute_batch("ALTER TABLE objects RENAME TO pictures; PRAGMA user_version = 99;")
        .unwrap();
    drop(connection);
    let error = sightline_local_aws::start(settings(dir.path())).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("newer version"), "{error}");
}

#[tokio::test]
async fn a_removal_that_was_interrupted_after_its_commit_is_finished() {
    let dir = stopped(2).await;
    let connection = Connection::open(dir.path().join("store.sqlite3")).unwrap();
    connection
        .execute_batch("DELETE FROM objects WHERE CAST(key AS TEXT) = 'uploads/0'")
        .unwrap();
    drop(connection);
    assert_eq!(object_files(dir.path()).len(), 2);
    let settings = settings(dir.path());
    let server = Server::start_in(dir, settings).await.unwrap();
    assert_eq!(object_files(server.dir.path()).len(), 1);
    assert!(server.exists("uploads/1").await);
}

const OTHERS: Others<'static> = Others {
    database: "index.sqlite3",
    files: &["credentials.json"],
};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_during_writes_and_deletions_is_consistent() {
    let server = Server::start().await;
    futures::future::join_all((0..40).map(|number| server.put_number(number))).await;
    fs::write(server.dir.path().join("credentials.json"), "{}").unwrap();
    let target = tempfile::tempdir().unwrap();
    let folder = target.path().join("backup");
    let (from, to) = (server.dir.path().to_owned(), folder.clone());
    let backup =
        tokio::task::spawn_blocking(move || sightline_local_aws::backup(&from, &to, OTHERS));
    for number in 40..80 {
        server.put_number(number).await;
        let key = format!("uploads/{}", number - 40);
        server
            .s3
            .delete_object()
            .bucket(INPUT)
            .key(key)
            .send()
            .await
            .unwrap();
    }
    let copied = backup.await.unwrap().unwrap();
    assert_eq!(copied.files, object_files(&folder).len());
    let again = sightline_local_aws::backup(server.dir.path(), &folder, OTHERS);
    assert!(matches!(again, Err(BackupError::NotEmpty(_))));
    let in_use = sightline_local_aws::restore(&folder, server.dir.path(), OTHERS);
    assert!(matches!(in_use, Err(BackupError::InUse(_))));

    let dir = tempfile::tempdir().unwrap();
    assert_eq!(
        sightline_local_aws::restore(&folder, dir.path(), OTHERS).unwrap(),
        copied
    );
    assert_eq!(
        fs::read(dir.path().join("credentials.json")).unwrap(),
        b"{}"
    );
    let settings = settings(dir.path());
    let server = Server::start_in(dir, settings).await.unwrap();
    let mut found = 0;
    for number in 0..80 {
        let key = format!("uploads/{number}");
        if server.exists(&key).await {
            found += 1;
            assert_eq!(
                server.get(&key).await,
                format!("picture {number}").as_bytes()
            );
        }
    }
    assert_eq!(found, copied.files);
    assert!(found >= 40, "{found}");
}

#[tokio::test]
async fn a_backup_of_a_damaged_folder_names_what_is_damaged_and_restores_the_rest() {
    let dir = stopped(4).await;
    let damaged = object_files(dir.path());
    fs::remove_file(&damaged[0]).unwrap();
    fs::write(&damaged[1], "shorter").unwrap();
    let target = tempfile::tempdir().unwrap();
    let folder = target.path().join("backup");
    let copied = sightline_local_aws::backup(dir.path(), &folder, OTHERS).unwrap();
    assert_eq!((copied.files, copied.bytes, copied.damaged), (2, 18, 2));
    let manifest = fs::read(folder.join("sightline-backup.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let named = manifest["damaged"].as_array().unwrap();
    for file in &damaged[..2] {
        let id = file.file_name().unwrap().to_str().unwrap();
        let entry = named.iter().find(|entry| entry["file"] == id).unwrap();
        assert!(entry["key"].as_str().unwrap().starts_with("uploads/"));
    }
    let new = tempfile::tempdir().unwrap();
    let restored = sightline_local_aws::restore(&folder, new.path(), OTHERS).unwrap();
    assert_eq!(restored, copied);
    let settings = settings(new.path());
    let server = Server::start_in(new, settings).await.unwrap();
    let mut intact = 0;
    for number in 0..4 {
        let key = format!("uploads/{number}");
        let got = server.s3.get_object().bucket(INPUT).key(key).send().await;
        intact += usize::from(got.is_ok_and(|object| object.content_length() == Some(9)));
    }
    assert!(intact >= 2, "{intact}");
}

#[tokio::test]
async fn a_damaged_backup_is_not_restored() {
    let dir = stopped(2).await;
    let target = tempfile::tempdir().unwrap();
    let folder = target.path().join("backup");
    sightline_local_aws::backup(dir.path(), &folder, OTHERS).unwrap();
    let new = tempfile::tempdir().unwrap();
    let damaged = object_files(&folder).remove(0);
    fs::write(&damaged, "other").unwrap();
    let error = sightline_local_aws::restore(&folder, new.path(), OTHERS).unwrap_err();
    assert!(matches!(error, BackupError::Damaged(_)), "{error}");
    fs::remove_file(folder.join("sightline-backup.json")).unwrap();
    let error = sightline_local_aws::restore(&folder, new.path(), OTHERS).unwrap_err();
    assert!(matches!(error, BackupError::NoBackup(_)), "{error}");
    assert!(!new.path().join("store.sqlite3").exists());
}

#[tokio::test]
async fn a_message_from_a_future_clock_is_delivered_at_the_next_start() {
    let dir = stopped(1).await;
    Connection::open(dir.path().join("store.sqlite3"))
        .unwrap()
        .execute_batch("UPDATE messages SET visible_at = visible_at + 86400000")
        .unwrap();
    let settings = settings(dir.path());
    let server = Server::start_in(dir, settings).await.unwrap();
    let received = server.aws.queue().receive(1, HOUR).await.unwrap();
    assert_eq!(received.len(), 1);
}
