//! DetectFaces: faces and their attributes. Several attributes are part of RecognizeCelebrities'
//! answers too.

use serde::{Deserialize, Serialize};

use crate::geometry::BoundingBox;
use crate::image::{Image, OrientationCorrection};
use crate::open_enum::open_enum;

/// What DetectFaces is asked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectFacesRequest {
    /// The picture. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// Which attributes to return; [`Attribute::Default`] where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Vec<Attribute>>,
}

open_enum! {
    /// An attribute of a face, or a set of attributes, that a request can ask for. What `Default`
    /// stands for is always returned.
    Attribute {
        /// The box, its confidence, landmarks, pose and quality.
        Default = "DEFAULT",
        /// Everything that [`FaceDetail`] has room for.
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

/// What DetectFaces answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectFacesResponse {
    /// The up to 100 largest faces; empty where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub face_details: Option<Vec<FaceDetail>>,
    /// Out of use: absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation_correction: Option<OrientationCorrection>,
}

/// A face. The box, its confidence, landmarks, pose and quality are always there, the rest where
/// the request asked for it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FaceDetail {
    /// Where the face is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounding_box: Option<BoundingBox>,
    /// How old the person looks.
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
    /// Which of two genders its look suggests.
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
    /// What the face seems to express, most confident first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emotions: Option<Vec<Emotion>>,
    /// Points of the face.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landmarks: Option<Vec<Landmark>>,
    /// Where the head is turned to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pose: Option<Pose>,
    /// How bright and sharp the face is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<ImageQuality>,
    /// How sure Rekognition is that the box holds a face, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Whether something hides a part of the face.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub face_occluded: Option<FaceOccluded>,
    /// Where the eyes look.
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
    /// True where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// How sure Rekognition is of `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// Whether a face wears glasses of any kind.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Eyeglasses {
    /// True where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// How sure Rekognition is of `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// Whether a face wears dark glasses.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Sunglasses {
    /// True where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// How sure Rekognition is of `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// Which of two genders the look of a face suggests in this one picture. It says nothing about the
/// person's identity.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Gender {
    /// The suggestion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<GenderType>,
    /// How sure Rekognition is of `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

open_enum! {
    /// What the look of a face suggests.
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
    /// True where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// How sure Rekognition is of `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// Whether a face has a moustache.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Mustache {
    /// True where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// How sure Rekognition is of `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// Whether a face's eyes are open.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EyeOpen {
    /// True where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// How sure Rekognition is of `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// Whether a face's mouth is open.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MouthOpen {
    /// True where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// How sure Rekognition is of `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// Whether a part of eyes, nose or mouth is hidden: cut off by the edge, or behind a mask, dark
/// glasses, a hand or a thing. Plain glasses and strands of hair do not count.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FaceOccluded {
    /// True where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// How sure Rekognition is of `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// Where the eyes look, whatever way the head is turned. Angles are degrees, -180 to 180.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EyeDirection {
    /// To the side, in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yaw: Option<f64>,
    /// Up or down, in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pitch: Option<f64>,
    /// How sure Rekognition is of the direction, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// Where the head is turned to. Angles are degrees, -180 to 180.
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

/// How good the picture of a face is. Both numbers run from 0 to 100.
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

/// An emotion that a face seems to express, which need not be what the person feels.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Emotion {
    /// Which emotion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<EmotionName>,
    /// How sure Rekognition is of it, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

open_enum! {
    /// The emotions that Rekognition tells apart.
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
    /// Which point.
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
