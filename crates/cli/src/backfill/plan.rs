//! How long a backfill takes, and whether its queue can keep the messages for that long.

use std::time::Duration;

use sightline_pipeline::{
    Analyses,
    recognition::{backfill_rate, backfill_share, default_quota},
};

use crate::exit::CliError;

/// A minute, an hour and a day, in seconds.
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How much of the retention a backfill may use, in percent. The rest is for throttling and retries.
const USABLE_RETENTION: u32 = 90;

/// The speed at which a deployment analyses old pictures.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pace {
    /// Rekognition calls a second of the analysis with the smallest quota.
    calls: u32,
    /// Where that number comes from.
    origin: String,
}

impl Pace {
    /// The pace under this quota, or under the default one of the region.
    pub(super) fn new(quota: Option<u32>, region: &str, analyses: &Analyses) -> Self {
        match quota {
            Some(calls) => Self {
                calls,
                origin: "--rekognition-tps".to_owned(),
            },
            None => Self {
                calls: default_quota(region, analyses),
                origin: format!("the default quota in {region}"),
            },
        }
    }

    /// How long this many pictures take.
    pub(super) fn time(&self, pictures: u64) -> Duration {
        Duration::try_from_secs_f64(pictures as f64 / backfill_rate(self.calls))
            .unwrap_or(Duration::MAX)
    }

    /// How many pictures take at most this long.
    fn pictures(&self, time: Duration) -> u64 {
        (time.as_secs_f64() * backfill_rate(self.calls)) as u64
    }

    /// The number of messages that is an hour's work.
    pub(super) fn hourly(&self) -> u64 {
        self.pictures(Duration::from_secs(HOUR))
    }

    /// How long it takes, in a sentence.
    pub(super) fn sentence(&self, pictures: u64) -> String {
        format!(
            "Their analysis takes about {}: {} allows {} Rekognition calls a second of each kind, and a backfill gets {} % of them.",
            span(self.time(pictures)),
            self.origin,
            self.calls,
            backfill_share()
        )
    }

    /// Checks that the last message is processed before the queue drops it.
    ///
    /// # Errors
    /// If the pictures and the messages that are already in the queue take longer than the queue keeps messages.
    pub(super) fn check(
        &self,
        pictures: u64,
        waiting: u64,
        retention: Duration,
    ) -> Result<(), CliError> {
        let usable = retention * USABLE_RETENTION / 100;
        let time = self.time(pictures.saturating_add(waiting));
        if time <= usable {
            return Ok(());
        }
        let advice = match self.pictures(usable).saturating_sub(waiting) {
            0 => "wait until the queue is shorter".to_owned(),
            fitting => format!(
                "queue a part of them with --limit {fitting}, and the rest by the same command when the queue is empty"
            ),
        };
        Err(CliError::Usage(format!(
            "the analysis takes about {}, but the queue drops messages after {}; {advice}, or have the quota raised and \
             set --rekognition-tps",
            span(time),
            span(retention)
        )))
    }
}

/// A time in its two largest units, such as `7 days 17 hours`.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let unit = |count: u64, name: &str| {
        let plural = if count == 1 { "" } else { "s" };
        (count > 0).then(|| format!("{count} {name}{plural}"))
    };
    let units = [
        unit(seconds / DAY, "day"),
        unit(seconds % DAY / HOUR, "hour"),
        unit(seconds % HOUR / MINUTE, "minute"),
    ];
    let shown: Vec<_> = units
        .into_iter()
        .skip_while(Option::is_none)
        .take(2)
        .flatten()
        .collect();
    if shown.is_empty() {
        "a minute".to_owned()
    } else {
        shown.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(region: &str) -> Pace {
        Pace::new(None, region, &"labels,image-properties".parse().unwrap())
    }

    #[test]
    fn the_quota_of_the_region_decides_how_long_a_backfill_takes() {
        assert_eq!(
            pace("eu-central-1").sentence(1_000_000),
            "Their analysis takes about 9 days 15 hours: the default quota in eu-central-1 allows 5 Rekognition calls a \
             second of each kind, and a backfill gets 24 % of them."
        );
        assert!(pace("us-east-1").sentence(1_000_000).contains("23 hours"));
        let raised = Pace::new(Some(500), "eu-central-1", &"labels".parse().unwrap());
        assert!(
            raised
                .sentence(1_000_000)
                .contains("2 hours 18 minutes: --rekognition-tps")
        );
        assert_eq!(raised.hourly(), 432_000);
    }

    #[test]
    fn what_outlasts_the_queue_is_refused_with_what_fits() {
        let week = Duration::from_secs(7 * DAY);
        let pace = pace("eu-central-1");
        assert!(pace.check(650_000, 0, week).is_ok());
        let refused =
            |pictures, waiting| pace.check(pictures, waiting, week).unwrap_err().to_string();
        assert_eq!(
            refused(1_000_000, 0),
            "the analysis takes about 9 days 15 hours, but the queue drops messages after 7 days; queue a part of them with \
             --limit 653184, and the rest by the same command when the queue is empty, or have the quota raised and set \
             --rekognition-tps"
        );
        assert!(pace.check(653_184, 0, week).is_ok());
        assert!(refused(653_184, 10_000).contains("--limit 643184"));
        assert!(refused(1, 900_000).contains("wait until the queue is shorter"));
    }

    #[test]
    fn spans_have_two_units() {
        for (seconds, text) in [
            (0, "a minute"),
            (61, "1 minute"),
            (3600, "1 hour"),
            (7260, "2 hours 1 minute"),
            (DAY + 59, "1 day"),
            (4 * DAY + 2 * HOUR + 120, "4 days 2 hours"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }
}
