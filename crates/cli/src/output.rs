//! Output: results on standard output, everything else on standard error.

use std::{
    env,
    io::{self, Write as _},
};

use clap::{Args, ValueEnum};

/// Options for the output.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OutputArgs {
    /// Write JSON instead of a table, one object per line
    #[arg(long)]
    pub(crate) json: bool,

    /// When to use colours; `auto` uses them on terminals unless NO_COLOR is set
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value_t = When::Auto
    )]
    pub(crate) color: When,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl When {
    /// Whether to use colours on a stream.
    pub(crate) fn colours(self, terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            // https://no-color.org
            Self::Auto => terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }
}

/// Writes one line of JSON to standard output.
///
/// # Errors
/// When standard output cannot be written. A closed pipe is no error.
pub(crate) fn print_json(value: &impl serde::Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    ignore_closed_pipe(
        serde_json::to_writer(&mut out, value)
            .map_err(io::Error::from)
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush()),
    )
}

/// Writes a line of text to standard output.
///
/// # Errors
/// If standard output cannot be written, a closed pipe included: what the line announces then does not happen.
pub(crate) fn print_line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush())
}

/// A reader such as `head` closes the pipe when it has enough.
pub(crate) fn ignore_closed_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints a message for people, not for programs that read the results.
pub(crate) fn print_message(text: &str) {
    eprintln!("{text}");
}

/// How many labels a table field shows.
const SHOWN_LABELS: usize = 5;

/// The first labels with their confidence in percent, and the number of further labels. Unless `complete`, there may be
/// more labels than `labels` contains.
pub(crate) fn labels(labels: &[(&str, f64)], complete: bool) -> String {
    let mut shown: Vec<_> = labels
        .iter()
        .take(SHOWN_LABELS)
        .map(|(name, percent)| format!("{name} {percent:.0}%"))
        .collect();
    let more = labels.len().saturating_sub(SHOWN_LABELS);
    if more > 0 {
        let least = if complete { "" } else { "at least " };
        shown.push(format!("and {least}{more} more"));
    }
    shown.join(", ")
}

/// A number with its noun.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_the_option_and_by_default_the_terminal() {
        assert!(When::Always.colours(false));
        assert!(!When::Never.colours(true));
        assert!(!When::Auto.colours(false));
    }
}
