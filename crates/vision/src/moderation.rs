//! `DetectModerationLabels`: open_nsfw scores how likely a picture shows nudity that is not suitable for work.
//!
//! The model gives one score, so it can tell two of Rekognition's top-level labels apart and nothing below them. It knows no
//! violence, weapons, drugs, tobacco, alcohol, gambling or hate symbols.

use image::RgbImage;
use rekognition_model::{
    DetectModerationLabelsRequest, DetectModerationLabelsResponse, ModerationLabel,
};
use sightline_resample::Part;

use crate::VisionError;
use crate::decode::{Picture, resize};
use crate::lazy::LazyGraph;
use crate::models::InstalledModel;

/// The network's file, input and output.
const FILE: &str = "nsfw.onnx";
const INPUT: &str = "input:0";
const OUTPUT: &str = "outputs";
/// `ModerationModelVersion` in responses.
const MODEL_VERSION: &str = "open-nsfw-1.0";
/// Rekognition's default `MinConfidence` (API reference of `DetectModerationLabels`), in percent.
const DEFAULT_MIN_CONFIDENCE: f64 = 50.0;

/// Names of the top level of the taxonomy (Amazon Rekognition Developer Guide, "Using the image and video moderation
/// APIs", version 7).
const EXPLICIT: &str = "Explicit";
const NON_EXPLICIT: &str = "Non-Explicit Nudity of Intimate parts and Kissing";
/// Top-level labels have level 1 and an empty parent.
const TOP_LEVEL: u32 = 1;

/// From this score on, the model's authors call a picture not suitable for work with high probability.
const EXPLICIT_SCORE: f32 = 0.8;
/// Below this score, the model's authors call a picture safe.
const SAFE_SCORE: f32 = 0.2;

/// The picture is scaled to a square of this side, whatever its aspect ratio.
const SCALED_SIDE: u32 = 256;
/// The model's input is the middle of that square.
const INPUT_SIDE: u32 = 224;
/// The mean of the training pictures, which is subtracted from each pixel: blue, green, red.
const MEAN_BGR: [f32; 3] = [104.0, 117.0, 123.0];
/// The longer side of the copy of the picture that is shared with the other recognisers.
const SHARED_SIDE: u32 = 1024;

/// Answers `DetectModerationLabels`. The network is loaded at the first picture.
pub(crate) struct ModerationRecogniser {
    network: LazyGraph,
}

impl ModerationRecogniser {
    /// The recogniser of an installed model.
    pub(crate) fn open(model: InstalledModel) -> Self {
        Self {
            network: LazyGraph::new(model, FILE),
        }
    }

    /// Answers `DetectModerationLabels` with at most one label: "Explicit" for a score of 0.8 or more, else "Non-Explicit
    /// Nudity of Intimate parts and Kissing". The confidence is the score in percent. A score below 0.2 gives no label.
    ///
    /// The request must meet the constraints of the service model; `request.image` is ignored.
    ///
    /// # Errors
    /// `InvalidParameter` for an adapter or a human review, which this recogniser cannot provide. `Internal` if the model
    /// cannot be loaded or run.
    pub(crate) fn detect_moderation_labels(
        &self,
        picture: &Picture,
        request: &DetectModerationLabelsRequest,
    ) -> Result<DetectModerationLabelsResponse, VisionError> {
        refuse_unsupported(request)?;
        let min_confidence = request.min_confidence.unwrap_or(DEFAULT_MIN_CONFIDENCE);
        let label = label(self.score(picture)?, min_confidence);
        Ok(DetectModerationLabelsResponse {
            moderation_labels: Some(label.into_iter().collect()),
            moderation_model_version: Some(MODEL_VERSION.to_owned()),
            // Animations and drawings: the model cannot tell them from photographs.
            content_types: Some(Vec::new()),
            human_loop_activation_output: None,
            project_version: None,
        })
    }

    /// The model's score, from 0 (safe) to 1.
    fn score(&self, picture: &Picture) -> Result<f32, VisionError> {
        let scaled = resize(
            &*picture.shared(SHARED_SIDE)?,
            Part::Whole,
            SCALED_SIDE,
            SCALED_SIDE,
        )?;
        let input = input(&scaled);
        let side = INPUT_SIDE as usize;
        let found = self
            .network
            .run(&[(INPUT, &[1, side, side, 3], &input)], &[OUTPUT])?;
        match found.first().map(|tensor| tensor.values.as_slice()) {
            Some([_safe, unsafe_score]) if unsafe_score.is_finite() => {
                Ok(unsafe_score.clamp(0.0, 1.0))
            }
            _ => Err(VisionError::Internal(
                "the output of the model \"moderation\" is not two scores".to_owned(),
            )),
        }
    }
}

/// Rejects what would otherwise be ignored silently.
fn refuse_unsupported(request: &DetectModerationLabelsRequest) -> Result<(), VisionError> {
    let unsupported = |member: &str, what: &str| {
        Err(VisionError::InvalidParameter(format!(
            "{member} is set, but the local recogniser has no {what}; leave it out"
        )))
    };
    if request.project_version.is_some() {
        return unsupported("projectVersion", "adapters");
    }
    if request.human_loop_config.is_some() {
        return unsupported("humanLoopConfig", "human review");
    }
    Ok(())
}

/// The label for a score, if its confidence is at least `min_confidence` percent.
fn label(score: f32, min_confidence: f64) -> Option<ModerationLabel> {
    let confidence = 100.0 * f64::from(score);
    if score < SAFE_SCORE || confidence < min_confidence {
        return None;
    }
    let name = if score >= EXPLICIT_SCORE {
        EXPLICIT
    } else {
        NON_EXPLICIT
    };
    Some(ModerationLabel {
        confidence: Some(confidence),
        name: Some(name.to_owned()),
        parent_name: Some(String::new()),
        taxonomy_level: Some(TOP_LEVEL),
    })
}

