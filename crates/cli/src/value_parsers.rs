//! Parsers of values that several commands take.

/// A percentage from 0 to 100.
pub(crate) fn percent(text: &str) -> Result<f32, String> {
    text.parse()
        .ok()
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| "expected a number from 0 to 100".to_owned())
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
    fn s3_urls_need_a_bucket() {
        assert_eq!(split_s3_url("s3://b/a/c.jpg"), Some(("b", "a/c.jpg")));
        assert_eq!(split_s3_url("s3://b/"), Some(("b", "")));
        assert_eq!(split_s3_url("s3://b"), Some(("b", "")));
        for wrong in ["s3://", "s3:///key", "b/key", "https://b/key"] {
            assert_eq!(split_s3_url(wrong), None, "{wrong}");
        }
    }
}
