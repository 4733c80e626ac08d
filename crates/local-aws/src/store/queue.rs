//! The queue's table: visible messages, messages in flight, and dead messages that are not in their folder yet.

use super::{
    error::StoreError,
    handle::Store,
    space::Space,
    values::{from_millis, millis, steady_now, unsigned},
};
use crate::lane::Lane;
use rusqlite::{Connection, params};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::futures::Notified;
use uuid::Uuid;

/// A received message.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) receipt: String,
    pub(crate) body: String,
    pub(crate) receive_count: u32,
    pub(crate) sent_at: OffsetDateTime,
}

/// A message that is not retried.
#[derive(Debug, Clone)]
pub(crate) struct DeadMessage {
    pub(crate) id: String,
    pub(crate) lane: Lane,
    pub(crate) body: String,
    pub(crate) receive_count: u32,
    pub(crate) sent_at: OffsetDateTime,
    pub(crate) since: OffsetDateTime,
    pub(crate) reason: Option<String>,
}

impl Store {
    /// Receives up to `max` visible messages of a lane and hides them for `visibility`. A message that was already received
    /// `max_receive_count` times is marked dead instead; the second value is the number of those.
    pub(crate) async fn receive(
        &self,
        lane: Lane,
        max: usize,
        visibility: Duration,
        max_receive_count: u32,
    ) -> Result<(Vec<Received>, usize), StoreError> {
        let receive = move |connection: &Connection| {
            let now = steady_now();
            let hidden_until =
                now.saturating_add(i64::try_from(visibility.as_millis()).unwrap_or(i64::MAX));
            let mut received = Vec::new();
            let mut dead = 0;
            let mut select = connection.prepare_cached(
                "SELECT sequence, id, body, receive_count, sent_at FROM messages
                 WHERE lane = ?3 AND visible_at <= ?1 AND dead_since IS NULL
                 ORDER BY visible_at, sequence LIMIT ?2",
            )?;
            let mut rows = select.query(params![
                now,
                i64::try_from(max).unwrap_or(i64::MAX),
                lane.number()
            ])?;
            let mut visible = Vec::new();
            while let Some(row) = rows.next()? {
                let sequence: i64 = row.get(0)?;
                visible.push((
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
            for (sequence, mut message) in visible {
                if message.receive_count >= max_receive_count {
                    connection
                        .prepare_cached(
                            "UPDATE messages SET dead_since = ?2, receipt = NULL,
                                 last_reason = coalesce(last_reason, 'it was received but neither deleted nor retried')
                             WHERE sequence = ?1",
                        )?
                        .execute(params![sequence, millis(OffsetDateTime::now_utc())])?;
                    dead += 1;
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
            Ok((received, dead))
        };
        self.inner
            .database
            .write(receive, |received| received)
            .await
    }

    /// The time until the next message of a lane becomes visible. Zero if one is visible, `None` if the lane is empty.
    pub(crate) async fn until_visible(&self, lane: Lane) -> Result<Option<Duration>, StoreError> {
        let next = move |connection: &Connection| {
            let next: Option<i64> = connection
                .prepare_cached(
                    "SELECT min(visible_at) FROM messages WHERE lane = ?1 AND dead_since IS NULL",
                )?
                .query_row([lane.number()], |row| row.get(0))?;
            Ok(next.map(|next| Duration::from_millis(unsigned(next.saturating_sub(steady_now())))))
        };
        self.inner.database.read(next).await
    }

    /// Queues all messages in a lane, or none. Returns their identifiers in order.
    pub(crate) async fn send(
        &self,
        lane: Lane,
        bodies: Vec<String>,
    ) -> Result<Vec<String>, StoreError> {
        let send = move |connection: &Connection| {
            let at = OffsetDateTime::now_utc();
            bodies
                .iter()
                .map(|body| insert_into(connection, lane, body, at))
                .collect::<Result<Vec<_>, _>>()
        };
        self.inner.space.admit(0)?;
        let store = self.clone();
        let committed = move |ids| {
            store.notify_receivers();
            ids
        };
        self.inner.database.write(send, committed).await
    }

    /// The disk's free space.
    pub(crate) fn space(&self) -> &Space {
        &self.inner.space
    }

    /// Completes when a message is added after this call.
    pub(crate) fn message_notification(&self) -> Notified<'_> {
        self.inner.new_messages.notified()
    }

    /// Wakes all receivers.
    pub(crate) fn notify_receivers(&self) {
        self.inner.new_messages.notify_waiters();
    }

    /// Deletes a message in flight.
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

    /// Ends the receive of a message in flight, and records why. It stays invisible until its visibility timeout ends.
    pub(crate) async fn fail_message(&self, receipt: &str, reason: &str) -> Result<(), StoreError> {
        let (receipt, reason) = (receipt.to_owned(), reason.to_owned());
        let fail = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "UPDATE messages SET receipt = NULL, last_reason = ?2 WHERE receipt = ?1",
                )?
                .execute(params![receipt, reason])?;
            Ok(())
        };
        self.inner.database.write(fail, |()| ()).await
    }

    /// Makes a message in flight visible after `visibility`, counted from now. Returns whether it was in flight.
    pub(crate) async fn change_visibility(
        &self,
        lane: Lane,
        receipt: &str,
        visibility: Duration,
    ) -> Result<bool, StoreError> {
        let receipt = receipt.to_owned();
        let change = move |connection: &Connection| {
            let now = steady_now();
            let visible_at =
                now.saturating_add(i64::try_from(visibility.as_millis()).unwrap_or(i64::MAX));
            let changed = connection
                .prepare_cached(
                    "UPDATE messages SET visible_at = ?2 WHERE receipt = ?1 AND visible_at > ?3 AND lane = ?4",
                )?
                .execute(params![receipt, visible_at, now, lane.number()])?;
            Ok(changed > 0)
        };
        let store = self.clone();
        let committed = move |changed| {
            // Receivers may have to wake earlier now.
            store.notify_receivers();
            changed
        };
        self.inner.database.write(change, committed).await
    }

    /// The dead messages that are not in the dead-letter folder yet.
    pub(crate) async fn dead_messages(&self) -> Result<Vec<DeadMessage>, StoreError> {
        let list = |connection: &Connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, body, receive_count, sent_at, dead_since, last_reason, lane FROM messages
                 WHERE dead_since IS NOT NULL ORDER BY sequence",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(DeadMessage {
                    id: row.get(0)?,
                    body: row.get(1)?,
                    receive_count: row.get(2)?,
                    sent_at: from_millis(row.get(3)?),
                    since: from_millis(row.get(4)?),
                    reason: row.get(5)?,
                    lane: Lane::of_number(row.get(6)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        self.inner.database.read(list).await
    }

    /// Removes a dead message that is in the folder now.
    pub(crate) async fn remove_dead(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        let remove = move |connection: &Connection| {
            connection
                .prepare_cached("DELETE FROM messages WHERE id = ?1 AND dead_since IS NOT NULL")?
                .execute([id])?;
            Ok(())
        };
        self.inner.database.write(remove, |()| ()).await
    }

    /// The number of messages of a lane that are visible now and later.
    pub(crate) async fn lane_counts(&self, lane: Lane) -> Result<[u64; 2], StoreError> {
        let count = move |connection: &Connection| {
            let counts = connection
                .prepare_cached(
                    "SELECT count(*) FILTER (WHERE visible_at <= ?1),
                            count(*) FILTER (WHERE visible_at > ?1)
                     FROM messages WHERE lane = ?2 AND dead_since IS NULL",
                )?
                .query_row([steady_now(), lane.number()], |row| {
                    Ok([row.get(0)?, row.get(1)?].map(unsigned))
                })?;
            Ok(counts)
        };
        self.inner.database.read(count).await
    }

    /// The number of messages that are visible, in flight, and dead but not in the folder yet.
    pub(crate) async fn message_counts(&self) -> Result<(u64, u64, u64), StoreError> {
        let count = |connection: &Connection| {
            let counts = connection
                .prepare_cached(
                    "SELECT count(*) FILTER (WHERE dead_since IS NULL AND (receipt IS NULL OR visible_at <= ?1)),
                            count(*) FILTER (WHERE dead_since IS NULL AND receipt IS NOT NULL AND visible_at > ?1),
                            count(*) FILTER (WHERE dead_since IS NOT NULL)
                     FROM messages",
                )?
                .query_row([steady_now()], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?), unsigned(row.get(2)?))))?;
            Ok(counts)
        };
        self.inner.database.read(count).await
    }
}

