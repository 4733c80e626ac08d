//! [`MessageVisibility`] over SQS.

use aws_sdk_sqs::{Client, types::ChangeMessageVisibilityBatchRequestEntry};
use sightline_pipeline::{
    retries::{HiddenMessage, LONGEST_VISIBILITY, MessageVisibility},
    service_error::{Fate, Service, ServiceError},
};

use crate::error::read_error;

const OPERATION: &str = "ChangeMessageVisibilityBatch";

/// The most messages of a call (Amazon SQS API Reference, "ChangeMessageVisibilityBatch").
const MAX_ENTRIES: usize = 10;

/// The queues of SQS, or the one of the local endpoint.
#[derive(Debug, Clone)]
pub struct SqsVisibility {
    client: Client,
}

impl SqsVisibility {
    /// Uses this client.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client }
    }

    /// Sets the pauses of up to [`MAX_ENTRIES`] messages.
    async fn hide_some(&self, url: &str, messages: &[HiddenMessage]) -> Result<(), ServiceError> {
        let entries = messages
            .iter()
            .enumerate()
            .map(|(at, message)| {
                let seconds = message.pause.min(LONGEST_VISIBILITY).as_secs();
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(at.to_string())
                    .receipt_handle(&message.receipt)
                    .visibility_timeout(i32::try_from(seconds).unwrap_or_default())
                    .build()
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| {
                ServiceError::not_built(Service::Sqs, OPERATION, &error, Fate::Final)
            })?;
        let answer = self
            .client
            .change_message_visibility_batch()
            .queue_url(url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| read_error(Service::Sqs, OPERATION, &error))?;
        match answer.failed().first() {
            None => Ok(()),
            Some(failure) => Err(ServiceError::new(
                Service::Sqs,
                OPERATION,
                failure.code(),
                failure.message().unwrap_or_default(),
                if failure.sender_fault() {
                    Fate::Final
                } else {
                    Fate::RETRY
                },
            )),
        }
    }
}

impl MessageVisibility for SqsVisibility {
    async fn hide(&self, queue_arn: &str, messages: &[HiddenMessage]) -> Result<(), ServiceError> {
        let Some(url) = queue_url(queue_arn) else {
            let reason = format!("{queue_arn:?} is not the ARN of a queue");
            return Err(ServiceError::not_built(
                Service::Sqs,
                OPERATION,
                &reason,
                Fate::Final,
            ));
        };
        let mut first_error = Ok(());
        for messages in messages.chunks(MAX_ENTRIES) {
            first_error = first_error.and(self.hide_some(&url, messages).await);
        }
        first_error.map_err(|error| error.on(queue_arn))
    }
}

/// The URL of the queue with this ARN (Amazon SQS Developer Guide, "Queue and message identifiers"). Events name a queue by
/// its ARN, SQS takes its URL.
fn queue_url(arn: &str) -> Option<String> {
    let parts: Vec<_> = arn.split(':').collect();
    let ["arn", partition, "sqs", region, account, name] = parts.as_slice() else {
        return None;
    };
    let domain = if *partition == "aws-cn" {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    Some(format!("https://sqs.{region}.{domain}/{account}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_has_the_url_of_its_region_and_partition() {
        for (arn, url) in [
            (
                "arn:aws:sqs:eu-west-1:111122223333:uploads",
                Some("https://sqs.eu-west-1.amazonaws.com/111122223333/uploads"),
            ),
            (
                "arn:aws-cn:sqs:cn-north-1:111122223333:uploads",
                Some("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/uploads"),
            ),
            ("arn:aws:s3:::uploads", None),
            ("uploads", None),
        ] {
            assert_eq!(queue_url(arn).as_deref(), url);
        }
    }
}
