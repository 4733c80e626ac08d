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
use sightline_pipeline::{
    recogniser::{ImageSource, Recogniser, RecogniserCall, RecogniserQuery},
    service_error::{Fate, Service, ServiceError, code},
};

use crate::error::read_error;

/// Amazon Rekognition, or the local endpoint.
#[derive(Debug, Clone)]
pub struct RekognitionRecogniser {
    client: Client,
}

impl RekognitionRecogniser {
    /// A recogniser that uses this client.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client }
    }
}

/// Calls one operation and returns the JSON of its response, which may have members that the SDK's
/// types lack.
macro_rules! answer {
    ($name:ident, $operation:expr) => {{
        let body = ResponseBody::default();
        match $operation
            .customize()
            .interceptor(body.clone())
            .send()
            .await
        {
            Ok(_) => body.into_json($name),
            Err(error) => Err(read_error(Service::Rekognition, $name, &error)),
        }
    }};
}

impl Recogniser for RekognitionRecogniser {
    async fn recognise(&self, call: &RecogniserCall) -> Result<Value, ServiceError> {
        let client = &self.client;
        let image = image(&call.image);
        let name = call.query.operation().name();
        match &call.query {
            RecogniserQuery::Labels {
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
                    name,
                    client
                        .detect_labels()
                        .image(image)
                        .set_features(Some(features.into_iter().flatten().collect()))
                        // Both apply to labels, so they are sent only if labels are requested.
                        .set_min_confidence(labels.then_some(*min_confidence))
                        .set_max_labels(
                            labels.then(|| i32::try_from(*max_labels).unwrap_or(i32::MAX))
                        )
                )
            }
            RecogniserQuery::Faces => answer!(
                name,
                client
                    .detect_faces()
                    .image(image)
                    .attributes(Attribute::All)
            ),
            RecogniserQuery::Text => answer!(name, client.detect_text().image(image)),
            RecogniserQuery::Moderation { min_confidence } => answer!(
                name,
                client
                    .detect_moderation_labels()
                    .image(image)
                    .min_confidence(*min_confidence)
            ),
            RecogniserQuery::Celebrities => {
                answer!(name, client.recognize_celebrities().image(image))
            }
            RecogniserQuery::ProtectiveEquipment => {
                answer!(name, client.detect_protective_equipment().image(image))
            }
            RecogniserQuery::CustomLabels {
                project_version_arn,
            } => answer!(
                name,
                client
                    .detect_custom_labels()
                    .image(image)
                    .project_version_arn(project_version_arn)
            ),
        }
    }
}

fn image(source: &ImageSource) -> Image {
    match source {
        ImageSource::Object {
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
        ImageSource::Bytes(bytes) => Image::builder().bytes(Blob::new(bytes.to_vec())).build(),
    }
}

/// Keeps the body of a successful response. The SDK reads the whole body into memory before it
/// deserializes it, unless the response is a stream. No response here is a stream.
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
    fn into_json(self, operation: &'static str) -> Result<Value, ServiceError> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::from_slice(&bytes).map_err(|error| {
            ServiceError::new(
                Service::Rekognition,
                operation,
                code::RESPONSE,
                format!("the response is not JSON: {error}"),
                Fate::RETRY_UNANSWERED,
            )
        })
    }
}
