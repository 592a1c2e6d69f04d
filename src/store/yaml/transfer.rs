use super::YamlStore;
use crate::manage::{BoxFuture, Export, Imported, ManageError, TransferKeys};

impl TransferKeys for YamlStore {
    fn export_keys(&self) -> BoxFuture<'_, Result<Export, ManageError>> {
        self.keys.export_keys()
    }

    fn import_keys<'a>(
        &'a self,
        export: &'a Export,
    ) -> BoxFuture<'a, Result<Imported, ManageError>> {
        let export = export.clone();
        self.in_thread(move |store| store.change(|keys| keys.import(&export)))
    }
}
