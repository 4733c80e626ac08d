//! Progress bars, which only a terminal shows.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState};

use crate::byte_bar;

/// How long to measure before the time left is shown.
const MEASURED: Duration = Duration::from_secs(3);

/// The bars of a run.
pub(super) struct ProgressBars {
    all: MultiProgress,
    /// Bytes that were sent.
    pub(super) bytes: SentBytes,
    files: ProgressBar,
}

/// Counts the bytes that are sent. Bytes that need not be sent do not count, or the time left would be too short.
#[derive(Debug, Clone)]
pub(super) struct SentBytes(ProgressBar);

impl SentBytes {
    /// Bytes were sent.
    pub(super) fn sent(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// Bytes have to be sent again.
    pub(super) fn taken_back(&self, bytes: u64) {
        self.0.dec(bytes);
    }

    /// Bytes need not be sent.
    pub(super) fn skipped(&self, bytes: u64) {
        self.0.dec_length(bytes);
    }

    /// More bytes are to be sent.
    pub(super) fn added(&self, bytes: u64) {
        self.0.inc_length(bytes);
    }

    /// How many bytes were sent, as long as the bars are not removed.
    pub(super) fn total(&self) -> u64 {
        self.0.position()
    }
}

impl ProgressBars {
    /// Bars for this many bytes and files. They are hidden unless `shown`, and where there is no terminal.
    pub(super) fn new(bytes: u64, files: usize, shown: bool) -> Self {
        let target = if shown && std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let all = MultiProgress::with_draw_target(target);
        let bar = |length: u64, template: &str| {
            let bar = all.add(ProgressBar::new(length));
            byte_bar::set_style_with(&bar, template, |style| {
                style.with_key("left", byte_bar::key(left))
            });
            bar
        };
        Self {
            bytes: SentBytes(bar(
                bytes,
                "Uploaded [{bar:30}] {sent} of {total}, {rate}{left}",
            )),
            files: bar(
                files as u64,
                "Finished [{bar:30}] {pos} of {len}, {elapsed}{left}",
            ),
            all,
        }
    }

    /// A file is finished. One that was not `analysed` now says nothing about how long the others take.
    pub(super) fn finished(&self, analysed: bool) {
        self.files.inc(1);
        if !analysed {
            self.files.reset_eta();
        }
    }

    /// Hides the bars while `print` writes.
    pub(super) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.all.suspend(print)
    }

    /// Removes the bars.
    pub(super) fn clear(&self) {
        self.bytes.0.finish_and_clear();
        self.files.finish_and_clear();
    }
}

fn left(state: &ProgressState) -> String {
    let left = state.len().unwrap_or_default().saturating_sub(state.pos());
    time_left(left, state.elapsed(), state.eta())
}

/// What the bar says about the time left, with a comma before it; nothing when nothing is left. `estimate` is zero if nothing can
/// be said.
fn time_left(left: u64, elapsed: Duration, estimate: Duration) -> String {
    if left == 0 {
        return String::new();
    }
    if elapsed < MEASURED || estimate.is_zero() {
        return ", estimating the time left".to_owned();
    }
    let seconds = estimate.as_secs_f64().ceil() as u64;
    let text = match seconds {
        0..=10 => "a few seconds".to_owned(),
        11..=55 => format!("about {} seconds", seconds.next_multiple_of(5)),
        56..=90 => "about a minute".to_owned(),
        91..3600 => format!("about {} minutes", seconds.div_ceil(60)),
        3600..86_400 => {
            let minutes = seconds.div_ceil(60);
            format!("about {} h {:02} min", minutes / 60, minutes % 60)
        }
        _ => "more than a day".to_owned(),
    };
    format!(", {text} left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_shown_when_it_has_been_measured() {
        let seconds = Duration::from_secs;
        let shown = |elapsed: u64, estimate: u64| time_left(1, seconds(elapsed), seconds(estimate));
        assert_eq!(shown(1, 20), ", estimating the time left");
        assert_eq!(shown(10, 0), ", estimating the time left");
        for (estimate, expected) in [
            (3, ", a few seconds left"),
            (41, ", about 45 seconds left"),
            (70, ", about a minute left"),
            (100, ", about 2 minutes left"),
            (3540, ", about 59 minutes left"),
            (4000, ", about 1 h 07 min left"),
            (100_000, ", more than a day left"),
        ] {
            assert_eq!(shown(10, estimate), expected);
        }
        assert_eq!(time_left(0, seconds(10), seconds(5)), "");
    }

    #[test]
    fn bytes_that_need_not_be_sent_do_not_count() {
        let bars = ProgressBars::new(100, 2, false);
        bars.bytes.skipped(60);
        bars.bytes.added(10);
        bars.bytes.sent(30);
        bars.bytes.taken_back(5);
        assert_eq!(bars.bytes.total(), 25);
        assert_eq!(bars.bytes.0.length(), Some(50));
    }
}
