use serde_json::json;

use crate::args::Globals;
use crate::confirm::Confirmation;
use crate::failure::Failure;
use crate::output::Output;
use crate::show::counted;
use crate::store::{note_section, with_lock_notes};

pub(super) fn run(globals: &Globals, out: &Output) -> Result<(), Failure> {
    let location = globals.location()?;
    let file = location.file("hash")?;
    let confirmation = Confirmation::new(globals)?;
    note_section(&location, globals, out);
    let store = with_lock_notes(globals.options(file).open(file)?, out);
    let path = file.display().to_string();
    confirmation
        .ask(&format!("Permanently replace all plaintext keys in {path} with their digests?"))?;

    let store = if out.is_dry_run() {
        store.check_writable()?;
        store.dry_run()
    } else {
        store
    };
    let hashed = store.hash_keys()?;
    let json = json!({ "store": path, "hashed": hashed });
    let keys = match hashed {
        0 => {
            let note = format!("{path} has no plaintext keys: nothing was changed");
            return out.report_unchanged(&note, &json);
        }
        _ if out.is_dry_run() => {
            let keys = counted(hashed, "plaintext key");
            return out.report_change(&format!("replaced {keys} with digests"), &json);
        }
        1 => "1 key is now a digest and keeps".to_owned(),
        _ => format!("{hashed} keys are now digests and keep"),
    };
    let note = format!(
        "{keys} working; version control and backups still contain the plaintext, \
         so replace keys that others may have seen there"
    );
    out.report_change(&note, &json)
}
