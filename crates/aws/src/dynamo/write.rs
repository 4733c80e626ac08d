//! From what stands for an image to what shall stand, in as many transactions as that takes.

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
    index::{Entry, Put, rules::IndexRecord},
    service_error::{Fate, Service, ServiceError},
};
use time::OffsetDateTime;
use tokio::time::sleep;
use uuid::Uuid;

use super::{
    DynamoIndex,
    item::{
        DesiredRecord, IMAGE, Item, StoredRecord, Terms, count_pk, image_item, image_pk, kind_of,
        n, removal_of_nothing, s, shard, term_item,
    },
};

/// The most actions in a transaction (Amazon DynamoDB Developer Guide, "Quotas").
const MAX_ACTIONS: usize = 100;

/// How often a write that met others is tried again before the caller is told to come again. With
/// the pauses between, that is about ten seconds.
const ATTEMPTS: usize = 12;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Why a transaction was not done.
enum Refusal {
    /// The image's item is no longer as it was read.
    Changed,
    /// Another transaction was writing to one of the items.
    Conflict,
    /// Anything else.
    Error(ServiceError),
}

/// What becomes of an image's own item.
#[expect(
    clippy::large_enum_variant,
    reason = "few at a time, and taken apart at once"
)]
enum Target {
    /// This stands.
    Record(DesiredRecord),
    /// Nothing stands, not even a mark.
    Nothing,
}

impl DynamoIndex {
    pub(super) async fn put_entry(&self, entry: &Entry) -> Result<Put, ServiceError> {
        let wanted = DesiredRecord::of(entry);
        self.settle(&entry.row.key, |record| {
            let Some(there) = record else {
                return Ok(Target::Record(wanted.clone()));
            };
            if let Some(put) = there.record.refuses(entry) {
                Err(put)
            } else if there.record == wanted.record && there.terms == wanted.terms() {
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
        at: OffsetDateTime,
    ) -> Result<(), ServiceError> {
        self.settle(key, |record| {
            let removal = match record {
                Some(there) => there.record.clone().removed(at),
                None => removal_of_nothing(at),
            };
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
        self.settle(key, |record| match record {
            Some(StoredRecord {
                record: IndexRecord::Image(image),
                ..
            }) if image.row.processed_at == processed_at => Ok(Target::Nothing),
            _ => Err(()),
        })
        .await
        .map(|kept| kept.is_none())
    }

    /// Makes stand for the image what `decide` wants in view of what stands; `None` when that is
    /// done, what `decide` said when what stands is to stay.
    async fn settle<K>(
        &self,
        key: &SourceKey,
        decide: impl Fn(Option<&StoredRecord>) -> Result<Target, K>,
    ) -> Result<Option<K>, ServiceError> {
        let mut pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE, ATTEMPTS);
        loop {
            let mut there = self.record(key).await?;
            let target = match decide(there.as_ref()) {
                Ok(target) => target,
                Err(kept) => return Ok(Some(kept)),
            };
            let refusal = loop {
                let (step, done) = Step::plan(key, there.as_ref(), &target)?;
                match self.transact(step.actions).await {
                    Ok(()) if done => return Ok(None),
                    Ok(()) => there = step.leaves,
                    Err(Refusal::Error(error)) => return Err(error),
                    Err(refusal) => break refusal,
                }
            };
            let Some(pause) = pauses.next() else {
                return Err(ServiceError::new(
                    Service::Index,
                    "TransactWriteItems",
                    match refusal {
                        Refusal::Changed => "ConditionalCheckFailed",
                        _ => "TransactionConflict",
                    },
                    format!("others wrote to the same items during all of {ATTEMPTS} attempts"),
                    Fate::RETRY,
                )
                .on(&self.table));
            };
            sleep(pause).await;
        }
    }

    /// What stands for an image.
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

    async fn transact(&self, actions: Vec<Action>) -> Result<(), Refusal> {
        let built = |error: aws_sdk_dynamodb::error::BuildError| {
            Refusal::Error(self.not_built("TransactWriteItems", &error))
        };
        let items = actions
            .into_iter()
            .map(|action| action.build(&self.table))
            .collect::<Result<Vec<_>, _>>()
            .map_err(built)?;
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
                return Err(Refusal::Changed);
            }
            if codes().any(|code| code == "TransactionConflict") {
                return Err(Refusal::Conflict);
            }
            let mut error = self.error("TransactWriteItems", &error);
            // The reasons one by one, such as ThrottlingError, which the message has as well.
            let throttled = codes()
                .any(|code| matches!(code, "ThrottlingError" | "ProvisionedThroughputExceeded"));
            error.fate = if throttled { Fate::RETRY } else { Fate::Repair };
            return Err(Refusal::Error(error));
        }
        Err(Refusal::Error(self.error("TransactWriteItems", &error)))
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
    /// What stands after it.
    leaves: Option<StoredRecord>,
}

enum Action {
    Put(Item),
    Delete(Item),
    /// The image's own item, on the condition that its `rev` is still this.
    PutIf(Item, Option<String>),
    DeleteIf(Item, Option<String>),
    /// By how much, and the name where it is new.
    Count(Item, i64, Option<String>),
}

impl Step {
    /// The next transaction towards the target, and whether it is the last.
    fn plan(
        key: &SourceKey,
        there: Option<&StoredRecord>,
        target: &Target,
    ) -> Result<(Self, bool), ServiceError> {
        let wanted_terms = match target {
            Target::Record(wanted) => wanted.terms(),
            Target::Nothing => Terms::new(),
        };
        let mut terms = there.map(|there| there.terms.clone()).unwrap_or_default();
        let mut actions = Vec::new();
        // The image's own item is one action.
        let room = |actions: &Vec<Action>, more: usize| actions.len() + more < MAX_ACTIONS;
        let mut done = true;

        let gone: Vec<String> = (terms.keys())
            .filter(|sk| !wanted_terms.contains_key(*sk))
            .cloned()
            .collect();
        for sk in gone {
            let counts = counts(key, &sk, -1, None);
            if !room(&actions, 1 + counts.len()) {
                done = false;
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
                let stamp = wanted_terms.get(sk);
                let stands = terms.get(sk);
                if stands == stamp {
                    continue;
                }
                let counts = match stands {
                    Some(_) => Vec::new(),
                    None => counts(key, sk, 1, Some(&item.name)),
                };
                if !room(&actions, 1 + counts.len()) {
                    done = false;
                    break;
                }
                actions.push(Action::Put(term_item(sk, item, image)));
                actions.extend(counts);
                terms.insert(sk.clone(), stamp.cloned().unwrap_or_default());
            }
        }

        let rev = there.map(|there| there.rev.clone());
        let new_rev = Uuid::new_v4().to_string();
        let record = match (target, there) {
            (Target::Record(wanted), _) => Some(wanted.record.clone()),
            // Until everything is gone, what is left to remove is listed here.
            (Target::Nothing, Some(there)) if !done => Some(there.record.clone()),
            (Target::Nothing, _) => None,
        };
        let leaves = match record {
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
        Ok((Self { actions, leaves }, done))
    }
}

/// What an item by which the image is found adds to the counts, everybody's and the owner's.
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
