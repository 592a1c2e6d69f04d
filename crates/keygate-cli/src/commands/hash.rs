use keygate::YamlStore;
use serde_json::json;

use crate::args::Globals;
use crate::confirm::Consent;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::say_when_waiting;

pub(super) fn run(globals: &Globals, out: &Output) -> Result<(), Failure> {
    let location = globals.location()?;
    let file = location.file("hash")?;
    let consent = Consent::new(globals.yes)?;
    let store = say_when_waiting(YamlStore::open(file)?, out);
    let path = file.display().to_string();
    consent.to(&format!("Replace every plaintext key in {path} by its digest, for good?"))?;

    let hashed = store.hash_keys()?;
    let json = json!({ "store": path, "hashed": hashed });
    let what = match hashed {
        0 => return out.done(&format!("{path} has no plaintext keys: nothing was changed"), &json),
        1 => "1 key is a digest now and goes".to_owned(),
        _ => format!("{hashed} keys are digests now and go"),
    };
    let note = format!(
        "{what} on working; version control and backups still hold the old text, \
         so replace keys that others may have seen there"
    );
    out.done(&note, &json)
}
