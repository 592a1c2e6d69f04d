use std::{fs, io};

use keygate::YamlStore;
use keygate::manage::Export;
use serde_json::json;
use tempfile::TempDir;

use crate::args::{ExportArgs, Globals};
use crate::failure::Failure;
use crate::new_file::NewFile;
use crate::output::Output;
use crate::runtime::block_on;
use crate::show::counted;
use crate::store::open;

pub(super) fn run(args: &ExportArgs, globals: &Globals, out: &Output) -> Result<(), Failure> {
    let export = block_on(open(globals, out)?.export_keys())?;
    let text = yaml(&export)?;
    let (clients, keys) = (export.client_count(), export.key_count());
    let Some(path) = &args.out else {
        return out.print(&text, &json!({ "clients": clients, "keys": keys, "file": text }));
    };
    if out.is_dry_run() {
        NewFile::check(path)?;
    } else {
        NewFile::write(path, text.as_bytes())?;
    }
    let path = path.display().to_string();
    let (counted, keys_counted) = (counted(clients, "client"), counted(keys, "key"));
    let wrote = if out.is_dry_run() { "written" } else { "wrote" };
    let note = format!("{wrote} {counted} and {keys_counted} to {path}, which only you can read");
    out.report_change(&note, &json!({ "clients": clients, "keys": keys, "out": path }))
}

/// Returns a key file with these clients and keys, as `YamlStore` writes it.
fn yaml(export: &Export) -> Result<String, Failure> {
    let failed = |error: io::Error| {
        let folder = std::env::temp_dir();
        let folder = folder.display();
        Failure::unavailable(format!("the key file cannot be created in {folder} ({error})"))
    };
    let folder = private_folder().map_err(failed)?;
    let path = folder.path().join("keys.yml");
    YamlStore::create_from_export(&path, export)?;
    fs::read_to_string(&path).map_err(failed)
}

/// Creates a temporary folder that only this user can read, and that is removed when dropped.
fn private_folder() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("keygate-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir()
}
