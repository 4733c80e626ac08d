//! Writes, replaces and removes images, in as many transactions as that takes.

use std::time::Duration;

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        Delete, Put as PutItem, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
    },
};
use sightline_pipeline::{
    SourceKey,
    backoff::pauses,
    index::{
        Deletion, Entry, Put,
        precedence::{IndexRecord, Removal},
    },
    service_error::{Fate, Service, ServiceError},
};
use time::OffsetDateTime;
use tokio::time::sleep;
use uuid::Uuid;

use super::{
    DynamoIndex,
    item::{
        DesiredRecord, IMAGE, Item, StoredRecord, Terms, count_pk, image_item, image_pk, kind_of,
        n, s, shard, term_item,
    },
};

/// The most actions in a transaction (Amazon DynamoDB Developer Guide, "Quotas").
const MAX_ACTIONS: usize = 100;

/// How often a write that conflicts with others is attempted before the caller has to retry. With the
/// pauses, this takes about ten seconds.
const ATTEMPTS: usize = 12;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Why a transaction failed.
enum TransactionError {
    /// The image item has changed since it was read.
    Changed,
    /// Another transaction was writing one of the items.
    Conflict,
    /// Any other error.
    Other(ServiceError),
}

/// The desired state of an image.
#[expect(
    clippy::large_enum_variant,
    reason = "few exist at a time, and briefly"
)]
enum Target {
    /// This record and its term items.
    Record(DesiredRecord),
    /// Nothing, not even a removal record.
    Nothing,
}

impl DynamoIndex {
    pub(super) async fn put_entry(&self, entry: &Entry) -> Result<Put, ServiceError> {
        let wanted = DesiredRecord::of(entry);
        self.update(&entry.row.key, |record| {
            let Some(stored) = record else {
                return Ok(Target::Record(wanted.clone()));
            };
            if let Some(put) = stored.record.rejects(entry) {
                Err(put)
            } else if stored.record == wanted.record && stored.terms == wanted.terms() {
                Err(Put::Unchanged)
            } else {
                Ok(Target::Record(wanted.clone()))
            }
        })
        .await
        .map(|kept| kept.unwrap_or(Put::Written))
    }

    pub(super) async fn remove_image(
        &self,
        key: &SourceKey,
        deletion: &Deletion,
    ) -> Result<(), ServiceError> {
        self.update(key, |record| {
            let removal = Removal::of(record.map(|stored| stored.record.clone()), deletion);
            Ok::<_, ()>(Target::Record(DesiredRecord::removed(removal)))
        })
        .await
        .map(|_| ())
    }

    pub(super) async fn prune_image(
        &self,
        key: &SourceKey,
        processed_at: OffsetDateTime,
    ) -> Result<bool, ServiceError> {
        self.update(key, |record| match record {
            Some(StoredRecord {
                record: IndexRecord::Image(image),
                ..
            }) if image.row.processed_at == processed_at => Ok(Target::Nothing),
            _ => Err(()),
        })
        .await
        .map(|kept| kept.is_none())
    }

