//! Times as the index stores them: milliseconds since 1970, in thirteen digits.

use time::OffsetDateTime;

/// The latest time that fits in thirteen digits, in the year 2286.
pub(super) const LATEST: i64 = 9_999_999_999_999;

/// Milliseconds since 1970. Times outside 1970 to 2286 are moved to the nearer end, so that thirteen digits suffice.
pub(super) fn milliseconds(time: OffsetDateTime) -> i64 {
    let milliseconds = time.unix_timestamp_nanos().div_euclid(1_000_000);
    i64::try_from(milliseconds.clamp(0, i128::from(LATEST))).unwrap_or_default()
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
        let last = time::macros::datetime!(9999-01-01 0:00 UTC);
        assert_eq!(milliseconds(last), 9_999_999_999_999);
    }
}
