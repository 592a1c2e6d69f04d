/// Implements [`ManageKeys`](crate::ManageKeys) and [`TransferKeys`](crate::manage::TransferKeys) for a
/// [`Database`](super::Database), by the rules of [`managing`](super::managing) and
/// [`transfer`](super::transfer).
macro_rules! manage_keys {
    ($store:ty) => {
        impl crate::manage::ManageKeys for $store {
            fn add_client(
                &self,
                profile: ClientProfile,
            ) -> BoxFuture<'_, Result<ClientInfo, ManageError>> {
                Box::pin(sql::retrying(move || sql::add_client(self, profile.clone())))
            }

            fn enable_client<'a>(
                &'a self,
                name: &'a str,
            ) -> BoxFuture<'a, Result<ClientInfo, ManageError>> {
                Box::pin(sql::retrying(move || sql::enable_client(self, name, true)))
            }

            fn disable_client<'a>(
                &'a self,
                name: &'a str,
            ) -> BoxFuture<'a, Result<ClientInfo, ManageError>> {
                Box::pin(sql::retrying(move || sql::enable_client(self, name, false)))
            }

            fn remove_client<'a>(
                &'a self,
                name: &'a str,
            ) -> BoxFuture<'a, Result<ClientInfo, ManageError>> {
                Box::pin(sql::retrying(move || sql::remove_client(self, name)))
            }

            fn list_clients(&self) -> BoxFuture<'_, Result<Vec<ClientInfo>, ManageError>> {
                Box::pin(sql::list_clients(self))
            }

            fn issue<'a>(
                &'a self,
                client: &'a str,
                key: NewKey,
            ) -> BoxFuture<'a, Result<KeyInfo, ManageError>> {
                Box::pin(sql::retrying(move || sql::issue(self, client, key.clone())))
            }

            fn revoke<'a>(
                &'a self,
                key_id: &'a KeyId,
            ) -> BoxFuture<'a, Result<KeyInfo, ManageError>> {
                Box::pin(sql::retrying(move || sql::revoke(self, *key_id)))
            }

            fn rotate<'a>(
                &'a self,
                key_id: &'a KeyId,
                successor: NewKey,
                grace: Duration,
            ) -> BoxFuture<'a, Result<Rotated, ManageError>> {
                let rotate = move || sql::rotate(self, *key_id, successor.clone(), grace);
                Box::pin(sql::retrying(rotate))
            }

            fn list_keys<'a>(
                &'a self,
                client: Option<&'a str>,
            ) -> BoxFuture<'a, Result<Vec<KeyInfo>, ManageError>> {
                Box::pin(sql::list_keys(self, client))
            }

            fn find_client<'a>(
                &'a self,
                name: &'a str,
            ) -> BoxFuture<'a, Result<ClientInfo, ManageError>> {
                Box::pin(sql::find_client(self, name))
            }

            fn find_key<'a>(
                &'a self,
                key_id: &'a KeyId,
            ) -> BoxFuture<'a, Result<KeyInfo, ManageError>> {
                Box::pin(sql::find_key(self, *key_id))
            }

            fn list_readable_clients(
                &self,
            ) -> BoxFuture<'_, Result<crate::manage::PartialList<ClientInfo>, ManageError>> {
                Box::pin(sql::list_readable_clients(self))
            }

            fn list_readable_keys<'a>(
                &'a self,
                client: Option<&'a str>,
            ) -> BoxFuture<'a, Result<crate::manage::PartialList<KeyInfo>, ManageError>> {
                Box::pin(sql::list_readable_keys(self, client))
            }
        }

        impl crate::manage::TransferKeys for $store {
            fn export_keys(&self) -> BoxFuture<'_, Result<crate::manage::Export, ManageError>> {
                Box::pin(sql::export_keys(self))
            }

            fn import_keys<'a>(
                &'a self,
                export: &'a crate::manage::Export,
            ) -> BoxFuture<'a, Result<crate::manage::Imported, ManageError>> {
                Box::pin(sql::retrying(move || sql::import_keys(self, export)))
            }
        }
    };
}

pub(in crate::store) use manage_keys;
