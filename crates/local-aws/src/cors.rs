//! Cross-origin rules of buckets, as S3 keeps and applies them.
//!
//! S3 answers a browser's preflight without credentials, and picks the first rule that allows the origin, the
//! method and every header asked for; `*` stands once in an origin or header for any characters.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html>

use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
        ORIGIN, VARY,
    },
};

/// How long a browser may remember a preflight, in seconds.
const MAX_AGE_SECONDS: u32 = 3000;

/// What every answer of a bucket with rules depends on.
const VARIES: &str = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

/// The rules of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketCors {
    /// The bucket's name.
    pub bucket: String,
    /// The first that fits applies.
    pub rules: Vec<CorsRule>,
}

/// What pages of some origins may do with a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsRule {
    /// Origins such as `https://example.org`; `*` may stand for any characters, once.
    pub allowed_origins: Vec<String>,
    /// Methods such as `PUT`.
    pub allowed_methods: Vec<Method>,
    /// Request headers, in any case; `*` may stand for any characters, once.
    pub allowed_headers: Vec<String>,
    /// Answer headers that the page may read.
    pub exposed_headers: Vec<String>,
    /// How long a browser may remember the answer to a preflight, in seconds.
    pub max_age_seconds: Option<u32>,
}

impl BucketCors {
    /// Lets pages of these origins put objects with a presigned address, read the ETag of the answer, and get them
    /// back.
    pub fn for_uploads<I: Into<String>>(
        bucket: impl Into<String>,
        origins: impl IntoIterator<Item = I>,
    ) -> Self {
        Self::with_methods(bucket, origins, [Method::PUT, Method::GET, Method::HEAD])
    }

    /// Lets pages of these origins get objects with a presigned address.
    pub fn for_downloads<I: Into<String>>(
        bucket: impl Into<String>,
        origins: impl IntoIterator<Item = I>,
    ) -> Self {
        Self::with_methods(bucket, origins, [Method::GET, Method::HEAD])
    }

    fn with_methods<I: Into<String>>(
        bucket: impl Into<String>,
        origins: impl IntoIterator<Item = I>,
        methods: impl Into<Vec<Method>>,
    ) -> Self {
        let rule = CorsRule {
            allowed_origins: origins.into_iter().map(Into::into).collect(),
            allowed_methods: methods.into(),
            allowed_headers: vec!["*".to_owned()],
            exposed_headers: vec!["ETag".to_owned()],
            max_age_seconds: Some(MAX_AGE_SECONDS),
        };
        Self {
            bucket: bucket.into(),
            rules: vec![rule],
        }
    }

    /// The headers that answer a preflight, or `None` when it is refused.
    pub(crate) fn preflight(&self, request: &HeaderMap) -> Option<HeaderMap> {
        let origin = request.get(ORIGIN)?;
        let method = request.get(ACCESS_CONTROL_REQUEST_METHOD)?.to_str().ok()?;
        let headers = match request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            Some(headers) => headers.to_str().ok()?,
            None => "",
        };
        let wanted: Vec<&str> = headers
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect();
        let (rule, pattern) = self.rule_for(origin, method)?;
        let allowed = |name: &&str| {
            rule.allowed_headers
                .iter()
                .any(|pattern| fits(pattern, name, true))
        };
        if !wanted.iter().all(allowed) {
            return None;
        }
        let mut answer = rule.answer(origin, pattern);
        if !wanted.is_empty() {
            set(
                &mut answer,
                ACCESS_CONTROL_ALLOW_HEADERS,
                &wanted.join(", ").to_ascii_lowercase(),
            );
        }
        Some(answer)
    }

    /// Adds to an answer what lets the page read it.
    pub(crate) fn apply(
        &self,
        method: &Method,
        origin: Option<&HeaderValue>,
        answer: &mut HeaderMap,
    ) {
        match origin.and_then(|origin| Some((origin, self.rule_for(origin, method.as_str())?))) {
            Some((origin, (rule, pattern))) => answer.extend(rule.answer(origin, pattern)),
            None => set(answer, VARY, VARIES),
        }
    }

    /// The first rule that allows the method from the origin, and the pattern that the origin fits.
    fn rule_for(&self, origin: &HeaderValue, method: &str) -> Option<(&CorsRule, &str)> {
        let origin = origin.to_str().ok()?;
        self.rules
            .iter()
            .filter(|rule| rule.allowed_methods.iter().any(|allowed| allowed == method))
            .find_map(|rule| {
                let pattern = rule
                    .allowed_origins
                    .iter()
                    .find(|pattern| fits(pattern, origin, false))?;
                Some((rule, pattern.as_str()))
            })
    }
}

