use std::error::Error as _;
use std::io;
use std::sync::Arc;

use keygate::manage::TransferKeys;
use keygate::store::YamlEvent;
use keygate::{KeyId, KeyStore, YamlStore};

use crate::args::Globals;
use crate::failure::Failure;
use crate::location::Location;
use crate::output::Output;
use crate::runtime::block_on;

/// A store of any kind, with the abilities that commands need.
pub(crate) trait Store: TransferKeys + KeyStore {}

impl<S: TransferKeys + KeyStore> Store for S {}

/// Opens the store that the command line or the environment names, and prints its warnings.
pub(crate) fn open(globals: &Globals, out: &Output) -> Result<Arc<dyn Store>, Failure> {
    open_at(&globals.location()?, out)
}

pub(crate) fn open_at(location: &Location, out: &Output) -> Result<Arc<dyn Store>, Failure> {
    load(location, |store| {
        // A store without keys has nothing to fix.
        if !store.is_empty() {
            store.warnings().iter().for_each(|warning| out.warn(&warning.to_string()));
        }
        with_lock_notes(store, out)
    })
}

/// Adds a note when the store waits for the lock of its file.
pub(crate) fn with_lock_notes(store: YamlStore, out: &Output) -> YamlStore {
    let out = out.clone();
    store.with_events(move |event| {
        if let YamlEvent::Waiting { .. } = event {
            out.note(&event.to_string());
        }
    })
}

/// Returns whether a store may hold this key although the change failed.
pub(crate) fn may_hold(key_id: KeyId, globals: &Globals) -> bool {
    let store = globals.location().and_then(|location| load(&location, |store| store));
    match store.and_then(|store| Ok(block_on(store.find_key(&key_id))?)) {
        Ok(_) => true,
        Err(failure) => failure.is_unavailable(),
    }
}

/// Returns a dry run of the key file, or `None` for a database.
pub(crate) fn dry_run(globals: &Globals) -> Result<Option<YamlStore>, Failure> {
    Ok(match globals.location()? {
        Location::File(path) => Some(YamlStore::open(path).map_err(unreadable)?.dry_run()),
        #[cfg(feature = "sqlite")]
        Location::Sqlite(_) => None,
        #[cfg(feature = "postgres")]
        Location::Postgres(_) => None,
    })
}

fn load(
    location: &Location,
    prepare: impl FnOnce(YamlStore) -> YamlStore,
) -> Result<Arc<dyn Store>, Failure> {
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    use crate::actor::{actor, tool};
    Ok(match location {
        Location::File(path) => Arc::new(prepare(YamlStore::open(path).map_err(unreadable)?)),
        #[cfg(feature = "sqlite")]
        Location::Sqlite(path) => {
            let store =
                block_on(keygate::store::SqliteStore::open(path)).map_err(Failure::unavailable)?;
            Arc::new(store.with_actor(actor()).with_tool(tool()))
        }
        #[cfg(feature = "postgres")]
        Location::Postgres(url) => {
            // There may be a pooler, and one more round trip costs little here.
            let options = keygate::store::PostgresStore::options(url)?.through_pooler();
            let store = block_on(options.connect())?;
            Arc::new(store.with_actor(actor()).with_tool(tool()))
        }
    })
}

fn unreadable(error: keygate::store::YamlError) -> Failure {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let is_missing = source.is_some_and(|error| error.kind() == io::ErrorKind::NotFound);
    let way_out = if is_missing { "; `keygate init` makes a new one" } else { "" };
    Failure::from(error).and(way_out)
}
