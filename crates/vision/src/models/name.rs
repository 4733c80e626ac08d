//! The names of the models.

/// A model that can be added. Its `Display` is its name on the command line and its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ModelName {
    /// 80 kinds of objects with boxes, for `DetectLabels`.
    Objects,
    /// 1,000 ImageNet classes of the whole picture, for `DetectLabels`.
    Classes,
    /// Boxes, landmarks and attributes of faces, for `DetectFaces` and `DetectLabels`.
    Faces,
    /// Nudity, for `DetectModerationLabels`.
    Moderation,
    /// Lines of text in photographs, for `DetectText`.
    Text,
}

impl ModelName {
    /// All models, in the order in which they are listed and fetched.
    pub const ALL: [Self; 5] = [
        Self::Objects,
        Self::Classes,
        Self::Faces,
        Self::Moderation,
        Self::Text,
    ];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Classes => "classes",
            Self::Faces => "faces",
            Self::Moderation => "moderation",
            Self::Text => "text",
        }
    }

    /// The model with this name on the command line.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.as_str() == name)
    }

    /// The files of the installed model, which the recognisers open.
    pub fn files(self) -> &'static [&'static str] {
        match self {
            Self::Objects => &["objects.onnx"],
            Self::Classes => &["classes.onnx"],
            Self::Faces => &[
                "pnet.onnx",
                "rnet.onnx",
                "onet.onnx",
                "blazeface.onnx",
                "facemesh.onnx",
                "age.onnx",
                "gender.onnx",
                "age-gender.onnx",
                "expressions.onnx",
            ],
            Self::Moderation => &["nsfw.onnx"],
            Self::Text => &["detector.onnx", "reader.onnx", "characters.txt"],
        }
    }
}

impl std::fmt::Display for ModelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
