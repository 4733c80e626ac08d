//! `sightline upload`: uploads pictures and waits for their results.

mod files;
mod journal;
mod progress;
mod report;
mod row_error;
mod run;
mod send;

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use sightline_pipeline::{Analyses, retries::CLIENT_PATIENCE};
use tokio::task::spawn_blocking;

use self::{
    journal::Journal,
    progress::ProgressBars,
    run::{FileToUpload, Run},
    send::Sender,
};
use crate::{
    api::{Api, ApiArgs},
    exit::{CliError, Outcome},
    http::HttpClient,
    output::OutputArgs,
    signals,
    state_dir::StateDir,
};

/// `sightline upload`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
EXAMPLES
  One picture, to `sightline local` on this machine:
    sightline upload cat.jpg
  All pictures in a folder and its subfolders, sixteen at a time, to a
  deployed service:
    SIGHTLINE_TOKEN=... sightline upload --jobs 16 \\
        --api https://pictures.example.com holiday/
  File names of the pictures that show a dog, with jq:
    sightline upload --json '*.jpg' \\
        | jq -r 'select(any(.labels[]; .name == \"Dog\")) | .file'

INTERRUPTED RUNS
  Ctrl-C finishes the uploads in progress and stops. Run the same command
  again to upload the rest. Pictures are identified by their bytes, so you may
  rename or move the files before. --again uploads everything.

EXIT CODES
  0    every picture has a complete result
  1    some pictures have no result, or an incomplete one
  2    invalid command line, or no pictures
  3    the service could not be reached
  4    the service rejected your credentials
  130  interrupted")]
pub(crate) struct UploadArgs {
    /// Pictures, folders of pictures, or patterns such as 'trip/**/*.jpg'
    #[arg(required = true, value_name = "FILE|FOLDER|PATTERN")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    api: ApiArgs,

    /// Analyses to run, separated by commas: labels, image-properties, faces, text, moderation, celebrities, ppe,
    /// custom-labels; by default those of the service
    #[arg(long, value_name = "NAMES")]
    analyses: Option<Analyses>,

    /// Number of simultaneous uploads
    #[arg(long, value_name = "COUNT", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,

    /// Upload pictures again that were uploaded before
    #[arg(long)]
    again: bool,

    /// Do not wait for the results
    #[arg(long)]
    no_wait: bool,

    /// Stop waiting when no result has arrived for this time. A busy service tries a picture again after at most 5 minutes
    #[arg(long, value_name = "SECONDS", default_value_t = CLIENT_PATIENCE.as_secs(), value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,

    #[command(flatten)]
    state_dir: StateDir,

    #[command(flatten)]
    output: OutputArgs,
}

/// Uploads the pictures, waits for their results and prints them.
///
/// # Errors
/// When there is nothing to upload, the service cannot be reached or rejects the credentials, or the journal cannot be
/// written.
pub(crate) async fn run(args: UploadArgs) -> anyhow::Result<Outcome> {
    let paths = args.paths.clone();
    let found = spawn_blocking(move || files::find(&paths)).await?;
    let http = HttpClient::new();
    let api = Api::new(&args.api, http.clone())?;
    if found.files.is_empty() {
        return Err(nothing_to_upload(&found.missing).into());
    }
    api.check().await?;
    let journal = Journal::open(&args.state_dir.resolve()?, api.base_url())?;
    let files: Vec<_> = found.files.into_iter().map(FileToUpload::new).collect();
    let bars = ProgressBars::new(files.iter().map(|file| file.size).sum(), files.len());
    let run = Run {
        sender: Sender {
            journal,
            api,
            http,
            analyses: args.analyses,
            again: args.again,
            progress: bars.bytes.clone(),
            first_files: Mutex::default(),
        },
        bars,
        files,
        missing: found.missing,
        output: args.output,
        jobs: usize::from(args.jobs),
        wait: !args.no_wait,
        timeout: Duration::from_secs(args.timeout),
    };
    let interrupted = signals::stop_flag().context("cannot listen for Ctrl-C")?;
    run.run(interrupted).await
}

fn nothing_to_upload(missing: &[(PathBuf, String)]) -> CliError {
    if missing.is_empty() {
        return CliError::Usage("the folders contain no pictures".to_owned());
    }
    let name = |path: &Path| path.display().to_string();
    let reasons: Vec<_> = missing
        .iter()
        .map(|(path, reason)| format!("{}: {reason}", name(path)))
        .collect();
    CliError::Usage(format!("nothing to upload; {}", reasons.join("; ")))
}
