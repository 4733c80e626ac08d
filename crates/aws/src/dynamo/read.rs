//! Reads lists and counts by keys. Only [`DynamoIndex::read_rows`] scans the table.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures::future::try_join_all;
use sightline_pipeline::{
    backoff::pauses,
    index::{Found, ImageRow, Labels, NameCount, Page, Position, Query, Rows, TermKind},
    service_error::{Fate, Service, ServiceError},
};

use super::{
    DynamoIndex,
    item::{
        IMAGE, Item, SHARDS, count_pk, from_json, image_pk, kind_of, n, position_of, position_sk,
        s, status_sk, term_sk, text,
    },
};

/// The most items in a batch of reads (Amazon DynamoDB API Reference, "BatchGetItem").
const MAX_BATCH: usize = 100;

/// The most queries for one page. After that, the page is returned as it is, so that a filter with few matches
/// cannot use up the caller's time.
const MAX_QUERIES: usize = 20;

/// The most items that a filtered query evaluates: about half of the megabyte that DynamoDB
/// evaluates at most.
const MAX_EVALUATED: usize = 2000;

/// How often the unprocessed keys of a batch are requested.
const ATTEMPTS: usize = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// A result of a query of an index.
struct Hit {
    position: Position,
    confidence: Option<f64>,
}

/// The results of a query of an index, and its last key if more may follow.
struct Hits {
    hits: Vec<Hit>,
    last_key: Option<Item>,
}

