//! Parsers of values that commands take.

use std::str::FromStr;

use sightline_upload_api::date_or_time;
use time::OffsetDateTime;

/// A percentage from 0 to 100.
pub(crate) fn percent(text: &str) -> Result<f32, String> {
    text.parse()
        .ok()
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| "expected a number from 0 to 100".to_owned())
}

/// A number of pictures, or 0 for all.
pub(crate) fn number_of_pictures(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| "expected a whole number, such as 50, or 0 for all".to_owned())
}

/// A day, or a time in RFC 3339, as `GET /images` takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DateOrTime {
    /// As it was typed.
    pub(crate) text: String,
    /// Its first moment.
    pub(crate) first: OffsetDateTime,
    /// Its last moment.
    pub(crate) last: OffsetDateTime,
}

impl FromStr for DateOrTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let [first, last] = date_or_time(text).ok_or_else(|| {
            "expected a date such as 2026-01-31, or a time such as 2026-01-31T18:30:00Z".to_owned()
        })?;
        let text = text.to_owned();
        Ok(Self { text, first, last })
    }
}

/// Splits `s3://bucket/key` into bucket and key. The key may be empty; the slash before it may then be missing, too.
pub(crate) fn split_s3_url(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("s3://")?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    (!bucket.is_empty()).then_some((bucket, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_from_0_to_100() {
        assert_eq!(percent("0"), Ok(0.0));
        assert_eq!(percent("99.5"), Ok(99.5));
        for wrong in ["", "-1", "100.1", "NaN", "many"] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn dates_are_days_or_times() {
        let parsed = |text: &str| text.parse::<DateOrTime>();
        let day = parsed("2026-01-31").unwrap();
        assert_eq!((day.last - day.first).whole_seconds(), 86_399);
        let time = parsed("2026-01-31T18:30:00+01:00").unwrap();
        assert!(time.first == time.last && day.first < time.first);
        for wrong in [
            "",
            "yesterday",
            "2026-13-01",
            "31.1.2026",
            "2026-01-31 18:30",
        ] {
            let error = parsed(wrong).unwrap_err();
            assert!(error.contains("2026-01-31"), "{wrong}: {error}");
        }
    }

    #[test]
    fn s3_urls_need_a_bucket() {
        assert_eq!(split_s3_url("s3://b/a/c.jpg"), Some(("b", "a/c.jpg")));
        assert_eq!(split_s3_url("s3://b/"), Some(("b", "")));
        assert_eq!(split_s3_url("s3://b"), Some(("b", "")));
        for wrong in ["s3://", "s3:///key", "b/key", "https://b/key"] {
            assert_eq!(split_s3_url(wrong), None, "{wrong}");
        }
    }
}
