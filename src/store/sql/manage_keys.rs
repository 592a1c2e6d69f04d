/// Implements [`ManageKeys`](crate::ManageKeys) and [`TransferKeys`](crate::manage::TransferKeys) for a
/// [`Database`](super::Database), by the rules of [`managing`](super::managing) and
/// [`transfer`](super::transfer).
macro_rules! manage_keys {
    ($store:ty) => {
        const _: () = {
            use std::time::Duration;

            use crate::client::ClientProfile;
            use crate::key::KeyId;
            use crate::manage::{
                ChangeEvent, ClientChange, ClientInfo, ClientQuery, EventQuery, Export, Imported,
                KeyChange, KeyInfo, KeyQuery, ManageError, ManageFuture, ManageKeys, NewKey, Page,
                PartialList, Policy, PolicyChange, PurgeKeys, Rotated, TransferKeys, Version,
            };
            use crate::store::sql;

            impl $store {
                /// Returns a handle that checks changes without keeping them. Each change is made in a transaction that is
                /// rolled back, and succeeds or is refused as usual. It needs the same rights and waits for the same locks.
                #[must_use]
                pub fn dry_run(&self) -> Self {
                    Self { context: self.context.dry_run(), ..self.clone() }
                }

                /// Returns a handle whose changes are recorded under this name.
                ///
                /// # Errors
                ///
                /// The name breaks the rules of labels: see [`NewKey::with_label`].
                pub fn for_actor(&self, actor: &str) -> Result<Self, ManageError> {
                    Ok(Self { context: self.context.for_actor(actor)?, ..self.clone() })
                }

                /// Returns a handle whose changes are refused if the client or key no longer has this version: see
                /// [`ManageKeys::if_version`].
                #[must_use]
                pub fn if_version(&self, version: Version) -> Self {
                    Self { context: self.context.if_version(version), ..self.clone() }
                }
            }

            impl ManageKeys for $store {
                fn for_actor(&self, actor: &str) -> Result<Box<dyn ManageKeys>, ManageError> {
                    Ok(Box::new(self.for_actor(actor)?))
                }

                fn if_version(&self, version: Version) -> Box<dyn ManageKeys> {
                    Box::new(self.if_version(version))
                }

                fn add_client(&self, profile: ClientProfile) -> ManageFuture<'_, ClientInfo> {
                    Box::pin(sql::retrying(move || sql::add_client(self, profile.clone())))
                }

                fn update_client<'a>(
                    &'a self,
                    name: &'a str,
                    change: ClientChange,
                ) -> ManageFuture<'a, ClientInfo> {
                    let update = move || sql::update_client(self, name, change.clone());
                    Box::pin(sql::retrying(update))
                }

                fn enable_client<'a>(&'a self, name: &'a str) -> ManageFuture<'a, ClientInfo> {
                    Box::pin(sql::retrying(move || sql::enable_client(self, name, true)))
                }

                fn disable_client<'a>(&'a self, name: &'a str) -> ManageFuture<'a, ClientInfo> {
                    Box::pin(sql::retrying(move || sql::enable_client(self, name, false)))
                }

                fn remove_client<'a>(&'a self, name: &'a str) -> ManageFuture<'a, ClientInfo> {
                    Box::pin(sql::retrying(move || sql::remove_client(self, name)))
                }

                fn list_clients(&self) -> ManageFuture<'_, Vec<ClientInfo>> {
                    Box::pin(sql::list_clients(self))
                }

                fn issue<'a>(&'a self, client: &'a str, key: NewKey) -> ManageFuture<'a, KeyInfo> {
                    Box::pin(sql::retrying(move || sql::issue(self, client, key.clone())))
                }

                fn update_key<'a>(
                    &'a self,
                    key_id: &'a KeyId,
                    change: KeyChange,
                ) -> ManageFuture<'a, KeyInfo> {
                    let update = move || sql::update_key(self, *key_id, change.clone());
                    Box::pin(sql::retrying(update))
                }

                fn revoke<'a>(&'a self, key_id: &'a KeyId) -> ManageFuture<'a, KeyInfo> {
                    Box::pin(sql::retrying(move || sql::revoke(self, *key_id)))
                }

                fn rotate<'a>(
                    &'a self,
                    key_id: &'a KeyId,
                    successor: NewKey,
                    grace: Duration,
                ) -> ManageFuture<'a, Rotated> {
                    let rotate = move || sql::rotate(self, *key_id, successor.clone(), grace);
                    Box::pin(sql::retrying(rotate))
                }

                fn list_keys<'a>(
                    &'a self,
                    client: Option<&'a str>,
                ) -> ManageFuture<'a, Vec<KeyInfo>> {
                    Box::pin(sql::list_keys(self, client))
                }

                fn purge_keys<'a>(
                    &'a self,
                    purge: &'a PurgeKeys,
                ) -> ManageFuture<'a, Vec<KeyInfo>> {
                    Box::pin(sql::retrying(move || sql::purge_keys(self, *purge)))
                }

                fn policy(&self) -> ManageFuture<'_, Policy> {
                    Box::pin(sql::policy(self))
                }

                fn update_policy(&self, change: PolicyChange) -> ManageFuture<'_, Policy> {
                    Box::pin(sql::retrying(move || sql::update_policy(self, change.clone())))
                }

                fn find_client<'a>(&'a self, name: &'a str) -> ManageFuture<'a, ClientInfo> {
                    Box::pin(sql::find_client(self, name))
                }

                fn find_key<'a>(&'a self, key_id: &'a KeyId) -> ManageFuture<'a, KeyInfo> {
                    Box::pin(sql::find_key(self, *key_id))
                }

                fn list_readable_clients(&self) -> ManageFuture<'_, PartialList<ClientInfo>> {
                    Box::pin(sql::list_readable_clients(self))
                }

                fn list_readable_keys<'a>(
                    &'a self,
                    client: Option<&'a str>,
                ) -> ManageFuture<'a, PartialList<KeyInfo>> {
                    Box::pin(sql::list_readable_keys(self, client))
                }

                fn clients<'a>(
                    &'a self,
                    query: &'a ClientQuery,
                ) -> ManageFuture<'a, Page<ClientInfo>> {
                    Box::pin(sql::client_page(self, query))
                }

                fn keys<'a>(&'a self, query: &'a KeyQuery) -> ManageFuture<'a, Page<KeyInfo>> {
                    Box::pin(sql::key_page(self, query))
                }

                fn events<'a>(
                    &'a self,
                    query: &'a EventQuery,
                ) -> ManageFuture<'a, Page<ChangeEvent>> {
                    Box::pin(sql::event_page(self, query))
                }
            }

            impl TransferKeys for $store {
                fn export_keys(&self) -> ManageFuture<'_, Export> {
                    Box::pin(sql::export_keys(self))
                }

                fn import_keys<'a>(&'a self, export: &'a Export) -> ManageFuture<'a, Imported> {
                    Box::pin(sql::retrying(move || sql::import_keys(self, export)))
                }
            }
        };
    };
}

pub(in crate::store) use manage_keys;
