//! The parameters of a `DetectLabels` request, with Rekognition's defaults.

use rekognition_model::{DetectLabelsFeatureName, DetectLabelsRequest, GeneralLabelsSettings};

use crate::confidence::DEFAULT_MIN_CONFIDENCE;

/// Default and upper limit of `MaxLabels`.
const MAX_LABELS: usize = 1000;
const DEFAULT_DOMINANT_COLOURS: u32 = 10;
/// Upper limit of `MaxDominantColors`.
pub(crate) const MAX_DOMINANT_COLOURS: u32 = 20;

/// The parameters of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Options {
    /// `GENERAL_LABELS`, which is also the default.
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

/// The four filters. Names must match exactly.
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
    /// If there are inclusion filters, one of them must name the label or one of its categories. Exclusion filters win.
    /// Each label is filtered by itself: including a parent does not include its children, nor the reverse.
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
    /// Reads a request that meets the constraints of the service model. Ignores `Image`.
    pub(crate) fn from_request(request: &DetectLabelsRequest) -> Self {
        let features = request.features.as_deref().unwrap_or_default();
        let general =
            features.is_empty() || features.contains(&DetectLabelsFeatureName::GeneralLabels);
        let properties = features.contains(&DetectLabelsFeatureName::ImageProperties);
        Self {
            general: general.then(|| general_options(request)),
            properties: properties.then(|| properties_options(request)),
        }
    }
}

fn general_options(request: &DetectLabelsRequest) -> GeneralOptions {
    let most = request
        .max_labels
        .map(|n| usize::try_from(n).unwrap_or(MAX_LABELS));
    let settings = request
        .settings
        .as_ref()
        .and_then(|s| s.general_labels.as_ref());
    GeneralOptions {
        min_confidence: request.min_confidence.unwrap_or(DEFAULT_MIN_CONFIDENCE),
        max_labels: most.unwrap_or(MAX_LABELS).min(MAX_LABELS),
        filters: settings.map(filters).unwrap_or_default(),
    }
}

fn properties_options(request: &DetectLabelsRequest) -> PropertiesOptions {
    let settings = request
        .settings
        .as_ref()
        .and_then(|s| s.image_properties.as_ref());
    let most = settings.and_then(|s| s.max_dominant_colors);
    let most = most
        .unwrap_or(DEFAULT_DOMINANT_COLOURS)
        .min(MAX_DOMINANT_COLOURS);
    PropertiesOptions {
        max_dominant_colours: most as usize,
    }
}

fn filters(settings: &GeneralLabelsSettings) -> Filters {
    Filters {
        include_labels: settings.label_inclusion_filters.clone().unwrap_or_default(),
        exclude_labels: settings.label_exclusion_filters.clone().unwrap_or_default(),
        include_categories: settings
            .label_category_inclusion_filters
            .clone()
            .unwrap_or_default(),
        exclude_categories: settings
            .label_category_exclusion_filters
            .clone()
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn options(request: Value) -> Options {
        Options::from_request(&serde_json::from_value(request).unwrap())
    }

    #[test]
    fn rekognitions_defaults() {
        let options = options(json!({}));
        let general = options.general.unwrap();
        assert_eq!((general.min_confidence, general.max_labels), (55.0, 1000));
        assert_eq!(general.filters, Filters::default());
        assert_eq!(options.properties, None);
    }

    #[test]
    fn features_select_the_parts_of_the_response() {
        let both = options(json!({"Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]}));
        assert!(both.general.is_some());
        assert_eq!(
            both.properties,
            Some(PropertiesOptions {
                max_dominant_colours: 10
            })
        );
        assert!(
            options(json!({"Features": ["IMAGE_PROPERTIES"]}))
                .general
                .is_none()
        );
        assert!(options(json!({"Features": []})).general.is_some());
    }

    #[test]
    fn the_limits_of_ranges_are_accepted() {
        let general = |request| options(request).general.unwrap();
        assert_eq!(general(json!({"MinConfidence": 0})).min_confidence, 0.0);
        assert_eq!(general(json!({"MinConfidence": 100})).min_confidence, 100.0);
        assert_eq!(general(json!({"MaxLabels": 0})).max_labels, 0);
        assert_eq!(general(json!({"MaxLabels": 5000})).max_labels, 1000);
        let colours = json!({
            "Features": ["IMAGE_PROPERTIES"],
            "Settings": {"ImageProperties": {"MaxDominantColors": 20}}
        });
        assert_eq!(
            options(colours).properties.unwrap().max_dominant_colours,
            20
        );
    }

    #[test]
    fn a_label_is_included_by_name_or_category_and_exclusion_wins() {
        let filters = |settings: Value| {
            let request = json!({"Settings": {"GeneralLabels": settings}});
            options(request).general.unwrap().filters
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
