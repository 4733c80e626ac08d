//! Times as the index stores them: milliseconds since 1970, in thirteen digits.

use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// The earliest time.
pub(super) const EARLIEST: i64 = 0;

/// The latest time that fits in thirteen digits, in the year 2286.
pub(super) const LATEST: i64 = 9_999_999_999_999;

/// Milliseconds since 1970. Times outside 1970 to 2286 are moved to the nearer end, so that thirteen digits suffice.
pub(super) fn milliseconds(time: OffsetDateTime) -> i64 {
    let milliseconds = time.unix_timestamp_nanos().div_euclid(1_000_000);
    i64::try_from(milliseconds.clamp(i128::from(EARLIEST), i128::from(LATEST))).unwrap_or_default()
}

/// Milliseconds since 1970 of a time as `image.takenAt` of a document has it, such as `2024-05-01T13:20:05+02:00`. The offset does not
/// count: days are those of the camera's clock. `None` if it is malformed.
pub(super) fn taken_milliseconds(taken_at: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(taken_at, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(&format!("{taken_at}Z"), &Rfc3339))
        .ok()?;
    Some(milliseconds(time.replace_offset(UtcOffset::UTC)))
}

/// The time to the millisecond.
pub(super) fn to_millisecond(time: OffsetDateTime) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds(time)) * 1_000_000)
        .unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_fit_in_thirteen_digits() {
        let time = OffsetDateTime::from_unix_timestamp_nanos(1_234_567_890_123_456_789).unwrap();
        assert_eq!(milliseconds(time), 1_234_567_890_123);
        assert_eq!(milliseconds(to_millisecond(time)), 1_234_567_890_123);
        assert_eq!(
            milliseconds(OffsetDateTime::UNIX_EPOCH - time::Duration::DAY),
            0
        );
        assert_eq!(
            taken_milliseconds("2024-05-01T13:20:05"),
            Some(1_714_569_605_000)
        );
        assert_eq!(
            taken_milliseconds("2024-05-01T13:20:05+02:00"),
            Some(1_714_569_605_000)
        );
        assert_eq!(taken_milliseconds("2024-05-32T13:20:05"), None);
        let last = time::macros::datetime!(9999-01-01 0:00 UTC);
        assert_eq!(milliseconds(last), 9_999_999_999_999);
    }
}
