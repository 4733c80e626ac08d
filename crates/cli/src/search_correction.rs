//! What `sightline search` offers in place of a name that no picture has.

use serde::Deserialize;
use sightline_pipeline::index::{Wanted, fold};

/// An element of `didYouMean` of `GET /images`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Suggestion {
    /// The name, as it was sent; several words with spaces between them if they may be one name.
    pub(crate) word: String,
    /// Similar names, the nearest first.
    pub(crate) names: Vec<String>,
}

/// The suggestion as a sentence.
pub(crate) fn sentence(suggestion: &Suggestion) -> String {
    let Suggestion { word, names } = suggestion;
    let names: Vec<_> = (names.iter())
        .map(|name| {
            if name.contains(' ') {
                format!("{name:?}")
            } else {
                name.clone()
            }
        })
        .collect();
    format!(
        "No picture has {word:?}. Did you mean {}?",
        names.join(" or ")
    )
}

/// The words of a line, with the first of the similar names in the place of each wrong one.
pub(crate) fn corrected_words(line: &str, suggestions: &[Suggestion]) -> Vec<String> {
    let wanted = Wanted::parse(line);
    let mut rest = wanted.as_slice();
    let mut words = Vec::new();
    while let Some((first, after)) = rest.split_first() {
        let correction = suggestions.iter().find_map(|suggestion| {
            let name = suggestion.names.first()?;
            let length = (1..=rest.len()).find(|length| {
                let names: Vec<_> = rest
                    .iter()
                    .take(*length)
                    .map(|it| it.name.as_str())
                    .collect();
                names.join(" ") == suggestion.word
            })?;
            let corrected = Wanted {
                name: name.clone(),
                ..first.clone()
            };
            Some((corrected, rest.get(length..)?))
        });
        let (word, left) = correction.unwrap_or_else(|| (first.clone(), after));
        words.push(word.to_string());
        rest = left;
    }
    words
}

/// The values of an option, with the first of the similar names in the place of each wrong one.
pub(crate) fn corrected_names(names: &[String], suggestions: &[Suggestion]) -> Vec<String> {
    let corrected = |name: &String| {
        let wrong = (suggestions.iter()).find(|it| fold(&it.word) == fold(name));
        wrong
            .and_then(|it| it.names.first())
            .unwrap_or(name)
            .clone()
    };
    names.iter().map(corrected).collect()
}

/// Arguments as a POSIX shell takes them.
pub(crate) fn shell_line(arguments: &[String]) -> String {
    let quoted: Vec<_> = (arguments.iter())
        .map(|argument| {
            let is_plain = |one: char| one.is_alphanumeric() || "-_./:=,+@%".contains(one);
            if !argument.is_empty() && argument.chars().all(is_plain) {
                argument.clone()
            } else {
                format!("'{}'", argument.replace('\'', r"'\''"))
            }
        })
        .collect();
    quoted.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggestion(word: &str, names: &[&str]) -> Suggestion {
        Suggestion {
            word: word.to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn a_suggestion_is_a_sentence_with_names_that_can_be_typed() {
        assert_eq!(
            sentence(&suggestion("dgo", &["Dog", "Hot Dog"])),
            "No picture has \"dgo\". Did you mean Dog or \"Hot Dog\"?"
        );
    }

    #[test]
    fn wrong_words_of_a_line_are_replaced() {
        let suggestions = [
            suggestion("dinning tabel", &["Dining Table"]),
            suggestion("dgo", &["Dog", "Dot"]),
        ];
        for (line, expected) in [
            ("dinning tabel", &["\"Dining Table\""][..]),
            (
                "cat -dinning tabel dgo",
                &["cat", "-\"Dining Table\"", "Dog"],
            ),
            (
                "label:dgo -dgo \"hot dgo\"",
                &["label:Dog", "-Dog", "\"hot dgo\""],
            ),
            ("tabel dinning", &["tabel", "dinning"]),
        ] {
            assert_eq!(corrected_words(line, &suggestions), expected, "{line}");
        }
        let names = ["DGO", "Cat"].map(str::to_owned);
        assert_eq!(corrected_names(&names, &suggestions), ["Dog", "Cat"]);
    }

    #[test]
    fn arguments_are_quoted_for_a_shell() {
        let arguments = [
            "search",
            "--",
            "-\"Dining Table\"",
            "it's",
            "",
            "$HOME",
            "東京",
        ];
        assert_eq!(
            shell_line(&arguments.map(str::to_owned)),
            r#"search -- '-"Dining Table"' 'it'\''s' '' '$HOME' 東京"#
        );
    }
}
