//! `sightline upload`: uploads pictures and waits for their results.

mod fetch;
mod files;
mod journal;
mod progress;
mod report;
mod row_error;
mod run;
mod send;
mod source;
mod watch;

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use clap::Args;
use sightline_pipeline::{Analyses, retries::CLIENT_PATIENCE};
use tokio::task::spawn_blocking;

use self::{
    fetch::Fetcher,
    journal::Journal,
    progress::ProgressBars,
    run::{FileToUpload, Pictures, Run},
    send::{FirstFiles, Sender},
    source::{Argument, Source, Sources, stdin_is_terminal},
};
use crate::{
    api::{Api, ApiArgs},
    exit::{CliError, Outcome},
    http::HttpClient,
    output::{self, OutputArgs},
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
  A picture from another program, and one from the web:
    scanimage --format=png | sightline upload - --name scan.png
    sightline upload https://pictures.example.com/cat.jpg
  Everything that a camera or scanner puts into a folder, from now on:
    sightline upload --watch inbox/

INTERRUPTED RUNS
  Ctrl-C finishes the uploads in progress and stops. Run the same command
  again to upload the rest. Pictures are identified by their bytes, so you may
  rename or move the files before. --again uploads everything.

ADDRESSES
  An address is downloaded to this machine first, up to 100 MiB, within five
  minutes and over at most five redirects. Neither the access token nor a
  password is sent to it. A name that leads into a private network needs
  --private-urls; a host that is given as an IP address or as localhost does
  not.

FOLDERS THAT ARE WATCHED
  With --watch, the run goes on until Ctrl-C. It uploads a picture when it is
  completely written, and leaves out hidden and partial files. While the
  service cannot be reached, pictures wait.

EXIT CODES
  0    every picture has a complete result
  1    some pictures have no result, or an incomplete one
  2    invalid command line, or no pictures
  3    the service could not be reached
  4    the service rejected your credentials
  130  interrupted; with --watch, only if pictures are left")]
pub(crate) struct UploadArgs {
    /// Pictures, folders of pictures, patterns such as 'trip/**/*.jpg', addresses of pictures (https://...), or `-` for
    /// standard input
    #[arg(required = true, value_name = "FILE|FOLDER|PATTERN|URL|-")]
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

    /// Upload the pictures of the folders, then those that appear in them, until Ctrl-C
    #[arg(long)]
    watch: bool,

    /// File name of the picture from standard input
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Also download from names that lead to this machine or into a private network
    #[arg(long)]
    private_urls: bool,

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
    let named = named(&args)?;
    let http = HttpClient::new();
    let api = Api::new(&args.api, http.clone())?;
    let pictures = match &named {
        Named::Watched(folders) => {
            api.check().await?;
            Pictures {
                files: Vec::new(),
                missing: Vec::new(),
                watched: Some(watch::watch(folders.clone())?),
            }
        }
        Named::Pictures(arguments) => {
            let (arguments, name) = (arguments.clone(), args.name.clone());
            let pictures = spawn_blocking(move || find(arguments, name.as_deref())).await?;
            if pictures.files.is_empty() {
                return Err(nothing_to_upload(&pictures.missing).into());
            }
            api.check().await?;
            pictures
        }
    };
    let journal = Journal::open(&args.state_dir.resolve()?, api.base_url())?;
    let bars = ProgressBars::new(
        pictures.files.iter().map(|file| file.size).sum(),
        pictures.files.len(),
        !args.watch,
    );
    let run = Run {
        sender: Sender {
            journal,
            api,
            http,
            analyses: args.analyses,
            again: args.again,
            progress: bars.bytes.clone(),
            sources: Sources::new(Fetcher::new(args.private_urls)),
            first_files: FirstFiles::default(),
        },
        bars,
        output: args.output,
        jobs: usize::from(args.jobs),
        wait: !args.no_wait,
        timeout: Duration::from_secs(args.timeout),
        live: args.watch.then(|| report::live_table(args.output.color)),
    };
    let interrupted = signals::stop_flag().context("cannot listen for Ctrl-C")?;
    if let Named::Watched(folders) = named {
        let folders: Vec<_> = folders
            .iter()
            .map(|folder| folder.display().to_string())
            .collect();
        let folders = folders.join(", ");
        output::print_message(&format!("Watching {folders}. Press Ctrl-C to stop."));
    }
    run.run(pictures, interrupted).await
}

/// What the arguments name.
enum Named {
    Pictures(Vec<Argument>),
    /// Folders to watch, as absolute paths without links.
    Watched(Vec<PathBuf>),
}

/// Reads the arguments.
fn named(args: &UploadArgs) -> Result<Named, CliError> {
    let arguments = args
        .paths
        .iter()
        .map(|path| Argument::parse(path).map_err(|error| CliError::Usage(error.to_string())))
        .collect::<Result<Vec<_>, _>>()?;
    let number_of = |wanted: &Argument| arguments.iter().filter(|it| *it == wanted).count();
    let from_stdin = number_of(&Argument::Stdin);
    let usage = |text: &str| Err(CliError::Usage(text.to_owned()));
    if args.name.is_some() && from_stdin == 0 {
        return usage("--name is the name of a picture from standard input; add `-`");
    }
    if from_stdin > 1 {
        return usage("standard input has only one picture; give `-` once");
    }
    if args.watch {
        let folders = arguments.iter().map(|argument| match argument {
            Argument::Path(path) if path.is_dir() || !path.exists() => std::fs::canonicalize(path)
                .map_err(|_| {
                    CliError::Usage(format!("{}: no such folder to watch", path.display()))
                }),
            _ => Err(CliError::Usage(
                "--watch takes folders only; upload other pictures by another command".to_owned(),
            )),
        });
        return folders.collect::<Result<_, _>>().map(Named::Watched);
    }
    if from_stdin == 1 && stdin_is_terminal() {
        return usage("standard input is a terminal; pipe a picture into the command");
    }
    Ok(Named::Pictures(arguments))
}

/// Finds the pictures that the arguments name, files first. Blocks.
fn find(arguments: Vec<Argument>, name: Option<&str>) -> Pictures {
    let mut sources = Vec::new();
    let mut missing = Vec::new();
    let mut paths = Vec::new();
    for argument in arguments {
        let source = match argument {
            Argument::Path(path) => {
                paths.push(path);
                continue;
            }
            Argument::Address(url) => Source::Address(url),
            Argument::Stdin => Source::Stdin(name.map(str::to_owned)),
        };
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    let found = files::find(&paths);
    for (path, reason) in found.missing {
        missing.push((path.display().to_string(), reason));
    }
    let files = found.files.into_iter().map(Source::File);
    Pictures {
        files: files.chain(sources).map(FileToUpload::new).collect(),
        missing,
        watched: None,
    }
}

fn nothing_to_upload(missing: &[(String, String)]) -> CliError {
    if missing.is_empty() {
        return CliError::Usage("the folders contain no pictures".to_owned());
    }
    let reasons: Vec<_> = missing
        .iter()
        .map(|(file, reason)| format!("{file}: {reason}"))
        .collect();
    CliError::Usage(format!("nothing to upload; {}", reasons.join("; ")))
}
