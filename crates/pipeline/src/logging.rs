//! Logs: JSON lines on Lambda, readable lines on a terminal.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging as `RUST_LOG` asks, `info` if it asks nothing or something that cannot be read.
///
/// On Lambda (`AWS_LAMBDA_RUNTIME_API` is set) each line is a JSON object; elsewhere it is text on
/// standard error, so that standard output stays a program's own, coloured where that is a
/// terminal. A second call changes nothing.
pub fn start() {
    start_with("info");
}

/// Starts logging with another filter than `info` for when `RUST_LOG` asks nothing.
pub fn start_with(default_filter: &str) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_filter));
    let lambda = std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some();
    let registry = tracing_subscriber::registry().with(filter);
    // Fails only if logging was started before, which is as good.
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

/// Whether the person wants colours where they are possible (<https://no-color.org>).
fn no_color_is_unset() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
