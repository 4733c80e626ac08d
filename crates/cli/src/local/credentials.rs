//! The keys that AWS clients sign with.
//!
//! Who can reach a loopback address is on this machine already, so the keys there are fixed and can stand in a
//! script. Where other machines are let in, keys are made up once and kept in the data folder.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sightline_local_aws::Credentials;
use std::{fs, io::ErrorKind, net::IpAddr, path::Path};
use uuid::Uuid;

use super::private_file;

/// The keys on a loopback address.
pub(super) const FIXED: (&str, &str) = ("local", "local-secret");

/// Where keys that were made up are kept, in the data folder.
const FILE: &str = "credentials.json";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    access_key_id: String,
    secret_access_key: String,
}

/// The keys for an endpoint at `host`.
///
/// # Errors
/// When kept keys cannot be read, or new ones cannot be kept.
pub(super) fn for_host(host: IpAddr, data_dir: &Path) -> anyhow::Result<Credentials> {
    let kept = if host.is_loopback() {
        Kept {
            access_key_id: FIXED.0.to_owned(),
            secret_access_key: FIXED.1.to_owned(),
        }
    } else {
        kept(&data_dir.join(FILE))?
    };
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
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn on_a_loopback_address_they_are_fixed() {
        let folder = tempfile::tempdir().unwrap();
        for host in [
            IpAddr::from(Ipv4Addr::LOCALHOST),
            Ipv6Addr::LOCALHOST.into(),
        ] {
            let keys = for_host(host, folder.path()).unwrap();
            assert_eq!(
                (keys.access_key_id.as_str(), keys.secret_access_key.as_str()),
                FIXED
            );
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn elsewhere_they_are_made_up_once() {
        let open = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let data_dir = one.path().join("data");
        let keys = for_host(open, &data_dir).unwrap();
        assert_eq!(for_host(open, &data_dir).unwrap(), keys);
        let others = for_host(open, other.path()).unwrap();
        assert_ne!(others.access_key_id, keys.access_key_id);
        assert_ne!(others.secret_access_key, keys.secret_access_key);
        assert!(keys.access_key_id.len() >= 16 && keys.secret_access_key.len() >= 40);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_them() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        for_host(Ipv4Addr::UNSPECIFIED.into(), folder.path()).unwrap();
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
        let error = for_host(Ipv4Addr::UNSPECIFIED.into(), folder.path()).unwrap_err();
        assert!(error.to_string().contains("credentials.json"), "{error}");
    }
}
