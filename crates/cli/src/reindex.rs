//! `sightline reindex`: the index is made anew from the result documents.

use std::{io::IsTerminal as _, path::PathBuf};

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use sightline_aws as aws;
use sightline_pipeline::index::{
    ImageIndex, SqliteIndex,
    reindex::{Progress, reindex},
};

use crate::{
    exit::{Fault, Outcome},
    local::INDEX_FILE,
    output,
};

/// How many documents are read at once.
const AT_ONCE: usize = 16;

/// `sightline reindex`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Every row of the index comes from a result document, so nothing is lost with
it. Runs beside the service; run it again where it was interrupted.

EXAMPLES
  The local mode (with the variables that `sightline local` prints), in the
  folder where it was started:
    sightline reindex
  On AWS:
    sightline reindex --output-bucket my-output-bucket --index-table my-table

EXIT CODES
  0  the index is that of the documents
  1  some documents could not be read
  2  the command line is wrong
  3  AWS was not reached
  4  AWS refused: keys, permissions, or a bucket that is not there")]
pub(crate) struct ReindexArgs {
    /// The bucket with the result documents
    #[arg(
        long,
        env = "OUTPUT_BUCKET",
        value_name = "BUCKET",
        default_value = "sightline-output"
    )]
    output_bucket: String,

    /// The DynamoDB table; when not given, the index of the local mode
    #[arg(long, env = "INDEX_TABLE", value_name = "TABLE")]
    index_table: Option<String>,

    /// The folder that `sightline local` was given, which holds its index
    #[arg(
        long,
        env = "SIGHTLINE_DATA_DIR",
        value_name = "FOLDER",
        default_value = ".sightline"
    )]
    data_dir: PathBuf,
}

/// Reads all documents and writes their rows.
///
/// # Errors
/// When AWS, or the index, cannot be reached or refuses.
pub(crate) async fn run(args: ReindexArgs) -> anyhow::Result<Outcome> {
    let sdk = aws::load().await;
    if sdk.region().is_none() {
        return Err(Fault::no_region().into());
    }
    let store = aws::clients(&sdk).store;
    let progress = match &args.index_table {
        Some(table) => fill(&store, &aws::index(&sdk, table), &args.output_bucket).await?,
        None => {
            // Documents of AWS have no place in the index of this machine.
            if sdk.endpoint_url().is_none() {
                return Err(Fault::Usage(
                    "which index? Name its DynamoDB table with --index-table (or INDEX_TABLE), or set the variables that \
                     `sightline local` prints"
                        .to_owned(),
                )
                .into());
            }
            // `sightline local` makes it; one made here would be filled in a folder where nobody looks for it.
            let file = args.data_dir.join(INDEX_FILE);
            if !file.is_file() {
                return Err(Fault::no_local_data("index", &args.data_dir).into());
            }
            let index = SqliteIndex::open(&file).context("the index cannot be opened")?;
            fill(&store, &index, &args.output_bucket).await?
        }
    };
    println_out(&summary(&progress))?;
    Ok(if progress.unreadable > 0 {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}

async fn fill(
    store: &aws::S3Store,
    index: &impl ImageIndex,
    output_bucket: &str,
) -> anyhow::Result<Progress> {
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::new_spinner()
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} documents, {per_sec}") {
        bar.set_style(style);
    }
    let outcome = reindex(store, index, output_bucket, AT_ONCE, |progress| {
        bar.set_position(progress.documents);
    })
    .await;
    bar.finish_and_clear();
    outcome.map_err(|error| match Fault::of_service(&error) {
        Some(fault) => fault.into(),
        None => anyhow::Error::new(error)
            .context("the index is not complete; run the same command again"),
    })
}

fn summary(progress: &Progress) -> String {
    let Progress {
        documents,
        written,
        unchanged,
        passed_over,
        unreadable,
        pruned,
    } = progress;
    let documents = output::count(
        usize::try_from(*documents).unwrap_or(usize::MAX),
        "document",
        "documents",
    );
    let mut parts = vec![format!("{written} rows written, {unchanged} as they were")];
    for (number, what) in [
        (passed_over, "passed over for newer ones"),
        (pruned, "taken out because their documents are gone"),
        (unreadable, "unreadable (the log names them)"),
    ] {
        if *number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    format!("{documents}: {}.", parts.join(", "))
}

fn println_out(text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_tells_what_was_done_and_no_more() {
        let progress = Progress {
            documents: 3,
            written: 2,
            unchanged: 1,
            ..Progress::default()
        };
        assert_eq!(
            summary(&progress),
            "3 documents: 2 rows written, 1 as they were."
        );
        let progress = Progress {
            documents: 1,
            unreadable: 1,
            pruned: 4,
            ..Progress::default()
        };
        assert_eq!(
            summary(&progress),
            "1 document: 0 rows written, 0 as they were, 4 taken out because their documents are gone, 1 unreadable (the log \
             names them)."
        );
    }
}
