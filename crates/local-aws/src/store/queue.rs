//! The queue's table: messages that wait, messages in flight, and messages on their way to the dead letters.

use super::{Store, StoreError, from_millis, millis, now, unsigned};
use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::futures::Notified;
use uuid::Uuid;

/// A message handed out.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) receipt: String,
    pub(crate) body: String,
    pub(crate) receive_count: u32,
    pub(crate) sent_at: OffsetDateTime,
}

/// A message that is not tried again.
#[derive(Debug, Clone)]
pub(crate) struct Dead {
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) receive_count: u32,
    pub(crate) sent_at: OffsetDateTime,
    pub(crate) since: OffsetDateTime,
    pub(crate) reason: Option<String>,
}

impl Store {
    /// Takes up to `max` visible messages and hides them for `visibility`. A message that was handed out
    /// `max_receive_count` times already dies instead; the second number says how many did.
    pub(crate) async fn receive(
        &self,
        max: usize,
        visibility: Duration,
        max_receive_count: u32,
    ) -> Result<(Vec<Received>, usize), StoreError> {
        let receive = move |connection: &Connection| {
            let now = now();
            let hidden_until =
                now.saturating_add(i64::try_from(visibility.as_millis()).unwrap_or(i64::MAX));
            let mut received = Vec::new();
            let mut died = 0;
            let mut select = connection.prepare_cached(
                "SELECT sequence, id, body, receive_count, sent_at FROM messages
                 WHERE visible_at <= ?1 AND dead_since IS NULL ORDER BY visible_at, sequence LIMIT ?2",
            )?;
            let mut rows = select.query(params![now, i64::try_from(max).unwrap_or(i64::MAX)])?;
            let mut taken = Vec::new();
            while let Some(row) = rows.next()? {
                let sequence: i64 = row.get(0)?;
                taken.push((
                    sequence,
                    Received {
                        id: row.get(1)?,
                        receipt: Uuid::new_v4().simple().to_string(),
                        body: row.get(2)?,
                        receive_count: row.get(3)?,
                        sent_at: from_millis(row.get(4)?),
                    },
                ));
            }
            for (sequence, mut message) in taken {
                if message.receive_count >= max_receive_count {
                    connection
                        .prepare_cached(
                            "UPDATE messages SET dead_since = ?2, receipt = NULL,
                                 last_reason = coalesce(last_reason, 'it was received and neither answered nor given back')
                             WHERE sequence = ?1",
                        )?
                        .execute(params![sequence, now])?;
                    died += 1;
                    continue;
                }
                message.receive_count += 1;
                connection
                    .prepare_cached(
                        "UPDATE messages SET receive_count = ?2, receipt = ?3, visible_at = ?4 WHERE sequence = ?1",
                    )?
                    .execute(params![sequence, message.receive_count, message.receipt, hidden_until])?;
                received.push(message);
            }
            Ok((received, died))
        };
        self.inner
            .database
            .write(receive, |received| received)
            .await
    }

    /// How long until the next message becomes visible; zero when one is, `None` when the queue is empty.
    pub(crate) async fn until_visible(&self) -> Result<Option<Duration>, StoreError> {
        let next = |connection: &Connection| {
            let next: Option<i64> = connection
                .prepare_cached("SELECT min(visible_at) FROM messages WHERE dead_since IS NULL")?
                .query_row([], |row| row.get(0))?;
            Ok(next.map(|next| Duration::from_millis(unsigned(next.saturating_sub(now())))))
        };
        self.inner.database.read(next).await
    }

    /// Queues messages, all or none of them; their identifiers, in order.
    pub(crate) async fn send(&self, bodies: Vec<String>) -> Result<Vec<String>, StoreError> {
        let send = move |connection: &Connection| {
            let at = OffsetDateTime::now_utc();
            bodies
                .iter()
                .map(|body| insert(connection, body, at))
                .collect::<Result<Vec<_>, _>>()
        };
        let store = self.clone();
        let committed = move |ids| {
            store.announce_arrival();
            ids
        };
        self.inner.database.write(send, committed).await
    }

