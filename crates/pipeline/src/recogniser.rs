//! The port to the recogniser.

use std::{future::Future, sync::Arc};

use rekognition_model::Operation;
use serde_json::Value;

/// Somebody who says what a picture shows: Rekognition, or the local endpoint.
pub trait Recogniser: Send + Sync + 'static {
    /// Asks one thing of one picture; one billed call.
    ///
    /// The answer is Rekognition's own response body, untouched.
    fn recognise(&self, call: &Call)
    -> impl Future<Output = Result<Value, RecogniserError>> + Send;
}

/// One question about one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What is asked.
    pub question: Question,
    /// Where the picture lies.
    pub picture: Picture,
}

/// Where the picture lies.
#[derive(Debug, Clone, PartialEq)]
pub enum Picture {
    /// In a bucket, up to 15 MB.
    Object {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// The version, where the bucket keeps versions.
        version_id: Option<String>,
    },
    /// In the request itself, up to 5 MiB.
    Bytes(Arc<[u8]>),
}

/// What is asked, with the parameters that Sightline sets.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// DetectLabels.
    Labels {
        /// Feature GENERAL_LABELS.
        labels: bool,
        /// Feature IMAGE_PROPERTIES.
        image_properties: bool,
        /// Percent 0..100.
        min_confidence: f32,
        /// At most this many.
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

impl Question {
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

/// The recogniser gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct RecogniserError {
    /// Rekognition's error code, or `Timeout`, `Dispatch` for what never reached it.
    pub code: String,
    /// Rekognition's message, or the connection's.
    pub message: String,
    /// Whether trying again can help: throttling, 5xx, time-outs, lost connections.
    pub retryable: bool,
}

impl RecogniserError {
    /// Whether the error says something about the picture that time and repairs will not change.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !self.retryable && !crate::deployment::is_at_fault(&self.code)
    }
}
