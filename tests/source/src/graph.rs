//! Files that import each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

/// Which file imports what from which other file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Graph {
    imports: BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>,
}

impl Graph {
    /// Notes that a file exists.
    pub fn file(&mut self, file: &Path) {
        self.imports.entry(file.to_owned()).or_default();
    }

    /// Notes that `from` imports `name` from `to`. A file's use of itself is ignored.
    pub fn import(&mut self, from: &Path, to: &Path, name: &str) {
        if from != to {
            let targets = self.imports.entry(from.to_owned()).or_default();
            let names = targets.entry(to.to_owned()).or_default();
            names.insert(name.to_owned());
        }
    }

    /// All files.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.imports.keys().map(PathBuf::as_path)
    }

    /// The names that `from` imports from `to`.
    #[must_use]
    pub fn names(&self, from: &Path, to: &Path) -> Vec<&str> {
        let names = self.imports.get(from).and_then(|targets| targets.get(to));
        names.into_iter().flatten().map(String::as_str).collect()
    }

    /// The circles: the largest sets of files in which every file reaches every other.
    #[must_use]
    pub fn circles(&self) -> Vec<Circle> {
        let reachable: BTreeMap<&Path, BTreeSet<&Path>> = self
            .imports
            .keys()
            .map(|file| (file.as_path(), self.reachable(file)))
            .collect();
        let reaches =
            |from: &Path, to: &Path| reachable.get(from).is_some_and(|it| it.contains(to));
        let mut done = BTreeSet::new();
        let mut circles = Vec::new();
        for file in self.imports.keys().map(PathBuf::as_path) {
            if done.contains(file) || !reaches(file, file) {
                continue;
            }
            let files: BTreeSet<&Path> = reachable
                .keys()
                .copied()
                .filter(|other| reaches(file, other) && reaches(other, file))
                .collect();
            done.extend(files.iter().copied());
            circles.push(self.circle(&files));
        }
        circles
    }

    fn reachable<'g>(&'g self, file: &'g Path) -> BTreeSet<&'g Path> {
        let mut found = BTreeSet::new();
        let mut open = vec![file];
        while let Some(next) = open.pop() {
            let targets = self.imports.get(next).into_iter().flat_map(BTreeMap::keys);
            open.extend(
                targets
                    .map(PathBuf::as_path)
                    .filter(|target| found.insert(*target)),
            );
        }
        found
    }

    fn circle(&self, files: &BTreeSet<&Path>) -> Circle {
        let imports = self
            .imports
            .iter()
            .flat_map(|(from, targets)| targets.iter().map(move |(to, names)| (from, to, names)));
        let inside = imports
            .filter(|(from, to, _)| files.contains(from.as_path()) && files.contains(to.as_path()))
            .map(|(from, to, names)| Import {
                from: from.clone(),
                to: to.clone(),
                names: names.iter().cloned().collect(),
            });
        Circle {
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            imports: inside.collect(),
        }
    }
}

/// Files that need each other.
#[derive(Debug, PartialEq, Eq)]
pub struct Circle {
    /// The files, in alphabetical order.
    pub files: Vec<PathBuf>,
    /// The imports among them.
    pub imports: Vec<Import>,
}

/// What one file imports from another.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    /// The importing file.
    pub from: PathBuf,
    /// The file that defines the names.
    pub to: PathBuf,
    /// The imported names, in alphabetical order.
    pub names: Vec<String>,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} files import each other:", self.files.len())?;
        for Import { from, to, names } in &self.imports {
            writeln!(
                f,
                "  {} -> {}: {}",
                from.display(),
                to.display(),
                names.join(", ")
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(imports: &[(&str, &str, &str)]) -> Graph {
        let mut graph = Graph::default();
        for (from, to, name) in imports {
            graph.import(Path::new(from), Path::new(to), name);
        }
        graph
    }

    #[test]
    fn a_tree_has_no_circle() {
        let graph = graph(&[
            ("a", "b", "x"),
            ("a", "c", "y"),
            ("b", "d", "z"),
            ("c", "d", "z"),
        ]);
        assert_eq!(graph.circles(), []);
    }

    #[test]
    fn a_file_may_use_itself() {
        assert_eq!(graph(&[("a", "a", "x")]).circles(), []);
    }

    #[test]
    fn two_circles_stay_apart_although_one_uses_the_other() {
        let graph = graph(&[
            ("a", "b", "x"),
            ("b", "a", "y"),
            ("b", "c", "z"),
            ("c", "d", "v"),
            ("d", "c", "w"),
        ]);
        let circles = graph.circles();
        let files: Vec<_> = circles.iter().map(|circle| circle.files.clone()).collect();
        assert_eq!(
            files,
            [["a", "b"].map(PathBuf::from), ["c", "d"].map(PathBuf::from)]
        );
        assert_eq!(
            circles[0].to_string(),
            "2 files import each other:\n  a -> b: x\n  b -> a: y\n"
        );
    }

    #[test]
    fn a_circle_of_three_names_only_its_own_imports() {
        let graph = graph(&[
            ("a", "b", "x"),
            ("b", "c", "y"),
            ("c", "a", "z"),
            ("c", "d", "w"),
        ]);
        let [circle] = &graph.circles()[..] else {
            panic!("not one circle")
        };
        assert_eq!(circle.files, ["a", "b", "c"].map(PathBuf::from));
        assert_eq!(circle.imports.len(), 3);
    }
}