    /// Becomes ready when a message arrives after this call.
    pub(crate) fn arrival(&self) -> Notified<'_> {
        self.inner.arrivals.notified()
    }

    /// Wakes who waits for messages.
    pub(crate) fn announce_arrival(&self) {
        self.inner.arrivals.notify_waiters();
    }

    /// Removes a message in flight.
    pub(crate) async fn delete_message(&self, receipt: &str) -> Result<(), StoreError> {
        let receipt = receipt.to_owned();
        let delete = move |connection: &Connection| {
            connection
                .prepare_cached("DELETE FROM messages WHERE receipt = ?1")?
                .execute([receipt])?;
            Ok(())
        };
        self.inner.database.write(delete, |()| ()).await
    }

    /// Gives a message in flight back with a reason: visible after `delay(receive_count)`, or dead when it was
    /// handed out `max_receive_count` times. True when it died.
    pub(crate) async fn give_back(
        &self,
        receipt: &str,
        reason: &str,
        max_receive_count: u32,
        delay: impl FnOnce(u32) -> Duration + Send + 'static,
    ) -> Result<bool, StoreError> {
        let (receipt, reason) = (receipt.to_owned(), reason.to_owned());
        let give_back = move |connection: &Connection| {
            let count: Option<u32> = connection
                .prepare_cached("SELECT receive_count FROM messages WHERE receipt = ?1")?
                .query_row([&receipt], |row| row.get(0))
                .optional()?;
            let Some(count) = count else { return Ok(false) };
            let dies = count >= max_receive_count;
            let now = now();
            let visible_at =
                now.saturating_add(i64::try_from(delay(count).as_millis()).unwrap_or(i64::MAX));
            connection
                .prepare_cached(
                    "UPDATE messages SET receipt = NULL, visible_at = ?2, last_reason = ?3, dead_since = ?4
                     WHERE receipt = ?1",
                )?
                .execute(params![receipt, visible_at, reason, dies.then_some(now)])?;
            Ok(dies)
        };
        let store = self.clone();
        let committed = move |dies| {
            // Who waits must learn of the earlier time to wake.
            store.announce_arrival();
            dies
        };
        self.inner.database.write(give_back, committed).await
    }

    /// The dead that do not lie in the dead-letter folder yet.
    pub(crate) async fn dead(&self) -> Result<Vec<Dead>, StoreError> {
        let list = |connection: &Connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, body, receive_count, sent_at, dead_since, last_reason FROM messages
                 WHERE dead_since IS NOT NULL ORDER BY sequence",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(Dead {
                    id: row.get(0)?,
                    body: row.get(1)?,
                    receive_count: row.get(2)?,
                    sent_at: from_millis(row.get(3)?),
                    since: from_millis(row.get(4)?),
                    reason: row.get(5)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        self.inner.database.read(list).await
    }

    /// Forgets a dead message that lies in the folder now.
    pub(crate) async fn bury(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        let bury = move |connection: &Connection| {
            connection
                .prepare_cached("DELETE FROM messages WHERE id = ?1 AND dead_since IS NOT NULL")?
                .execute([id])?;
            Ok(())
        };
        self.inner.database.write(bury, |()| ()).await
    }

    /// How many messages wait, are in flight, and are dead but not in the folder yet.
    pub(crate) async fn message_counts(&self) -> Result<(u64, u64, u64), StoreError> {
        let count = |connection: &Connection| {
            let counts = connection
                .prepare_cached(
                    "SELECT count(*) FILTER (WHERE dead_since IS NULL AND (receipt IS NULL OR visible_at <= ?1)),
                            count(*) FILTER (WHERE dead_since IS NULL AND receipt IS NOT NULL AND visible_at > ?1),
                            count(*) FILTER (WHERE dead_since IS NOT NULL)
                     FROM messages",
                )?
                .query_row([now()], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?), unsigned(row.get(2)?))))?;
            Ok(counts)
        };
        self.inner.database.read(count).await
    }
}

/// Queues a message inside a transaction; its identifier.
pub(super) fn insert(
    connection: &Connection,
    body: &str,
    at: OffsetDateTime,
) -> Result<String, StoreError> {
    let id = Uuid::new_v4().to_string();
    connection
        .prepare_cached(
            "INSERT INTO messages (id, body, sent_at, visible_at) VALUES (?1, ?2, ?3, ?3)",
        )?
        .execute(params![id, body, millis(at)])?;
    Ok(id)
}

/// Queues a message that had died, with all its attempts before it again; it keeps its identifier. One that is
/// queued already stays as it is.
pub(crate) fn insert_again(
    connection: &Connection,
    id: &str,
    body: &str,
    sent_at: OffsetDateTime,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            // It is there as dead when it was put back before it was forgotten: without the update both its
            // row and its file would go.
            "INSERT INTO messages (id, body, sent_at, visible_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET
                 dead_since = NULL, receive_count = 0, visible_at = excluded.visible_at
             WHERE dead_since IS NOT NULL",
        )?
        .execute(params![id, body, millis(sent_at), now()])?;
    Ok(())
}

/// Makes visible at once what was in flight when the last process ended.
pub(super) fn release_in_flight(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.execute(
        "UPDATE messages SET receipt = NULL, visible_at = ?1 WHERE receipt IS NOT NULL",
        [now()],
    )?;
    Ok(())
}
