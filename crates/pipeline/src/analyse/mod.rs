//! From a picture to its result document, as both functions do it: the queries its analyses ask,
//! their answers side by side, and the document made of them.

mod cost;
mod queries;
mod refusal;
mod summary;

use std::fmt;

use futures::future::join_all;
use rekognition_model::Operation;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use tokio::time::{Instant, timeout_at};

pub use self::refusal::{MAX_FILE_BYTES, min_side, refusal, whole};
pub(crate) use self::summary::answer;
pub use self::summary::summary;
use crate::{
    Analyses, Analysis, ResultDocument, SourceKey,
    document::{
        AnalysisError, Cost, ImageInfo, SCHEMA_VERSION, Source, Status, Thumbnail, Timings,
    },
    prepare::{Converted, Limits},
    recogniser::{ImageSource, Recogniser, RecogniserCall, RecogniserQuery},
    service_error::{Fate, Service, ServiceError, code},
};

/// How pictures are analysed.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The least confidence of a label, percent 0..100 (`MIN_CONFIDENCE`, 55, Rekognition's own default).
    pub min_confidence: f32,
    /// The most labels (`MAX_LABELS`, 1000, Rekognition's own default).
    pub max_labels: u32,
    /// The model that `custom-labels` asks (`CUSTOM_LABELS_ARN`).
    pub custom_labels_arn: Option<String>,
    /// The longest side of thumbnails in pixels, 0 for none (`THUMBNAIL_PX`, 128).
    pub thumbnail_px: u32,
    /// The most analyses a day, of all workers together (`MAX_DAILY_ANALYSES`, any number).
    pub max_daily_analyses: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            min_confidence: 55.0,
            max_labels: 1000,
            custom_labels_arn: None,
            thumbnail_px: 128,
            max_daily_analyses: None,
        }
    }
}

impl Settings {
    /// How a picture is to be prepared for these analyses.
    #[must_use]
    pub fn limits(&self, analyses: &Analyses) -> Limits {
        Limits {
            thumbnail_px: self.thumbnail_px,
            min_side: min_side(analyses),
            protective_equipment: analyses.contains(Analysis::Ppe),
            ..Limits::default()
        }
    }
}

/// What the recogniser is shown of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Views {
    /// To answer all queries but those that follow.
    pub picture: ImageSource,
    /// To answer DetectProtectiveEquipment, which takes less.
    pub ppe: Option<ImageSource>,
}

impl Views {
    /// Of the original and what preparation made in its place.
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

    /// What is shown to have this query answered.
    fn of(&self, query: &RecogniserQuery) -> &ImageSource {
        match (query, &self.ppe) {
            (RecogniserQuery::ProtectiveEquipment, Some(ppe)) => ppe,
            _ => &self.picture,
        }
    }
}

/// What all answers about one picture cost, by list price.
#[must_use]
pub fn price(analyses: &Analyses, settings: &Settings) -> Cost {
    cost::cost(queries::queries(analyses, settings).iter())
}

/// Asks a recogniser everything that is to be known of a picture.
pub struct Analyzer<'a, R> {
    /// Whom to ask.
    pub recogniser: &'a R,
    /// What to ask.
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
    /// Asks all queries side by side, one per operation, but those that `kept` answers. A
    /// query without an answer at `until` gets the retryable error `Timeout`. The key is for
    /// the logs.
    pub async fn analyse(
        &self,
        key: &SourceKey,
        views: &Views,
        analyses: &Analyses,
        saved: &[SavedAnswer],
        until: Instant,
    ) -> Answers {
        let asked = queries::queries(analyses, self.settings)
            .into_iter()
            .map(|query| async {
                let fingerprint = queries::fingerprint(&query);
                if let Some(saved) = saved.iter().find(|saved| saved.query == fingerprint) {
                    let answer = saved.answer(query.operation());
                    return (query, answer);
                }
                let call = RecogniserCall {
                    image: views.of(&query).clone(),
                    query,
                };
                let asking = async {
                    // The time-out alone would let a call leave that is too late, and it would be paid for.
                    if Instant::now() >= until {
                        return None;
                    }
                    let answer = timeout_at(until, self.recogniser.recognise(&call)).await;
                    answer.ok()
                };
                let answer = asking.await.unwrap_or_else(|| {
                    Err(ServiceError::new(
                        Service::Rekognition,
                        call.query.operation().name(),
                        code::TIMEOUT,
                        "the invocation ended before the answer came",
                        Fate::RETRY_UNANSWERED,
                    ))
                });
                if let Err(error) = &answer {
                    let operation = call.query.operation();
                    tracing::warn!(%key, %operation, code = error.code, error = error.message, fate = ?error.fate, "no answer");
                }
                (call.query, answer)
            });
        Answers(join_all(asked).await)
    }
}

