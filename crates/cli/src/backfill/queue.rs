//! The queue of the processor.

use std::time::Duration;

use anyhow::{Context as _, bail};
use aws_config::SdkConfig;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use sightline_aws::read_error;
use sightline_pipeline::{Service, backoff::pauses};

use super::{bucket::ListedPicture, event};
use crate::aws;

/// The maximum number of messages in a batch (Amazon SQS Developer Guide, "Message quotas").
pub(super) const MAX_BATCH: usize = 10;
/// How often a message that the queue rejects is sent.
const ATTEMPTS: usize = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(400);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The queue for backfills in the local mode.
const DEFAULT_NAME: &str = "sightline-bulk";

/// What a queue says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct QueueState {
    /// About how many messages are not processed yet.
    pub(super) waiting: u64,
    /// How long messages are kept.
    pub(super) retention: Duration,
}

/// Sends messages to a queue.
pub(super) struct QueueSender {
    client: aws_sdk_sqs::Client,
    url: String,
    region: String,
}

impl QueueSender {
    /// A sender to the queue with this URL, or to the queue named `sightline-bulk` of the account.
    ///
    /// # Errors
    /// When no URL is given and there is no such queue.
    pub(super) async fn new(
        sdk: &SdkConfig,
        region: String,
        url: Option<String>,
    ) -> anyhow::Result<Self> {
        let client = aws_sdk_sqs::Client::new(sdk);
        let url = match url {
            Some(url) => url,
            None => client
                .get_queue_url()
                .queue_name(DEFAULT_NAME)
                .send()
                .await
                .map_err(|error| {
                    aws::command_error(
                        "cannot find the queue; set its URL with --queue-url (or SIGHTLINE_QUEUE_URL)"
                            .to_owned(),
                        &read_error(Service::Sqs, "GetQueueUrl", &error),
                    )
                })?
                .queue_url
                .context("the queue has no URL; set it with --queue-url (or SIGHTLINE_QUEUE_URL)")?,
        };
        Ok(Self {
            client,
            url,
            region,
        })
    }

    /// The URL of the queue.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Asks the queue.
    ///
    /// # Errors
    /// When the queue cannot be reached or rejects the request.
    pub(super) async fn state(&self) -> anyhow::Result<QueueState> {
        let output = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .set_attribute_names(Some(vec![
                QueueAttributeName::ApproximateNumberOfMessages,
                QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
                QueueAttributeName::MessageRetentionPeriod,
            ]))
            .send()
            .await
            .map_err(|error| {
                aws::command_error(
                    "cannot ask the queue how many messages wait".to_owned(),
                    &read_error(Service::Sqs, "GetQueueAttributes", &error),
                )
            })?;
        let number = |name: QueueAttributeName| -> anyhow::Result<u64> {
            output
                .attributes()
                .and_then(|attributes| attributes.get(&name))
                .and_then(|value| value.parse().ok())
                .with_context(|| format!("the queue did not say its {name}"))
        };
        Ok(QueueState {
            waiting: number(QueueAttributeName::ApproximateNumberOfMessages)?
                + number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)?,
            retention: Duration::from_secs(number(QueueAttributeName::MessageRetentionPeriod)?),
        })
    }

    /// Sends a message for each picture, at most [`MAX_BATCH`]. Repeats those that the queue rejects.
    ///
    /// # Errors
    /// When the queue cannot be reached, or rejects a message for good.
    pub(super) async fn send(
        &self,
        bucket: &str,
        pictures: &[ListedPicture],
    ) -> anyhow::Result<()> {
        let mut entries = pictures
            .iter()
            .enumerate()
            .map(|(index, picture)| {
                SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(event::object_created(bucket, &self.region, picture)?)
                    .build()
                    .context("cannot build the message")
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let mut pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE, ATTEMPTS);
        loop {
            let output = self
                .client
                .send_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries.clone()))
                .send()
                .await
                .map_err(|error| {
                    aws::command_error(
                        "cannot send messages to the queue".to_owned(),
                        &read_error(Service::Sqs, "SendMessageBatch", &error),
                    )
                })?;
            let failures = output.failed();
            let Some(failure) = failures.first() else {
                return Ok(());
            };
            let is_final = failures.iter().any(|failure| failure.sender_fault());
            let Some(pause) = pauses.next().filter(|_| !is_final) else {
                bail!(
                    "the queue rejected a message: {} {}",
                    failure.code(),
                    failure.message().unwrap_or_default()
                );
            };
            entries.retain(|entry| failures.iter().any(|failure| failure.id() == entry.id()));
            tokio::time::sleep(pause).await;
        }
    }
}
