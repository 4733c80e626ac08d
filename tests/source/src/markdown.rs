//! Reads what the documents refer to.

/// The addresses of the links and images outside code, such as `docs/cli.md#output`.
#[must_use]
pub fn links(text: &str) -> Vec<&str> {
    // Every other part of a line stands between backticks.
    let parts = prose(text).flat_map(|line| line.split('`').step_by(2));
    let targets = parts.flat_map(|part| part.split("](").skip(1));
    targets
        .filter_map(|target| target.split_once(')'))
        .map(|(address, _)| address)
        .collect()
}

/// The headings, as GitHub's anchors name them.
#[must_use]
pub fn anchors(text: &str) -> Vec<String> {
    prose(text)
        .filter_map(|line| line.strip_prefix('#'))
        .map(|heading| {
            let kept = heading.trim_start_matches('#').trim().chars();
            kept.filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'))
                .map(|it| {
                    if it == ' ' {
                        '-'
                    } else {
                        it.to_ascii_lowercase()
                    }
                })
                .collect()
        })
        .collect()
}

/// A test that a document names as proof.
#[derive(Debug, PartialEq, Eq)]
pub struct Proof<'t> {
    /// The test's file, from the root of the checkout.
    pub file: &'t str,
    /// The name of the test.
    pub test: &'t str,
}

/// The proofs: lines that begin with `Proof:`, with a file and its tests between backticks.
#[must_use]
pub fn proofs(text: &str) -> Vec<Proof<'_>> {
    let mut found = Vec::new();
    for line in prose(text) {
        let Some(line) = line.trim_start().strip_prefix("Proof:") else {
            continue;
        };
        let mut file = "";
        for code in line.split('`').skip(1).step_by(2) {
            if code.contains('/') && code.contains('.') {
                file = code;
            } else {
                found.push(Proof { file, test: code });
            }
        }
    }
    found
}

/// The paths of this checkout between backticks, such as `crates/cli/src/main.rs`. Patterns and what tools make, such as
/// `tests/.venv`, are left out.
#[must_use]
pub fn paths(text: &str) -> Vec<&str> {
    let code = prose(text).flat_map(|line| line.split('`').skip(1).step_by(2));
    code.filter(|code| {
        let top = code.split('/').next().unwrap_or_default();
        let is_path = code
            .chars()
            .all(|it| it.is_alphanumeric() || matches!(it, '/' | '.' | '-' | '_'));
        is_path
            && code.contains('/')
            && !code.contains("/.")
            && [
                "bench", "cdk", "crates", "docs", "examples", "frontend", "release", "tests",
            ]
            .contains(&top)
            && !["cdk/functions", "cdk/cdk.out"]
                .iter()
                .any(|made| code.starts_with(made))
    })
    .collect()
}

/// The lines outside fenced code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_images_are_found_outside_code() {
        let text = "See [one](a.md) and ![two](b.png#c), not `[three](c.md)`, but [`four`](d.md).\n\
            ```sh\n[five](e.md)\n```\n[six](f.md)";
        assert_eq!(links(text), ["a.md", "b.png#c", "d.md", "f.md"]);
    }

    #[test]
    fn anchors_are_github_s() {
        let text = "# A title\n```sh\n# a comment\n```\n## Who sees what?\n### `sightline local`\n";
        assert_eq!(
            anchors(text),
            ["a-title", "who-sees-what", "sightline-local"]
        );
    }

    #[test]
    fn a_proof_names_a_file_and_its_tests() {
        let text = "- It works.\n  Proof: `a/b.rs`: `one`, `two`; `c.test.js` has no folder; `d/e.js`: `a text`.\n";
        let pairs: Vec<_> = proofs(text).iter().map(|it| (it.file, it.test)).collect();
        assert_eq!(
            pairs,
            [
                ("a/b.rs", "one"),
                ("a/b.rs", "two"),
                ("a/b.rs", "c.test.js"),
                ("d/e.js", "a text")
            ]
        );
    }

    #[test]
    fn paths_of_the_checkout_are_found() {
        let text = "`crates/a/src/b.rs`, `tests/run`, `crates/*/src`, `uploads/x.jpg`, `tests/.venv`, `cdk/functions/arm64`, `docs`\n";
        assert_eq!(paths(text), ["crates/a/src/b.rs", "tests/run"]);
    }
}
