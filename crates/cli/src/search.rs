//! `sightline search`: pictures by what they show.

use clap::{ArgGroup, Args};
use http::Method;
use serde_json::Value;
use sightline_pipeline::index::MAX_ROW_LABELS;

use crate::{
    api::{self, Api, ApiArgs, Refusal, query_value},
    exit::{Fault, Outcome},
    http::Http,
    output::{self, OutputArgs, Table, Tone},
};

/// The most pictures of a page (`limit` of `GET /images`).
const PAGE: usize = 100;

/// `sightline search`.
#[derive(Debug, Clone, Args)]
#[command(
    group = ArgGroup::new("what").args(["label", "category"]),
    after_long_help = "\
EXAMPLES
  Pictures that surely show a dog, newest first:
    sightline search --label Dog --min-confidence 80
  The keys of all animals, for another program:
    sightline search --category 'Animals and Pets' --limit 0 --json \\
        | jq -r .key
  What could not be analysed:
    sightline search --status failed

EXIT CODES
  0  answered, also when nothing was found   3  the service was not reached
  1  the service cannot search               4  the service refused who asks
  2  the command line is wrong"
)]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    pub(crate) api: ApiArgs,

    /// Only pictures with this label, such as Dog, in upper or lower case
    #[arg(long, value_name = "NAME")]
    label: Option<String>,

    /// Only pictures with a label of this category, such as 'Animals and Pets'
    #[arg(long, value_name = "NAME")]
    category: Option<String>,

    /// Only where the label, or the best of the category, is at least so sure, percent from 0 to 100
    #[arg(long, value_name = "PERCENT", requires = "what", value_parser = crate::args::percent)]
    min_confidence: Option<f32>,

    /// Only pictures that turned out so
    #[arg(long, value_name = "STATUS", value_parser = ["succeeded", "partial", "failed"])]
    status: Option<String>,

    /// Most pictures; 0 for all
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: usize,

    #[command(flatten)]
    output: OutputArgs,
}

/// Asks page by page and shows what there is.
///
/// # Errors
/// When the service cannot be reached, refuses, or keeps no index.
pub(crate) async fn run(args: SearchArgs) -> anyhow::Result<Outcome> {
    let api = Api::new(&args.api, Http::new())?;
    let limit = if args.limit == 0 {
        usize::MAX
    } else {
        args.limit
    };
    let mut table = Table::new(&["KEY", "UPLOADED", "STATUS", "CONFIDENCE", "LABELS", "FILE"]);
    let mut found = 0;
    let mut cursor: Option<String> = None;
    loop {
        let path = path(&args, (limit - found).min(PAGE), cursor.as_deref());
        let answer = api.send(Method::GET, &path, None).await?;
        if answer.status != 200 {
            let refusal = Refusal::read(&answer);
            if answer.status == 400 {
                return Err(Fault::Usage(refusal.detail).into());
            }
            return Err(anyhow::Error::new(refusal).context("the service cannot search"));
        }
        let page: Value = api::body(&answer)?;
        let images = page.get("images").and_then(Value::as_array);
        for image in images.into_iter().flatten().take(limit - found) {
            found += 1;
            if args.output.json {
                output::print_json(image)?;
            } else {
                table.row(row(image).map(|field| (field, Tone::Plain)));
            }
        }
        // A page may be empty though there are more.
        cursor = page
            .get("cursor")
            .and_then(Value::as_str)
            .map(str::to_owned);
        if cursor.is_none() || found >= limit {
            break;
        }
    }
    if !args.output.json {
        table.print(args.output.color)?;
        let more = if cursor.is_some() {
            "; there are more, --limit 0 shows all"
        } else {
            ""
        };
        output::tell(&format!(
            "{} found{more}.",
            output::count(found, "picture", "pictures")
        ));
    }
    Ok(Outcome::Done)
}

fn path(args: &SearchArgs, limit: usize, cursor: Option<&str>) -> String {
    let min_confidence = args.min_confidence.map(|percent| percent.to_string());
    let limit = limit.to_string();
    let parameters = [
        ("label", args.label.as_deref()),
        ("category", args.category.as_deref()),
        ("minConfidence", min_confidence.as_deref()),
        ("status", args.status.as_deref()),
        ("limit", Some(limit.as_str())),
        ("cursor", cursor),
    ];
    let query: Vec<_> = parameters
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", query_value(value?))))
        .collect();
    format!("/images?{}", query.join("&"))
}

fn row(image: &Value) -> [String; 6] {
    let text = |member: &str| {
        image
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let confidence = image
        .get("confidence")
        .and_then(Value::as_f64)
        .map_or_else(String::new, |percent| format!("{percent:.1}"));
    let labels: Vec<_> = image
        .get("labels")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|label| {
            Some((
                label.get("name")?.as_str()?,
                label.get("confidence")?.as_f64()?,
            ))
        })
        .collect();
    [
        text("key"),
        text("uploadedAt"),
        text("status"),
        confidence,
        output::labels(&labels, labels.len() < MAX_ROW_LABELS),
        text("filename"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser as _;
    use serde_json::json;

    fn args(arguments: &[&str]) -> Result<SearchArgs, clap::Error> {
        match Cli::try_parse_from(["sightline", "search"].iter().chain(arguments))?.command {
            Command::Search(args) => Ok(*args),
            _ => panic!("another command"),
        }
    }

    #[test]
    fn what_is_looked_for_stands_in_the_query() {
        let args = args(&["--category", "Animals & Pets", "--min-confidence", "80.5"]).unwrap();
        assert_eq!(
            path(&args, 50, Some("a+b")),
            "/images?category=Animals%20%26%20Pets&minConfidence=80.5&limit=50&cursor=a%2Bb"
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            &["--min-confidence", "80"][..],
            &["--label", "Dog", "--category", "Pets"],
            &["--status", "done"],
            &["--label", "Dog", "--min-confidence", "101"],
        ] {
            assert!(args(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_row_shows_the_labels_it_has() {
        let image = json!({"key": "uploads/a.jpg", "uploadedAt": "2026-01-01T12:00:00Z", "status": "succeeded",
            "confidence": 97.25, "labels": [{"name": "Dog", "confidence": 97.25}, {"name": "Pet", "confidence": 61.0}]});
        assert_eq!(
            row(&image),
            [
                "uploads/a.jpg",
                "2026-01-01T12:00:00Z",
                "succeeded",
                "97.2",
                "Dog 97%, Pet 61%",
                ""
            ]
        );
        assert_eq!(row(&json!({}))[0], "");
    }

    #[test]
    fn labels_that_are_not_shown_are_counted_as_far_as_they_are_known() {
        let shown = |number: usize| {
            let labels: Vec<_> = (1..=number)
                .map(|label| json!({"name": format!("L{label}"), "confidence": 90.0}))
                .collect();
            let [.., labels, _] = row(&json!({ "labels": labels }));
            labels
        };
        let five = "L1 90%, L2 90%, L3 90%, L4 90%, L5 90%";
        assert_eq!(shown(5), five);
        assert_eq!(shown(6), format!("{five}, and 1 more"));
        // A list has no more than these, whatever the picture shows.
        assert_eq!(shown(20), format!("{five}, and at least 15 more"));
    }
}
