//! Reads a query string.

use std::collections::BTreeMap;

use axum::extract::{Query as Pairs, rejection::QueryRejection};
use sightline_pipeline::{document::Status, index::Sort, recognition::EMOTIONS};
use time::OffsetDateTime;

use crate::{Code, Problem, date_or_time, problem::quote};

/// Which end of a day a date means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DayEnd {
    /// Its begin.
    First,
    /// Its end.
    Last,
}

/// The parameters of a query. A parameter without a value counts as absent.
#[derive(Debug)]
pub(crate) struct Parameters(BTreeMap<String, Vec<String>>);

impl Parameters {
    /// Reads the parameters and rejects those that are not in `known`: ignored in silence, an unknown one would pass for
    /// a search that finds everything. Only those in `repeatable` may be given more than once.
    pub(crate) fn read(
        pairs: Result<Pairs<Vec<(String, String)>>, QueryRejection>,
        known: &[&'static str],
        repeatable: &[&'static str],
    ) -> Result<Self, Problem> {
        let Pairs(pairs) = pairs.map_err(|_| {
            Problem::new(
                Code::InvalidParameter,
                "The query is not form-urlencoded. Send name=value pairs joined by &.",
            )
        })?;
        let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
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
            let values = parameters.entry(name.clone()).or_default();
            if !values.is_empty() && !repeatable.contains(&name.as_str()) {
                return Err(invalid(
                    &name,
                    format!("{name} is in the query twice. Give it once."),
                ));
            }
            values.push(value);
        }
        Ok(Self(parameters))
    }

    /// The parameter as it is.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.0.remove(name)?.into_iter().next()
    }

    /// All values of a repeatable parameter, each with at most `most` bytes of UTF-8.
    pub(crate) fn all(&mut self, name: &'static str, most: usize) -> Result<Vec<String>, Problem> {
        let values = self.0.remove(name).unwrap_or_default();
        match values.iter().find(|value| value.len() > most) {
            Some(value) => Err(invalid(
                name,
                format!("{name} is {} bytes long; the limit is {most}.", value.len()),
            )),
            None => Ok(values),
        }
    }

    /// A [`date_or_time`].
    pub(crate) fn time(
        &mut self,
        name: &'static str,
        end: DayEnd,
    ) -> Result<Option<OffsetDateTime>, Problem> {
        self.text(name)
            .map(|value| {
                date_or_time(&value)
                    .map(|[first, last]| match end {
                        DayEnd::First => first,
                        DayEnd::Last => last,
                    })
                    .ok_or_else(|| {
                        unaccepted(
                            name,
                            &value,
                            "a date such as 2026-01-31, or a time such as 2026-01-31T18:30:00Z",
                        )
                    })
            })
            .transpose()
    }

    /// An order of images.
    pub(crate) fn sort(&mut self, name: &'static str) -> Result<Option<Sort>, Problem> {
        self.text(name)
            .map(|value| {
                (Sort::ALL.into_iter())
                    .find(|sort| sort.name() == value)
                    .ok_or_else(|| {
                        let names = Sort::ALL.map(Sort::name);
                        unaccepted(name, &value, &format!("one of {}", names.join(", ")))
                            .allowed(names)
                    })
            })
            .transpose()
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
