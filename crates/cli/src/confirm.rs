//! Questions on the terminal.

use std::io::IsTerminal as _;

use crate::exit::CliError;

/// Asks a question on the terminal; anything but yes is no.
///
/// # Errors
/// Without a terminal. `alternatives` says what to do then. Or when the answer cannot be read.
pub(crate) fn confirm(question: &str, alternatives: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        let reason = format!("cannot ask for confirmation without a terminal; {alternatives}");
        return Err(CliError::Usage(reason).into());
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}
