//! The pages are compiled in; a change to any of them is a reason to compile again.

fn main() {
    println!("cargo::rerun-if-changed=../../frontend");
}
