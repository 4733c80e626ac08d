//! S3's additional checksums: computed while bytes arrive, verified, and stored with the object.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>

use base64::{Engine, engine::general_purpose::STANDARD};
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use serde::{Deserialize, Serialize};

/// The algorithms that S3 supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    /// S3's default.
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    /// Every algorithm.
    pub(crate) const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// The name in requests and responses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The algorithm with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The header or trailer with the value.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The length of the value in bytes.
    pub(crate) fn length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The CRC, whose values for parts can be combined. `None` for hashes.
    fn combinable(self) -> Option<crc_fast::CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(crc_fast::CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(crc_fast::CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(crc_fast::CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    /// Whether the values of parts can be combined into the value of the whole object.
    pub(crate) fn allows_full_object(self) -> bool {
        self.combinable().is_some()
    }
}

/// The data that a value covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Coverage {
    /// The object's bytes.
    FullObject,
    /// The concatenated values of the object's parts.
    Composite,
}

/// A value as it is stored and returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub(crate) algorithm: Algorithm,
    pub(crate) coverage: Coverage,
    /// Base64, followed by `-` and the number of parts when it is composite.
    pub(crate) value: String,
}

impl Checksum {
    /// The value of the bytes of an object or a part.
    pub(crate) fn of_bytes(algorithm: Algorithm, digest: &[u8]) -> Self {
        Self {
            algorithm,
            coverage: Coverage::FullObject,
            value: STANDARD.encode(digest),
        }
    }

    /// The value of an object that consists of these parts, each with its value and size in bytes. `None` if a part has
    /// another algorithm, or if the algorithm cannot be combined.
    pub(crate) fn of_parts(
        algorithm: Algorithm,
        coverage: Coverage,
        parts: &[(Self, u64)],
    ) -> Option<Self> {
        let digests = parts
            .iter()
            .map(|(part, size)| {
                let digest = STANDARD.decode(&part.value).ok()?;
                (part.algorithm == algorithm && digest.len() == algorithm.length())
                    .then_some((digest, *size))
            })
            .collect::<Option<Vec<_>>>()?;
        let value = match coverage {
            Coverage::Composite => {
                let mut hasher = Hasher::new(algorithm);
                for (digest, _) in &digests {
                    hasher.update(digest);
                }
                format!("{}-{}", STANDARD.encode(hasher.finalize()), digests.len())
            }
            Coverage::FullObject => {
                let combinable = algorithm.combinable()?;
                let whole = digests.iter().fold(None, |whole, (digest, size)| {
                    let part = digest
                        .iter()
                        .fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
                    Some(match whole {
                        None => part,
                        Some(whole) => crc_fast::checksum_combine(combinable, whole, part, *size),
                    })
                })?;
                let bytes = whole.to_be_bytes();
                STANDARD.encode(bytes.get(bytes.len().saturating_sub(algorithm.length())..)?)
            }
        };
        Some(Self {
            algorithm,
            coverage,
            value,
        })
    }
}

/// Computes one value incrementally.
pub(crate) enum Hasher {
    Crc32(Crc32),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
    Sha1(Box<Sha1>),
    Sha256(Box<Sha256>),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Self::Crc32(Crc32::new()),
            Algorithm::Crc32c => Self::Crc32c(Crc32c::new()),
            Algorithm::Crc64Nvme => Self::Crc64Nvme(Crc64Nvme::new()),
            Algorithm::Sha1 => Self::Sha1(Box::new(Sha1::new())),
            Algorithm::Sha256 => Self::Sha256(Box::new(Sha256::new())),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc32(hasher) => hasher.update(bytes),
            Self::Crc32c(hasher) => hasher.update(bytes),
            Self::Crc64Nvme(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn finalize(self) -> Vec<u8> {
        match self {
            Self::Crc32(hasher) => hasher.finalize().to_vec(),
            Self::Crc32c(hasher) => hasher.finalize().to_vec(),
            Self::Crc64Nvme(hasher) => hasher.finalize().to_vec(),
            Self::Sha1(hasher) => hasher.finalize().to_vec(),
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(algorithm: Algorithm, bytes: &[u8]) -> Checksum {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        Checksum::of_bytes(algorithm, &hasher.finalize())
    }

    /// The published check values for `123456789`.
    #[test]
    fn known_values() {
        for (algorithm, value) in [
            (Algorithm::Crc32, "y/Q5Jg=="),
            (Algorithm::Crc32c, "4waSgw=="),
            (Algorithm::Crc64Nvme, "rosUhgp5mIg="),
            (Algorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
            (
                Algorithm::Sha256,
                "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
            ),
        ] {
            assert_eq!(
                of(algorithm, b"123456789").value,
                value,
                "{}",
                algorithm.name()
            );
        }
    }

    #[test]
    fn crcs_of_parts_combine_into_the_crc_of_the_whole() {
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let parts = [
                (of(algorithm, b"12345"), 5),
                (of(algorithm, b"67"), 2),
                (of(algorithm, b"89"), 2),
            ];
            let whole = Checksum::of_parts(algorithm, Coverage::FullObject, &parts).unwrap();
            assert_eq!(whole, of(algorithm, b"123456789"), "{}", algorithm.name());
        }
        let parts = [(of(Algorithm::Sha1, b"1"), 1)];
        assert_eq!(
            Checksum::of_parts(Algorithm::Sha1, Coverage::FullObject, &parts),
            None
        );
    }

    #[test]
    fn a_composite_value_covers_the_parts_values_and_has_their_count() {
        let parts = [
            (of(Algorithm::Sha256, b"12345"), 5),
            (of(Algorithm::Sha256, b"6789"), 4),
        ];
        let whole = Checksum::of_parts(Algorithm::Sha256, Coverage::Composite, &parts).unwrap();
        let digests: Vec<u8> = parts
            .iter()
            .flat_map(|(part, _)| STANDARD.decode(&part.value).unwrap())
            .collect();
        assert_eq!(
            whole.value,
            format!("{}-2", of(Algorithm::Sha256, &digests).value)
        );
        assert_eq!(
            Checksum::of_parts(Algorithm::Crc32, Coverage::Composite, &parts),
            None
        );
    }

    #[test]
    fn names_round_trip() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::named(algorithm.name()), Some(algorithm));
            assert!(
                algorithm
                    .header()
                    .ends_with(&algorithm.name().to_lowercase())
            );
        }
        assert_eq!(Algorithm::named("MD5"), None);
    }
}
