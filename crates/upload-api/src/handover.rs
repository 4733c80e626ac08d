//! Codes with which guests hand over their images to an account.
//!
//! A code is random and known to its guest alone. The output bucket keeps it as `handovers/<SHA-256 of the code>.json`, so nobody
//! who reads the bucket or a log learns it. The first account that uses a code is the only one that can use it again, for images
//! that a request did not reach.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sightline_pipeline::{
    Owner, ServiceError,
    keys::HANDOVER_PREFIX,
    object_store::{Condition, Get, GetOutcome, ObjectStore, Put, PutOutcome},
    service_error::{Fate, Service},
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// How long a new code can be used.
const VALIDITY: Duration = Duration::minutes(10);
/// How long the account that has used a code can use it again.
const CONTINUATION: Duration = Duration::hours(1);
/// How often a code is read again that another request changes.
const ATTEMPTS: usize = 3;

/// A code as the bucket keeps it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    /// The guest, as in keys.
    guest: String,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    /// The account that has used the code, as in keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
}

/// A new code.
pub(crate) struct Handover {
    pub(crate) code: String,
    pub(crate) expires_at: OffsetDateTime,
}

/// The key of a code's object.
fn key_of(code: &str) -> String {
    let hash = hex::encode(Sha256::digest(code.as_bytes()));
    format!("{HANDOVER_PREFIX}{hash}.json")
}

/// Makes a code for a guest.
pub(crate) async fn create<S: ObjectStore>(
    store: &S,
    bucket: &str,
    guest: &Owner,
    now: OffsetDateTime,
) -> Result<Handover, ServiceError> {
    // 244 random bits.
    let code = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let expires_at = now + VALIDITY;
    let expires_at = expires_at.replace_nanosecond(0).unwrap_or(expires_at);
    let stored = Stored {
        guest: guest.as_str().to_owned(),
        expires_at,
        account: None,
    };
    put(store, bucket, &key_of(&code), &stored, Condition::IfAbsent).await?;
    Ok(Handover { code, expires_at })
}

/// Takes a code for an account, and returns its guest; `None` if the code is unknown, has expired, or belongs to another account.
pub(crate) async fn take<S: ObjectStore>(
    store: &S,
    bucket: &str,
    code: &str,
    account: &Owner,
    now: OffsetDateTime,
) -> Result<Option<Owner>, ServiceError> {
    let key = key_of(code);
    for _ in 0..ATTEMPTS {
        let GetOutcome::Found(info, body) = store.get(Get::whole(bucket, &key)).await? else {
            return Ok(None);
        };
        let Ok(stored) = serde_json::from_slice::<Stored>(&body) else {
            return Ok(None);
        };
        if stored.expires_at <= now {
            return Ok(None);
        }
        match &stored.account {
            Some(taken) if taken == account.as_str() => {
                return Ok(Owner::from_segment(&stored.guest));
            }
            Some(_) => return Ok(None),
            None => {}
        }
        let taken = Stored {
            expires_at: now + CONTINUATION,
            account: Some(account.as_str().to_owned()),
            ..stored
        };
        let condition = Condition::IfMatch(&info.e_tag);
        if put(store, bucket, &key, &taken, condition).await? {
            return Ok(Owner::from_segment(&taken.guest));
        }
    }
    Err(ServiceError::new(
        Service::S3,
        "PutObject",
        "Contended",
        "other requests used the code in each attempt",
        Fate::RETRY,
    ))
}

/// Deletes a code.
pub(crate) async fn delete<S: ObjectStore>(
    store: &S,
    bucket: &str,
    code: &str,
) -> Result<(), ServiceError> {
    store.delete(bucket, &key_of(code)).await
}

/// Whether the condition held, and the code is stored.
async fn put<S: ObjectStore>(
    store: &S,
    bucket: &str,
    key: &str,
    stored: &Stored,
    condition: Condition<'_>,
) -> Result<bool, ServiceError> {
    // Plain data always serialises.
    let body = serde_json::to_vec(stored).unwrap_or_default();
    let put = Put {
        bucket,
        key,
        body: &body,
        content_type: "application/json",
        metadata: &[],
        condition,
    };
    Ok(matches!(store.put(put).await?, PutOutcome::Stored(_)))
}
