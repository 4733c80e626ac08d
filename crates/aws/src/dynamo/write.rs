//! Writes, replaces and removes images, in as many transactions as that takes.

use std::time::Duration;

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeValue, Delete, Put as PutItem, ReturnValuesOnConditionCheckFailure,
        TransactWriteItem, Update,
    },
};
use sightline_pipeline::{
    SourceKey,
    backoff::pauses,
    index::{
        Deletion, Entry, Lists, Put,
        precedence::{IndexRecord, Removal},
    },
    service_error::{Fate, ServiceError},
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    DynamoIndex,
    item::{
        DesiredRecord, IMAGE, Item, SHARDS, StoredRecord, TermItem, Terms, analyses_pk, count_pk,
        counted_in, has_new_aliases, image_item, image_pk, is_counted, n, s, shard, term_item,
    },
};
use crate::error::is_busy;

/// The most actions in a transaction (Amazon DynamoDB Developer Guide, "Quotas").
const MAX_ACTIONS: usize = 100;

/// How often a write that is throttled or conflicts with others is attempted before the caller has to retry. With the
/// pauses, this takes about ten seconds.
pub(super) const ATTEMPTS: usize = 12;
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(20);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Why a write failed.
enum WriteError {
    /// Others wrote the same items, or the table is busy. The same write succeeds after a pause.
    Busy(ServiceError),
    /// Any other error.
    Other(ServiceError),
}

