//! DetectFaces: faces and their attributes. RecognizeCelebrities returns several of the attributes too.

use serde::{Deserialize, Serialize};

use crate::geometry::BoundingBox;
use crate::image::{Image, OrientationCorrection};
use crate::open_enum::open_enum;

/// A DetectFaces request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectFacesRequest {
    /// The image. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// The attributes to return; the default is [`Attribute::Default`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Vec<Attribute>>,
}

open_enum! {
    /// An attribute of a face, or a set of attributes, in a request. `Default` is always returned.
    Attribute {
        /// The box, its confidence, landmarks, pose and quality.
        Default = "DEFAULT",
        /// All of [`FaceDetail`].
        All = "ALL",
        /// [`FaceDetail::age_range`].
        AgeRange = "AGE_RANGE",
        /// [`FaceDetail::beard`].
        Beard = "BEARD",
        /// [`FaceDetail::emotions`].
        Emotions = "EMOTIONS",
        /// [`FaceDetail::eye_direction`].
        EyeDirection = "EYE_DIRECTION",
        /// [`FaceDetail::eyeglasses`].
        Eyeglasses = "EYEGLASSES",
        /// [`FaceDetail::eyes_open`].
        EyesOpen = "EYES_OPEN",
        /// [`FaceDetail::gender`].
        Gender = "GENDER",
        /// [`FaceDetail::mouth_open`].
        MouthOpen = "MOUTH_OPEN",
        /// [`FaceDetail::mustache`].
        Mustache = "MUSTACHE",
        /// [`FaceDetail::face_occluded`].
        FaceOccluded = "FACE_OCCLUDED",
        /// [`FaceDetail::smile`].
        Smile = "SMILE",
        /// [`FaceDetail::sunglasses`].
        Sunglasses = "SUNGLASSES",
    }
}

/// A DetectFaces response.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectFacesResponse {
    /// The up to 100 largest faces; empty if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub face_details: Option<Vec<FaceDetail>>,
    /// Obsolete; always absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation_correction: Option<OrientationCorrection>,
}

/// A face. The box, its confidence, landmarks, pose and quality are always present, the rest if requested.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FaceDetail {
    /// The face's position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounding_box: Option<BoundingBox>,
    /// The person's apparent age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_range: Option<AgeRange>,
    /// Whether the face smiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smile: Option<Smile>,
    /// Whether it wears glasses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eyeglasses: Option<Eyeglasses>,
    /// Whether it wears dark glasses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sunglasses: Option<Sunglasses>,
    /// The apparent gender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// Whether it has a beard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beard: Option<Beard>,
    /// Whether it has a moustache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mustache: Option<Mustache>,
    /// Whether the eyes are open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eyes_open: Option<EyeOpen>,
    /// Whether the mouth is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mouth_open: Option<MouthOpen>,
    /// The emotions that the face seems to express, most confident first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emotions: Option<Vec<Emotion>>,
    /// Points of the face.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landmarks: Option<Vec<Landmark>>,
    /// The direction of the head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pose: Option<Pose>,
    /// The brightness and sharpness of the face.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<ImageQuality>,
    /// The confidence that the box holds a face, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Whether something hides a part of the face.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub face_occluded: Option<FaceOccluded>,
    /// The direction of the eyes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eye_direction: Option<EyeDirection>,
}

/// An estimate of a person's age.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AgeRange {
    /// The lower end, in years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<u32>,
    /// The upper end, in years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<u32>,
}

/// Whether a face smiles.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Smile {
    /// True if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// The confidence in `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// Whether a face wears glasses of any kind.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Eyeglasses {
    /// True if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// The confidence in `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// Whether a face wears dark glasses.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Sunglasses {
    /// True if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// The confidence in `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// The apparent gender of a face in this image. It says nothing about the person's gender identity.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Gender {
    /// The gender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<GenderType>,
    /// The confidence in `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

open_enum! {
    /// An apparent gender.
    GenderType {
        /// Male.
        Male = "Male",
        /// Female.
        Female = "Female",
    }
}

/// Whether a face has a beard.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Beard {
    /// True if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// The confidence in `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// Whether a face has a moustache.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Mustache {
    /// True if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// The confidence in `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// Whether a face's eyes are open.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EyeOpen {
    /// True if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// The confidence in `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// Whether a face's mouth is open.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MouthOpen {
    /// True if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// The confidence in `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// Whether a part of eyes, nose or mouth is hidden: cut off by the edge, or behind a mask, dark
