//! The body of `POST /images`.

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::{Map, Value, json};
use sightline_pipeline::{Analyses, Analysis, config::UploadApiConfig, prepare::size::over_limit};
use utoipa::ToSchema;

use crate::{
    Code, Problem,
    request::{
        body::BodyLimit,
        json_members::{self, missing, string, take, wrong_type},
    },
};

/// The members of the body, as [`ImageRequest`] describes them.
pub(crate) const MEMBERS: [&str; 3] = ["image", "filename", "analyses"];

/// The largest decoded image, in bytes. As base64 it fits into the 6 MB of a Lambda function's request (AWS Lambda Developer
/// Guide, "Lambda quotas"), and decoded into Rekognition's.
pub(crate) const MAX_IMAGE_BYTES: usize = 4 * 1024 * 1024;

/// The largest image in base64, with line breaks, fits.
pub(super) const BODY_LIMIT: BodyLimit = BodyLimit {
    bytes: 6 * 1024 * 1024,
    text: "6 MiB",
    advice: USE_UPLOADS,
};

/// What to do with an image that is too large for a request.
const USE_UPLOADS: &str = "Send larger images with POST /uploads.";

/// What `image` holds.
const IMAGE: &str = "the image's bytes in base64";

/// Programs differ in whether they write the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An image to analyse at once.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ImageRequest {
    /// The image's bytes in base64, at most 4 MiB once decoded. White space and the start of a data URL
    /// (`data:image/jpeg;base64,`) are skipped. The bytes themselves decide the format.
    #[schema(value_type = String, format = "byte", min_length = 1, example = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwME")]
    pub(super) image: Vec<u8>,
    /// The image's file name, as in `POST /uploads`.
    #[schema(example = "my cat.jpg")]
    pub(super) filename: Option<String>,
    /// The analyses to run, as in `POST /uploads`.
    #[schema(value_type = Option<Vec<Analysis>>, min_items = 1, example = json!(["labels"]))]
    pub(super) analyses: Option<Analyses>,
}

impl ImageRequest {
    pub(super) fn parse(
        mut body: Map<String, Value>,
        config: &UploadApiConfig,
    ) -> Result<Self, Problem> {
        json_members::reject_unknown(&body, &MEMBERS)?;
        let mut take = |member| take(&mut body, member);
        Ok(Self {
            image: image(take("image"))?,
            filename: json_members::filename(take("filename"))?,
            analyses: json_members::analyses(take("analyses"), &config.analyses)?,
        })
    }
}

fn image(value: Option<Value>) -> Result<Vec<u8>, Problem> {
    let value = value.ok_or_else(|| missing("image", IMAGE))?;
    let mut text = string("image", value)?;
    text.retain(|c| !c.is_ascii_whitespace());
    let encoded = match text.strip_prefix("data:") {
        None => Some(text.as_str()),
        Some(rest) => rest
            .split_once(',')
            .filter(|(head, _)| head.to_ascii_lowercase().ends_with(";base64"))
            .map(|(_, data)| data),
    };
    let bytes = encoded
        .and_then(|encoded| BASE64.decode(encoded).ok())
        .ok_or_else(not_base64)?;
    match bytes.len() {
        0 => Err(empty()),
        length if length > MAX_IMAGE_BYTES => Err(too_large(length)),
        _ => Ok(bytes),
    }
}

fn not_base64() -> Problem {
    Problem::new(
        Code::InvalidBase64,
        "image is not base64. Send the file's bytes in base64 with the standard alphabet (RFC 4648, section 4), as `base64` prints them.",
    )
    .member("image")
}

fn empty() -> Problem {
    Problem::new(
        Code::InvalidBase64,
        format!("image is empty. Send {IMAGE}."),
    )
    .member("image")
}

fn too_large(length: usize) -> Problem {
    Problem::new(
        Code::ImageTooLarge,
        format!(
            "The image is {}. {USE_UPLOADS}",
            over_limit(length as u64, MAX_IMAGE_BYTES as u64)
        ),
    )
    .member("image")
    .limit(MAX_IMAGE_BYTES as u64)
}

/// What can be wrong with the image in the body.
pub(super) fn problems() -> Vec<Problem> {
    vec![
        missing("image", IMAGE),
        wrong_type("image", "a string", &json!([137, 80, 78, 71])),
        not_base64(),
        too_large(6_000_000),
    ]
}
