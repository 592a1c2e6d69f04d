//! `Deserialize` and `Serialize` for [`ApiKeys`].

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor as _};
use serde::ser::{self, Serialize, SerializeMap as _, Serializer};

use super::any::{Any, OnText, Receive, Scalar};
use super::{ApiKeys, Entry, EntryFault, digest};

/// The maximum number of entries to reserve memory for, whatever a format claims.
const MOST_RESERVED: usize = 1 << 17;

/// Reads a map of keys to client names. Needs the feature `serde`.
impl<'de> Deserialize<'de> for ApiKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any(OnMap))
    }
}

/// Writes a map of digests to client names. An entry that is refused is an error. Needs the feature `serde`.
impl Serialize for ApiKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for entry in &self.0 {
            let Entry { digest, client } = entry.as_ref().map_err(ser::Error::custom)?;
            map.serialize_entry(digest, client.as_str())?;
        }
        map.end()
    }
}

struct OnMap;

fn wrong(found: &'static str) -> ApiKeys {
    ApiKeys(vec![Err(EntryFault::Type(found))])
}

impl<'de> Receive<'de> for OnMap {
    type Value = ApiKeys;

    fn scalar(self, scalar: Scalar<'_>) -> ApiKeys {
        match scalar {
            Scalar::Null => ApiKeys::default(),
            scalar => wrong(scalar.kind()),
        }
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<ApiKeys, A::Error> {
        IgnoredAny.visit_seq(list).map_err(|_| hidden::<A::Error>(1))?;
        Ok(wrong("a list"))
    }

    fn map<A: MapAccess<'de>>(self, mut map: A) -> Result<ApiKeys, A::Error> {
        let mut entries = Vec::with_capacity(map.size_hint().unwrap_or(0).min(MOST_RESERVED));
        loop {
            let hide = |_| hidden(entries.len() + 1);
            let Some(key) = map.next_key_seed(Any(OnText(digest))).map_err(hide)? else { break };
            let name = Any(OnText(|name: &str| name.into()));
            let client = map.next_value_seed(name).map_err(hide)?;
            entries.push(match (key, client) {
                (Err(found), _) => Err(EntryFault::KeyType(found)),
                (Ok(Err(fault)), _) => Err(fault),
                (_, Err("null")) => Err(EntryFault::NoClient),
                (_, Err(found)) => Err(EntryFault::ClientType(found)),
                (Ok(Ok(digest)), Ok(client)) => Ok(Entry { digest, client }),
            });
        }
        Ok(ApiKeys(entries))
    }
}

/// The error of a format crate may quote a key, even in its path.
pub(in crate::store) fn hidden<E: Error>(entry: usize) -> E {
    E::custom(format_args!(
        "entry {entry} cannot be read: correct its syntax (it is not shown, since it may be a key)"
    ))
}