/// The middle of the scaled picture as the model's input: rows of pixels of blue, green, red, minus the mean.
fn input(scaled: &RgbImage) -> Vec<f32> {
    let margin = (SCALED_SIDE - INPUT_SIDE) / 2;
    let [blue, green, red] = MEAN_BGR;
    scaled
        .rows()
        .skip(margin as usize)
        .take(INPUT_SIDE as usize)
        .flat_map(|row| row.skip(margin as usize).take(INPUT_SIDE as usize))
        .flat_map(|pixel| {
            let [r, g, b] = pixel.0.map(f32::from);
            [b - blue, g - green, r - red]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::tests::png;
    use crate::models::ModelName;
    use image::Rgb;
    use rekognition_model::HumanLoopConfig;

    fn named(score: f32, min_confidence: f64) -> Option<String> {
        label(score, min_confidence).and_then(|label| label.name)
    }

    #[test]
    fn one_score_gives_at_most_one_top_level_label() {
        assert_eq!(named(1.0, 50.0).as_deref(), Some("Explicit"));
        assert_eq!(named(0.8, 50.0).as_deref(), Some("Explicit"));
        assert_eq!(
            named(0.79, 50.0).as_deref(),
            Some("Non-Explicit Nudity of Intimate parts and Kissing")
        );
        assert_eq!(named(0.49, 50.0), None);
        let top = label(0.9, 50.0).unwrap();
        assert_eq!(top.parent_name.as_deref(), Some(""));
        assert_eq!(top.taxonomy_level, Some(1));
        assert!((top.confidence.unwrap() - 90.0).abs() < 1e-4);
    }

    #[test]
    fn a_higher_score_is_never_filtered_where_a_lower_one_is_not() {
        for min_confidence in [0.0, 30.0, 50.0, 75.0, 99.0] {
            let reported: Vec<bool> = (0..=100u8)
                .map(|score| label(f32::from(score) / 100.0, min_confidence).is_some())
                .collect();
            assert!(reported.is_sorted(), "{min_confidence}");
        }
    }

    #[test]
    fn a_safe_score_gives_no_label_at_any_confidence() {
        assert_eq!(named(0.19, 0.0), None);
        assert!(named(0.3, 0.0).is_some());
        assert_eq!(named(0.3, 50.0), None);
    }

    #[test]
    fn adapters_and_human_review_are_rejected() {
        let adapter = DetectModerationLabelsRequest {
            project_version: Some(
                "arn:aws:rekognition:us-east-1:1:project/a/version/b/1".to_owned(),
            ),
            ..Default::default()
        };
        let review = DetectModerationLabelsRequest {
            human_loop_config: Some(HumanLoopConfig::default()),
            ..Default::default()
        };
        for (request, member) in [(adapter, "projectVersion"), (review, "humanLoopConfig")] {
            let Err(VisionError::InvalidParameter(message)) = refuse_unsupported(&request) else {
                panic!("{member} is accepted");
            };
            assert!(message.starts_with(member), "{message}");
        }
        assert_eq!(refuse_unsupported(&Default::default()), Ok(()));
    }

    #[test]
    fn the_input_is_the_middle_in_the_order_blue_green_red() {
        let scaled = RgbImage::from_fn(SCALED_SIDE, SCALED_SIDE, |x, y| {
            let x = u8::try_from(x).unwrap();
            Rgb([x, u8::try_from(y).unwrap(), 7])
        });
        let input = input(&scaled);
        assert_eq!(input.len(), 224 * 224 * 3);
        assert_eq!(input[..3], [7.0 - 104.0, 16.0 - 117.0, 16.0 - 123.0]);
        assert_eq!(
            input[input.len() - 3..],
            [7.0 - 104.0, 239.0 - 117.0, 239.0 - 123.0]
        );
    }

    /// 256 x 256 pixels: discs of one colour on another.
    fn discs(centres: &[(i32, i32)], radius: i32, disc: [u8; 3], ground: [u8; 3]) -> RgbImage {
        RgbImage::from_fn(256, 256, |x, y| {
            let (x, y) = (i32::try_from(x).unwrap(), i32::try_from(y).unwrap());
            let inside =
                |(cx, cy): &(i32, i32)| (x - cx).pow(2) + (y - cy).pow(2) < radius * radius;
            Rgb(if centres.iter().any(inside) {
                disc
            } else {
                ground
            })
        })
    }

    #[test]
    fn the_scores_are_those_of_onnxruntime() {
        let Some(models) = crate::models::installed(ModelName::Moderation) else {
            return;
        };
        let recogniser = ModerationRecogniser::open(models);
        let skin = [224, 172, 140];
        for (drawing, expected) in [
            (discs(&[(128, 128)], 80, skin, [90, 20, 40]), 0.188_553_57),
            (
                discs(&[(90, 128), (166, 128)], 45, skin, [200, 150, 120]),
                0.561_330_26,
            ),
        ] {
            let picture = Picture::decode(&png(drawing)).unwrap();
            let score = recogniser.score(&picture).unwrap();
            assert!((score - expected).abs() < 1e-3, "{score} {expected}");
        }
        let portrait = include_bytes!("../../../docs/pictures/astronaut.jpg");
        let answer = recogniser
            .detect_moderation_labels(
                &Picture::decode(portrait).unwrap(),
                &DetectModerationLabelsRequest::default(),
            )
            .unwrap();
        assert_eq!(answer.moderation_labels, Some(Vec::new()));
        assert_eq!(
            answer.moderation_model_version.as_deref(),
            Some("open-nsfw-1.0")
        );
    }
}
