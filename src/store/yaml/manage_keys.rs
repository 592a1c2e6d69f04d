use std::path::Path;
use std::time::Duration;

use super::file::{EditErrorKind, edit_error};
use super::{YamlStore, blocking};
use crate::client::ClientProfile;
use crate::key::KeyId;
use crate::manage::{
    ChangeEvent, ClientChange, ClientInfo, ClientQuery, EventQuery, Export, Imported, KeyChange,
    KeyInfo, KeyQuery, ManageError, ManageFuture, ManageKeys, NewKey, Page, Policy, PolicyChange,
    PurgeKeys, Rotated, TransferKeys, Version,
};

impl ManageKeys for YamlStore {
    fn for_actor(&self, actor: &str) -> Result<Box<dyn ManageKeys>, ManageError> {
        Ok(Box::new(self.for_actor(actor)?))
    }

    fn if_version(&self, version: Version) -> Box<dyn ManageKeys> {
        Box::new(self.if_version(version))
    }

    fn add_client(&self, profile: ClientProfile) -> ManageFuture<'_, ClientInfo> {
        self.in_thread(move |store| store.add_client(profile))
    }

    fn update_client<'a>(
        &'a self,
        name: &'a str,
        change: ClientChange,
    ) -> ManageFuture<'a, ClientInfo> {
        let name = name.to_owned();
        self.in_thread(move |store| store.update_client(&name, change))
    }

    fn enable_client<'a>(&'a self, name: &'a str) -> ManageFuture<'a, ClientInfo> {
        let name = name.to_owned();
        self.in_thread(move |store| store.enable_client(&name))
    }

    fn disable_client<'a>(&'a self, name: &'a str) -> ManageFuture<'a, ClientInfo> {
        let name = name.to_owned();
        self.in_thread(move |store| store.disable_client(&name))
    }

    fn remove_client<'a>(&'a self, name: &'a str) -> ManageFuture<'a, ClientInfo> {
        let name = name.to_owned();
        self.in_thread(move |store| store.remove_client(&name))
    }

    fn list_clients(&self) -> ManageFuture<'_, Vec<ClientInfo>> {
        Box::pin(async move { Ok(self.list_clients()) })
    }

    fn issue<'a>(&'a self, client: &'a str, key: NewKey) -> ManageFuture<'a, KeyInfo> {
        let client = client.to_owned();
        self.in_thread(move |store| store.issue(&client, key))
    }

    fn update_key<'a>(&'a self, key_id: &'a KeyId, change: KeyChange) -> ManageFuture<'a, KeyInfo> {
        let key_id = *key_id;
        self.in_thread(move |store| store.update_key(&key_id, change))
    }

    fn revoke<'a>(&'a self, key_id: &'a KeyId) -> ManageFuture<'a, KeyInfo> {
        let key_id = *key_id;
        self.in_thread(move |store| store.revoke(&key_id))
    }

    fn rotate<'a>(
        &'a self,
        key_id: &'a KeyId,
        successor: NewKey,
        grace: Duration,
    ) -> ManageFuture<'a, Rotated> {
        let key_id = *key_id;
        self.in_thread(move |store| store.rotate(&key_id, successor, grace))
    }

    fn purge_keys<'a>(&'a self, purge: &'a PurgeKeys) -> ManageFuture<'a, Vec<KeyInfo>> {
        let purge = *purge;
        self.in_thread(move |store| store.purge_keys(&purge))
    }

    fn policy(&self) -> ManageFuture<'_, Policy> {
        Box::pin(async move { Ok(self.policy()) })
    }

    fn update_policy(&self, change: PolicyChange) -> ManageFuture<'_, Policy> {
        self.in_thread(move |store| store.update_policy(change))
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

    fn events<'a>(&'a self, query: &'a EventQuery) -> ManageFuture<'a, Page<ChangeEvent>> {
        let query = query.clone();
        self.in_thread(move |store| store.events(&query))
    }
}

impl TransferKeys for YamlStore {
    fn export_keys(&self) -> ManageFuture<'_, Export> {
        self.keys.export_keys()
    }

    fn import_keys<'a>(&'a self, export: &'a Export) -> ManageFuture<'a, Imported> {
        let export = export.clone();
        self.in_thread(move |store| store.change(|keys| keys.import(&export)))
    }
}

impl YamlStore {
    fn in_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(Self) -> Result<T, ManageError> + Send + 'static,
    ) -> ManageFuture<'static, T> {
        let store = self.clone();
        Box::pin(async move {
            let path = store.file.path().unwrap_or(Path::new("")).to_owned();
            let result = blocking::run(move || work(store)).await;
            result.unwrap_or_else(|error| Err(edit_error(&path, EditErrorKind::Thread(error))))
        })
    }
}
