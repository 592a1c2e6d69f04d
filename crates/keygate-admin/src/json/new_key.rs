use std::time::{Duration, SystemTime};

use keygate::client::Network;
use keygate::{NewKey, Scope};
use utoipa::ToSchema;

use super::{Field, Fields};

/// The default grace period of a rotation: one day.
const GRACE: u64 = 24 * 60 * 60;

/// The body of a request to issue a key. The service generates the text of the key.
#[derive(Default, ToSchema)]
pub(crate) struct IssueKey {
    /// A readable description. It must not look like a key.
    label: Option<String>,
    /// The scopes to which the key is narrowed. If empty, the key has all scopes of its client.
    #[schema(value_type = Option<Vec<String>>)]
    scopes: Option<Vec<Scope>>,
    /// The networks to which the key is narrowed. If empty, the key has all networks of its client.
    #[schema(value_type = Option<Vec<String>>)]
    networks: Option<Vec<Network>>,
    /// When the key expires; `null` for never. If missing, the store's policy decides.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Field<SystemTime>,
    /// When the key starts to work. If missing, it works at once.
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<SystemTime>,
}

/// The body of a request to replace a key. The new key inherits missing fields from the old one.
#[derive(ToSchema)]
pub(crate) struct RotateKey {
    /// How long the old key keeps working, in seconds: a day if missing, and 0 to refuse it at once.
    #[schema(minimum = 0)]
    grace_seconds: Option<u64>,
    #[serde(flatten)]
    new: IssueKey,
}

impl IssueKey {
    pub(crate) fn read(fields: &mut Fields) -> Self {
        Self {
            label: fields.text("label").set(),
            scopes: fields.list("scopes"),
            networks: fields.list("networks"),
            expires: fields.end("expires"),
            not_before: fields.beginning("not_before").set(),
        }
    }

    pub(crate) fn apply(self, new: NewKey) -> NewKey {
        let Self { label, scopes, networks, expires, not_before } = self;
        let mut new = new
            .with_scopes(scopes.unwrap_or_default())
            .with_networks(networks.unwrap_or_default())
            .with_not_before(not_before);
        if let Some(label) = label {
            new = new.with_label(label);
        }
        match expires {
            Field::Set(expires) => new.with_expiry(expires),
            Field::Null => new.with_expiry(None),
            Field::Missing => new,
        }
    }
}

impl RotateKey {
    pub(crate) fn read(fields: &mut Fields) -> Self {
        Self { grace_seconds: fields.number("grace_seconds"), new: IssueKey::read(fields) }
    }

    pub(crate) fn grace(&self) -> Duration {
        Duration::from_secs(self.grace_seconds.unwrap_or(GRACE))
    }

    pub(crate) fn apply(self, new: NewKey) -> NewKey {
        self.new.apply(new)
    }
}
