//! Other people's words in a `detail`.

/// The longest quotation, in characters.
const MAX_QUOTE: usize = 100;

/// A client's own words in quotation marks, escaped, and cut if they are long.
pub(crate) fn quote(words: &str) -> String {
    let cut = words
        .char_indices()
        .nth(MAX_QUOTE)
        .and_then(|(end, _)| words.get(..end));
    match cut {
        Some(cut) => format!("{cut:?}…"),
        None => format!("{words:?}"),
    }
}

/// An error's message as a sentence.
pub(crate) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_quotations_are_cut_between_characters() {
        assert_eq!(quote("a\"b\n"), r#""a\"b\n""#);
        let long = quote(&"é".repeat(16_000));
        assert_eq!(long.chars().count(), MAX_QUOTE + 3);
        assert!(long.ends_with("\"…"));
    }

    #[test]
    fn a_sentence_begins_with_a_capital_and_ends_with_a_full_stop() {
        assert_eq!(sentence("éa b"), "Éa b.");
        assert_eq!(sentence(""), "");
    }
}
