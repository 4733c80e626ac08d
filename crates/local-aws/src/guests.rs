//! Guests: identities of a Cognito identity pool and their temporary credentials.
//!
//! Nothing is stored for a guest. Identities and session tokens carry a code that only the holder of the pool's secret can
//! compute, so guests keep their identities, and credentials stay valid, for as long as the data folder keeps the secret.
//!
//! The credentials stand for a role that may do nothing but call the API. Every service of the endpoint refuses them.

use crate::{
    Credentials,
    aws_json::{Scope, verify},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Uri, request::Parts};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::{fmt, sync::Arc};
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// How long credentials are valid, as on AWS (Amazon Cognito Developer Guide, "Identity pools (federated identities) authentication
/// flow").
const VALIDITY: Duration = Duration::hours(1);

/// The header, and in signed URLs the parameter, with the session token.
const TOKEN: &str = "x-amz-security-token";

/// The identity pool of the guests. Cheap to clone.
#[derive(Clone)]
pub struct GuestPool(Arc<Inner>);

struct Inner {
    id: String,
    secret: String,
}

impl fmt::Debug for GuestPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuestPool")
            .field("id", &self.0.id)
            .finish_non_exhaustive()
    }
}

/// Temporary credentials of a guest.
pub(crate) struct TemporaryCredentials {
    pub(crate) keys: Credentials,
    pub(crate) session_token: String,
    pub(crate) expires: OffsetDateTime,
}

/// What a session token says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    identity_id: String,
    /// Seconds since 1970.
    expires: i64,
    /// Makes each token differ.
    id: Uuid,
}

/// The request is not signed with valid credentials of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request is not signed with valid credentials of a guest")]
pub struct NotAGuest;

impl GuestPool {
    /// The pool with this id, a region, a colon and a UUID. `secret` must be random and stay the same.
    #[must_use]
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            id: id.into(),
            secret: secret.into(),
        }))
    }

    /// The pool's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The guest who signed a request to the API that arrived at `now`: the identity's id. `body` is the whole body.
    ///
    /// # Errors
    /// [`NotAGuest`] if the request is not signed for `execute-api` with credentials of this pool, or if these have expired.
    pub fn authenticate(
        &self,
        head: &Parts,
        body: &[u8],
        now: OffsetDateTime,
    ) -> Result<String, NotAGuest> {
        let token = token_of(&head.headers, &head.uri).ok_or(NotAGuest)?;
        let session = self.session(&token).ok_or(NotAGuest)?;
        if session.expires <= now.unix_timestamp() || !self.has(&session.identity_id) {
            return Err(NotAGuest);
        }
        let keys = self.keys(&token);
        verify(Scope::EXECUTE_API, head, body, &[keys], now).map_err(|error| {
            tracing::debug!(%error, "the signature of a guest was rejected");
            NotAGuest
        })?;
        Ok(session.identity_id)
    }

    /// Whether a request has a session token of this pool, valid or expired.
    pub(crate) fn issued(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        token_of(headers, uri).is_some_and(|token| self.session(&token).is_some())
    }

    /// A new identity.
    pub(crate) fn new_identity(&self) -> String {
        let random = Uuid::new_v4().into_bytes();
        self.identity(*random.first_chunk().unwrap_or(&[0; 8]))
    }

    /// Whether this identity is one of the pool's.
    pub(crate) fn has(&self, identity_id: &str) -> bool {
        let Some(id) = identity_id
            .rsplit_once(':')
            .and_then(|(_, uuid)| Uuid::try_parse(uuid).ok())
        else {
            return false;
        };
        let expected = self.identity(*id.as_bytes().first_chunk().unwrap_or(&[0; 8]));
        expected.as_bytes().ct_eq(identity_id.as_bytes()).into()
    }

    /// New credentials for an identity.
    pub(crate) fn credentials(
        &self,
        identity_id: &str,
        now: OffsetDateTime,
    ) -> TemporaryCredentials {
        let expires = now + VALIDITY;
        let session = Session {
            identity_id: identity_id.to_owned(),
            expires: expires.unix_timestamp(),
            id: Uuid::new_v4(),
        };
        // Plain data always serialises.
        let session = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&session).unwrap_or_default());
        let code = URL_SAFE_NO_PAD.encode(self.code("token", session.as_bytes()));
        let session_token = format!("{session}.{code}");
        TemporaryCredentials {
            keys: self.keys(&session_token),
            session_token,
            expires,
        }
    }

    /// The identity whose UUID begins with these bytes. The rest of the UUID is the code.
    fn identity(&self, begin: [u8; 8]) -> String {
        let code = self.code("identity", &begin);
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(begin.into_iter().chain(code)) {
            *to = from;
        }
        let region = self.0.id.split_once(':').map_or("", |(region, _)| region);
        let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
        format!("{region}:{uuid}")
    }

    /// The content of a session token of this pool.
    fn session(&self, token: &str) -> Option<Session> {
        let (session, code) = token.split_once('.')?;
        let expected = URL_SAFE_NO_PAD.encode(self.code("token", session.as_bytes()));
        if !bool::from(expected.as_bytes().ct_eq(code.as_bytes())) {
            return None;
        }
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(session).ok()?).ok()
    }

    /// The keys that belong to a session token.
    fn keys(&self, token: &str) -> Credentials {
        let id = hex::encode_upper(self.code("key", token.as_bytes()));
        Credentials {
            access_key_id: format!("ASIA{}", id.get(..16).unwrap_or_default()),
            secret_access_key: URL_SAFE_NO_PAD.encode(self.code("secret", token.as_bytes())),
        }
    }

    /// The code of some data. Different purposes have different codes.
    fn code(&self, purpose: &str, data: &[u8]) -> [u8; 32] {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.secret.as_bytes()) else {
            return [0; 32];
        };
        mac.update(purpose.as_bytes());
        mac.update(b":");
        mac.update(data);
        mac.finalize().into_bytes().into()
    }
}