/// Queues an event of the input bucket inside a transaction. Returns the message's identifier.
pub(super) fn insert(
    connection: &Connection,
    body: &str,
    at: OffsetDateTime,
) -> Result<String, StoreError> {
    insert_into(connection, Lane::Uploads, body, at)
}

fn insert_into(
    connection: &Connection,
    lane: Lane,
    body: &str,
    at: OffsetDateTime,
) -> Result<String, StoreError> {
    let id = Uuid::new_v4().to_string();
    connection
        .prepare_cached(
            "INSERT INTO messages (id, body, sent_at, visible_at, lane) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![id, body, millis(at), steady_now(), lane.number()])?;
    Ok(id)
}

/// Queues a dead message again in its lane with its identifier and no attempts. Does nothing if it is already queued.
pub(crate) fn requeue(
    connection: &Connection,
    id: &str,
    lane: Lane,
    body: &str,
    sent_at: OffsetDateTime,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            // The row may still exist as dead. Without the update, its removal would lose the message.
            // Visible at once, whatever clock the server goes by.
            "INSERT INTO messages (id, body, sent_at, visible_at, lane) VALUES (?1, ?2, ?3, 0, ?4)
             ON CONFLICT (id) DO UPDATE SET
                 dead_since = NULL, receive_count = 0, visible_at = excluded.visible_at
             WHERE dead_since IS NOT NULL",
        )?
        .execute(params![id, body, millis(sent_at), lane.number()])?;
    Ok(())
}