    /// Changes the image to the target that `decide` chooses for its current record, and returns `None`. If
    /// `decide` keeps the current record instead, returns its reason.
    async fn update<K>(
        &self,
        key: &SourceKey,
        decide: impl Fn(Option<&StoredRecord>) -> Result<Target, K>,
    ) -> Result<Option<K>, ServiceError> {
        let mut pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE, ATTEMPTS);
        loop {
            let mut stored = self.record(key).await?;
            let target = match decide(stored.as_ref()) {
                Ok(target) => target,
                Err(kept) => return Ok(Some(kept)),
            };
            let error = loop {
                let (step, is_last) = Step::plan(key, stored.as_ref(), &target)?;
                match self.transact(step.actions).await {
                    Ok(()) if is_last => return Ok(None),
                    Ok(()) => stored = step.result,
                    Err(TransactionError::Other(error)) => return Err(error),
                    Err(error) => break error,
                }
            };
            let Some(pause) = pauses.next() else {
                return Err(ServiceError::new(
                    Service::Index,
                    "TransactWriteItems",
                    match error {
                        TransactionError::Changed => "ConditionalCheckFailed",
                        _ => "TransactionConflict",
                    },
                    format!("others wrote the same items during each of {ATTEMPTS} attempts"),
                    Fate::RETRY,
                )
                .on(&self.table));
            };
            sleep(pause).await;
        }
    }

    /// The current record of an image.
    async fn record(&self, key: &SourceKey) -> Result<Option<StoredRecord>, ServiceError> {
        let got = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(image_key(key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| self.error("GetItem", &error))?;
        got.item.as_ref().map(StoredRecord::read).transpose()
    }

    async fn transact(&self, actions: Vec<Action>) -> Result<(), TransactionError> {
        let not_built = |error: aws_sdk_dynamodb::error::BuildError| {
            TransactionError::Other(self.not_built("TransactWriteItems", &error))
        };
        let items = actions
            .into_iter()
            .map(|action| action.build(&self.table))
            .collect::<Result<Vec<_>, _>>()
            .map_err(not_built)?;
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await;
        let Err(error) = answer else { return Ok(()) };
        if let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
            error.as_service_error()
        {
            let codes =
                || (canceled.cancellation_reasons().iter()).filter_map(|reason| reason.code());
            if codes().any(|code| code == "ConditionalCheckFailed") {
                return Err(TransactionError::Changed);
            }
            if codes().any(|code| code == "TransactionConflict") {
                return Err(TransactionError::Conflict);
            }
            let mut error = self.error("TransactWriteItems", &error);
            // The reasons, such as ThrottlingError, decide the fate; the message lists them too.
            let throttled = codes()
                .any(|code| matches!(code, "ThrottlingError" | "ProvisionedThroughputExceeded"));
            error.fate = if throttled { Fate::RETRY } else { Fate::Final };
            return Err(TransactionError::Other(error));
        }
        Err(TransactionError::Other(
            self.error("TransactWriteItems", &error),
        ))
    }
}

fn image_key(key: &SourceKey) -> Item {
    term_key(key, IMAGE)
}

fn term_key(key: &SourceKey, sk: &str) -> Item {
    Item::from([
        ("pk".to_owned(), s(image_pk(key))),
        ("sk".to_owned(), s(sk)),
    ])
}

/// One transaction.
struct Step {
    actions: Vec<Action>,
    /// The record after it.
    result: Option<StoredRecord>,
}

enum Action {
    Put(Item),
    Delete(Item),
    /// Writes the image item, on the condition that its `rev` is still this.
    PutIf(Item, Option<String>),
    DeleteIf(Item, Option<String>),
    /// Adds to a count, and sets the name if it is given.
    Count(Item, i64, Option<String>),
}

