//! The `sightline` command: runs the whole pipeline on one machine, and is a client of it there and on AWS.

mod allocator;
mod analyze;
mod api;
mod aws;
mod backfill;
mod backup;
mod byte_bar;
mod cli;
mod completions;
mod confirm;
mod data_dir;
mod delete;
mod download;
mod erase;
mod exit;
mod export;
mod get;
mod http;
mod label_order;
mod local;
mod models;
mod models_dir;
mod open_page;
mod output;
mod owned;
mod picture_name;
mod redrive;
mod reindex;
mod search;
mod search_correction;
mod search_table;
mod signals;
mod special_file;
mod state_dir;
mod table;
#[cfg(test)]
mod testing;
mod upload;
mod value_parsers;

use std::{io, process::ExitCode};

use clap::{CommandFactory as _, Parser as _};
use cli::{Cli, Command};
use exit::Outcome;

/// What `sightline local` logs unless `RUST_LOG` is set: one line per picture.
const SERVER_LOG: &str = "info,sightline_upload_api=warn";
/// What the other commands log. They print their own results; warnings name what the pipeline left out.
const CLIENT_LOG: &str = "error,sightline_pipeline=warn";

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    if matches!(cli.command, Command::Local(_)) {
        allocator::configure();
    }
    sightline_pipeline::logging::start_with(match cli.command {
        Command::Local(_) => SERVER_LOG,
        _ => CLIENT_LOG,
    });
    let done = |()| Outcome::Done;
    let result = match cli.command {
        Command::Local(args) => local::run(*args).await.map(done),
        Command::Upload(args) => upload::run(*args).await,
        Command::Analyze(args) => analyze::run(*args).await,
        Command::Search(args) => search::run(*args).await,
        Command::Get(args) => get::run(*args).await,
        Command::Delete(args) => delete::run(*args).await,
        Command::Open(args) => open_page::run(*args).await,
        Command::Backfill(args) => backfill::run(*args).await,
        Command::Reindex(args) => reindex::run(args).await,
        Command::Export(args) => export::run(*args).await,
        Command::Erase(args) => erase::run(*args).await,
        Command::Redrive(args) => {
            redrive::run(&args, &mut io::stdout(), &mut io::stderr()).map(done)
        }
        Command::Backup(args) => backup::backup(&args, &mut io::stdout()).map(done),
        Command::Restore(args) => backup::restore(&args, &mut io::stdout()).map(done),
        Command::Models(args) => models::run(&args),
        Command::Completions(args) => {
            completions::run(args, &mut Cli::command(), &mut io::stdout()).map(done)
        }
    };
    if let Err(error) = &result {
        eprintln!("sightline: {}", exit::message(error));
    }
    exit::code(&result)
}
