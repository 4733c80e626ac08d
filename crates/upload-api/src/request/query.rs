//! Reads a query string.

use std::collections::BTreeMap;

use axum::extract::{Query as Pairs, rejection::QueryRejection};
use sightline_pipeline::{document::Status, recognition::EMOTIONS};

use crate::{Code, Problem, problem::quote};

/// The longest name to search for, in bytes of UTF-8. No label is nearly as long.
const MAX_NAME_BYTES: usize = 255;

/// The parameters of a query, each given once at most. A parameter without a value counts as absent.
#[derive(Debug)]
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads the parameters and rejects those that are not in `known`: ignored in silence, an unknown one would pass for
    /// a search that finds everything.
    pub(crate) fn read(
        pairs: Result<Pairs<Vec<(String, String)>>, QueryRejection>,
        known: &[&'static str],
    ) -> Result<Self, Problem> {
        let Pairs(pairs) = pairs.map_err(|_| {
            Problem::new(
                Code::InvalidParameter,
                "The query is not form-urlencoded. Send name=value pairs joined by &.",
            )
        })?;
        let mut parameters = BTreeMap::new();
        for (name, value) in pairs {
            if !known.contains(&name.as_str()) {
                return Err(invalid(
                    &name,
                    format!(
                        "{} is not a parameter of this request; its parameters are {}.",
                        quote(&name),
                        known.join(", ")
                    ),
                )
                .allowed(known.iter().copied()));
            }
            if value.is_empty() {
                continue;
            }
            if parameters.insert(name.clone(), value).is_some() {
                return Err(invalid(
                    &name,
                    format!("{name} is in the query twice. Give it once."),
                ));
            }
        }
        Ok(Self(parameters))
    }

    /// The parameter as it is.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.0.remove(name)
    }

    /// The name of a label or a category.
    pub(crate) fn name(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        match self.text(name) {
            Some(value) if value.len() > MAX_NAME_BYTES => Err(invalid(
                name,
                format!(
                    "{name} is {} bytes long; the limit is {MAX_NAME_BYTES}.",
                    value.len()
                ),
            )),
            value => Ok(value),
        }
    }

    /// A percentage.
    pub(crate) fn percentage(&mut self, name: &'static str) -> Result<Option<f64>, Problem> {
        self.text(name)
            .map(|value| {
                value
                    .parse()
                    .ok()
                    .filter(|percent| (0.0..=100.0).contains(percent))
                    // DynamoDB takes no number that is nearer to zero than 1e-130.
                    .map(|percent: f64| (percent * 1e9).floor() / 1e9)
                    .ok_or_else(|| {
                        unaccepted(name, &value, "a percentage from 0 to 100, such as 80")
                    })
            })
            .transpose()
    }

    /// A whole number from 1 to `most`.
    pub(crate) fn count(
        &mut self,
        name: &'static str,
        most: usize,
    ) -> Result<Option<usize>, Problem> {
        self.number(name, 1, most)
    }

    /// A whole number from `least` to `most`.
    pub(crate) fn number(
        &mut self,
        name: &'static str,
        least: usize,
        most: usize,
    ) -> Result<Option<usize>, Problem> {
        self.text(name)
            .map(|value| {
                value
                    .parse()
                    .ok()
                    .filter(|number| (least..=most).contains(number))
                    .ok_or_else(|| invalid_number(name, &value, least, most))
            })
            .transpose()
    }

    /// An emotion of a face, as Rekognition's labels write it.
    pub(crate) fn emotion(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        self.text(name)
            .map(|value| {
                EMOTIONS
                    .into_iter()
                    .find(|emotion| emotion.eq_ignore_ascii_case(value.trim()))
                    .map(str::to_owned)
                    .ok_or_else(|| {
                        unaccepted(name, &value, &format!("one of {}", EMOTIONS.join(", ")))
                            .allowed(EMOTIONS)
                    })
            })
            .transpose()
    }

    /// A result's status.
    pub(crate) fn status(&mut self, name: &'static str) -> Result<Option<Status>, Problem> {
        const ALL: [Status; 3] = [Status::Succeeded, Status::Partial, Status::Failed];
        self.text(name)
            .map(|value| {
                ALL.into_iter()
                    .find(|status| status.name() == value)
                    .ok_or_else(|| {
                        let names = ALL.map(Status::name);
                        unaccepted(name, &value, &format!("one of {}", names.join(", ")))
                            .allowed(names)
                    })
            })
            .transpose()
    }
}

/// The parameter is not valid.
pub(crate) fn invalid(name: &str, detail: String) -> Problem {
    Problem::new(Code::InvalidParameter, detail).member(name)
}

fn unaccepted(name: &str, value: &str, needed: &str) -> Problem {
    invalid(name, format!("{name} is {}. Give {needed}.", quote(value)))
}

fn invalid_number(name: &str, value: &str, least: usize, most: usize) -> Problem {
    unaccepted(
        name,
        value,
        &format!("a whole number from {least} to {most}"),
    )
}

/// What can be wrong with a parameter: `name` takes a whole number from 1 to `most`.
pub(crate) fn problems(name: &str, most: usize) -> Vec<Problem> {
    vec![invalid_number(name, "many", 1, most)]
}
