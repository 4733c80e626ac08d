//! The parameters of `DetectLabels`, checked as Rekognition's service model states them.

use rekognition_model::{DetectLabelsFeatureName, DetectLabelsRequest, GeneralLabelsSettings};

use crate::VisionError;
use crate::confidence::DEFAULT_MIN_CONFIDENCE;

/// Default and upper limit of `MaxLabels`.
const MOST_LABELS: usize = 1000;
const MOST_FEATURES: usize = 2;
const MOST_FILTERS: usize = 100;
const LONGEST_FILTER: usize = 50;
const DEFAULT_DOMINANT_COLOURS: u32 = 10;
/// Upper limit of `MaxDominantColors`.
pub(crate) const MOST_DOMINANT_COLOURS: u32 = 20;

/// What a caller asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Options {
    /// `GENERAL_LABELS`, also when the request names no feature.
    pub(crate) general: Option<GeneralOptions>,
    /// `IMAGE_PROPERTIES`.
    pub(crate) properties: Option<PropertiesOptions>,
}

/// Which labels to report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GeneralOptions {
    /// Percent.
    pub(crate) min_confidence: f64,
    pub(crate) max_labels: usize,
    pub(crate) filters: Filters,
}

/// Which image properties to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PropertiesOptions {
    pub(crate) max_dominant_colours: usize,
}

/// The four filters, by exact name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Filters {
    include_labels: Vec<String>,
    exclude_labels: Vec<String>,
    include_categories: Vec<String>,
    exclude_categories: Vec<String>,
}

impl Filters {
    /// Whether a label with this name and these categories is reported.
    ///
    /// With inclusion filters a label must be named by one of them, by label or by category; what an
    /// exclusion filter names is left out in any case. Each label is judged by itself: including a parent
    /// does not include its children, nor the other way round.
    pub(crate) fn pass(&self, name: &str, categories: &[String]) -> bool {
        let named = |filter: &[String]| filter.iter().any(|f| f == name);
        let in_category = |filter: &[String]| filter.iter().any(|f| categories.contains(f));
        let included = (self.include_labels.is_empty() && self.include_categories.is_empty())
            || named(&self.include_labels)
            || in_category(&self.include_categories);
        included && !named(&self.exclude_labels) && !in_category(&self.exclude_categories)
    }
}

impl Options {
    /// Reads a request; `Image` is not looked at.
    ///
    /// # Errors
    /// `InvalidParameter`, naming the member and what it takes.
    pub(crate) fn from_request(request: &DetectLabelsRequest) -> Result<Self, VisionError> {
        let features = request.features.as_deref().unwrap_or_default();
        if features.len() > MOST_FEATURES {
            return Err(invalid(format!(
                "Features takes at most {MOST_FEATURES} members"
            )));
        }
        if let Some(DetectLabelsFeatureName::Other(other)) = features
            .iter()
            .find(|f| matches!(f, DetectLabelsFeatureName::Other(_)))
        {
            return Err(invalid(format!(
                "Features takes GENERAL_LABELS and IMAGE_PROPERTIES, not {other:?}"
            )));
        }
        let general =
            features.is_empty() || features.contains(&DetectLabelsFeatureName::GeneralLabels);
        let properties = features.contains(&DetectLabelsFeatureName::ImageProperties);

        // Checked also when their feature is not asked for: a wrong value is a mistake in any case.
        let general_options = general_options(request)?;
        let properties_options = properties_options(request)?;
        Ok(Self {
            general: general.then_some(general_options),
            properties: properties.then_some(properties_options),
        })
    }
}

