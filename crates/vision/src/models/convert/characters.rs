//! The alphabet of a text recogniser.

use rten_onnx::onnx::StringStringEntryProto;
use rten_onnx::protobuf::{
    DecodeMessage, Fields, OwnedValues, ProtobufError, ReadValue, ValueReader,
};

use super::ConvertError;

/// The metadata of an ONNX file. The graph is skipped.
#[derive(Default)]
struct Metadata {
    entries: Vec<StringStringEntryProto>,
}

impl DecodeMessage for Metadata {
    type Types = OwnedValues;

    fn decode_fields<R: ReadValue<Types = Self::Types>>(
        mut fields: Fields<R>,
    ) -> Result<Self, ProtobufError> {
        // ModelProto.metadata_props.
        const METADATA_PROPS: u64 = 14;
        let mut metadata = Self::default();
        while let Some(mut field) = fields.next()? {
            if field.number() == METADATA_PROPS {
                let entry = StringStringEntryProto::decode_field(&mut field)?;
                metadata.entries.push(entry);
            } else {
                field.skip()?;
            }
        }
        Ok(metadata)
    }
}

/// The characters that a text recogniser of PaddleOCR can read, one on a line: the metadata `character` of its ONNX file.
/// The network's class 0 is no character, class n is line n, and the class after the last line is the space.
///
/// # Errors
/// `Onnx` if the file is damaged or has no such metadata.
pub(crate) fn reader_characters(onnx: &[u8]) -> Result<String, ConvertError> {
    let metadata = Metadata::decode(ValueReader::from_buf(onnx))
        .map_err(|error| ConvertError::Onnx(format!("is damaged: {error}")))?;
    metadata
        .entries
        .into_iter()
        .find(|entry| entry.key.as_deref() == Some("character"))
        .and_then(|entry| entry.value)
        .filter(|characters| !characters.is_empty())
        .ok_or_else(|| {
            ConvertError::Onnx("has no metadata \"character\", so it reads no text".to_owned())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rten_onnx::onnx::ModelProto;

    fn model(key: &str) -> Vec<u8> {
        let entry = |key: &str, value: &str| StringStringEntryProto {
            key: Some(key.to_owned()),
            value: Some(value.to_owned()),
        };
        let model = ModelProto {
            ir_version: Some(8),
            metadata_props: vec![entry("other", "x"), entry(key, "a\nä\n界")],
            ..ModelProto::default()
        };
        model.write_buf().unwrap()
    }

    #[test]
    fn the_characters_are_read_from_the_metadata() {
        assert_eq!(reader_characters(&model("character")).unwrap(), "a\nä\n界");
    }

    #[test]
    fn files_without_characters_and_damaged_files_are_refused() {
        assert_eq!(
            reader_characters(&model("classes"))
                .unwrap_err()
                .to_string(),
            "the ONNX file has no metadata \"character\", so it reads no text"
        );
        let whole = model("character");
        for end in 0..whole.len() {
            assert!(reader_characters(&whole[..end]).is_err(), "{end}");
        }
    }
}
