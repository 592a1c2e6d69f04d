use super::YamlStore;
use crate::manage::{Export, Imported, ManageFuture, TransferKeys};

impl TransferKeys for YamlStore {
    fn export_keys(&self) -> ManageFuture<'_, Export> {
        self.keys.export_keys()
    }

    fn import_keys<'a>(&'a self, export: &'a Export) -> ManageFuture<'a, Imported> {
        let export = export.clone();
        self.in_thread(move |store| store.change(|keys| keys.import(&export)))
    }
}
