//! The order of labels in tables: that of the document's summary, which has the telling ones first.

use std::collections::HashMap;

use serde_json::Value;

/// Sorts labels as `summary.labels` of the document lists them. Labels that it lacks come last, in the order they have.
pub(crate) fn sort_as_summarized<T>(labels: &mut [T], document: &Value, name: impl Fn(&T) -> &str) {
    let names = document
        .pointer("/summary/labels")
        .and_then(Value::as_array);
    let order: HashMap<_, _> = names
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .enumerate()
        .map(|(place, name)| (name, place))
        .collect();
    labels.sort_by_key(|label| order.get(name(label)).copied().unwrap_or(usize::MAX));
}
