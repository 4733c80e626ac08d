//! `sightline reindex`: rebuilds the search index from stored results.

use std::io::IsTerminal as _;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use sightline_aws::S3Store;
use sightline_pipeline::index::{
    ImageIndex, Lists,
    reindex::{Progress, reindex},
};

use crate::{
    aws,
    data_dir::DataDir,
    exit::{CliError, Outcome},
    output,
};

/// How many results are read at the same time.
const CONCURRENT_READS: usize = 16;

/// `sightline reindex`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Every entry of the index comes from a stored result, so a lost index can be
rebuilt. The service may keep running. Run the command again if it was
interrupted.

EXAMPLES
  The local mode (with the lines that `sightline local` prints), in the folder
  where it was started:
    sightline reindex
  On AWS:
    sightline reindex --output-bucket my-output-bucket --index-table my-table

EXIT CODES
  0  the index matches the stored results
  1  some results could not be read
  2  invalid command line
  3  AWS could not be reached
  4  AWS rejected the request: keys, permissions, or a bucket that does not
     exist")]
pub(crate) struct ReindexArgs {
    /// Bucket with the results
    #[arg(
        long,
        env = "OUTPUT_BUCKET",
        value_name = "BUCKET",
        default_value = "sightline-output"
    )]
    output_bucket: String,

    /// DynamoDB table of the index; by default the index of the local mode
    #[arg(long, env = "INDEX_TABLE", value_name = "TABLE")]
    index_table: Option<String>,

    /// Who lists pictures in the deployment of the table, its `ACCESS`: each owner their own, or everybody all
    #[arg(long, value_enum, value_name = "WHO", default_value = "owner")]
    access: TableAccess,

    #[command(flatten)]
    data_dir: DataDir,
}

/// Who lists pictures in a deployment with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TableAccess {
    /// Each owner lists their own pictures
    Owner,
    /// Everybody lists all pictures
    Open,
}

impl TableAccess {
    const fn lists(self) -> Lists {
        match self {
            Self::Owner => Lists::PerOwner,
            Self::Open => Lists::All,
        }
    }
}

/// Rebuilds the index.
///
/// # Errors
/// When AWS or the index cannot be reached or rejects a request.
pub(crate) async fn run(args: ReindexArgs) -> anyhow::Result<Outcome> {
    let (sdk, _) = aws::load().await?;
    let store = sightline_aws::clients(&sdk).store;
    let progress = match &args.index_table {
        Some(table) => {
            let index = sightline_aws::index(&sdk, table, args.access.lists());
            rebuild(&store, &index, &args.output_bucket).await?
        }
        None => {
            // Results on AWS do not belong in this machine's index.
            if sdk.endpoint_url().is_none() {
                return Err(CliError::Usage(
                    "no index is chosen; set --index-table (or INDEX_TABLE) to its DynamoDB table, or, for the local mode, \
                     use the lines that `sightline local` prints"
                        .to_owned(),
                )
                .into());
            }
            let index = args.data_dir.open_index()?;
            rebuild(&store, &index, &args.output_bucket).await?
        }
    };
    output::print_line(&summary(&progress))?;
    Ok(if progress.unreadable > 0 {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}

async fn rebuild(
    store: &S3Store,
    index: &impl ImageIndex,
    output_bucket: &str,
) -> anyhow::Result<Progress> {
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::new_spinner()
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} results, {per_sec}") {
        bar.set_style(style);
    }
    let result = reindex(store, index, output_bucket, CONCURRENT_READS, |progress| {
        bar.set_position(progress.documents);
    })
    .await;
    bar.finish_and_clear();
    result.map_err(|error| aws::command_error("the index is incomplete".to_owned(), &error))
}

fn summary(progress: &Progress) -> String {
    let Progress {
        documents,
        written,
        unchanged,
        skipped,
        unreadable,
        pruned,
    } = progress;
    let results = output::count(
        usize::try_from(*documents).unwrap_or(usize::MAX),
        "result",
        "results",
    );
    let mut parts = vec![format!("{written} entries written, {unchanged} unchanged")];
    for (number, what) in [
        (skipped, "skipped because the index is newer"),
        (pruned, "removed because their results are gone"),
        (unreadable, "unreadable (the log names them)"),
    ] {
        if *number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    format!("{results}: {}.", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_only_what_happened() {
        let progress = Progress {
            documents: 3,
            written: 2,
            unchanged: 1,
            ..Progress::default()
        };
        assert_eq!(
            summary(&progress),
            "3 results: 2 entries written, 1 unchanged."
        );
        let progress = Progress {
            documents: 1,
            unreadable: 1,
            pruned: 4,
            ..Progress::default()
        };
        assert_eq!(
            summary(&progress),
            "1 result: 0 entries written, 0 unchanged, 4 removed because their results are gone, 1 unreadable (the log names \
             them)."
        );
    }
}
