//! Counts the analyses of owners.

use aws_sdk_dynamodb::config::{Builder, retry::RetryConfig};
use sightline_pipeline::{backoff::pauses, service_error::ServiceError};
use time::{Date, Duration};

use super::{
    DynamoIndex,
    item::{Item, analyses_pk, n, s},
    write::{ATTEMPTS, FIRST_PAUSE, LONGEST_PAUSE},
};
use crate::error::is_busy;

/// How long after the begin of its day a count expires.
const RETENTION: Duration = Duration::days(3);

impl DynamoIndex {
    pub(super) async fn add_analyses(
        &self,
        owner: &str,
        day: Date,
        analyses: u64,
        limit: u64,
    ) -> Result<bool, ServiceError> {
        let Some(most_before) = limit.checked_sub(analyses) else {
            return Ok(false);
        };
        let expires = (day.midnight().assume_utc() + RETENTION).unix_timestamp();
        let mut pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE, ATTEMPTS);
        loop {
            let answer = self
                .client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(key(owner, day)))
                .update_expression("ADD analyses :by SET expires = :expires")
                .condition_expression("attribute_not_exists(analyses) OR analyses <= :most")
                .expression_attribute_values(":by", n(analyses))
                .expression_attribute_values(":expires", n(expires))
                .expression_attribute_values(":most", n(most_before))
                .send()
                .await;
            let Err(error) = answer else { return Ok(true) };
            let error = self.error("UpdateItem", &error);
            if error.code == "ConditionalCheckFailedException" {
                return Ok(false);
            }
            match pauses.next().filter(|_| is_busy(&error.code)) {
                Some(pause) => self.pause(pause).await,
                None => return Err(error),
            }
        }
    }

    /// Not tried again, by the SDK neither: an update whose reply is lost would be made twice, and the limit exceeded. Once too few
    /// only makes the count too high.
    pub(super) async fn subtract_analyses(
        &self,
        owner: &str,
        day: Date,
        analyses: u64,
    ) -> Result<(), ServiceError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(owner, day)))
            .update_expression("SET analyses = analyses - :by")
            // A count of an owner who was forgotten meanwhile must not come back.
            .condition_expression("analyses >= :by")
            .expression_attribute_values(":by", n(analyses))
            .customize()
            .config_override(Builder::new().retry_config(RetryConfig::disabled()))
            .send()
            .await;
        match answer.map_err(|error| self.error("UpdateItem", &error)) {
            Err(error) if error.code != "ConditionalCheckFailedException" => Err(error),
            _ => Ok(()),
        }
    }
}

fn key(owner: &str, day: Date) -> Item {
    Item::from([
        ("pk".to_owned(), s(analyses_pk(owner))),
        ("sk".to_owned(), s(day.to_string())),
    ])
}
