//! Metrics of work and cost: for CloudWatch as lines in its embedded metric format, and for
//! Prometheus as a page of text.

use std::{
    io::Write,
    sync::{LazyLock, OnceLock, atomic::AtomicU64},
};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::{
    ResultDocument,
    document::{Cost, Timings},
};

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);
/// The namespace in CloudWatch, if metrics are written for CloudWatch.
static NAMESPACE: OnceLock<String> = OnceLock::new();

/// One label with its value.
type Label = [(&'static str, String); 1];

struct Metrics {
    registry: Registry,
    images: Family<Label, Counter>,
    analyses: Family<Label, Counter>,
    errors: Family<Label, Counter>,
    retryable_failures: Family<Label, Counter>,
    repairs_needed: Counter,
    calls: Counter,
    usd: Counter<f64, AtomicU64>,
    seconds: Family<Label, Histogram>,
}

impl Metrics {
    fn new() -> Self {
        let mut registry = Registry::with_prefix("sightline");
        let images = Family::default();
        let analyses = Family::default();
        let errors = Family::default();
        let retryable_failures = Family::default();
        let repairs_needed = Counter::default();
        let calls = Counter::default();
        let usd = Counter::default();
        let seconds = Family::<Label, Histogram>::new_with_constructor(|| {
            Histogram::new([0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0])
        });
        registry.register("images", "Documents written, by status", images.clone());
        registry.register(
            "analyses",
            "Analyses that were answered, by name",
            analyses.clone(),
        );
        registry.register("errors", "Errors in documents, by code", errors.clone());
        registry.register(
            "retryable_failures",
            "Images that failed and will be retried, by reason",
            retryable_failures.clone(),
        );
        registry.register(
            "repairs_needed",
            "Images that failed and wait for a repair",
            repairs_needed.clone(),
        );
        registry.register("billed_calls", "Calls that were billed", calls.clone());
        registry.register("cost_usd", "Their list price in US dollars", usd.clone());
        registry.register(
            "duration_seconds",
            "How long images took, by step",
            seconds.clone(),
        );
        Self {
            registry,
            images,
            analyses,
            errors,
            retryable_failures,
            repairs_needed,
            calls,
            usd,
            seconds,
        }
    }
}

/// From now on, also writes the metrics to standard output in CloudWatch's embedded metric format, where Lambda
/// collects them. Only the first call has an effect.
pub fn enable_cloudwatch(namespace: String) {
    NAMESPACE.get_or_init(|| namespace);
}

/// Counts a document that was written.
pub fn count_document(document: &ResultDocument) {
    let metrics = &*METRICS;
    let label = |name, value: &str| [(name, value.to_owned())];
    let status = document.status.name();
    metrics.images.get_or_create(&label("status", status)).inc();
    for analysis in answered(document) {
        metrics
            .analyses
            .get_or_create(&label("analysis", analysis))
            .inc();
    }
    for error in &document.errors {
        metrics
            .errors
            .get_or_create(&label("code", &error.code))
            .inc();
    }
    for (step, milliseconds) in steps(&document.timings) {
        metrics
            .seconds
            .get_or_create(&label("step", step))
            .observe(milliseconds as f64 / 1000.0);
    }
    if let Some(cost) = &document.cost {
        count_cost(cost);
    }
    if let Some(namespace) = NAMESPACE.get() {
        print(&lines(namespace, document));
    }
}

/// Counts the cost of answers that are in no document.
pub fn count_undocumented_cost(cost: &Cost, now: OffsetDateTime) {
    if cost.calls == 0 {
        return;
    }
    count_cost(cost);
    if let Some(namespace) = NAMESPACE.get() {
        print(&[line(namespace, now, &[], &cost_metrics(cost))]);
    }
}

fn count_cost(cost: &Cost) {
    METRICS.calls.inc_by(u64::from(cost.calls));
    METRICS.usd.inc_by(cost.usd);
}

/// Counts an image that failed and will be retried. The reason is a code, not a sentence; see
/// [`ServiceError::metric_reason`](crate::ServiceError::metric_reason).
pub fn retryable_failure(reason: &str, now: OffsetDateTime) {
    let label = [("reason", reason.to_owned())];
    METRICS.retryable_failures.get_or_create(&label).inc();
    if let Some(namespace) = NAMESPACE.get() {
        print(&failure_lines(namespace, reason, now));
    }
}

/// Counts an image that failed and waits until somebody repairs the deployment or the program.
pub fn repair_needed(now: OffsetDateTime) {
    METRICS.repairs_needed.inc();
    if let Some(namespace) = NAMESPACE.get() {
        let one = [("RepairsNeeded", "Count", json!(1))];
        print(&[line(namespace, now, &[], &one)]);
    }
}

/// All metrics of this process as a page of text for Prometheus (OpenMetrics 1.0).
#[must_use]
pub fn render() -> String {
    let mut page = String::new();
    if let Err(error) = encode(&mut page, &METRICS.registry) {
        tracing::error!(%error, "could not encode the metrics");
    }
    page
}

/// The names of the analyses with an answer.
fn answered(document: &ResultDocument) -> impl Iterator<Item = &'static str> {
    document
        .analyses
        .iter()
        .filter(|analysis| {
            document
                .rekognition
                .contains_key(analysis.operation().document_key())
        })
        .map(crate::Analysis::name)
}

fn steps(timings: &Timings) -> impl Iterator<Item = (&'static str, u64)> {
    [
        ("waited", timings.waited_ms),
        ("prepare", Some(timings.prepare_ms)),
        ("recognise", Some(timings.recognise_ms)),
        ("total", Some(timings.total_ms)),
    ]
    .into_iter()
    .filter_map(|(step, milliseconds)| Some((step, milliseconds?)))
}

/// The lines for a document. Metrics with the same dimensions share a line.
fn lines(namespace: &str, document: &ResultDocument) -> Vec<Value> {
    let now = document.processed_at;
    let count = |name| [(name, "Count", json!(1))];
    let mut all = vec![("Images", "Count", json!(1))];
    for (step, milliseconds) in steps(&document.timings) {
        let name = match step {
            "waited" => "WaitedTime",
            "prepare" => "PrepareTime",
            "recognise" => "RecogniseTime",
            _ => "TotalTime",
        };
        all.push((name, "Milliseconds", json!(milliseconds)));
    }
    if let Some(cost) = &document.cost {
        all.extend(cost_metrics(cost));
    }
    let mut lines = vec![
        line(namespace, now, &[], &all),
        line(
            namespace,
            now,
            &[("Status", document.status.name())],
            &count("ImagesByStatus"),
        ),
    ];
    lines.extend(answered(document).map(|analysis| {
        line(
            namespace,
            now,
            &[("Analysis", analysis)],
            &count("Analyses"),
        )
    }));
    lines.extend(document.errors.iter().map(|error| {
        line(
            namespace,
            now,
            &[("Code", error.code.as_str())],
            &count("Errors"),
        )
    }));
    lines
}

/// The lines for a failure: by reason, and by service for the index and the buckets, because an alarm cannot search for
/// reasons (Amazon CloudWatch User Guide, "Search expressions").
fn failure_lines(namespace: &str, reason: &str, now: OffsetDateTime) -> Vec<Value> {
    let one = [("RetryableFailures", "Count", json!(1))];
    let service = reason
        .split_once('.')
        .map(|(service, _)| service)
        .filter(|service| ["Index", "S3"].contains(service));
    [("Reason", Some(reason)), ("Service", service)]
        .into_iter()
        .filter_map(|(name, value)| Some(line(namespace, now, &[(name, value?)], &one)))
        .collect()
}

fn cost_metrics(cost: &Cost) -> [(&'static str, &'static str, Value); 2] {
    [
        ("BilledCalls", "Count", json!(cost.calls)),
        ("CostUsd", "None", json!(cost.usd)),
    ]
}

/// One line (Amazon CloudWatch User Guide, "Specification: Embedded metric format").
fn line(
    namespace: &str,
    now: OffsetDateTime,
    dimensions: &[(&str, &str)],
    values: &[(&str, &str, Value)],
) -> Value {
    let names: Vec<_> = dimensions.iter().map(|(name, _)| name).collect();
    let metrics: Vec<_> = values
        .iter()
        .map(|(name, unit, _)| json!({"Name": name, "Unit": unit}))
        .collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.unix_timestamp() * 1000,
            "CloudWatchMetrics": [
                {"Namespace": namespace, "Dimensions": [names], "Metrics": metrics}
            ],
        }),
    );
    line.extend(
        dimensions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value))),
    );
    line.extend(
        values
            .iter()
            .map(|(name, _, value)| ((*name).to_owned(), value.clone())),
    );
    Value::Object(line)
}

