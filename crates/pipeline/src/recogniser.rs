//! The port to the recogniser.

use std::{future::Future, sync::Arc};

use rekognition_model::Operation;
use serde_json::Value;

use crate::service_error::ServiceError;

/// Recognises what a picture shows: Rekognition, or the local endpoint.
pub trait Recogniser: Send + Sync + 'static {
    /// Runs one query on one picture, which is one billed call.
    ///
    /// The answer is Rekognition's response body, unchanged.
    fn recognise(
        &self,
        call: &RecogniserCall,
    ) -> impl Future<Output = Result<Value, ServiceError>> + Send;
}

/// One query about one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct RecogniserCall {
    /// The query.
    pub query: RecogniserQuery,
    /// The picture.
    pub image: ImageSource,
    /// The owner of the picture, as in its key.
    pub owner: Option<String>,
}

/// Where the recogniser finds the picture.
#[derive(Debug, Clone, PartialEq)]
pub enum ImageSource {
    /// In a bucket, up to 15 MB.
    Object {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// The version, if the bucket has versioning.
        version_id: Option<String>,
    },
    /// In the request itself, up to 5 MiB.
    Bytes(Arc<[u8]>),
}

/// A query with the parameters that Sightline sets.
#[derive(Debug, Clone, PartialEq)]
pub enum RecogniserQuery {
    /// DetectLabels.
    Labels {
        /// Feature GENERAL_LABELS.
        labels: bool,
        /// Feature IMAGE_PROPERTIES.
        image_properties: bool,
        /// Percent 0..100.
        min_confidence: f32,
        /// The most labels.
        max_labels: u32,
    },
    /// DetectFaces with all attributes.
    Faces,
    /// DetectText.
    Text,
    /// DetectModerationLabels.
    Moderation {
        /// Percent 0..100.
        min_confidence: f32,
    },
    /// RecognizeCelebrities.
    Celebrities,
    /// DetectProtectiveEquipment.
    ProtectiveEquipment,
    /// DetectCustomLabels.
    CustomLabels {
        /// The model version.
        project_version_arn: String,
    },
}

impl RecogniserQuery {
    /// The operation that answers it.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        match self {
            Self::Labels { .. } => Operation::DetectLabels,
            Self::Faces => Operation::DetectFaces,
            Self::Text => Operation::DetectText,
            Self::Moderation { .. } => Operation::DetectModerationLabels,
            Self::Celebrities => Operation::RecognizeCelebrities,
            Self::ProtectiveEquipment => Operation::DetectProtectiveEquipment,
            Self::CustomLabels { .. } => Operation::DetectCustomLabels,
        }
    }
}
