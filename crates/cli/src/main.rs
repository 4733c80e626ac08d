//! The `sightline` command: the whole pipeline on one machine.

mod args;
mod local;
mod redrive;

use args::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    sightline_pipeline::logging::start();
    let outcome = match cli.command {
        Command::Local(args) => local::run(args).await,
        Command::Redrive(args) => redrive::run(&args, &mut std::io::stdout()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sightline: {error:#}");
            ExitCode::FAILURE
        }
    }
}
