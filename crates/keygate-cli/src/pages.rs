//! Reads all pages of a list.

use keygate::manage::{ClientInfo, ClientQuery, KeyInfo, KeyQuery, ManageError, Page, PartialList};

use crate::runtime::block_on;
use crate::store::Store;

const ROWS: usize = 1_000;

pub(crate) fn keys(
    store: &dyn Store,
    query: &KeyQuery,
) -> Result<PartialList<KeyInfo>, ManageError> {
    let query = query.clone().with_limit(ROWS);
    all(|cursor| match cursor {
        None => block_on(store.keys(&query)),
        Some(cursor) => block_on(store.keys(&query.clone().after(cursor))),
    })
}

pub(crate) fn clients(
    store: &dyn Store,
    query: &ClientQuery,
) -> Result<PartialList<ClientInfo>, ManageError> {
    let query = query.clone().with_limit(ROWS);
    all(|cursor| match cursor {
        None => block_on(store.clients(&query)),
        Some(cursor) => block_on(store.clients(&query.clone().after(cursor))),
    })
}

fn all<T>(
    page: impl Fn(Option<String>) -> Result<Page<T>, ManageError>,
) -> Result<PartialList<T>, ManageError> {
    let mut list = PartialList::from(Vec::new());
    let mut cursor = None;
    loop {
        let page = page(cursor)?;
        list.found.extend(page.found);
        list.unreadable.extend(page.unreadable);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(list);
        }
    }
}
