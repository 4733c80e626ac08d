//! The OpenAPI description, generated from the handlers and the types they speak.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::{
    IntoResponses, OpenApi, PartialSchema,
    openapi::{
        ContentBuilder, HeaderBuilder, Ref, RefOr,
        example::ExampleBuilder,
        response::{Response, ResponseBuilder},
    },
};

use crate::{
    Code, Problem,
    problem::{CONTENT_TYPE_PROBLEM, Document, RETRY_AFTER_SECONDS},
    routes,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sightline",
        description = "Tells what is in your pictures: ask for an upload address, put an image there, read a JSON document that says what it shows.\n\nEvery error is a problem document (RFC 9457, `application/problem+json`) with a stable `code`. Every reply carries `x-request-id`, which names the request in the service's log.",
    ),
    paths(
        routes::uploads::create,
        routes::images::create,
        routes::listing::images,
        routes::image::read,
        routes::image::delete,
        routes::listing::labels,
        routes::results::read,
        routes::thumbnails::read,
        routes::health::health,
        routes::schema::schema
    ),
    components(schemas(Document)),
    tags(
        (name = "images", description = "Images and what they show."),
        (name = "service", description = "The service itself.")
    )
)]
struct Description;

/// The description as indented JSON with a newline at its end, the same for every run.
#[must_use]
pub fn openapi() -> String {
    // Serialising plain data to a string has nothing that could fail.
    let mut document = Description::openapi().to_pretty_json().unwrap_or_default();
    document.push('\n');
    document
}

/// What can go wrong with any request.
const ANY: &[Code] = &[Code::MethodNotAllowed];

/// What can go wrong with `POST /uploads`.
pub(crate) const UPLOADS: &[Code] = &[
    Code::InvalidJson,
    Code::NotAnObject,
    Code::UnknownMember,
    Code::MissingMember,
    Code::WrongType,
    Code::InvalidContentLength,
    Code::InvalidSha256,
    Code::NoAnalyses,
    Code::UnknownAnalysis,
    Code::AnalysisNotEnabled,
    Code::Unauthenticated,
    Code::MethodNotAllowed,
    Code::BodyTooLarge,
    Code::ImageTooLarge,
    Code::UnsupportedContentType,
    Code::StoreFailed,
    Code::StoreUnavailable,
];

/// What can go wrong with `POST /images`.
pub(crate) const IMAGES: &[Code] = &[
    Code::InvalidJson,
    Code::NotAnObject,
    Code::UnknownMember,
    Code::MissingMember,
    Code::WrongType,
    Code::InvalidBase64,
    Code::NoAnalyses,
    Code::UnknownAnalysis,
    Code::AnalysisNotEnabled,
    Code::Unauthenticated,
    Code::MethodNotAllowed,
    Code::BodyTooLarge,
    Code::ImageTooLarge,
    Code::StoreFailed,
    Code::IndexFailed,
    Code::StoreUnavailable,
    Code::IndexUnavailable,
    Code::RecogniserUnavailable,
    Code::PreparationTimeout,
    Code::DailyLimitReached,
];

/// What can go wrong with `GET /images`.
pub(crate) const LISTING: &[Code] = &[
    Code::InvalidParameter,
    Code::InvalidCursor,
    Code::Unauthenticated,
    Code::Forbidden,
    Code::MethodNotAllowed,
    Code::NoIndex,
    Code::StoreFailed,
    Code::IndexFailed,
    Code::StoreUnavailable,
    Code::IndexUnavailable,
];

/// What can go wrong with `GET /images/{key}`.
pub(crate) const DETAILS: &[Code] = &[
    Code::InvalidKey,
    Code::Unauthenticated,
    Code::NoSuchImage,
    Code::MethodNotAllowed,
    Code::ResultUnreadable,
    Code::StoreFailed,
    Code::StoreUnavailable,
];

/// What can go wrong with `DELETE /images/{key}`.
pub(crate) const REMOVAL: &[Code] = &[
    Code::InvalidKey,
    Code::Unauthenticated,
    Code::Forbidden,
    Code::NoSuchImage,
    Code::MethodNotAllowed,
    Code::StoreFailed,
    Code::IndexFailed,
    Code::StoreUnavailable,
    Code::IndexUnavailable,
];

