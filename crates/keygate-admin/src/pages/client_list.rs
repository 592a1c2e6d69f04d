//! Reads one page of the client list, by name or by last use.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::ManageKeys;
use keygate::manage::{ClientInfo, ClientQuery, ManageError, Page};
use keygate::observe::{ClientLastUse, UsageHistory};

use crate::error::PageError;

/// The number of rows on a page.
pub(super) const ROWS: usize = 50;

/// The maximum length of a filtered list that is sorted in memory.
const SORTED: usize = 1_000;

/// A page of clients.
pub(super) struct ClientPage {
    pub(super) found: Vec<ClientInfo>,
    pub(super) unreadable: Vec<String>,
    pub(super) next: Option<String>,
}

impl From<Page<ClientInfo>> for ClientPage {
    fn from(page: Page<ClientInfo>) -> Self {
        let Page { found, unreadable, next, .. } = page;
        Self { found, unreadable, next }
    }
}

/// Reads a page in the order of names.
pub(super) async fn by_name(
    store: &dyn ManageKeys,
    query: ClientQuery,
    after: &str,
) -> Result<ClientPage, ManageError> {
    let query = query.with_limit(ROWS);
    let query = if after.is_empty() { query } else { query.after(after) };
    Ok(store.clients(&query).await?.into())
}

/// Reads a page in the order of last use, the latest first, followed by the clients without any use, by name.
///
/// The usage history has an index by last use, and the store has one by name. So without a filter, the time for a page
/// does not depend on the number of clients.
pub(super) async fn by_last_use(
    store: &dyn ManageKeys,
    usage: &UsageHistory,
    query: &ClientQuery,
    is_filtered: bool,
    after: &str,
) -> Result<ClientPage, PageError> {
    let mut place = Place::parse(after).ok_or(ManageError::InvalidCursor)?;
    if is_filtered {
        let all = store.clients(&query.clone().with_limit(SORTED)).await?;
        if all.next.is_none() {
            return sorted(usage, all, &place).await;
        }
    }
    let mut page = ClientPage { found: Vec::new(), unreadable: Vec::new(), next: None };
    // Read many clients at once, since a filter may drop most of them.
    let mut chunk = if is_filtered { SORTED } else { ROWS + 1 };
    while let Place::Seen(after) = &place {
        let uses = usage.clients_by_last_use(chunk, after.as_ref()).await?;
        let names = uses.iter().map(|used| &*used.client);
        let known = store.clients(&query.clone().only(names).with_limit(SORTED)).await?;
        page.unreadable.extend(known.unreadable);
        let mut known: HashMap<_, _> = known
            .found
            .into_iter()
            .map(|client| (client.profile.name().to_owned(), client))
            .collect();
        let mut last = None;
        for used in &uses {
            let Some(client) = known.remove(&used.client) else { continue };
            if page.found.len() == ROWS {
                page.next = last.map(|last| Place::Seen(Some(last)).to_string());
                return Ok(page);
            }
            page.found.push(client);
            last = Some(used.clone());
        }
        place = match uses.last() {
            Some(end) if uses.len() == chunk => {
                let end = end.clone();
                if page.found.len() == ROWS {
                    page.next = Some(Place::Seen(Some(end)).to_string());
                    return Ok(page);
                }
                Place::Seen(Some(end))
            }
            _ => Place::Unseen(String::new()),
        };
        // Few were in the store: read more the next time.
        chunk = (4 * chunk).min(SORTED);
    }
    unseen(store, usage, query, place, page).await
}

