//! Reads the query of an address.

use std::collections::BTreeMap;

use sightline_pipeline::document::Status;

use crate::{Code, Problem, problem::quote};

/// The longest name that is looked for, in bytes of UTF-8; no label's is nearly as long.
const MAX_NAME_BYTES: usize = 255;

/// The parameters of a query. One without a value is one that is not there.
#[derive(Debug)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    /// The parameters, each of which is one of `known` and stands once at most. An unknown one would
    /// otherwise be ignored in silence, and pass for a search that finds everything.
    pub(crate) fn new(
        pairs: Vec<(String, String)>,
        known: &[&'static str],
    ) -> Result<Self, Problem> {
        let mut parameters = BTreeMap::new();
        for (name, value) in pairs {
            if !known.contains(&name.as_str()) {
                return Err(wrong(
                    &name,
                    format!(
                        "{} is no parameter of this request; its parameters are {}.",
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
                return Err(wrong(
                    &name,
                    format!("{name} stands twice in the query; give it once."),
                ));
            }
        }
        Ok(Self(parameters))
    }

    /// The parameter as it stands there.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.0.remove(name)
    }

    /// The name of a label or a category.
    pub(crate) fn name(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        match self.text(name) {
            Some(value) if value.len() > MAX_NAME_BYTES => Err(wrong(
                name,
                format!(
                    "{name} is {} bytes long; it takes a name of at most {MAX_NAME_BYTES}.",
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
                        wrong(
                            name,
                            format!(
                                "{name} is {}; it takes a percentage from 0 to 100, such as 80.",
                                quote(&value)
                            ),
                        )
                    })
            })
            .transpose()
    }

    /// A number from 1 to `most`.
    pub(crate) fn count(
        &mut self,
        name: &'static str,
        most: usize,
    ) -> Result<Option<usize>, Problem> {
        self.text(name)
            .map(|value| {
                value
                    .parse()
                    .ok()
                    .filter(|count| (1..=most).contains(count))
                    .ok_or_else(|| {
                        wrong(
                            name,
                            format!(
                                "{name} is {}; it takes a number from 1 to {most}.",
                                quote(&value)
                            ),
                        )
                    })
            })
            .transpose()
    }

    /// A document's status.
    pub(crate) fn status(&mut self, name: &'static str) -> Result<Option<Status>, Problem> {
        const ALL: [Status; 3] = [Status::Succeeded, Status::Partial, Status::Failed];
        self.text(name)
            .map(|value| {
                ALL.into_iter()
                    .find(|status| status.name() == value)
                    .ok_or_else(|| {
                        wrong(
                            name,
                            format!(
                                "{name} is {}; it takes one of {}.",
                                quote(&value),
                                ALL.map(Status::name).join(", ")
                            ),
                        )
                        .allowed(ALL.map(Status::name))
                    })
            })
            .transpose()
    }
}

/// A parameter is wrong.
pub(crate) fn wrong(name: &str, detail: String) -> Problem {
    Problem::new(Code::InvalidParameter, detail).member(name)
}
