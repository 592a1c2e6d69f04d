//! Queries for pages of clients, keys and events.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use super::KeyStatus;
use crate::client::Scope;
use crate::key::KeyId;

mod events;
mod page;
mod position;
mod prefix;

pub use events::EventQuery;
pub use page::Page;
pub(crate) use position::Position;
pub(crate) use prefix::Prefix;

/// The part that all queries have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paging {
    pub(crate) after: Option<String>,
    pub(crate) descending: bool,
    pub(crate) limit: usize,
}

impl Default for Paging {
    fn default() -> Self {
        Self { after: None, descending: false, limit: 50 }
    }
}

macro_rules! paging {
    ($query:ident) => {
        impl $query {
            /// Creates a query for the first page of the whole list.
            pub fn new() -> Self {
                Self::default()
            }

            /// Continues after a page: `cursor` is its [`Page::next`].
            ///
            /// The other parts of the query must be the same as for that page. The page begins at the first row after
            /// the cursor, even if the last row of the previous page no longer exists.
            pub fn after(mut self, cursor: impl Into<String>) -> Self {
                self.paging.after = Some(cursor.into());
                self
            }

            /// Replaces the number of rows in a page, which is 50 by default. Numbers below 1 count as 1, and numbers above
            /// 1,000 as 1,000.
            pub fn with_limit(mut self, limit: usize) -> Self {
                self.paging.limit = limit.clamp(1, 1_000);
                self
            }
        }
    };
}

/// A query for a page of clients: filters, order and limit, for [`ManageKeys::clients`](crate::ManageKeys::clients).
///
/// A client is listed if all filters apply to it. Clients are sorted by name.
///
/// ```
/// use keygate::{ClientProfile, MemoryStore};
/// use keygate::manage::ClientQuery;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// for (name, team) in [("App 1", "billing"), ("App 2", "billing"), ("Backup", "billing"), ("App 3", "stock")] {
///     store.add_client(ClientProfile::new(name).with_metadata([("team", team)]))?;
/// }
/// let query = ClientQuery::new().with_search("app").add_metadata("team", "billing").with_limit(1);
/// let page = store.clients(&query)?;
/// assert_eq!(page.found[0].profile.name(), "App 1");
///
/// let next = page.next.expect("there is another page");
/// let page = store.clients(&query.after(next))?;
/// assert_eq!(page.found[0].profile.name(), "App 2");
/// assert_eq!(page.next, None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct ClientQuery {
    pub(crate) paging: Paging,
    pub(crate) search: Option<Prefix>,
    pub(crate) enabled: Option<bool>,
    pub(crate) scope: Option<Scope>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) only: Option<BTreeSet<String>>,
}

paging!(ClientQuery);
paging!(EventQuery);

impl ClientQuery {
    /// Reverses the order.
    pub fn descending(mut self) -> Self {
        self.paging.descending = true;
        self
    }

    /// Lists only clients whose name or title begins with this text. The case of the letters A to Z is ignored.
    pub fn with_search(self, text: &str) -> Self {
        Self { search: Prefix::new(text), ..self }
    }

    /// Lists only enabled clients, or only disabled ones.
    pub fn with_enabled(self, enabled: bool) -> Self {
        Self { enabled: Some(enabled), ..self }
    }

    /// Lists only clients with this scope or one that covers it, such as `orders:*` for `orders:read`.
    pub fn with_scope(self, scope: Scope) -> Self {
        Self { scope: Some(scope), ..self }
    }

    /// Lists only clients whose metadata has this value under this name. If it is called several times, all values must
    /// match.
    pub fn add_metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// Lists only clients with these names. Names that the store does not have are ignored.
    ///
    /// The store of keys does not know when a client was last seen. To list clients by last use, take the names from the
    /// usage (`UsageHistory::clients_by_last_use`), and read them in chunks.
    pub fn only(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { only: Some(names.into_iter().map(Into::into).collect()), ..self }
    }
}

