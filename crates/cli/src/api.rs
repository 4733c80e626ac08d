//! A client of Sightline's HTTP API.

use std::fmt;

use anyhow::Context as _;
use aws_smithy_types::body::SdkBody;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD};
use clap::Args;
use http::{HeaderValue, Method, Request, Uri, header};
use percent_encoding::utf8_percent_encode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use sightline_pipeline::{Owner, percent::RESERVED};

use crate::{
    exit::CliError,
    http::{HttpClient, HttpResponse, SendError},
};

/// The API of `sightline local`, and the environment variable that names another.
const LOCAL: &str = "http://127.0.0.1:8080";
const VARIABLE: &str = "SIGHTLINE_API";

/// Options for the service to use.
#[derive(Debug, Clone, Args)]
pub(crate) struct ApiArgs {
    /// URL of the API of `sightline local` or of a deployed service
    #[arg(
        long,
        env = VARIABLE,
        value_name = "URL",
        default_value = LOCAL,
        value_parser = base_url
    )]
    pub(crate) api: String,

    /// Access token, if the service requires sign-in; sent as `Authorization: Bearer`. Prefer SIGHTLINE_TOKEN: other users
    /// of this machine can see the command line
    #[arg(
        long,
        env = "SIGHTLINE_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<Token>,
}

impl ApiArgs {
    /// Whether `--api` names another service than the commands use without it.
    pub(crate) fn is_given(&self) -> bool {
        let usual = std::env::var(VARIABLE).ok();
        let usual = usual
            .filter(|url| !url.is_empty())
            .unwrap_or_else(|| LOCAL.to_owned());
        base_url(&usual).as_ref() != Ok(&self.api)
    }
}

/// A token, which no output shows. It is validated after parsing, because clap's messages repeat values that it rejects.
#[derive(Clone)]
pub(crate) struct Token(String);

impl From<String> for Token {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// The value of the `Authorization` header; `None` if the token is empty, as scripts without a token leave it. The token
    /// may start with its scheme.
    ///
    /// # Errors
    /// [`CliError::Usage`] if a header cannot contain the token. The message does not contain it.
    fn authorization(&self) -> Result<Option<HeaderValue>, CliError> {
        let mut words = self.0.split_whitespace().peekable();
        // RFC 9110, section 11.1: the case of a scheme does not matter.
        words.next_if(|word| word.eq_ignore_ascii_case("bearer"));
        let Some(token) = words.next() else {
            return Ok(None);
        };
        let sendable = words.next().is_none() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let value = sendable
            .then(|| HeaderValue::try_from(format!("Bearer {token}")).ok())
            .flatten();
        let Some(mut value) = value else {
            return Err(CliError::Usage(
                "the access token cannot be sent; set SIGHTLINE_TOKEN (or --token) to the token alone, which consists of \
                 printable ASCII characters without spaces"
                    .to_owned(),
            ));
        };
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// The owner of this claim `sub` of a JSON Web Token (RFC 7519), unverified.
    fn owner(&self) -> Option<Owner> {
        #[derive(Deserialize)]
        struct Claims {
            sub: String,
        }
        let token = self.0.split_whitespace().last()?;
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let claims: Claims = serde_json::from_slice(&payload).ok()?;
        Owner::signed_in(&claims.sub).ok()
    }
}

/// A URL without a slash at the end.
fn base_url(text: &str) -> Result<String, String> {
    let url = text.trim().trim_end_matches('/');
    let is_complete = url.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.authority().is_some()
            && uri.query().is_none()
    });
    if is_complete {
        Ok(url.to_owned())
    } else {
        Err(
            "expected a URL such as http://127.0.0.1:8080 or https://pictures.example.com"
                .to_owned(),
        )
    }
}

/// The client.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    base_url: String,
    authorization: Option<HeaderValue>,
    owner: Option<Owner>,
    http: HttpClient,
}

/// An error response as a problem document (RFC 9457).
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct Problem {
    /// The problem's code, or `http-<status>` if the response has none.
    pub(crate) code: String,
    /// What was wrong and what to do.
    pub(crate) detail: String,
    /// The parameter or member that was wrong, if it was one.
    pub(crate) member: Option<String>,
}

