//! Prepares many pictures: reads their paths from standard input, one a line, and prints a line of JSON for each. `tests/pictures/compare`
//! starts it.
//!
//! ```text
//! find PICTURES -type f | cargo run --example prepare_all -- THUMBNAILS
//! ```
//!
//! The thumbnail of the third path, if there is one, is `THUMBNAILS/2.jpg`.

use std::{
    env, fs,
    io::{self, BufRead, Write},
    path::Path,
};

use serde_json::{Value, json};
use sightline_prepare::{Limits, prepare};

fn main() -> io::Result<()> {
    let folder = env::args_os()
        .nth(1)
        .ok_or_else(|| io::Error::other("usage: prepare_all THUMBNAILS < PATHS"))?;
    let mut out = io::stdout().lock();
    for (index, path) in io::stdin().lock().lines().enumerate() {
        let thumbnail = Path::new(&folder).join(format!("{index}.jpg"));
        writeln!(out, "{}", outcome(&fs::read(path?)?, &thumbnail)?)?;
    }
    Ok(())
}

fn outcome(file: &[u8], thumbnail: &Path) -> io::Result<Value> {
    // Small ones are quick to compare.
    let limits = Limits {
        thumbnail_px: 128,
        preview_px: 0,
        ..Limits::default()
    };
    let prepared = match prepare(file, &limits) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(json!({"code": error.code(), "message": error.to_string()})),
    };
    let image = prepared.image_info();
    Ok(match prepared.renditions {
        Ok(renditions) => {
            if let Some(jpeg) = renditions.thumbnail {
                fs::write(thumbnail, jpeg.bytes)?;
            }
            json!({"image": image})
        }
        Err(error) => json!({"image": image, "thumbnail": error.to_string()}),
    })
}
