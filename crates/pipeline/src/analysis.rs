//! What can be asked of a picture.

use std::{collections::BTreeSet, fmt, str::FromStr};

use rekognition_model::Operation;
use serde::{Deserialize, Serialize};

/// One thing to find out about a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Analysis {
    /// Objects, scenes and concepts (DetectLabels, feature GENERAL_LABELS).
    Labels,
    /// Quality and dominant colours (DetectLabels, feature IMAGE_PROPERTIES); shares one call with labels.
    ImageProperties,
    /// Faces with all attributes (DetectFaces).
    Faces,
    /// Lines and words of text (DetectText).
    Text,
    /// Unsafe content (DetectModerationLabels).
    Moderation,
    /// Well-known people (RecognizeCelebrities).
    Celebrities,
    /// Protective equipment (DetectProtectiveEquipment).
    Ppe,
    /// Labels of the user's own model (DetectCustomLabels).
    CustomLabels,
}

impl Analysis {
    /// Every analysis, in the order in which they are documented.
    pub const ALL: [Self; 8] = [
        Self::Labels,
        Self::ImageProperties,
        Self::Faces,
        Self::Text,
        Self::Moderation,
        Self::Celebrities,
        Self::Ppe,
        Self::CustomLabels,
    ];

    /// The name in requests, configuration and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::ImageProperties => "image-properties",
            Self::Faces => "faces",
            Self::Text => "text",
            Self::Moderation => "moderation",
            Self::Celebrities => "celebrities",
            Self::Ppe => "ppe",
            Self::CustomLabels => "custom-labels",
        }
    }

    /// The Rekognition operation that answers it.
    #[must_use]
    pub const fn operation(self) -> Operation {
        match self {
            Self::Labels | Self::ImageProperties => Operation::DetectLabels,
            Self::Faces => Operation::DetectFaces,
            Self::Text => Operation::DetectText,
            Self::Moderation => Operation::DetectModerationLabels,
            Self::Celebrities => Operation::RecognizeCelebrities,
            Self::Ppe => Operation::DetectProtectiveEquipment,
            Self::CustomLabels => Operation::DetectCustomLabels,
        }
    }
}

impl fmt::Display for Analysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no analysis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no analysis; the analyses are labels, image-properties, faces, text, moderation, celebrities, ppe and custom-labels"
)]
pub struct UnknownAnalysis(pub String);

impl FromStr for Analysis {
    type Err = UnknownAnalysis;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|analysis| analysis.name() == name)
            .ok_or_else(|| UnknownAnalysis(name.to_owned()))
    }
}

/// A set of analyses, without repeats, in documented order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Analyses(BTreeSet<Analysis>);

impl Analyses {
    /// The analyses in documented order.
    pub fn iter(&self) -> impl Iterator<Item = Analysis> + '_ {
        self.0.iter().copied()
    }

    /// Whether the analysis is in the set.
    #[must_use]
    pub fn contains(&self, analysis: Analysis) -> bool {
        self.0.contains(&analysis)
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).copied().collect())
    }

    /// The Rekognition operations that answer the set: one call each.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        let mut operations: Vec<Operation> = Vec::new();
        for operation in self.iter().map(Analysis::operation) {
            if !operations.contains(&operation) {
                operations.push(operation);
            }
        }
        operations
    }
}

impl FromIterator<Analysis> for Analyses {
    fn from_iter<I: IntoIterator<Item = Analysis>>(analyses: I) -> Self {
        Self(analyses.into_iter().collect())
    }
}

/// Comma-separated, as in configuration and object metadata.
impl fmt::Display for Analyses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Analysis::name).collect();
        f.write_str(&names.join(","))
    }
}

/// Comma-separated names, blanks around them allowed, at least one.
impl FromStr for Analyses {
    type Err = UnknownAnalysis;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        list.split(',').map(|name| name.trim().parse()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_and_serialize() {
        for analysis in Analysis::ALL {
            assert_eq!(analysis.name().parse(), Ok(analysis));
            assert_eq!(
                serde_json::to_value(analysis).unwrap(),
                serde_json::json!(analysis.name())
            );
        }
    }

    #[test]
    fn lists_lose_repeats_and_are_sorted() {
        let set: Analyses = " faces,labels , faces".parse().unwrap();
        assert_eq!(set.to_string(), "labels,faces");
        assert_eq!(
            "labels,cats".parse::<Analyses>(),
            Err(UnknownAnalysis("cats".into()))
        );
        assert!("".parse::<Analyses>().is_err());
    }

    #[test]
    fn labels_and_image_properties_share_one_call() {
        let set: Analyses = "labels,image-properties,text".parse().unwrap();
        assert_eq!(
            set.operations(),
            [Operation::DetectLabels, Operation::DetectText]
        );
    }
}
