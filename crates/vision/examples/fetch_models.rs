//! Installs models into a folder, as `sightline models fetch` does.
//!
//! ```text
//! cargo run -p sightline-vision --example fetch_models -- FOLDER [NAME...]
//! ```

use std::error::Error;
use std::time::Instant;

use sightline_vision::models::{ModelName, ModelStore, fetch_missing};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments
        .next()
        .ok_or("usage: fetch_models FOLDER [NAME...]")?;
    let names = arguments
        .map(|name| ModelName::parse(&name).ok_or(format!("{name} is no model")))
        .collect::<Result<Vec<_>, _>>()?;
    let names = if names.is_empty() {
        ModelName::ALL.to_vec()
    } else {
        names
    };
    let store = ModelStore::open(folder);
    let start = Instant::now();
    fetch_missing(&store, &names, &|name, step| {
        let step = format!("{step:?}");
        let step = step.split(['(', ' ']).next().unwrap_or_default();
        eprintln!("{:7.2} s  {name}: {step}", start.elapsed().as_secs_f32());
    })?;
    for name in names {
        let start = Instant::now();
        let found = store.find(name).ok_or(format!("{name} is not installed"))?;
        let found_after = start.elapsed();
        store.verify(name)?;
        eprintln!(
            "{name}: {} bytes, found in {found_after:.1?}, verified in {:.1?}",
            found.bytes(),
            start.elapsed()
        );
    }
    Ok(())
}
