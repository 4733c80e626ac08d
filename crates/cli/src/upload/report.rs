//! The report of a run: a row for each file, as a line of JSON or in a table, and a summary.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use sightline_pipeline::{SourceKey, prepare::size::mib};

use super::{row_error::RowError, send::Sent};
use crate::{
    label_order::sort_as_summarized,
    output::{self, When},
    table::{LiveTable, Step, Table, Tone},
};

/// What happened to a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    /// The path of the file, or the address.
    file: String,
    /// Its size in bytes, as far as it is known before.
    #[serde(skip)]
    size: u64,
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
    /// The labels in the order of the service, which has the telling ones first.
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
    fn new(file: String, status: Status) -> Self {
        Self {
            file,
            size: 0,
            status,
            key: None,
            uploaded_before: false,
            same_as: None,
            labels: Vec::new(),
            error: None,
        }
    }

    /// A file that was named but cannot be read.
    pub(super) fn missing(file: String, reason: String) -> Self {
        Self {
            error: Some(RowError::new("unreadable", reason)),
            ..Self::new(file, Status::Refused)
        }
    }

    /// A picture that the run has not got to, and its size in bytes as far as it is known.
    pub(super) fn not_uploaded(file: String, size: u64) -> Self {
        Self {
            size,
            ..Self::new(file, Status::NotUploaded)
        }
    }

    /// Adds what became of the picture in [`Sender::send`](super::send::Sender::send).
    pub(super) fn with_sent(self, sent: Sent) -> Self {
        match sent {
            Sent::Stored {
                key,
                uploaded_before,
            } => Self {
                key: Some(key),
                uploaded_before,
                status: Status::Uploaded,
                ..self
            },
            Sent::HasResult { key, document } => Self {
                uploaded_before: true,
                key: Some(key),
                ..self
            }
            .with_result(&document),
            Sent::SameAs(first) => Self {
                same_as: Some(first),
                status: Status::Duplicate,
                ..self
            },
            Sent::Refused(error) => Self {
                error: Some(error),
                status: Status::Refused,
                ..self
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
        sort_as_summarized(&mut labels, document, |label| &label.name);
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

    /// Whether a folder that is watched has nothing to say about the file: it was renamed or deleted before it was sent, or has the
    /// bytes of a file that was renamed to it.
    pub(super) fn is_gone(&self) -> bool {
        match (self.status, &self.same_as) {
            (Status::Duplicate, Some(first)) => *first == self.file || !Path::new(first).exists(),
            (Status::Refused, _) => !Path::new(&self.file).exists(),
            _ => false,
        }
    }

    /// Whether the run ended before its result arrived.
    pub(super) fn is_interrupted(&self) -> bool {
        self.error.as_ref().is_some_and(RowError::is_interruption)
    }

    /// Forgets the labels of a row that was shown.
    pub(super) fn forget_labels(&mut self) {
        self.labels = Vec::new();
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

/// The columns of the table.
const NAMES: [&str; 4] = ["FILE", "STATUS", "LABELS", "KEY"];

/// How the table fits a narrow terminal.
const STEPS: [Step; 5] = [
    Step::Items(2, 20),
    Step::Start(0, 16),
    Step::Hide(3),
    Step::Items(2, 16),
    Step::Start(0, 12),
];

/// How wide the columns of a table are whose rows come one by one.
const USUAL_WIDTHS: [usize; 4] = [40, 12, 60, 85];

/// The table of a run.
pub(super) fn table<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Table {
    let mut table = Table::new(&NAMES).fit_by(&STEPS);
    for row in rows {
        table.row(fields(row));
    }
    table
}

/// A table whose rows are shown when they are known.
pub(super) fn live_table(color: When) -> LiveTable {
    LiveTable::new(&NAMES, &STEPS, &USUAL_WIDTHS, color)
}

/// A row of either table. A failure has its reason in place of the labels.
pub(super) fn fields(row: &Row) -> [(String, Tone); 4] {
    let (status, tone) = row.status.shown();
    let details = match (&row.error, &row.same_as) {
        (Some(error), _) => error.message.clone(),
        (None, Some(first)) => format!("same bytes as {first}"),
        (None, None) => labels(&row.labels),
    };
    let key = row.key.as_ref().map_or("", SourceKey::as_str);
    [
        (row.file.clone(), Tone::Plain),
        (status.to_owned(), tone),
        (details, Tone::Plain),
        (key.to_owned(), Tone::Plain),
    ]
}

fn labels(labels: &[Label]) -> String {
    let labels: Vec<_> = labels
        .iter()
        .map(|label| (label.name.as_str(), label.confidence))
        .collect();
    output::labels(&labels, true)
}

/// How many failures are listed.
const LISTED_FAILURES: usize = 10;

/// The failures with their whole reasons, a line each.
pub(super) fn failures(rows: &[Row]) -> Vec<String> {
    let failed: Vec<_> = rows
        .iter()
        .filter(|row| !row.status.is_success() && row.status != Status::NotUploaded)
        .filter_map(|row| Some((row, row.error.as_ref()?)))
        .filter(|(row, _)| !row.is_interrupted())
        .collect();
    let mut lines: Vec<_> = failed
        .iter()
        .take(LISTED_FAILURES)
        .map(|(row, error)| format!("{} ({}): {}", row.file, row.status.shown().0, error.message))
        .collect();
    let more = failed.len().saturating_sub(LISTED_FAILURES);
    if more > 0 {
        lines.push(format!("... and {more} more; --json has all reasons"));
    }
    lines
}

/// The run in one sentence, and its results in another. `sent` is the number of bytes that were sent.
pub(super) fn summary(rows: &[Row], sent: u64) -> String {
    let number_of = |wanted: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| wanted(row)).count();
    let uploaded = number_of(&|row| row.key.is_some() && !row.uploaded_before);
    let mut parts = vec![match uploaded {
        0 => "0 uploaded".to_owned(),
        _ => format!("{uploaded} uploaded ({})", mib(sent)),
    }];
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

/// How to go on after a run that did not get to its end; `None` if nothing is left.
pub(super) fn how_to_go_on(rows: &[Row]) -> Option<String> {
    let left: Vec<_> = rows
        .iter()
        .filter(|row| row.status == Status::NotUploaded)
        .collect();
    if !left.is_empty() {
        let files = output::count(left.len(), "file", "files");
        let size = match left.iter().map(|row| row.size).sum() {
            0 => String::new(),
            size => format!(", {}", mib(size)),
        };
        return Some(format!(
            "Run the same command again to upload the rest ({files}{size}); it sends nothing twice."
        ));
    }
    rows.iter()
        .any(|row| row.status == Status::Pending)
        .then(|| {
            "Everything is uploaded. Run the same command again to see the results that are pending."
                .to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn left() -> Row {
        Row::not_uploaded("a.jpg".to_owned(), 3 * 1024 * 1024)
    }

    fn sent(uploaded_before: bool) -> Row {
        left().with_sent(Sent::Stored {
            key: SourceKey::new("uploads/a.jpg").unwrap(),
            uploaded_before,
        })
    }

    fn pending(code: &str) -> Row {
        sent(true).without_result(RowError::new(code, "too late".to_owned()))
    }

    #[test]
    fn a_row_has_status_labels_and_error_of_the_document() {
        let document = json!({"status": "partial", "errors": [{"code": "X", "message": "No faces."}],
            "rekognition": {"detectLabels": {"Labels": [
                {"Name": "Wheel", "Confidence": 60.0}, {"Name": "Dog", "Confidence": 99.4}, {"Confidence": 1.0}]}}});
        let row = sent(false).with_result(&document);
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
    fn labels_are_in_the_order_of_the_service() {
        let label = |name: &str| json!({"Name": name, "Confidence": 90.0});
        let document = json!({"status": "succeeded", "summary": {"labels": ["Zebra", "Animal"]},
            "rekognition": {"detectLabels": {"Labels": [label("Grass"), label("Animal"), label("Zebra")]}}});
        let row = sent(false).with_result(&document);
        assert_eq!(labels(&row.labels), "Zebra 90%, Animal 90%, Grass 90%");
    }

    #[test]
    fn the_summary_counts_each_upload_and_each_result_once() {
        let document = json!({"status": "succeeded"});
        let rows = [
            sent(false).with_result(&document),
            sent(true).with_result(&document),
            pending("timeout"),
            left().with_sent(Sent::SameAs("b.jpg".to_owned())),
            Row::missing("a.jpg".to_owned(), "no such file".to_owned()),
            left(),
        ];
        assert_eq!(
            summary(&rows, 57_194_791),
            "6 files: 1 uploaded (54.5 MiB), 2 already uploaded, 1 duplicate, 1 refused, 1 not uploaded. Results: 2 \
             succeeded, 1 pending."
        );
        let success: Vec<_> = rows.iter().map(|row| row.status.is_success()).collect();
        assert_eq!(success, [true, true, false, true, false, false]);
    }

    #[test]
    fn failures_are_listed_with_their_reasons() {
        let missing = || Row::missing("a.jpg".to_owned(), "no such file".to_owned());
        let rows = [
            pending("interrupted"),
            missing(),
            pending("timeout"),
            left(),
        ];
        assert_eq!(
            failures(&rows),
            ["a.jpg (refused): no such file", "a.jpg (pending): too late"]
        );
        let many: Vec<_> = (0..12).map(|_| missing()).collect();
        let lines = failures(&many);
        assert_eq!(lines.len(), 11);
        assert_eq!(lines[10], "... and 2 more; --json has all reasons");
    }

    #[test]
    fn a_run_that_ended_early_says_how_to_go_on() {
        assert_eq!(
            how_to_go_on(&[left(), left(), pending("interrupted")]).unwrap(),
            "Run the same command again to upload the rest (2 files, 6 MiB); it sends nothing twice."
        );
        let pending = how_to_go_on(&[pending("interrupted")]).unwrap();
        assert!(pending.starts_with("Everything is uploaded. Run the same command again"));
        assert_eq!(
            how_to_go_on(&[sent(false).with_result(&json!({"status": "succeeded"}))]),
            None
        );
    }
}