fn general_options(request: &DetectLabelsRequest) -> Result<GeneralOptions, VisionError> {
    let min_confidence = request.min_confidence.unwrap_or(DEFAULT_MIN_CONFIDENCE);
    if !(0.0..=100.0).contains(&min_confidence) {
        return Err(invalid(format!(
            "MinConfidence takes a number from 0 to 100, not {min_confidence}"
        )));
    }
    let max_labels = match request.max_labels {
        Some(n) => usize::try_from(n).unwrap_or(MOST_LABELS).min(MOST_LABELS),
        None => MOST_LABELS,
    };
    let settings = request
        .settings
        .as_ref()
        .and_then(|s| s.general_labels.as_ref());
    let filters = settings.map(filters).transpose()?.unwrap_or_default();
    Ok(GeneralOptions {
        min_confidence,
        max_labels,
        filters,
    })
}

fn properties_options(request: &DetectLabelsRequest) -> Result<PropertiesOptions, VisionError> {
    let settings = request
        .settings
        .as_ref()
        .and_then(|s| s.image_properties.as_ref());
    let most = settings
        .and_then(|s| s.max_dominant_colors)
        .unwrap_or(DEFAULT_DOMINANT_COLOURS);
    if most > MOST_DOMINANT_COLOURS {
        return Err(invalid(format!(
            "MaxDominantColors takes a number from 0 to {MOST_DOMINANT_COLOURS}, not {most}"
        )));
    }
    Ok(PropertiesOptions {
        max_dominant_colours: most as usize,
    })
}

fn filters(settings: &GeneralLabelsSettings) -> Result<Filters, VisionError> {
    let read = |member: &str, filter: &Option<Vec<String>>| {
        let filter = filter.clone().unwrap_or_default();
        if filter.len() > MOST_FILTERS {
            return Err(invalid(format!(
                "{member} takes at most {MOST_FILTERS} names"
            )));
        }
        match filter
            .iter()
            .find(|f| f.chars().count() > LONGEST_FILTER || !f.chars().all(allowed))
        {
            Some(wrong) => Err(invalid(format!(
                "{member} takes names of at most {LONGEST_FILTER} letters, digits, spaces and simple punctuation, \
                 not {wrong:?}"
            ))),
            None => Ok(filter),
        }
    };
    Ok(Filters {
        include_labels: read("LabelInclusionFilters", &settings.label_inclusion_filters)?,
        exclude_labels: read("LabelExclusionFilters", &settings.label_exclusion_filters)?,
        include_categories: read(
            "LabelCategoryInclusionFilters",
            &settings.label_category_inclusion_filters,
        )?,
        exclude_categories: read(
            "LabelCategoryExclusionFilters",
            &settings.label_category_exclusion_filters,
        )?,
    })
}

/// The service model's pattern `[A-Za-z0-9àâèçñó'-_(). ]*`, in which `'-_` is a range.
fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || ('\''..='_').contains(&c) || " àâèçñó".contains(c)
}

