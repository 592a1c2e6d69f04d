//! Reads the pages of a list.

use keygate::manage::{ClientInfo, ClientQuery, KeyInfo, KeyQuery, ManageError, Page, PartialList};

use crate::runtime::block_on;
use crate::store::Store;

const ROWS: usize = 1_000;

pub(crate) fn keys(
    store: &dyn Store,
    query: &KeyQuery,
) -> Result<PartialList<KeyInfo>, ManageError> {
    Ok(first_keys(store, query, usize::MAX)?.0)
}

/// The first rows of a list, and the cursor of the next ones if there are more.
type Part<T> = (PartialList<T>, Option<String>);

/// Reads at most `limit` keys.
pub(crate) fn first_keys(
    store: &dyn Store,
    query: &KeyQuery,
    limit: usize,
) -> Result<Part<KeyInfo>, ManageError> {
    first(limit, |rows, cursor| {
        let query = query.clone().with_limit(rows);
        block_on(store.keys(&cursor.into_iter().fold(query, KeyQuery::after)))
    })
}

/// Reads at most `limit` clients.
pub(crate) fn first_clients(
    store: &dyn Store,
    query: &ClientQuery,
    limit: usize,
) -> Result<Part<ClientInfo>, ManageError> {
    first(limit, |rows, cursor| {
        let query = query.clone().with_limit(rows);
        block_on(store.clients(&cursor.into_iter().fold(query, ClientQuery::after)))
    })
}

fn first<T>(
    limit: usize,
    page: impl Fn(usize, Option<String>) -> Result<Page<T>, ManageError>,
) -> Result<Part<T>, ManageError> {
    let mut list = PartialList::from(Vec::new());
    let mut cursor = None;
    loop {
        let page = page(ROWS.min(limit - list.found.len()), cursor)?;
        list.found.extend(page.found);
        list.unreadable.extend(page.unreadable);
        cursor = page.next;
        if cursor.is_none() || list.found.len() >= limit {
            return Ok((list, cursor));
        }
    }
}
