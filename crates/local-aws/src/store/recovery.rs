//! What opening a store repairs after the last process ended.

use super::values::now;
use rusqlite::Connection;
use std::collections::HashSet;

/// Makes the messages visible that were in flight when the last process ended.
pub(super) fn release_in_flight(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.execute(
        "UPDATE messages SET receipt = NULL, visible_at = ?1 WHERE receipt IS NOT NULL",
        [now()],
    )?;
    Ok(())
}

/// The names of all files that the database refers to.
pub(super) fn referenced_blobs(
    connection: &Connection,
) -> Result<HashSet<String>, rusqlite::Error> {
    let mut statement =
        connection.prepare("SELECT blob FROM objects UNION ALL SELECT blob FROM parts")?;
    statement.query_map([], |row| row.get(0))?.collect()
}
