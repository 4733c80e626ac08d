//! The reader of Rust modules, on small crates made for it.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{fs, path::Path};

use sightline_source_checks::{Graph, rust};

/// The imports of a crate of these files, whose root is `lib.rs`.
fn graph(files: &[(&str, &str)]) -> Graph {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let mut graph = Graph::default();
    rust::read(&mut graph, folder.path(), &folder.path().join("lib.rs")).unwrap();
    graph
}

fn names<'g>(graph: &'g Graph, from: &str, to: &str) -> Vec<&'g str> {
    graph.names(Path::new(from), Path::new(to))
}

/// How many files are in each circle.
fn circles(files: &[(&str, &str)]) -> Vec<usize> {
    graph(files)
        .circles()
        .iter()
        .map(|circle| circle.files.len())
        .collect()
}

#[test]
fn two_modules_that_use_each_other_are_a_circle() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "use crate::a::A; pub struct B(Option<Box<A>>);"),
    ];
    assert_eq!(circles(&files), [2]);
}

#[test]
fn declaring_a_child_is_no_import() {
    let files = [
        ("lib.rs", "pub mod a; pub struct Root;"),
        (
            "a/mod.rs",
            "use super::Root; mod inner; pub struct A(Root);",
        ),
        ("a/inner.rs", "use super::A; use crate::Root;"),
    ];
    let graph = graph(&files);
    assert_eq!(names(&graph, "a/inner.rs", "a/mod.rs"), ["A"]);
    assert_eq!(names(&graph, "a/inner.rs", "lib.rs"), ["Root"]);
    assert_eq!(graph.circles(), []);
}

#[test]
fn a_parent_and_a_child_that_use_each_other_are_a_circle() {
    let files = [
        (
            "lib.rs",
            "mod a; pub struct Root; pub fn go() { a::run(); }",
        ),
        ("a.rs", "use super::Root; pub fn run() -> Root { Root }"),
    ];
    assert_eq!(circles(&files), [2]);
}

#[test]
fn a_name_that_is_passed_on_counts_toward_the_file_that_defines_it() {
    let files = [
        ("lib.rs", "mod a; mod b; pub use a::A;"),
        ("a/mod.rs", "mod deep; pub use self::deep::{Deep as A, *};"),
        ("a/deep.rs", "pub struct Deep; pub fn other() {}"),
        ("b.rs", "use crate::{A, a::other};"),
    ];
    let graph = graph(&files);
    assert_eq!(names(&graph, "b.rs", "a/deep.rs"), ["A", "other"]);
    for (from, to) in [
        ("b.rs", "lib.rs"),
        ("b.rs", "a/mod.rs"),
        ("a/mod.rs", "a/deep.rs"),
        ("lib.rs", "a/deep.rs"),
    ] {
        assert_eq!(names(&graph, from, to), [""; 0], "{from} {to}");
    }
}

#[test]
fn passing_on_a_name_and_using_it_is_an_import() {
    let files = [
        (
            "lib.rs",
            "mod a; pub use a::A; pub struct Root; pub fn make() -> A { A }",
        ),
        ("a.rs", "pub struct A; impl From<crate::Root> for A {}"),
    ];
    assert_eq!(circles(&files), [2]);
}

#[test]
fn nested_groups_renames_and_self_are_read() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        (
            "a.rs",
            "pub mod x { pub struct X; } pub fn y() {} pub struct Z;",
        ),
        ("b.rs", "pub fn b() {}"),
        (
            "c.rs",
            "use crate::{a::{self, x::{X, self as xs}, y as why}, b::b as bee};",
        ),
    ];
    let graph = graph(&files);
    assert_eq!(names(&graph, "c.rs", "a.rs"), ["X", "a", "x", "y"]);
    assert_eq!(names(&graph, "c.rs", "b.rs"), ["b"]);
}

#[test]
fn paths_count_in_bodies_macros_and_attributes() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c { pub mod d; }"),
        (
            "a.rs",
            "pub fn one() {} pub fn two() {} pub mod json {} pub struct T;",
        ),
        (
            "b.rs",
            "#[serde(with = \"crate::a::json\")] struct S; \
             fn f() { use super::a::two; assert_eq!(crate::a::one(), <crate::a::T>::new()); }",
        ),
        ("c/d.rs", "use std::fmt; fn g() { super::super::b::f() }"),
    ];
    let graph = graph(&files);
    assert_eq!(names(&graph, "b.rs", "a.rs"), ["T", "json", "one", "two"]);
    assert_eq!(names(&graph, "c/d.rs", "b.rs"), ["f"]);
}

#[test]
fn a_path_through_an_imported_module_counts_toward_its_file() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "pub mod deep;"),
        ("a/deep.rs", "pub fn run() {}"),
        ("b.rs", "use crate::a; fn f() { a::deep::run() }"),
    ];
    assert_eq!(names(&graph(&files), "b.rs", "a/deep.rs"), ["run"]);
}

#[test]
fn a_star_imports_what_the_file_says() {
    let files = [
        ("lib.rs", "mod a; mod b; pub struct Root;"),
        (
            "a.rs",
            "use super::*; use super::b::*; fn f(_: Root) { helper() }",
        ),
        ("b.rs", "pub fn helper() {} pub fn f() {}"),
    ];
    let graph = graph(&files);
    assert_eq!(names(&graph, "a.rs", "lib.rs"), ["Root"]);
    assert_eq!(names(&graph, "a.rs", "b.rs"), ["helper"]);
}

#[test]
fn code_for_tests_alone_is_left_out() {
    let files = [
        (
            "lib.rs",
            "mod a; pub struct Root; #[cfg(test)] mod missing; #[cfg(all(test, unix))] mod also_missing; \
             #[cfg(test)] use a::A; #[cfg(test)] const fn f() -> A { a::new() } \
             #[cfg(test)] const B: A = { a::new() }; #[cfg(not(test))] fn g() {}",
        ),
        (
            "a.rs",
            "use crate::Root; pub struct A(Root, #[cfg(test)] crate::g::G);",
        ),
    ];
    assert_eq!(circles(&files), []);
}

#[test]
fn other_crates_do_not_count() {
    let files = [
        (
            "lib.rs",
            "mod http; mod a; use ::a::Other; use serde::{de, Serialize};",
        ),
        ("http.rs", "pub struct Client;"),
        ("a.rs", "use http::Method; pub use bytes::Bytes;"),
    ];
    let graph = graph(&files);
    assert_eq!(names(&graph, "a.rs", "http.rs"), [""; 0]);
    assert_eq!(names(&graph, "lib.rs", "a.rs"), [""; 0]);
}

#[test]
fn a_module_and_a_function_of_one_name_are_kept_apart() {
    let files = [
        ("lib.rs", "mod a; mod b; pub use a::a;"),
        ("a.rs", "pub fn a() {}"),
        ("b.rs", "use crate::a; use crate::a::a as also;"),
    ];
    assert_eq!(names(&graph(&files), "b.rs", "a.rs"), ["a"]);
}

#[test]
fn a_module_may_name_its_file() {
    let files = [
        ("lib.rs", "#[path = \"other/file.rs\"] mod a; mod b;"),
        ("other/file.rs", "pub fn run() {}"),
        ("b.rs", "use crate::a::run;"),
    ];
    assert_eq!(names(&graph(&files), "b.rs", "other/file.rs"), ["run"]);
}
