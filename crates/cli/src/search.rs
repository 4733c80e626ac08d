//! `sightline search`: finds pictures by words, labels, text, file name, colour, faces, dates or status.

use clap::{ArgGroup, Args, builder::PossibleValuesParser};
use http::Method;
use serde_json::Value;
use sightline_pipeline::recognition::EMOTIONS;

use crate::{
    api::{self, Api, ApiArgs, Problem, query_value},
    exit::{CliError, Outcome},
    http::HttpClient,
    output::{self, OutputArgs},
    search_correction::{Suggestion, corrected_names, corrected_words, sentence, shell_line},
    search_table::SearchTable,
    value_parsers::{DateOrTime, number_of_pictures, percent},
};

const DEFAULT_SORT: &str = "newest";
const DEFAULT_LIMIT: usize = 50;

/// The maximum number of pictures of a page (`limit` of `GET /images`).
const MAX_PAGE: usize = 100;

/// `sightline search`.
#[derive(Debug, Clone, Args)]
#[command(
    group = ArgGroup::new("what").args(["words", "label", "category"]).multiple(true),
    after_long_help = "\
WORDS
  A picture must have every word: as a label or another name of a label, a
  category, a word of its text or of its file name, or a colour. Case,
  singular and plural do not matter. Words that together are a name, such as
  dining table, find it; a phrase in quotation marks is one name alone:
  '\"dining table\"'. A leading - excludes; put such words after --. label:,
  category:, text:, name: and color: narrow a word or a phrase to one kind.
  --min-confidence counts for labels and categories. A picture that has a
  word in its text or file name, or as a colour, is found whatever it is.

EXAMPLES
  Pictures that show a dog and a beach, but no person:
    sightline search -- dog beach -person
  Pictures of May 2024 by the time of taking, newest first:
    sightline search --sort taken --from 2024-05-01 --to 2024-05-31
  Pictures with the word exit in them, and a blue one among their colours:
    sightline search --text exit --main-color blue
  Pictures with a dog, at least 80 percent sure, newest first:
    sightline search --label Dog --min-confidence 80
  Keys of all pictures with animals, for another program:
    sightline search --category 'Animals and Pets' --limit 0 --json \\
        | jq -r .key
  Pictures with at least two faces, one of them happy, and with someone of
  20 to 40 years (where faces were analysed):
    sightline search --faces=2 --emotion Happy --age 20-40
  Pictures that could not be analysed:
    sightline search --status failed

EXIT CODES
  0  success, even if nothing was found
  1  the service cannot search
  2  invalid command line
  3  the service could not be reached
  4  the service rejected your credentials"
)]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    api: ApiArgs,

    /// Words that pictures must have, as a label, in their text or file name, or as a colour
    #[arg(value_name = "WORDS")]
    words: Vec<String>,

    /// Only pictures with this label or another name of it, such as Dog; repeat it for several. Case, singular and plural do not matter
    #[arg(long, value_name = "NAME")]
    label: Vec<String>,

    /// No pictures with this label; repeat it for several
    #[arg(long, value_name = "NAME")]
    not_label: Vec<String>,

    /// Only pictures with a label of this category, such as 'Animals and Pets'
    #[arg(long, value_name = "NAME")]
    category: Vec<String>,

    /// Only pictures with this word in them, where text was analysed
    #[arg(long, value_name = "WORD")]
    text: Vec<String>,

    /// Only pictures with this word in their file name, or with this extension
    #[arg(long, value_name = "WORD")]
    filename: Vec<String>,

    /// Only pictures with this main colour, such as blue, where image properties were analysed
    #[arg(long, value_name = "NAME")]
    main_color: Vec<String>,

    /// Minimum confidence of the labels and of the best label of each category, percent from 0 to 100; text, file names and colours
    /// have none
    #[arg(long, value_name = "PERCENT", requires = "what", value_parser = percent)]
    min_confidence: Option<f32>,

    /// Only pictures uploaded (with --sort taken: taken) on this day or later, such as 2026-01-31, or at a time such as
    /// 2026-01-31T18:30:00Z or later
    #[arg(long, value_name = "DATE")]
    from: Option<DateOrTime>,

    /// Only pictures uploaded (with --sort taken: taken) on this day or earlier, or at this time or earlier
    #[arg(long, value_name = "DATE")]
    to: Option<DateOrTime>,

    /// The order: newest or oldest upload first, highest confidence of the first label first, or last taken first
    #[arg(long, value_name = "ORDER", default_value = DEFAULT_SORT, value_parser = ["newest", "oldest", "confidence", "taken"])]
    sort: String,

    /// Only pictures with faces, or with at least this many
    #[arg(long, value_name = "COUNT", num_args = 0..=1, require_equals = true, default_missing_value = "1",
        value_parser = clap::value_parser!(u8).range(1..=100))]
    faces: Option<u8>,

    /// Only pictures where this is the main emotion of a face
    #[arg(long, value_name = "EMOTION", ignore_case = true, value_parser = PossibleValuesParser::new(EMOTIONS))]
    emotion: Option<String>,

    /// Only pictures with a face whose estimated age may be in this span of years, such as 20-40, 65- or 30
    #[arg(long, value_name = "YEARS", value_parser = ages)]
    age: Option<Ages>,

    /// Only pictures whose analysis has this status
    #[arg(long, value_name = "STATUS", value_parser = ["succeeded", "partial", "failed"])]
    status: Option<String>,

    /// Maximum number of pictures; 0 for all
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_LIMIT, value_parser = number_of_pictures)]
    limit: usize,

    #[command(flatten)]
    output: OutputArgs,
}

