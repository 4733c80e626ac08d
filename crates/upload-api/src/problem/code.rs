//! The codes of problems.

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// Defines [`Code`] by one row each: what it means, its name on the wire, status and title.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $code:ident = $name:literal, $status:ident, $title:literal;)+) => {
        /// What happened. Codes are part of the contract: new ones may be added, none is renamed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
        #[serde(rename_all = "kebab-case")]
        pub(crate) enum Code {
            $($(#[doc = $doc])+ $code,)+
        }

        impl Code {
            /// Every code.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$code),+];

            /// The name on the wire.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)+
                }
            }

            /// The HTTP status of the reply.
            pub(crate) const fn status(self) -> StatusCode {
                match self {
                    $(Self::$code => StatusCode::$status,)+
                }
            }

            /// A short summary, the same for every problem with this code.
            pub(crate) const fn title(self) -> &'static str {
                match self {
                    $(Self::$code => $title,)+
                }
            }
        }
    };
}

codes! {
    /// The body is empty, not UTF-8 or not JSON.
    InvalidJson = "invalid-json", BAD_REQUEST, "The body is not valid JSON";
    /// The body is JSON, but not an object.
    NotAnObject = "not-an-object", BAD_REQUEST, "The body is not a JSON object";
    /// The body has more than `limit` bytes.
    BodyTooLarge = "body-too-large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The body has a `member` that is not in `allowed`.
    UnknownMember = "unknown-member", BAD_REQUEST, "The body has an unknown member";
    /// The required `member` is absent or null.
    MissingMember = "missing-member", BAD_REQUEST, "A required member is missing";
    /// The `member` has the wrong JSON type.
    WrongType = "wrong-type", BAD_REQUEST, "A member has the wrong type";
    /// `contentType` is not in `allowed`.
    UnsupportedContentType = "unsupported-content-type", UNSUPPORTED_MEDIA_TYPE, "The image type is not supported";
    /// `contentLength` is not a whole number above zero.
    InvalidContentLength = "invalid-content-length", BAD_REQUEST, "contentLength is not a size in bytes";
    /// The image has more than `limit` bytes.
    ImageTooLarge = "image-too-large", PAYLOAD_TOO_LARGE, "The image is too large";
    /// `image` is empty or not base64.
    InvalidBase64 = "invalid-base64", BAD_REQUEST, "The image is not valid base64";
    /// `sha256` is not 64 hexadecimal digits.
    InvalidSha256 = "invalid-sha256", BAD_REQUEST, "sha256 is not a SHA-256 digest";
    /// `analyses` is an empty list.
    NoAnalyses = "no-analyses", BAD_REQUEST, "The list of analyses is empty";
    /// `analyses` has a name that is no analysis; `allowed` lists those that this service offers.
    UnknownAnalysis = "unknown-analysis", BAD_REQUEST, "The analysis does not exist";
    /// `analyses` has an analysis that this service is not configured for; `allowed` lists those that it offers.
    AnalysisNotEnabled = "analysis-not-enabled", BAD_REQUEST, "The analysis is not enabled";
    /// The query parameter `member` is unknown, repeated, out of range or not allowed with another one; `allowed` lists
    /// the accepted values if they can be listed.
    InvalidParameter = "invalid-parameter", BAD_REQUEST, "A query parameter is not valid";
    /// The `cursor` did not come from this service, or belongs to another list.
    InvalidCursor = "invalid-cursor", BAD_REQUEST, "The cursor is not valid";
    /// Every caller has images of their own here, and the request does not say who the caller is.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Sign-in is required";
    /// The service does not let anyone do this.
    Forbidden = "forbidden", FORBIDDEN, "The operation is not allowed";
    /// The route is for guests, and no guest of this service signed the request.
    NoGuestIdentity = "no-guest-identity", FORBIDDEN, "The request has no guest identity";
    /// The request did not come through the site's own address.
    NotThroughSite = "not-through-site", FORBIDDEN, "The request did not come through the site";
    /// The key in the path is outside the prefixes of images, names a folder, is too long or is not UTF-8.
    InvalidKey = "invalid-key", BAD_REQUEST, "The key is not valid";
    /// The key has neither an image nor a result.
    NoSuchUpload = "no-such-upload", NOT_FOUND, "No upload has this key";
    /// The key has no analysed image.
    NoSuchImage = "no-such-image", NOT_FOUND, "No analysed image has this key";
    /// The image with this key has no thumbnail.
    NoSuchThumbnail = "no-such-thumbnail", NOT_FOUND, "No thumbnail exists for this key";
    /// The code of the handover is unknown, has expired or was taken.
    HandoverNotFound = "handover-not-found", NOT_FOUND, "The handover does not exist";
    /// The path does not exist; `allowed` lists the paths that do.
    NoSuchPath = "no-such-path", NOT_FOUND, "The path does not exist";
    /// The path does not support the method; `allowed` and the header `Allow` list those that it supports.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "The path does not support this method";
    /// The stored result is not a result document.
    ResultUnreadable = "result-unreadable", INTERNAL_SERVER_ERROR, "The stored result cannot be read";
    /// A bucket rejected the request; trying again does not help.
    StoreFailed = "store-failed", BAD_GATEWAY, "The storage rejected the request";
    /// A bucket is busy or cannot be reached; try again after `Retry-After` seconds.
    StoreUnavailable = "store-unavailable", SERVICE_UNAVAILABLE, "The storage is not available";
    /// The disk is full, so nothing can be stored until there is space again.
    DiskFull = "disk-full", INSUFFICIENT_STORAGE, "The disk is full";
    /// The service has no index, so it cannot list images.
    NoIndex = "no-index", NOT_IMPLEMENTED, "The service has no search index";
    /// The index rejected the request; trying again does not help.
    IndexFailed = "index-failed", BAD_GATEWAY, "The search index rejected the request";
    /// The index is busy or cannot be reached; try again after `Retry-After` seconds.
    IndexUnavailable = "index-unavailable", SERVICE_UNAVAILABLE, "The search index is not available";
    /// The recogniser is busy, slow or cannot be reached; try again after `Retry-After` seconds.
    RecogniserUnavailable = "recogniser-unavailable", SERVICE_UNAVAILABLE, "The recogniser is not available";
    /// Decoding the image took longer than a request may; `POST /uploads` allows more time.
    PreparationTimeout = "preparation-timeout", SERVICE_UNAVAILABLE, "The image took too long to decode";
    /// Too many event streams are open; try again after `Retry-After` seconds.
    TooManyStreams = "too-many-streams", SERVICE_UNAVAILABLE, "Too many event streams are open";
    /// The daily limit on analyses is reached; `Retry-After` says how long it is until midnight UTC.
    DailyLimitReached = "daily-limit-reached", TOO_MANY_REQUESTS, "The daily limit on analyses is reached";
    /// The caller's own daily limit on analyses is reached; `Retry-After` says how long it is until midnight UTC.
    OwnerDailyLimitReached = "owner-daily-limit-reached", TOO_MANY_REQUESTS, "Your daily limit on analyses is reached";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_has_its_own_name_and_an_error_status() {
        let mut names = BTreeSet::new();
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
            assert!(names.insert(code.name()));
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert!(!code.title().is_empty());
        }
        let schema = serde_json::to_value(<Code as utoipa::PartialSchema>::schema()).unwrap();
        assert_eq!(schema["enum"].as_array().unwrap().len(), Code::ALL.len());
    }
}
