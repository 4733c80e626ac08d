//! Faces: `DetectFaces`, and what faces say about the labels of a picture.
//!
//! `mtcnn` and `blazeface` find faces in the shared copy of the picture, `align` cuts them out, `mesh` and `pose` describe their
//! shape, `attributes` and `expressions` their age, gender and emotions, and `response` builds the response. Each network is
//! loaded when it is first needed. What is found in a picture is kept with it, so that several requests detect once.

mod align;
mod attributes;
mod blazeface;
mod detection;
mod expressions;
mod geometry;
mod mesh;
mod mtcnn;
mod network;
#[cfg(test)]
mod photographs;
mod pose;
mod quality;
mod response;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rekognition_model::{DetectFacesRequest, DetectFacesResponse, EmotionName};

use self::align::Levels;
pub(crate) use self::attributes::Gender;
use self::attributes::{AgeAndGender, Appearance, TURNED};
use self::blazeface::BlazeFace;
use self::detection::Face;
use self::expressions::{Expression, ExpressionNetwork};
use self::geometry::Overlap;
use self::mesh::{FaceMesh, Mesh};
use self::mtcnn::Mtcnn;
use self::pose::Pose;
use self::response::{Findings, Wanted, largest, ratios};
use crate::decode::Picture;
use crate::letterbox::RatioBox;
use crate::models::InstalledModel;
use crate::{ModelError, VisionError};

/// The longer side of the copy in which faces are looked for, in pixels.
const SIDE: u32 = 1024;
/// MTCNN's least score. Of 160 faces above it in photographs, 3 were none.
const CERTAIN: f32 = 0.9;
/// A face below this score needs the mesh's confirmation: patterns of lamps, furniture or wheels reach 0.95.
const DOUBTLESS: f32 = 0.97;
/// A face of the second detector that overlaps one of the first by more than this is the same.
const SAME: f32 = 0.3;
/// The least score of a face that only the second detector finds and the mesh does not confirm. A cat reaches 0.8.
const UNCONFIRMED: f32 = 0.92;
/// Narrower faces are not described by the mesh, in pixels.
const MESH_WIDTH: f32 = 24.0;
/// Narrower faces say nothing about age, gender and emotion in `face_labels`, in pixels.
const LABEL_WIDTH: f32 = 24.0;
/// The most faces that `face_labels` describes, largest first.
const DESCRIBED: usize = 10;

/// Finds and describes faces. Takes no lock while it runs; each network is loaded when it is first needed.
pub(crate) struct FaceRecogniser {
    model: InstalledModel,
    mtcnn: Lazy<Mtcnn>,
    blazeface: Lazy<BlazeFace>,
    mesh: Lazy<FaceMesh>,
    people: Lazy<AgeAndGender>,
    expressions: Lazy<ExpressionNetwork>,
}

/// A face for `DetectLabels`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FaceFinding {
    /// May extend beyond the picture.
    pub(crate) bounds: RatioBox,
    /// Percent.
    pub(crate) confidence: f32,
    /// Years. Absent for small faces.
    pub(crate) age: Option<f32>,
    /// The gender and the confidence in percent: 80 and more is right for at least 93 of 100. Absent for small faces.
    pub(crate) gender: Option<(Gender, f32)>,
    /// Whether the face smiles, and the confidence in percent. Absent for small and turned faces.
    pub(crate) smile: Option<(bool, f32)>,
    /// The main emotion and the confidence in percent. Absent for small and turned faces.
    pub(crate) emotion: Option<(EmotionName, f32)>,
}

/// The faces of one picture, largest first, and what was found out about each so far.
struct PictureFaces {
    levels: Levels,
    faces: Vec<KnownFace>,
}

struct KnownFace {
    face: Face,
    mesh: OnceLock<Option<Mesh>>,
    appearance: OnceLock<Appearance>,
    expression: OnceLock<Expression>,
}

/// A network that is loaded once, when it is first needed.
struct Lazy<T> {
    loaded: OnceLock<T>,
    loading: Mutex<()>,
    open: fn(&InstalledModel) -> Result<T, ModelError>,
}

impl<T> Lazy<T> {
    fn new(open: fn(&InstalledModel) -> Result<T, ModelError>) -> Self {
        Self {
            loaded: OnceLock::new(),
            loading: Mutex::new(()),
            open,
        }
    }

    fn get(&self, model: &InstalledModel) -> Result<&T, VisionError> {
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let _loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let failed = |error: ModelError| VisionError::Internal(error.to_string());
        let opened = (self.open)(model).map_err(failed)?;
        Ok(self.loaded.get_or_init(|| opened))
    }
}

impl FaceRecogniser {
    /// Takes an installed model. Its networks are loaded later, each when it is first needed.
    ///
    /// # Errors
    /// `Mismatch` if the model is another one.
    pub(crate) fn open(model: InstalledModel) -> Result<Self, ModelError> {
        if model.name() != crate::models::ModelName::Faces {
            return Err(ModelError::Mismatch(format!(
                "faces are not found by the model {}",
                model.name()
            )));
        }
        Ok(Self {
            model,
            mtcnn: Lazy::new(Mtcnn::open),
            blazeface: Lazy::new(BlazeFace::open),
            mesh: Lazy::new(FaceMesh::open),
            people: Lazy::new(AgeAndGender::open),
            expressions: Lazy::new(ExpressionNetwork::open),
        })
    }

