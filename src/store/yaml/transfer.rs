use super::YamlStore;
use super::edit::Value;
use crate::key::rfc3339;
use crate::manage::{
    BoxFuture, Export, ExportedClient, ExportedKey, Imported, ManageError, TransferKeys,
};

impl TransferKeys for YamlStore {
    fn export_keys(&self) -> BoxFuture<'_, Result<Export, ManageError>> {
        self.keys.export_keys()
    }

    fn import_keys<'a>(
        &'a self,
        export: &'a Export,
    ) -> BoxFuture<'a, Result<Imported, ManageError>> {
        let export = export.clone();
        self.in_thread(move |store| {
            let plan = store.change(
                |keys| keys.import(&export),
                |edit, plan, _| {
                    for client in &plan.clients {
                        edit.add_client(client.profile.name(), client_fields(client));
                    }
                    for key in &plan.keys {
                        edit.add_key(&key.client, key_fields(key));
                    }
                },
            )?;
            Ok(plan.imported)
        })
    }
}

fn client_fields(client: &ExportedClient) -> Vec<(String, Value)> {
    let disabled = (!client.enabled).then(|| ("enabled".to_owned(), raw(&false)));
    disabled.into_iter().chain(Value::client(&client.profile)).collect()
}

fn key_fields(key: &ExportedKey) -> Vec<(String, Value)> {
    let metadata = &key.metadata;
    let time = |time: Option<_>| time.map(|time| raw(&rfc3339::text(time)));
    let fields = [
        ("digest", Some(raw(&key.digest.to_text()))),
        ("label", metadata.label.as_deref().map(Value::text)),
        ("created", time(metadata.created)),
        ("expires", time(key.expires)),
        ("replaced_by", metadata.replaced_by.as_ref().map(raw)),
        ("revoked", time(metadata.revoked)),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn raw(value: &impl ToString) -> Value {
    Value::Raw(value.to_string())
}
