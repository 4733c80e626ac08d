//! The recogniser's answers about a picture.

use rekognition_model::Operation;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{cost, recogniser_queries};
use crate::{
    Analyses,
    document::{AnalysisError, Cost},
    recogniser::RecogniserQuery,
    service_error::{Fate, Service, ServiceError},
};

/// The answers to all queries about a picture, or why there are none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers(Vec<(RecogniserQuery, Result<Value, ServiceError>)>);

impl Answers {
    pub(super) const fn new(answers: Vec<(RecogniserQuery, Result<Value, ServiceError>)>) -> Self {
        Self(answers)
    }

    /// The first error after which another attempt, or a repair of the deployment, may succeed.
    #[must_use]
    pub fn retryable_failure(&self) -> Option<&ServiceError> {
        let mut errors = self
            .0
            .iter()
            .filter_map(|(_, answer)| answer.as_ref().err());
        errors.find(|error| !error.is_final())
    }

    /// The answers and final errors. Asking again would not change them.
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
                    query: recogniser_queries::fingerprint(query),
                    answer,
                    error,
                })
            })
            .collect()
    }

    /// The error of the first query that exceeded the daily limit; `None` if any query has an answer.
    #[must_use]
    pub fn over_daily_limit(&self) -> Option<&ServiceError> {
        let mut errors = self.0.iter().map(|(_, answer)| answer.as_ref().err());
        errors.clone().all(|error| error.is_some()).then_some(())?;
        errors.find_map(|error| error.filter(|error| error.is_daily_limit()))
    }

    /// One error for each analysis without an answer.
    pub(super) fn errors(&self, analyses: &Analyses) -> Vec<AnalysisError> {
        self.0
            .iter()
            .filter_map(|(query, answer)| {
                let error = answer.as_ref().err()?;
                Some(recogniser_queries::errors(
                    query.operation(),
                    analyses,
                    error,
                ))
            })
            .flatten()
            .collect()
    }

    /// The number and price of the answered calls, which are billed. Saved answers count too: each
    /// belongs to this picture and was billed once.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let answered = self.0.iter().filter(|(_, answer)| answer.is_ok());
        cost::cost(answered.map(|(query, _)| query))
    }

    pub(super) fn into_rekognition(self) -> Map<String, Value> {
        self.0
            .into_iter()
            .filter_map(|(query, answer)| {
                Some((query.operation().document_key().to_owned(), answer.ok()?))
            })
            .collect()
    }
}

/// An answer or a final error, saved for the next worker that processes the picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedAnswer {
    /// The query with all its parameters. The answer is valid for this query only.
    #[serde(rename = "question")]
    pub query: String,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// The error's code and message, if there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<(String, String)>,
}

impl SavedAnswer {
    pub(super) fn answer(&self, operation: Operation) -> Result<Value, ServiceError> {
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
