//! The keys of AWS clients, and the identity pool of guests.
//!
//! The user and each function have keys of their own, so the log of calls tells them apart, as roles do on AWS.
//!
//! The keys are random and stored in the data folder. This matters on a loopback address, too: any web page can send
//! requests there, and with well-known keys it could sign them.

use std::{fs, io::ErrorKind, path::Path};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sightline_local_aws::{Credentials, GuestPool};
use uuid::Uuid;

use super::{endpoints::REGION, private_file};
use crate::data_dir::DataDir;

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyPair {
    access_key_id: String,
    secret_access_key: String,
}

impl KeyPair {
    /// 122 random bits in the identifier, 244 in the secret.
    fn new() -> Self {
        Self {
            access_key_id: Uuid::new_v4().simple().to_string().to_ascii_uppercase(),
            secret_access_key: format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
        }
    }
}

impl From<KeyPair> for Credentials {
    fn from(pair: KeyPair) -> Self {
        Self {
            access_key_id: pair.access_key_id,
            secret_access_key: pair.secret_access_key,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredKeys {
    #[serde(flatten)]
    user: KeyPair,
    // Earlier versions stored only the keys of the user, and later those of the functions.
    upload_api: Option<KeyPair>,
    processor: Option<KeyPair>,
    guests: Option<StoredPool>,
}

/// The identity pool of guests, and the secret of their identities and credentials.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredPool {
    identity_pool_id: String,
    secret: String,
}

impl StoredPool {
    /// 244 random bits in the secret.
    fn new() -> Self {
        Self {
            identity_pool_id: format!("{REGION}:{}", Uuid::new_v4()),
            secret: format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
        }
    }
}

/// All keys.
#[derive(Debug)]
pub(super) struct Keys {
    /// The printed keys, for all clients except the functions.
    pub(super) user: Credentials,
    /// The keys of the upload API, which also sign the URLs that it returns.
    pub(super) upload_api: Credentials,
    /// The keys of the processor.
    pub(super) processor: Credentials,
    /// The identity pool of guests.
    pub(super) guests: GuestPool,
}

/// Reads the keys of a data folder. Creates those that are missing.
///
/// # Errors
/// When the keys cannot be read or stored.
pub(super) fn load_or_create(data_dir: &DataDir) -> anyhow::Result<Keys> {
    let file = data_dir.credentials_file();
    let stored = read(&file)?;
    let is_complete = matches!(
        &stored,
        Some(StoredKeys {
            upload_api: Some(_),
            processor: Some(_),
            guests: Some(_),
            ..
        })
    );
    let (user, upload_api, processor, guests) = match stored {
        Some(stored) => (
            Some(stored.user),
            stored.upload_api,
            stored.processor,
            stored.guests,
        ),
        None => (None, None, None, None),
    };
    let guests = guests.unwrap_or_else(StoredPool::new);
    let [user, upload_api, processor] =
        [user, upload_api, processor].map(|pair| pair.unwrap_or_else(KeyPair::new));
    if !is_complete {
        let keys = StoredKeys {
            user: user.clone(),
            upload_api: Some(upload_api.clone()),
            processor: Some(processor.clone()),
            guests: Some(guests.clone()),
        };
        private_file::write(&file, &serde_json::to_vec_pretty(&keys)?)
            .with_context(|| format!("cannot store the keys in {}", file.display()))?;
    }
    Ok(Keys {
        user: user.into(),
        upload_api: upload_api.into(),
        processor: processor.into(),
        guests: GuestPool::new(guests.identity_pool_id, guests.secret),
    })
}

/// Reads the file, if it exists.
fn read(file: &Path) -> anyhow::Result<Option<StoredKeys>> {
    match fs::read(file) {
        Ok(json) => serde_json::from_slice(&json).map(Some).with_context(|| {
            format!(
                "{} contains no valid keys; remove it to create new ones",
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

    fn load(data_dir: &Path) -> Keys {
        load_or_create(&data_dir.into()).unwrap()
    }

    fn assert_same(one: &Keys, other: &Keys) {
        let all = |keys: &Keys| {
            let Keys {
                user,
                upload_api,
                processor,
                guests,
            } = keys;
            let keys = [user, upload_api, processor].map(Credentials::clone);
            (keys, guests.id().to_owned())
        };
        assert_eq!(all(one), all(other));
    }

    #[test]
    fn keys_are_created_once() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let data_dir = one.path().join("data");
        let keys = load(&data_dir);
        assert_same(&load(&data_dir), &keys);
        let others = load(other.path());
        let all = [&keys, &others].map(|keys| [&keys.user, &keys.upload_api, &keys.processor]);
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
    fn the_keys_of_an_earlier_version_stay_and_those_of_the_functions_are_added() {
        let folder = tempfile::tempdir().unwrap();
        let old = r#"{"accessKeyId": "OLD", "secretAccessKey": "secret"}"#;
        fs::write(folder.path().join("credentials.json"), old).unwrap();
        let keys = load(folder.path());
        assert_eq!(keys.user.access_key_id, "OLD");
        assert_eq!(keys.user.secret_access_key, "secret");
        assert_same(&load(folder.path()), &keys);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        load(folder.path());
        let mode = fs::metadata(folder.path().join("credentials.json"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_without_keys_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("credentials.json"), "{}").unwrap();
        let error = load_or_create(&folder.path().into()).unwrap_err();
        assert!(error.to_string().contains("credentials.json"), "{error}");
    }
}
