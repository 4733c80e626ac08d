//! The daily limit on analyses of one owner (`MAX_DAILY_ANALYSES_PER_OWNER`), so that nobody can use up everybody's day.
//!
//! The index counts the analyses of each owner and day (UTC), one write for each call of the recogniser. They are counted before
//! the call, and taken back if nothing was billed for it, as when the limit of all owners together is reached: a recogniser with
//! that limit goes inside this one. A worker that ends in between, or an index that does not answer then, leaves the count too
//! high. So the limit is never exceeded.

use serde_json::Value;
use time::OffsetDateTime;

use crate::{
    daily_limit::{LimitedRecogniser, analyses, error, not_counted},
    index::ImageIndex,
    object_store::ObjectStore,
    recogniser::{Recogniser, RecogniserCall},
    recognition::Settings,
    service_error::{Fate, ServiceError, code::OWNER_DAILY_LIMIT_REACHED},
};

/// A recogniser with a daily limit for each owner. Pictures without an owner have none.
#[derive(Debug, Clone)]
pub struct OwnerLimitedRecogniser<R, I> {
    recogniser: R,
    limit: Option<(I, u64)>,
    clock: fn() -> OffsetDateTime,
}

/// A recogniser with both daily limits: that of all pictures is counted in `bucket`, that of each owner in `index`.
pub fn limited<R: Recogniser, S: ObjectStore, I: ImageIndex>(
    recogniser: R,
    store: S,
    bucket: &str,
    index: Option<I>,
    settings: &Settings,
) -> OwnerLimitedRecogniser<LimitedRecogniser<R, S>, I> {
    let all = LimitedRecogniser::new(recogniser, store, bucket, settings.max_daily_analyses);
    OwnerLimitedRecogniser::new(all, index, settings.max_daily_analyses_per_owner)
}

impl<R, I> OwnerLimitedRecogniser<R, I> {
    /// Allows at most `limit` analyses a day of each owner's pictures, counted in `index`; any number without one of the two.
    pub fn new(recogniser: R, index: Option<I>, limit: Option<u64>) -> Self {
        Self {
            recogniser,
            limit: index.zip(limit),
            clock: OffsetDateTime::now_utc,
        }
    }
}

impl<R: Recogniser, I: ImageIndex> Recogniser for OwnerLimitedRecogniser<R, I> {
    async fn recognise(&self, call: &RecogniserCall) -> Result<Value, ServiceError> {
        let (Some((index, limit)), Some(owner)) = (&self.limit, &call.owner) else {
            return self.recogniser.recognise(call).await;
        };
        let analyses = analyses(&call.query);
        let day = (self.clock)().date();
        let counted = index.count_analyses(owner, day, analyses, *limit).await;
        if !counted.map_err(|cause| not_counted("the owner's analyses of today", cause))? {
            return Err(reached(*limit));
        }
        let answer = self.recogniser.recognise(call).await;
        if answer.as_ref().is_err_and(|error| !error.may_be_billed())
            && let Err(error) = index.uncount_analyses(owner, day, analyses).await
        {
            tracing::warn!(%error, "an analysis that was not done stays counted for its owner");
        }
        answer
    }
}

fn reached(limit: u64) -> ServiceError {
    error(
        OWNER_DAILY_LIMIT_REACHED,
        format!(
            "Your {limit} analyses of today are used up; send the picture again after midnight UTC, or ask whoever runs the service to raise MAX_DAILY_ANALYSES_PER_OWNER."
        ),
        Fate::DailyLimit,
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::future::join_all;

    use super::*;
    use crate::{
        daily_limit::LimitedRecogniser,
        recogniser::{ImageSource, RecogniserQuery},
        service_error::code::DAILY_LIMIT_REACHED,
        testing::{
            CannedRecogniser, FailingIndex, Faults, MemoryIndex, MemoryStore, busy, refused,
            throttled,
        },
    };

    fn call(owner: Option<&str>) -> RecogniserCall {
        RecogniserCall {
            query: RecogniserQuery::Labels {
                labels: true,
                image_properties: true,
                min_confidence: 55.0,
                max_labels: 10,
            },
            image: ImageSource::Bytes(Arc::from([0_u8])),
            owner: owner.map(str::to_owned),
        }
    }

    fn limited<R, I>(recogniser: R, index: I, limit: u64) -> OwnerLimitedRecogniser<R, I> {
        OwnerLimitedRecogniser {
            clock: || OffsetDateTime::UNIX_EPOCH,
            ..OwnerLimitedRecogniser::new(recogniser, Some(index), Some(limit))
        }
    }

    fn code(answer: Result<Value, ServiceError>) -> String {
        answer.err().map(|error| error.code).unwrap_or_default()
    }

    #[tokio::test]
    async fn each_owner_has_a_limit_of_their_own() {
        let index = MemoryIndex::new();
        let recogniser = CannedRecogniser::new();
        let workers = [0; 4].map(|_| limited(recogniser.clone(), index.clone(), 5));
        let ann = call(Some("ann"));
        let answers = join_all(
            workers
                .iter()
                .cycle()
                .take(8)
                .map(|one| one.recognise(&ann)),
        )
        .await;
        let codes: Vec<_> = answers.into_iter().map(code).collect();
        let over = codes
            .iter()
            .filter(|code| *code == OWNER_DAILY_LIMIT_REACHED);
        assert_eq!((recogniser.count(), over.count()), (2, 6));
        assert_eq!(index.counted_analyses("ann"), 4);
        for other in [Some("bob"), None, None, None] {
            assert_eq!(code(workers[0].recognise(&call(other)).await), "");
        }
    }

    #[tokio::test]
    async fn what_is_not_billed_is_not_counted() {
        for (error, counted) in [
            (throttled(), 0),
            (refused("InvalidImageFormatException"), 0),
            (error("Timeout", "", Fate::RETRY_UNANSWERED), 2),
        ] {
            let recogniser = CannedRecogniser::new().with_faults(None, Faults::first(1, error));
            let index = MemoryIndex::new();
            let worker = limited(recogniser, index.clone(), 9);
            assert!(worker.recognise(&call(Some("ann"))).await.is_err());
            assert_eq!(index.counted_analyses("ann"), counted);
        }
    }

    #[tokio::test]
    async fn the_limit_of_an_owner_comes_before_that_of_all() {
        let (index, store) = (MemoryIndex::new(), MemoryStore::new());
        let all = LimitedRecogniser::new(CannedRecogniser::new(), store, "out-put", Some(4));
        let worker = limited(all, index.clone(), 2);
        assert_eq!(code(worker.recognise(&call(Some("ann"))).await), "");
        // Ann uses nothing of what is left for the others.
        for _ in 0..3 {
            let over = worker.recognise(&call(Some("ann"))).await;
            assert_eq!(code(over), OWNER_DAILY_LIMIT_REACHED);
        }
        assert_eq!(code(worker.recognise(&call(Some("bob"))).await), "");
        // A rejection by the limit of all costs Carl nothing.
        let over = worker.recognise(&call(Some("carl"))).await;
        assert_eq!(code(over), DAILY_LIMIT_REACHED);
        assert_eq!(index.counted_analyses("carl"), 0);
    }

    #[tokio::test]
    async fn without_a_count_the_recogniser_is_not_called() {
        let recogniser = CannedRecogniser::new();
        let index = FailingIndex::new(MemoryIndex::new(), Faults::first(1, busy()));
        let worker = limited(recogniser.clone(), index, 9);
        let error = worker.recognise(&call(Some("ann"))).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert_eq!(recogniser.count(), 0);
        assert_eq!(code(worker.recognise(&call(Some("ann"))).await), "");
    }
}
