//! Reads several lists of an index side by side, merged in their order.

use std::collections::{BTreeMap, VecDeque};

use futures::future::try_join_all;
use sightline_pipeline::{
    index::{Position, Query, Sort},
    service_error::ServiceError,
};

use super::{
    DynamoIndex,
    item::{Item, n, number, position_of, position_sk, s, text},
};

/// The most items that a query of a list that is read as a whole evaluates. They are about half of the megabyte that DynamoDB
/// evaluates at most.
const MAX_EVALUATED: usize = 4_000;

/// A list of an index.
pub(super) struct Key {
    /// The sort key of its items.
    pub(super) sk: String,
    /// The least confidence.
    pub(super) least: Option<f64>,
}

impl Key {
    pub(super) fn of(sk: String) -> Self {
        Self { sk, least: None }
    }
}

/// An image of a list.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub(super) position: Position,
    /// In percent; 0 if the list has none.
    pub(super) confidence: f64,
}

/// Lists that are read side by side.
pub(super) struct Lists<'a> {
    index: &'a DynamoIndex,
    query: &'a Query,
    order: Sort,
    after: Option<&'a Position>,
    /// The first and last sort key.
    range: Option<[String; 2]>,
    lists: Vec<List>,
}

struct List {
    key: Key,
    /// Read, and not taken yet.
    hits: VecDeque<Hit>,
    rest: Rest,
}

/// What is not read of a list.
enum Rest {
    All,
    /// What comes after this key, which has this position.
    After(Item, Position),
    Nothing,
}

impl<'a> Lists<'a> {
    /// The lists of the query's owner with these keys, in this order, beginning after a position.
    pub(super) fn new(
        index: &'a DynamoIndex,
        query: &'a Query,
        order: Sort,
        keys: Vec<Key>,
        after: Option<&'a Position>,
    ) -> Self {
        let range = range(query, order, after);
        let is_empty = range.as_ref().is_some_and(|[first, last]| first > last);
        let lists = keys.into_iter().map(|key| List {
            key,
            hits: VecDeque::new(),
            rest: if is_empty { Rest::Nothing } else { Rest::All },
        });
        Self {
            index,
            query,
            order,
            after,
            range,
            lists: lists.collect(),
        }
    }

    /// Whether a query may evaluate items that it does not return.
    pub(super) fn are_filtered(&self) -> bool {
        self.query.status.is_some() || self.lists.iter().any(|list| list.key.least.is_some())
    }

    /// Whether nothing is left to read or to take.
    pub(super) fn are_read(&self) -> bool {
        let mut lists = self.lists.iter();
        lists.all(|list| list.hits.is_empty() && matches!(list.rest, Rest::Nothing))
    }

    /// The position up to which all lists are known, if a list has to be queried before more can be taken. `None` too before
    /// the first query.
    pub(super) fn known_up_to(&self) -> Option<Position> {
        let waiting = self.lists.iter().filter(|list| list.hits.is_empty());
        let ends = waiting.filter_map(|list| match &list.rest {
            Rest::After(_, position) => Some(position),
            Rest::All | Rest::Nothing => None,
        });
        self.first(ends).cloned()
    }

    /// The next images, each once: as many as are known, `most` at most.
    pub(super) fn take(&mut self, most: usize) -> Vec<Hit> {
        if self.lists.iter().any(|list| matches!(list.rest, Rest::All)) {
            return Vec::new();
        }
        let mut taken = Vec::new();
        while taken.len() < most {
            // Taking the last image of a list that has more lowers it.
            let known = self.known_up_to();
            let heads = self.lists.iter().filter_map(|list| list.hits.front());
            let Some(first) = self.first(heads.map(|hit| &hit.position)).cloned() else {
                break;
            };
            let is_known = known.as_ref().is_none_or(|known| match self.order {
                Sort::Oldest => first <= *known,
                _ => first >= *known,
            });
            if !is_known {
                break;
            }
            let mut confidence: f64 = 0.0;
            for list in &mut self.lists {
                if list.hits.front().is_some_and(|hit| hit.position == first)
                    && let Some(hit) = list.hits.pop_front()
                {
                    confidence = confidence.max(hit.confidence);
                }
            }
            taken.push(Hit {
                position: first,
                confidence,
            });
        }
        taken
    }