/// The answers to all queries about a picture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers(Vec<(RecogniserQuery, Result<Value, ServiceError>)>);

impl Answers {
    /// The first error that time or a repair of the deployment may heal.
    #[must_use]
    pub fn retryable_failure(&self) -> Option<&ServiceError> {
        let mut errors = self
            .0
            .iter()
            .filter_map(|(_, answer)| answer.as_ref().err());
        errors.find(|error| !error.is_final())
    }

    /// The answers and final errors: asking again would not change them.
    #[must_use]
    pub fn saved(&self) -> Vec<SavedAnswer> {
        self.0
            .iter()
            .filter_map(|(query, answer)| {
                let (answer, error) = match answer {
                    Ok(answer) => (Some(answer.clone()), None),
                    Err(error) if error.fate == Fate::Final => {
                        (None, Some((error.code.clone(), error.message.clone())))
                    }
                    Err(_) => return None,
                };
                Some(SavedAnswer {
                    query: queries::fingerprint(query),
                    answer,
                    error,
                })
            })
            .collect()
    }

    /// The error of the first query that was not asked because the day's analyses are used up,
    /// where no other query has an answer.
    #[must_use]
    pub fn over_daily_limit(&self) -> Option<&ServiceError> {
        let mut errors = self.0.iter().map(|(_, answer)| answer.as_ref().err());
        errors.clone().all(|error| error.is_some()).then_some(())?;
        errors.find_map(|error| error.filter(|error| error.is_daily_limit()))
    }

    /// One error for each of the analyses that has no answer.
    fn errors(&self, analyses: &Analyses) -> Vec<AnalysisError> {
        self.0
            .iter()
            .filter_map(|(query, answer)| {
                let error = answer.as_ref().err()?;
                Some(queries::errors(query.operation(), analyses, error))
            })
            .flatten()
            .collect()
    }

    /// How many calls were answered, and so billed, and what they cost. An answer that was kept is
    /// counted too: it belongs to this picture and was paid for once.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let answered = self.0.iter().filter(|(_, answer)| answer.is_ok());
        cost::cost(answered.map(|(query, _)| query))
    }

    fn into_rekognition(self) -> Map<String, Value> {
        self.0
            .into_iter()
            .filter_map(|(query, answer)| {
                Some((query.operation().document_key().to_owned(), answer.ok()?))
            })
            .collect()
    }
}

/// An answer that was had, or the error that is final, kept for whoever works on the picture next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedAnswer {
    /// The query with all its parameters; another query needs another answer.
    #[serde(rename = "question")]
    pub query: String,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// The error's code and message where there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<(String, String)>,
}

impl SavedAnswer {
    fn answer(&self, operation: Operation) -> Result<Value, ServiceError> {
        match (&self.answer, &self.error) {
            (Some(answer), _) => Ok(answer.clone()),
            (None, error) => {
                let (code, message) = error.clone().unwrap_or_default();
                Err(ServiceError::new(
                    Service::Rekognition,
                    operation.name(),
                    code,
                    message,
                    Fate::Final,
                ))
            }
        }
    }
}

/// Everything a result document is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// The object.
    pub source: Source,
    /// What the picture's header says.
    pub image: Option<ImageInfo>,
    /// The thumbnail, where one was made.
    pub thumbnail: Option<Thumbnail>,
    /// What was to be found out.
    pub analyses: Analyses,
    /// What was found out; empty where nothing was asked.
    pub answers: Answers,
    /// Why nothing was asked.
    pub refusal: Option<AnalysisError>,
    /// How long it took.
    pub timings: Timings,
    /// Now.
    pub processed_at: OffsetDateTime,
}

impl Findings {
    /// The document. Its status follows from the answers: `succeeded` without an error, `failed`
    /// without an answer, `partial` between.
    #[must_use]
    pub fn into_document(self) -> ResultDocument {
        let mut errors = self.answers.errors(&self.analyses);
        errors.extend(self.refusal);
        let cost = self.answers.cost();
        let rekognition = self.answers.into_rekognition();
        ResultDocument {
            schema_version: SCHEMA_VERSION,
            image_id: self.source.key.image_id(),
            status: if errors.is_empty() {
                Status::Succeeded
            } else if rekognition.is_empty() {
                Status::Failed
            } else {
                Status::Partial
            },
            source: self.source,
            image: self.image,
            summary: summary(&rekognition),
            rekognition,
            thumbnail: self.thumbnail,
            errors,
            analyses: self.analyses,
            cost: Some(cost),
            timings: self.timings,
            processed_at: self.processed_at,
            processor_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
