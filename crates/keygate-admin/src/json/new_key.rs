use std::time::{Duration, SystemTime};

use keygate::client::Network;
use keygate::{NewKey, Scope};
use utoipa::ToSchema;

use super::{Field, Fields};

/// The grace of a rotation that names none: a day.
const GRACE: u64 = 24 * 60 * 60;

/// A key to be made. The service generates its text.
#[derive(Default, ToSchema)]
pub(crate) struct IssueKey {
    /// A text for people.
    label: Option<String>,
    /// Narrows the scopes of the client; all of them without any.
    #[schema(value_type = Option<Vec<String>>)]
    scopes: Option<Vec<Scope>>,
    /// Narrows the networks of the client; all of them without any.
    #[schema(value_type = Option<Vec<String>>)]
    networks: Option<Vec<Network>>,
    /// When it ends; `null` for never. If it is missing, the policy of the store decides.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Field<SystemTime>,
    /// When it begins to work; at once if it is missing.
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<SystemTime>,
}

/// A key to be made in place of another one. What is missing is inherited from the old key.
#[derive(ToSchema)]
pub(crate) struct RotateKey {
    /// How long the old key keeps working, in seconds; a day if it is missing, and 0 ends it now.
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
            expires: fields.time("expires"),
            not_before: fields.time("not_before").set(),
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
