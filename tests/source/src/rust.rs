//! Reads the modules of a Rust crate.
//!
//! Files are read as tokens, not as a syntax tree, so that paths inside macro calls and attributes count too. An import
//! is a `use` declaration or a path such as `crate::keys::parse`, wherever it stands. It counts toward the file that
//! defines the name: re-exports are followed. These are no imports:
//!
//! - `mod child;` alone;
//! - `pub use child::Name` in a file that does not use `Name` itself: the file only passes it on;
//! - code that is compiled for tests alone, `#[cfg(test)]`.
//!
//! A method call shows no path, so it is not seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    str::FromStr as _,
};

use anyhow::{Context as _, Result, anyhow};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::graph::Graph;

/// Adds the imports of the crate with this root file, such as `src/lib.rs`. Paths in the graph are relative to `base`.
///
/// # Errors
/// When a file cannot be read or is no Rust.
pub fn read(graph: &mut Graph, base: &Path, root: &Path) -> Result<()> {
    let mut modules = Modules::default();
    let folder = root.parent().context("the root file has no folder")?;
    modules.load(None, root.to_owned(), folder)?;
    modules.add_to(graph, base);
    Ok(())
}

type Id = usize;

/// A path without generics: `["crate", "keys", "parse"]`.
type Segments = Vec<String>;

/// A name that a `use` declaration brings into a module.
#[derive(Debug)]
struct Use {
    path: Segments,
    /// The name in this module; none for `*`.
    name: Option<String>,
    public: bool,
}

#[derive(Debug, Default)]
struct Module {
    file: PathBuf,
    parent: Option<Id>,
    children: BTreeMap<String, Id>,
    uses: Vec<Use>,
    /// The names defined here.
    items: BTreeSet<String>,
    /// The paths outside `use` declarations.
    paths: BTreeSet<Segments>,
    /// The single names outside `use` declarations.
    words: BTreeSet<String>,
}

impl Module {
    /// Whether code of this module says the name.
    fn says(&self, name: &str) -> bool {
        self.words.contains(name)
            || self
                .paths
                .iter()
                .any(|path| path.first().is_some_and(|it| it == name))
    }
}

/// Where a name leads.
#[derive(Debug, Clone, Copy)]
enum Target {
    Module(Id),
    /// Something defined in this module.
    Item(Id),
}

impl Target {
    fn module(self) -> Id {
        match self {
            Self::Module(id) | Self::Item(id) => id,
        }
    }
}

/// Look-ups on the way, so that names that lead to each other end.
type Seen = BTreeSet<(Id, String, bool)>;

/// The modules of one crate; the first is its root. An [`Id`] is an index into them.
#[derive(Debug, Default)]
struct Modules(Vec<Module>);

#[expect(clippy::indexing_slicing, reason = "`add` alone makes ids")]
impl Modules {
    fn add(&mut self, parent: Option<Id>, file: PathBuf) -> Id {
        self.0.push(Module {
            file,
            parent,
            ..Module::default()
        });
        self.0.len() - 1
    }

    /// Reads a file and its child modules, whose files are in `folder`.
    fn load(&mut self, parent: Option<Id>, file: PathBuf, folder: &Path) -> Result<Id> {
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let tokens =
            TokenStream::from_str(&text).map_err(|error| anyhow!("{}: {error}", file.display()))?;
        let id = self.add(parent, file);
        self.scan(id, folder, &trees(tokens), true)?;
        Ok(id)
    }

