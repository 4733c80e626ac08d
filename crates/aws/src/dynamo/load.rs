//! Fills an empty table for tests, in batches.
//!
//! moto copies the whole table in every transaction, so adding ten thousand images one by one would take too
//! long. `load` writes the same items as `put`: putting the same images again changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use futures::{StreamExt, stream};
use sightline_pipeline::{
    index::{Entry, precedence::IndexRecord},
    service_error::ServiceError,
};
use uuid::Uuid;

use super::{
    DynamoIndex,
    item::{
        DesiredRecord, Item, count_pk, counted_in, image_item, is_counted, n, s, shard, term_item,
    },
};

/// A count that is written at once.
#[derive(Default)]
struct Count {
    images: u64,
    name: Option<String>,
    aliases: BTreeSet<String>,
}

/// The most items in a request (Amazon DynamoDB API Reference, "BatchWriteItem").
const MAX_BATCH: usize = 25;

impl DynamoIndex {
    /// Adds images to a table that has none of them. With `counts`, it also writes the counts, which must not exist
    /// yet.
    ///
    /// # Errors
    /// [`ServiceError`] if a request fails.
    pub async fn load(&self, entries: &[Entry], counts: bool) -> Result<(), ServiceError> {
        let mut items: Vec<Item> = Vec::new();
        let mut counted: BTreeMap<(String, String), Count> = BTreeMap::new();
        for entry in entries {
            let key = &entry.row.key;
            let wanted = DesiredRecord::of(entry, self.lists);
            let rev = Uuid::new_v4().to_string();
            let terms = wanted.terms();
            items.push(image_item(key, &wanted.record, &terms, &rev, self.lists)?);
            let IndexRecord::Image(image) = &wanted.record else {
                continue;
            };
            for (sk, item) in &wanted.term_items {
                items.push(term_item(sk, item, image, self.lists));
                if counts && is_counted(sk) {
                    for owner in counted_in(key, terms.get(sk)) {
                        let pk = count_pk(shard(key), owner);
                        let count = counted.entry((pk, sk.clone())).or_default();
                        count.images += 1;
                        count.name.clone_from(&item.name);
                        count.aliases.extend(item.aliases.iter().cloned());
                    }
                }
            }
        }
        items.extend(counted.into_iter().map(|((pk, sk), count)| {
            let mut item = Item::from([
                ("pk".to_owned(), s(pk)),
                ("sk".to_owned(), s(sk)),
                ("images".to_owned(), n(count.images)),
            ]);
            item.extend(count.name.map(|name| ("name".to_owned(), s(name))));
            if !count.aliases.is_empty() {
                let aliases = count.aliases.into_iter().collect();
                item.insert("aliases".to_owned(), AttributeValue::Ss(aliases));
            }
            item
        }));
        let batches = items.chunks(MAX_BATCH).map(<[Item]>::to_vec);
        let mut written = stream::iter(batches)
            .map(|batch| self.write_batch(batch))
            .buffer_unordered(4);
        while let Some(written) = written.next().await {
            written?;
        }
        Ok(())
    }

    async fn write_batch(&self, batch: Vec<Item>) -> Result<(), ServiceError> {
        let requests = batch
            .into_iter()
            .map(|item| {
                let put = PutRequest::builder().set_item(Some(item)).build()?;
                Ok(WriteRequest::builder().put_request(put).build())
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error: aws_sdk_dynamodb::error::BuildError| {
                self.not_built("BatchWriteItem", &error)
            })?;
        self.client
            .batch_write_item()
            .request_items(&self.table, requests)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| self.error("BatchWriteItem", &error))
    }
}