impl Api {
    /// A client of this service.
    ///
    /// # Errors
    /// [`CliError::Usage`] if the token is invalid.
    pub(crate) fn new(args: &ApiArgs, http: HttpClient) -> Result<Self, CliError> {
        let token = args.token.as_ref();
        Ok(Self {
            base_url: args.api.clone(),
            authorization: token.map_or(Ok(None), Token::authorization)?,
            owner: token.and_then(Token::owner),
            http,
        })
    }

    /// The owner of the caller's pictures, if the token says who that is. Only a service that checked the token can rely on it.
    pub(crate) fn owner(&self) -> Option<Owner> {
        self.owner.clone()
    }

    /// The URL of the service, without a slash at the end.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Checks that there is a Sightline API at the URL.
    ///
    /// # Errors
    /// [`CliError::Unreachable`] if there is none.
    pub(crate) async fn check(&self) -> anyhow::Result<()> {
        let response = self
            .http
            .send_once(self.request(&Method::GET, "/health", None)?)
            .await
            .map_err(|error| self.unreachable(&error))?;
        if response.status == 404 || (response.status == 200 && json_object(&response).is_none()) {
            return Err(CliError::Unreachable(format!(
                "there is no Sightline API at {}; check --api (or SIGHTLINE_API)",
                self.base_url
            ))
            .into());
        }
        Ok(())
    }

    /// Whether the service has a page at this path. Sends no credentials.
    ///
    /// # Errors
    /// [`CliError::Unreachable`] if no response arrives.
    pub(crate) async fn has_page(&self, path: &str) -> anyhow::Result<bool> {
        let response = self
            .http
            .send(async || {
                Request::get(format!("{}{path}", self.base_url))
                    .body(SdkBody::empty())
                    .map_err(|error| SendError::Request(error.to_string()))
            })
            .await
            .map_err(|error| self.unreachable(&error))?;
        let is_html = (response.headers.get(header::CONTENT_TYPE))
            .is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
        Ok(response.status == 200 && is_html)
    }

    fn unreachable(&self, error: &SendError) -> CliError {
        CliError::Unreachable(format!(
            "{error}; start `sightline local`, or set --api (or SIGHTLINE_API) to the URL of a running service"
        ))
    }

    /// Sends a request, with retries.
    ///
    /// # Errors
    /// When no response arrives, or the service rejects the credentials. Other errors are responses.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<HttpResponse> {
        // A request that cannot be built is not a service that cannot be reached.
        self.request(&method, path, body)?;
        let response = self
            .http
            .send(async || {
                self.request(&method, path, body)
                    .map_err(|error| SendError::Request(error.to_string()))
            })
            .await
            .map_err(|error| self.unreachable(&error))?;
        if !matches!(response.status, 401 | 403) {
            return Ok(response);
        }
        let advice = if response.status == 401 || self.authorization.is_none() {
            " (if the service requires sign-in, set SIGHTLINE_TOKEN to an access token)"
        } else {
            ""
        };
        Err(CliError::Denied(format!(
            "{} rejected your credentials: {}{advice}",
            self.base_url,
            Problem::read(&response)
        ))
        .into())
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Request<SdkBody>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base_url))
            .header(header::ACCEPT, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                SdkBody::from(body.to_string())
            }
            None => SdkBody::empty(),
        };
        request.body(body).context("cannot build the request")
    }
}

impl Problem {
    /// Reads the problem document. Of other responses, takes the `message` or the status.
    pub(crate) fn read(response: &HttpResponse) -> Self {
        let problem = json_object(response).unwrap_or_default();
        let text = |member: &str| problem.get(member).and_then(Value::as_str);
        Self {
            code: text("code").map_or_else(|| format!("http-{}", response.status), str::to_owned),
            detail: text("detail").or_else(|| text("message")).map_or_else(
                || format!("the service answered HTTP {}", response.status),
                str::to_owned,
            ),
            member: text("member").map(str::to_owned),
        }
    }

