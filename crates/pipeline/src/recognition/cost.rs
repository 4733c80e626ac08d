//! The price of the calls about a picture, by the list prices in `prices.json`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{recogniser_queries::queries, settings::Settings};
use crate::{Analyses, document::Cost, recogniser::RecogniserQuery};

static PRICES: LazyLock<Prices> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the file is compiled in, and a test reads it"
    )]
    serde_json::from_str(include_str!("prices.json")).expect("prices.json has every price")
});

/// The price table.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Prices {
    /// Where the prices come from.
    #[expect(dead_code, reason = "documents the file")]
    source: String,
    /// The month of the price list.
    as_of: String,
    usd_per_million_images: PerMillion,
}

/// US dollars for a million images; for one image, millionths of a dollar.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PerMillion {
    general_labels: u64,
    image_properties: u64,
    faces: u64,
    text: u64,
    moderation: u64,
    celebrities: u64,
    protective_equipment: u64,
    /// 0, because a custom model is billed by the hour.
    custom_labels: u64,
}

/// The price of all calls about one picture.
#[must_use]
pub fn price(analyses: &Analyses, settings: &Settings) -> Cost {
    cost(queries(analyses, settings).iter())
}

/// The price of these answered queries. Only answered calls are billed.
pub(super) fn cost<'a>(answered: impl Iterator<Item = &'a RecogniserQuery>) -> Cost {
    let mut calls = 0;
    let mut millionths = 0;
    for query in answered {
        calls += 1;
        millionths += PRICES.usd_per_million_images.of(query);
    }
    Cost {
        calls,
        usd: millionths as f64 / 1e6,
        prices_as_of: PRICES.as_of.clone(),
    }
}

impl PerMillion {
    const fn of(&self, query: &RecogniserQuery) -> u64 {
        match query {
            RecogniserQuery::Labels {
                labels,
                image_properties,
                ..
            } => {
                (if *labels { self.general_labels } else { 0 })
                    + (if *image_properties {
                        self.image_properties
                    } else {
                        0
                    })
            }
            RecogniserQuery::Faces => self.faces,
            RecogniserQuery::Text => self.text,
            RecogniserQuery::Moderation { .. } => self.moderation,
            RecogniserQuery::Celebrities => self.celebrities,
            RecogniserQuery::ProtectiveEquipment => self.protective_equipment,
            RecogniserQuery::CustomLabels { .. } => self.custom_labels,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_call_is_one_call_at_two_prices() {
        let labels = |labels, image_properties| RecogniserQuery::Labels {
            labels,
            image_properties,
            min_confidence: 55.0,
            max_labels: 10,
        };
        let of = |queries: &[RecogniserQuery]| {
            let cost = cost(queries.iter());
            (cost.calls, cost.usd)
        };
        assert_eq!(of(&[]), (0, 0.0));
        assert_eq!(of(&[labels(true, false)]), (1, 0.001));
        assert_eq!(of(&[labels(true, true)]), (1, 0.001_75));
        assert_eq!(of(&[labels(false, true)]), (1, 0.000_75));
        let custom = RecogniserQuery::CustomLabels {
            project_version_arn: String::new(),
        };
        assert_eq!(
            of(&[
                labels(true, true),
                RecogniserQuery::Faces,
                RecogniserQuery::Text,
                custom
            ]),
            (4, 0.003_75)
        );
    }
}