impl CorsRule {
    fn answer(&self, origin: &HeaderValue, pattern: &str) -> HeaderMap {
        let mut answer = HeaderMap::new();
        if pattern == "*" {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            answer.insert(
                ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderValue::from_static("true"),
            );
        }
        let methods: Vec<&str> = self.allowed_methods.iter().map(Method::as_str).collect();
        set(
            &mut answer,
            ACCESS_CONTROL_ALLOW_METHODS,
            &methods.join(", "),
        );
        if !self.exposed_headers.is_empty() {
            set(
                &mut answer,
                ACCESS_CONTROL_EXPOSE_HEADERS,
                &self.exposed_headers.join(", "),
            );
        }
        if let Some(seconds) = self.max_age_seconds {
            answer.insert(ACCESS_CONTROL_MAX_AGE, seconds.into());
        }
        set(&mut answer, VARY, VARIES);
        answer
    }
}

/// Sets a header; a value that no header can have is left out.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Whether `text` fits a pattern with at most one `*`.
fn fits(pattern: &str, text: &str, ignore_case: bool) -> bool {
    let same = |pattern: &str, text: &str| {
        if ignore_case {
            pattern.eq_ignore_ascii_case(text)
        } else {
            pattern == text
        }
    };
    match pattern.split_once('*') {
        None => same(pattern, text),
        Some((start, end)) => {
            text.len() >= start.len() + end.len()
                && text
                    .get(..start.len())
                    .is_some_and(|head| same(start, head))
                && text
                    .get(text.len() - end.len()..)
                    .is_some_and(|tail| same(end, tail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preflight(
        cors: &BucketCors,
        origin: &str,
        method: &str,
        headers: &str,
    ) -> Option<HeaderMap> {
        let mut request = HeaderMap::new();
        request.insert(ORIGIN, origin.parse().unwrap());
        request.insert(ACCESS_CONTROL_REQUEST_METHOD, method.parse().unwrap());
        request.insert(ACCESS_CONTROL_REQUEST_HEADERS, headers.parse().unwrap());
        cors.preflight(&request)
    }

    #[test]
    fn a_preflight_from_an_allowed_origin_is_told_what_it_may_send() {
        let cors = BucketCors::for_uploads("in", ["http://127.0.0.1:8080"]);
        let answer = preflight(
            &cors,
            "http://127.0.0.1:8080",
            "PUT",
            "Content-Type, x-amz-meta-filename",
        )
        .unwrap();
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "http://127.0.0.1:8080");
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_METHODS], "PUT, GET, HEAD");
        assert_eq!(
            answer[ACCESS_CONTROL_ALLOW_HEADERS],
            "content-type, x-amz-meta-filename"
        );
        assert_eq!(answer[ACCESS_CONTROL_EXPOSE_HEADERS], "ETag");
        assert_eq!(answer[ACCESS_CONTROL_MAX_AGE], "3000");
        assert!(answer[VARY].to_str().unwrap().contains("Origin"));
    }

    #[test]
    fn another_origin_method_or_header_is_refused() {
        let mut cors = BucketCors::for_uploads("in", ["http://127.0.0.1:8080"]);
        assert_eq!(
            preflight(&cors, "http://evil.example", "PUT", "content-type"),
            None
        );
        assert_eq!(
            preflight(&cors, "http://127.0.0.1:8080", "DELETE", "content-type"),
            None
        );
        assert_eq!(
            preflight(&cors, "http://127.0.0.1:80801", "PUT", "content-type"),
            None
        );
        cors.rules[0].allowed_headers = vec!["x-amz-*".to_owned()];
        assert_eq!(
            preflight(
                &cors,
                "http://127.0.0.1:8080",
                "PUT",
                "x-amz-date, content-type"
            ),
            None
        );
        assert!(preflight(&cors, "http://127.0.0.1:8080", "PUT", "X-Amz-Date").is_some());
        assert_eq!(cors.preflight(&HeaderMap::new()), None);
    }

    #[test]
    fn answers_vary_by_origin_also_when_none_is_named() {
        let cors = BucketCors::for_downloads("out", ["*"]);
        let mut answer = HeaderMap::new();
        cors.apply(&Method::GET, None, &mut answer);
        assert_eq!(answer.len(), 1);
        assert!(answer.contains_key(VARY));

        let origin = HeaderValue::from_static("https://example.org");
        cors.apply(&Method::GET, Some(&origin), &mut answer);
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!answer.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));

        let mut refused = HeaderMap::new();
        cors.apply(&Method::PUT, Some(&origin), &mut refused);
        assert!(!refused.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }

    #[test]
    fn patterns() {
        assert!(fits(
            "https://*.example.org",
            "https://www.example.org",
            false
        ));
        assert!(!fits("https://*.example.org", "https://example.org", false));
        assert!(!fits("ab*ba", "aba", false));
        assert!(!fits("x-amz-*", "X-Amz-Date", false));
        assert!(fits("*", "", true));
    }
}
