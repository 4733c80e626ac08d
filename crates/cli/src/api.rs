//! Sightline's own HTTP API, as a client sees it.

use std::fmt;

use anyhow::Context as _;
use aws_smithy_types::body::SdkBody;
use clap::Args;
use http::{HeaderValue, Method, Request, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sightline_pipeline::SourceKey;

use crate::{
    exit::Fault,
    http::{Answer, Http, Unanswered},
};

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Which service to talk to.
#[derive(Debug, Clone, Args)]
pub(crate) struct ApiArgs {
    /// Address of the API: that of `sightline local`, or of the deployed one
    #[arg(
        long,
        env = "SIGHTLINE_API",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080",
        value_parser = base
    )]
    pub(crate) api: String,

    /// Access token of a service with sign-in, sent as `Authorization: Bearer`; better set in SIGHTLINE_TOKEN than given
    /// here, where other users of this machine can see it
    #[arg(
        long,
        env = "SIGHTLINE_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<Token>,
}

/// A token as it was given, which is shown nowhere. Any text is taken at first, because clap repeats in its message
/// what it refuses.
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
    /// What is sent as `Authorization`: nothing where the token is empty, as an unset variable's is in scripts. The
    /// scheme may stand before it, as in the header.
    ///
    /// # Errors
    /// [`Fault::Usage`] where it cannot stand in a header; the message does not hold it.
    fn authorization(&self) -> Result<Option<HeaderValue>, Fault> {
        let mut words = self.0.split_whitespace().peekable();
        // RFC 9110, section 11.1: schemes are in upper or lower case.
        words.next_if(|word| word.eq_ignore_ascii_case("bearer"));
        let Some(token) = words.next() else {
            return Ok(None);
        };
        let sendable = words.next().is_none() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let value = sendable
            .then(|| HeaderValue::try_from(format!("Bearer {token}")).ok())
            .flatten();
        let Some(mut value) = value else {
            return Err(Fault::Usage(
                "the access token cannot be sent: set SIGHTLINE_TOKEN (or --token) to the token alone, which has \
                 printable ASCII characters and no blanks"
                    .to_owned(),
            ));
        };
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// An address without a slash at the end.
fn base(text: &str) -> Result<String, String> {
    let address = text.trim().trim_end_matches('/');
    let full = address.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.authority().is_some()
            && uri.query().is_none()
    });
    if full {
        Ok(address.to_owned())
    } else {
        Err("it takes a full address, such as http://127.0.0.1:8080 or https://pictures.example.com".to_owned())
    }
}

/// The API's client.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    base: String,
    authorization: Option<HeaderValue>,
    http: Http,
}

/// A reply that is a refusal, in the words of its problem document (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The problem's code; `http-<status>` where there is none.
    pub(crate) code: String,
    /// What was wrong and what to do.
    pub(crate) detail: String,
}

impl Api {
    /// A client of this service.
    ///
    /// # Errors
    /// [`Fault::Usage`] where the token is none.
    pub(crate) fn new(args: &ApiArgs, http: Http) -> Result<Self, Fault> {
        let token = args.token.as_ref();
        Ok(Self {
            base: args.api.clone(),
            authorization: token.map_or(Ok(None), Token::authorization)?,
            http,
        })
    }

    /// Where it is.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Makes sure that there is a Sightline at the address.
    ///
    /// # Errors
    /// [`Fault::Unreachable`] where there is none.
    pub(crate) async fn check(&self) -> anyhow::Result<()> {
        let answer = self
            .http
            .send_once(self.request(&Method::GET, "/health", None)?)
            .await
            .map_err(|error| self.unreachable(&error))?;
        if answer.status == 404 || (answer.status == 200 && json(&answer).is_none()) {
            return Err(Fault::Unreachable(format!(
                "there is no Sightline API at {}; check --api (or SIGHTLINE_API)",
                self.base
            ))
            .into());
        }
        Ok(())
    }

    /// What to say when nobody is there.
    pub(crate) fn unreachable(&self, error: &Unanswered) -> Fault {
        Fault::Unreachable(format!(
            "{error}; start `sightline local`, or give the address of a running service with --api (or SIGHTLINE_API)"
        ))
    }

