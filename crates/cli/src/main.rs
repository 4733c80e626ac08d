//! The `sightline` command: the whole pipeline on one machine, and a client of it there and on AWS.

mod analyze;
mod api;
mod args;
mod backfill;
mod completions;
mod exit;
mod http;
mod interrupt;
mod local;
mod output;
mod redrive;
mod reindex;
mod search;
mod upload;

use args::{Cli, Command};
use clap::Parser;
use exit::Outcome;
use std::process::ExitCode;

/// What is logged unless `RUST_LOG` says otherwise: a line per picture, and not one per question about it.
const LOGGED: &str = "info,sightline_upload_api=warn";
/// What is logged by commands that end: they tell what they do by themselves, but not what they left out on the way.
const LOGGED_BRIEFLY: &str = "error,sightline_pipeline=warn";

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    sightline_pipeline::logging::start_with(match cli.command {
        Command::Local(_) => LOGGED,
        _ => LOGGED_BRIEFLY,
    });
    let done = |()| Outcome::Done;
    let outcome = match cli.command {
        Command::Local(args) => local::run(*args).await.map(done),
        Command::Upload(args) => upload::run(*args).await,
        Command::Analyze(args) => analyze::run(*args).await,
        Command::Search(args) => search::run(*args).await,
        Command::Backfill(args) => backfill::run(*args).await,
        Command::Reindex(args) => reindex::run(args).await,
        Command::Redrive(args) => {
            redrive::run(&args, &mut std::io::stdout(), &mut std::io::stderr()).map(done)
        }
        Command::Completions(args) => completions::run(&args).map(done),
    };
    if let Err(error) = &outcome {
        eprintln!("sightline: {}", sentence(error));
    }
    exit::code(&outcome)
}

/// The error and its causes in one line; a cause that is told already is not told again.
fn sentence(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow::anyhow!("the file is missing")
            .context("cannot read m.onnx: the file is missing")
            .context("--model m.onnx cannot be used");
        assert_eq!(
            sentence(&error),
            "--model m.onnx cannot be used: cannot read m.onnx: the file is missing"
        );
    }
}