/// What can go wrong with `GET /labels`.
pub(crate) const LABELS: &[Code] = &[
    Code::Unauthenticated,
    Code::Forbidden,
    Code::MethodNotAllowed,
    Code::NoIndex,
    Code::IndexFailed,
    Code::IndexUnavailable,
];

/// What can go wrong with `GET /results/{key}`.
pub(crate) const RESULTS: &[Code] = &[
    Code::InvalidKey,
    Code::NoSuchUpload,
    Code::Unauthenticated,
    Code::MethodNotAllowed,
    Code::ResultUnreadable,
    Code::StoreFailed,
    Code::StoreUnavailable,
];

/// What can go wrong with `GET /thumbnails/{key}`.
pub(crate) const THUMBNAILS: &[Code] = &[
    Code::InvalidKey,
    Code::NoSuchThumbnail,
    Code::Unauthenticated,
    Code::MethodNotAllowed,
    Code::StoreFailed,
    Code::StoreUnavailable,
];

/// Names lists of codes, so that the descriptions of operations can.
macro_rules! problems {
    ($($(#[$meta:meta])* $name:ident: $codes:ident),+ $(,)?) => {$(
        $(#[$meta])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                responses($codes)
            }
        }
    )+};
}

problems! {
    /// The problems of every operation.
    AnyProblems: ANY,
    /// The problems of `POST /uploads`.
    UploadProblems: UPLOADS,
    /// The problems of `POST /images`.
    ImageProblems: IMAGES,
    /// The problems of `GET /images`.
    ListProblems: LISTING,
    /// The problems of `GET /images/{key}`.
    DetailProblems: DETAILS,
    /// The problems of `DELETE /images/{key}`.
    RemovalProblems: REMOVAL,
    /// The problems of `GET /labels`.
    LabelProblems: LABELS,
    /// The problems of `GET /results/{key}`.
    ResultProblems: RESULTS,
    /// The problems of `GET /thumbnails/{key}`.
    ThumbnailProblems: THUMBNAILS,
}

/// One response for each status, with an example for each code.
fn responses(codes: &[Code]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status
            .entry(code.status().as_u16())
            .or_default()
            .push(*code);
    }
    by_status
        .into_iter()
        .map(|(status, codes)| (status.to_string(), response(&codes).into()))
        .collect()
}

fn response(codes: &[Code]) -> Response {
    let described: Vec<_> = codes
        .iter()
        .map(|code| format!("`{}`: {}.", code.name(), code.title()))
        .collect();
    let examples = codes.iter().map(|code| {
        let example = ExampleBuilder::new()
            .summary(code.title())
            .value(serde_json::to_value(example(*code)).ok());
        (code.name(), example)
    });
    let mut response = ResponseBuilder::new()
        .description(described.join(" "))
        .content(
            CONTENT_TYPE_PROBLEM,
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .examples_from_iter(examples)
                .build(),
        );
    let waits = [
        Code::StoreUnavailable,
        Code::IndexUnavailable,
        Code::DailyLimitReached,
    ];
    if codes.iter().any(|code| waits.contains(code)) {
        response = response.header(
            "Retry-After",
            header(u32::schema(), "Seconds to wait before trying again."),
        );
    }
    if codes.contains(&Code::MethodNotAllowed) {
        response = response.header(
            "Allow",
            header(String::schema(), "The methods that the path takes."),
        );
    }
    response.build()
}

fn header(
    schema: RefOr<utoipa::openapi::Schema>,
    description: &str,
) -> utoipa::openapi::header::Header {
    HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some(description))
        .build()
}

