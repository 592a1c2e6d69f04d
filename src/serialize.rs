//! `Serialize` (feature `serde`) for keys, clients and outcomes.
//!
//! The docs of each impl show its output. Records are destructured without `..`, so that a new field is a compile
//! error. Times are RFC 3339 in UTC. [`ApiKey`](crate::ApiKey) has no impl, so that no key is ever written.

use std::time::SystemTime;

use serde::ser::{Error, Serialize, SerializeStruct, Serializer};

use crate::client::{ClientProfile, Quota, Rate, Scope};
use crate::error::WrongReason;
use crate::key::{KeyDigest, KeyId, KeyState, Timestamp};
use crate::manage::{ClientInfo, KeyInfo, KeyStatus, Rotated};
use crate::observe::{Outcome, OutcomeKind};

/// Writes 16 hexadecimal digits. Needs the feature `serde`.
impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Writes the digest with its algorithm: `sha256:...`. Needs the feature `serde`.
impl Serialize for KeyDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

/// Writes `active`, `disabled` or `revoked`. Needs the feature `serde`.
impl Serialize for KeyState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Revoked => "revoked",
        })
    }
}

/// Writes its [`name`](KeyStatus::name), such as `replaced`. Needs the feature `serde`.
impl Serialize for KeyStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Writes RFC 3339 in UTC, such as `2027-01-31T00:00:00Z`. Needs the feature `serde`.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Writes the scope as text, such as `orders:read`. Needs the feature `serde`.
impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Writes `"100/minute"`, or `{"rate": "100/minute", "burst": 20}` if the burst is another number. Needs the feature
/// `serde`.
impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.burst() == self.count() {
            return serializer.serialize_str(&self.without_burst());
        }
        let mut fields = serializer.serialize_struct("Rate", 2)?;
        fields.serialize_field("rate", &self.without_burst())?;
        fields.serialize_field("burst", &self.burst())?;
        fields.end()
    }
}

/// Writes the form of key files: one [`Rate`], a list of several, or `"unlimited"`. Needs the feature `serde`.
impl Serialize for Quota {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.rates() {
            [] => serializer.serialize_str("unlimited"),
            [only] => only.serialize(serializer),
            rates => rates.serialize(serializer),
        }
    }
}

/// Writes an object with `name`, `scopes`, `quota` (`null` if there is none) and `metadata`. Needs the feature
/// `serde`.
impl Serialize for ClientProfile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("ClientProfile", 4)?;
        profile_fields(self, &mut fields)?;
        fields.end()
    }
}

/// Writes the fields of its [`ClientProfile`], with `enabled` and `keys` beside them. Needs the feature `serde`.
///
/// ```
/// use keygate::MemoryStore;
///
/// let store = MemoryStore::new();
/// store.add_client("App 1")?;
/// let json = serde_json::to_string(&store.disable_client("App 1")?)?;
/// assert_eq!(
///     json,
///     r#"{"name":"App 1","scopes":[],"quota":null,"metadata":{},"enabled":false,"keys":0}"#,
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Serialize for ClientInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { profile, enabled, keys } = self;
        let mut fields = serializer.serialize_struct("ClientInfo", 6)?;
        profile_fields(profile, &mut fields)?;
        fields.serialize_field("enabled", enabled)?;
        fields.serialize_field("keys", keys)?;
        fields.end()
    }
}

/// Writes the fields under their names. Times are RFC 3339 in UTC, and absent values are `null`. Needs the feature
/// `serde`.
///
/// A time before 1970 or after 9999 is an error. No store returns one.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use keygate::manage::KeyInfo;
///
/// let mut key = KeyInfo::new("1f0c2b7a9d3e4c58".parse()?, "App 1");
/// key.expires = Some(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
/// let json = serde_json::to_value(&key)?;
/// assert_eq!(json["key_id"], "1f0c2b7a9d3e4c58");
/// assert_eq!(json["expires"], "2027-01-15T08:00:00Z");
/// assert_eq!(json["state"], "active");
/// assert_eq!(json["label"], serde_json::Value::Null);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Serialize for KeyInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { key_id, client, label, created, expires, revoked, replaced_by, state } = self;
        let mut fields = serializer.serialize_struct("KeyInfo", 8)?;
        fields.serialize_field("key_id", key_id)?;
        fields.serialize_field("client", client)?;
        fields.serialize_field("label", label)?;
        fields.serialize_field("state", state)?;
        fields.serialize_field("created", &timestamp(*created)?)?;
        fields.serialize_field("expires", &timestamp(*expires)?)?;
        fields.serialize_field("revoked", &timestamp(*revoked)?)?;
        fields.serialize_field("replaced_by", replaced_by)?;
        fields.end()
    }
}

/// Writes an object with the two keys, `old` and `new`. Needs the feature `serde`.
impl Serialize for Rotated {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { old, new } = self;
        let mut fields = serializer.serialize_struct("Rotated", 2)?;
        fields.serialize_field("old", old)?;
        fields.serialize_field("new", new)?;
        fields.end()
    }
}

/// Writes one word, such as `expired`. Needs the feature `serde`.
impl Serialize for WrongReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Writes its [`name`](OutcomeKind::name), such as `no_credentials`. Needs the feature `serde`.
impl Serialize for OutcomeKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Writes an object with `outcome` (its [`kind`](Outcome::kind)), `client` (a name) and `key_id`. The last two are
/// `null` if the key is missing or unknown. Needs the feature `serde`.
///
/// ```
/// use keygate::{Authenticator, MemoryStore, Outcome};
///
/// let log = |outcome: &Outcome<'_>| eprintln!("{}", serde_json::json!(outcome));
/// let auth = Authenticator::new(MemoryStore::new()).add_observer(log);
/// let _ = auth.verify_key(b"not-a-key-of-anyone");
/// // {"client":null,"key_id":null,"outcome":"unknown"}
/// ```
impl Serialize for Outcome<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Outcome", 3)?;
        fields.serialize_field("outcome", &self.kind())?;
        fields.serialize_field("client", &self.client().map(ClientProfile::name))?;
        fields.serialize_field("key_id", &self.key_id())?;
        fields.end()
    }
}

fn profile_fields<F: SerializeStruct>(
    profile: &ClientProfile,
    fields: &mut F,
) -> Result<(), F::Error> {
    fields.serialize_field("name", profile.name())?;
    fields.serialize_field("scopes", profile.scopes())?;
    fields.serialize_field("quota", &profile.quota())?;
    fields.serialize_field("metadata", profile.metadata())
}

fn timestamp<E: Error>(time: Option<SystemTime>) -> Result<Option<Timestamp>, E> {
    time.map(Timestamp::try_from).transpose().map_err(E::custom)
}