impl Step {
    /// The next transaction towards the target, and whether it is the last.
    fn plan(
        key: &SourceKey,
        stored: Option<&StoredRecord>,
        target: &Target,
    ) -> Result<(Self, bool), ServiceError> {
        let wanted_terms = match target {
            Target::Record(wanted) => wanted.terms(),
            Target::Nothing => Terms::new(),
        };
        let mut terms = stored
            .map(|stored| stored.terms.clone())
            .unwrap_or_default();
        let mut actions = Vec::new();
        // One action is reserved for the image item.
        let has_room = |actions: &Vec<Action>, more: usize| actions.len() + more < MAX_ACTIONS;
        let mut is_last = true;

        let outdated: Vec<String> = (terms.keys())
            .filter(|sk| !wanted_terms.contains_key(*sk))
            .cloned()
            .collect();
        for sk in outdated {
            let counts = counts(key, &sk, -1, None);
            if !has_room(&actions, 1 + counts.len()) {
                is_last = false;
                break;
            }
            actions.push(Action::Delete(term_key(key, &sk)));
            actions.extend(counts);
            terms.remove(&sk);
        }
        if let Target::Record(wanted) = target
            && let IndexRecord::Image(image) = &wanted.record
        {
            for (sk, item) in &wanted.term_items {
                let fingerprint = wanted_terms.get(sk);
                let current = terms.get(sk);
                if current == fingerprint {
                    continue;
                }
                let counts = match current {
                    Some(_) => Vec::new(),
                    None => counts(key, sk, 1, Some(&item.name)),
                };
                if !has_room(&actions, 1 + counts.len()) {
                    is_last = false;
                    break;
                }
                actions.push(Action::Put(term_item(sk, item, image)));
                actions.extend(counts);
                terms.insert(sk.clone(), fingerprint.cloned().unwrap_or_default());
            }
        }

        let rev = stored.map(|stored| stored.rev.clone());
        let new_rev = Uuid::new_v4().to_string();
        let record = match (target, stored) {
            (Target::Record(wanted), _) => Some(wanted.record.clone()),
            // The image item lists the remaining term items, so it is deleted last.
            (Target::Nothing, Some(stored)) if !is_last => Some(stored.record.clone()),
            (Target::Nothing, _) => None,
        };
        let result = match record {
            Some(record) => {
                let item = image_item(key, &record, &terms, &new_rev)?;
                actions.push(Action::PutIf(item, rev));
                Some(StoredRecord {
                    record,
                    terms,
                    rev: new_rev,
                })
            }
            None => {
                actions.push(Action::DeleteIf(image_key(key), rev));
                None
            }
        };
        Ok((Self { actions, result }, is_last))
    }
}

/// The changes of a term item to the counts, those of all images and those of the owner.
fn counts(key: &SourceKey, sk: &str, by: i64, name: Option<&str>) -> Vec<Action> {
    if kind_of(sk).is_none() {
        return Vec::new();
    }
    let shard = shard(key);
    [Some(None), key.owner().map(Some)]
        .into_iter()
        .flatten()
        .map(|owner| {
            let key = Item::from([
                ("pk".to_owned(), s(count_pk(shard, owner))),
                ("sk".to_owned(), s(sk)),
            ]);
            Action::Count(key, by, name.map(str::to_owned))
        })
        .collect()
}

impl Action {
    fn build(self, table: &str) -> Result<TransactWriteItem, aws_sdk_dynamodb::error::BuildError> {
        const ABSENT: &str = "attribute_not_exists(pk)";
        const AS_READ: &str = "rev = :rev";
        let action = TransactWriteItem::builder();
        let quiet = ReturnValuesOnConditionCheckFailure::None;
        Ok(match self {
            Self::Put(item) => action.put(
                PutItem::builder()
                    .table_name(table)
                    .set_item(Some(item))
                    .build()?,
            ),
            Self::Delete(key) => action.delete(
                Delete::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .build()?,
            ),
            Self::PutIf(item, rev) => {
                let put = PutItem::builder()
                    .table_name(table)
                    .set_item(Some(item))
                    .return_values_on_condition_check_failure(quiet);
                action.put(
                    match rev {
                        None => put.condition_expression(ABSENT),
                        Some(rev) => put
                            .condition_expression(AS_READ)
                            .expression_attribute_values(":rev", s(rev)),
                    }
                    .build()?,
                )
            }
            Self::DeleteIf(key, rev) => {
                let delete = Delete::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .return_values_on_condition_check_failure(quiet);
                action.delete(
                    match rev {
                        None => delete.condition_expression(ABSENT),
                        Some(rev) => delete
                            .condition_expression(AS_READ)
                            .expression_attribute_values(":rev", s(rev)),
                    }
                    .build()?,
                )
            }
            Self::Count(key, by, name) => {
                let update = Update::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .expression_attribute_values(":by", n(by));
                action.update(
                    match name {
                        None => update.update_expression("ADD images :by"),
                        Some(name) => update
                            .update_expression("ADD images :by SET #name = :name")
                            // A reserved word.
                            .expression_attribute_names("#name", "name")
                            .expression_attribute_values(":name", s(name)),
                    }
                    .build()?,
                )
            }
        }
        .build())
    }
}
