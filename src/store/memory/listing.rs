use std::collections::HashMap;

use super::MemoryStore;
use super::client_index::ClientIndex;
use crate::client::ClientProfile;
use crate::manage::{
    ClientFacts, ClientInfo, ClientQuery, KeyInfo, KeyQuery, ManageError, Page, Position,
};

/// Lists and their pages.
impl MemoryStore {
    /// Returns the clients, sorted by name.
    pub fn list_clients(&self) -> Vec<ClientInfo> {
        let index = self.lock();
        self.infos(index.clients().collect()).collect()
    }

    /// Returns a page of the clients that a query selects, sorted by name. Visits every key of the store, and the
    /// clients up to the end of the page.
    ///
    /// # Errors
    ///
    /// The cursor is not from a page of clients.
    pub fn clients(&self, query: &ClientQuery) -> Result<Page<ClientInfo>, ManageError> {
        let index = self.lock();
        let infos = self.infos(index.page(query)?);
        let rows = infos.map(|client| (Position::from(&client), Ok(client))).collect();
        Ok(Page::of_rows(&query.paging, rows))
    }

    /// Counts the keys of these clients that were not revoked.
    fn infos(&self, clients: Vec<ClientFacts>) -> impl Iterator<Item = ClientInfo> {
        let address = |client: &ClientFacts| client.profile.address();
        let mut keys: HashMap<_, _> = clients.iter().map(|client| (address(client), 0)).collect();
        self.shared.table.for_each(|row, status| {
            if !status.is_revoked()
                && let Some(keys) = keys.get_mut(&row.profile.address())
            {
                *keys += 1;
            }
        });
        clients.into_iter().map(move |client| {
            let keys = keys.get(&address(&client)).copied().unwrap_or_default();
            client.info(keys)
        })
    }

    /// Returns the keys of one client or of all, including revoked and expired ones, sorted by client and
    /// then by creation time.
    ///
    /// # Errors
    ///
    /// No client of this name exists.
    pub fn list_keys(&self, client: Option<&str>) -> Result<Vec<KeyInfo>, ManageError> {
        let mut keys = Vec::new();
        self.for_each_key(&self.lock(), client, |key, _| keys.push(key))?;
        keys.sort_by(KeyInfo::in_list_order);
        Ok(keys)
    }

    /// Returns a page of the keys that a query selects, in its order. Visits every key of the store.
    ///
    /// # Errors
    ///
    /// The store does not have the client of the query, or the cursor is not from a page of keys in the same order.
    pub fn keys(&self, query: &KeyQuery) -> Result<Page<KeyInfo>, ManageError> {
        let index = self.lock();
        let mut pager = query.pager(index.now())?;
        let offer = |key, client: &ClientProfile| pager.offer(key, client);
        self.for_each_key(&index, query.client.as_deref(), offer)?;
        Ok(pager.finish())
    }

    /// Visits the keys of one client or of all.
    fn for_each_key(
        &self,
        index: &ClientIndex,
        client: Option<&str>,
        mut visit: impl FnMut(KeyInfo, &ClientProfile),
    ) -> Result<(), ManageError> {
        let only = client.map(|name| index.client(name)).transpose()?;
        self.shared.table.for_each(|row, status| {
            if only.as_ref().is_none_or(|client| row.profile.is_same(&client.profile)) {
                visit(index.packed(row, status).info(), &row.profile);
            }
        });
        Ok(())
    }
}
