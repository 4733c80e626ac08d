//! Cross-origin rules of buckets, as S3 applies them.
//!
//! S3 answers a browser's preflight without credentials. It uses the first rule that allows the origin, the method and
//! every requested header. One `*` in an origin or header matches any characters.
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

/// How long a browser may cache a preflight, in seconds.
const MAX_AGE_SECONDS: u32 = 3000;

/// The `Vary` header of every response of a bucket with rules.
const VARIES: &str = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

/// The rules of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketCors {
    /// The bucket's name.
    pub(crate) bucket: String,
    /// The first rule that matches applies.
    pub(crate) rules: Vec<CorsRule>,
}

/// What web pages of some origins may do with a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CorsRule {
    /// Origins such as `https://example.org`; one `*` matches any characters.
    pub(crate) allowed_origins: Vec<String>,
    /// Methods such as `PUT`.
    pub(crate) allowed_methods: Vec<Method>,
    /// Request headers, in any case; one `*` matches any characters.
    pub(crate) allowed_headers: Vec<String>,
    /// Response headers that the page may read.
    pub(crate) exposed_headers: Vec<String>,
    /// How long a browser may cache a preflight, in seconds.
    pub(crate) max_age_seconds: Option<u32>,
}

impl BucketCors {
    /// Lets pages of these origins upload objects with a presigned URL, read the response's ETag, and download them.
    pub fn for_uploads<I: Into<String>>(
        bucket: impl Into<String>,
        origins: impl IntoIterator<Item = I>,
    ) -> Self {
        Self::with_methods(bucket, origins, [Method::PUT, Method::GET, Method::HEAD])
    }

    /// Lets pages of these origins download objects with a presigned URL.
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

    /// The headers of the response to a preflight, or `None` if it is not allowed.
    pub(crate) fn preflight(&self, request: &HeaderMap) -> Option<HeaderMap> {
        let origin = request.get(ORIGIN)?;
        let method = request.get(ACCESS_CONTROL_REQUEST_METHOD)?.to_str().ok()?;
        let headers = match request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            Some(headers) => headers.to_str().ok()?,
            None => "",
        };
        let requested: Vec<&str> = headers
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect();
        let (rule, pattern) = self.rule_for(origin, method)?;
        let allowed = |name: &&str| {
            rule.allowed_headers
                .iter()
                .any(|pattern| matches(pattern, name, true))
        };
        if !requested.iter().all(allowed) {
            return None;
        }
        let mut response = rule.headers(origin, pattern);
        if !requested.is_empty() {
            set(
                &mut response,
                ACCESS_CONTROL_ALLOW_HEADERS,
                &requested.join(", ").to_ascii_lowercase(),
            );
        }
        Some(response)
    }

    /// Adds the headers that let the page read a response.
    pub(crate) fn apply(
        &self,
        method: &Method,
        origin: Option<&HeaderValue>,
        response: &mut HeaderMap,
    ) {
        match origin.and_then(|origin| Some((origin, self.rule_for(origin, method.as_str())?))) {
            Some((origin, (rule, pattern))) => response.extend(rule.headers(origin, pattern)),
            None => set(response, VARY, VARIES),
        }
    }

    /// The first rule that allows the method from the origin, and the pattern that matched.
    fn rule_for(&self, origin: &HeaderValue, method: &str) -> Option<(&CorsRule, &str)> {
        let origin = origin.to_str().ok()?;
        self.rules
            .iter()
            .filter(|rule| rule.allowed_methods.iter().any(|allowed| allowed == method))
            .find_map(|rule| {
                let pattern = rule
                    .allowed_origins
                    .iter()
                    .find(|pattern| matches(pattern, origin, false))?;
                Some((rule, pattern.as_str()))
            })
    }
}

impl CorsRule {
    fn headers(&self, origin: &HeaderValue, pattern: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if pattern == "*" {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(
                ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderValue::from_static("true"),
            );
        }
        let methods: Vec<&str> = self.allowed_methods.iter().map(Method::as_str).collect();
        set(
            &mut headers,
            ACCESS_CONTROL_ALLOW_METHODS,
            &methods.join(", "),
        );
        if !self.exposed_headers.is_empty() {
            set(
                &mut headers,
                ACCESS_CONTROL_EXPOSE_HEADERS,
                &self.exposed_headers.join(", "),
            );
        }
        if let Some(seconds) = self.max_age_seconds {
            headers.insert(ACCESS_CONTROL_MAX_AGE, seconds.into());
        }
        set(&mut headers, VARY, VARIES);
        headers
    }
}

/// Sets a header. Ignores a value that a header cannot have.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Whether `text` matches a pattern with at most one `*`.
pub(crate) fn matches(pattern: &str, text: &str, ignore_case: bool) -> bool {
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
    fn a_preflight_from_an_allowed_origin_is_answered() {
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
    fn another_origin_method_or_header_is_rejected() {
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
    fn responses_vary_by_origin_even_without_one() {
        let cors = BucketCors::for_downloads("out", ["*"]);
        let mut answer = HeaderMap::new();
        cors.apply(&Method::GET, None, &mut answer);
        assert_eq!(answer.len(), 1);
        assert!(answer.contains_key(VARY));

        let origin = HeaderValue::from_static("https://example.org");
        cors.apply(&Method::GET, Some(&origin), &mut answer);
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!answer.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));

        let mut rejected = HeaderMap::new();
        cors.apply(&Method::PUT, Some(&origin), &mut rejected);
        assert!(!rejected.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }

    #[test]
    fn patterns() {
        assert!(matches(
            "https://*.example.org",
            "https://www.example.org",
            false
        ));
        assert!(!matches(
            "https://*.example.org",
            "https://example.org",
            false
        ));
        assert!(!matches("ab*ba", "aba", false));
        assert!(!matches("x-amz-*", "X-Amz-Date", false));
        assert!(matches("*", "", true));
    }
}
