//! The weights of TensorFlow.js and face-api: a manifest in JSON, and shards of plain numbers.

use std::collections::HashMap;

use serde::Deserialize;

use super::ConvertError;
use super::constant::{Constant, Values, count};

/// A group of weights that share files. The group's files are one run of bytes.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    paths: Vec<String>,
    weights: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    name: String,
    shape: Vec<usize>,
    dtype: String,
    quantization: Option<Quantization>,
}

/// How the numbers are stored: value = stored * scale + min.
#[derive(Debug, Deserialize)]
struct Quantization {
    dtype: String,
    #[serde(default = "one")]
    scale: f64,
    #[serde(default)]
    min: f64,
}

fn one() -> f64 {
    1.0
}

pub(super) type Weights = HashMap<String, Constant>;

/// Reads all weights. The shards are in the manifest's order.
///
/// # Errors
/// `Weights` if a shard is missing, too short or too long, or a type is unknown.
pub(super) fn read(manifest: &[Group], shards: &[&[u8]]) -> Result<Weights, ConvertError> {
    let needed: usize = manifest.iter().map(|group| group.paths.len()).sum();
    if needed != shards.len() {
        return Err(ConvertError::Weights(format!(
            "the model has {needed} weight files, but {} were given",
            shards.len()
        )));
    }
    let mut weights = Weights::new();
    let mut shards = shards.iter();
    for group in manifest {
        let bytes: Vec<u8> = shards
            .by_ref()
            .take(group.paths.len())
            .flat_map(|shard| shard.iter().copied())
            .collect();
        let mut rest = bytes.as_slice();
        for entry in &group.weights {
            let constant = entry
                .read(&mut rest)
                .map_err(|reason| ConvertError::Weights(format!("\"{}\": {reason}", entry.name)))?;
            weights.insert(entry.name.clone(), constant);
        }
        if !rest.is_empty() {
            return Err(ConvertError::Weights(format!(
                "{} has {} bytes more than the manifest says",
                group.paths.join(", "),
                rest.len()
            )));
        }
    }
    Ok(weights)
}

impl Entry {
    fn read(&self, bytes: &mut &[u8]) -> Result<Constant, String> {
        let stored = self.quantization.as_ref().map_or(&self.dtype, |q| &q.dtype);
        let width = match stored.as_str() {
            "float32" | "int32" => 4,
            "float16" | "uint16" => 2,
            "uint8" => 1,
            other => return Err(format!("the number type {other} is not known")),
        };
        let length = count(&self.shape)? * width;
        let (own, rest) = bytes
            .split_at_checked(length)
            .ok_or("the file ends too early; fetch the package again")?;
        *bytes = rest;
        let values = match (self.dtype.as_str(), stored.as_str()) {
            ("float32", "float32") => Values::Floats(numbers(own, f32::from_le_bytes)),
            ("int32", "int32") => {
                Values::Integers(numbers(own, |b| i64::from(i32::from_le_bytes(b))))
            }
            ("float32", "float16") => Values::Floats(numbers(own, |b| half(u16::from_le_bytes(b)))),
            ("float32", "uint16") => {
                Values::Floats(numbers(own, |b| self.scaled(u16::from_le_bytes(b).into())))
            }
            ("float32", "uint8") => {
                Values::Floats(numbers(own, |[b]: [u8; 1]| self.scaled(b.into())))
            }
            (dtype, stored) => return Err(format!("{dtype} stored as {stored} is not known")),
        };
        Constant::new(self.shape.clone(), values)
    }

    fn scaled(&self, stored: f64) -> f32 {
        let (scale, min) = self
            .quantization
            .as_ref()
            .map_or((1.0, 0.0), |q| (q.scale, q.min));
        (stored * scale + min) as f32
    }
}

/// The numbers that follow one another in `bytes`.
pub(super) fn numbers<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|chunk| read(*chunk)).collect()
}

/// The value of an IEEE 754 half-precision number.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f32::from(bits & 0x3ff);
    sign * match (bits >> 10) & 0x1f {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        exponent => (1.0 + fraction / 1024.0) * 2f32.powi(i32::from(exponent) - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(json: &str) -> Vec<Group> {
        serde_json::from_str(json).unwrap()
    }

    const ALL_TYPES: &str = r#"[{"paths": ["a", "b"], "weights": [
        {"name": "plain", "shape": [2], "dtype": "float32"},
        {"name": "halves", "shape": [5], "dtype": "float32", "quantization": {"dtype": "float16"}},
        {"name": "bytes", "shape": [2], "dtype": "float32", "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1}},
        {"name": "words", "shape": [1], "dtype": "float32", "quantization": {"dtype": "uint16", "scale": 2, "min": 0.5}},
        {"name": "shape", "shape": [1], "dtype": "int32"}]}]"#;

    fn all_types() -> Vec<u8> {
        let mut bytes = [1.5f32, -2.0].map(f32::to_le_bytes).concat();
        for half in [0x3c00u16, 0xc100, 0x0001, 0x7c00, 0x8000] {
            bytes.extend(half.to_le_bytes());
        }
        bytes.extend([0, 255]);
        bytes.extend(300u16.to_le_bytes());
        bytes.extend((-7i32).to_le_bytes());
        bytes
    }

    #[test]
    fn every_number_type_is_read_across_shards() {
        let bytes = all_types();
        let (a, b) = bytes.split_at(11);
        let weights = read(&manifest(ALL_TYPES), &[a, b]).unwrap();
        assert_eq!(weights["plain"].as_floats().unwrap(), [1.5, -2.0]);
        let halves = [1.0, -2.5, 2f32.powi(-24), f32::INFINITY, -0.0];
        assert_eq!(weights["halves"].as_floats().unwrap(), halves);
        assert_eq!(weights["bytes"].as_floats().unwrap(), [-1.0, 126.5]);
        assert_eq!(weights["words"].as_floats().unwrap(), [600.5]);
        assert_eq!(weights["shape"].as_integers().unwrap(), [-7]);
    }

    #[test]
    fn missing_short_and_long_files_are_named() {
        let bytes = all_types();
        let error = |shards: &[&[u8]]| read(&manifest(ALL_TYPES), shards).unwrap_err().to_string();
        assert_eq!(
            error(&[&bytes]),
            "the weights cannot be read: the model has 2 weight files, but 1 were given"
        );
        assert_eq!(
            error(&[&bytes[..9], &[]]),
            "the weights cannot be read: \"halves\": the file ends too early; fetch the package again"
        );
        assert_eq!(
            error(&[&bytes, &[0]]),
            "the weights cannot be read: a, b has 1 bytes more than the manifest says"
        );
        let unknown =
            r#"[{"paths": [], "weights": [{"name": "s", "shape": [1], "dtype": "string"}]}]"#;
        assert_eq!(
            read(&manifest(unknown), &[]).unwrap_err().to_string(),
            "the weights cannot be read: \"s\": the number type string is not known"
        );
    }
}
