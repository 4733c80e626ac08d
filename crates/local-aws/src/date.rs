//! The header `Date`.

use http::HeaderValue;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// RFC 9110, section 5.6.7.
const FORMAT: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// The clock's time.
pub(crate) fn now() -> Option<HeaderValue> {
    format(OffsetDateTime::now_utc())
}

fn format(time: OffsetDateTime) -> Option<HeaderValue> {
    HeaderValue::try_from(time.format(FORMAT).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn dates_have_the_format_of_http() {
        let date = format(datetime!(1994-11-06 08:49:37 UTC)).unwrap();
        assert_eq!(date, "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
