//! Logs: JSON lines on Lambda, plain text elsewhere.

use std::io::{self, IsTerminal};

use tracing::{Level, Metadata};
use tracing_subscriber::{
    filter::{Targets, filter_fn},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Starts logging with the filter in `RUST_LOG`; `info` if it is missing or invalid.
///
/// On Lambda (`AWS_LAMBDA_RUNTIME_API` is set) each line is a JSON object on standard output. Elsewhere it is
/// text on standard error, coloured if that is a terminal. A second call has no effect.
pub fn start() {
    start_with("info");
}

/// Starts logging with another default filter than `info`.
pub fn start_with(default_filter: &str) {
    let filter = filter(std::env::var("RUST_LOG").ok().as_deref(), default_filter);
    let lambda = std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some();
    let registry = tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(is_no_event));
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

/// The levels by module, such as `info,sightline_processor=debug`; the default ones if there are none, or if the text is anything else.
///
/// Spans and fields cannot be chosen: those take an engine for regular expressions, which has to be built at every start.
fn filter(wanted: Option<&str>, default_filter: &str) -> Targets {
    let read = |text: &str| {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let parts = parts.collect::<Vec<_>>().join(",");
        let usual = |c: char| c.is_ascii_alphanumeric() || ",_:=-".contains(c);
        (!parts.is_empty() && parts.chars().all(usual)).then(|| parts.parse::<Targets>().ok())?
    };
    wanted
        .and_then(read)
        .or_else(|| read(default_filter))
        .unwrap_or_default()
}

/// Leaves out the trace of whole events, which have tokens, the secret of the site and pictures in them.
fn is_no_event(metadata: &Metadata<'_>) -> bool {
    metadata.target() != "lambda_runtime::layers::api_response" || *metadata.level() < Level::TRACE
}

/// Whether the user accepts colours (<https://no-color.org>).
fn no_color_is_unset() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_filter_that_is_missing_or_invalid_is_the_default_one() {
        let default = filter(None, "warn,sightline=info");
        assert_eq!(default.to_string(), "sightline=info,warn");
        for invalid in [
            "",
            " ,",
            "sightline=loud",
            "[{requestId}]=trace",
            "[s]=debug",
            "a/b",
        ] {
            assert_eq!(
                filter(Some(invalid), "warn,sightline=info"),
                default,
                "{invalid}"
            );
        }
        for (wanted, read) in [
            ("debug", "debug"),
            ("DEBUG", "debug"),
            ("off", "off"),
            ("info,", "info"),
            (
                "info, sightline_processor=debug",
                "sightline_processor=debug,info",
            ),
            (
                "sightline_processor=debug,info",
                "sightline_processor=debug,info",
            ),
        ] {
            assert_eq!(filter(Some(wanted), "warn").to_string(), read);
        }
    }

    #[test]
    fn no_filter_logs_whole_events() {
        for filter in [
            "trace",
            "lambda_runtime=trace",
            "lambda_runtime::layers=trace",
            "lambda_runtime::layers::api_response=trace",
        ] {
            let lines = Lines::default();
            let writer = lines.clone();
            let subscriber = tracing_subscriber::registry()
                .with(super::filter(Some(filter), "off"))
                .with(filter_fn(is_no_event))
                .with(fmt::layer().with_writer(move || writer.clone()));
            tracing::subscriber::with_default(subscriber, || {
                let _invoke =
                    tracing::info_span!("Lambda runtime invoke", requestId = "1").entered();
                tracing::trace!(target: "lambda_runtime::layers::api_response", body = "private", "an event");
                tracing::trace!(target: "lambda_runtime::layers", "harmless");
            });
            let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
            assert!(!text.contains("private"), "{filter}: {text}");
        }
    }
}
