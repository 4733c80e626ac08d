//! The JSON shapes of Amazon Rekognition's image operations.

mod celebrities;
mod common;
mod custom_labels;
mod faces;
mod labels;
mod moderation;
mod protective_equipment;
mod text;

/// Base64 in JSON, bytes in Rust.
mod blob {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(v: &Option<Vec<u8>>, s: S) -> Result<S::Ok, S::Error> {
        match v {
            Some(b) => s.serialize_str(&STANDARD.encode(b)),
            None => s.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Option::<String>::deserialize(d)?
            .map(|t| STANDARD.decode(t).map_err(D::Error::custom))
            .transpose()
    }
}

pub use celebrities::*;
pub use common::*;
pub use custom_labels::*;
pub use faces::*;
pub use labels::*;
pub use moderation::*;
pub use protective_equipment::*;
pub use text::*;
