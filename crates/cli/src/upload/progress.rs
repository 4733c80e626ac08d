//! Progress bars, which only a terminal shows.

use std::io::IsTerminal as _;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The bars of a run.
pub(super) struct ProgressBars {
    all: MultiProgress,
    /// Bytes that were sent.
    pub(super) bytes: ProgressBar,
    /// Files that are finished.
    pub(super) files: ProgressBar,
}

impl ProgressBars {
    /// Bars for this many bytes and files.
    pub(super) fn new(bytes: u64, files: usize) -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let all = MultiProgress::with_draw_target(target);
        let bar = |length: u64, template: &str| {
            let bar = all.add(ProgressBar::new(length));
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        };
        Self {
            bytes: bar(
                bytes,
                "Uploaded [{bar:30}] {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}",
            ),
            files: bar(
                files as u64,
                "Finished [{bar:30}] {pos} of {len}, {elapsed}",
            ),
            all,
        }
    }

    /// Hides the bars while `print` writes.
    pub(super) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.all.suspend(print)
    }

    /// Removes the bars.
    pub(super) fn clear(&self) {
        self.bytes.finish_and_clear();
        self.files.finish_and_clear();
    }
}