impl DynamoIndex {
    pub(super) async fn read_page(
        &self,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Page, ServiceError> {
        let filtered = match query.term {
            Some(_) => query.min_confidence.is_some() || query.status.is_some(),
            None => query.lookup_term().is_some() && query.status.is_some(),
        };
        // The face filter needs the row of each image that a query evaluates.
        let filtered_by_row = !query.faces.is_empty();
        let limit = limit.max(1);
        let mut images: Vec<Found> = Vec::new();
        let mut start: Option<Item> = None;
        // One more image shows whether another page follows.
        let mut evaluated = limit + 1;
        for queries in 1.. {
            let hits = self.find(query, after, start.take(), evaluated).await?;
            for hits in hits.hits.chunks(MAX_BATCH) {
                images.extend(self.rows(query, hits).await?);
            }
            if images.len() > limit {
                images.truncate(limit);
                let next = images.last().map(|last| Position::of(&last.row));
                return Ok(Page { images, next });
            }
            let Some(last_key) = hits.last_key else { break };
            if queries == MAX_QUERIES {
                let next = text(&last_key, "position").and_then(position_of);
                return Ok(Page { images, next });
            }
            start = Some(last_key);
            evaluated = if filtered_by_row {
                (2 * evaluated).min(MAX_BATCH)
            } else if filtered {
                (2 * evaluated).min(MAX_EVALUATED)
            } else {
                limit + 1 - images.len()
            };
        }
        Ok(Page { images, next: None })
    }

    /// Queries an index.
    async fn find(
        &self,
        query: &Query,
        after: Option<&Position>,
        start: Option<Item>,
        evaluated: usize,
    ) -> Result<Hits, ServiceError> {
        let lookup = query.lookup_term();
        let sk = match (&lookup, query.status) {
            (Some(term), _) => term_sk(term.kind, &term.folded()),
            (None, Some(status)) => status_sk(status),
            (None, None) => IMAGE.to_owned(),
        };
        let (index, attribute, value) = match &query.owner {
            None => ("by-term", "term", sk),
            Some(owner) => ("by-owner-term", "ownerTerm", format!("{owner}/{sk}")),
        };
        let mut request = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(index)
            .scan_index_forward(false)
            .limit(i32::try_from(evaluated).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            // `position` is a reserved word.
            .expression_attribute_names("#key", attribute)
            .expression_attribute_values(":key", s(value));
        let mut keys = "#key = :key".to_owned();
        if let Some(after) = after {
            keys.push_str(" AND #position < :after");
            request = request
                .expression_attribute_names("#position", "position")
                .expression_attribute_values(":after", s(position_sk(after)));
        }
        let mut filters = Vec::new();
        if query.term.is_some()
            && let Some(least) = query.min_confidence
        {
            filters.push("confidence >= :least");
            request = request.expression_attribute_values(":least", n(least));
        }
        if lookup.is_some()
            && let Some(status) = query.status
        {
            filters.push("#status = :status");
            request = request
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":status", s(status.name()));
        }
        let found = request
            .key_condition_expression(keys)
            .set_filter_expression((!filters.is_empty()).then(|| filters.join(" AND ")))
            .send()
            .await
            .map_err(|error| self.error("Query", &error))?;
        let hits = found
            .items()
            .iter()
            .filter_map(|item| {
                Some(Hit {
                    position: position_of(text(item, "position")?)?,
                    confidence: number(item, "confidence"),
                })
            })
            .collect();
        Ok(Hits {
            hits,
            last_key: found.last_evaluated_key,
        })
    }

    /// The images of these hits, in their order. An index lags behind the table, so images that were removed
    /// or have another position now are left out.
    async fn rows(&self, query: &Query, hits: &[Hit]) -> Result<Vec<Found>, ServiceError> {
        let keys = hits.iter().map(|hit| {
            Item::from([
                ("pk".to_owned(), s(image_pk(&hit.position.key))),
                ("sk".to_owned(), s(IMAGE)),
            ])
        });
        let mut missing = keys.collect::<Vec<_>>();
        let mut rows: HashMap<Position, ImageRow> = HashMap::new();
        let mut pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE, ATTEMPTS);
        while !missing.is_empty() {
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(std::mem::take(&mut missing)))
                .consistent_read(true)
                .projection_expression("#row, removal")
                .expression_attribute_names("#row", "row")
                .build()
                .map_err(|error| self.not_built("BatchGetItem", &error))?;
            let got = self
                .client
                .batch_get_item()
                .request_items(&self.table, keys)
                .send()
                .await
                .map_err(|error| self.error("BatchGetItem", &error))?;
            for item in (got.responses.iter().flatten()).flat_map(|(_, items)| items) {
                if let (Some(row), None) = (text(item, "row"), text(item, "removal")) {
                    let row: ImageRow = from_json(row)?;
                    rows.insert(Position::of(&row), row);
                }
            }
            missing = (got.unprocessed_keys.into_iter().flatten())
                .flat_map(|(_, keys)| keys.keys)
                .collect();
            if missing.is_empty() {
                break;
            }
            let Some(pause) = pauses.next() else {
                return Err(ServiceError::new(
                    Service::Index,
                    "BatchGetItem",
                    "UnprocessedKeys",
                    format!("DynamoDB left items unread in each of {ATTEMPTS} attempts"),
                    Fate::RETRY,
                )
                .on(&self.table));
            };
            self.pause(pause).await;
        }
        Ok(hits
            .iter()
            .filter_map(|hit| {
                let row = rows.remove(&hit.position)?;
                let matches = query.status.is_none_or(|status| row.status == status)
                    && query.faces.matches(&row);
                matches.then_some(Found {
                    row,
                    confidence: hit.confidence.filter(|_| query.term.is_some()),
                })
            })
            .collect())
    }

    /// Scans a part of the table. No list has the images of all owners.
    pub(super) async fn read_rows(&self, after: Option<&str>) -> Result<Rows, ServiceError> {
        // The length of the partition key, and both keys.
        let start = after
            .and_then(|after| after.split_once(' '))
            .and_then(|(length, keys)| keys.split_at_checked(length.parse().ok()?))
            .map(|(pk, sk)| Item::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))]));
        let found = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression("sk = :image AND attribute_exists(#row)")
            .projection_expression("#row")
            .expression_attribute_names("#row", "row")
            .expression_attribute_values(":image", s(IMAGE))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| self.error("Scan", &error))?;
        let rows = (found.items().iter())
            .filter_map(|item| text(item, "row"))
            .map(|row| from_json::<ImageRow>(row).map(|row| (row.key, row.processed_at)))
            .collect::<Result<_, _>>()?;
        let next = found.last_evaluated_key.as_ref().and_then(|key| {
            let (pk, sk) = (text(key, "pk")?, text(key, "sk")?);
            Some(format!("{} {pk}{sk}", pk.len()))
        });
        Ok(Rows { rows, next })
    }

    pub(super) async fn read_labels(&self, owner: Option<&str>) -> Result<Labels, ServiceError> {
        let shards =
            try_join_all((0..SHARDS).map(|shard| self.counts(count_pk(shard, owner)))).await?;
        let mut all: BTreeMap<String, (TermKind, NameCount)> = BTreeMap::new();
        for item in shards.iter().flatten() {
            let Some(sk) = text(item, "sk") else { continue };
            let Some(kind) = kind_of(sk) else { continue };
            // Never negative, because counts match the items.
            let images = number(item, "images").unwrap_or_default().max(0.0) as u64;
            if images == 0 {
                continue;
            }
            let name = text(item, "name").unwrap_or_default();
            let (_, count) = all.entry(sk.to_owned()).or_insert_with(|| {
                let name = name.to_owned();
                (kind, NameCount { name, images: 0 })
            });
            count.images += images;
        }
        Ok(Labels::from_counts(all.into_values()))
    }

    /// The counts with one partition key.
    pub(super) async fn counts(&self, pk: String) -> Result<Vec<Item>, ServiceError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let found = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", s(&pk))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| self.error("Query", &error))?;
            items.extend(found.items.into_iter().flatten());
            match found.last_evaluated_key {
                Some(key) => start = Some(key),
                None => return Ok(items),
            }
        }
    }
}

fn number(item: &Item, attribute: &str) -> Option<f64> {
    match item.get(attribute)? {
        AttributeValue::N(number) => number.parse().ok(),
        _ => None,
    }
}
