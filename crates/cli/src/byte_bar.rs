//! Progress bars that count bytes, with sizes as all messages have them.

use std::fmt;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use sightline_pipeline::prepare::size::mib;

/// Gives a bar this template, which can have the keys `sent`, `total` and `rate`.
pub(crate) fn set_style(bar: &ProgressBar, template: &str) {
    set_style_with(bar, template, |style| style);
}

/// Gives a bar this template, which can have the keys of [`set_style`] and those that `more` adds.
pub(crate) fn set_style_with(
    bar: &ProgressBar,
    template: &str,
    more: impl FnOnce(ProgressStyle) -> ProgressStyle,
) {
    let Ok(style) = ProgressStyle::with_template(template) else {
        return;
    };
    let style = style
        .with_key("sent", key(|state| mib(state.pos())))
        .with_key("total", key(|state| mib(state.len().unwrap_or_default())))
        .with_key(
            "rate",
            key(|state| format!("{}/s", mib(state.per_sec() as u64))),
        );
    bar.set_style(more(style).progress_chars("=> "));
}

/// A key of a template.
pub(crate) fn key(
    text: impl Fn(&ProgressState) -> String + Clone + Send + Sync + 'static,
) -> impl Fn(&ProgressState, &mut dyn fmt::Write) + Clone + Send + Sync + 'static {
    move |state: &ProgressState, out: &mut dyn fmt::Write| {
        // The bar has no use for the error.
        let _ = out.write_str(&text(state));
    }
}