impl WriteError {
    fn of(error: ServiceError) -> Self {
        if is_busy(&error.code) {
            Self::Busy(error)
        } else {
            Self::Other(error)
        }
    }
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
        let wanted = DesiredRecord::of(entry, self.lists);
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
            Ok::<_, ()>(Target::Record(DesiredRecord::removed(removal, self.lists)))
        })
        .await
        .map(|_| ())
    }

    pub(super) async fn prune_image(
        &self,
        key: &SourceKey,
        until: OffsetDateTime,
    ) -> Result<bool, ServiceError> {
        self.update(key, |record| match record {
            Some(StoredRecord {
                record: IndexRecord::Image(image),
                ..
            }) if image.row.processed_at <= until => Ok(Target::Nothing),
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
            let error = match self.try_update(key, &decide).await {
                Ok(kept) => return Ok(kept),
                Err(WriteError::Other(error)) => return Err(error),
                Err(WriteError::Busy(error)) => error,
            };
            let Some(pause) = pauses.next() else {
                return Err(ServiceError {
                    message: format!(
                        "the table was busy in each of {ATTEMPTS} attempts: {}",
                        error.message
                    ),
                    fate: Fate::RETRY,
                    ..error
                });
            };
            self.pause(pause).await;
        }
    }

    /// One attempt of [`Self::update`].
    async fn try_update<K>(
        &self,
        key: &SourceKey,
        decide: &impl Fn(Option<&StoredRecord>) -> Result<Target, K>,
    ) -> Result<Option<K>, WriteError> {
        let mut stored = self.record(key).await.map_err(WriteError::of)?;
        let target = match decide(stored.as_ref()) {
            Ok(target) => target,
            Err(kept) => return Ok(Some(kept)),
        };
        loop {
            let (step, is_last) =
                Step::plan(key, stored.as_ref(), &target, self.lists).map_err(WriteError::Other)?;
            self.transact(step.actions).await?;
            if is_last {
                return Ok(None);
            }
            stored = step.result;
        }
    }

    /// Deletes the counts of an owner without images. They name the owner and the labels of removed images, and say how many
    /// analyses the owner had on the last days.
    pub(super) async fn forget_owner(&self, owner: &str) -> Result<(), ServiceError> {
        let of_labels = (0..SHARDS).map(|shard| count_pk(shard, Some(owner)));
        for pk in of_labels.chain([analyses_pk(owner)]) {
            for count in self.counts(pk).await? {
                let key = ["pk", "sk"].map(|name| (name.to_owned(), count.get(name).cloned()));
                let key: Item = (key.into_iter())
                    .filter_map(|(name, value)| Some((name, value?)))
                    .collect();
                self.delete_zero(key).await?;
            }
        }
        Ok(())
    }

    /// Deletes a count, unless it counts an image.
    async fn delete_zero(&self, key: Item) -> Result<(), ServiceError> {
        let mut pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE, ATTEMPTS);
        loop {
            let answer = self
                .client
                .delete_item()
                .table_name(&self.table)
                .set_key(Some(key.clone()))
                .condition_expression("attribute_not_exists(images) OR images <= :none")
                .expression_attribute_values(":none", n(0))
                .send()
                .await;
            let Err(error) = answer else { return Ok(()) };
            let error = self.error("DeleteItem", &error);
            if error.code == "ConditionalCheckFailedException" {
                return Ok(());
            }
            match pauses.next().filter(|_| is_busy(&error.code)) {
                Some(pause) => self.pause(pause).await,
                None => return Err(error),
            }
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

    async fn transact(&self, actions: Vec<Action>) -> Result<(), WriteError> {
        const OPERATION: &str = "TransactWriteItems";
        let items = actions
            .into_iter()
            .map(|action| action.build(&self.table))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| WriteError::Other(self.not_built(OPERATION, &error)))?;
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await;
        let Err(error) = answer else { return Ok(()) };
        let read = self.error(OPERATION, &error);
        let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
            error.as_service_error()
        else {
            return Err(WriteError::of(read));
        };
        // The reasons decide. The message lists them too.
        let reasons = (canceled.cancellation_reasons().iter())
            .filter_map(|reason| reason.code())
            .filter(|code| *code != "None");
        let busy = reasons.clone().find(|code| is_busy(code));
        Err(match busy {
            // One reason that stays, such as an item that is too large, cancels every attempt.
            Some(code) if reasons.clone().all(is_busy) => WriteError::Busy(ServiceError {
                code: code.to_owned(),
                ..read
            }),
            _ => WriteError::Other(ServiceError {
                fate: Fate::Final,
                ..read
            }),
        })
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
    /// Adds to a count and to its aliases, and sets the name if it is given.
    Count {
        key: Item,
        by: i64,
        name: Option<String>,
        aliases: Vec<String>,
    },
}

impl Step {
    /// The next transaction towards the target, and whether it is the last.
    fn plan(
        key: &SourceKey,
        stored: Option<&StoredRecord>,
        target: &Target,
        lists: Lists,
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
            let counts = counts(key, &sk, None, terms.get(&sk), None);
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
                let counts = counts(key, sk, Some(item), current, fingerprint);
                if !has_room(&actions, 1 + counts.len()) {
                    is_last = false;
                    break;
                }
                actions.push(Action::Put(term_item(sk, item, image, lists)));
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
                let item = image_item(key, &record, &terms, &new_rev, lists)?;
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

/// The changes of the counts when a term item changes from one fingerprint to another. `None` stands for no item.
fn counts(
    key: &SourceKey,
    sk: &str,
    item: Option<&TermItem>,
    from: Option<&String>,
    to: Option<&String>,
) -> Vec<Action> {
    if !is_counted(sk) {
        return Vec::new();
    }
    let shard = shard(key);
    let new_aliases = item.filter(|_| has_new_aliases(from, to));
    let (from, to) = (counted_in(key, from), counted_in(key, to));
    let count = |owner: &Option<&str>| {
        Item::from([
            ("pk".to_owned(), s(count_pk(shard, *owner))),
            ("sk".to_owned(), s(sk)),
        ])
    };
    let less = (from.iter().filter(|owner| !to.contains(owner))).map(|owner| Action::Count {
        key: count(owner),
        by: -1,
        name: None,
        aliases: Vec::new(),
    });
    let more = to.iter().filter_map(|owner| {
        let is_new = !from.contains(owner);
        let aliases = item.filter(|_| is_new).or(new_aliases);
        let aliases = aliases.map_or_else(Vec::new, |item| item.aliases.iter().cloned().collect());
        (is_new || !aliases.is_empty()).then(|| Action::Count {
            key: count(owner),
            by: i64::from(is_new),
            name: item.and_then(|item| item.name.clone()),
            aliases,
        })
    });
    less.chain(more).collect()
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
            Self::Count {
                key,
                by,
                name,
                aliases,
            } => {
                let mut update = Update::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .expression_attribute_values(":by", n(by));
                let mut expression = "ADD images :by".to_owned();
                if !aliases.is_empty() {
                    expression.push_str(", aliases :aliases");
                    update =
                        update.expression_attribute_values(":aliases", AttributeValue::Ss(aliases));
                }
                if let Some(name) = name {
                    expression.push_str(" SET #name = :name");
                    update = update
                        // A reserved word.
                        .expression_attribute_names("#name", "name")
                        .expression_attribute_values(":name", s(name));
                }
                action.update(update.update_expression(expression).build()?)
            }
        }
        .build())
    }
}