    /// Sends a request with patience.
    ///
    /// # Errors
    /// When nobody answers, or refuses who asks. Other refusals are answers.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        // Built here once so that what is wrong with it is told before it is sent.
        self.request(&method, path, body)?;
        let answer = self
            .http
            .send(async || {
                self.request(&method, path, body)
                    .map_err(|error| Unanswered {
                        host: self.base.clone(),
                        reason: error.to_string(),
                    })
            })
            .await
            .map_err(|error| self.unreachable(&error))?;
        if answer.status == 401 || (answer.status == 403 && self.authorization.is_none()) {
            let refusal = Refusal::read(&answer);
            return Err(Fault::Denied(format!(
                "{} refuses: {refusal} (set SIGHTLINE_TOKEN to an access token where it asks for sign-in)",
                self.base
            ))
            .into());
        }
        if answer.status == 403 {
            return Err(Fault::Denied(format!(
                "{} refuses: {}",
                self.base,
                Refusal::read(&answer)
            ))
            .into());
        }
        Ok(answer)
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Request<SdkBody>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
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
        request.body(body).context("the request cannot be made")
    }
}

impl Refusal {
    /// Reads a problem document, or makes one of what there is.
    pub(crate) fn read(answer: &Answer) -> Self {
        let problem = json(answer).unwrap_or_default();
        let text = |member: &str| problem.get(member).and_then(Value::as_str);
        Self {
            status: answer.status,
            code: text("code").map_or_else(|| format!("http-{}", answer.status), str::to_owned),
            detail: text("detail").or_else(|| text("message")).map_or_else(
                || format!("it answered HTTP {}", answer.status),
                str::to_owned,
            ),
        }
    }
}

/// The body of an answer as its type.
///
/// # Errors
/// When it is of another.
pub(crate) fn body<T: DeserializeOwned>(answer: &Answer) -> anyhow::Result<T> {
    serde_json::from_slice(&answer.body)
        .context("the service's reply cannot be read; is there another service at this address?")
}

fn json(answer: &Answer) -> Option<Value> {
    serde_json::from_slice(&answer.body)
        .ok()
        .filter(Value::is_object)
}

/// The path of an image's result. A key with empty, `.` or `..` segments goes as one segment, because clients and
/// proxies would resolve them.
pub(crate) fn results_path(key: &SourceKey) -> String {
    sightline_upload_api::results_path(key)
}

/// A value in a query.
pub(crate) fn query_value(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_full_and_lose_their_last_slash() {
        assert_eq!(
            base("https://a.example/stage/"),
            Ok("https://a.example/stage".to_owned())
        );
        for wrong in [
            "",
            "a.example",
            "ftp://a.example",
            "http://",
            "http://a/?b=c",
        ] {
            assert!(base(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_sent_with_its_scheme_or_not_given_at_all() {
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
        use crate::args::{Cli, Command};
        use clap::Parser as _;
        for given in ["secret word", "Bearer secret word", "sécret", "secret\u{1}"] {
            // clap takes it, so it cannot tell about it.
            let cli = Cli::try_parse_from(["sightline", "search", "--token", given]).unwrap();
            let shown = format!("{:?}", cli.command);
            assert!(
                shown.contains("Token") && !shown.contains("cret"),
                "{shown}"
            );
            let Command::Search(args) = cli.command else {
                panic!("another command")
            };
            let error = Api::new(&args.api, Http::new()).unwrap_err();
            assert!(matches!(error, Fault::Usage(_)), "{error:?}");
            let said = format!("{error} {error:?}");
            assert!(
                said.contains("SIGHTLINE_TOKEN") && !said.contains("cret"),
                "{said}"
            );
        }
    }

    #[test]
    fn refusals_are_told_in_their_own_words_or_by_their_status() {
        let answer = |body: &str| Answer {
            status: 413,
            headers: http::HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        };
        let refusal = Refusal::read(&answer(r#"{"code":"image-too-large","detail":"Smaller."}"#));
        assert_eq!(
            (refusal.code.as_str(), refusal.detail.as_str()),
            ("image-too-large", "Smaller.")
        );
        let refusal = Refusal::read(&answer("<html>"));
        assert_eq!(
            (refusal.code.as_str(), refusal.to_string().as_str()),
            ("http-413", "it answered HTTP 413")
        );
    }
}