    /// Reads tokens of a module: at its `top`, or in a group inside.
    fn scan(&mut self, id: Id, folder: &Path, tokens: &[TokenTree], top: bool) -> Result<()> {
        let mut at = 0;
        let mut file = None;
        let mut public = false;
        while let Some(token) = tokens.get(at) {
            if let Some((group, end)) = attribute(tokens, at) {
                let inside = trees(group.stream());
                at = end;
                if only_for_tests(&inside) {
                    at = behind_item(tokens, at);
                } else if inside.first().is_some_and(|it| is_word(it, "path")) {
                    file = inside
                        .last()
                        .map(|it| it.to_string().trim_matches('"').to_owned());
                } else if !inside.first().is_some_and(|it| is_word(it, "doc")) {
                    self.scan(id, folder, &with_strings_read(inside), false)?;
                }
                continue;
            }
            match token {
                TokenTree::Ident(_) if is_word(token, "pub") => {
                    public = true;
                    at += 1;
                    if tokens
                        .get(at)
                        .is_some_and(|it| is_group(it, Delimiter::Parenthesis))
                    {
                        at += 1;
                    }
                    continue;
                }
                TokenTree::Ident(_)
                    if is_word(token, "use")
                        && !tokens.get(at + 1).is_some_and(|it| is_punct(it, '<')) =>
                {
                    let end = position(tokens, at, ';');
                    let mut found = Vec::new();
                    use_tree(&tokens[at + 1..end], &[], &mut found);
                    let uses = found
                        .into_iter()
                        .map(|(path, name)| Use { path, name, public });
                    self.0[id].uses.extend(uses);
                    at = end;
                }
                TokenTree::Ident(_) if is_word(token, "mod") => {
                    at = self.child(id, folder, tokens, at + 1, file.as_deref())?;
                }
                TokenTree::Ident(_) => {
                    if top && let Some(name) = defined(tokens, at) {
                        self.0[id].items.insert(name);
                    }
                    let (path, end) = path(tokens, at);
                    let module = &mut self.0[id];
                    if path.len() > 1 {
                        module.paths.insert(path);
                    } else if !is_member(tokens, at) {
                        module.words.extend(path);
                    }
                    at = end;
                }
                TokenTree::Group(group) => {
                    self.scan(id, folder, &trees(group.stream()), false)?;
                    at += 1;
                }
                _ => at += 1,
            }
            file = None;
            public = false;
        }
        Ok(())
    }

    /// Reads the module declared behind the word `mod`; answers where its declaration ends.
    fn child(
        &mut self,
        id: Id,
        folder: &Path,
        tokens: &[TokenTree],
        at: usize,
        file: Option<&str>,
    ) -> Result<usize> {
        let (Some(TokenTree::Ident(name)), Some(body)) = (tokens.get(at), tokens.get(at + 1))
        else {
            return Ok(at);
        };
        let name = plain(&name.to_string());
        let inner = folder.join(&name);
        let child = match body {
            TokenTree::Group(group) => {
                let child = self.add(Some(id), self.0[id].file.clone());
                self.scan(child, &inner, &trees(group.stream()), true)?;
                child
            }
            _ => {
                let beside = folder.join(format!("{name}.rs"));
                let (file, inner) = match file {
                    Some(file) => {
                        let file = self.0[id].file.with_file_name(file);
                        let inner = file.parent().unwrap_or(folder).to_owned();
                        (file, inner)
                    }
                    None if beside.is_file() => (beside, inner),
                    None => (inner.join("mod.rs"), inner),
                };
                self.load(Some(id), file, &inner)?
            }
        };
        self.0[id].children.insert(name, child);
        Ok(at + 2)
    }

    fn add_to(&self, graph: &mut Graph, base: &Path) {
        let file = |id: Id| {
            let file = self.0[id].file.as_path();
            file.strip_prefix(base).unwrap_or(file)
        };
        for (id, module) in self.0.iter().enumerate() {
            graph.file(file(id));
            for Use { path, name, public } in &module.uses {
                let Some(target) = self.resolve(id, path, &mut Seen::new()) else {
                    continue;
                };
                match name {
                    Some(name) => {
                        let passed_on =
                            *public && self.is_inside(target.module(), id) && !module.says(name);
                        if !passed_on {
                            graph.import(
                                file(id),
                                file(target.module()),
                                path.last().unwrap_or(name),
                            );
                        }
                    }
                    None => self.add_glob(graph, id, target, &file),
                }
            }
            for path in &module.paths {
                if let Some(target) = self.resolve(id, path, &mut Seen::new()) {
                    // The last segment that leads to this file; what follows belongs to the item.
                    let leads_there = |end: &usize| {
                        let begin = path.get(..*end).unwrap_or_default();
                        let found = self.resolve(id, begin, &mut Seen::new());
                        found.is_some_and(|it| {
                            it.module() == target.module() && matches!(it, Target::Item(_))
                        })
                    };
                    let end = (1..path.len()).find(leads_there).unwrap_or(path.len());
                    let name = path.get(end - 1).map_or("", String::as_str);
                    graph.import(file(id), file(target.module()), name);
                }
            }
        }
    }

