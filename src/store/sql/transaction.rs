use std::future::Future;
use std::time::SystemTime;

use super::row::{BadRow, ClientRow, KeyRow, PartialRow};
use crate::error::StoreError;
use crate::key::KeyId;
use crate::manage::ClientInfo;

/// A database of keys, which begins transactions.
pub(in crate::store) trait Database: Sync {
    type Transaction: Transaction;

    /// Begins a transaction that reads one state of the database.
    fn read(&self) -> impl Future<Output = Result<Self::Transaction, StoreError>> + Send;

    /// Begins a transaction that writes.
    fn write(&self) -> impl Future<Output = Result<Self::Transaction, StoreError>> + Send;

    fn now(&self) -> SystemTime;
}

/// The statements for all operations. Dropping a transaction before the commit rolls it back.
pub(in crate::store) trait Transaction: Send + Sized {
    /// Finds a client by name. A transaction that writes also locks the client and its keys.
    fn partial_client(
        &mut self,
        name: &str,
    ) -> impl Future<Output = Result<Option<PartialRow<ClientRow>>, StoreError>> + Send;

    /// Finds clients by name, in any order.
    fn clients_by_name(
        &mut self,
        names: &[&str],
    ) -> impl Future<Output = Result<Vec<Result<ClientRow, BadRow>>, StoreError>> + Send;

    /// Lists the names of clients, up to a limit, to find similar ones.
    fn client_names(&mut self) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// Lists all clients and their numbers of keys, in any order.
    fn clients(
        &mut self,
    ) -> impl Future<Output = Result<Vec<Result<ClientInfo, BadRow>>, StoreError>> + Send;

    /// Counts the keys of a client that are not revoked.
    fn live_keys(&mut self, client: &str)
    -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// Adds a client. Returns `false` if its name is in use.
    fn insert_client(
        &mut self,
        client: &ClientRow,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    fn set_enabled(
        &mut self,
        name: &str,
        enabled: bool,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Deletes the client and its keys.
    fn delete_client(&mut self, name: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Finds a key by its id.
    fn partial_key(
        &mut self,
        key_id: KeyId,
    ) -> impl Future<Output = Result<Option<PartialRow<KeyRow>>, StoreError>> + Send;

    fn key(
        &mut self,
        key_id: KeyId,
    ) -> impl Future<Output = Result<Option<KeyRow>, StoreError>> + Send {
        async move { Ok(self.partial_key(key_id).await?.map(PartialRow::complete).transpose()?) }
    }

    /// Finds keys by their ids, in any order.
    fn keys_by_id(
        &mut self,
        key_ids: &[KeyId],
    ) -> impl Future<Output = Result<Vec<Result<KeyRow, BadRow>>, StoreError>> + Send;

    /// Lists the nearest ids in sort order, up to a limit, to find similar ones.
    fn key_ids(
        &mut self,
        near: KeyId,
    ) -> impl Future<Output = Result<Vec<KeyId>, StoreError>> + Send;

    /// Lists the keys of one client or of all clients, in any order.
    fn keys(
        &mut self,
        client: Option<&str>,
    ) -> impl Future<Output = Result<Vec<Result<KeyRow, BadRow>>, StoreError>> + Send;

    /// Adds a key. Returns `false` if its digest or its id is in use.
    fn insert_key(&mut self, key: &KeyRow)
    -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Adds all of these clients. Returns `false` if a name is in use: the transaction must then be dropped,
    /// since some of the clients may have been added.
    fn insert_clients(
        &mut self,
        clients: &[ClientRow],
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        async move {
            for client in clients {
                if !self.insert_client(client).await? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
    }

    /// Adds all of these keys, as [`Transaction::insert_clients`] does clients. Their clients must exist. A key
    /// may be revoked or have a successor.
    fn insert_keys(
        &mut self,
        keys: &[KeyRow],
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        async move {
            for key in keys {
                if !self.insert_key(key).await? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
    }

    /// Writes the time of the revocation of an existing key.
    fn revoke_key(
        &mut self,
        key_id: KeyId,
        revoked: SystemTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes the expiry and the successor of an existing key.
    fn replace_key(&mut self, key: &KeyRow) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Describes the triggers and rules on the tables that are not keygate's.
    fn foreign_triggers(&mut self) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// Describes changes without events. For the transaction that a commit returned: of the committed changes.
    fn missing_events(&mut self)
    -> impl Future<Output = Result<Option<String>, StoreError>> + Send;

    /// Commits the changes, if all of them have events. If triggers of others may have undone them
    /// during the commit, returns a transaction that reads.
    fn commit(self) -> impl Future<Output = Result<Option<Self>, StoreError>> + Send;
}
