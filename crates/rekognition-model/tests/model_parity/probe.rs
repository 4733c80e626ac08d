//! Finds the members of a type through its `Deserialize`. A derived implementation asks its deserialiser for each member by name and
//! kind; [`Probe`] returns some value and records the request.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

/// A kind of JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Integer,
    Float,
    String,
    List(Box<Kind>),
    Structure(String),
}

/// The members of each structure and their kinds.
pub(crate) type Structures = BTreeMap<String, BTreeMap<String, Kind>>;

/// The name of the structure `T`. Adds it and its nested structures to `into`.
pub(crate) fn structures_of<T: DeserializeOwned>(into: &mut Structures) -> String {
    let probe = Probe {
        kind: RefCell::default(),
        structures: RefCell::new(std::mem::take(into)),
    };
    if let Err(error) = T::deserialize(&probe) {
        panic!("{}: {error}", std::any::type_name::<T>());
    }
    *into = probe.structures.into_inner();
    match probe.kind.into_inner() {
        Some(Kind::Structure(name)) => name,
        other => panic!("{} reads as {other:?}", std::any::type_name::<T>()),
    }
}

struct Probe {
    kind: RefCell<Option<Kind>>,
    structures: RefCell<Structures>,
}

impl Probe {
    fn record(&self, kind: Kind) {
        self.kind.replace(Some(kind));
    }

    /// Probes a nested value and returns its kind.
    fn probe_nested<'de, S: DeserializeSeed<'de>>(
        &self,
        seed: S,
    ) -> Result<(S::Value, Kind), Error> {
        let probe = Probe {
            kind: RefCell::default(),
            structures: RefCell::new(self.structures.take()),
        };
        let value = seed.deserialize(&probe);
        self.structures.replace(probe.structures.into_inner());
        let kind = probe.kind.into_inner();
        Ok((
            value?,
            kind.ok_or_else(|| Error::custom("a value that is not read"))?,
        ))
    }
}

impl<'de> Deserializer<'de> for &Probe {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom(
            "a kind of value that the service model does not have",
        ))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.record(Kind::Boolean);
        visitor.visit_bool(true)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.record(Kind::Integer);
        visitor.visit_u32(0)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.record(Kind::Float);
        visitor.visit_f64(0.0)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.record(Kind::String);
        visitor.visit_str("")
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(OneEntry {
            probe: self,
            read: false,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.record(Kind::Structure(name.to_owned()));
        visitor.visit_map(Members {
            probe: self,
            structure: name,
            fields: fields.iter(),
            at: "",
        })
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u64 u128 f32 char bytes byte_buf unit unit_struct
        newtype_struct tuple tuple_struct map enum identifier ignored_any
    }
}

/// A list with one entry.
struct OneEntry<'a> {
    probe: &'a Probe,
    read: bool,
}

impl<'de> SeqAccess<'de> for OneEntry<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if std::mem::replace(&mut self.read, true) {
            return Ok(None);
        }
        let (value, kind) = self.probe.probe_nested(seed)?;
        self.probe.record(Kind::List(Box::new(kind)));
        Ok(Some(value))
    }
}

/// A structure with all its members.
struct Members<'a> {
    probe: &'a Probe,
    structure: &'static str,
    fields: std::slice::Iter<'static, &'static str>,
    at: &'static str,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let Some(field) = self.fields.next() else {
            return Ok(None);
        };
        self.at = field;
        seed.deserialize(StrDeserializer::new(field)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let (value, kind) = self.probe.probe_nested(seed)?;
        self.probe
            .structures
            .borrow_mut()
            .entry(self.structure.to_owned())
            .or_default()
            .insert(self.at.to_owned(), kind);
        Ok(value)
    }
}

#[derive(Debug)]
pub(crate) struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}