/// What a problem with this code looks like.
fn example(code: Code) -> Problem {
    let problem = |detail: &str| Problem::new(code, detail);
    let analyses = ["labels", "image-properties"];
    match code {
        Code::InvalidJson => problem("The body is not JSON: expected value at line 1 column 1."),
        Code::NotAnObject => problem("The body is a list. Send a JSON object."),
        Code::BodyTooLarge => problem("The body may be 16384 bytes long. Send only the description here; the image itself goes to uploadUrl.").limit(16_384),
        Code::UnknownMember => problem("\"fileName\" is no member of this request; its members are contentType, contentLength, filename, sha256, analyses.")
            .member("fileName")
            .allowed(routes::uploads::MEMBERS),
        Code::MissingMember => problem("contentLength is missing; it takes the image's length in bytes.").member("contentLength"),
        Code::WrongType => problem("contentLength takes a number, and it is a string.").member("contentLength"),
        Code::UnsupportedContentType => problem("\"image/svg+xml\" is not an accepted image type; convert the image to one of image/jpeg, image/png, image/webp, image/gif, image/bmp, image/tiff, image/avif, image/heic.")
            .member("contentType")
            .allowed(sightline_pipeline::MediaType::ALL.map(sightline_pipeline::MediaType::content_type)),
        Code::InvalidContentLength => problem("contentLength is 0; it takes the image's length in bytes, a whole number from 1 to 15728640.")
            .member("contentLength")
            .limit(15_728_640),
        Code::ImageTooLarge => problem("The image has 20000000 bytes and may have 15728640. Make it smaller and ask again.")
            .member("contentLength")
            .limit(15_728_640),
        Code::InvalidBase64 => problem(routes::images::NOT_BASE64).member("image"),
        Code::InvalidSha256 => problem("\"9f86d0\" is not a SHA-256 in 64 hexadecimal digits, as `sha256sum` prints it.").member("sha256"),
        Code::NoAnalyses => problem("analyses is empty, so there is nothing to find out; name one or leave the member out to get all that are enabled.")
            .member("analyses")
            .allowed(analyses),
        Code::UnknownAnalysis => problem("\"cats\" is no analysis; this service answers labels, image-properties.")
            .member("analyses")
            .allowed(analyses),
        Code::AnalysisNotEnabled => problem("The analysis faces is not enabled here; this service answers labels, image-properties.")
            .member("analyses")
            .allowed(analyses),
        Code::InvalidKey => problem("The key \"cat.jpg\" is under neither uploads/ nor inline/, so it names no image."),
        Code::InvalidParameter => problem("limit is \"many\"; it takes a number from 1 to 100.").member("limit"),
        Code::InvalidCursor => problem("The cursor is none of this service's, or belongs to another search. Begin again without one.").member("cursor"),
        Code::Unauthenticated => problem("This service keeps everybody's images apart and cannot tell who you are. Sign in and send the token as \"Authorization: Bearer …\"."),
        Code::Forbidden => problem("Here nobody lists images: who knows an image's key reads it, and that is all (ACCESS is unlisted)."),
        Code::NoSuchImage => problem("There is no analysed image under this key. GET /results/{key} tells whether its result is still to come."),
        Code::NoIndex => problem("This service keeps no index of its images, so it can list none. Who runs it can give it one: INDEX_TABLE names a DynamoDB table."),
        Code::IndexFailed => problem("The index behind this service refused the request. Trying again will not help; tell who runs the service the x-request-id of this reply."),
        Code::IndexUnavailable => problem(&format!("The index behind this service is not answering. Try again in {RETRY_AFTER_SECONDS} seconds.")),
        Code::NoSuchUpload => problem("There is no image under this key. If it came from POST /uploads, send the image to its uploadUrl first; if that is done, check the key."),
        Code::NoSuchThumbnail => problem("There is no thumbnail of an image with this key. Ask by the image's own key; `thumbnail` in its result says whether there is one."),
        Code::NoSuchPath => problem("There is nothing at \"/upload\". GET /openapi.json describes what there is."),
        Code::MethodNotAllowed => problem("This path does not take \"DELETE\"; it takes GET, HEAD, OPTIONS.").allowed(["GET", "HEAD", "OPTIONS"]),
        Code::ResultUnreadable => problem("The stored result is not a result document. Upload the image again to have it written anew."),
        Code::StoreFailed => problem("The storage behind this service refused the request. Trying again will not help; tell who runs the service the x-request-id of this reply."),
        Code::StoreUnavailable => problem(&format!("The storage behind this service is not answering. Try again in {RETRY_AFTER_SECONDS} seconds.")),
        Code::DailyLimitReached => problem("Today's 10000 analyses are used up; send the picture again after midnight UTC, or ask whoever runs the service to raise MAX_DAILY_ANALYSES."),
        Code::PreparationTimeout => problem("The image was not decoded within the time that one in a request has, and nothing was stored. Ask POST /uploads for an address and send the image there."),
        Code::RecogniserUnavailable => problem(&format!("The recogniser behind this service is not answering, and nothing was stored. Send the image again in {RETRY_AFTER_SECONDS} seconds.")),
    }
}

