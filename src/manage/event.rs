use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use crate::key::KeyId;

/// A recorded change of a client, a key or the policy.
///
/// ```
/// use keygate::YamlStore;
/// use keygate::manage::{ChangeAction, EventQuery};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("keygate-event-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let (path, state) = (folder.join("keys.yml"), &folder);
/// let store = YamlStore::create(path)?.record_events(state)?;
/// store.for_actor("ann")?.add_client("App 1")?;
/// store.for_actor("bob")?.disable_client("App 1")?;
///
/// let newest = store.events(&EventQuery::new().with_client("App 1").with_limit(1))?.found;
/// assert_eq!(newest[0].action, ChangeAction::ClientDisabled);
/// assert_eq!(newest[0].actor.as_deref(), Some("bob"));
/// assert!(newest[0].before.as_ref().is_some_and(|json| json.contains(r#""enabled":true"#)));
/// # std::fs::remove_dir_all(folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangeEvent {
    /// The time of the change, by the clock of the database or of the process that edited the file.
    pub at: SystemTime,
    /// The actor, as reported by the program; `None` if it reported none.
    pub actor: Option<String>,
    /// The program that made the change; `None` if that is not recorded.
    pub tool: Option<String>,
    /// The kind of the change.
    pub action: ChangeAction,
    /// The name of the changed client, or of the changed key's client.
    pub client: Option<String>,
    /// The public handle of the changed key; `None` if the change is not about a key.
    pub key_id: Option<KeyId>,
    /// The client, key or policy before the change, as an object in JSON. A key has no digest in it.
    pub before: Option<String>,
    /// The same after the change.
    pub after: Option<String>,
}

impl ChangeEvent {
    /// Creates an event without further fields.
    pub fn new(at: SystemTime, action: ChangeAction) -> Self {
        let (actor, tool, client, key_id, before, after) = Default::default();
        Self { at, actor, tool, action, client, key_id, before, after }
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])+ $action:ident: $name:literal;)+) => {
        /// The kind of a [`ChangeEvent`].
        ///
        /// As text it is the name that stores record, such as `key.revoked`.
        ///
        /// ```
        /// use keygate::manage::ChangeAction;
        ///
        /// assert_eq!(ChangeAction::KeyRevoked.to_string(), "key.revoked");
        /// assert_eq!("key.revoked".parse(), Ok(ChangeAction::KeyRevoked));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ChangeAction {
            $($(#[$doc])+ $action,)+
        }

        impl ChangeAction {
            /// All variants.
            pub const ALL: &'static [Self] = &[$(Self::$action),+];

            /// Returns the name that stores record.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$action => $name,)+
                }
            }
        }
    };
}

actions! {
    /// A client was added.
    ClientAdded: "client.added";
    /// A client was enabled.
    ClientEnabled: "client.enabled";
    /// A client was disabled.
    ClientDisabled: "client.disabled";
    /// Another fact of a client was changed.
    ClientChanged: "client.changed";
    /// A client was removed.
    ClientRemoved: "client.removed";
    /// A key was issued.
    KeyIssued: "key.issued";
    /// A key was revoked.
    KeyRevoked: "key.revoked";
    /// A key was replaced by another one. The event of the new key is `KeyIssued`.
    KeyRotated: "key.rotated";
    /// Another fact of a key was changed.
    KeyChanged: "key.changed";
    /// A key was removed with its client, or by hand.
    KeyRemoved: "key.removed";
    /// A key was removed by a [purge](crate::ManageKeys::purge_keys).
    KeyPurged: "key.purged";
    /// The policy was changed.
    PolicyChanged: "policy.changed";
    /// All clients or all keys were removed by hand (`truncate` in PostgreSQL).
    AllRemoved: "all.removed";
}

impl fmt::Display for ChangeAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Error for a text that is not the name of a [`ChangeAction`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an action is one of {}", names())]
#[non_exhaustive]
pub struct ParseActionError;

fn names() -> String {
    ChangeAction::ALL.iter().map(|action| action.name()).collect::<Vec<_>>().join(", ")
}

impl FromStr for ChangeAction {
    type Err = ParseActionError;

    fn from_str(name: &str) -> Result<Self, ParseActionError> {
        Self::ALL.iter().copied().find(|action| action.name() == name).ok_or(ParseActionError)
    }
}