/// A span of ages in years, without a highest age if that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ages {
    from: u8,
    to: Option<u8>,
}

/// The highest age that the service takes.
const MAX_AGE: u8 = 150;

fn ages(text: &str) -> Result<Ages, String> {
    let year = |text: &str| text.parse().ok().filter(|year| *year <= MAX_AGE);
    let parsed = match text.split_once('-') {
        None => year(text).map(|year| Ages {
            from: year,
            to: Some(year),
        }),
        Some((from, "")) => year(from).map(|from| Ages { from, to: None }),
        Some((from, to)) => year(from)
            .zip(year(to))
            .map(|(from, to)| Ages { from, to: Some(to) }),
    };
    parsed
        .filter(|ages| ages.to.is_none_or(|to| ages.from <= to))
        .ok_or_else(|| format!("expected years from 0 to {MAX_AGE}, such as 20-40, 65- or 30"))
}

/// Requests page after page and prints the pictures.
///
/// # Errors
/// When the service cannot be reached, rejects the request, or has no index.
pub(crate) async fn run(args: SearchArgs) -> anyhow::Result<Outcome> {
    check(&args)?;
    let api = Api::new(&args.api, HttpClient::new())?;
    let limit = if args.limit == 0 {
        usize::MAX
    } else {
        args.limit
    };
    let mut table = SearchTable::new();
    let mut found = 0;
    let mut cursor: Option<String> = None;
    let mut suggestions = Vec::new();
    loop {
        let path = path(&args, (limit - found).min(MAX_PAGE), cursor.as_deref());
        let response = api.send(Method::GET, &path, None).await?;
        if response.status != 200 {
            let problem = Problem::read(&response);
            if response.status == 400 {
                return Err(CliError::Usage(problem.in_words_of(&OPTIONS)).into());
            }
            return Err(anyhow::Error::new(problem).context("the service cannot search"));
        }
        let page: Value = api::body(&response)?;
        let images = page.get("images").and_then(Value::as_array);
        for image in images.into_iter().flatten().take(limit - found) {
            found += 1;
            if args.output.json {
                output::print_json(image)?;
            } else {
                table.add(image);
            }
        }
        suggestions.extend(did_you_mean(&page));
        // A page may be empty although more follow.
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
            "; there are more (--limit 0 shows all)"
        } else {
            ""
        };
        output::print_message(&format!(
            "{} found{more}.",
            output::count(found, "picture", "pictures")
        ));
    }
    for suggestion in &suggestions {
        output::print_message(&sentence(suggestion));
    }
    if let Some(command) = corrected(&args, &suggestions) {
        output::print_message(&format!("Search again:\n  {command}"));
    }
    Ok(Outcome::Done)
}

/// The options of the parameters of `GET /images`.
const OPTIONS: [(&str, &str); 8] = [
    ("q", "the line of words"),
    ("label", "--label"),
    ("notLabel", "--not-label"),
    ("category", "--category"),
    ("text", "--text"),
    ("filename", "--filename"),
    ("color", "--main-color"),
    ("minConfidence", "--min-confidence"),
];

