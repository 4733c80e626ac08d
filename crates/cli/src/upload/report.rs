//! The report of a run: a row for each file, as a line of JSON or in a table, and a summary.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use sightline_pipeline::SourceKey;

use super::{row_error::RowError, send::Sent};
use crate::output::{self, Table, Tone};

/// What happened to a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    /// The path of the file.
    file: String,
    /// What was achieved.
    pub(super) status: Status,
    /// Its key in the input bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<SourceKey>,
    /// Whether an earlier run uploaded it.
    uploaded_before: bool,
    /// Another file of this run with the same bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    same_as: Option<String>,
    /// The labels, most confident first.
    labels: Vec<Label>,
    /// Why there is no result, or no complete one.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RowError>,
}

/// A label and its confidence in percent.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Label {
    name: String,
    confidence: f64,
}

/// What was achieved for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Status {
    /// All analyses succeeded.
    Succeeded,
    /// Some analyses succeeded.
    Partial,
    /// No analysis succeeded.
    Failed,
    /// It was uploaded; the run did not wait for its result.
    Uploaded,
    /// It was uploaded; its result did not arrive in time.
    Pending,
    /// Another file has the same bytes.
    Duplicate,
    /// It was not accepted.
    Refused,
    /// The run ended before its upload.
    NotUploaded,
}

impl Status {
    /// Whether the exit code may be 0.
    pub(super) const fn is_success(self) -> bool {
        matches!(self, Self::Succeeded | Self::Uploaded | Self::Duplicate)
    }

    const fn shown(self) -> (&'static str, Tone) {
        match self {
            Self::Succeeded => ("succeeded", Tone::Good),
            Self::Partial => ("partial", Tone::Warning),
            Self::Failed => ("failed", Tone::Bad),
            Self::Uploaded => ("uploaded", Tone::Good),
            Self::Pending => ("pending", Tone::Warning),
            Self::Duplicate => ("duplicate", Tone::Plain),
            Self::Refused => ("refused", Tone::Bad),
            Self::NotUploaded => ("not-uploaded", Tone::Warning),
        }
    }
}

impl Row {
    fn new(path: &Path, status: Status) -> Self {
        Self {
            file: path.display().to_string(),
            status,
            key: None,
            uploaded_before: false,
            same_as: None,
            labels: Vec::new(),
            error: None,
        }
    }

    /// A file that was named but cannot be read.
    pub(super) fn missing(path: &Path, reason: &str) -> Self {
        Self {
            error: Some(RowError::new("unreadable", reason.to_owned())),
            ..Self::new(path, Status::Refused)
        }
    }

    /// A file that the run did not get to.
    pub(super) fn not_uploaded(path: &Path) -> Self {
        Self::new(path, Status::NotUploaded)
    }

    /// A file after [`Sender::send`](super::send::Sender::send).
    pub(super) fn sent(path: &Path, sent: Sent) -> Self {
        match sent {
            Sent::Stored {
                key,
                uploaded_before,
            } => Self {
                key: Some(key),
                uploaded_before,
                ..Self::new(path, Status::Uploaded)
            },
            Sent::HasResult { key, document } => Self {
                uploaded_before: true,
                key: Some(key),
                ..Self::new(path, Status::Uploaded)
            }
            .with_result(&document),
            Sent::SameAs(first) => Self {
                same_as: Some(first.display().to_string()),
                ..Self::new(path, Status::Duplicate)
            },
            Sent::Refused(error) => Self {
                error: Some(error),
                ..Self::new(path, Status::Refused)
            },
        }
    }

    /// Adds the result document.
    pub(super) fn with_result(self, document: &Value) -> Self {
        let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str);
        let mut labels: Vec<_> = document
            .pointer("/rekognition/detectLabels/Labels")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|label| {
                Some(Label {
                    name: label.get("Name")?.as_str()?.to_owned(),
                    confidence: label.get("Confidence")?.as_f64()?,
                })
            })
            .collect();
        labels.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
        Self {
            status: match text("/status") {
                Some("succeeded") => Status::Succeeded,
                Some("partial") => Status::Partial,
                _ => Status::Failed,
            },
            labels,
            error: text("/errors/0/message").map(|message| {
                RowError::new(
                    text("/errors/0/code").unwrap_or_default(),
                    message.to_owned(),
                )
            }),
            ..self
        }
    }

    /// Adds why there is no result.
    pub(super) fn without_result(self, error: RowError) -> Self {
        Self {
            status: Status::Pending,
            error: Some(error),
            ..self
        }
    }
}

