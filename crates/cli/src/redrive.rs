//! `sightline redrive`: dead letters go back into the queue.

use crate::args::RedriveArgs;
use anyhow::{Context, bail};
use std::io::Write;

/// Puts dead letters back and says what became of them.
///
/// # Errors
/// When the data folder cannot be used, or a letter that was named is not there or cannot be put back.
pub(crate) fn run(args: &RedriveArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let outcome = sightline_local_aws::redrive(&args.data_dir, &args.ids).with_context(|| {
        format!(
            "the dead letters in {} cannot be put back",
            args.data_dir.display()
        )
    })?;
    for id in &outcome.put_back {
        writeln!(out, "{id} is in the queue again.")?;
    }
    for (file, reason) in &outcome.failed {
        writeln!(out, "{} stays where it is: {reason}", file.display())?;
    }
    for id in &outcome.unknown {
        writeln!(out, "{id} is no dead letter.")?;
    }
    let stayed = outcome.failed.len() + outcome.unknown.len();
    if stayed > 0 {
        bail!(
            "{stayed} of {} could not be put back",
            stayed + outcome.put_back.len()
        );
    }
    if outcome.put_back.is_empty() {
        writeln!(out, "There are no dead letters.")?;
    }
    Ok(())
}
