//! The file that gives programs the URLs, buckets and keys.

use anyhow::Context;
use serde::Serialize;
use std::{fs, io::ErrorKind, path::Path};

use super::{endpoints::Endpoints, private_file};

/// The content of the file.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_pool_id: Option<&'a str>,
}

/// Removes the file if it exists: at the start that of an earlier run, at the end that of this run.
///
/// # Errors
/// When the file exists and cannot be removed.
pub(super) fn remove(file: &Path) -> anyhow::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove --ready-file {}", file.display()))
        }
        _ => Ok(()),
    }
}

/// Writes the file in one step, so that a program that sees it can read all of it.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write(file: &Path, endpoints: &Endpoints) -> anyhow::Result<()> {
    let ready = Ready {
        api: &endpoints.api,
        aws: &endpoints.aws,
        input_bucket: &endpoints.buckets.input,
        output_bucket: &endpoints.buckets.output,
        region: &endpoints.region,
        access_key_id: &endpoints.credentials.access_key_id,
        secret_access_key: &endpoints.credentials.secret_access_key,
        identity_pool_id: endpoints.identity_pool.as_deref(),
    };
    private_file::write(file, &serde_json::to_vec(&ready)?)
        .with_context(|| format!("cannot write --ready-file {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn the_file_has_urls_buckets_and_keys() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ready.json");
        write(&file, &Endpoints::example()).unwrap();
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
        remove(&file).unwrap();
        assert!(!file.exists());
        remove(&file).unwrap();
    }
}