/// A query for a page of keys: filters, order and limit, for [`ManageKeys::keys`](crate::ManageKeys::keys).
///
/// A key is listed if all filters apply to it. Revoked and expired keys are listed, too, unless a status is chosen.
///
/// The store of keys does not know when a key was last used. To list keys by last use, take the ids from the usage
/// (`LastUses::used_since`), and narrow the query with [`KeyQuery::only`] or [`KeyQuery::except`]: keys that were not
/// used for 90 days are all keys `except` the ones that were used since, and keys that were replaced and are still used
/// are the keys with the status [`Replaced`](KeyStatus::Replaced) that are among the `only` ones used today. A new key was
/// not used either: compare [`KeyInfo::usable_since`](super::KeyInfo::usable_since).
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use keygate::{KeyDigest, MemoryStore, NewKey};
/// use keygate::manage::{KeyQuery, KeySort, KeyStatus};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// let store = MemoryStore::new();
/// store.add_client("App 1")?;
/// for (text, days) in [("first", 300), ("second", 10), ("third", 5)] {
///     let key = NewKey::new(KeyDigest::of(text.as_bytes())).with_label(text);
///     store.issue("App 1", key.with_expiry(SystemTime::now() + days * DAY))?;
/// }
/// let query = KeyQuery::new().add_status(KeyStatus::Active).expiring_within(14 * DAY);
/// let page = store.keys(&query.sorted_by(KeySort::Expires))?;
/// let labels: Vec<_> = page.found.iter().filter_map(|key| key.label.as_deref()).collect();
/// assert_eq!(labels, ["third", "second"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct KeyQuery {
    pub(crate) paging: Paging,
    pub(crate) sort: KeySort,
    pub(crate) at: Option<SystemTime>,
    pub(crate) search: Option<Prefix>,
    pub(crate) client: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) statuses: Vec<KeyStatus>,
    pub(crate) scope: Option<Scope>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) expiry: Option<ExpiryFilter>,
    pub(crate) only: Option<BTreeSet<KeyId>>,
    pub(crate) except: BTreeSet<KeyId>,
}

/// The expiries that a [`KeyQuery`] lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExpiryFilter {
    Never,
    Within(Duration),
}

/// The order of a list of keys. Keys that are equal in it are sorted by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeySort {
    /// By the name of the client, and then by the time of issue.
    #[default]
    Client,
    /// By the time of issue. Keys without a known time come first.
    Created,
    /// By expiry. Keys that never expire come last.
    Expires,
}

paging!(KeyQuery);

impl KeyQuery {
    /// Reverses the order.
    pub fn descending(mut self) -> Self {
        self.paging.descending = true;
        self
    }

    /// Replaces the order.
    pub fn sorted_by(self, sort: KeySort) -> Self {
        Self { sort, ..self }
    }

    /// Replaces the time at which the filters apply. The default is the current time of the store. With the same time
    /// for all pages of a list, no key changes its status between pages.
    pub fn at(self, time: SystemTime) -> Self {
        Self { at: Some(time), ..self }
    }

    /// Lists only keys whose label or id begins with this text. The case of the letters A to Z is ignored.
    pub fn with_search(self, text: &str) -> Self {
        Self { search: Prefix::new(text), ..self }
    }

    /// Lists only keys of this client.
    pub fn with_client(self, name: impl Into<String>) -> Self {
        Self { client: Some(name.into()), ..self }
    }

    /// Lists only keys with this label.
    pub fn with_label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// Lists only keys with this status, or with one of several.
    pub fn add_status(mut self, status: KeyStatus) -> Self {
        self.statuses.push(status);
        self
    }

    /// Lists only keys whose client has this scope or one that covers it, such as `orders:*` for `orders:read`,
    /// provided that the key itself has it or has no scopes of its own.
    pub fn with_scope(self, scope: Scope) -> Self {
        Self { scope: Some(scope), ..self }
    }

    /// Lists only keys whose client has this value under this name in its metadata. If it is called several times, all
    /// values must match.
    pub fn add_metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// Lists only keys that never expire. Replaces [`KeyQuery::expiring_within`].
    pub fn without_expiry(self) -> Self {
        Self { expiry: Some(ExpiryFilter::Never), ..self }
    }

    /// Lists only keys that will expire within this time, and were not revoked. Replaces [`KeyQuery::without_expiry`].
    pub fn expiring_within(self, time: Duration) -> Self {
        Self { expiry: Some(ExpiryFilter::Within(time)), ..self }
    }

    /// Lists only these keys. Ids that the store does not have are ignored.
    pub fn only(self, key_ids: impl IntoIterator<Item = KeyId>) -> Self {
        Self { only: Some(key_ids.into_iter().collect()), ..self }
    }

    /// Leaves out these keys.
    pub fn except(self, key_ids: impl IntoIterator<Item = KeyId>) -> Self {
        Self { except: key_ids.into_iter().collect(), ..self }
    }
}
