//! Members that the bodies of requests have in common.

use serde_json::{Map, Value};
use sightline_pipeline::{Analyses, Analysis, json::kind};

use crate::{Code, Problem, filename, problem::quote};

/// Refuses a member that is none of `members`: a misspelt one would otherwise be ignored in silence.
pub(crate) fn refuse_unknown(
    body: &Map<String, Value>,
    members: &[&'static str],
) -> Result<(), Problem> {
    match body.keys().find(|name| !members.contains(&name.as_str())) {
        None => Ok(()),
        Some(unknown) => Err(Problem::new(
            Code::UnknownMember,
            format!(
                "{} is no member of this request; its members are {}.",
                quote(unknown),
                members.join(", ")
            ),
        )
        .member(unknown)
        .allowed(members.iter().copied())),
    }
}

/// What the image is called, as far as it can be kept.
pub(crate) fn filename(value: Option<Value>) -> Result<Option<String>, Problem> {
    let name = value.map(|value| string("filename", value)).transpose()?;
    Ok(name.as_deref().and_then(filename::clean))
}

/// What the bucket keeps beside the image.
pub(crate) fn metadata(
    filename: Option<&str>,
    analyses: Option<&Analyses>,
) -> Vec<(&'static str, String)> {
    let filename = filename.map(filename::encode);
    let analyses = analyses.map(ToString::to_string);
    [("filename", filename), ("analyses", analyses)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// What to find out, out of what is enabled; `None` where the member is absent.
pub(crate) fn analyses(
    value: Option<Value>,
    enabled: &Analyses,
) -> Result<Option<Analyses>, Problem> {
    const MEMBER: &str = "analyses";
    let Some(value) = value else {
        return Ok(None);
    };
    let Value::Array(names) = value else {
        return Err(wrong_type(MEMBER, "a list of strings", &value));
    };
    let enabled_names = enabled.iter().map(Analysis::name);
    if names.is_empty() {
        return Err(Problem::new(
            Code::NoAnalyses,
            "analyses is empty, so there is nothing to find out; name one or leave the member out to get all that are enabled.",
        )
        .member(MEMBER)
        .allowed(enabled_names));
    }
    names
        .into_iter()
        .map(|name| {
            let name = match name {
                Value::String(name) => name,
                other => {
                    return Err(Problem::new(
                        Code::WrongType,
                        format!(
                            "analyses takes a list of strings, and one of them is {}.",
                            kind(&other)
                        ),
                    )
                    .member(MEMBER));
                }
            };
            let list = || enabled.iter().map(Analysis::name).collect::<Vec<_>>();
            let analysis: Analysis = name.parse().map_err(|_| {
                Problem::new(
                    Code::UnknownAnalysis,
                    format!(
                        "{} is no analysis; this service answers {}.",
                        quote(&name),
                        list().join(", ")
                    ),
                )
                .member(MEMBER)
                .allowed(list())
            })?;
            if !enabled.contains(analysis) {
                return Err(Problem::new(
                    Code::AnalysisNotEnabled,
                    format!(
                        "The analysis {analysis} is not enabled here; this service answers {}.",
                        list().join(", ")
                    ),
                )
                .member(MEMBER)
                .allowed(list()));
            }
            Ok(analysis)
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

/// The member as a string.
pub(crate) fn string(member: &'static str, value: Value) -> Result<String, Problem> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(wrong_type(member, "a string", &other)),
    }
}

/// A required member is absent.
pub(crate) fn missing(member: &'static str, takes: &str) -> Problem {
    Problem::new(
        Code::MissingMember,
        format!("{member} is missing; it takes {takes}."),
    )
    .member(member)
}

/// A member has another JSON type than it takes.
pub(crate) fn wrong_type(member: &'static str, takes: &str, value: &Value) -> Problem {
    Problem::new(
        Code::WrongType,
        format!("{member} takes {takes}, and it is {}.", kind(value)),
    )
    .member(member)
}