/// What `POST /images` answers.
pub(crate) fn example_answer() -> Value {
    let mut result = example_document();
    let key = "inline/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg";
    if let Some(of_source) = result.pointer_mut("/source/key") {
        *of_source = json!(key);
    }
    json!({
        "message": "The image was analysed.",
        "imageId": "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11",
        "key": key,
        "rekognitionLabels": result.pointer("/rekognition/detectLabels/Labels"),
        "resultKey": format!("results/{key}.json"),
        "statusUrl": format!("https://pictures.example.com/results/{key}"),
        "result": result
    })
}

/// An image as it is listed.
pub(crate) fn example_image() -> Value {
    json!({
        "key": "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg",
        "imageId": "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11",
        "status": "succeeded",
        "uploadedAt": "2026-01-01T12:00:00Z",
        "processedAt": "2026-01-01T12:00:01.5Z",
        "filename": "my cat.jpg",
        "contentType": "image/jpeg",
        "size": 183_421,
        "width": 1600,
        "height": 1200,
        "labels": [{"name": "Cat", "confidence": 97.4}],
        "categories": ["Animals and Pets"],
        "confidence": 97.4,
        "thumbnail": {
            "url": "https://output.s3.eu-west-1.amazonaws.com/thumbnails/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0123456789abcdef",
            "width": 128,
            "height": 96
        }
    })
}

/// What `GET /images/{key}` answers.
pub(crate) fn example_details() -> Value {
    let mut image = example_image();
    if let Some(image) = image.as_object_mut() {
        image.remove("confidence");
        for (name, value) in [
            (
                "imageUrl",
                "https://input.s3.eu-west-1.amazonaws.com/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0123456789abcdef",
            ),
            (
                "resultUrl",
                "https://output.s3.eu-west-1.amazonaws.com/results/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg.json?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0123456789abcdef",
            ),
            ("expiresAt", "2026-01-01T12:15:00Z"),
        ] {
            image.insert(name.to_owned(), json!(value));
        }
    }
    image
}

/// A small but whole result document.
pub(crate) fn example_document() -> Value {
    json!({
        "schemaVersion": 1,
        "imageId": "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11",
        "status": "succeeded",
        "source": {
            "bucket": "input",
            "key": "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg",
            "eTag": "9b2cf535f27731c974343645a3985328",
            "size": 183_421,
            "contentType": "image/jpeg",
            "filename": "my cat.jpg"
        },
        "image": {"format": "jpeg", "width": 1600, "height": 1200, "orientation": 1},
        "summary": {
            "labels": ["Cat"],
            "categories": ["Animals and Pets"],
            "text": [],
            "moderation": []
        },
        "rekognition": {
            "detectLabels": {
                "Labels": [{
                    "Name": "Cat",
                    "Confidence": 97.4,
                    "Instances": [{
                        "BoundingBox": {"Width": 0.42, "Height": 0.61, "Left": 0.3, "Top": 0.22},
                        "Confidence": 97.4
                    }],
                    "Parents": [{"Name": "Animal"}],
                    "Aliases": [],
                    "Categories": [{"Name": "Animals and Pets"}]
                }],
                "LabelModelVersion": "3.0"
            }
        },
        "errors": [],
        "analyses": ["labels"],
        "timings": {"waitedMs": 120, "prepareMs": 14, "recogniseMs": 310, "totalMs": 331},
        "processedAt": "2026-01-01T12:00:01.5Z",
        "processorVersion": "0.1.0"
    })
}
