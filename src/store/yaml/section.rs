use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Error as _, Serialize, Serializer};

use super::events::Events;
use super::facts::{client_fields, key_fields, policy_fields, present, with_digest};
use super::load_error::{LoadError, LoadErrorKind};
use super::parse::parse_all;
use super::position::Place;
use super::value::{Item, Value};
use crate::manage::Policy;
use crate::store::api_keys::any::Any;
use crate::store::{KeysError, KeysFault, MemoryStore};

mod recording;

use recording::{Recorder, Recording};

/// A whole section of keys in an application's own settings, with everything that a key file may contain.
///
/// It deserializes from a map with any of the fields of a key file ([`YamlStore`](crate::YamlStore)): `api_key`,
/// `api_keys`, `clients`, `policy`, `allow_weak_keys` and `version`, in any self-describing format. Needs the features
/// `serde` and `yaml`. For the value of `api_keys` alone, see [`ApiKeys`](crate::ApiKeys), with the same limits.
///
/// ```
/// use keygate::{Keys, MemoryStore};
///
/// let keys: Keys = serde_json::from_str(r#"{
///     "api_keys": {"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU": "App 1"},
///     "clients": {"App 1": {"scopes": ["orders:read"], "quota": "100/minute"}}
/// }"#)?;
/// let store = MemoryStore::try_from(keys)?;
/// assert_eq!(store.profiles()[0].scopes()[0].as_str(), "orders:read");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A mistake in the keys does not make deserializing fail, because the error of a format crate quotes its input.
/// `MemoryStore::try_from` reports all of them, by the rules of key files and without the texts. `Serialize` writes the
/// section with digests in place of keys; it deserializes to the same keys.
#[derive(Clone)]
pub struct Keys(Arc<Loaded>);

struct Loaded {
    keys: Result<MemoryStore, KeysError>,
    warnings: Vec<KeysFault>,
}

impl Keys {
    /// Returns the problems that do not keep the keys from being used, such as weak keys that are allowed.
    pub fn warnings(&self) -> &[KeysFault] {
        &self.0.warnings
    }

    fn new(Recording { nodes, places, errors }: Recording) -> Self {
        let (keys, findings) = parse_all(&mut Events::recorded(nodes), errors);
        let fault = |LoadError { mut kind, position, file: _ }: LoadError| {
            if let LoadErrorKind::Repeated { first, .. } = &mut kind
                && let Place::Line(number) = *first
            {
                *first = Place::Entry(places.show(number));
            }
            let place = position.map_or(0, |position| position.line);
            KeysFault { place: places.show(place), reason: kind.to_string() }
        };
        let keys = keys.map_err(|errors| KeysError::new(errors.into_iter().map(fault)));
        let warnings = findings.warnings.iter().map(|warning| KeysFault {
            place: places.show(warning.position().map_or(0, |position| position.line)),
            reason: warning.problem(),
        });
        Self(Arc::new(Loaded { keys, warnings: warnings.collect() }))
    }
}

/// Has no keys.
impl Default for Keys {
    fn default() -> Self {
        Self(Arc::new(Loaded { keys: Ok(MemoryStore::new()), warnings: Vec::new() }))
    }
}

impl TryFrom<Keys> for MemoryStore {
    type Error = KeysError;

    /// Creates a store with these keys, independent of other stores with them.
    ///
    /// # Errors
    ///
    /// The keys have faults. The error lists all of them, by their places and without their texts.
    fn try_from(keys: Keys) -> Result<Self, KeysError> {
        keys.0.keys.as_ref().map(Self::fork).map_err(Clone::clone)
    }
}

/// Reads a map with the fields of a key file.
impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut recording = Recording::default();
        deserializer.deserialize_any(Any(Recorder::root(&mut recording)))?;
        Ok(Self::new(recording))
    }
}

/// Writes the fields of a key file, the keys as digests. Keys with a fault are an error.
impl Serialize for Keys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        written(self.0.keys.as_ref().map_err(S::Error::custom)?).serialize(serializer)
    }
}

/// Returns keys as a section of a key file.
fn written(store: &MemoryStore) -> Value {
    let export = store.export();
    let mut keys = HashMap::<_, Vec<_>>::new();
    for key in export.keys() {
        let item = Item::from(with_digest(key.digest, present(key_fields(key))));
        keys.entry(&*key.client).or_default().push(item);
    }
    let clients = export.clients().iter().map(|client| {
        let name = client.profile.name();
        let mut fields = present(client_fields(client));
        fields.push(("keys".to_owned(), Value::List(keys.remove(name).unwrap_or_default())));
        (name.to_owned(), Value::Mapping(fields))
    });
    let mut section = vec![("clients".to_owned(), Value::Mapping(clients.collect()))];
    if store.policy() != Policy::new() {
        let policy = present(policy_fields(store.policy()));
        section.insert(0, ("policy".to_owned(), Value::Mapping(policy)));
    }
    Value::Mapping(section)
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(value) => serializer.serialize_u32(*value),
            Self::Plain(text) | Self::Text(text) => serializer.serialize_str(text),
            Self::Mapping(entries) => {
                serializer.collect_map(entries.iter().map(|(name, value)| (name, value)))
            }
            Self::List(items) => serializer.collect_seq(items.iter().map(|item| &item.value)),
            Self::Flow(value) => value.serialize(serializer),
        }
    }
}

/// Shows the number of keys only.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.keys {
            Ok(keys) => f.debug_struct("Keys").field("keys", &keys.len()).finish(),
            Err(error) => f.debug_struct("Keys").field("faults", &error.faults.len()).finish(),
        }
    }
}
