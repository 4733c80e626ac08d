//! The filters of a `DetectText` request.

use rekognition_model::{DetectTextRequest, DetectionFilter, RegionOfInterest};

use super::area::{Area, Vertex};
use super::line::Word;
use crate::VisionError;

/// Rekognition's default for `WordFilter.MinConfidence`, in percent.
const DEFAULT_MIN_CONFIDENCE: f64 = 80.0;
/// The most points of a region (Amazon Rekognition API Reference, "RegionOfInterest").
const MAX_POINTS: usize = 10;

/// Which words a `DetectText` request wants.
#[derive(Debug, PartialEq)]
pub struct TextFilters {
    /// Percent.
    min_confidence: f64,
    /// Ratio of the image's height.
    min_height: f64,
    /// Ratio of the image's width.
    min_width: f64,
    /// Polygons in ratios of the image; empty for the whole image.
    regions: Vec<Vec<Vertex>>,
}

impl TextFilters {
    /// Reads the filters of a request that meets the constraints of the service model.
    ///
    /// # Errors
    /// `InvalidParameter` for a region that is neither a complete box nor a polygon.
    pub fn from_request(request: &DetectTextRequest) -> Result<Self, VisionError> {
        let filters = request.filters.as_ref();
        let default = DetectionFilter::default();
        let words = filters
            .and_then(|filters| filters.word_filter.as_ref())
            .unwrap_or(&default);
        let regions = filters.and_then(|filters| filters.regions_of_interest.as_deref());
        let mut polygons = Vec::new();
        for (number, region) in regions.unwrap_or_default().iter().enumerate() {
            polygons.extend(self::polygons(region).ok_or_else(|| {
                VisionError::InvalidParameter(format!(
                    "filters.regionsOfInterest[{number}] must have a BoundingBox with all four members or a Polygon of 3 \
                     to {MAX_POINTS} points"
                ))
            })?);
        }
        Ok(Self {
            min_confidence: words.min_confidence.unwrap_or(DEFAULT_MIN_CONFIDENCE),
            min_height: words.min_bounding_box_height.unwrap_or_default(),
            min_width: words.min_bounding_box_width.unwrap_or_default(),
            regions: polygons,
        })
    }

    /// Whether a word of an image of `size` pixels is reported. More than half of its box must lie in one of the regions (Amazon Rekognition API
    /// Reference, "RegionOfInterest").
    pub(super) fn accepts(&self, word: &Word, size: (u32, u32)) -> bool {
        let area = word.rectangle.area(size);
        let inside = |region: &Vec<Vertex>| area.overlap(region) > area.size() / 2.0;
        word.confidence >= self.min_confidence
            && area.bottom - area.top >= self.min_height
            && area.right - area.left >= self.min_width
            && (self.regions.is_empty() || self.regions.iter().any(inside))
    }
}

/// The polygons of a region: one for its box, one for its polygon. `None` for a region that is not valid.
fn polygons(region: &RegionOfInterest) -> Option<Vec<Vec<Vertex>>> {
    let mut polygons = Vec::new();
    if let Some(rectangle) = &region.bounding_box {
        let (left, top) = (rectangle.left?, rectangle.top?);
        let area = Area {
            left,
            top,
            right: left + rectangle.width?,
            bottom: top + rectangle.height?,
        };
        polygons.push(area.corners().to_vec());
    }
    if let Some(polygon) = &region.polygon {
        let points: Option<Vec<Vertex>> =
            polygon.iter().map(|point| point.x.zip(point.y)).collect();
        let points = points.filter(|points| (3..=MAX_POINTS).contains(&points.len()))?;
        polygons.push(points);
    }
    (!polygons.is_empty()).then_some(polygons)
}