/// Rejects options that do not go together.
fn check(args: &SearchArgs) -> Result<(), CliError> {
    if let (Some(from), Some(to)) = (&args.from, &args.to)
        && from.first > to.last
    {
        return Err(CliError::Usage(
            "--to is earlier than --from; swap them".to_owned(),
        ));
    }
    let has_name = [&args.words, &args.label, &args.category]
        .iter()
        .any(|names| !names.is_empty());
    if args.sort == "confidence" && !has_name {
        return Err(CliError::Usage(
            "--sort confidence orders by the confidence of a label or category; give words, --label or --category with it"
                .to_owned(),
        ));
    }
    Ok(())
}

/// What the service says about names that no picture has.
fn did_you_mean(page: &Value) -> Vec<Suggestion> {
    page.get("didYouMean")
        .and_then(|list| serde_json::from_value(list.clone()).ok())
        .unwrap_or_default()
}

/// The command that searches for the suggested names; `None` if the suggestions change nothing. It has no access token.
fn corrected(args: &SearchArgs, suggestions: &[Suggestion]) -> Option<String> {
    let line = args.words.join(" ");
    let words = corrected_words(&line, suggestions);
    let mut is_changed = words != corrected_words(&line, &[]);
    let mut arguments = vec!["sightline".to_owned(), "search".to_owned()];
    let mut add = |option: &str, value: &str| {
        arguments.extend([format!("--{option}"), value.to_owned()]);
    };
    if args.api.is_given() {
        add("api", &args.api.api);
    }
    for (option, names) in [
        ("label", &args.label),
        ("not-label", &args.not_label),
        ("category", &args.category),
        ("text", &args.text),
        ("filename", &args.filename),
        ("main-color", &args.main_color),
    ] {
        let corrected = corrected_names(names, suggestions);
        is_changed |= corrected != *names;
        for name in corrected {
            add(option, &name);
        }
    }
    let ages = args.age.map(|Ages { from, to }| match to {
        Some(to) => format!("{from}-{to}"),
        None => format!("{from}-"),
    });
    for (option, value) in [
        (
            "min-confidence",
            args.min_confidence.map(|it| it.to_string()),
        ),
        ("from", args.from.as_ref().map(|date| date.text.clone())),
        ("to", args.to.as_ref().map(|date| date.text.clone())),
        ("emotion", args.emotion.clone()),
        ("age", ages),
        ("status", args.status.clone()),
        (
            "sort",
            Some(args.sort.clone()).filter(|sort| sort != DEFAULT_SORT),
        ),
        (
            "limit",
            Some(args.limit)
                .filter(|limit| *limit != DEFAULT_LIMIT)
                .map(|it| it.to_string()),
        ),
    ] {
        if let Some(value) = value {
            add(option, &value);
        }
    }
    arguments.extend(args.faces.map(|count| format!("--faces={count}")));
    arguments.extend(args.output.json.then(|| "--json".to_owned()));
    if words.iter().any(|word| word.starts_with('-')) {
        arguments.push("--".to_owned());
    }
    arguments.extend(words);
    is_changed.then(|| shell_line(&arguments))
}