fn invalid(message: String) -> VisionError {
    VisionError::InvalidParameter(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn options(request: Value) -> Result<Options, VisionError> {
        Options::from_request(&serde_json::from_value(request).unwrap())
    }

    fn refused(request: Value) -> String {
        match options(request) {
            Err(VisionError::InvalidParameter(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rekognitions_defaults() {
        let options = options(json!({})).unwrap();
        let general = options.general.unwrap();
        assert_eq!((general.min_confidence, general.max_labels), (55.0, 1000));
        assert_eq!(general.filters, Filters::default());
        assert_eq!(options.properties, None);
    }

    #[test]
    fn features_choose_what_is_answered() {
        let both = options(json!({"Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]})).unwrap();
        assert!(both.general.is_some());
        assert_eq!(
            both.properties,
            Some(PropertiesOptions {
                max_dominant_colours: 10
            })
        );
        assert!(
            options(json!({"Features": ["IMAGE_PROPERTIES"]}))
                .unwrap()
                .general
                .is_none()
        );
        assert!(options(json!({"Features": []})).unwrap().general.is_some());
        assert_eq!(
            refused(json!({"Features": ["FACES"]})),
            "Features takes GENERAL_LABELS and IMAGE_PROPERTIES, not \"FACES\""
        );
        assert_eq!(
            refused(json!({"Features": ["GENERAL_LABELS", "GENERAL_LABELS", "GENERAL_LABELS"]})),
            "Features takes at most 2 members"
        );
    }

    #[test]
    fn numbers_have_their_ranges() {
        let general = |request| options(request).unwrap().general.unwrap();
        assert_eq!(general(json!({"MinConfidence": 0})).min_confidence, 0.0);
        assert_eq!(general(json!({"MinConfidence": 100})).min_confidence, 100.0);
        assert_eq!(general(json!({"MaxLabels": 0})).max_labels, 0);
        assert_eq!(general(json!({"MaxLabels": 5000})).max_labels, 1000);
        assert_eq!(
            refused(json!({"MinConfidence": 100.5})),
            "MinConfidence takes a number from 0 to 100, not 100.5"
        );
        assert_eq!(
            refused(json!({"MinConfidence": -1})),
            "MinConfidence takes a number from 0 to 100, not -1"
        );
        let not_a_number = DetectLabelsRequest {
            min_confidence: Some(f64::NAN),
            ..Default::default()
        };
        assert!(Options::from_request(&not_a_number).is_err());
        assert_eq!(
            refused(json!({"Settings": {"ImageProperties": {"MaxDominantColors": 21}}})),
            "MaxDominantColors takes a number from 0 to 20, not 21"
        );
    }

    #[test]
    fn filters_have_rekognitions_limits() {
        let with = |filter: Value| json!({"Settings": {"GeneralLabels": {"LabelInclusionFilters": filter}}});
        assert!(
            options(with(json!(
                ["Café-au-lait (hot), 50_50.".replace('é', "è")]
            )))
            .is_ok()
        );
        assert!(options(with(json!(vec!["a"; 100]))).is_ok());
        assert_eq!(
            refused(with(json!(vec!["a"; 101]))),
            "LabelInclusionFilters takes at most 100 names"
        );
        assert!(options(with(json!(["a".repeat(50)]))).is_ok());
        assert!(
            refused(with(json!(["a".repeat(51)])))
                .starts_with("LabelInclusionFilters takes names of at most 50")
        );
        assert!(refused(with(json!(["猫"]))).ends_with("not \"猫\""));
    }

    #[test]
    fn a_label_is_included_by_name_or_category_and_exclusion_wins() {
        let filters = |settings: Value| {
            let request = json!({"Settings": {"GeneralLabels": settings}});
            options(request).unwrap().general.unwrap().filters
        };
        let pass = |f: &Filters, name: &str, category: &str| f.pass(name, &[category.to_owned()]);

        let none = filters(json!({}));
        assert!(pass(&none, "Dog", "Animals and Pets"));

        let by_name = filters(json!({"LabelInclusionFilters": ["Dog"]}));
        assert!(pass(&by_name, "Dog", "Animals and Pets"));
        assert!(
            !pass(&by_name, "Animal", "Animals and Pets"),
            "a parent is not included with its child"
        );
        assert!(
            !pass(&by_name, "dog", "Animals and Pets"),
            "names are exact"
        );

        let either = filters(json!({
            "LabelInclusionFilters": ["Street"],
            "LabelCategoryInclusionFilters": ["Animals and Pets"]
        }));
        assert!(pass(&either, "Street", "Buildings and Architecture"));
        assert!(pass(&either, "Dog", "Animals and Pets"));
        assert!(!pass(&either, "Car", "Vehicles and Automotive"));

        let but = filters(json!({
            "LabelCategoryInclusionFilters": ["Animals and Pets"],
            "LabelExclusionFilters": ["Dog"]
        }));
        assert!(pass(&but, "Cat", "Animals and Pets"));
        assert!(!pass(&but, "Dog", "Animals and Pets"));

        let without = filters(json!({"LabelCategoryExclusionFilters": ["Animals and Pets"]}));
        assert!(pass(&without, "Car", "Vehicles and Automotive"));
        assert!(!pass(&without, "Dog", "Animals and Pets"));
    }
}
