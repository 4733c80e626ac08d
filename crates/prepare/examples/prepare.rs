//! Prepares a picture: prints what Rekognition would get, and writes the thumbnail and the converted picture.
//!
//! ```text
//! cargo run --example prepare -- PICTURE [THUMBNAIL.jpg] [CONVERTED.jpg]
//! ```

use std::{env, fs, process::ExitCode};

use sightline_prepare::{Limits, prepare};

fn main() -> ExitCode {
    let files: Vec<_> = env::args_os().skip(1).collect();
    let Some(file) = files.first() else {
        eprintln!("usage: prepare PICTURE [THUMBNAIL.jpg] [CONVERTED.jpg]");
        return ExitCode::FAILURE;
    };
    let outcome = fs::read(file)
        .map_err(|error| error.to_string())
        .and_then(|bytes| prepare(&bytes, &Limits::default()).map_err(|error| error.to_string()));
    let prepared = match outcome {
        Ok(prepared) => prepared,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    eprintln!("{prepared:?}");
    let outputs = [
        prepared.thumbnail.ok(),
        prepared.converted.map(|converted| converted.jpeg),
    ];
    for (file, picture) in files.iter().skip(1).zip(outputs) {
        if let Some(Err(error)) = picture.map(|picture| fs::write(file, picture.bytes)) {
            eprintln!("{}: {error}", file.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
