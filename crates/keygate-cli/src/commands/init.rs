use keygate::YamlStore;
use serde_json::json;

use crate::args::Globals;
use crate::failure::Failure;
use crate::new_file::NewFile;
use crate::output::Output;

pub(super) fn run(globals: &Globals, out: &Output) -> Result<(), Failure> {
    let location = globals.location()?;
    let path = location.file("init")?;
    if path.symlink_metadata().is_ok() {
        let path = path.display();
        return Err(Failure::refused(format!(
            "{path} already exists: use it, or choose another name"
        )));
    }
    if out.is_dry_run() {
        NewFile::check(path)?;
    } else {
        YamlStore::create(path)?;
    }
    let path = path.display().to_string();
    let note =
        format!("created {path}, which has no clients yet: add one with `keygate client add`");
    out.report_change(&note, &json!({ "store": path }))
}