    /// `use target::*` imports the names that the module says and does not know from elsewhere.
    fn add_glob<'m>(
        &self,
        graph: &mut Graph,
        id: Id,
        target: Target,
        file: &impl Fn(Id) -> &'m Path,
    ) {
        let Target::Module(from) = target else {
            graph.import(file(id), file(target.module()), "*");
            return;
        };
        let module = &self.0[id];
        let first = module.paths.iter().filter_map(|path| path.first());
        for name in module.words.iter().chain(first) {
            let known = module.items.contains(name)
                || module.children.contains_key(name)
                || module.uses.iter().any(|it| it.name.as_ref() == Some(name));
            if known {
                continue;
            }
            if let Some(target) = self.lookup(from, name, true, &mut Seen::new()) {
                graph.import(file(id), file(target.module()), name);
            }
        }
    }

    /// Whether `id` is `outer` or lies inside it.
    fn is_inside(&self, id: Id, outer: Id) -> bool {
        std::iter::successors(Some(id), |id| self.0[*id].parent).any(|it| it == outer)
    }

    /// Where a path leads; none when it leaves the crate.
    fn resolve(&self, from: Id, path: &[String], seen: &mut Seen) -> Option<Target> {
        let (first, mut rest) = path.split_first()?;
        let mut target = match first.as_str() {
            "crate" => Target::Module(0),
            "self" => Target::Module(from),
            "super" => Target::Module(self.0[from].parent?),
            name => self.lookup(from, name, rest.is_empty(), seen)?,
        };
        while let (Target::Module(id), Some((name, after))) = (target, rest.split_first()) {
            target = if name == "super" {
                Target::Module(self.0[id].parent?)
            } else {
                let found = self.lookup(id, name, after.is_empty(), seen);
                // What is not found comes from a macro of that module.
                found.unwrap_or(Target::Item(id))
            };
            rest = after;
        }
        Some(target)
    }

    /// Where a module's name leads. A name before `::` is a module, where there is one of that name.
    fn lookup(&self, id: Id, name: &str, last: bool, seen: &mut Seen) -> Option<Target> {
        if !seen.insert((id, name.to_owned(), last)) {
            return None;
        }
        let module = &self.0[id];
        let child = module
            .children
            .get(name)
            .map(|child| Target::Module(*child));
        if let (Some(child), false) = (child, last) {
            return Some(child);
        }
        if let Some(bound) = module
            .uses
            .iter()
            .find(|it| it.name.as_deref() == Some(name))
        {
            let target = self.resolve(id, &bound.path, seen);
            // A re-export from another crate is this module's own.
            return target
                .or_else(|| (bound.public && child.is_none()).then_some(Target::Item(id)))
                .or(child);
        }
        if module.items.contains(name) {
            return Some(Target::Item(id));
        }
        child.or_else(|| {
            let globs = module.uses.iter().filter(|it| it.name.is_none());
            globs
                .filter_map(|glob| self.resolve(id, &glob.path, seen).map(Target::module))
                .collect::<Vec<_>>()
                .into_iter()
                .find_map(|from| self.lookup(from, name, last, seen))
        })
    }
}

fn trees(tokens: TokenStream) -> Vec<TokenTree> {
    tokens.into_iter().collect()
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(it) if it == word)
}

fn is_punct(token: &TokenTree, punct: char) -> bool {
    matches!(token, TokenTree::Punct(it) if it.as_char() == punct)
}

fn is_group(token: &TokenTree, delimiter: Delimiter) -> bool {
    matches!(token, TokenTree::Group(it) if it.delimiter() == delimiter)
}

/// A name without the `r#` of raw identifiers.
fn plain(name: &str) -> String {
    name.trim_start_matches("r#").to_owned()
}

/// The place of the next such mark, or the end.
fn position(tokens: &[TokenTree], at: usize, mark: char) -> usize {
    let place = tokens.iter().skip(at).position(|it| is_punct(it, mark));
    place.map_or(tokens.len(), |place| at + place)
}

/// The attribute at this place, and where it ends.
fn attribute(tokens: &[TokenTree], at: usize) -> Option<(&Group, usize)> {
    if !is_punct(tokens.get(at)?, '#') {
        return None;
    }
    let at = if is_punct(tokens.get(at + 1)?, '!') {
        at + 2
    } else {
        at + 1
    };
    match tokens.get(at)? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => Some((group, at + 1)),
        _ => None,
    }
}

/// `cfg(test)`, also as `cfg(all(test, …))`.
fn only_for_tests(attribute: &[TokenTree]) -> bool {
    let [name, TokenTree::Group(group)] = attribute else {
        return false;
    };
    let inside = trees(group.stream());
    match &inside[..] {
        [only] => is_word(name, "cfg") && is_word(only, "test"),
        [all, TokenTree::Group(group)] => {
            is_word(name, "cfg")
                && is_word(all, "all")
                && trees(group.stream())
                    .first()
                    .is_some_and(|it| is_word(it, "test"))
        }
        _ => false,
    }
}