    /// The image that comes first.
    fn first<'p>(&self, positions: impl Iterator<Item = &'p Position>) -> Option<&'p Position> {
        match self.order {
            Sort::Oldest => positions.min(),
            _ => positions.max(),
        }
    }

    /// Queries the lists of which nothing is left to take. Each query evaluates this many items.
    pub(super) async fn query(&mut self, evaluated: usize) -> Result<(), ServiceError> {
        let this = &*self;
        let answers = this.lists.iter().map(async |list| {
            let start = match &list.rest {
                _ if !list.hits.is_empty() => return Ok(None),
                Rest::Nothing => return Ok(None),
                Rest::All => None,
                Rest::After(key, _) => Some(key.clone()),
            };
            this.find(&list.key, start, evaluated).await.map(Some)
        });
        let answers = try_join_all(answers).await?;
        for (list, answer) in self.lists.iter_mut().zip(answers) {
            if let Some((hits, rest)) = answer {
                list.hits = hits;
                list.rest = rest;
            }
        }
        Ok(())
    }

    /// All images among the first `most` entries of each list, each once with its highest confidence. The second
    /// value says whether those are the whole lists.
    pub(super) async fn read_all(&mut self, most: usize) -> Result<(Vec<Hit>, bool), ServiceError> {
        let this = &*self;
        let all = this.lists.iter().map(async |list| {
            let mut all = Vec::new();
            let mut start = match &list.rest {
                Rest::Nothing => return Ok::<_, ServiceError>((all, true)),
                _ => None,
            };
            // What filters leave out has been read, too.
            let mut left = most;
            loop {
                let evaluated = left.min(MAX_EVALUATED);
                let (hits, rest) = this.find(&list.key, start, evaluated).await?;
                all.extend(hits);
                left -= evaluated;
                start = match rest {
                    Rest::After(key, _) if left > 0 => Some(key),
                    Rest::After(..) => return Ok((all, false)),
                    _ => return Ok((all, true)),
                };
            }
        });
        let mut best: BTreeMap<Position, f64> = BTreeMap::new();
        let mut is_complete = true;
        for (hits, is_whole) in try_join_all(all).await? {
            is_complete &= is_whole;
            for hit in hits {
                let confidence = best.entry(hit.position).or_default();
                *confidence = confidence.max(hit.confidence);
            }
        }
        let hits = best.into_iter().map(|(position, confidence)| Hit {
            position,
            confidence,
        });
        Ok((hits.collect(), is_complete))
    }

    async fn find(
        &self,
        key: &Key,
        start: Option<Item>,
        evaluated: usize,
    ) -> Result<(VecDeque<Hit>, Rest), ServiceError> {
        let (index, attribute, value) = match &self.query.owner {
            None => ("by-term", "term", key.sk.clone()),
            Some(owner) => ("by-owner-term", "ownerTerm", format!("{owner}/{}", key.sk)),
        };
        let mut request = self
            .index
            .client
            .query()
            .table_name(&self.index.table)
            .index_name(index)
            .scan_index_forward(self.order == Sort::Oldest)
            .limit(i32::try_from(evaluated).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .projection_expression("#position, confidence")
            // `position` is a reserved word.
            .expression_attribute_names("#position", "position")
            .expression_attribute_names("#key", attribute)
            .expression_attribute_values(":key", s(value));
        let mut keys = "#key = :key".to_owned();
        if let Some([first, last]) = &self.range {
            keys.push_str(" AND #position BETWEEN :first AND :last");
            request = request
                .expression_attribute_values(":first", s(first))
                .expression_attribute_values(":last", s(last));
        }
        let mut filters = Vec::new();
        if let Some(least) = key.least {
            filters.push("confidence >= :least");
            request = request.expression_attribute_values(":least", n(least));
        }
        if let Some(status) = self.query.status {
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
            .map_err(|error| self.index.error("Query", &error))?;
        let hits = (found.items().iter())
            .filter_map(|item| {
                Some(Hit {
                    position: position_of(text(item, "position")?)?,
                    confidence: number(item, "confidence").unwrap_or_default(),
                })
            })
            // The range includes the position after which the page begins.
            .filter(|hit| self.after.is_none_or(|after| hit.position != *after));
        let hits = hits.collect();
        let rest = (found.last_evaluated_key).and_then(|key| {
            let position = text(&key, "position").and_then(position_of)?;
            Some(Rest::After(key, position))
        });
        Ok((hits, rest.unwrap_or(Rest::Nothing)))
    }
}

/// The first and the last sort key of a list; `None` for all.
fn range(query: &Query, order: Sort, after: Option<&Position>) -> Option<[String; 2]> {
    if query.from.is_none() && query.to.is_none() && after.is_none() {
        return None;
    }
    let (from, to) = query.range();
    // `$` follows `#`, which ends the time in a sort key.
    let (mut first, mut last) = (format!("{from:013}"), format!("{to:013}$"));
    if let Some(after) = after {
        let after = position_sk(after);
        if order == Sort::Oldest {
            first = first.max(after);
        } else {
            last = last.min(after);
        }
    }
    Some([first, last])
}
