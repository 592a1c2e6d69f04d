use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use super::{ClientQuery, ExpiryFilter, KeyQuery, Paging, Position, Prefix};
use crate::client::{ClientProfile, Scope};
use crate::key::KeyState;
use crate::manage::{ClientInfo, KeyInfo, ManageError, PartialList, nearest_client};

/// A page of a list.
///
/// ```
/// use keygate::ManageKeys;
/// use keygate::manage::{KeyQuery, ManageError};
///
/// async fn print_all(store: &dyn ManageKeys) -> Result<(), ManageError> {
///     let query = KeyQuery::new().with_limit(1_000);
///     let mut page = store.keys(&query).await?;
///     loop {
///         page.found.iter().for_each(|key| println!("{} of {}", key.key_id, key.client));
///         page.unreadable.iter().for_each(|why| eprintln!("{why}"));
///         let Some(next) = page.next else { return Ok(()) };
///         page = store.keys(&query.clone().after(next)).await?;
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ManageError> {
/// # print_all(&keygate::MemoryStore::new()).await
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The readable rows, in the order of the list.
    pub found: Vec<T>,
    /// One message for each unreadable row of the page, which identifies the row and has the reason. They count as rows
    /// of the page. Their keys are refused.
    pub unreadable: Vec<String>,
    /// The cursor of the next page; `None` if this is the last one. Pass it to `after` of the query. It is a text without
    /// special characters, for a URL, and may contain the name of a client.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Creates a page from rows up to one more than its limit. An unreadable row is an error message.
    pub(crate) fn of_rows(paging: &Paging, mut rows: Vec<(Position, Result<T, String>)>) -> Self {
        let is_last = rows.len() <= paging.limit;
        rows.truncate(paging.limit);
        let next = rows.last().filter(|_| !is_last).map(|(position, _)| position.to_string());
        let mut page = Self { found: Vec::new(), unreadable: Vec::new(), next };
        for (_, row) in rows {
            match row {
                Ok(row) => page.found.push(row),
                Err(why) => page.unreadable.push(why),
            }
        }
        page
    }
}

/// Collects a page from the rows of a list, in any order.
pub(super) struct Pager<'q, T> {
    paging: &'q Paging,
    after: Option<Position>,
    rows: BTreeMap<Position, T>,
}

impl<'q, T> Pager<'q, T> {
    pub(super) fn new(paging: &'q Paging, after: Option<Position>) -> Self {
        Self { paging, after, rows: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, position: Position, row: T) {
        let Self { paging, after, rows } = self;
        let is_beyond = |after: &Position| (position < *after) == paging.descending;
        if !after.as_ref().is_none_or(|after| position != *after && is_beyond(after)) {
            return;
        }
        rows.insert(position, row);
        // One more row, to know whether there is another page.
        if rows.len() > paging.limit + 1 {
            if paging.descending {
                rows.pop_first()
            } else {
                rows.pop_last()
            };
        }
    }

    /// Returns the page, which reports these unreadable rows if it is the first.
    pub(super) fn finish_with(self, unreadable: Vec<String>) -> Page<T> {
        let is_first = self.after.is_none();
        let rows = self.rows.into_iter().map(|(position, row)| (position, Ok(row)));
        let rows = if self.paging.descending { rows.rev().collect() } else { rows.collect() };
        let page = Page::of_rows(self.paging, rows);
        Page { unreadable: if is_first { unreadable } else { Vec::new() }, ..page }
    }
}

impl ClientQuery {
    /// Returns the page of this query, for stores that have all clients in memory. Unreadable rows are reported with the
    /// first page.
    ///
    /// # Errors
    ///
    /// The cursor is not from a page of clients.
    pub fn page_of(
        &self,
        clients: impl Into<PartialList<ClientInfo>>,
    ) -> Result<Page<ClientInfo>, ManageError> {
        let mut pager = Pager::new(&self.paging, self.position()?);
        let PartialList { found, unreadable } = clients.into();
        let is_admitted = |client: &ClientInfo| self.admits(&client.profile, client.enabled);
        for client in found.into_iter().filter(is_admitted) {
            pager.add(Position::from(&client), client);
        }
        Ok(pager.finish_with(unreadable))
    }
}

impl KeyQuery {
    /// Returns the page of this query, for stores that have all keys in memory. `now` is the time of the filters, unless
    /// the query has its own. Unreadable rows are reported with the first page.
    ///
    /// # Errors
    ///
    /// The client of the query is not among the clients, or the cursor is not from a page of keys in the same order.
    pub fn page_of(
        &self,
        keys: impl Into<PartialList<KeyInfo>>,
        clients: &[ClientInfo],
        now: SystemTime,
    ) -> Result<Page<KeyInfo>, ManageError> {
        let mut pager = self.pager(now)?;
        let profiles = clients.iter().map(|client| (client.profile.name(), &client.profile));
        let profiles = profiles.collect::<HashMap<_, _>>();
        if let Some(name) = &self.client
            && !profiles.contains_key(&**name)
        {
            let nearest = nearest_client(name, profiles.into_keys());
            return Err(ManageError::UnknownClient { nearest });
        }
        let PartialList { found, unreadable } = keys.into();
        for key in found {
            if let Some(profile) = profiles.get(&*key.client) {
                pager.offer(key, profile);
            }
        }
        Ok(pager.pager.finish_with(unreadable))
    }

