use std::time::Duration;

use super::MemoryStore;
use crate::client::ClientProfile;
use crate::key::KeyId;
use crate::manage::{
    ClientChange, ClientInfo, ClientQuery, KeyChange, KeyInfo, KeyQuery, ManageError, ManageFuture,
    ManageKeys, NewKey, Page, Policy, PolicyChange, PurgeKeys, Rotated, Version,
};

impl ManageKeys for MemoryStore {
    fn for_actor(&self, actor: &str) -> Result<Box<dyn ManageKeys>, ManageError> {
        Ok(Box::new(self.for_actor(actor)?))
    }

    fn if_version(&self, version: Version) -> Box<dyn ManageKeys> {
        Box::new(self.if_version(version))
    }

    fn add_client(&self, profile: ClientProfile) -> ManageFuture<'_, ClientInfo> {
        Box::pin(async move { self.add_client(profile) })
    }

    fn update_client<'a>(
        &'a self,
        name: &'a str,
        change: ClientChange,
    ) -> ManageFuture<'a, ClientInfo> {
        Box::pin(async move { self.update_client(name, change) })
    }

    fn enable_client<'a>(&'a self, name: &'a str) -> ManageFuture<'a, ClientInfo> {
        Box::pin(async move { self.enable_client(name) })
    }

    fn disable_client<'a>(&'a self, name: &'a str) -> ManageFuture<'a, ClientInfo> {
        Box::pin(async move { self.disable_client(name) })
    }

    fn remove_client<'a>(&'a self, name: &'a str) -> ManageFuture<'a, ClientInfo> {
        Box::pin(async move { self.remove_client(name) })
    }

    fn list_clients(&self) -> ManageFuture<'_, Vec<ClientInfo>> {
        Box::pin(async move { Ok(self.list_clients()) })
    }

    fn issue<'a>(&'a self, client: &'a str, key: NewKey) -> ManageFuture<'a, KeyInfo> {
        Box::pin(async move { self.issue(client, key) })
    }

    fn update_key<'a>(&'a self, key_id: &'a KeyId, change: KeyChange) -> ManageFuture<'a, KeyInfo> {
        Box::pin(async move { self.update_key(key_id, change) })
    }

    fn revoke<'a>(&'a self, key_id: &'a KeyId) -> ManageFuture<'a, KeyInfo> {
        Box::pin(async move { self.revoke(key_id) })
    }

    fn rotate<'a>(
        &'a self,
        key_id: &'a KeyId,
        successor: NewKey,
        grace: Duration,
    ) -> ManageFuture<'a, Rotated> {
        Box::pin(async move { self.rotate(key_id, successor, grace) })
    }

    fn purge_keys<'a>(&'a self, purge: &'a PurgeKeys) -> ManageFuture<'a, Vec<KeyInfo>> {
        Box::pin(async move { self.purge_keys(purge) })
    }

    fn policy(&self) -> ManageFuture<'_, Policy> {
        Box::pin(async move { Ok(self.policy()) })
    }

    fn update_policy(&self, change: PolicyChange) -> ManageFuture<'_, Policy> {
        Box::pin(async move { self.update_policy(change) })
    }

    fn list_keys<'a>(&'a self, client: Option<&'a str>) -> ManageFuture<'a, Vec<KeyInfo>> {
        Box::pin(async move { self.list_keys(client) })
    }

    fn clients<'a>(&'a self, query: &'a ClientQuery) -> ManageFuture<'a, Page<ClientInfo>> {
        Box::pin(async move { self.clients(query) })
    }

    fn keys<'a>(&'a self, query: &'a KeyQuery) -> ManageFuture<'a, Page<KeyInfo>> {
        Box::pin(async move { self.keys(query) })
    }
}
