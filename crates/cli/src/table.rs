//! Tables on standard output.
//!
//! A terminal shows aligned columns, coloured if wanted, that fit its width. Elsewhere, a table is lines of tab-separated
//! fields below a line of names, complete, for `cut`, `awk` and spreadsheets.

use std::{
    io::{self, IsTerminal as _, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use console::{Alignment, Style, Term, measure_text_width, pad_str, truncate_str};

use crate::output::{When, ignore_closed_pipe, print_message};

/// Between two columns.
const GAP: &str = "  ";
/// A terminal that says it is narrower than this does not know its width.
const MIN_WIDTH: usize = 20;
/// Stands for what was cut off.
const ELLIPSIS: &str = "…";
/// The length of the day of an RFC 3339 time, such as `2026-01-31`.
const DAY: usize = 10;
/// The narrowest column of a table without steps.
const NARROWEST: usize = 8;

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

/// A step that makes a table narrower. The number is that of the column. Steps are taken in their order until the table fits,
/// and none goes further than it must.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Cuts off the end of longer fields.
    End(usize, usize),
    /// Cuts off the start of longer fields, as of a path, whose end tells most.
    Start(usize, usize),
    /// Takes items from the end of longer lists, whose items have `, ` between them.
    Items(usize, usize),
    /// Shows the day alone of RFC 3339 times.
    Day(usize),
    /// Leaves the column out.
    Hide(usize),
}

/// Rows of text below a line of names.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    names: Vec<&'static str>,
    steps: Vec<Step>,
    rows: Vec<Vec<(String, Tone)>>,
}

/// A table whose rows are written when they are known, so its columns have a width from the start.
#[derive(Debug)]
pub(crate) struct LiveTable {
    names: Vec<&'static str>,
    /// `None` where fields are separated by tabs.
    columns: Option<Vec<Column>>,
    colours: bool,
    has_names: AtomicBool,
}

