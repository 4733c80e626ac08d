//! Versions of an object, and which of two is newer. Events, leases, results and index rows each name a version.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// One version of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectVersion {
    /// ETag without quotes.
    pub e_tag: String,
    /// S3's version id, if the bucket has versioning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// S3's sequencer, if an event gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequencer: Option<String>,
    /// When the object was stored, to the second, if the object could be read.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "time::serde::rfc3339::option"
    )]
    pub last_modified: Option<OffsetDateTime>,
}

/// How one version relates to another of the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// It is the same.
    Same,
    /// It is newer.
    Newer,
    /// It is older, or it is unknown which is newer.
    NotNewer,
}

impl ObjectVersion {
    /// How `self` relates to `other`, a version of the same key.
    ///
    /// In a bucket with versioning, equal versions have equal version ids. Otherwise they have equal ETags and
    /// sequencers. If one of them has no sequencer (an event sent by hand or by a backfill, a result
    /// written without an event), the times of storing are compared instead, if both are known.
    /// The same bytes uploaded twice are two versions: the second upload may request other
    /// analyses.
    #[must_use]
    pub fn relation_to(&self, other: &Self) -> Relation {
        let order = match (&self.sequencer, &other.sequencer) {
            (Some(ours), Some(theirs)) => Some(compare_sequencers(ours, theirs)),
            _ => self
                .last_modified
                .zip(other.last_modified)
                .map(|(ours, theirs)| ours.unix_timestamp().cmp(&theirs.unix_timestamp())),
        };
        let same = match (&self.version_id, &other.version_id) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => self.e_tag == other.e_tag && order.is_none_or(Ordering::is_eq),
        };
        if same {
            Relation::Same
        } else if order == Some(Ordering::Greater) {
            Relation::Newer
        } else {
            Relation::NotNewer
        }
    }
}

/// Orders two sequencers of the same key: the shorter is padded with zeros on the right, then both
/// are compared character by character (Amazon S3 User Guide, "Event message structure").
#[must_use]
pub fn compare_sequencers(one: &str, other: &str) -> Ordering {
    let length = one.len().max(other.len());
    let padded = |sequencer: &str| {
        sequencer
            .bytes()
            .map(|digit| digit.to_ascii_uppercase())
            .chain(std::iter::repeat(b'0'))
            .take(length)
            .collect::<Vec<_>>()
    };
    padded(one).cmp(&padded(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(e_tag: &str, version_id: Option<&str>, sequencer: Option<&str>) -> ObjectVersion {
        ObjectVersion {
            e_tag: e_tag.into(),
            version_id: version_id.map(str::to_owned),
            sequencer: sequencer.map(str::to_owned),
            last_modified: None,
        }
    }

    #[test]
    fn sequencers_are_padded_on_the_right() {
        for (one, other, order) in [
            ("0055AED6DCD90281E5", "0055AED6DCD90281E6", Ordering::Less),
            ("0055AED6DCD90281E5", "0055aed6dcd90281e5", Ordering::Equal),
            ("0055", "00550000", Ordering::Equal),
            ("0055", "00550001", Ordering::Less),
            ("0056", "00550001", Ordering::Greater),
            ("9", "10", Ordering::Greater),
            ("", "0", Ordering::Equal),
        ] {
            assert_eq!(compare_sequencers(one, other), order, "{one} {other}");
            assert_eq!(compare_sequencers(other, one), order.reverse());
        }
    }

    #[test]
    fn version_ids_decide_in_a_bucket_with_versioning() {
        let first = version("e", Some("v1"), Some("01"));
        let second = version("e", Some("v2"), Some("02"));
        assert_eq!(first.relation_to(&first), Relation::Same);
        assert_eq!(second.relation_to(&first), Relation::Newer);
        assert_eq!(first.relation_to(&second), Relation::NotNewer);
        // One of them has no sequencer.
        assert_eq!(
            version("e", Some("v1"), None).relation_to(&first),
            Relation::Same
        );
    }

    #[test]
    fn without_version_ids_etag_and_sequencer_decide() {
        let first = version("e", None, Some("01"));
        let again = version("e", None, Some("02"));
        assert_eq!(again.relation_to(&first), Relation::Newer);
        assert_eq!(version("e", None, None).relation_to(&first), Relation::Same);
        assert_eq!(
            version("f", None, None).relation_to(&first),
            Relation::NotNewer
        );
        assert_eq!(
            version("f", None, Some("03")).relation_to(&again),
            Relation::Newer
        );
    }

    #[test]
    fn without_sequencers_the_times_of_storing_decide() {
        let stored = |sequencer, second| ObjectVersion {
            last_modified: Some(OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(second)),
            ..version("e", None, sequencer)
        };
        let queued_by_hand = stored(None, 10);
        // The same object with the sequencer of its own event, then the same bytes stored again.
        assert_eq!(
            stored(Some("01"), 10).relation_to(&queued_by_hand),
            Relation::Same
        );
        let again = stored(Some("02"), 11);
        assert_eq!(again.relation_to(&queued_by_hand), Relation::Newer);
        assert_eq!(queued_by_hand.relation_to(&again), Relation::NotNewer);
        assert_eq!(
            queued_by_hand.relation_to(&version("e", None, Some("01"))),
            Relation::Same
        );
        // If both have sequencers, these decide.
        assert_eq!(
            stored(Some("03"), 5).relation_to(&stored(Some("02"), 9)),
            Relation::Newer
        );
    }
}
