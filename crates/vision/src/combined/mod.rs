//! `DetectLabels` from all installed recognisers: one calibrated answer over one taxonomy.

mod calibration;
mod findings;
mod merge;
#[cfg(test)]
mod merge_tests;
mod persons;
#[cfg(test)]
mod picture_tests;
mod scenes;
mod tables;

use std::sync::{Arc, OnceLock};

use image::RgbImage;
use rekognition_model::{DetectLabelsRequest, DetectLabelsResponse};

use crate::VisionError;
use crate::answer::answer;
use crate::classes::Classifier;
use crate::decode::Picture;
use crate::faces::FaceFinding;
use crate::models::InstalledModel;
use crate::objects::{FoundObject, ObjectDetector};
use crate::prediction::Prediction;
use crate::recogniser::Recogniser;
use merge::Asked;
use tables::Tables;

/// The longer side of the copy of the picture that all networks work from, in pixels.
const SIDE: u32 = 1024;

/// Answers `DetectLabels` with the embedded model, an object detector, a classifier and the faces of the picture, as far as they
/// are installed.
///
/// It is `Send + Sync`: share one in an `Arc` and call it from any number of threads.
pub struct LabelRecogniser {
    base: Arc<Recogniser>,
    objects: Option<ObjectDetector>,
    classes: Option<Classifier>,
    /// Built by the first call that combines. A custom model that answers alone needs none.
    tables: OnceLock<Result<Tables, String>>,
}

/// What the networks say about one picture.
struct Seen {
    objects: Option<Vec<FoundObject>>,
    classes: Option<Vec<f32>>,
    base: Prediction,
}

impl LabelRecogniser {
    /// Combines the embedded model with installed ones. Their networks are loaded by the first call.
    pub fn new(
        base: Arc<Recogniser>,
        objects: Option<InstalledModel>,
        classes: Option<InstalledModel>,
    ) -> Self {
        Self {
            base,
            objects: objects.map(ObjectDetector::new),
            classes: classes.map(Classifier::new),
            tables: OnceLock::new(),
        }
    }

    /// Answers `DetectLabels`. `faces` are the faces of the picture, or `None` if no face recogniser is installed.
    ///
    /// With nothing installed the answer is that of [`Recogniser::detect_labels`]. Otherwise `LabelModelVersion` names all
    /// recognisers that answered, such as `sightline-1.0+objects+classes+faces`.
    ///
    /// Blocks and uses the CPU. The networks run side by side where the process has more than one processor.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn detect_labels(
        &self,
        picture: &Picture,
        request: &DetectLabelsRequest,
        faces: Option<&[FaceFinding]>,
    ) -> Result<DetectLabelsResponse, VisionError> {
        let asked = Asked {
            objects: self.objects.is_some(),
            classes: self.classes.is_some(),
            faces: faces.is_some(),
        };
        if asked == Asked::default() {
            return self.base.detect_labels_of(picture, request);
        }
        let seen = self.look_at(picture)?;
        let tables = self.tables()?;
        let mut findings =
            findings::of_objects(tables, seen.objects.as_deref().unwrap_or_default());
        findings.extend(persons::of_faces(
            tables,
            faces.unwrap_or_default(),
            &findings,
        ));
        if let Some(probabilities) = &seen.classes {
            findings.extend(findings::of_classes(tables, probabilities));
        }
        findings.extend(findings::of_base(tables, self.base.table(), &seen.base));
        let confidences = merge::merge(tables, &findings, asked);
        answer(picture, request, &confidences, self.version(asked))
    }

    fn tables(&self) -> Result<&Tables, VisionError> {
        let build = || Tables::new(self.base.table()).map_err(|error| error.to_string());
        let tables = self.tables.get_or_init(build).as_ref();
        tables.map_err(|reason| VisionError::Internal(reason.clone()))
    }

    fn look_at(&self, picture: &Picture) -> Result<Seen, VisionError> {
        let shared = picture.shared(SIDE)?;
        let pixels: &RgbImage = &shared;
        let objects = || {
            let detector = self.objects.as_ref();
            detector.map(|it| it.detect(pixels)).transpose()
        };
        let classes = || {
            let classifier = self.classes.as_ref();
            classifier.map(|it| it.classify(pixels)).transpose()
        };
        if std::thread::available_parallelism().is_ok_and(|processors| processors.get() > 1) {
            let ended = |_| VisionError::Internal("a recogniser's thread ended".to_owned());
            return std::thread::scope(|scope| {
                let objects = scope.spawn(objects);
                let classes = scope.spawn(classes);
                let base = self.base.predict(picture);
                Ok(Seen {
                    objects: objects.join().map_err(ended)??,
                    classes: classes.join().map_err(ended)??,
                    base: base?,
                })
            });
        }
        Ok(Seen {
            objects: objects()?,
            classes: classes()?,
            base: self.base.predict(picture)?,
        })
    }

    fn version(&self, asked: Asked) -> String {
        let mut version = self.base.version();
        for (answered, name) in [
            (asked.objects, "objects"),
            (asked.classes, "classes"),
            (asked.faces, "faces"),
        ] {
            if answered {
                version.push('+');
                version.push_str(name);
            }
        }
        version
    }
}
