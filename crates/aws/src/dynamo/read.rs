//! Reads lists and counts by keys. Only [`DynamoIndex::read_rows`] scans the table.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures::future::try_join_all;
use sightline_pipeline::{
    backoff::pauses,
    index::{
        Condition, Found, ImageRow, Labels, NameCount, Page, Position, Query, Rows, Sort, TermKind,
    },
    service_error::{Fate, Service, ServiceError},
};

use super::{
    DynamoIndex,
    item::{
        IMAGE, Item, SHARDS, TAKEN, Terms, confidence_of, count_pk, from_json, image_pk, kind_of,
        number, s, status_sk, term_sk, terms, text,
    },
    lists::{Key, Lists},
};

/// The most items in a batch of reads (Amazon DynamoDB API Reference, "BatchGetItem").
const MAX_BATCH: usize = 100;

/// The most times that the lists of one page are queried. After that, the page is returned as it is, so that a filter with few
/// matches cannot use up the caller's time.
const MAX_QUERIES: usize = 20;

/// The most images whose items are read for one page.
const MAX_READ: usize = 2_000;

/// The most items that a filtered query evaluates: about half of the megabyte that DynamoDB
/// evaluates at most.
const MAX_EVALUATED: usize = 2_000;

/// How many images of a list are ordered by confidence: the newest.
const MAX_RANKED: usize = 10_000;

/// Up to how many images with a term are read and ordered by the time of taking. Of more images, the list of all images in that order
/// is read instead.
const MAX_SORTED: usize = 500;

/// How often the unprocessed keys of a batch are requested.
const ATTEMPTS: usize = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

