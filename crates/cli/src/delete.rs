//! `sightline delete`: deletes stored pictures with their results.

use std::{collections::HashSet, fmt, io::BufRead as _, str::FromStr};

use anyhow::{Context as _, bail};
use clap::Args;
use futures::{StreamExt as _, stream};
use http::Method;
use serde::Serialize;
use sightline_pipeline::SourceKey;
use sightline_upload_api::{key_path, results_path};

use crate::{
    api::{Api, ApiArgs, Problem},
    confirm::confirm,
    exit::{CliError, Outcome},
    http::HttpClient,
    output::{self, OutputArgs},
    picture_name::{ACCEPTED, PictureName},
    signals,
    table::{Step, Table, Tone},
};

/// `sightline delete`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = format!("\
Deletes the picture itself, its thumbnail, its preview and its result. This
cannot be undone, except where the bucket keeps versions.

EXAMPLES
  One picture, after a question:
    sightline delete uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg
  Several, without a question:
    sightline delete --yes uploads/cat.jpg uploads/dog.jpg
  All pictures that could not be analysed; `-` reads keys, one a line:
    sightline search --status failed --limit 0 --json | jq -r .key \\
        | sightline delete --yes -

{ACCEPTED}

EXIT CODES
  0    every picture is deleted, or standard input named none
  1    some pictures did not exist or could not be deleted, or you declined
  2    invalid command line, or nobody could be asked and --yes is missing
  3    the service could not be reached
  4    the service rejected your credentials
  130  interrupted; the same command deletes the rest"))]
pub(crate) struct DeleteArgs {
    /// The pictures: their keys, their image ids, or addresses that contain the keys; `-` reads them from standard input,
    /// one a line
    #[arg(required = true, value_name = "KEY|-")]
    pictures: Vec<Named>,

    #[command(flatten)]
    api: ApiArgs,

    /// Delete without asking
    #[arg(long, short = 'y')]
    yes: bool,

    #[command(flatten)]
    output: OutputArgs,
}

/// An argument.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    /// A picture.
    Picture(PictureName),
    /// The pictures that standard input names.
    Stdin,
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "-" {
            Ok(Self::Stdin)
        } else {
            text.parse().map(Self::Picture)
        }
    }
}

/// How many pictures are deleted at the same time.
const CONCURRENT_DELETIONS: usize = 8;
/// How many keys the question names.
const SHOWN_KEYS: usize = 5;
/// How the table fits a narrow terminal.
const STEPS: [Step; 2] = [Step::End(2, 20), Step::Start(0, 20)];

/// What happened to a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Deleted,
    NotFound,
    Failed,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deleted => "deleted",
            Self::NotFound => "not-found",
            Self::Failed => "failed",
        })
    }
}

