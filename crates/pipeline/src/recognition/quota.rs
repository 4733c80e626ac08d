//! Rekognition's default quotas and how a deployment divides them, from `quotas.json`. The CDK app reads the same file.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use crate::{Analyses, Analysis};

static QUOTAS: LazyLock<Quotas> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the file is compiled in, and a test reads it"
    )]
    serde_json::from_str(include_str!("quotas.json")).expect("quotas.json has every quota")
});

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Quotas {
    /// Where the quotas come from.
    #[expect(dead_code, reason = "documents the file")]
    source: String,
    /// The regions with the larger quotas.
    large_regions: Vec<String>,
    /// By the analyses' names.
    calls_per_second: BTreeMap<String, Quota>,
    shares_percent: Shares,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Quota {
    large: u32,
    other: u32,
}

/// What parts of the deployment get of the quota. Uploads get the rest.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shares {
    image_requests: u32,
    backfill: u32,
}

/// AWS's default quota in the region, in calls a second: that of the analysis with the smallest one.
#[must_use]
pub fn default_quota(region: &str, analyses: &Analyses) -> u32 {
    let is_large = QUOTAS.large_regions.iter().any(|large| large == region);
    Analysis::ALL
        .into_iter()
        .filter(|analysis| analyses.contains(*analysis))
        .filter_map(|analysis| QUOTAS.calls_per_second.get(analysis.name()))
        .map(|quota| if is_large { quota.large } else { quota.other })
        .min()
        .unwrap_or_default()
}

/// How many pictures a second a backfill may analyse under a quota of `calls` a second, each with one call of each operation.
#[must_use]
pub fn backfill_rate(calls: u32) -> f64 {
    f64::from(calls * backfill_share()) / 100.0
}

/// The share of the quota that a backfill gets, in percent: its part of what `POST /images` leaves.
#[must_use]
pub fn backfill_share() -> u32 {
    let shares = &QUOTAS.shares_percent;
    100_u32.saturating_sub(shares.image_requests) * shares.backfill / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_analysis_has_a_quota_and_the_smallest_counts() {
        for analysis in Analysis::ALL {
            let one = Analyses::from_iter([analysis]);
            assert!(default_quota("eu-central-1", &one) >= 5, "{analysis}");
        }
        let quota = |region: &str, names: &str| default_quota(region, &names.parse().unwrap());
        assert_eq!(quota("eu-west-1", "labels,faces"), 50);
        assert_eq!(quota("eu-central-1", "labels,faces"), 5);
        assert_eq!(quota("eu-central-1", "faces"), 25);
        assert_eq!(quota("us-east-1", "labels,ppe"), 5);
        assert_eq!(backfill_rate(50), 12.0);
    }
}
