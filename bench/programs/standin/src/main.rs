//! Stands in for what a Lambda function talks to, so that functions can be measured on one machine.
//!
//! `bench/compare` starts this program and sends it commands: one line of JSON each on standard input, with one line of JSON as
//! the answer on standard output. [`control`] lists them. It starts the functions itself, because then the time from the start
//! of a process to its first request is taken in one place.
//!
//! All of it runs on one thread, which leaves the other processor to the function.

mod aws;
mod control;
mod function;
mod listen;

use std::{path::PathBuf, rc::Rc};

use anyhow::{Context as _, Result};

use crate::{aws::Aws, control::Control};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let usage = "usage: sightline-bench-standin CERTIFICATE.pem KEY.pem LABELS.json";
    let tls = listen::tls(
        &arguments.next().context(usage)?,
        &arguments.next().context(usage)?,
    )?;
    let labels = std::fs::read(arguments.next().context(usage)?)?;
    let aws = Rc::new(Aws::new(labels.into()));
    tokio::task::LocalSet::new()
        .run_until(async move {
            let ports = listen::aws(&aws, &tls).await?;
            Control::new(aws, ports).run().await
        })
        .await
}
