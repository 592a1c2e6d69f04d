//! `Serialize` (feature `serde`) for keys, clients and outcomes.
//!
//! The docs of each impl show its output. Records are destructured without `..`, so that a new field is a compile
//! error. Times are RFC 3339 in UTC. [`ApiKey`](crate::ApiKey) has no impl, so that no key is ever written.

use std::time::SystemTime;

use serde::ser::{Error, Serialize, SerializeStruct, Serializer};

use crate::client::{ClientProfile, Network, ProfileParts, Quota, Rate, Scope};
use crate::error::WrongReason;
use crate::key::{KeyDigest, KeyId, KeyState, Timestamp};
use crate::manage::{AuditFinding, ClientInfo, KeyInfo, KeyStatus, LastUsed, Rotated};
use crate::observe::{Outcome, OutcomeKind};

/// Implements `Serialize` for types that are written as one text.
macro_rules! as_text {
    ($($(#[$doc:meta])+ $type:ty: |$value:ident| $text:expr;)+) => {
        $($(#[$doc])+
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let $value = self;
                serializer.collect_str(&$text)
            }
        })+
    };
}

/// Writes an object with these fields.
macro_rules! object {
    ($serializer:ident, $name:literal, { $($field:tt: $value:expr),+ $(,)? }) => {{
        let mut object = $serializer.serialize_struct($name, [$($field),+].len())?;
        $(object.serialize_field($field, $value)?;)+
        object.end()
    }};
}

as_text! {
    /// Writes 16 hexadecimal digits. Needs the feature `serde`.
    KeyId: |id| id;

    /// Writes the digest with its algorithm: `sha256:...`. Needs the feature `serde`.
    KeyDigest: |digest| digest.to_text();

    /// Writes `active`, `disabled` or `revoked`. Needs the feature `serde`.
    KeyState: |state| match state {
        KeyState::Active => "active",
        KeyState::Disabled => "disabled",
        KeyState::Revoked => "revoked",
    };

    /// Writes `never`, a time in RFC 3339, or `unknown`. Needs the feature `serde`.
    LastUsed: |last_used| last_used;

    /// Writes its [`name`](KeyStatus::name), such as `replaced`. Needs the feature `serde`.
    KeyStatus: |status| status.name();

    /// Writes RFC 3339 in UTC, such as `2027-01-31T00:00:00Z`. Needs the feature `serde`.
    Timestamp: |time| time;

    /// Writes the scope as text, such as `orders:read`. Needs the feature `serde`.
    Scope: |scope| scope.as_str();

    /// Writes the network as text, such as `10.0.0.0/8`. Needs the feature `serde`.
    Network: |network| network;

    /// Writes one word, such as `expired`. Needs the feature `serde`.
    WrongReason: |reason| reason;

    /// Writes its [`name`](OutcomeKind::name), such as `no_credentials`. Needs the feature `serde`.
    OutcomeKind: |kind| kind.name();
}

/// Writes `"100/minute"`, or `{"rate": "100/minute", "burst": 20}` if the burst is another number. Needs the feature
/// `serde`.
impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.burst() == self.count() {
            return serializer.serialize_str(&self.without_burst());
        }
        object!(serializer, "Rate", { "rate": &self.without_burst(), "burst": &self.burst() })
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

/// Writes an object with `name`, `title` and `quota` (`null` if there is none), `scopes`, `networks` and `metadata`. Needs the
/// feature `serde`.
impl Serialize for ClientProfile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ProfileParts { name, title, scopes, networks, quota, metadata } = self.parts();
        object!(serializer, "ClientProfile", {
            "name": name,
            "title": &title,
            "scopes": scopes,
            "networks": networks,
            "quota": &quota,
            "metadata": metadata,
        })
    }
}

/// Writes the fields of its [`ClientProfile`], and `enabled` and `keys`. Needs the feature `serde`.
///
/// ```
/// use keygate::MemoryStore;
///
/// let store = MemoryStore::new();
/// store.add_client("App 1")?;
/// let json = serde_json::to_string(&store.disable_client("App 1")?)?;
/// assert_eq!(
///     json,
///     r#"{"name":"App 1","title":null,"scopes":[],"networks":[],"quota":null,"metadata":{},"enabled":false,"keys":0}"#,
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Serialize for ClientInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { profile, enabled, keys } = self;
        let ProfileParts { name, title, scopes, networks, quota, metadata } = profile.parts();
        object!(serializer, "ClientInfo", {
            "name": name,
            "title": &title,
            "scopes": scopes,
            "networks": networks,
            "quota": &quota,
            "metadata": metadata,
            "enabled": enabled,
            "keys": keys,
        })
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
/// key.lifetime = key.lifetime.with_expiry(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
/// let json = serde_json::to_value(&key)?;
/// assert_eq!(json["key_id"], "1f0c2b7a9d3e4c58");
/// assert_eq!(json["expires"], "2027-01-15T08:00:00Z");
/// assert_eq!(json["state"], "active");
/// assert_eq!(json["label"], serde_json::Value::Null);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Serialize for KeyInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            key_id,
            client,
            label,
            scopes,
            networks,
            created,
            lifetime,
            revoked,
            replaced_by,
            state,
            last_used,
        } = self;
        let [(not_before, beginning), (expires, expiry)] = lifetime.times();
        object!(serializer, "KeyInfo", {
            "key_id": key_id,
            "client": client,
            "label": label,
            "state": state,
            "scopes": scopes,
            "networks": networks,
            "created": &timestamp(*created)?,
            not_before: &beginning,
            expires: &expiry,
            "revoked": &timestamp(*revoked)?,
            "replaced_by": replaced_by,
            "last_used": last_used,
        })
    }
}

/// Writes an object with the two keys, `old` and `new`. Needs the feature `serde`.
impl Serialize for Rotated {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { old, new } = self;
        object!(serializer, "Rotated", { "old": old, "new": new })
    }
}

/// Writes an object with `kind` (its [`name`](crate::manage::AuditKind::name)), `client`, `key_id`, `label`, `place` and
/// `message`. Needs the feature `serde`.
impl Serialize for AuditFinding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { kind, client, key_id, label, place, detail: _ } = self;
        object!(serializer, "AuditFinding", {
            "kind": kind.name(),
            "client": client,
            "key_id": key_id,
            "label": label,
            "place": place,
            "message": &self.message(),
        })
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
        object!(serializer, "Outcome", {
            "outcome": &self.kind(),
            "client": &self.client().map(ClientProfile::name),
            "key_id": &self.key_id(),
        })
    }
}

fn timestamp<E: Error>(time: Option<SystemTime>) -> Result<Option<Timestamp>, E> {
    time.map(Timestamp::try_from).transpose().map_err(E::custom)
}
