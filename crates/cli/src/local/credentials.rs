//! The keys that AWS clients sign with.
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

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    access_key_id: String,
    secret_access_key: String,
}

/// The keys of a data folder.
///
/// # Errors
/// When kept keys cannot be read, or new ones cannot be kept.
pub(super) fn of(data_dir: &Path) -> anyhow::Result<Credentials> {
    let kept = kept(&data_dir.join(FILE))?;
    Ok(Credentials {
        access_key_id: kept.access_key_id,
        secret_access_key: kept.secret_access_key,
    })
}

fn kept(file: &Path) -> anyhow::Result<Kept> {
    match fs::read(file) {
        Ok(json) => serde_json::from_slice(&json).with_context(|| {
            format!(
                "{} holds no keys; remove it and new ones are made",
                file.display()
            )
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // 122 random bits in the identifier, 244 in the secret.
            let kept = Kept {
                access_key_id: Uuid::new_v4().simple().to_string().to_ascii_uppercase(),
                secret_access_key: format!(
                    "{}{}",
                    Uuid::new_v4().simple(),
                    Uuid::new_v4().simple()
                ),
            };
            private_file::write(file, &serde_json::to_vec_pretty(&kept)?)
                .with_context(|| format!("cannot keep the keys in {}", file.display()))?;
            Ok(kept)
        }
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
        assert_ne!(others.access_key_id, keys.access_key_id);
        assert_ne!(others.secret_access_key, keys.secret_access_key);
        assert!(keys.access_key_id.len() >= 16 && keys.secret_access_key.len() >= 40);
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
