//! Amazon Cognito Identity's JSON 1.1 protocol, as far as guests need it: GetId and GetCredentialsForIdentity. Neither is signed, and
//! pages of any origin that the endpoint lets in may call both, as on AWS.
//!
//! Sources: Amazon Cognito Federated Identities API Reference, "GetId" and "GetCredentialsForIdentity".

use crate::{
    Body, GuestPool,
    access_log::{AccessLog, Call},
    aws_json,
};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
        CACHE_CONTROL,
    },
};
use http_body_util::{BodyExt as _, Limited};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

/// The service in `X-Amz-Target`.
pub(crate) const TARGET_PREFIX: &str = "AWSCognitoIdentityService.";
/// The largest request that is read.
const MAX_BODY: usize = 64 * 1024;

/// Everything that the endpoint needs.
pub(crate) struct CognitoIdentity {
    pub(crate) pool: GuestPool,
    pub(crate) access_log: AccessLog,
}

/// An error response: the code and a message.
struct CognitoError(&'static str, String);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetId {
    identity_pool_id: String,
    #[serde(default)]
    logins: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetCredentialsForIdentity {
    identity_id: String,
    #[serde(default)]
    logins: Map<String, Value>,
}

/// Whether a request is a browser's preflight for this service.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers
            .get(ACCESS_CONTROL_REQUEST_HEADERS)
            .and_then(|names| names.to_str().ok())
            .is_some_and(|names| {
                (names.split(',')).any(|name| name.trim().eq_ignore_ascii_case("x-amz-target"))
            })
}

/// The response to a preflight.
pub(crate) fn preflight(request: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    if let Some(names) = request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (ACCESS_CONTROL_MAX_AGE, "3000"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

impl CognitoIdentity {
    /// Answers one request whose `X-Amz-Target` starts with [`TARGET_PREFIX`]. Errors are responses too.
    pub(crate) async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let request_id = Uuid::new_v4().to_string();
        let (head, body) = request.into_parts();
        let operation = aws_json::operation_name(TARGET_PREFIX, &head.headers);
        let (status, json, error_code) = match self.answer(&operation, body).await {
            Ok(json) => (StatusCode::OK, json, None),
            Err(CognitoError(code, message)) => (
                StatusCode::BAD_REQUEST,
                json!({ "__type": code, "message": message }),
                Some(code.to_owned()),
            ),
        };
        let mut response = aws_json::respond(
            status,
            aws_json::JSON_1_1,
            &request_id,
            json.to_string().into_bytes(),
        );
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (ACCESS_CONTROL_EXPOSE_HEADERS, "x-amzn-RequestId"),
            (CACHE_CONTROL, "no-store"),
        ] {
            (response.headers_mut()).insert(name, HeaderValue::from_static(value));
        }
        self.access_log.record(Call {
            request_id,
            action: format!("cognito-identity:{operation}"),
            resource: "*".to_owned(),
            // Anybody may call them.
            permissions: Vec::new(),
            status: status.as_u16(),
            error_code,
            access_key_id: None,
        });
        response
    }

    async fn answer(&self, operation: &str, body: Body) -> Result<Value, CognitoError> {
        let body = Limited::new(body, MAX_BODY)
            .collect()
            .await
            .map_err(|_| {
                CognitoError(
                    "InvalidParameterException",
                    format!("The body could not be read or is larger than {MAX_BODY} bytes."),
                )
            })?
            .to_bytes();
        match operation {
            "GetId" => {
                let GetId {
                    identity_pool_id,
                    logins,
                } = read(&body)?;
                if identity_pool_id != self.pool.id() {
                    return Err(not_found("IdentityPool", &identity_pool_id));
                }
                no_logins(&logins)?;
                Ok(json!({ "IdentityId": self.pool.new_identity() }))
            }
            "GetCredentialsForIdentity" => {
                let GetCredentialsForIdentity {
                    identity_id,
                    logins,
                } = read(&body)?;
                if !self.pool.has(&identity_id) {
                    return Err(not_found("Identity", &identity_id));
                }
                no_logins(&logins)?;
                let credentials = self
                    .pool
                    .credentials(&identity_id, OffsetDateTime::now_utc());
                Ok(json!({
                    "IdentityId": identity_id,
                    "Credentials": {
                        "AccessKeyId": credentials.keys.access_key_id,
                        "SecretKey": credentials.keys.secret_access_key,
                        "SessionToken": credentials.session_token,
                        "Expiration": credentials.expires.unix_timestamp(),
                    },
                }))
            }
            _ => Err(CognitoError(
                "UnknownOperationException",
                format!(
                    "The local mode does not support the operation {operation} of Amazon Cognito Identity."
                ),
            )),
        }
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, CognitoError> {
    serde_json::from_slice(body).map_err(|error| {
        CognitoError(
            "InvalidParameterException",
            format!("The request is not valid: {error}."),
        )
    })
}

/// The pool has guests alone.
fn no_logins(logins: &Map<String, Value>) -> Result<(), CognitoError> {
    if logins.is_empty() {
        Ok(())
    } else {
        Err(CognitoError(
            "NotAuthorizedException",
            "Token is not from a supported provider of this identity pool.".to_owned(),
        ))
    }
}

fn not_found(what: &str, id: &str) -> CognitoError {
    let id: String = id.chars().take(64).collect();
    CognitoError(
        "ResourceNotFoundException",
        format!("{what} '{id}' not found."),
    )
}
