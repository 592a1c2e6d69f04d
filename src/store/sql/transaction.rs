use std::future::Future;
use std::time::SystemTime;

use super::row::{BadRow, ClientRow, Found, KeyRow};
use crate::error::StoreError;
use crate::key::KeyId;
use crate::manage::ClientInfo;

/// A database of keys: where transactions come from.
pub(in crate::store) trait Database: Sync {
    type Transaction: Transaction;

    /// One that sees one state of the database, and changes nothing.
    fn read(&self) -> impl Future<Output = Result<Self::Transaction, StoreError>> + Send;

    /// One whose changes are kept when it is committed.
    fn write(&self) -> impl Future<Output = Result<Self::Transaction, StoreError>> + Send;

    fn now(&self) -> SystemTime;

    /// Returns whether others held a transaction up, so that it is to be rolled back and made again.
    fn is_busy(&self, _error: &StoreError) -> bool {
        false
    }
}

/// The statements of which all changes are made. Dropped without a commit, it changes nothing.
pub(in crate::store) trait Transaction: Send + Sized {
    /// The client of this name, as far as it can be read; to a writer, nobody else changes it or its
    /// keys until the end.
    fn found_client(
        &mut self,
        name: &str,
    ) -> impl Future<Output = Result<Option<Found<ClientRow>>, StoreError>> + Send;

    /// The clients of these names, in any order.
    fn clients_named(
        &mut self,
        names: &[&str],
    ) -> impl Future<Output = Result<Vec<Result<ClientRow, BadRow>>, StoreError>> + Send;

    /// At most as many names as it is worth to compare.
    fn client_names(&mut self) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// All clients with their numbers of keys, in any order.
    fn clients(
        &mut self,
    ) -> impl Future<Output = Result<Vec<Result<ClientInfo, BadRow>>, StoreError>> + Send;

    /// How many keys a client has, revoked ones aside.
    fn live_keys(&mut self, client: &str)
    -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// Whether the client was added: not if there is one of its name.
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

    /// The key with this id, as far as it can be read.
    fn found_key(
        &mut self,
        key_id: KeyId,
    ) -> impl Future<Output = Result<Option<Found<KeyRow>>, StoreError>> + Send;

    fn key(
        &mut self,
        key_id: KeyId,
    ) -> impl Future<Output = Result<Option<KeyRow>, StoreError>> + Send {
        async move { Ok(self.found_key(key_id).await?.map(Found::whole).transpose()?) }
    }

    /// The keys with these ids, in any order.
    fn keys_with(
        &mut self,
        key_ids: &[KeyId],
    ) -> impl Future<Output = Result<Vec<Result<KeyRow, BadRow>>, StoreError>> + Send;

    /// At most as many ids as it is worth to compare with this one, those next to it in order.
    fn key_ids(
        &mut self,
        near: KeyId,
    ) -> impl Future<Output = Result<Vec<KeyId>, StoreError>> + Send;

    /// The keys of one client or of all, in any order.
    fn keys(
        &mut self,
        client: Option<&str>,
    ) -> impl Future<Output = Result<Vec<Result<KeyRow, BadRow>>, StoreError>> + Send;

    /// Whether the key was added: not if there is one with its digest or its id.
    fn insert_key(&mut self, key: &KeyRow)
    -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Whether all of these clients were added, as [`Transaction::insert_client`] would one by one.
    /// After a no, some of them may be there, and the transaction is given up.
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

    /// As [`Transaction::insert_clients`], for keys of clients that are there. A key may bring its
    /// revocation and its successor.
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

    /// Writes the revocation of a key that is there, and leaves the rest as it is.
    fn revoke_key(
        &mut self,
        key_id: KeyId,
        revoked: SystemTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes the expiry and the successor of a key that is there.
    fn replace_key(&mut self, key: &KeyRow) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The triggers and rules on the tables that are not keygate's, each in words.
    fn foreign_triggers(&mut self) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// Commits the changes, if all of them have events. Where triggers of others may have undone them
    /// during the commit, returns a transaction that reads.
    fn commit(self) -> impl Future<Output = Result<Option<Self>, StoreError>> + Send;
}