    /// The detail in the words of the command line. The service begins it with the name of its parameter, of which `options` has
    /// the option.
    pub(crate) fn in_words_of(&self, options: &[(&str, &str)]) -> String {
        let option =
            (options.iter()).find(|(parameter, _)| self.member.as_deref() == Some(parameter));
        let rest = option.and_then(|(parameter, option)| {
            let rest = self.detail.strip_prefix(parameter)?;
            rest.starts_with(' ').then(|| format!("{option}{rest}"))
        });
        rest.unwrap_or_else(|| self.detail.clone())
    }
}

/// Reads the body of a response as JSON of this type.
///
/// # Errors
/// When the body is something else.
pub(crate) fn body<T: DeserializeOwned>(response: &HttpResponse) -> anyhow::Result<T> {
    serde_json::from_slice(&response.body)
        .context("cannot read the response of the service; check that --api (or SIGHTLINE_API) is the URL of a Sightline API")
}

fn json_object(response: &HttpResponse) -> Option<Value> {
    serde_json::from_slice(&response.body)
        .ok()
        .filter(Value::is_object)
}

/// Percent-encodes a value of a query.
pub(crate) fn query_value(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::parse;

    #[test]
    fn base_urls_are_complete_and_have_no_slash_at_the_end() {
        assert_eq!(
            base_url("https://a.example/stage/"),
            Ok("https://a.example/stage".to_owned())
        );
        for wrong in [
            "",
            "a.example",
            "ftp://a.example",
            "http://",
            "http://a/?b=c",
        ] {
            assert!(base_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_sent_with_its_scheme_and_an_empty_one_is_not_sent() {
        let sent = |text: &str| Token::from(text.to_owned()).authorization().unwrap();
        for text in ["secret", " secret\n", "Bearer secret", "bearer  secret"] {
            let value = sent(text).unwrap();
            assert_eq!(value, "Bearer secret", "{text:?}");
            assert!(value.is_sensitive());
        }
        for text in ["", "  ", "Bearer "] {
            assert_eq!(sent(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_token_is_shown_nowhere() {
        for given in ["secret word", "Bearer secret word", "sécret", "secret\u{1}"] {
            // clap accepts the token, so its messages cannot contain it.
            let args: ApiArgs = parse(&["--token", given]).unwrap();
            let shown = format!("{args:?}");
            assert!(
                shown.contains("Token") && !shown.contains("cret"),
                "{shown}"
            );
            let error = Api::new(&args, HttpClient::new()).unwrap_err();
            assert!(matches!(error, CliError::Usage(_)), "{error:?}");
            let message = format!("{error} {error:?}");
            assert!(
                message.contains("SIGHTLINE_TOKEN") && !message.contains("cret"),
                "{message}"
            );
        }
    }

    #[test]
    fn the_owner_is_the_subject_of_the_token() {
        let token = |payload: &str| {
            let payload = URL_SAFE_NO_PAD.encode(payload);
            Token::from(format!("Bearer e30.{payload}.c2ln")).owner()
        };
        assert_eq!(
            token(r#"{"sub":"ann@a","exp":1}"#).unwrap().as_str(),
            "ann!40a"
        );
        assert_eq!(token(r#"{"exp":1}"#), None);
        assert_eq!(Token::from("opaque".to_owned()).owner(), None);
    }

    #[test]
    fn a_problem_has_the_detail_of_its_document_or_the_status() {
        let response = |body: &str| HttpResponse {
            status: 413,
            headers: http::HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        };
        let problem = Problem::read(&response(
            r#"{"code":"image-too-large","detail":"Smaller."}"#,
        ));
        assert_eq!(
            (problem.code.as_str(), problem.detail.as_str()),
            ("image-too-large", "Smaller.")
        );
        let named = |member: &str, detail: &str| {
            let problem = json!({"code": "c", "member": member, "detail": detail}).to_string();
            Problem::read(&response(&problem))
                .in_words_of(&[("color", "--main-color"), ("q", "WORDS")])
        };
        assert_eq!(
            named("color", "color is 300 bytes long; the limit is 255."),
            "--main-color is 300 bytes long; the limit is 255."
        );
        assert_eq!(named("color", "colored."), "colored.");
        assert_eq!(named("text", "color is long."), "color is long.");
        let problem = Problem::read(&response("<html>"));
        assert_eq!(
            (problem.code.as_str(), problem.to_string().as_str()),
            ("http-413", "the service answered HTTP 413")
        );
    }
}