/// Adds the clients without any use.
async fn unseen(
    store: &dyn ManageKeys,
    usage: &UsageHistory,
    query: &ClientQuery,
    place: Place,
    mut page: ClientPage,
) -> Result<ClientPage, PageError> {
    let Place::Unseen(mut cursor) = place else { return Ok(page) };
    let mut step = ROWS;
    loop {
        let behind = |cursor: &str| match cursor {
            "" => query.clone(),
            cursor => query.clone().after(cursor),
        };
        let rest = store.clients(&behind(&cursor).with_limit(step)).await?;
        let names = rest.found.iter().map(|client| client.profile.name());
        let seen = usage.last_uses_of(names).await?;
        let is_seen = |client: &ClientInfo| {
            let name = client.profile.name();
            seen.binary_search_by(|used| used.client.as_str().cmp(name)).is_ok()
        };
        // The next page begins after the row that filled this one.
        let rows = rest.found.iter().enumerate().filter(|(_, client)| !is_seen(client));
        if let Some((row, _)) = rows.clone().nth(ROWS - page.found.len()) {
            page.found.extend(rows.take(ROWS - page.found.len()).map(|(_, client)| client.clone()));
            if row > 0 {
                let taken = store.clients(&behind(&cursor).with_limit(row)).await?;
                cursor = taken.next.unwrap_or(cursor);
            }
            page.next = Some(Place::Unseen(cursor).to_string());
            return Ok(page);
        }
        page.found.extend(rows.map(|(_, client)| client.clone()));
        page.unreadable.extend(rest.unreadable);
        let Some(next) = rest.next else { return Ok(page) };
        cursor = next;
        // Few had no use: read more the next time.
        step = (4 * step).min(SORTED);
    }
}

/// Sorts a filtered list in memory, if it is short enough.
async fn sorted(
    usage: &UsageHistory,
    all: Page<ClientInfo>,
    place: &Place,
) -> Result<ClientPage, PageError> {
    let names = all.found.iter().map(|client| client.profile.name());
    let uses = usage.last_uses_of(names).await?;
    let uses: HashMap<_, _> = uses.into_iter().map(|used| (used.client, used.time)).collect();
    let mut seen: Vec<_> = Vec::new();
    let mut unseen = Vec::new();
    for client in all.found {
        match uses.get(client.profile.name()) {
            Some(time) => seen.push((*time, client)),
            None => unseen.push(client),
        }
    }
    let position =
        |(time, client): &(SystemTime, ClientInfo)| (*time, client.profile.name().to_owned());
    seen.sort_by_key(|row| std::cmp::Reverse(position(row)));
    let is_behind = |row: &(SystemTime, ClientInfo)| match place {
        Place::Seen(Some(last)) => position(row) < (last.time, last.client.clone()),
        Place::Seen(None) => true,
        Place::Unseen(_) => false,
    };
    let seen = seen.into_iter().filter(is_behind).map(|(time, client)| {
        let name = client.profile.name().to_owned();
        (Place::Seen(Some(ClientLastUse::new(name, time))), client)
    });
    let first = if let Place::Unseen(last) = place { last.as_str() } else { "" };
    let unseen = unseen.into_iter().filter(|client| client.profile.name() > first);
    let unseen = unseen.map(|client| (Place::Unseen(client.profile.name().to_owned()), client));
    let mut rows: Vec<_> = seen.chain(unseen).collect();
    let has_more = rows.len() > ROWS;
    rows.truncate(ROWS);
    let next = rows.last().filter(|_| has_more).map(|(place, _)| place.to_string());
    let found = rows.into_iter().map(|(_, client)| client).collect();
    Ok(ClientPage { found, unreadable: all.unreadable, next })
}

/// A position in the list by last use.
enum Place {
    /// After this client, or at the beginning.
    Seen(Option<ClientLastUse>),
    /// Among the clients without any use: after a store cursor, or after a name if the list was sorted in memory.
    Unseen(String),
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::Seen(None));
        }
        if let Some(cursor) = text.strip_prefix("unseen-") {
            return Some(Self::Unseen(cursor.to_owned()));
        }
        let (seconds, name) = text.strip_prefix("seen-")?.split_once('-')?;
        let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds.parse().ok()?))?;
        Some(Self::Seen(Some(ClientLastUse::new(name, time))))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Seen(None) => Ok(()),
            Self::Seen(Some(used)) => {
                let since = used.time.duration_since(UNIX_EPOCH).unwrap_or_default();
                write!(f, "seen-{}-{}", since.as_secs(), used.client)
            }
            Self::Unseen(cursor) => write!(f, "unseen-{cursor}"),
        }
    }
}