/// The table of a run.
pub(super) fn table<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Table {
    let mut table = Table::new(&["FILE", "STATUS", "LABELS", "KEY"]);
    for row in rows {
        let (status, tone) = row.status.shown();
        let details = match (&row.error, &row.same_as) {
            (Some(error), _) => error.message.clone(),
            (None, Some(first)) => format!("same bytes as {first}"),
            (None, None) => labels(&row.labels),
        };
        let key = row.key.as_ref().map_or("", SourceKey::as_str);
        table.row([
            (row.file.clone(), Tone::Plain),
            (status.to_owned(), tone),
            (details, Tone::Plain),
            (key.to_owned(), Tone::Plain),
        ]);
    }
    table
}

fn labels(labels: &[Label]) -> String {
    let labels: Vec<_> = labels
        .iter()
        .map(|label| (label.name.as_str(), label.confidence))
        .collect();
    output::labels(&labels, true)
}

/// The run in one sentence, and its results in another.
pub(super) fn summary(rows: &[Row]) -> String {
    let number_of = |wanted: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| wanted(row)).count();
    let uploaded = number_of(&|row| row.key.is_some() && !row.uploaded_before);
    let mut parts = vec![format!("{uploaded} uploaded")];
    let mut add = |number: usize, what: &str| {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    };
    add(number_of(&|row| row.uploaded_before), "already uploaded");
    add(
        number_of(&|row| row.status == Status::Duplicate),
        "duplicate",
    );
    add(number_of(&|row| row.status == Status::Refused), "refused");
    add(
        number_of(&|row| row.status == Status::NotUploaded),
        "not uploaded",
    );
    let mut results = Vec::new();
    for (status, name) in [
        (Status::Succeeded, "succeeded"),
        (Status::Partial, "partial"),
        (Status::Failed, "failed"),
        (Status::Pending, "pending"),
    ] {
        let number = number_of(&|row| row.status == status);
        if number > 0 {
            results.push(format!("{number} {name}"));
        }
    }
    let files = output::count(rows.len(), "file", "files");
    let mut summary = format!("{files}: {}.", parts.join(", "));
    if !results.is_empty() {
        summary += &format!(" Results: {}.", results.join(", "));
    }
    summary
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stored(uploaded_before: bool) -> Sent {
        Sent::Stored {
            key: SourceKey::new("uploads/a.jpg").unwrap(),
            uploaded_before,
        }
    }

    #[test]
    fn a_row_has_status_labels_and_error_of_the_document() {
        let document = json!({"status": "partial", "errors": [{"code": "X", "message": "No faces."}],
            "rekognition": {"detectLabels": {"Labels": [
                {"Name": "Wheel", "Confidence": 60.0}, {"Name": "Dog", "Confidence": 99.4}, {"Confidence": 1.0}]}}});
        let row = Row::sent(Path::new("a.jpg"), stored(false)).with_result(&document);
        assert_eq!(row.status, Status::Partial);
        assert_eq!(labels(&row.labels), "Dog 99%, Wheel 60%");
        assert_eq!(
            serde_json::to_value(&row).unwrap(),
            json!({"file": "a.jpg", "status": "partial", "key": "uploads/a.jpg", "uploadedBefore": false,
                "labels": [{"name": "Dog", "confidence": 99.4}, {"name": "Wheel", "confidence": 60.0}],
                "error": {"code": "X", "message": "No faces."}})
        );
    }

    #[test]
    fn the_summary_counts_each_upload_and_each_result_once() {
        let path = Path::new("a.jpg");
        let document = json!({"status": "succeeded"});
        let rows = [
            Row::sent(path, stored(false)).with_result(&document),
            Row::sent(path, stored(true)).with_result(&document),
            Row::sent(path, stored(true)).without_result(RowError::new("timeout", String::new())),
            Row::sent(path, Sent::SameAs("b.jpg".into())),
            Row::missing(path, "there is no such file"),
            Row::not_uploaded(path),
        ];
        assert_eq!(
            summary(&rows),
            "6 files: 1 uploaded, 2 already uploaded, 1 duplicate, 1 refused, 1 not uploaded. Results: 2 succeeded, 1 \
             pending."
        );
        let success: Vec<_> = rows.iter().map(|row| row.status.is_success()).collect();
        assert_eq!(success, [true, true, false, true, false, false]);
    }
}