fn path(args: &SearchArgs, limit: usize, cursor: Option<&str>) -> String {
    let min_confidence = args.min_confidence.map(|percent| percent.to_string());
    let limit = limit.to_string();
    let faces = args.faces.map(|count| count.to_string());
    let age_from = args.age.map(|ages| ages.from.to_string());
    let age_to = args.age.and_then(|ages| ages.to).map(|to| to.to_string());
    let words = (!args.words.is_empty()).then(|| args.words.join(" "));
    let sort = Some(args.sort.as_str()).filter(|sort| *sort != DEFAULT_SORT);
    let repeated = [
        ("label", &args.label),
        ("notLabel", &args.not_label),
        ("category", &args.category),
        ("text", &args.text),
        ("filename", &args.filename),
        ("color", &args.main_color),
    ];
    let parameters = [
        ("minConfidence", min_confidence.as_deref()),
        ("minFaces", faces.as_deref()),
        ("emotion", args.emotion.as_deref()),
        ("ageFrom", age_from.as_deref()),
        ("ageTo", age_to.as_deref()),
        ("status", args.status.as_deref()),
        ("from", args.from.as_ref().map(|date| date.text.as_str())),
        ("to", args.to.as_ref().map(|date| date.text.as_str())),
        ("sort", sort),
        ("limit", Some(limit.as_str())),
        ("cursor", cursor),
    ];
    let repeated = (repeated.into_iter())
        .flat_map(|(name, values)| values.iter().map(move |value| (name, Some(value.as_str()))));
    let parameters = std::iter::once(("q", words.as_deref()))
        .chain(repeated)
        .chain(parameters);
    let query: Vec<_> = parameters
        .filter_map(|(name, value)| Some(format!("{name}={}", query_value(value?))))
        .collect();
    format!("/images?{}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::parse;

    #[test]
    fn the_options_become_the_query() {
        let args = parse(&["--category", "Animals & Pets", "--min-confidence", "80.5"]).unwrap();
        assert_eq!(
            path(&args, 50, Some("a+b")),
            "/images?category=Animals%20%26%20Pets&minConfidence=80.5&limit=50&cursor=a%2Bb"
        );
        for (options, expected) in [
            (&["--faces"][..], "minFaces=1"),
            (
                &["--faces=3", "--emotion", "happy"],
                "minFaces=3&emotion=happy",
            ),
            (&["--age", "20-40"], "ageFrom=20&ageTo=40"),
            (&["--age", "65-"], "ageFrom=65"),
            (
                &["--age", "30", "--faces"],
                "minFaces=1&ageFrom=30&ageTo=30",
            ),
            (&["dog", "beach"], "q=dog%20beach"),
            (
                &["--sort", "taken", "--", "dog", "-cat", "\"hot dog\""],
                "q=dog%20-cat%20%22hot%20dog%22&sort=taken",
            ),
            (
                &["--label", "Dog", "--label", "Beach", "--not-label", "Cat"],
                "label=Dog&label=Beach&notLabel=Cat",
            ),
            (
                &[
                    "--text",
                    "exit",
                    "--filename",
                    "holiday",
                    "--main-color",
                    "blue",
                ],
                "text=exit&filename=holiday&color=blue",
            ),
            (
                &[
                    "--label",
                    "Dog",
                    "--category",
                    "Pets",
                    "--from",
                    "2026-01-31",
                ],
                "label=Dog&category=Pets&from=2026-01-31",
            ),
        ] {
            let args = parse(options).unwrap();
            assert_eq!(
                path(&args, 5, None),
                format!("/images?{expected}&limit=5"),
                "{options:?}"
            );
        }
    }

    #[test]
    fn invalid_options_are_rejected() {
        for wrong in [
            &["--min-confidence", "80"][..],
            &["--sort", "size"],
            &["--status", "done"],
            &["--limit", "all"],
            &["--from", "yesterday"],
            &["--to", "2026-13-01"],
            &["--label", "Dog", "--min-confidence", "101"],
            &["--faces=0"],
            &["--faces=101"],
            &["--emotion", "Joy"],
            &["--age", "40-20"],
            &["--age", "old"],
            &["--age", "20-151"],
        ] {
            assert!(parse::<SearchArgs>(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn options_that_do_not_go_together_are_rejected_by_their_names() {
        let rejected = |options: &[&str]| match check(&parse(options).unwrap()) {
            Err(CliError::Usage(message)) => message,
            other => panic!("{other:?}"),
        };
        let dates = &["--from", "2026-02-01", "--to", "2026-01-31"];
        assert!(rejected(dates).starts_with("--to is earlier than --from"));
        assert!(rejected(&["--sort", "confidence"]).contains("--label"));
        for right in [
            &["--from", "2026-01-31", "--to", "2026-01-31T00:00:00Z"][..],
            &["--sort", "confidence", "dog"],
            &["--sort", "confidence", "--category", "Pets"],
        ] {
            assert!(check(&parse(right).unwrap()).is_ok(), "{right:?}");
        }
    }

    #[test]
    fn a_name_that_no_picture_has_is_answered_with_similar_ones() {
        let page = json!({"images": [], "didYouMean": [{"word": "dgo", "names": ["Dog", "Dot"]}]});
        let suggestions = did_you_mean(&page);
        assert_eq!(
            (&*suggestions[0].word, suggestions[0].names.len()),
            ("dgo", 2)
        );
        assert!(did_you_mean(&json!({"images": []})).is_empty());
        let command = |options: &[&str]| {
            let args = parse(&[&["--api", "http://127.0.0.1:9"], options].concat()).unwrap();
            corrected(&args, &suggestions)
        };
        assert_eq!(
            command(&[
                "dgo", "hot dgo", "--sort", "taken", "--faces", "--age", "65-", "--json"
            ])
            .unwrap(),
            "sightline search --api http://127.0.0.1:9 --age 65- --sort taken --faces=1 --json Dog hot Dog"
        );
        assert_eq!(
            command(&["--text", "dgo", "--limit", "0", "--", "-a b"]).unwrap(),
            "sightline search --api http://127.0.0.1:9 --text Dog --limit 0 -- -a b"
        );
        assert_eq!(command(&["cat"]), None);
    }
}
