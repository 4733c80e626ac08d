//! Logs: JSON lines on Lambda, plain text elsewhere.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging with the filter in `RUST_LOG`; `info` if it is missing or invalid.
///
/// On Lambda (`AWS_LAMBDA_RUNTIME_API` is set) each line is a JSON object on standard output. Elsewhere it is
/// text on standard error, coloured if that is a terminal. A second call has no effect.
pub fn start() {
    start_with("info");
}

/// Starts logging with another default filter than `info`.
pub fn start_with(default_filter: &str) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_filter));
    let lambda = std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some();
    let registry = tracing_subscriber::registry().with(filter);
    // Fails only if logging was started before, which is fine.
    let _ = if lambda {
        registry
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(true)
                    .with_span_list(false)
                    .with_target(false),
            )
            .try_init()
    } else {
        registry
            .with(
                fmt::layer()
                    .compact()
                    .with_target(false)
                    .with_ansi(io::stderr().is_terminal() && no_color_is_unset())
                    .with_writer(io::stderr),
            )
            .try_init()
    };
}

/// Whether the user accepts colours (<https://no-color.org>).
fn no_color_is_unset() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
