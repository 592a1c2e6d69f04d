//! `Deserialize` (feature `serde`) for values that services keep in their settings or send in requests: scopes,
//! networks, quotas and profiles.
//!
//! The format is that of key files and of `Serialize`. Errors do not quote their input.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::client::{ClientProfile, Network, Quota, Rate, Scope};

/// Reads a text and parses it.
struct TextVisitor<T>(&'static str, PhantomData<T>);

impl<T: FromStr<Err: Display>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

macro_rules! from_text {
    ($($(#[$doc:meta])+ $type:ty: $expected:literal;)+) => {
        $($(#[$doc])+
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(TextVisitor($expected, PhantomData))
            }
        })+
    };
}

from_text! {
    /// Reads a text such as `orders:read`. Needs the feature `serde`.
    Scope: "a scope such as `orders:read`";

    /// Reads a text such as `10.0.0.0/8`. Needs the feature `serde`.
    Network: "a network such as `10.0.0.0/8`";
}

/// Reads `"100/minute"`, or `{"rate": "100/minute", "burst": 20}`. Needs the feature `serde`.
impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RateVisitor)
    }
}

struct RateVisitor;

impl<'de> Visitor<'de> for RateVisitor {
    type Value = Rate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`100/minute` or `{rate: 100/minute, burst: 20}`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Rate, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Rate, A::Error> {
        let (mut rate, mut burst) = (None, None);
        while let Some(field) = map.next_key::<String>()? {
            match &*field {
                "rate" => once(&mut rate, map.next_value_seed(Parsed::<Rate>(PhantomData))?)?,
                "burst" => once(&mut burst, map.next_value::<u32>()?)?,
                _ => return Err(A::Error::custom("a limit has a `rate` and a `burst`")),
            }
        }
        let rate = rate.ok_or_else(|| A::Error::missing_field("rate"))?;
        burst.map_or(Ok(rate), |burst| rate.with_burst(burst).map_err(A::Error::custom))
    }
}

/// Reads only texts.
struct Parsed<T>(PhantomData<T>);

impl<'de, T: FromStr<Err: Display>> serde::de::DeserializeSeed<'de> for Parsed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(TextVisitor("a rate such as `100/minute`", self.0))
    }
}

fn once<T, E: Error>(field: &mut Option<T>, value: T) -> Result<(), E> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::custom("a field appears twice: keep one of the two")),
    }
}

/// Reads the form of key files: one [`Rate`], a list of several, or `"unlimited"`. Needs the feature `serde`.
impl<'de> Deserialize<'de> for Quota {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuotaVisitor)
    }
}

struct QuotaVisitor;

impl<'de> Visitor<'de> for QuotaVisitor {
    type Value = Quota;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        RateVisitor.expecting(f)?;
        f.write_str(", a list of these, or `unlimited`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Quota, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Quota, A::Error> {
        RateVisitor.visit_map(map).map(Quota::from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Quota, A::Error> {
        let rates = Vec::<Rate>::deserialize(SeqAccessDeserializer::new(list))?;
        Quota::all_of(rates).map_err(A::Error::custom)
    }
}

/// Reads a name, or an object with `name` and any of `title`, `scopes`, `networks`, `quota` and `metadata`, as
/// `Serialize` writes it. A profile that [`validate`](ClientProfile::validate) refuses is an error. Needs the feature
/// `serde`.
///
/// ```
/// use keygate::ClientProfile;
///
/// let text = r#"{"name": "App 1", "scopes": ["orders:read"], "quota": "100/minute"}"#;
/// let profile: ClientProfile = serde_json::from_str(text)?;
/// assert_eq!(profile.scopes()[0].as_str(), "orders:read");
/// assert!(serde_json::from_str::<ClientProfile>(r#"{"name": "App 1", "scopes": ["A"]}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<'de> Deserialize<'de> for ClientProfile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let profile: Self = deserializer.deserialize_any(ProfileVisitor)?;
        profile.validate().map_err(D::Error::custom)?;
        Ok(profile)
    }
}

struct ProfileVisitor;

impl<'de> Visitor<'de> for ProfileVisitor {
    type Value = ClientProfile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a client, or its fields")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<ClientProfile, E> {
        Ok(ClientProfile::new(name))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ClientProfile, A::Error> {
        let (mut name, mut title, mut scopes, mut networks) = (None, None, None, None);
        let (mut quota, mut metadata) = (None, None);
        while let Some(field) = map.next_key::<String>()? {
            match &*field {
                "name" => once(&mut name, map.next_value::<String>()?)?,
                "title" => once(&mut title, map.next_value::<Option<String>>()?)?,
                "scopes" => once(&mut scopes, map.next_value::<Vec<Scope>>()?)?,
                "networks" => once(&mut networks, map.next_value::<Vec<Network>>()?)?,
                "quota" => once(&mut quota, map.next_value::<Option<Quota>>()?)?,
                "metadata" => {
                    once(&mut metadata, map.next_value::<BTreeMap<String, String>>()?)?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    return Err(A::Error::custom(
                        "unknown field (not shown here): a client has `name`, `title`, `scopes`, `networks`, `quota` \
                         and `metadata`",
                    ));
                }
            }
        }
        let name = name.ok_or_else(|| A::Error::missing_field("name"))?;
        let mut profile = ClientProfile::new(name)
            .with_scopes(scopes.unwrap_or_default())
            .with_networks(networks.unwrap_or_default())
            .with_metadata(metadata.unwrap_or_default());
        if let Some(title) = title.flatten() {
            profile = profile.with_title(title);
        }
        Ok(quota.flatten().into_iter().fold(profile, ClientProfile::with_quota))
    }
}
