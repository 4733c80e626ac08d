//! Prepares a picture: prints what Rekognition would get, and writes the thumbnail, the converted picture and the preview. The
//! environment variables `THUMBNAIL_PX` and `PREVIEW_PX` are those of the functions.
//!
//! ```text
//! cargo run --example prepare -- PICTURE [THUMBNAIL.jpg] [CONVERTED.jpg] [PREVIEW.jpg]
//! ```

use std::{env, fs, process::ExitCode};

use sightline_prepare::{Limits, Renditions, prepare};

fn main() -> ExitCode {
    let files: Vec<_> = env::args_os().skip(1).collect();
    let Some(file) = files.first() else {
        eprintln!("usage: prepare PICTURE [THUMBNAIL.jpg] [CONVERTED.jpg] [PREVIEW.jpg]");
        return ExitCode::FAILURE;
    };
    let px =
        |variable, default| env::var(variable).map_or(Ok(default), |value| value.parse::<u32>());
    let default = Limits::default();
    let (Ok(thumbnail_px), Ok(preview_px)) = (
        px("THUMBNAIL_PX", default.thumbnail_px),
        px("PREVIEW_PX", default.preview_px),
    ) else {
        eprintln!("THUMBNAIL_PX and PREVIEW_PX take a number of pixels");
        return ExitCode::FAILURE;
    };
    let limits = Limits {
        thumbnail_px,
        preview_px,
        ..default
    };
    let outcome = fs::read(file)
        .map_err(|error| error.to_string())
        .and_then(|bytes| prepare(&bytes, &limits).map_err(|error| error.to_string()));
    let prepared = match outcome {
        Ok(prepared) => prepared,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    eprintln!("{prepared:?}");
    let Renditions { thumbnail, preview } = prepared.renditions.unwrap_or_default();
    let outputs = [
        thumbnail,
        prepared.converted.map(|converted| converted.jpeg),
        preview,
    ];
    for (file, picture) in files.iter().skip(1).zip(outputs) {
        if let Some(Err(error)) = picture.map(|picture| fs::write(file, picture.bytes)) {
            eprintln!("{}: {error}", file.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
