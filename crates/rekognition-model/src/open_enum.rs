//! Enums whose values are strings on the wire and may gain new ones.

/// Defines an enum with one variant for each known string, and `Other` for the rest. One list defines the variants, both
/// conversions, and the values that validation accepts.
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
            /// An unknown value, kept unchanged.
            Other(String),
        }

        impl $name {
            /// Every value except `Other`, in the service model's order.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),+];

            /// The value in JSON.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }

            fn known(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::known(text).unwrap_or_else(|| Self::Other(text.to_owned()))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::known(&text).unwrap_or(Self::Other(text))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

pub(crate) use open_enum;

#[cfg(test)]
mod tests {
    use crate::TextTypes;

    #[test]
    fn a_known_value_reads_as_its_variant_and_writes_its_spelling() {
        let value: TextTypes = serde_json::from_str("\"LINE\"").unwrap();
        assert_eq!(value, TextTypes::Line);
        assert_eq!(serde_json::to_string(&value).unwrap(), "\"LINE\"");
        assert_eq!(format!("{value:>6}"), "  LINE");
    }

    #[test]
    fn an_unknown_value_is_kept() {
        let value: TextTypes = serde_json::from_str("\"PARAGRAPH\"").unwrap();
        assert_eq!(value, TextTypes::Other("PARAGRAPH".to_owned()));
        assert_eq!(serde_json::to_string(&value).unwrap(), "\"PARAGRAPH\"");
        assert!(!TextTypes::KNOWN.contains(&value));
    }

    #[test]
    fn case_matters() {
        assert_eq!(TextTypes::from("line"), TextTypes::Other("line".to_owned()));
    }

    #[test]
    fn only_a_string_is_a_value() {
        assert!(serde_json::from_str::<TextTypes>("7").is_err());
    }
}