/// glasses, a hand or a thing. Plain glasses and strands of hair do not count.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FaceOccluded {
    /// True if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// The confidence in `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// The direction of the eyes, independent of the head. Angles are degrees, -180 to 180.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EyeDirection {
    /// To the side, in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yaw: Option<f64>,
    /// Up or down, in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pitch: Option<f64>,
    /// The confidence in the direction, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// The direction of the head. Angles are degrees, -180 to 180.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Pose {
    /// Tilt towards a shoulder, in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roll: Option<f64>,
    /// Turn to the side, in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yaw: Option<f64>,
    /// Nod up or down, in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pitch: Option<f64>,
}

/// The image quality of a face. Both numbers are 0 to 100.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImageQuality {
    /// Brightness, 0 to 100; more is brighter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brightness: Option<f64>,
    /// Sharpness, 0 to 100; more is sharper.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sharpness: Option<f64>,
}

/// An emotion that a face seems to express. The person may feel differently.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Emotion {
    /// The emotion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<EmotionName>,
    /// The confidence in it, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

open_enum! {
    /// The emotions that Rekognition distinguishes.
    EmotionName {
        /// Happy.
        Happy = "HAPPY",
        /// Sad.
        Sad = "SAD",
        /// Angry.
        Angry = "ANGRY",
        /// Confused.
        Confused = "CONFUSED",
        /// Disgusted.
        Disgusted = "DISGUSTED",
        /// Surprised.
        Surprised = "SURPRISED",
        /// Calm.
        Calm = "CALM",
        /// None of the others.
        Unknown = "UNKNOWN",
        /// Afraid.
        Fear = "FEAR",
    }
}

/// A point of a face.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Landmark {
    /// The kind of point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<LandmarkType>,
    /// Distance from the left edge, as a ratio of the image's width.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<f64>,
    /// Distance from the upper edge, as a ratio of the image's height.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<f64>,
}

open_enum! {
    /// The points of a face that Rekognition finds.
    LandmarkType {
        /// Centre of the left eye.
        EyeLeft = "eyeLeft",
        /// Centre of the right eye.
        EyeRight = "eyeRight",
        /// Tip of the nose.
        Nose = "nose",
        /// Left corner of the mouth.
        MouthLeft = "mouthLeft",
        /// Right corner of the mouth.
        MouthRight = "mouthRight",
        /// Left end of the left eyebrow.
        LeftEyeBrowLeft = "leftEyeBrowLeft",
        /// Right end of the left eyebrow.
        LeftEyeBrowRight = "leftEyeBrowRight",
        /// Highest point of the left eyebrow.
        LeftEyeBrowUp = "leftEyeBrowUp",
        /// Left end of the right eyebrow.
        RightEyeBrowLeft = "rightEyeBrowLeft",
        /// Right end of the right eyebrow.
        RightEyeBrowRight = "rightEyeBrowRight",
        /// Highest point of the right eyebrow.
        RightEyeBrowUp = "rightEyeBrowUp",
        /// Left corner of the left eye.
        LeftEyeLeft = "leftEyeLeft",
        /// Right corner of the left eye.
        LeftEyeRight = "leftEyeRight",
        /// Middle of the left eye's upper lid.
        LeftEyeUp = "leftEyeUp",
        /// Middle of the left eye's lower lid.
        LeftEyeDown = "leftEyeDown",
        /// Left corner of the right eye.
        RightEyeLeft = "rightEyeLeft",
        /// Right corner of the right eye.
        RightEyeRight = "rightEyeRight",
        /// Middle of the right eye's upper lid.
        RightEyeUp = "rightEyeUp",
        /// Middle of the right eye's lower lid.
        RightEyeDown = "rightEyeDown",
        /// Left side of the nose.
        NoseLeft = "noseLeft",
        /// Right side of the nose.
        NoseRight = "noseRight",
        /// Middle of the upper lip.
        MouthUp = "mouthUp",
        /// Middle of the lower lip.
        MouthDown = "mouthDown",
        /// Pupil of the left eye.
        LeftPupil = "leftPupil",
        /// Pupil of the right eye.
        RightPupil = "rightPupil",
        /// Upper end of the jaw line, on the left.
        UpperJawlineLeft = "upperJawlineLeft",
        /// Middle of the jaw line, on the left.
        MidJawlineLeft = "midJawlineLeft",
        /// Lowest point of the chin.
        ChinBottom = "chinBottom",
        /// Middle of the jaw line, on the right.
        MidJawlineRight = "midJawlineRight",
        /// Upper end of the jaw line, on the right.
        UpperJawlineRight = "upperJawlineRight",
    }
}
