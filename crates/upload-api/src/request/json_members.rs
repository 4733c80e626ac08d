//! Members that the bodies of several requests share.

use serde_json::{Map, Value};
use sightline_pipeline::{Analyses, Analysis, json::kind};

use crate::{Code, Problem, filename, problem::quote};

/// The member that lists analyses.
const ANALYSES: &str = "analyses";

/// Rejects members that are not in `members`, so that a misspelt one is not silently ignored.
pub(crate) fn reject_unknown(
    body: &Map<String, Value>,
    members: &[&'static str],
) -> Result<(), Problem> {
    match body.keys().find(|name| !members.contains(&name.as_str())) {
        Some(name) => Err(unknown(name, members)),
        None => Ok(()),
    }
}

/// Takes a member out of the body. Null counts as absent.
pub(crate) fn take(body: &mut Map<String, Value>, member: &str) -> Option<Value> {
    body.remove(member).filter(|value| !value.is_null())
}

/// The image's file name, cleaned; `None` if nothing of it remains.
pub(crate) fn filename(value: Option<Value>) -> Result<Option<String>, Problem> {
    let name = value.map(|value| string("filename", value)).transpose()?;
    Ok(name.as_deref().and_then(filename::clean))
}

/// The analyses that the client asks for, all of them enabled; `None` if the member is absent.
pub(crate) fn analyses(
    value: Option<Value>,
    enabled: &Analyses,
) -> Result<Option<Analyses>, Problem> {
    match value {
        None => Ok(None),
        Some(Value::Array(names)) if names.is_empty() => Err(no_analyses(enabled)),
        Some(Value::Array(names)) => names
            .into_iter()
            .map(|name| analysis(name, enabled))
            .collect::<Result<_, _>>()
            .map(Some),
        Some(other) => Err(wrong_type(ANALYSES, "a list of strings", &other)),
    }
}

fn analysis(name: Value, enabled: &Analyses) -> Result<Analysis, Problem> {
    let Value::String(name) = name else {
        return Err(Problem::new(
            Code::WrongType,
            format!(
                "analyses must be a list of strings, but one of its items is {}.",
                kind(&name)
            ),
        )
        .member(ANALYSES));
    };
    let analysis = name.parse().map_err(|_| unknown_analysis(&name, enabled))?;
    if enabled.contains(analysis) {
        Ok(analysis)
    } else {
        Err(not_enabled(analysis, enabled))
    }
}

/// The member as a string.
pub(crate) fn string(member: &'static str, value: Value) -> Result<String, Problem> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(wrong_type(member, "a string", &other)),
    }
}

/// The user metadata that the bucket stores with the image, ASCII.
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

/// The body has a member that is not in `members`.
pub(crate) fn unknown(name: &str, members: &[&'static str]) -> Problem {
    Problem::new(
        Code::UnknownMember,
        format!(
            "{} is not a member of this request; its members are {}.",
            quote(name),
            members.join(", ")
        ),
    )
    .member(name)
    .allowed(members.iter().copied())
}

/// A required member is absent. `needed` says what to send.
pub(crate) fn missing(member: &'static str, needed: &str) -> Problem {
    Problem::new(
        Code::MissingMember,
        format!("{member} is missing. Send {needed}."),
    )
    .member(member)
}

/// The member has another JSON type than `needed`.
pub(crate) fn wrong_type(member: &'static str, needed: &str, value: &Value) -> Problem {
    Problem::new(
        Code::WrongType,
        format!("{member} must be {needed}, but it is {}.", kind(value)),
    )
    .member(member)
}

fn no_analyses(enabled: &Analyses) -> Problem {
    about_analyses(
        Code::NoAnalyses,
        "analyses is empty. Name at least one analysis, or leave the member out to get all that are enabled.".to_owned(),
        enabled,
    )
}

fn unknown_analysis(name: &str, enabled: &Analyses) -> Problem {
    about_analyses(
        Code::UnknownAnalysis,
        format!(
            "{} is not an analysis. This service offers {}.",
            quote(name),
            names(enabled).join(", ")
        ),
        enabled,
    )
}

fn not_enabled(analysis: Analysis, enabled: &Analyses) -> Problem {
    about_analyses(
        Code::AnalysisNotEnabled,
        format!(
            "The analysis {analysis} is not enabled. This service offers {}.",
            names(enabled).join(", ")
        ),
        enabled,
    )
}

fn about_analyses(code: Code, detail: String, enabled: &Analyses) -> Problem {
    Problem::new(code, detail)
        .member(ANALYSES)
        .allowed(names(enabled))
}

fn names(analyses: &Analyses) -> Vec<&'static str> {
    analyses.iter().map(Analysis::name).collect()
}

/// What can be wrong with the members that requests share.
pub(crate) fn problems(members: &[&'static str]) -> Vec<Problem> {
    let enabled = Analyses::from_iter([Analysis::Labels, Analysis::ImageProperties]);
    vec![
        unknown("fileName", members),
        no_analyses(&enabled),
        unknown_analysis("cats", &enabled),
        not_enabled(Analysis::Faces, &enabled),
    ]
}
