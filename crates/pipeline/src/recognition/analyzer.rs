//! Asks the recogniser about a picture.

use std::fmt;

use futures::future::join_all;
use tokio::time::{Instant, timeout_at};

use super::{
    answers::{Answers, SavedAnswer},
    recogniser_queries,
    settings::Settings,
};
use crate::{
    Analyses, SourceKey,
    prepare::Converted,
    recogniser::{ImageSource, Recogniser, RecogniserCall, RecogniserQuery},
    service_error::{Fate, Service, ServiceError, code},
};

/// The images that the recogniser gets for a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct RecogniserImages {
    /// For all queries without an image of their own below.
    pub picture: ImageSource,
    /// For DetectProtectiveEquipment, which takes smaller images only.
    pub ppe: Option<ImageSource>,
}

impl RecogniserImages {
    /// The original, or the images that preparation made to replace it.
    #[must_use]
    pub fn new(
        original: ImageSource,
        converted: Option<Converted>,
        ppe: Option<Converted>,
    ) -> Self {
        let bytes = |converted: Converted| ImageSource::Bytes(converted.jpeg.bytes.into());
        Self {
            picture: converted.map_or(original, bytes),
            ppe: ppe.map(bytes),
        }
    }

    /// The image for this query.
    fn image_for(&self, query: &RecogniserQuery) -> &ImageSource {
        match (query, &self.ppe) {
            (RecogniserQuery::ProtectiveEquipment, Some(ppe)) => ppe,
            _ => &self.picture,
        }
    }
}

/// Asks a recogniser about pictures.
pub struct Analyzer<'a, R> {
    /// The recogniser.
    pub recogniser: &'a R,
    /// The parameters of the queries.
    pub settings: &'a Settings,
}

impl<R> fmt::Debug for Analyzer<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Analyzer")
            .field("settings", self.settings)
            .finish_non_exhaustive()
    }
}

impl<R: Recogniser> Analyzer<'_, R> {
    /// Sends all queries concurrently, one per operation, except those with a saved answer. A
    /// query without an answer at `until` gets the retryable error `Timeout`.
    pub async fn analyse(
        &self,
        key: &SourceKey,
        images: &RecogniserImages,
        analyses: &Analyses,
        saved: &[SavedAnswer],
        until: Instant,
    ) -> Answers {
        let answers = recogniser_queries::queries(analyses, self.settings)
            .into_iter()
            .map(|query| async {
                let fingerprint = recogniser_queries::fingerprint(&query);
                if let Some(saved) = saved.iter().find(|saved| saved.query == fingerprint) {
                    let answer = saved.answer(query.operation());
                    return (query, answer);
                }
                let call = RecogniserCall {
                    image: images.image_for(&query).clone(),
                    owner: key.owner().map(str::to_owned),
                    query,
                };
                let in_time = async {
                    // The time-out alone would still send a call that is too late, and it would be billed.
                    if Instant::now() >= until {
                        return None;
                    }
                    let answer = timeout_at(until, self.recogniser.recognise(&call)).await;
                    answer.ok()
                };
                let answer = in_time.await.unwrap_or_else(|| {
                    Err(ServiceError::new(
                        Service::Rekognition,
                        call.query.operation().name(),
                        code::TIMEOUT,
                        "the invocation ended before the answer arrived",
                        Fate::RETRY_UNANSWERED,
                    ))
                });
                if let Err(error) = &answer {
                    let operation = call.query.operation();
                    tracing::warn!(%key, %operation, code = error.code, error = error.message, fate = ?error.fate, "the recogniser gave no answer");
                }
                (call.query, answer)
            });
        Answers::new(join_all(answers).await)
    }
}
