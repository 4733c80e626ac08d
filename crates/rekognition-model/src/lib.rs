//! The JSON of Amazon Rekognition's image operations: requests, responses and errors of DetectLabels, DetectFaces,
//! DetectModerationLabels, DetectText, DetectCustomLabels, RecognizeCelebrities and DetectProtectiveEquipment. Types only, no I/O.
//!
//! Types and members have the names of AWS's service model (API version 2016-06-27), members in snake case, so AWS's API reference
//! documents this crate too. The crate has everything in the model; a test compares it with botocore's copy. Because Rekognition
//! writes the responses:
//!
//! - **Every member is an [`Option`].** Rekognition distinguishes absent from empty: `Instances` is `[]` for a label without boxes,
//!   and `DominantColors` is absent if colours were not requested. A member that is absent or `null` reads as `None`, and `None` is
//!   not written.
//! - **Enums are open.** A value that is newer than this crate is kept in `Other` and written back unchanged, so a new value never
//!   makes a response unreadable.
//! - **Numbers keep all digits.** Rekognition computes in `f32` and writes all its digits. `f64` keeps them if the parser is exact:
//!   serde_json needs its feature `float_roundtrip`. Counts and ids are `u32`, because the model lets them start at 0.
//! - **Members that the model does not list are dropped.** To keep a whole response, store its text beside the typed value.
//!
//! Unless stated otherwise, confidences are percent, 0 to 100. Coordinates are ratios of the width or height of the *upright* image,
//! that is, with the orientation in a JPEG's Exif data applied. The origin is the upper left corner.
//!
//! ```
//! use rekognition_model::{DetectLabelsRequest, DetectLabelsResponse, Operation, Validate};
//!
//! let request: DetectLabelsRequest = serde_json::from_str(
//!     r#"{"Image": {"S3Object": {"Bucket": "pictures", "Name": "cat.jpg"}}, "MinConfidence": 101}"#,
//! )?;
//! let error = request.validate().unwrap_err();
//! assert_eq!(
//!     error.message.as_deref(),
//!     Some(
//!         "1 validation error detected: Value '101.0' at 'minConfidence' failed to satisfy \
//!          constraint: Member must have value less than or equal to 100"
//!     ),
//! );
//!
//! let response: DetectLabelsResponse =
//!     serde_json::from_str(r#"{"Labels": [{"Name": "Cat", "Confidence": 98.5, "Instances": []}]}"#)?;
//! let label = &response.labels.unwrap_or_default()[0];
//! assert_eq!(label.name.as_deref(), Some("Cat"));
//! assert_eq!(label.instances, Some(vec![]));
//! assert_eq!(label.parents, None);
//!
//! assert_eq!(Operation::DetectLabels.target(), "RekognitionService.DetectLabels");
//! # Ok::<(), serde_json::Error>(())
//! ```

mod celebrities;
mod constraints;
mod custom_labels;
mod error;
mod faces;
mod geometry;
mod image;
mod labels;
mod moderation;
mod open_enum;
mod operation;
mod protective_equipment;
mod text;

pub use celebrities::*;
pub use constraints::*;
pub use custom_labels::*;
pub use error::*;
pub use faces::*;
pub use geometry::*;
pub use image::*;
pub use labels::*;
pub use moderation::*;
pub use operation::*;
pub use protective_equipment::*;
pub use text::*;
