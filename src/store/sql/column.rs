//! The types of columns and of their values.

use std::borrow::Cow;

use crate::key::{KeyId, Rounding, Timestamp};

/// A table whose rows are `T`.
pub(in crate::store) struct Table<T: 'static> {
    pub(in crate::store) name: &'static str,
    pub(in crate::store) columns: &'static [Column<T>],
}

/// A column of the rows `T`.
pub(in crate::store) struct Column<T> {
    pub(in crate::store) name: &'static str,
    pub(in crate::store) codec: Codec<T>,
    /// Whether lookups and replicas read it.
    pub(in crate::store) authenticates: bool,
}

/// The type of a column, with the functions that encode and decode it. An error is a phrase about the value.
pub(in crate::store) enum Codec<T> {
    Bytes(fn(&T) -> Vec<u8>, fn(&mut T, &[u8]) -> Result<(), String>),
    Text(Encode<T>, Decode<T>),
    /// JSON.
    Json(Encode<T>, Decode<T>),
    Texts(fn(&T) -> Vec<String>, fn(&mut T, &[String]) -> Result<(), String>),
    Flag(fn(&T) -> bool, fn(&mut T, bool)),
    Time(Rounding, fn(&T) -> Option<Timestamp>, fn(&mut T, Option<Timestamp>)),
}

type Encode<T> = for<'a> fn(&'a T) -> Option<Cow<'a, str>>;
type Decode<T> = fn(&mut T, Option<&str>) -> Result<(), String>;

impl<T> Column<T> {
    pub(super) const fn new(name: &'static str, codec: Codec<T>) -> Self {
        Self { name, codec, authenticates: true }
    }

    /// For columns that only managers need.
    pub(super) const fn managed(name: &'static str, codec: Codec<T>) -> Self {
        Self { name, codec, authenticates: false }
    }

    pub(in crate::store) fn value<'a>(&self, row: &'a T) -> Value<'a> {
        match &self.codec {
            Codec::Bytes(get, _) => Value::Bytes(get(row)),
            Codec::Text(get, _) | Codec::Json(get, _) => Value::Text(get(row)),
            Codec::Texts(get, _) => Value::Texts(get(row)),
            Codec::Flag(get, _) => Value::Flag(get(row)),
            Codec::Time(_, get, _) => Value::Time(get(row)),
        }
    }

    /// Returns whether two rows differ in this column.
    pub(super) fn differs(&self, one: &T, other: &T) -> bool {
        self.value(one) != self.value(other)
    }
}

/// A time of a key that lists are sorted or filtered by.
#[derive(Clone, Copy)]
pub(in crate::store) enum KeyTime {
    Created,
    NotBefore,
    Expires,
}

/// An argument of a statement, such as the value of a column.
#[derive(Debug, PartialEq)]
pub(in crate::store) enum Value<'a> {
    Bytes(Vec<u8>),
    Text(Option<Cow<'a, str>>),
    Texts(Vec<String>),
    Flag(bool),
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code))]
    Number(i64),
    Time(Option<Timestamp>),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text.into()))
    }
}

impl From<KeyId> for Value<'_> {
    fn from(key_id: KeyId) -> Self {
        Self::Text(Some(key_id.to_string().into()))
    }
}