impl DynamoIndex {
    pub(super) async fn read_page(
        &self,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Page, ServiceError> {
        let limit = limit.max(1);
        let order = query.order();
        if order == Sort::Confidence
            && let Some(condition) = query.measured()
        {
            let mut lists = Lists::new(self, query, Sort::Newest, keys(query, condition), None);
            let (hits, _) = lists.read_all(MAX_RANKED).await?;
            let ranked = hits.into_iter().map(|hit| Position {
                confidence_bits: hit.confidence.max(0.0).to_bits(),
                ..hit.position
            });
            return self.page_of(query, after, limit, ranked.collect()).await;
        }
        let lookup = query.lookup();
        if order == Sort::Taken {
            let few = lookup
                .as_ref()
                .filter(|it| it.estimate() <= MAX_SORTED as u64);
            if let Some(condition) = few
                && let Some(page) = self.sorted_page(query, condition, after, limit).await?
            {
                return Ok(page);
            }
            let all = vec![Key::of(TAKEN.to_owned())];
            let lists = Lists::new(self, query, order, all, after);
            let is_filtered = lookup.is_some() || !query.excluded.is_empty();
            return self.page_of_lists(query, limit, lists, is_filtered).await;
        }
        // Images of one list need no look at their terms.
        let is_filtered =
            query.conditions.len() > 1 || !query.excluded.is_empty() || !query.faces.is_empty();
        let keys = match (&lookup, query.status) {
            (Some(condition), _) => keys(query, condition),
            (None, Some(status)) => vec![Key::of(status_sk(status))],
            (None, None) => vec![Key::of(IMAGE.to_owned())],
        };
        let lists = Lists::new(self, query, order, keys, after);
        self.page_of_lists(query, limit, lists, is_filtered).await
    }

    /// A page of merged lists. With `is_filtered`, not every image of the lists matches.
    async fn page_of_lists(
        &self,
        query: &Query,
        limit: usize,
        mut lists: Lists<'_>,
        is_filtered: bool,
    ) -> Result<Page, ServiceError> {
        let mut images: Vec<Found> = Vec::new();
        // One more image shows whether another page follows.
        let mut evaluated = limit + 1;
        let (mut queries, mut read) = (0, 0);
        loop {
            let missing = if is_filtered {
                MAX_BATCH
            } else {
                (limit + 1 - images.len()).min(MAX_BATCH)
            };
            let hits = lists.take(missing);
            let Some(last) = hits.last().map(|hit| hit.position.clone()) else {
                let Some(known) = lists.known_up_to() else {
                    if lists.are_read() {
                        return Ok(Page { images, next: None });
                    }
                    lists.query(evaluated).await?;
                    queries += 1;
                    continue;
                };
                if queries >= MAX_QUERIES {
                    let next = Some(known);
                    return Ok(Page { images, next });
                }
                evaluated = if is_filtered {
                    (2 * evaluated).min(MAX_BATCH)
                } else if lists.are_filtered() {
                    (2 * evaluated).min(MAX_EVALUATED)
                } else {
                    limit + 1 - images.len()
                };
                lists.query(evaluated).await?;
                queries += 1;
                continue;
            };
            read += hits.len();
            let positions: Vec<_> = hits.into_iter().map(|hit| hit.position).collect();
            images.extend(self.rows(query, &positions).await?);
            if images.len() > limit {
                images.truncate(limit);
                let next = images.last().map(|last| last.position.clone());
                return Ok(Page { images, next });
            }
            if is_filtered && read >= MAX_READ {
                let next = Some(last);
                return Ok(Page { images, next });
            }
        }
    }

    /// A page of the images that meet the condition, in the order of taking; `None` if they are too many.
    async fn sorted_page(
        &self,
        query: &Query,
        condition: &Condition,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Option<Page>, ServiceError> {
        let by_upload = Query {
            from: None,
            to: None,
            ..query.clone()
        };
        let keys = keys(query, condition);
        let mut lists = Lists::new(self, &by_upload, Sort::Newest, keys, None);
        let (hits, is_complete) = lists.read_all(MAX_SORTED).await?;
        if !is_complete || hits.len() > MAX_SORTED {
            return Ok(None);
        }
        let hits: Vec<Position> = hits.into_iter().map(|hit| hit.position).collect();
        let mut images = Vec::new();
        for hits in hits.chunks(MAX_BATCH) {
            let found = self.matching(query, hits).await?;
            images.extend(found.into_iter().map(|(_, found)| found));
        }
        images.retain(|found| after.is_none_or(|after| found.position < *after));
        images.sort_by(|one, other| other.position.cmp(&one.position));
        let more = images.len() > limit;
        images.truncate(limit);
        let next = (images.last().filter(|_| more)).map(|last| last.position.clone());
        Ok(Some(Page { images, next }))
    }

    /// A page of these positions, which are in no order yet; the highest comes first.
    async fn page_of(
        &self,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
        mut positions: Vec<Position>,
    ) -> Result<Page, ServiceError> {
        positions.retain(|position| after.is_none_or(|after| position < after));
        positions.sort_by(|one, other| other.cmp(one));
        let mut images: Vec<Found> = Vec::new();
        let mut read = 0;
        for positions in positions.chunks((limit + 1).min(MAX_BATCH)) {
            images.extend(self.rows(query, positions).await?);
            if images.len() > limit {
                images.truncate(limit);
                let next = images.last().map(|last| last.position.clone());
                return Ok(Page { images, next });
            }
            read += positions.len();
            if read >= MAX_READ {
                let next = positions.last().cloned();
                return Ok(Page { images, next });
            }
        }
        Ok(Page { images, next: None })
    }

    /// The images at these positions that match, in this order. An index lags behind the table, so images that were removed
    /// or have another position now are left out.
    async fn rows(
        &self,
        query: &Query,
        positions: &[Position],
    ) -> Result<Vec<Found>, ServiceError> {
        let mut found: HashMap<Position, Found> =
            self.matching(query, positions).await?.into_iter().collect();
        let in_order = positions
            .iter()
            .filter_map(|position| found.remove(position));
        Ok(in_order.collect())
    }

    /// The images with the keys of these positions that match, each with its own position.
    async fn matching(
        &self,
        query: &Query,
        positions: &[Position],
    ) -> Result<Vec<(Position, Found)>, ServiceError> {
        let order = query.order();
        let keys = positions.iter().map(|position| {
            Item::from([
                ("pk".to_owned(), s(image_pk(&position.key))),
                ("sk".to_owned(), s(IMAGE)),
            ])
        });
        let found = self.images(keys.collect()).await?.into_iter();
        let found = found.filter_map(|(row, terms)| {
            let matched = query.matches(&row, |term| confidence_of(&terms, term))?;
            let confidence = matched.confidence;
            let position = Position::of(&row, order, confidence);
            let found = Found {
                row,
                confidence,
                position: position.clone(),
            };
            Some((position, found))
        });
        Ok(found.collect())
    }

    /// The rows and the lists of terms of the images with these keys, in no order.
    async fn images(&self, keys: Vec<Item>) -> Result<Vec<(ImageRow, Terms)>, ServiceError> {
        let mut missing = keys;
        let mut images = Vec::new();
        let mut pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE, ATTEMPTS);
        while !missing.is_empty() {
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(std::mem::take(&mut missing)))
                .consistent_read(true)
                .projection_expression("#row, removal, terms")
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
                    images.push((from_json(row)?, terms(item)));
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
        Ok(images)
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
        let mut all_images = 0;
        for item in shards.iter().flatten() {
            let Some(sk) = text(item, "sk") else { continue };
            // Never negative, because counts match the items.
            let images = number(item, "images").unwrap_or_default().max(0.0) as u64;
            if images == 0 {
                continue;
            }
            if sk == TAKEN {
                all_images += images;
            }
            let Some(kind) = kind_of(sk) else { continue };
            let name = text(item, "name").unwrap_or_default();
            let (_, count) = all.entry(sk.to_owned()).or_insert_with(|| {
                let count = NameCount {
                    name: name.to_owned(),
                    images: 0,
                    aliases: BTreeSet::new(),
                };
                (kind, count)
            });
            count.images += images;
            let aliases = item.get("aliases").and_then(|aliases| aliases.as_ss().ok());
            count.aliases.extend(aliases.into_iter().flatten().cloned());
        }
        Ok(Labels::from_counts(all_images, all.into_values()))
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

/// The lists of a condition's terms.
fn keys(query: &Query, condition: &Condition) -> Vec<Key> {
    let is_condition = query.conditions.contains(condition);
    let terms = condition.any.iter();
    terms
        .map(|term| Key {
            sk: term_sk(term),
            least: (query.min_confidence).filter(|_| is_condition && term.kind.is_counted()),
        })
        .collect()
}
