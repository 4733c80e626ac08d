//! upload-api
fn main() {}
