//! What is told of each picture, as a line of JSON or a row of the table.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use sightline_pipeline::SourceKey;

use super::send::Sent;
use crate::output::{self, Table, Tone};

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    /// The file, as it was found.
    pub(super) file: String,
    /// How far it got.
    pub(super) status: Status,
    /// Its key in the input bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<SourceKey>,
    /// Whether an earlier run uploaded it.
    pub(super) uploaded_before: bool,
    /// The file of this run that has the same bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) same_as: Option<String>,
    /// What it shows, most confident first.
    pub(super) labels: Vec<Label>,
    /// Why it got no further.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Reason>,
}

/// A label and its confidence in percent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Label {
    name: String,
    confidence: f64,
}

/// Why a picture got no further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Reason {
    code: String,
    message: String,
}

/// How far a file got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Status {
    /// Every analysis has an answer.
    Succeeded,
    /// Some analyses have an answer.
    Partial,
    /// No analysis has an answer.
    Failed,
    /// It is there; nobody waited for its answer.
    Uploaded,
    /// It is there; its answer did not come in time.
    Pending,
    /// Another file has the same bytes.
    Duplicate,
    /// It was not taken.
    Refused,
    /// The run ended before its turn.
    NotUploaded,
}

impl Status {
    /// Whether a script should hear that something is wrong with it.
    pub(super) const fn is_well(self) -> bool {
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

    /// A file that was named and is not there.
    pub(super) fn missing(path: &Path, reason: &str) -> Self {
        Self {
            error: Some(Reason {
                code: "unreadable".to_owned(),
                message: reason.to_owned(),
            }),
            ..Self::new(path, Status::Refused)
        }
    }

    /// A file whose turn never came.
    pub(super) fn not_uploaded(path: &Path) -> Self {
        Self::new(path, Status::NotUploaded)
    }

    /// A file that was sent, or not taken, or answered before.
    pub(super) fn sent(path: &Path, sent: Sent) -> Self {
        match sent {
            Sent::There { key, before } => Self {
                key: Some(key),
                uploaded_before: before,
                ..Self::new(path, Status::Uploaded)
            },
            Sent::Answered { key, document } => Self {
                uploaded_before: true,
                key: Some(key),
                ..Self::new(path, Status::Uploaded)
            }
            .answered(&document),
            Sent::SameAs(first) => Self {
                same_as: Some(first.display().to_string()),
                ..Self::new(path, Status::Duplicate)
            },
            Sent::Refused { code, message } => Self {
                error: Some(Reason { code, message }),
                ..Self::new(path, Status::Refused)
            },
        }
    }

    /// The same with its answer.
    pub(super) fn answered(self, document: &Value) -> Self {
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
            error: text("/errors/0/message").map(|message| Reason {
                code: text("/errors/0/code").unwrap_or_default().to_owned(),
                message: message.to_owned(),
            }),
            ..self
        }
    }

    /// The same, given up.
    pub(super) fn unanswered(self, code: &str, message: String) -> Self {
        Self {
            status: Status::Pending,
            error: Some(Reason {
                code: code.to_owned(),
                message,
            }),
            ..self
        }
    }
}

/// The table of a run.
pub(super) fn table<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Table {
    let mut table = Table::new(&["FILE", "STATUS", "LABELS", "KEY"]);
    for row in rows {
        let (status, tone) = row.status.shown();
        let said = match (&row.error, &row.same_as) {
            (Some(reason), _) => reason.message.clone(),
            (None, Some(first)) => format!("the same as {first}"),
            (None, None) => labels(&row.labels),
        };
        let key = row.key.as_ref().map_or("", SourceKey::as_str);
        table.row([
            (row.file.clone(), Tone::Plain),
            (status.to_owned(), tone),
            (said, Tone::Plain),
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

/// The run in one line.
pub(super) fn summary(rows: &[Row]) -> String {
    let of = |wanted: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| wanted(row)).count();
    let before = of(&|row| row.uploaded_before);
    let uploaded = of(&|row| row.key.is_some() && !row.uploaded_before);
    let mut parts = vec![format!("{uploaded} uploaded")];
    let mut add = |number: usize, what: &str| {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    };
    add(before, "uploaded before");
    add(of(&|row| row.status == Status::Duplicate), "duplicate");
    add(of(&|row| row.status == Status::Refused), "refused");
    add(of(&|row| row.status == Status::NotUploaded), "not uploaded");
    let mut answers = Vec::new();
    for (status, name) in [
        (Status::Succeeded, "succeeded"),
        (Status::Partial, "partial"),
        (Status::Failed, "failed"),
        (Status::Pending, "pending"),
    ] {
        let number = of(&|row| row.status == status);
        if number > 0 {
            answers.push(format!("{number} {name}"));
        }
    }
    let pictures = output::count(rows.len(), "file", "files");
    if answers.is_empty() {
        format!("{pictures}: {}.", parts.join(", "))
    } else {
        format!(
            "{pictures}: {}. Answers: {}.",
            parts.join(", "),
            answers.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn there(before: bool) -> Sent {
        Sent::There {
            key: SourceKey::new("uploads/a.jpg").unwrap(),
            before,
        }
    }

    #[test]
    fn an_answer_is_read_from_the_document() {
        let document = json!({"status": "partial", "errors": [{"code": "X", "message": "No faces."}],
            "rekognition": {"detectLabels": {"Labels": [
                {"Name": "Wheel", "Confidence": 60.0}, {"Name": "Dog", "Confidence": 99.4}, {"Confidence": 1.0}]}}});
        let row = Row::sent(Path::new("a.jpg"), there(false)).answered(&document);
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
    fn the_summary_counts_every_file_once_for_its_way_and_once_for_its_answer() {
        let path = Path::new("a.jpg");
        let document = json!({"status": "succeeded"});
        let rows = [
            Row::sent(path, there(false)).answered(&document),
            Row::sent(path, there(true)).answered(&document),
            Row::sent(path, there(true)).unanswered("timeout", String::new()),
            Row::sent(path, Sent::SameAs("b.jpg".into())),
            Row::missing(path, "there is no such file"),
            Row::not_uploaded(path),
        ];
        assert_eq!(
            summary(&rows),
            "6 files: 1 uploaded, 2 uploaded before, 1 duplicate, 1 refused, 1 not uploaded. Answers: 2 succeeded, 1 \
             pending."
        );
        let well: Vec<_> = rows.iter().map(|row| row.status.is_well()).collect();
        assert_eq!(well, [true, true, false, true, false, false]);
    }
}
