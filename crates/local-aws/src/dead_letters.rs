//! The folder of dead letters: one readable JSON file for each message that failed too often.
//!
//! [`redrive`] queues the content of the files again, even if somebody edited it, and removes them. It works while the
//! server runs, because several processes can write to the database.

use crate::{
    lane::Lane,
    store::{self, DeadMessage},
};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};
use time::{
    OffsetDateTime, UtcOffset,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};

/// The folder in the data folder.
pub(crate) const FOLDER: &str = "dead-letters";

/// The time in file names: sortable, and without colons.
const FILE_TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// A dead letter as it is stored in its file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeadLetter {
    message_id: String,
    /// The queue that it came from.
    #[serde(default)]
    queue: Option<String>,
    /// The object's decoded key, for people.
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    last_reason: Option<String>,
    #[serde(default)]
    receive_count: u32,
    #[serde(with = "time::serde::rfc3339")]
    first_sent_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option", default)]
    dead_since: Option<OffsetDateTime>,
    #[serde(default)]
    put_back_with: String,
    /// The message: an event, or a string with its text if it is not JSON.
    event: Value,
}

/// The event of a message, or its text as a string.
fn event_of(body: &str) -> Value {
    match serde_json::from_str(body) {
        // A string is the text itself, so a JSON string keeps its quotes.
        Ok(Value::String(_)) | Err(_) => Value::String(body.to_owned()),
        Ok(event) => event,
    }
}

/// The reverse of [`event_of`].
fn body_of(event: &Value) -> String {
    event
        .as_str()
        .map_or_else(|| event.to_string(), str::to_owned)
}

/// The dead letters of a data folder.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetters {
    folder: PathBuf,
}

impl DeadLetters {
    /// Opens the folder. Creates it if it does not exist.
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        let folder = data_dir.join(FOLDER);
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Writes one dead letter. Replaces its file if it exists after a crash.
    pub(crate) fn write(&self, dead: &DeadMessage) -> io::Result<()> {
        let since = dead.since.to_offset(UtcOffset::UTC);
        let time = since.format(FILE_TIME).map_err(io::Error::other)?;
        let event = event_of(&dead.body);
        let letter = DeadLetter {
            message_id: dead.id.clone(),
            queue: Some(dead.lane.queue_name().to_owned()),
            key: key_of(&event),
            last_reason: dead.reason.clone(),
            receive_count: dead.receive_count,
            first_sent_at: dead.sent_at,
            dead_since: Some(since),
            put_back_with: self.redrive_command(&dead.id),
            event,
        };
        let mut text = serde_json::to_vec_pretty(&letter)?;
        text.push(b'\n');
        let path = self.folder.join(format!("{time}-{}.json", dead.id));
        let temporary = path.with_extension("tmp");
        let mut file = File::create(&temporary)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        File::open(&self.folder)?.sync_all()
    }

    /// The command that redrives a dead letter of this folder, from any working directory.
    fn redrive_command(&self, id: &str) -> String {
        let data_dir = self.folder.parent().unwrap_or(&self.folder);
        let data_dir = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
        let quoted = data_dir.to_string_lossy().replace('\'', r"'\''");
        format!("sightline redrive --data-dir '{quoted}' {id}")
    }

    /// The files, oldest first.
    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// The number of dead letters.
    pub(crate) fn count(&self) -> io::Result<u64> {
        Ok(self.files()?.len() as u64)
    }
}

/// The decoded key of an event's first record.
fn key_of(event: &Value) -> Option<String> {
    let encoded = event
        .pointer("/Records/0/s3/object/key")?
        .as_str()?
        .replace('+', " ");
    Some(
        percent_encoding::percent_decode_str(&encoded)
            .decode_utf8_lossy()
            .into_owned(),
    )
}

