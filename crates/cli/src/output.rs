//! Output: results on standard output, everything else on standard error.
//!
//! On a terminal, tables are aligned and may be coloured. Elsewhere they are lines of tab-separated fields below a line
//! of names, for `cut`, `awk` and spreadsheets.

use std::{
    env,
    io::{self, IsTerminal as _, Write},
};

use clap::{Args, ValueEnum};
use console::{Alignment, Style};

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

/// The maximum width of a column. A longer field shifts the later fields of its line.
const MAX_COLUMN_WIDTH: usize = 72;

/// The meaning of a field, shown as its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Neutral.
    Plain,
    /// Success.
    Good,
    /// Needs attention.
    Warning,
    /// Failure.
    Bad,
}

/// Rows of text below a line of names.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    names: Vec<&'static str>,
    rows: Vec<Vec<(String, Tone)>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(names: &[&'static str]) -> Self {
        Self {
            names: names.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, fields: impl IntoIterator<Item = (String, Tone)>) {
        self.rows.push(fields.into_iter().collect());
    }

    /// Writes the table to standard output.
    ///
    /// # Errors
    /// When standard output cannot be written. A closed pipe is no error.
    pub(crate) fn print(&self, color: When) -> io::Result<()> {
        let out = io::stdout().lock();
        let terminal = out.is_terminal();
        ignore_closed_pipe(self.write(out, terminal, color.colours(terminal)))
    }

    fn write(&self, mut out: impl Write, terminal: bool, colours: bool) -> io::Result<()> {
        if !terminal && !colours {
            writeln!(out, "{}", self.names.join("\t"))?;
            for row in &self.rows {
                let fields: Vec<_> = row.iter().map(|(field, _)| plain(field)).collect();
                writeln!(out, "{}", fields.join("\t"))?;
            }
            return out.flush();
        }
        let style = |style: Style| style.force_styling(colours);
        let header: Vec<_> = self
            .names
            .iter()
            .map(|name| style(Style::new().bold()).apply_to(*name).to_string())
            .collect();
        let rows = self.rows.iter().map(|row| {
            row.iter()
                .map(|(field, tone)| style(tone.style()).apply_to(plain(field)).to_string())
                .collect::<Vec<_>>()
        });
        let lines: Vec<_> = std::iter::once(header).chain(rows).collect();
        let widths: Vec<_> = (0..self.names.len())
            .map(|column| {
                lines
                    .iter()
                    .filter_map(|line| line.get(column))
                    .map(|field| console::measure_text_width(field))
                    .max()
                    .unwrap_or_default()
                    .min(MAX_COLUMN_WIDTH)
            })
            .collect();
        for line in lines {
            let padded: Vec<_> = line
                .iter()
                .zip(&widths)
                .map(|(field, width)| console::pad_str(field, *width, Alignment::Left, None))
                .collect();
            writeln!(out, "{}", padded.join("  ").trim_end())?;
        }
        out.flush()
    }
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Good => Style::new().green(),
            Self::Warning => Style::new().yellow(),
            Self::Bad => Style::new().red(),
        }
    }
}

/// Replaces control characters, which file names may contain and which would break the line or control the terminal.
fn plain(field: &str) -> String {
    field
        .chars()
        .map(|char| if char.is_control() { '\u{fffd}' } else { char })
        .collect()
}

/// Writes one line of JSON to standard output.
///
/// # Errors
/// As [`Table::print`].
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
fn ignore_closed_pipe(result: io::Result<()>) -> io::Result<()> {
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

    fn table() -> Table {
        let mut table = Table::new(&["FILE", "STATUS"]);
        table.row([
            ("a\tb\u{1b}[31m.jpg".to_owned(), Tone::Plain),
            ("failed".to_owned(), Tone::Bad),
        ]);
        table
    }

    fn text(terminal: bool, colours: bool) -> String {
        let mut out = Vec::new();
        table().write(&mut out, terminal, colours).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn programs_get_tab_separated_fields_without_colours() {
        assert_eq!(
            text(false, false),
            "FILE\tSTATUS\na\u{fffd}b\u{fffd}[31m.jpg\tfailed\n"
        );
    }

    #[test]
    fn terminals_get_aligned_columns_and_optional_colours() {
        let plain = text(true, false);
        assert!(!plain.contains('\x1b') && !plain.contains('\t'), "{plain}");
        let header = plain.lines().next().unwrap();
        let row = plain.lines().last().unwrap();
        assert_eq!(
            header.chars().position(|char| char == 'S'),
            row.chars()
                .collect::<String>()
                .find("failed")
                .map(|at| row[..at].chars().count()),
            "{plain}"
        );
        assert!(text(true, true).contains("\x1b["));
    }

    #[test]
    fn colours_follow_the_option_and_by_default_the_terminal() {
        assert!(When::Always.colours(false));
        assert!(!When::Never.colours(true));
        assert!(!When::Auto.colours(false));
    }
}
