//! Days and times in queries.

use time::{
    Date, OffsetDateTime, Time, format_description::well_known::Rfc3339, macros::format_description,
};

/// The first and the last moment of a day such as `2026-01-31` (UTC), whose end is its last nanosecond; or of a time in RFC 3339,
/// twice. `None` if the text is neither.
#[must_use]
pub fn date_or_time(text: &str) -> Option<[OffsetDateTime; 2]> {
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return Some([time, time]);
    }
    let day = Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
    Some([Time::MIDNIGHT, Time::MAX].map(|time| day.with_time(time).assume_utc()))
}
