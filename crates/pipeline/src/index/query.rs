//! Which images to list.

use super::entry::{ImageRow, Term, fold};
use crate::{
    document::{AgeSpan, Status},
    recognition::FACE,
};

/// A query for images.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// Only images of this [`SourceKey::owner`](crate::SourceKey::owner); all images if `None`.
    pub owner: Option<String>,
    /// Only images with this label, or with a label of this category. Case is ignored.
    pub term: Option<Term>,
    /// Only images whose confidence of `term` is at least this, in percent. The confidence of a category is the
    /// highest among its labels. Without `term` this has no effect.
    pub min_confidence: Option<f64>,
    /// Only images with this status.
    pub status: Option<Status>,
    /// Only images with such faces.
    pub faces: FaceFilter,
}

/// A filter of images by their faces. Each part may be met by another face of the image.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct FaceFilter {
    /// At least this many faces; 0 for any image.
    pub min_count: u64,
    /// The main emotion of a face, such as `Happy`. Case is ignored.
    pub emotion: Option<String>,
    /// An estimated age of a face lies in this span, at least in part.
    pub ages: Option<AgeSpan>,
}

impl Query {
    /// The term by which an index looks the images up: that of the query, or else one that every image has which passes the
    /// face filter. `None` if the query has neither.
    #[must_use]
    pub fn lookup_term(&self) -> Option<Term> {
        if let Some(term) = &self.term {
            return Some(term.clone());
        }
        match &self.faces.emotion {
            Some(emotion) => Some(Term::label(emotion.as_str())),
            None => (!self.faces.is_empty()).then(|| Term::label(FACE)),
        }
    }
}

impl FaceFilter {
    /// Whether every image passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the image passes. The index has read its row then: an index finds the images of
    /// [`Query::lookup_term`] by key, and reads one row for each of them.
    #[must_use]
    pub fn matches(&self, row: &ImageRow) -> bool {
        row.faces.unwrap_or_default() >= self.min_count
            && self.emotion.as_deref().is_none_or(|wanted| {
                let wanted = fold(wanted);
                row.emotions.iter().any(|emotion| fold(emotion) == wanted)
            })
            && (self.ages).is_none_or(|wanted| row.ages.iter().any(|ages| ages.overlaps(wanted)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_looked_up_by_the_rarest_term_that_is_known() {
        let faces = FaceFilter {
            min_count: 1,
            ..FaceFilter::default()
        };
        let happy = FaceFilter {
            emotion: Some("happy".to_owned()),
            ..faces.clone()
        };
        let lookup = |term: Option<Term>, faces: &FaceFilter| {
            let query = Query {
                term,
                faces: faces.clone(),
                ..Query::default()
            };
            query.lookup_term()
        };
        assert_eq!(lookup(None, &FaceFilter::default()), None);
        assert_eq!(lookup(None, &faces), Some(Term::label("Face")));
        assert_eq!(lookup(None, &happy), Some(Term::label("happy")));
        let dog = Some(Term::label("Dog"));
        assert_eq!(lookup(dog.clone(), &happy), dog);
    }
}
