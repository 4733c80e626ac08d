//! Converts between the database's values and Rust's.

use std::{sync::LazyLock, time::Instant};
use time::OffsetDateTime;

/// The time as the database stores it: milliseconds since 1970.
pub(super) fn now() -> i64 {
    millis(OffsetDateTime::now_utc())
}

/// A time for delays, in milliseconds since 1970 by the clock at the start of the process. It goes on evenly when the clock
/// is set.
pub(super) fn steady_now() -> i64 {
    static START: LazyLock<(Instant, i64)> = LazyLock::new(|| (Instant::now(), now()));
    let elapsed = i64::try_from(START.0.elapsed().as_millis()).unwrap_or(i64::MAX);
    START.1.saturating_add(elapsed)
}

pub(super) fn millis(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

pub(super) fn from_millis(millis: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// SQLite's integers are signed. Sizes never exceed them.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// The text of a key column, which is always UTF-8.
pub(super) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
