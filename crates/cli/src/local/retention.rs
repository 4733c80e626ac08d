//! Deletes old results, as the lifecycle rules of the bucket do on AWS.

use std::time::Duration;

use sightline_aws::S3Store;
use sightline_pipeline::index::{ImageIndex, retention::expire};
use time::OffsetDateTime;
use tokio::sync::watch;

/// How often old results are deleted.
const INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Deletes results older than this number of days, at once and then every hour, until the server stops.
pub(super) async fn run(
    store: S3Store,
    index: impl ImageIndex,
    output_bucket: String,
    days: u32,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let until = OffsetDateTime::now_utc() - time::Duration::days(days.into());
        match expire(&store, &index, &output_bucket, until).await {
            Ok(0) => {}
            Ok(expired) => tracing::info!(expired, days, "deleted old results"),
            Err(error) => tracing::warn!(%error, "old results are deleted in an hour"),
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}