/// Strings in attributes that hold paths, such as `with = "crate::json"`, as the tokens in them.
fn with_strings_read(tokens: Vec<TokenTree>) -> Vec<TokenTree> {
    let read = |token: TokenTree| match &token {
        TokenTree::Group(group) => {
            let inside = with_strings_read(trees(group.stream()))
                .into_iter()
                .collect();
            Group::new(group.delimiter(), inside).into()
        }
        TokenTree::Literal(literal) if literal.to_string().contains("::") => {
            let inside =
                TokenStream::from_str(literal.to_string().trim_matches('"')).unwrap_or_default();
            Group::new(Delimiter::None, inside).into()
        }
        _ => token,
    };
    tokens.into_iter().map(read).collect()
}

/// Where the item, statement, field or match arm at this place ends.
fn behind_item(tokens: &[TokenTree], mut at: usize) -> usize {
    while let Some((_, end)) = attribute(tokens, at) {
        at = end;
    }
    if tokens.get(at).is_some_and(|it| is_word(it, "pub")) {
        at += 1;
    }
    if tokens
        .get(at)
        .is_some_and(|it| is_group(it, Delimiter::Parenthesis))
    {
        at += 1;
    }
    let ends_at_semicolon = ["use", "const", "static", "type", "let"];
    let is_constant = ends_at_semicolon.iter().any(|word| {
        tokens.get(at).is_some_and(|it| is_word(it, word))
            && !tokens.get(at + 1).is_some_and(|it| is_word(it, "fn"))
    });
    let is_field = tokens.get(at + 1).is_some_and(|it| is_punct(it, ':'));
    while let Some(token) = tokens.get(at) {
        at += 1;
        let ends = is_punct(token, ';')
            || (is_field && is_punct(token, ','))
            || (!is_constant && !is_field && is_group(token, Delimiter::Brace));
        if ends {
            break;
        }
    }
    at
}

/// The name that the keyword at this place defines.
fn defined(tokens: &[TokenTree], at: usize) -> Option<String> {
    let keywords = [
        "fn",
        "struct",
        "enum",
        "union",
        "trait",
        "const",
        "static",
        "type",
        "macro_rules",
    ];
    keywords
        .iter()
        .find(|word| tokens.get(at).is_some_and(|it| is_word(it, word)))?;
    let skipped = |token: &&TokenTree| is_punct(token, '!') || is_word(token, "mut");
    match tokens.iter().skip(at + 1).find(|it| !skipped(it))? {
        TokenTree::Ident(name) if name != "fn" => Some(plain(&name.to_string())),
        _ => None,
    }
}

/// The path that begins at this place, and where it ends.
fn path(tokens: &[TokenTree], mut at: usize) -> (Segments, usize) {
    let mut path = Vec::new();
    while let Some(TokenTree::Ident(name)) = tokens.get(at) {
        path.push(plain(&name.to_string()));
        at += 1;
        let colons = tokens.get(at).zip(tokens.get(at + 1));
        let goes_on = colons.is_some_and(|(a, b)| is_punct(a, ':') && is_punct(b, ':'))
            && matches!(tokens.get(at + 2), Some(TokenTree::Ident(_)));
        if !goes_on {
            break;
        }
        at += 2;
    }
    (path, at)
}

/// Whether the name at this place belongs to what stands before it: `value.name`, `<T>::name`.
fn is_member(tokens: &[TokenTree], at: usize) -> bool {
    let before = |steps: usize, mark| {
        let place = at.checked_sub(steps);
        place
            .and_then(|it| tokens.get(it))
            .is_some_and(|it| is_punct(it, mark))
    };
    (before(1, '.') && !before(2, '.')) || (before(1, ':') && before(2, ':'))
}

/// The paths and names of a `use` declaration, or of a part of one.
fn use_tree(tokens: &[TokenTree], prefix: &[String], found: &mut Vec<(Segments, Option<String>)>) {
    let mut path = prefix.to_vec();
    let mut alias = None;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Ident(_) if is_word(token, "as") => {
                alias = tokens.get(at).map(|name| plain(&name.to_string()));
                break;
            }
            TokenTree::Ident(name) => path.push(plain(&name.to_string())),
            TokenTree::Group(group) => {
                let inside = trees(group.stream());
                for part in inside.split(|it| is_punct(it, ',')) {
                    use_tree(part, &path, found);
                }
                return;
            }
            TokenTree::Punct(_) if is_punct(token, '*') => {
                found.push((path, None));
                return;
            }
            // `::name` leaves the crate.
            TokenTree::Punct(_) if path.is_empty() => return,
            _ => {}
        }
    }
    if path.len() > 1 && path.last().is_some_and(|it| it == "self") {
        path.pop();
    }
    if path.len() > prefix.len() || !tokens.is_empty() {
        let name = alias.or_else(|| path.last().cloned());
        found.push((path, name));
    }
}
