//! The file that tells programs where everything is.

use anyhow::Context;
use serde::Serialize;
use std::{fs, io::ErrorKind, path::Path};

use super::{place::Place, private_file};

/// What the file holds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ready<'a> {
    api: &'a str,
    aws: &'a str,
    input_bucket: &'a str,
    output_bucket: &'a str,
    region: &'a str,
    access_key_id: &'a str,
    secret_access_key: &'a str,
}

/// Removes the file, if it is there: an earlier run's, so that nobody takes it for this one's, or this one's at its end.
///
/// # Errors
/// When it is there and stays there.
pub(super) fn forget(file: &Path) -> anyhow::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove --ready-file {}", file.display()))
        }
        _ => Ok(()),
    }
}

/// Writes the file, all of it at once: who sees it can read it.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(file: &Path, place: &Place) -> anyhow::Result<()> {
    let ready = Ready {
        api: &place.api,
        aws: &place.aws,
        input_bucket: &place.input_bucket,
        output_bucket: &place.output_bucket,
        region: &place.region,
        access_key_id: &place.credentials.access_key_id,
        secret_access_key: &place.credentials.secret_access_key,
    };
    private_file::write(file, &serde_json::to_vec(&ready)?)
        .with_context(|| format!("cannot write --ready-file {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn it_says_where_everything_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ready.json");
        write(&file, &Place::example()).unwrap();
        let written: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert_eq!(
            written,
            json!({
                "api": "http://127.0.0.1:8080",
                "aws": "http://127.0.0.1:4566",
                "inputBucket": "sightline-input",
                "outputBucket": "sightline-output",
                "region": "us-east-1",
                "accessKeyId": "local",
                "secretAccessKey": "local-secret",
            })
        );
        forget(&file).unwrap();
        assert!(!file.exists());
        forget(&file).unwrap();
    }
}