/// A picture and what happened to it.
#[derive(Debug, Serialize)]
struct Row {
    key: SourceKey,
    status: Status,
    /// Why it was not deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Asks, deletes the pictures, and prints what happened to each.
///
/// # Errors
/// When a name is invalid, nobody can be asked, the answer is no, or the service cannot be reached or rejects the credentials.
pub(crate) async fn run(args: DeleteArgs) -> anyhow::Result<Outcome> {
    let api = Api::new(&args.api, HttpClient::new())?;
    let names = names(args.pictures)?;
    let mut keys = Vec::new();
    let mut seen = HashSet::new();
    for name in &names {
        name.check_service(api.base_url())?;
        let key = name.key(&api).await?;
        if seen.insert(key.clone()) {
            keys.push(key);
        }
    }
    if keys.is_empty() {
        output::print_message("Standard input named no pictures.");
        return Ok(Outcome::Done);
    }
    if !args.yes && !confirm(&question(&keys, api.base_url()), "use --yes to delete")? {
        bail!("nothing was deleted");
    }
    let stopped = signals::stop_flag().context("cannot listen for Ctrl-C")?;
    let total = keys.len();
    let mut deletions = stream::iter(keys)
        .take_until(Box::pin(signals::stopped(stopped.clone())))
        .map(|key| delete(&api, key))
        .buffered(CONCURRENT_DELETIONS)
        .boxed_local();
    let mut rows = Vec::new();
    let mut error = None;
    while let Some(deleted) = deletions.next().await {
        match deleted {
            Ok(row) => {
                if args.output.json {
                    output::print_json(&row)?;
                }
                rows.push(row);
            }
            // It concerns all pictures.
            Err(cause) => {
                error = Some(cause);
                break;
            }
        }
    }
    drop(deletions);
    if !args.output.json {
        table(&rows).print(args.output.color)?;
    }
    output::print_message(&summary(&rows, total));
    if let Some(error) = error {
        return Err(error);
    }
    Ok(if *stopped.borrow() && rows.len() < total {
        output::print_message("Interrupted. Run the same command again to delete the rest.");
        Outcome::Interrupted
    } else if rows.iter().all(|row| row.status == Status::Deleted) {
        Outcome::Done
    } else {
        Outcome::SomeFailed
    })
}

/// The names, with those of standard input in the place of `-`.
fn names(arguments: Vec<Named>) -> anyhow::Result<Vec<PictureName>> {
    let mut names = Vec::new();
    for argument in arguments {
        match argument {
            Named::Picture(name) => names.push(name),
            Named::Stdin => {
                for (index, line) in std::io::stdin().lock().lines().enumerate() {
                    let line = line.context("cannot read standard input")?;
                    if line.trim().is_empty() {
                        continue;
                    }
                    let name = line.parse().map_err(|error: String| {
                        CliError::Usage(format!("line {} of standard input: {error}", index + 1))
                    })?;
                    names.push(name);
                }
            }
        }
    }
    Ok(names)
}

fn question(keys: &[SourceKey], service: &str) -> String {
    let mut shown: Vec<_> = keys
        .iter()
        .take(SHOWN_KEYS)
        .map(|key| format!("  {key}"))
        .collect();
    if keys.len() > SHOWN_KEYS {
        shown.push(format!("  and {} more", keys.len() - SHOWN_KEYS));
    }
    let pictures = output::count(keys.len(), "picture", "pictures");
    format!(
        "{}\nDelete {pictures} at {service} for good?",
        shown.join("\n")
    )
}

/// Deletes a picture.
///
/// # Errors
/// When the service cannot be reached or rejects the credentials.
async fn delete(api: &Api, key: SourceKey) -> anyhow::Result<Row> {
    let path = results_path(&key);
    // A deletion succeeds without a picture too.
    let exists = api.send(Method::GET, &path, None).await?.status != 404;
    let path = format!("/images/{}", key_path(&key));
    let response = api.send(Method::DELETE, &path, None).await?;
    let (status, error) = match response.status {
        204 if exists => (Status::Deleted, None),
        204 | 404 => (
            Status::NotFound,
            Some("there was no picture with this key".to_owned()),
        ),
        _ => (Status::Failed, Some(Problem::read(&response).detail)),
    };
    Ok(Row { key, status, error })
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(&["KEY", "STATUS", "REASON"]).fit_by(&STEPS);
    for row in rows {
        let tone = match row.status {
            Status::Deleted => Tone::Good,
            Status::NotFound => Tone::Warning,
            Status::Failed => Tone::Bad,
        };
        table.row([
            (row.key.to_string(), Tone::Plain),
            (row.status.to_string(), tone),
            (row.error.clone().unwrap_or_default(), Tone::Plain),
        ]);
    }
    table
}

fn summary(rows: &[Row], total: usize) -> String {
    let number_of = |status| rows.iter().filter(|row| row.status == status).count();
    let mut parts = vec![format!("{} deleted", number_of(Status::Deleted))];
    for (number, what) in [
        (number_of(Status::NotFound), "not found"),
        (number_of(Status::Failed), "failed"),
        (total - rows.len(), "left"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    format!(
        "{}: {}.",
        output::count(total, "picture", "pictures"),
        parts.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parse;

    fn key(number: usize) -> SourceKey {
        SourceKey::new(format!("uploads/{number}.jpg")).unwrap()
    }

    #[test]
    fn the_question_names_the_first_keys_and_the_service() {
        let keys: Vec<_> = (0..7).map(key).collect();
        let question = question(&keys, "https://p.example");
        assert!(question.starts_with("  uploads/0.jpg\n"), "{question}");
        assert!(
            question.ends_with(
                "uploads/4.jpg\n  and 2 more\nDelete 7 pictures at https://p.example for good?"
            ),
            "{question}"
        );
    }

    #[test]
    fn the_summary_counts_what_is_left() {
        let row = |number, status| Row {
            key: key(number),
            status,
            error: None,
        };
        let rows = [row(1, Status::Deleted), row(2, Status::NotFound)];
        assert_eq!(
            summary(&rows, 5),
            "5 pictures: 1 deleted, 1 not found, 3 left."
        );
        assert_eq!(summary(&rows[..1], 1), "1 picture: 1 deleted.");
    }

    #[test]
    fn a_hyphen_is_standard_input() {
        let args: DeleteArgs = parse(&["-", "uploads/a.jpg"]).unwrap();
        assert_eq!(
            args.pictures,
            [Named::Stdin, "uploads/a.jpg".parse().unwrap()]
        );
        assert!(parse::<DeleteArgs>(&[]).is_err());
        assert!(parse::<DeleteArgs>(&["cat.jpg"]).is_err());
    }
}
