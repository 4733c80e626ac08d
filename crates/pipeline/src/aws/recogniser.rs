//! [`Recogniser`] over Rekognition.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_rekognition::{
    Client,
    primitives::Blob,
    types::{Attribute, DetectLabelsFeatureName, Image, S3Object},
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::AfterDeserializationInterceptorContextRef},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;

use super::errors::Failure;
use crate::recogniser::{Call, Picture, Question, Recogniser, RecogniserError};

/// Amazon Rekognition, or the local endpoint.
#[derive(Debug, Clone)]
pub struct RekognitionRecogniser {
    client: Client,
}

impl RekognitionRecogniser {
    /// Over this client.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client }
    }
}

/// Sends one operation and gives the bytes of its answer, which the SDK's own types might not
/// know in full.
macro_rules! answer {
    ($operation:expr) => {{
        let body = ResponseBody::default();
        match $operation
            .customize()
            .interceptor(body.clone())
            .send()
            .await
        {
            Ok(_) => body.into_json(),
            Err(error) => Err(Failure::read(&error).into()),
        }
    }};
}

impl Recogniser for RekognitionRecogniser {
    async fn recognise(&self, call: &Call) -> Result<Value, RecogniserError> {
        let client = &self.client;
        let image = image(&call.picture);
        match &call.question {
            Question::Labels {
                labels,
                image_properties,
                min_confidence,
                max_labels,
            } => {
                let features = [
                    labels.then_some(DetectLabelsFeatureName::GeneralLabels),
                    image_properties.then_some(DetectLabelsFeatureName::ImageProperties),
                ];
                answer!(
                    client
                        .detect_labels()
                        .image(image)
                        .set_features(Some(features.into_iter().flatten().collect()))
                        // Both bound labels, so they are said only where labels are asked for.
                        .set_min_confidence(labels.then_some(*min_confidence))
                        .set_max_labels(
                            labels.then(|| i32::try_from(*max_labels).unwrap_or(i32::MAX))
                        )
                )
            }
            Question::Faces => answer!(
                client
                    .detect_faces()
                    .image(image)
                    .attributes(Attribute::All)
            ),
            Question::Text => answer!(client.detect_text().image(image)),
            Question::Moderation { min_confidence } => answer!(
                client
                    .detect_moderation_labels()
                    .image(image)
                    .min_confidence(*min_confidence)
            ),
            Question::Celebrities => answer!(client.recognize_celebrities().image(image)),
            Question::ProtectiveEquipment => {
                answer!(client.detect_protective_equipment().image(image))
            }
            Question::CustomLabels {
                project_version_arn,
            } => answer!(
                client
                    .detect_custom_labels()
                    .image(image)
                    .project_version_arn(project_version_arn)
            ),
        }
    }
}

fn image(picture: &Picture) -> Image {
    match picture {
        Picture::Object {
            bucket,
            key,
            version_id,
        } => Image::builder()
            .s3_object(
                S3Object::builder()
                    .bucket(bucket)
                    .name(key)
                    .set_version(version_id.clone())
                    .build(),
            )
            .build(),
        Picture::Bytes(bytes) => Image::builder().bytes(Blob::new(bytes.to_vec())).build(),
    }
}

/// Keeps the body of a successful answer. The SDK reads the whole body into memory before it
/// deserializes an operation whose answer is no stream, and no operation here answers with one.
#[derive(Debug, Clone, Default)]
struct ResponseBody(Arc<Mutex<Vec<u8>>>);

impl Intercept for ResponseBody {
    fn name(&self) -> &'static str {
        "ResponseBody"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(bytes) = context.response().body().bytes() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bytes.to_vec();
        }
        Ok(())
    }
}

impl ResponseBody {
    fn into_json(self) -> Result<Value, RecogniserError> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::from_slice(&bytes).map_err(|error| RecogniserError {
            code: "Response".to_owned(),
            message: format!("the answer is not JSON: {error}"),
            retryable: true,
        })
    }
}
