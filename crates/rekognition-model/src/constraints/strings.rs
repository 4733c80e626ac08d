//! The constraints on strings: lengths in characters, and patterns. Functions match the few patterns, so the crate needs no
//! regular-expression engine.

/// The constraints of a string in the service model.
pub(super) struct Text {
    /// The minimum number of characters.
    min: usize,
    /// The maximum number of characters.
    max: usize,
    pattern: Option<Pattern>,
}

/// A regular expression of the model, for messages, and an equivalent function.
type Pattern = (&'static str, fn(&str) -> bool);

impl Text {
    /// The violated constraints, in AWS's words.
    pub(super) fn violated(&self, value: &str) -> Vec<String> {
        let length = value.chars().count();
        let mut violated = Vec::new();
        if length > self.max {
            violated.push(at_most_long(self.max));
        }
        if length < self.min {
            violated.push(at_least_long(self.min));
        }
        if let Some((pattern, matches)) = self.pattern
            && !matches(value)
        {
            violated.push(like(pattern));
        }
        violated
    }

    /// All constraints, in AWS's words, as in its message for a list entry that violates one.
    pub(super) fn all(&self) -> String {
        let mut all = vec![at_most_long(self.max), at_least_long(self.min)];
        all.extend(self.pattern.map(|(pattern, _)| like(pattern)));
        all.join(", ")
    }
}

pub(super) const S3_BUCKET: Text = Text {
    min: 3,
    max: 255,
    pattern: Some((r"[0-9A-Za-z\.\-_]*", |text| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    })),
};

/// An S3 object key or version.
pub(super) const S3_NAME: Text = Text {
    min: 1,
    max: 1024,
    pattern: None,
};

pub(super) const LABEL_FILTER: Text = Text {
    min: 0,
    max: 50,
    // `'-_` is a range: all ASCII characters from the apostrophe to the underscore, which includes capitals, digits and most
    // punctuation.
    pattern: Some((r"[A-Za-z0-9àâèçñó'-_(). ]*", |text| {
        text.chars()
            .all(|c| matches!(c, 'a'..='z' | '\''..='_' | 'à' | 'â' | 'è' | 'ç' | 'ñ' | 'ó' | ' '))
    })),
};

pub(super) const HUMAN_LOOP_NAME: Text = Text {
    min: 1,
    max: 63,
    pattern: Some((r"^[a-z0-9](-*[a-z0-9])*", |text| {
        let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        text.starts_with(edge) && text.ends_with(edge) && text.chars().all(|c| edge(c) || c == '-')
    })),
};

pub(super) const FLOW_DEFINITION_ARN: Text = Text {
    min: 0,
    max: 256,
    pattern: None,
};

pub(super) const PROJECT_VERSION: Text = Text {
    min: 20,
    max: 2048,
    pattern: Some((
        r"(^arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project\/[a-zA-Z0-9_.\-]{1,255}\/version\/[a-zA-Z0-9_.\-]{1,255}\/[0-9]+$)",
        is_project_version,
    )),
};

/// Whether the text is
/// `arn:<partition>:rekognition:<region>:<account>:project/<name>/version/<name>/<number>`.
fn is_project_version(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let region_name = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let name = |text: &str| {
        (1..=255).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
    };
    let parts: Vec<&str> = text.split(':').collect();
    let &["arn", partition, "rekognition", region, account, resource] = parts.as_slice() else {
        return false;
    };
    let parts: Vec<&str> = resource.split('/').collect();
    let &["project", project, "version", version, number] = parts.as_slice() else {
        return false;
    };
    region_name(partition)
        && region_name(region)
        && account.len() == 12
        && digits(account)
        && name(project)
        && name(version)
        && digits(number)
}

pub(super) fn at_most_long(max: usize) -> String {
    format!("Member must have length less than or equal to {max}")
}

pub(super) fn at_least_long(min: usize) -> String {
    format!("Member must have length greater than or equal to {min}")
}

fn like(pattern: &str) -> String {
    format!("Member must satisfy regular expression pattern: {pattern}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_filters_accept_the_range_from_apostrophe_to_underscore() {
        let matches = LABEL_FILTER.pattern.unwrap().1;
        for text in [
            "",
            "Dog",
            "Rock 'n' Roll",
            "Tools/Machinery",
            "Piñata",
            "A:B;C<D>E?F@G[H]^_",
        ] {
            assert!(matches(text), "{text}");
        }
        for text in ["Food & Beverage", "\"Dog\"", "Käse", "a\tb", "{", "~", "`"] {
            assert!(!matches(text), "{text}");
        }
    }

    #[test]
    fn human_loop_names_start_and_end_with_a_letter_or_digit() {
        let matches = HUMAN_LOOP_NAME.pattern.unwrap().1;
        for text in ["a", "0", "a-b", "a--b", "loop-2024"] {
            assert!(matches(text), "{text}");
        }
        for text in ["", "-", "-a", "a-", "A", "a_b", "ä"] {
            assert!(!matches(text), "{text}");
        }
    }

    #[test]
    fn project_versions_are_whole_arns() {
        let good = "arn:aws:rekognition:eu-west-1:123456789012:project/birds/version/v1.0_a-b/17";
        assert!(is_project_version(good));
        for (from, to) in [
            ("arn:", ""),
            ("aws", ""),
            ("aws", "AWS"),
            ("rekognition", "textract"),
            ("eu-west-1", ""),
            ("123456789012", "12345678901"),
            ("123456789012", "12345678901x"),
            ("birds", ""),
            ("birds", "b!rds"),
            ("birds", &"b".repeat(256)),
            ("/version/", "/"),
            ("/17", ""),
            ("/17", "/"),
            ("/17", "/17/"),
            ("/17", "/x"),
            ("/17", "/17:18"),
        ] {
            assert!(
                !is_project_version(&good.replace(from, to)),
                "{from} -> {to}"
            );
        }
    }
}