    /// Returns a collector for the keys of this query.
    pub(crate) fn pager(&self, now: SystemTime) -> Result<KeyPager<'_>, ManageError> {
        let pager = Pager::new(&self.paging, self.position()?);
        Ok(KeyPager { query: self, pager, now: self.at.unwrap_or(now) })
    }
}

/// Collects a page from the keys of a store.
pub(crate) struct KeyPager<'q> {
    query: &'q KeyQuery,
    pager: Pager<'q, KeyInfo>,
    now: SystemTime,
}

impl KeyPager<'_> {
    pub(crate) fn offer(&mut self, key: KeyInfo, client: &ClientProfile) {
        if self.query.admits(&key, client, self.now) {
            self.pager.add(Position::from((self.query.sort, &key)), key);
        }
    }

    pub(crate) fn finish(self) -> Page<KeyInfo> {
        self.pager.finish_with(Vec::new())
    }
}

impl ClientQuery {
    pub(crate) fn admits(&self, profile: &ClientProfile, is_enabled: bool) -> bool {
        let Self { paging: _, search, enabled, scope, metadata, only } = self;
        let is_found = |search: &Prefix| {
            search.begins(profile.name()) || profile.title().is_some_and(|it| search.begins(it))
        };
        search.as_ref().is_none_or(is_found)
            && enabled.is_none_or(|enabled| enabled == is_enabled)
            && only.as_ref().is_none_or(|only| only.contains(profile.name()))
            && has_scope(profile, scope.as_ref())
            && has_metadata(profile, metadata)
    }
}

impl KeyQuery {
    fn admits(&self, key: &KeyInfo, profile: &ClientProfile, now: SystemTime) -> bool {
        // The page has the order and the limit, and `now` is the time of the query.
        let Self {
            paging: _,
            sort: _,
            at: _,
            search,
            client,
            label,
            statuses,
            scope,
            metadata,
            expiry,
            only,
            except,
        } = self;
        let label_of_key = || key.label.as_deref().unwrap_or_default();
        let is_found = |search: &Prefix| {
            search.begins(label_of_key()) || search.begins(&key.key_id.to_string())
        };
        client.as_ref().is_none_or(|client| *client == key.client)
            && (statuses.is_empty() || statuses.contains(&key.status(now)))
            && label.as_ref().is_none_or(|label| key.label.as_ref() == Some(label))
            && expiry.is_none_or(|expiry| expiry.admits(key, now))
            && only.as_ref().is_none_or(|only| only.contains(&key.key_id))
            && !except.contains(&key.key_id)
            && search.as_ref().is_none_or(is_found)
            && has_scope(profile, scope.as_ref())
            && (key.scopes.is_empty() || scope.as_ref().is_none_or(|it| covers(&key.scopes, it)))
            && has_metadata(profile, metadata)
    }
}

impl ExpiryFilter {
    fn admits(self, key: &KeyInfo, now: SystemTime) -> bool {
        match (self, key.expires()) {
            (Self::Never, expires) => expires.is_none(),
            (Self::Within(_), None) => false,
            (Self::Within(time), Some(expires)) => {
                let left = expires.duration_since(now).unwrap_or_default();
                key.state != KeyState::Revoked && !left.is_zero() && left <= time
            }
        }
    }
}

fn has_scope(profile: &ClientProfile, scope: Option<&Scope>) -> bool {
    scope.is_none_or(|scope| covers(profile.scopes(), scope))
}

fn covers(scopes: &[Scope], required: &Scope) -> bool {
    scopes.iter().any(|scope| scope.covers(required))
}

fn has_metadata(profile: &ClientProfile, metadata: &BTreeMap<String, String>) -> bool {
    metadata.iter().all(|(name, value)| profile.metadata().get(name) == Some(value))
}
