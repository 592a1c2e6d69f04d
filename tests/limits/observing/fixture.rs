use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use keygate::key::KeyState;
use keygate::{KeyDigest, KeyRecord, KeyStore, Lookup, MemoryStore, Outcome};

pub(crate) const KEY: &str = "tJ0zXk-Vw3Ls8QeYb_Rm5uHcNf2PaGi6DoKx9ZrT1SA";

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Reported>>>);

/// The name of an outcome, of its client, and whether its key is known.
pub(crate) type Reported = (&'static str, Option<String>, bool);

impl Log {
    pub(crate) fn observer(&self) -> impl Fn(&Outcome<'_>) + Send + Sync + use<> {
        let log = self.clone();
        move |outcome: &Outcome<'_>| {
            let client = outcome.client().map(|client| client.name().to_owned());
            log.0.lock().unwrap().push((outcome.name(), client, outcome.key_id().is_some()));
        }
    }

    pub(crate) fn take(&self) -> Vec<Reported> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A store whose lookups are ready or pending.
pub(crate) struct Store(pub(crate) MemoryStore, bool);

impl KeyStore for Store {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        let lookup = self.0.lookup(digest);
        if self.1 { Lookup::pending(lookup) } else { lookup }
    }
}

pub(crate) fn store(pending: bool) -> Store {
    let keys = MemoryStore::from_keys([(KEY, "Right")]).unwrap();
    let record = |key: &str, name: &str| KeyRecord::new(KeyDigest::of(key.as_bytes()), name);
    for record in [
        record("expired", "Expired").with_expiry(UNIX_EPOCH),
        record("revoked", "Revoked").with_state(KeyState::Revoked),
        record("disabled", "Disabled").with_state(KeyState::Disabled),
    ] {
        keys.insert_record(record).unwrap();
    }
    Store(keys, pending)
}
