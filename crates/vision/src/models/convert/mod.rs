//! Turns the files of the model packages into ONNX: graph models of TensorFlow.js, the two small networks of face-api, and
//! EfficientNet-Lite0 as PyTorch saved it.
//!
//! All functions are pure: bytes of the package's files in, bytes of an ONNX file out. The files are not trusted. Whatever is
//! wrong with them is a [`ConvertError`], and nothing in them is executed.
//!
//! | function | input | outputs |
//! |---|---|---|
//! | [`objects`] | `image` [1, 300, 300, 3], -1 to 1 | `boxes` [1, 1917, 4]: top, left, bottom, right as ratios; `scores` [1, 1917, 90]: probabilities of COCO's ids 1 to 90 |
//! | [`blazeface`] | `image` [1, 256, 256, 3], -1 to 1 | `scores` [1, 896, 1]: logits; `boxes` [1, 896, 16]: centre, size and 6 points (x, y) in pixels relative to the anchor. First the 512 anchors of the 16 x 16 grid (2 a cell), then the 384 of the 8 x 8 grid (6 a cell) |
//! | [`facemesh`] | `image` [1, 192, 192, 3], 0 to 1 | `mesh` [1, 1404]: 468 points (x, y, z) in pixels; `flag` [1, 1]: probability of a face; `contours` [1, 266]: 133 points (x, y) in pixels |
//! | [`face_api_age_gender`] | `image` [N, 3, 112, 112], (sample - mean) / 255 | `age` [N, 1]: years; `gender` [N, 2]: probabilities of male, female |
//! | [`face_api_expressions`] | the same | `expressions` [N, 7]: probabilities of neutral, happy, sad, angry, fearful, disgusted, surprised |
//! | [`efficientnet_lite0`] | `image` [1, 3, 224, 224], (sample - 127) / 128 | `probabilities` [1, 1000]: ImageNet's classes |
//!
//! All pictures are RGB. The mean of face-api is 122.782, 117.001, 104.298.

mod characters;
mod constant;
mod efficientnet;
mod error;
mod face_api;
#[cfg(test)]
mod installed_tests;
mod onnx;
mod pickle;
mod tfjs;
mod torch;
mod weights;

pub(crate) use characters::reader_characters;
pub(crate) use efficientnet::efficientnet_lite0;
pub(crate) use error::ConvertError;
pub(crate) use face_api::{face_api_age_gender, face_api_expressions};
pub(crate) use tfjs::{Cut, tfjs};

/// SSDLite MobileNetV2 after its loop that resizes pictures, and before its suppression of overlapping boxes.
const OBJECTS: Cut<'_> = Cut {
    input: ("Preprocessor/sub", "image"),
    shape: &[1, 300, 300, 3],
    outputs: &[
        ("boxes", &["Postprocessor/Reshape_2"]),
        ("scores", &["Postprocessor/Slice"]),
    ],
};

const BLAZEFACE: Cut<'_> = Cut {
    input: ("input", "image"),
    shape: &[1, 256, 256, 3],
    outputs: &[
        ("scores", &["Identity", "Identity_1"]),
        ("boxes", &["Identity_2", "Identity_3"]),
    ],
};

const FACEMESH: Cut<'_> = Cut {
    input: ("input_1", "image"),
    shape: &[1, 192, 192, 3],
    outputs: &[
        ("mesh", &["Identity_2"]),
        ("flag", &["Identity_1"]),
        ("contours", &["Identity"]),
    ],
};

/// The detector of 80 kinds of objects: TensorFlow.js's `coco-ssd`.
///
/// # Errors
/// As [`tfjs`].
pub(crate) fn objects(model_json: &[u8], shards: &[&[u8]]) -> Result<Vec<u8>, ConvertError> {
    tfjs(model_json, shards, &OBJECTS)
}

/// MediaPipe's detector of faces, as the package `human` has it.
///
/// # Errors
/// As [`tfjs`].
pub(crate) fn blazeface(model_json: &[u8], shards: &[&[u8]]) -> Result<Vec<u8>, ConvertError> {
    tfjs(model_json, shards, &BLAZEFACE)
}

/// MediaPipe's mesh of a face, as the package `human` has it.
///
/// # Errors
/// As [`tfjs`].
pub(crate) fn facemesh(model_json: &[u8], shards: &[&[u8]]) -> Result<Vec<u8>, ConvertError> {
    tfjs(model_json, shards, &FACEMESH)
}