/// The session token of a request.
fn token_of(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    if let Some(token) = headers.get(TOKEN) {
        return token.to_str().ok().map(str::to_owned);
    }
    uri.query()?.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.eq_ignore_ascii_case(TOKEN)
            .then(|| percent_decode_str(value).decode_utf8_lossy().into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::Credentials as SigningCredentials;
    use aws_sigv4::{
        http_request::{SignableBody, SignableRequest, SigningSettings, sign},
        sign::v4::SigningParams,
    };
    use http::Request;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);
    const BODY: &[u8] = br#"{"contentType":"image/png"}"#;

    fn pool() -> GuestPool {
        GuestPool::new("us-east-1:0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11", "a secret")
    }

    /// A request to the API, signed by the SDK's signer.
    fn signed(credentials: &TemporaryCredentials, service: &str) -> Parts {
        const PATH: &str = "/guest/results/uploads/us-east-1%213A1/a%20b.png?x=1&a=%2F";
        let mut request = Request::post(PATH)
            .header("host", "127.0.0.1:8080")
            .body(())
            .unwrap();
        let identity = SigningCredentials::new(
            credentials.keys.access_key_id.as_str(),
            credentials.keys.secret_access_key.as_str(),
            Some(credentials.session_token.clone()),
            None,
            "test",
        )
        .into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name(service)
            .time(NOW.into())
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let headers = [("host", "127.0.0.1:8080")].into_iter();
        let signable =
            SignableRequest::new("POST", PATH, headers, SignableBody::Bytes(BODY)).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request);
        request.into_parts().0
    }

    #[test]
    fn a_signed_request_names_its_guest_for_an_hour() {
        let pool = pool();
        let guest = pool.new_identity();
        let credentials = pool.credentials(&guest, NOW);
        assert_eq!(credentials.expires, NOW + Duration::hours(1));
        let head = signed(&credentials, "execute-api");
        assert_eq!(pool.authenticate(&head, BODY, NOW), Ok(guest.clone()));
        // The same pool after a restart.
        let again = super::tests::pool();
        assert_eq!(again.authenticate(&head, BODY, NOW), Ok(guest.clone()));

        let old = pool.credentials(&guest, NOW - Duration::hours(1));
        let old = signed(&old, "execute-api");
        assert_eq!(pool.authenticate(&old, BODY, NOW), Err(NotAGuest));
        let late = NOW + Duration::minutes(6);
        assert_eq!(pool.authenticate(&head, BODY, late), Err(NotAGuest));
    }

    #[test]
    fn every_other_signature_is_rejected() {
        let pool = pool();
        let credentials = pool.credentials(&pool.new_identity(), NOW);
        let rejected = |head: &Parts, body| {
            assert_eq!(pool.authenticate(head, body, NOW), Err(NotAGuest));
        };
        let good = || signed(&credentials, "execute-api");
        rejected(&good(), b"another body");
        rejected(&signed(&credentials, "s3"), BODY);
        for header in [
            "authorization",
            "x-amz-security-token",
            "x-amz-date",
            "host",
        ] {
            let mut head = good();
            head.headers.remove(header);
            rejected(&head, BODY);
        }
        let mut head = good();
        head.uri = "/guest/results/uploads/us-east-1%213A2/a%20b.png?x=1&a=%2F"
            .parse()
            .unwrap();
        rejected(&head, BODY);
        // Somebody else's token with one's own keys.
        let other = pool.credentials(&pool.new_identity(), NOW);
        let mut head = good();
        let token = other.session_token.parse().unwrap();
        head.headers.insert(TOKEN, token);
        rejected(&head, BODY);
        // Credentials of another pool with the same id.
        let foreign = GuestPool::new(pool.id(), "another secret");
        let foreign = foreign.credentials(&foreign.new_identity(), NOW);
        rejected(&signed(&foreign, "execute-api"), BODY);
    }

    #[test]
    fn only_identities_of_the_pool_are_known() {
        let pool = pool();
        let (one, other) = (pool.new_identity(), pool.new_identity());
        assert!(one.starts_with("us-east-1:") && one != other);
        assert!(pool.has(&one) && pool.has(&other));
        assert!(!GuestPool::new(pool.id(), "another secret").has(&one));
        for unknown in [
            "",
            "us-east-1:",
            pool.id(),
            &one.to_uppercase(),
            &one.replace("us-east-1", "eu-west-1"),
            &format!("us-east-1:{}", Uuid::new_v4()),
        ] {
            assert!(!pool.has(unknown), "{unknown}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        assert!(!format!("{:?}", pool()).contains("a secret"));
    }
}
