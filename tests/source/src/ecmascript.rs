//! Reads the ES modules of a web page.
//!
//! Counts `import … from`, `export … from`, `import '…'` and `import('…')` with a relative address. Comments, where
//! types are imported, do not count.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use crate::graph::Graph;

/// Adds the imports of all `.js` files below a folder. Paths in the graph are relative to `base`.
///
/// # Errors
/// When a file cannot be read, or imports one that does not exist.
pub fn read(graph: &mut Graph, base: &Path, folder: &Path) -> Result<()> {
    let short = |file: &Path| file.strip_prefix(base).unwrap_or(file).to_owned();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let file = entry?.path();
        if file.is_dir() {
            read(graph, base, &file)?;
        } else if file.extension().is_some_and(|it| it == "js") {
            graph.file(&short(&file));
            let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
            for address in imports(&text).into_iter().filter(|it| it.starts_with('.')) {
                let target = normal(&file.with_file_name(&address));
                ensure!(
                    target.is_file(),
                    "{} imports {address}, which does not exist",
                    file.display()
                );
                graph.import(&short(&file), &short(&target), &address);
            }
        }
    }
    Ok(())
}

/// Takes `.` and `..` out of a path.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
}

/// The addresses that a module imports.
fn imports(text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let next = |steps: usize| tokens.get(at + steps);
        let is_member = at.checked_sub(1).and_then(|it| tokens.get(it)) == Some(&Token::Mark('.'));
        let address = match token {
            Token::Word(word) if (word == "from" || word == "import") && !is_member => {
                match next(1) {
                    Some(Token::Mark('(')) if word == "import" => next(2),
                    other => other,
                }
            }
            _ => None,
        };
        if let Some(Token::Text(address)) = address {
            found.push(address.clone());
        }
    }
    found
}

/// Words, strings and marks; comments, numbers, templates' texts and regular expressions are left out.
fn tokens(text: &str) -> Vec<Token> {
    let characters: Vec<char> = text.chars().collect();
    let character = |at: usize| characters.get(at).copied();
    let mut tokens = Vec::new();
    // For each open template: how many braces are open in its current `${`.
    let mut templates: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(next) = character(at) {
        match (next, character(at + 1)) {
            ('/', Some('/')) => at = skip_to(&characters, at, "\n"),
            ('/', Some('*')) => at = skip_to(&characters, at + 2, "*/"),
            ('/', _) if begins_value(tokens.last()) => at = behind_expression(&characters, at + 1),
            ('\'' | '"', _) => {
                let end = behind_quoted(&characters, at + 1, next);
                let inside = characters
                    .get(at + 1..end.saturating_sub(1))
                    .unwrap_or_default();
                tokens.push(Token::Text(inside.iter().collect()));
                at = end;
            }
            ('`', _) => at = template(&characters, at + 1, &mut templates),
            ('}', _) if templates.last() == Some(&0) => {
                templates.pop();
                at = template(&characters, at + 1, &mut templates);
            }
            (brace @ ('{' | '}'), _) => {
                if let Some(open) = templates.last_mut() {
                    *open = if brace == '{' {
                        *open + 1
                    } else {
                        open.saturating_sub(1)
                    };
                }
                tokens.push(Token::Mark(brace));
                at += 1;
            }
            (letter, _) if is_letter(letter) => {
                let rest = characters.iter().skip(at);
                let word: String = rest.take_while(|it| is_letter(**it)).collect();
                at += word.chars().count();
                tokens.push(Token::Word(word));
            }
            (mark, _) => {
                if !mark.is_whitespace() {
                    tokens.push(Token::Mark(mark));
                }
                at += 1;
            }
        }
    }
    tokens
}

fn is_letter(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '$' || character == '#'
}

/// Whether a slash behind this token begins a regular expression.
fn begins_value(before: Option<&Token>) -> bool {
    match before {
        None => true,
        Some(Token::Mark(mark)) => !matches!(mark, ')' | ']' | '}'),
        Some(Token::Word(word)) => {
            ["return", "typeof", "case", "in", "of", "await", "yield"].contains(&word.as_str())
        }
        Some(Token::Text(_)) => false,
    }
}

/// The place behind the next `end`.
fn skip_to(characters: &[char], from: usize, end: &str) -> usize {
    let end: Vec<char> = end.chars().collect();
    let rest = characters.get(from..).unwrap_or_default();
    let place = rest.windows(end.len()).position(|it| it == end);
    place.map_or(characters.len(), |place| from + place + end.len())
}

/// The place behind the closing quote.
fn behind_quoted(characters: &[char], mut at: usize, quote: char) -> usize {
    while let Some(next) = characters.get(at) {
        at += if *next == '\\' { 2 } else { 1 };
        if *next == quote {
            break;
        }
    }
    at.min(characters.len())
}

/// The place behind a regular expression.
fn behind_expression(characters: &[char], mut at: usize) -> usize {
    let mut in_class = false;
    while let Some(next) = characters.get(at) {
        at += if *next == '\\' { 2 } else { 1 };
        match next {
            '[' => in_class = true,
            ']' => in_class = false,
            '/' if !in_class => break,
            '\n' => break,
            _ => {}
        }
    }
    at
}

/// The place behind a template's text: behind its end, or behind `${`.
fn template(characters: &[char], mut at: usize, templates: &mut Vec<usize>) -> usize {
    while let Some(next) = characters.get(at) {
        match (next, characters.get(at + 1)) {
            ('\\', _) => at += 2,
            ('`', _) => return at + 1,
            ('$', Some('{')) => {
                templates.push(0);
                return at + 2;
            }
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_import_counts() {
        let text = "import a, { b as c } from './a.js';\n\
            import {\n  d,\n} from \"../b.js\";\n\
            import './c.js';\n\
            export { e } from './d.js';\n\
            const f = await import('./e.js');\n";
        assert_eq!(
            imports(text),
            ["./a.js", "../b.js", "./c.js", "./d.js", "./e.js"]
        );
    }

    #[test]
    fn comments_strings_templates_and_expressions_do_not_count() {
        let text = "/** @typedef {import('./types.js').T} T */\n\
            // import './line.js'\n\
            const a = \"import './text.js'\", types = 'image/*';\n\
            const b = `import './template.js' ${c ? `from './inner.js'` : {d: 1}} from './rest.js'`;\n\
            const e = /[/'\"]import '/.test(f) ? g / 2 : h;\n\
            Array.from('./i.js'); meta.import('./j.js');\n\
            import './real.js';\n";
        assert_eq!(imports(text), ["./real.js"]);
    }

    #[test]
    fn modules_of_other_folders_are_found_and_missing_ones_reported() {
        let folder = tempfile::tempdir().unwrap();
        let js = folder.path().join("js");
        fs::create_dir_all(js.join("gallery")).unwrap();
        fs::write(js.join("main.js"), "import { a } from './gallery/a.js';").unwrap();
        fs::write(
            js.join("gallery/a.js"),
            "import '../main.js'; import 'node:fs';",
        )
        .unwrap();
        let mut graph = Graph::default();
        read(&mut graph, folder.path(), &js).unwrap();
        let [circle] = &graph.circles()[..] else {
            panic!("not one circle")
        };
        assert_eq!(
            circle.files,
            ["js/gallery/a.js", "js/main.js"].map(PathBuf::from)
        );

        fs::write(js.join("main.js"), "import './gone.js';").unwrap();
        let error = read(&mut Graph::default(), folder.path(), &js).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("./gone.js, which does not exist"),
            "{error}"
        );
    }
}
