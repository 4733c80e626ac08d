//! The keys that AWS clients sign with: a person's, and each function's own, by which the log of calls tells them
//! apart as roles do on AWS.
//!
//! They are made up once and kept in the data folder, on a loopback address too: any web page can send a request
//! there, and with keys that everybody knows it could send a signed one.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sightline_local_aws::Credentials;
use std::{fs, io::ErrorKind, path::Path};
use uuid::Uuid;

use super::private_file;

/// Where the keys are kept, in the data folder.
const FILE: &str = "credentials.json";

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pair {
    access_key_id: String,
    secret_access_key: String,
}

impl Pair {
    /// 122 random bits in the identifier, 244 in the secret.
    fn new() -> Self {
        Self {
            access_key_id: Uuid::new_v4().simple().to_string().to_ascii_uppercase(),
            secret_access_key: format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
        }
    }
}

impl From<Pair> for Credentials {
    fn from(pair: Pair) -> Self {
        Self {
            access_key_id: pair.access_key_id,
            secret_access_key: pair.secret_access_key,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    #[serde(flatten)]
    person: Pair,
    // Folders of earlier versions have none.
    upload_api: Option<Pair>,
    processor: Option<Pair>,
}

/// Everybody's keys.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// Those that are printed, for every other client.
    pub(super) person: Credentials,
    /// The upload API's, which also sign the addresses that it gives away.
    pub(super) upload_api: Credentials,
    /// The processor's.
    pub(super) processor: Credentials,
}

/// The keys of a data folder.
///
/// # Errors
/// When kept keys cannot be read, or new ones cannot be kept.
pub(super) fn of(data_dir: &Path) -> anyhow::Result<Keys> {
    let file = data_dir.join(FILE);
    let kept = kept(&file)?;
    let complete = matches!(
        &kept,
        Some(Kept {
            upload_api: Some(_),
            processor: Some(_),
            ..
        })
    );
    let (person, upload_api, processor) = match kept {
        Some(kept) => (Some(kept.person), kept.upload_api, kept.processor),
        None => (None, None, None),
    };
    let [person, upload_api, processor] =
        [person, upload_api, processor].map(|pair| pair.unwrap_or_else(Pair::new));
    if !complete {
        let keep = Kept {
            person: person.clone(),
            upload_api: Some(upload_api.clone()),
            processor: Some(processor.clone()),
        };
        private_file::write(&file, &serde_json::to_vec_pretty(&keep)?)
            .with_context(|| format!("cannot keep the keys in {}", file.display()))?;
    }
    Ok(Keys {
        person: person.into(),
        upload_api: upload_api.into(),
        processor: processor.into(),
    })
}

/// What the file holds, if it is there.
fn kept(file: &Path) -> anyhow::Result<Option<Kept>> {
    match fs::read(file) {
        Ok(json) => serde_json::from_slice(&json).map(Some).with_context(|| {
            format!(
                "{} holds no keys; remove it and new ones are made",
                file.display()
            )
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_made_up_once() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let data_dir = one.path().join("data");
        let keys = of(&data_dir).unwrap();
        assert_eq!(of(&data_dir).unwrap(), keys);
        let others = of(other.path()).unwrap();
        let all = [&keys, &others].map(|keys| [&keys.person, &keys.upload_api, &keys.processor]);
        let all: Vec<&Credentials> = all.into_iter().flatten().collect();
        let count = |part: fn(&Credentials) -> &str| {
            let parts: std::collections::HashSet<&str> =
                all.iter().map(|keys| part(keys)).collect();
            parts.len()
        };
        assert_eq!(count(|keys| &keys.access_key_id), 6);
        assert_eq!(count(|keys| &keys.secret_access_key), 6);
        for keys in all {
            assert!(keys.access_key_id.len() >= 16 && keys.secret_access_key.len() >= 40);
        }
    }

    #[test]
    fn the_keys_of_an_earlier_version_stay_and_the_functions_get_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let old = r#"{"accessKeyId": "OLD", "secretAccessKey": "secret"}"#;
        fs::write(folder.path().join(FILE), old).unwrap();
        let keys = of(folder.path()).unwrap();
        assert_eq!(keys.person.access_key_id, "OLD");
        assert_eq!(keys.person.secret_access_key, "secret");
        assert_eq!(of(folder.path()).unwrap(), keys);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_them() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        of(folder.path()).unwrap();
        let mode = fs::metadata(folder.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_without_keys_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{}").unwrap();
        let error = of(folder.path()).unwrap_err();
        assert!(error.to_string().contains("credentials.json"), "{error}");
    }
}