/// The result of [`redrive`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedriveResult {
    /// The identifiers of the messages that are queued again.
    pub requeued: Vec<String>,
    /// Why they had failed, by identifier, if known.
    pub reasons: BTreeMap<String, String>,
    /// The files that could not be queued again, with the reason. They stay.
    pub failed: Vec<(PathBuf, String)>,
    /// The requested identifiers that no dead letter has.
    pub unknown: Vec<String>,
}

/// Why no dead letter could be queued again.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    /// The folder is not the data folder of a server.
    #[error("{} contains no queue: name the data folder of the server", .0.display())]
    NoQueue(PathBuf),
    /// The folder could not be read.
    #[error("the dead letters could not be read: {0}")]
    Read(#[from] io::Error),
    /// The database could not be opened.
    #[error("the queue's database could not be opened: {0}")]
    Open(String),
}

/// Queues dead letters of a data folder again, whether its server runs or not: those with one of these message
/// identifiers (or file names), or all if `ids` is empty. Their attempts are counted from the start.
///
/// Blocks on files and on the database.
///
/// # Errors
/// If the folder or its database cannot be read. [`RedriveResult::failed`] has the errors of single files.
pub fn redrive(data_dir: &Path, ids: &[String]) -> Result<RedriveResult, RedriveError> {
    let database = data_dir.join(store::DATABASE);
    if !database.is_file() {
        return Err(RedriveError::NoQueue(data_dir.to_owned()));
    }
    let letters = DeadLetters {
        folder: data_dir.join(FOLDER),
    };
    let connection =
        store::open_database(&database).map_err(|error| RedriveError::Open(error.to_string()))?;
    let mut result = RedriveResult::default();
    let mut unknown: Vec<&String> = ids.iter().collect();
    for file in letters.files()? {
        let letter = read(&file);
        let names = |id: &String| {
            let name = Path::new(id).file_name();
            letter.as_ref().is_ok_and(|letter| letter.message_id == *id)
                || name.is_some() && file.file_name() == name
        };
        if !ids.is_empty() && !ids.iter().any(names) {
            continue;
        }
        unknown.retain(|id| !names(id));
        match letter.and_then(|letter| requeue(&connection, &file, letter)) {
            Ok((id, reason)) => {
                if let Some(reason) = reason {
                    result.reasons.insert(id.clone(), reason);
                }
                result.requeued.push(id);
            }
            Err(reason) => result.failed.push((file, reason)),
        }
    }
    result.unknown = unknown.into_iter().cloned().collect();
    Ok(result)
}

fn read(file: &Path) -> Result<DeadLetter, String> {
    let text = fs::read(file).map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|error| format!("it is not a dead letter: {error}"))
}

/// Queues the event, then removes the file, so that a crash loses nothing. Returns the identifier and the reason.
fn requeue(
    connection: &Connection,
    file: &Path,
    letter: DeadLetter,
) -> Result<(String, Option<String>), String> {
    let lane = letter.queue.as_deref().and_then(Lane::of_queue);
    store::requeue(
        connection,
        &letter.message_id,
        lane.unwrap_or(Lane::Uploads),
        &body_of(&letter.event),
        letter.first_sent_at,
    )
    .map_err(|error| format!("it could not be queued: {error}"))?;
    fs::remove_file(file)
        .map_err(|error| format!("it is queued, but its file could not be removed: {error}"))?;
    Ok((letter.message_id, letter.last_reason))
}