    /// The up to 100 largest faces, largest first, with the requested attributes.
    ///
    /// Left out is what no model tells: `Beard`, `Mustache`, `Eyeglasses`, `Sunglasses`, `FaceOccluded` and `EyeDirection`, and
    /// for single faces what cannot be seen well enough.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn detect_faces(
        &self,
        picture: &Picture,
        request: &DetectFacesRequest,
    ) -> Result<DetectFacesResponse, VisionError> {
        let found = self.faces(picture)?;
        let wanted = Wanted::of(request.attributes.as_deref());
        let size = found.levels.size();
        let detail = |known: &KnownFace| {
            let appearance = if wanted.appearance() {
                Some(self.appearance(&found.levels, known)?)
            } else {
                None
            };
            let mesh = self.mesh(&found.levels, known)?;
            let expression = if wanted.expression() && mesh.is_some() {
                Some(self.expression(&found.levels, known)?)
            } else {
                None
            };
            let findings = Findings {
                face: &known.face,
                mesh,
                quality: quality::quality(&found.levels, &known.face),
                appearance,
                expression,
            };
            Ok(findings.detail(wanted, size))
        };
        let details: Result<Vec<_>, VisionError> = found.faces.iter().map(detail).collect();
        Ok(DetectFacesResponse {
            face_details: Some(details?),
            orientation_correction: None,
        })
    }

    /// The faces of the picture, largest first, as far as labels need them.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn face_labels(&self, picture: &Picture) -> Result<Vec<FaceFinding>, VisionError> {
        let found = self.faces(picture)?;
        let size = found.levels.size();
        let finding = |(at, known): (usize, &KnownFace)| {
            let face = &known.face;
            let mut finding = FaceFinding {
                bounds: ratios(&face.bounds, size),
                confidence: 100.0 * face.score,
                age: None,
                gender: None,
                smile: None,
                emotion: None,
            };
            if at >= DESCRIBED || face.bounds.width() < LABEL_WIDTH {
                return Ok(finding);
            }
            // The points are enough here; the mesh takes longer.
            let yaw = Pose::of_points(&face.points).yaw;
            let appearance = self.appearance(&found.levels, known)?;
            finding.age = Some(appearance.age());
            finding.gender = Some(appearance.gender(face.bounds.width(), yaw));
            if yaw.abs() <= TURNED {
                let expression = self.expression(&found.levels, known)?;
                finding.smile = Some(expression.smile());
                finding.emotion = expression.emotions().into_iter().next();
            }
            Ok(finding)
        };
        found.faces.iter().enumerate().map(finding).collect()
    }

    fn faces(&self, picture: &Picture) -> Result<Arc<PictureFaces>, VisionError> {
        picture.memo(|| {
            let levels = Levels::new(picture.shared(SIDE)?);
            let known = |face| KnownFace {
                face,
                mesh: OnceLock::new(),
                appearance: OnceLock::new(),
                expression: OnceLock::new(),
            };
            let mut faces = Vec::new();
            for face in self.mtcnn.get(&self.model)?.detect(&levels)? {
                let doubtful = face.score < DOUBTLESS;
                if face.score >= CERTAIN
                    && (!doubtful || self.mesh(&levels, &known(face))?.is_some())
                {
                    faces.push(face);
                }
            }
            for face in self.blazeface.get(&self.model)?.detect(&levels)? {
                let same = |other: &Face| Overlap::Smaller.of(&other.bounds, &face.bounds) > SAME;
                if face.bounds.width() < MESH_WIDTH || faces.iter().any(same) {
                    continue;
                }
                let confirmed =
                    face.score >= UNCONFIRMED || self.mesh(&levels, &known(face))?.is_some();
                if confirmed {
                    faces.push(face);
                }
            }
            let faces = largest(faces).into_iter().map(known).collect();
            Ok(PictureFaces { levels, faces })
        })
    }

    fn mesh<'f>(
        &self,
        levels: &Levels,
        known: &'f KnownFace,
    ) -> Result<Option<&'f Mesh>, VisionError> {
        if let Some(mesh) = known.mesh.get() {
            return Ok(mesh.as_ref());
        }
        let mesh = if known.face.bounds.width() < MESH_WIDTH {
            None
        } else {
            self.mesh.get(&self.model)?.fit(levels, &known.face)?
        };
        Ok(known.mesh.get_or_init(|| mesh).as_ref())
    }

    fn appearance<'f>(
        &self,
        levels: &Levels,
        known: &'f KnownFace,
    ) -> Result<&'f Appearance, VisionError> {
        if let Some(appearance) = known.appearance.get() {
            return Ok(appearance);
        }
        let networks = self.people.get(&self.model)?;
        let appearance = networks.describe(levels, &known.face)?;
        Ok(known.appearance.get_or_init(|| appearance))
    }

    fn expression<'f>(
        &self,
        levels: &Levels,
        known: &'f KnownFace,
    ) -> Result<&'f Expression, VisionError> {
        if let Some(expression) = known.expression.get() {
            return Ok(expression);
        }
        let network = self.expressions.get(&self.model)?;
        let expression = network.read(levels, &known.face)?;
        Ok(known.expression.get_or_init(|| expression))
    }
}