/// How a column is shown.
#[derive(Debug, Clone, Copy)]
struct Column {
    /// `None` if it is left out.
    width: Option<usize>,
    /// How longer fields are cut.
    cut: fn(&str, usize) -> String,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(names: &[&'static str]) -> Self {
        Self {
            names: names.to_vec(),
            steps: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Makes the table fit a narrow terminal by these steps. Without them, the widest columns are cut.
    pub(crate) fn fit_by(mut self, steps: &[Step]) -> Self {
        self.steps = steps.to_vec();
        self
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, fields: impl IntoIterator<Item = (String, Tone)>) {
        self.rows.push(fields.into_iter().collect());
    }

    /// Writes the table to standard output. Says on standard error which columns a narrow terminal leaves out.
    ///
    /// # Errors
    /// When standard output cannot be written. A closed pipe is no error.
    pub(crate) fn print(&self, color: When) -> io::Result<()> {
        let out = io::stdout().lock();
        let terminal = out.is_terminal();
        let colours = color.colours(terminal);
        if !terminal && !colours {
            return ignore_closed_pipe(self.write_fields(out));
        }
        let columns = self.columns(terminal.then(terminal_width).flatten());
        ignore_closed_pipe(self.write_columns(out, &columns, colours))?;
        if let Some(hidden) = self.hidden(&columns) {
            print_message(&hidden);
        }
        Ok(())
    }

    /// Writes tab-separated fields.
    fn write_fields(&self, mut out: impl Write) -> io::Result<()> {
        writeln!(out, "{}", self.names.join("\t"))?;
        for row in &self.rows {
            let fields: Vec<_> = row.iter().map(|(field, _)| plain(field)).collect();
            writeln!(out, "{}", fields.join("\t"))?;
        }
        out.flush()
    }

    fn write_columns(
        &self,
        mut out: impl Write,
        columns: &[Column],
        colours: bool,
    ) -> io::Result<()> {
        let header: Vec<_> = self
            .names
            .iter()
            .map(|name| (*name, Style::new().bold()))
            .collect();
        let rows = self.rows.iter().map(|row| {
            row.iter()
                .map(|(field, tone)| (field.as_str(), tone.style()))
                .collect::<Vec<_>>()
        });
        for line in std::iter::once(header).chain(rows) {
            let fields: Vec<_> = line
                .iter()
                .zip(columns)
                .filter_map(|((field, style), column)| {
                    let width = column.width?;
                    let field = plain(field);
                    let field = if measure_text_width(&field) > width {
                        (column.cut)(&field, width)
                    } else {
                        field
                    };
                    let styled = style.clone().force_styling(colours).apply_to(field);
                    Some(pad_str(&styled.to_string(), width, Alignment::Left, None).into_owned())
                })
                .collect();
            writeln!(out, "{}", fields.join(GAP).trim_end())?;
        }
        out.flush()
    }

    /// How the columns are shown in this width; `None` if any width will do. A column without a value is left out of a table with
    /// steps.
    fn columns(&self, width: Option<usize>) -> Vec<Column> {
        let mut columns: Vec<_> = self
            .names
            .iter()
            .enumerate()
            .map(|(index, name)| {
                let fields = self
                    .rows
                    .iter()
                    .filter_map(|row| Some(row.get(index)?.0.as_str()));
                let widest = fields.map(|field| measure_text_width(&plain(field))).max();
                let is_empty = widest.is_some_and(|widest| widest == 0);
                Column {
                    width: (!is_empty || self.steps.is_empty())
                        .then(|| widest.unwrap_or_default().max(measure_text_width(name))),
                    cut: end,
                }
            })
            .collect();
        let Some(width) = width else {
            return columns;
        };
        let wished: Vec<_> = columns.iter().map(|column| column.width).collect();
        for step in &self.steps {
            let over = total(&columns).saturating_sub(width);
            if over == 0 {
                break;
            }
            let (index, least, cut) = step.cut();
            let Some(column) = columns.get_mut(index) else {
                continue;
            };
            match (step, column.width) {
                (Step::Hide(_), _) => column.width = None,
                (_, Some(now)) if now > least => {
                    column.width = Some(now.saturating_sub(over).max(least));
                    column.cut = cut;
                }
                _ => {}
            }
        }
        // A column that was left out may have made room for others.
        for step in self.steps.iter().rev() {
            let spare = width.saturating_sub(total(&columns));
            let (index, ..) = step.cut();
            if let (Some(column), Some(Some(wished))) = (columns.get_mut(index), wished.get(index))
                && let Some(now) = &mut column.width
            {
                *now = (*now + spare).min(*wished);
            }
        }
        // What is still too wide is cut where it is widest.
        while total(&columns) > width {
            let widest = columns
                .iter_mut()
                .filter_map(|column| column.width.as_mut())
                .max();
            match widest {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
        columns
    }

    /// Which columns are left out although they have values.
    fn hidden(&self, columns: &[Column]) -> Option<String> {
        let hidden: Vec<_> = self
            .names
            .iter()
            .enumerate()
            .zip(columns)
            .filter(|((index, _), column)| {
                let has_value = |row: &Vec<(String, Tone)>| {
                    row.get(*index).is_some_and(|(field, _)| !field.is_empty())
                };
                column.width.is_none() && self.rows.iter().any(has_value)
            })
            .map(|((_, name), _)| *name)
            .collect();
        let (last, others) = hidden.split_last()?;
        let names = if others.is_empty() {
            (*last).to_owned()
        } else {
            format!("{} and {last}", others.join(", "))
        };
        Some(format!(
            "The terminal is too narrow for {names}. Widen it, or add `| cat`, to see everything."
        ))
    }
}

impl LiveTable {
    /// A table whose columns are usually as wide as `widths`.
    pub(crate) fn new(
        names: &[&'static str],
        steps: &[Step],
        widths: &[usize],
        color: When,
    ) -> Self {
        let terminal = io::stdout().is_terminal();
        let colours = color.colours(terminal);
        let columns = (terminal || colours).then(|| {
            let mut table = Table::new(names).fit_by(steps);
            table.row(widths.iter().map(|width| ("x".repeat(*width), Tone::Plain)));
            table.columns(terminal.then(terminal_width).flatten())
        });
        Self {
            names: names.to_vec(),
            columns,
            colours,
            has_names: AtomicBool::new(false),
        }
    }

    /// Writes a row to standard output; the first one below the names.
    ///
    /// # Errors
    /// When standard output cannot be written. A closed pipe is no error.
    pub(crate) fn row(&self, fields: impl IntoIterator<Item = (String, Tone)>) -> io::Result<()> {
        let mut table = Table::new(&self.names);
        table.row(fields);
        let mut text = Vec::new();
        match &self.columns {
            Some(columns) => table.write_columns(&mut text, columns, self.colours)?,
            None => table.write_fields(&mut text)?,
        }
        let names = text
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let start = if self.has_names.swap(true, Ordering::Relaxed) {
            names
        } else {
            0
        };
        let mut out = io::stdout().lock();
        ignore_closed_pipe(
            out.write_all(text.get(start..).unwrap_or_default())
                .and_then(|()| out.flush()),
        )
    }
}

/// The width of the terminal at standard output, if it has one.
fn terminal_width() -> Option<usize> {
    let (_, columns) = Term::stdout().size_checked()?;
    Some(usize::from(columns)).filter(|width| *width >= MIN_WIDTH)
}

fn total(columns: &[Column]) -> usize {
    let shown: Vec<_> = columns.iter().filter_map(|column| column.width).collect();
    shown.iter().sum::<usize>() + GAP.len() * shown.len().saturating_sub(1)
}

impl Step {
    /// The column, its least width, and how its fields are cut.
    fn cut(self) -> (usize, usize, fn(&str, usize) -> String) {
        match self {
            Self::End(column, least) => (column, least, end),
            Self::Start(column, least) => (column, least, start),
            Self::Items(column, least) => (column, least, items),
            Self::Day(column) => (column, DAY, day),
            Self::Hide(column) => (column, 0, end),
        }
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

/// Cuts off the end.
fn end(field: &str, width: usize) -> String {
    truncate_str(field, width, ELLIPSIS).into_owned()
}

/// Cuts off the start.
fn start(field: &str, width: usize) -> String {
    let rest = field
        .char_indices()
        .filter_map(|(at, _)| field.get(at..))
        .find(|rest| measure_text_width(rest) < width);
    format!("{ELLIPSIS}{}", rest.unwrap_or_default())
}

/// Shows the day of a time.
fn day(field: &str, width: usize) -> String {
    field
        .get(..DAY)
        .filter(|_| width >= DAY)
        .map_or_else(|| end(field, width), str::to_owned)
}

/// Takes items from the end of a list. Cuts off the end of an only item.
fn items(field: &str, width: usize) -> String {
    let more = format!(", {ELLIPSIS}");
    field
        .rmatch_indices(", ")
        .filter_map(|(at, _)| field.get(..at))
        .find(|items| measure_text_width(items) + measure_text_width(&more) <= width)
        .map_or_else(|| end(field, width), |items| format!("{items}{more}"))
}

/// Replaces control characters, which file names may contain and which would break the line or control the terminal.
fn plain(field: &str) -> String {
    field
        .chars()
        .map(|char| if char.is_control() { '\u{fffd}' } else { char })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Step; 4] = [
        Step::Items(2, 12),
        Step::Start(0, 10),
        Step::Hide(3),
        Step::End(1, 4),
    ];

    fn table() -> Table {
        let mut table = Table::new(&["FILE", "STATUS", "LABELS", "KEY", "FACES"]).fit_by(&STEPS);
        let row = [
            "holiday/day 1/猫のいる庭.jpg",
            "failed",
            "Cat 99%, Garden 91%, Plant 77%",
            "uploads/0f0e9c3a.jpg",
            "",
        ];
        table.row(row.map(|field| (field.to_owned(), Tone::Bad)));
        table
    }

    fn columns(table: &Table, width: Option<usize>, colours: bool) -> Vec<String> {
        let mut out = Vec::new();
        let columns = table.columns(width);
        table.write_columns(&mut out, &columns, colours).unwrap();
        let text = String::from_utf8(out).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn programs_get_complete_tab_separated_fields_without_colours() {
        let mut table = Table::new(&["FILE", "STATUS"]).fit_by(&STEPS);
        let long = "x".repeat(300);
        table.row([
            (format!("a\tb\u{1b}[31m{long}"), Tone::Plain),
            ("failed".to_owned(), Tone::Bad),
        ]);
        let mut out = Vec::new();
        table.write_fields(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!("FILE\tSTATUS\na\u{fffd}b\u{fffd}[31m{long}\tfailed\n")
        );
    }

    #[test]
    fn a_wide_terminal_shows_everything_but_empty_columns() {
        let lines = columns(&table(), Some(200), false);
        assert_eq!(
            lines,
            [
                "FILE                          STATUS  LABELS                          KEY",
                "holiday/day 1/猫のいる庭.jpg  failed  Cat 99%, Garden 91%, Plant 77%  uploads/0f0e9c3a.jpg",
            ]
        );
        assert_eq!(lines, columns(&table(), None, false));
        assert_eq!(table().hidden(&table().columns(Some(200))), None);
    }

    #[test]
    fn columns_are_shortened_in_the_order_of_the_steps() {
        let row = |width| columns(&table(), Some(width), false).pop().unwrap();
        // Labels first, whole ones; then the start of the path.
        assert_eq!(
            row(80),
            "holiday/day 1/猫のいる庭.jpg  failed  Cat 99%, …            uploads/0f0e9c3a.jpg"
        );
        assert_eq!(
            row(64),
            "…ay 1/猫のいる庭.jpg  failed  Cat 99%, …    uploads/0f0e9c3a.jpg"
        );
        // Without the key there is room for more of the path.
        assert_eq!(row(40), "… 1/猫のいる庭.jpg  failed  Cat 99%, …");
        for width in 30..120 {
            for line in columns(&table(), Some(width), false) {
                assert!(measure_text_width(&line) <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn what_a_narrow_terminal_leaves_out_is_named() {
        let mut names = Table::new(&["A", "B", "C", "D"]).fit_by(&[
            Step::Hide(3),
            Step::Hide(1),
            Step::Hide(2),
        ]);
        names.row(["a", "b", "c", "d"].map(|field| (field.repeat(30), Tone::Plain)));
        let message = names.hidden(&names.columns(Some(30))).unwrap();
        assert!(message.contains("for B, C and D."), "{message}");
        let table = table();
        assert_eq!(
            table.hidden(&table.columns(Some(40))).unwrap(),
            "The terminal is too narrow for KEY. Widen it, or add `| cat`, to see everything."
        );
    }

    #[test]
    fn without_steps_the_widest_column_is_cut() {
        let mut table = Table::new(&["NAME", "ANSWERS"]);
        table.row(["objects".to_owned(), "labels, ".repeat(20)].map(|field| (field, Tone::Plain)));
        let lines = columns(&table, Some(40), false);
        assert_eq!(lines[1], "objects  labels, labels, labels, labels…");
    }

    #[test]
    fn colours_do_not_change_the_columns() {
        let plain = columns(&table(), Some(64), false);
        let coloured = columns(&table(), Some(64), true);
        assert!(coloured.iter().all(|line| line.contains("\x1b[")));
        let stripped: Vec<_> = coloured
            .iter()
            .map(|line| console::strip_ansi_codes(line).trim_end().to_owned())
            .collect();
        assert_eq!(stripped, plain);
    }

    #[test]
    fn fields_are_cut_where_they_tell_least() {
        assert_eq!(end("2026-01-01", 5), "2026…");
        assert_eq!(day("2026-01-01T12:00:00Z", 14), "2026-01-01");
        assert_eq!(start("holiday/cat.jpg", 8), "…cat.jpg");
        assert_eq!(
            items("Dog 99%, Pet 61%, Sky 60%", 20),
            "Dog 99%, Pet 61%, …"
        );
        assert_eq!(items("Dog 99%, Pet 61%, Sky 60%", 18), "Dog 99%, …");
        assert_eq!(items("the file is empty", 10), "the file …");
    }
}