/// A time for log messages.
pub(crate) fn rfc3339(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn dead(id: &str) -> DeadMessage {
        DeadMessage {
            id: id.to_owned(),
            lane: Lane::Bulk,
            body: r#"{"Records":[{"s3":{"object":{"key":"uploads/my+cat%2B1.jpg"}}}]}"#.to_owned(),
            receive_count: 5,
            sent_at: datetime!(2026-01-02 03:04:05 UTC),
            since: datetime!(2026-01-02 03:09:05 UTC),
            reason: Some("the picture could not be fetched".to_owned()),
        }
    }

    #[test]
    fn a_dead_letter_is_readable_and_can_be_redriven() {
        let dir = tempfile::tempdir().unwrap();
        let letters = DeadLetters::open(dir.path()).unwrap();
        letters.write(&dead("one")).unwrap();
        letters.write(&dead("one")).unwrap();
        letters.write(&dead("two")).unwrap();
        assert_eq!(letters.count().unwrap(), 2);
        let file = dir.path().join("dead-letters/20260102T030905Z-one.json");
        let text: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert_eq!(text["key"], "uploads/my cat+1.jpg");
        assert_eq!(text["lastReason"], "the picture could not be fetched");
        let data_dir = dir.path().display();
        assert_eq!(
            text["putBackWith"],
            format!("sightline redrive --data-dir '{data_dir}' one")
        );

        let connection = store::open_database(&dir.path().join(store::DATABASE)).unwrap();
        let redriven = redrive(dir.path(), &["one".to_owned(), "three".to_owned()]).unwrap();
        assert_eq!(redriven.requeued, ["one"]);
        assert_eq!(redriven.reasons["one"], "the picture could not be fetched");
        assert_eq!(redriven.unknown, ["three"]);
        assert!(!file.exists());
        let (id, body, lane): (String, String, i64) = connection
            .query_row("SELECT id, body, lane FROM messages", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .unwrap();
        assert_eq!((id.as_str(), body), ("one", dead("one").body));
        assert_eq!(Lane::of_number(lane), Lane::Bulk);
    }

    #[test]
    fn any_text_is_redriven_unchanged() {
        let dir = tempfile::tempdir().unwrap();
        let letters = DeadLetters::open(dir.path()).unwrap();
        let connection = store::open_database(&dir.path().join(store::DATABASE)).unwrap();
        for body in ["hello", "\"hello\"", "{\"Records\":", "7", "[]", "\n"] {
            let message = DeadMessage {
                body: body.to_owned(),
                ..dead("one")
            };
            letters.write(&message).unwrap();
            assert_eq!(redrive(dir.path(), &[]).unwrap().requeued, ["one"]);
            let queued: String = connection
                .query_row("SELECT body FROM messages", [], |row| row.get(0))
                .unwrap();
            assert_eq!(queued, body);
            connection.execute("DELETE FROM messages", []).unwrap();
        }
    }

    #[test]
    fn a_file_that_is_no_dead_letter_stays_and_the_others_are_redriven() {
        let dir = tempfile::tempdir().unwrap();
        let letters = DeadLetters::open(dir.path()).unwrap();
        drop(store::open_database(&dir.path().join(store::DATABASE)).unwrap());
        letters.write(&dead("one")).unwrap();
        let broken = dir.path().join("dead-letters/broken.json");
        fs::write(&broken, "{").unwrap();
        let redriven = redrive(dir.path(), &[]).unwrap();
        assert_eq!(redriven.requeued, ["one"]);
        assert_eq!(redriven.failed.len(), 1);
        assert!(broken.exists());
    }

    #[test]
    fn redriving_a_message_that_is_still_in_the_database_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let letters = DeadLetters::open(dir.path()).unwrap();
        let connection = store::open_database(&dir.path().join(store::DATABASE)).unwrap();
        connection
            .execute("INSERT INTO messages (id, body, sent_at, visible_at, dead_since) VALUES ('one', '{}', 0, 0, 1)", [])
            .unwrap();
        letters.write(&dead("one")).unwrap();
        redrive(dir.path(), &[]).unwrap();
        // The last step of the server for a dead message.
        connection
            .execute(
                "DELETE FROM messages WHERE id = 'one' AND dead_since IS NOT NULL",
                [],
            )
            .unwrap();
        let count: i64 = connection
            .query_row("SELECT count(*) FROM messages", [], |row| row.get(0))
            .unwrap();
        assert_eq!(count, 1);
    }

    #[test]
    fn a_folder_without_a_queue_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            redrive(dir.path(), &[]),
            Err(RedriveError::NoQueue(_))
        ));
    }
}