fn print(lines: &[Value]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    if let Err(error) = std::io::stdout().lock().write_all(text.as_bytes()) {
        tracing::warn!(%error, "could not write the metrics");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> ResultDocument {
        serde_json::from_str(include_str!(
            "../../processor/tests/golden/result-partial.json"
        ))
        .unwrap()
    }

    #[test]
    fn lines_have_the_embedded_metric_format() {
        let lines = lines("Sightline/test", &document());
        for line in &lines {
            let directive = &line["_aws"]["CloudWatchMetrics"][0];
            assert_eq!(directive["Namespace"], "Sightline/test");
            for metric in directive["Metrics"].as_array().unwrap() {
                assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{line}");
            }
            for dimension in directive["Dimensions"][0].as_array().unwrap() {
                assert!(line[dimension.as_str().unwrap()].is_string(), "{line}");
            }
        }
        assert_eq!(lines[0]["BilledCalls"], 1);
        assert_eq!(lines[0]["CostUsd"], 0.001);
        assert_eq!(lines[1]["Status"], "partial");
        let codes: Vec<_> = lines
            .iter()
            .filter_map(|line| line["Code"].as_str())
            .collect();
        assert_eq!(
            codes,
            ["ImageTooLargeException", "ResourceNotReadyException"]
        );
        let analyses: Vec<_> = lines
            .iter()
            .filter_map(|line| line["Analysis"].as_str())
            .collect();
        assert_eq!(analyses, ["labels"]);
    }

    #[test]
    fn failures_of_the_index_and_the_buckets_are_counted_by_service_too() {
        let dimensions = |reason| {
            failure_lines("Sightline/test", reason, OffsetDateTime::UNIX_EPOCH)
                .iter()
                .map(|line| {
                    assert_eq!(line["RetryableFailures"], 1);
                    let name = &line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0][0];
                    format!("{name}={}", line[name.as_str().unwrap()])
                })
                .collect::<Vec<_>>()
                .join(" ")
                .replace('"', "")
        };
        assert_eq!(
            dimensions("Index.Timeout"),
            "Reason=Index.Timeout Service=Index"
        );
        assert_eq!(dimensions("S3.SlowDown"), "Reason=S3.SlowDown Service=S3");
        assert_eq!(
            dimensions("ThrottlingException"),
            "Reason=ThrottlingException"
        );
        assert_eq!(dimensions("SQS.Timeout"), "Reason=SQS.Timeout");
    }

    #[test]
    fn the_prometheus_page_contains_all_counts() {
        count_document(&document());
        repair_needed(OffsetDateTime::UNIX_EPOCH);
        retryable_failure("Recogniser", OffsetDateTime::UNIX_EPOCH);
        let cost = Cost {
            calls: 2,
            usd: 0.25,
            ..document().cost.unwrap()
        };
        count_undocumented_cost(&cost, OffsetDateTime::UNIX_EPOCH);
        let page = render();
        for line in [
            "sightline_images_total{status=\"partial\"} 1\n",
            "sightline_analyses_total{analysis=\"labels\"} 1\n",
            "sightline_errors_total{code=\"ImageTooLargeException\"} 1\n",
            "sightline_retryable_failures_total{reason=\"Recogniser\"} 1\n",
            "sightline_repairs_needed_total 1\n",
            "sightline_billed_calls_total 3\n",
            "sightline_cost_usd_total 0.251\n",
            "sightline_duration_seconds_count{step=\"total\"} 1\n",
        ] {
            assert!(page.contains(line), "{line}{page}");
        }
        assert!(page.ends_with("# EOF\n"));
    }
}
