//! Reads any value with serde. A value of the wrong type must not become an error of the format crate, which would
//! quote it.

use std::fmt::{self, Display};

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess,
    VariantAccess as _, Visitor,
};
use zeroize::Zeroizing;

pub(in crate::store) enum Scalar<'a> {
    Text(&'a str),
    Boolean(bool),
    Number(&'a dyn Display),
    Null,
    Binary,
    /// A value with a YAML tag.
    Tagged,
}

impl Scalar<'_> {
    pub(in crate::store) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Boolean(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Null => "null",
            Self::Binary => "binary",
            Self::Tagged => "a tagged value",
        }
    }
}

/// The result of reading a value.
pub(in crate::store) trait Receive<'de>: Sized {
    type Value;

    fn scalar(self, scalar: Scalar<'_>) -> Self::Value;

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error>;

    fn map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error>;
}

/// Reads a value of any type.
pub(in crate::store) struct Any<R>(pub(in crate::store) R);

impl<'de, R: Receive<'de>> DeserializeSeed<'de> for Any<R> {
    type Value = R::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<R::Value, D::Error> {
        // Not `deserialize_str`, for which some loaders turn numbers into texts.
        deserializer.deserialize_any(self)
    }
}

macro_rules! numbers {
    ($($method:ident: $type:ty)+) => {
        $(fn $method<E>(self, number: $type) -> Result<R::Value, E> {
            Ok(self.0.scalar(Scalar::Number(&number)))
        })+
    };
}

impl<'de, R: Receive<'de>> Visitor<'de> for Any<R> {
    type Value = R::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys")
    }

    numbers! { visit_i64: i64  visit_i128: i128  visit_u64: u64  visit_u128: u128  visit_f64: f64 }

    fn visit_bool<E>(self, boolean: bool) -> Result<R::Value, E> {
        Ok(self.0.scalar(Scalar::Boolean(boolean)))
    }

    fn visit_str<E>(self, text: &str) -> Result<R::Value, E> {
        Ok(self.0.scalar(Scalar::Text(text)))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<R::Value, E> {
        self.visit_str(&Zeroizing::new(text))
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<R::Value, E> {
        Ok(self.0.scalar(Scalar::Binary))
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<R::Value, E> {
        self.visit_bytes(&Zeroizing::new(bytes))
    }

    fn visit_unit<E>(self) -> Result<R::Value, E> {
        Ok(self.0.scalar(Scalar::Null))
    }

    fn visit_none<E: Error>(self) -> Result<R::Value, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<R::Value, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<R::Value, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<R::Value, A::Error> {
        self.0.list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<R::Value, A::Error> {
        self.0.map(map)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<R::Value, A::Error> {
        let (IgnoredAny, value) = tagged.variant()?;
        value.newtype_variant::<IgnoredAny>()?;
        Ok(self.0.scalar(Scalar::Tagged))
    }
}

/// Passes a text to a closure. Of any other value, only the type is kept.
pub(in crate::store) struct OnText<F>(pub(in crate::store) F);

impl<'de, T, F: FnOnce(&str) -> T> Receive<'de> for OnText<F> {
    type Value = Result<T, &'static str>;

    fn scalar(self, scalar: Scalar<'_>) -> Self::Value {
        match scalar {
            Scalar::Text(text) => Ok((self.0)(text)),
            other => Err(other.kind()),
        }
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        // Format crates report a list that was not read to its end.
        IgnoredAny.visit_seq(list)?;
        Ok(Err("a list"))
    }

    fn map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_map(map)?;
        Ok(Err("a mapping"))
    }
}
