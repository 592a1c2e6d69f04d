use std::error::Error as _;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keygate::manage::{ManageError, TransferKeys};
use keygate::store::{KeyFileEvent, KeyFileWarning};
use keygate::{KeyId, KeyStore, YamlStore};

use crate::actor::actor;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::actor::tool;
use crate::args::Globals;
use crate::failure::Failure;
use crate::location::Location;
use crate::output::Output;
use crate::runtime::block_on;

/// The operations that commands need from any kind of store.
pub(crate) trait Store: TransferKeys + KeyStore {
    /// Returns a handle that checks changes as the store does, and changes nothing.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    fn dry_run(&self) -> Result<Arc<dyn Store>, ManageError>;

    /// Returns the store itself, for reports that only its kind can make.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    fn kind(&self) -> Kind<'_>;
}

/// A store of a certain kind.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) enum Kind<'s> {
    File(&'s YamlStore),
    #[cfg(feature = "sqlite")]
    Sqlite(&'s keygate::store::SqliteStore),
    #[cfg(feature = "postgres")]
    Postgres(&'s keygate::store::PostgresStore),
}

impl Store for YamlStore {
    fn dry_run(&self) -> Result<Arc<dyn Store>, ManageError> {
        self.check_writable()?;
        Ok(Arc::new(self.dry_run()))
    }

    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    fn kind(&self) -> Kind<'_> {
        Kind::File(self)
    }
}

#[cfg(feature = "sqlite")]
impl Store for keygate::store::SqliteStore {
    fn dry_run(&self) -> Result<Arc<dyn Store>, ManageError> {
        Ok(Arc::new(self.dry_run()))
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Sqlite(self)
    }
}

#[cfg(feature = "postgres")]
impl Store for keygate::store::PostgresStore {
    fn dry_run(&self) -> Result<Arc<dyn Store>, ManageError> {
        Ok(Arc::new(self.dry_run()))
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Postgres(self)
    }
}

/// Opens the store from the command line or the environment, and prints its warnings.
pub(crate) fn open(globals: &Globals, out: &Output) -> Result<Arc<dyn Store>, Failure> {
    open_for(Use::Read, globals, out)
}

fn open_for(purpose: Use, globals: &Globals, out: &Output) -> Result<Arc<dyn Store>, Failure> {
    let location = globals.location()?;
    note_section(&location, globals, out);
    // For `events`, the actor is a filter and may be any text.
    let actor = actor(globals.actor.as_deref())?;
    load(&location, globals, &actor, |store| {
        let store = prepared(store, out);
        match globals.state() {
            Some(folder) => recorded(store, &folder, purpose),
            None => Ok(store),
        }
    })
}

/// Opens a store that the command changes. A dry run only checks and shows the changes.
pub(crate) fn open_to_change(globals: &Globals, out: &Output) -> Result<Arc<dyn Store>, Failure> {
    let store = open_for(Use::Change, globals, out)?;
    Ok(if out.is_dry_run() { store.dry_run()? } else { store })
}

/// Opens a further store from which the command reads.
pub(crate) fn open_at(
    location: &Location,
    globals: &Globals,
    out: &Output,
) -> Result<Arc<dyn Store>, Failure> {
    note_section(location, globals, out);
    load(location, globals, &actor(None)?, |store| Ok(prepared(store, out)))
}

/// Opens a store for a long-running process, which follows a key file. `records` says whether to record changes, as the
/// other commands do.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn open_to_serve(
    location: &Location,
    globals: &Globals,
    out: &Output,
    records: bool,
) -> Result<Arc<dyn Store>, Failure> {
    note_section(location, globals, out);
    let actor = actor(globals.actor.as_deref())?;
    let Location::File(path) = location else { return load(location, globals, &actor, Ok) };
    let events = out.clone();
    let store = globals.options(path).watch(path, move |event| report(&event, &events));
    let mut store = store.map_err(unreadable)?;
    if let Some(folder) = globals.state().filter(|_| records) {
        store = recorded(store, &folder, Use::Change)?;
    }
    Ok(Arc::new(store.for_actor(&actor).unwrap_or(store)))
}

/// Prints the reloads and failures of a followed file.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn report(event: &KeyFileEvent, out: &Output) {
    match event {
        // The page itself explains the first steps.
        KeyFileEvent::Warning(warning) if warning.is_about_no_keys() || !is_shown(warning) => {}
        KeyFileEvent::Warning(warning) => out.warn(&warning.to_string()),
        KeyFileEvent::Reloaded { .. }
        | KeyFileEvent::Recovered { .. }
        | KeyFileEvent::Waiting { .. } => {
            out.note(&event.to_string());
        }
        _ => out.warn(&event.to_string()),
    }
}

#[derive(Clone, Copy)]
enum Use {
    Read,
    Change,
}

fn recorded(store: YamlStore, folder: &Path, purpose: Use) -> Result<YamlStore, Failure> {
    store.record_events(folder).map_err(|error| {
        let folder = folder.display();
        let failed = match purpose {
            Use::Read => "recorded changes cannot be read from",
            Use::Change => "changes cannot be recorded in",
        };
        Failure::unavailable(format!(
            "{failed} {folder} ({error}): check --state-directory and KEYGATE_STATE_DIRECTORY"
        ))
    })
}

/// Prints the warnings of a file.
fn prepared(store: YamlStore, out: &Output) -> YamlStore {
    // A store without keys is not a problem.
    if !store.is_empty() {
        let warnings = store.warnings();
        let shown = warnings.iter().filter(|warning| is_shown(warning));
        shown.for_each(|warning| out.warn(&warning.to_string()));
    }
    with_lock_notes(store, out)
}

/// Notes once that a file is read as an application's own file, and which section is used.
pub(crate) fn note_section(location: &Location, globals: &Globals, out: &Output) {
    static NOTED: AtomicBool = AtomicBool::new(false);
    if let Ok(path) = location.file("")
        && let Some(section) = globals.options(path).section_name()
        && !NOTED.swap(true, Ordering::Relaxed)
    {
        out.note(&format!(
            "{} is an application's own file: keys are read from `api_keys` at the top and from the section \
             `{section}` (use --section for another one)",
            path.display()
        ));
    }
}

/// Returns whether the warning is about the mode of the file. It is for people only, and printed once.
fn is_shown(warning: &KeyFileWarning) -> bool {
    static WARNED: AtomicBool = AtomicBool::new(false);
    !warning.is_about_mode()
        || (io::stderr().is_terminal() && !WARNED.swap(true, Ordering::Relaxed))
}

/// Prints a note when the store waits for the file's lock, and a warning when a change cannot be recorded.
pub(crate) fn with_lock_notes(store: YamlStore, out: &Output) -> YamlStore {
    let out = out.clone();
    store.with_events(move |event| match event {
        KeyFileEvent::Waiting { .. } => out.note(&event.to_string()),
        KeyFileEvent::NotRecorded { .. } => out.warn(&event.to_string()),
        _ => {}
    })
}

/// Opens the store again to see its current content, since a key file is read only when it is opened.
pub(crate) fn reopen(globals: &Globals) -> Result<Arc<dyn Store>, Failure> {
    load(&globals.location()?, globals, "", Ok)
}

/// Returns whether a store may have this key even though the change failed.
pub(crate) fn may_hold(key_id: KeyId, globals: &Globals) -> bool {
    match reopen(globals).and_then(|store| Ok(block_on(store.find_key(&key_id))?)) {
        Ok(_) => true,
        Err(failure) => failure.is_unavailable(),
    }
}

/// Returns a dry run of a key file, or `None` for a database.
pub(crate) fn dry_run(globals: &Globals) -> Result<Option<YamlStore>, Failure> {
    Ok(match globals.location()? {
        Location::File(path) => {
            Some(globals.options(&path).open(path).map_err(unreadable)?.dry_run())
        }
        #[cfg(feature = "sqlite")]
        Location::Sqlite(_) => None,
        #[cfg(feature = "postgres")]
        Location::Postgres(_) => None,
    })
}

fn load(
    location: &Location,
    globals: &Globals,
    actor: &str,
    prepare: impl FnOnce(YamlStore) -> Result<YamlStore, Failure>,
) -> Result<Arc<dyn Store>, Failure> {
    Ok(match location {
        Location::File(path) => {
            let store = prepare(globals.options(path).open(path).map_err(unreadable)?)?;
            Arc::new(store.for_actor(actor).unwrap_or(store))
        }
        #[cfg(feature = "sqlite")]
        Location::Sqlite(path) => {
            let store =
                block_on(keygate::store::SqliteStore::open(path)).map_err(Failure::unavailable)?;
            Arc::new(store.with_actor(actor).with_tool(tool()))
        }
        #[cfg(feature = "postgres")]
        Location::Postgres(url) => Arc::new(postgres(url)?.with_actor(actor).with_tool(tool())),
    })
}

#[cfg(feature = "postgres")]
pub(crate) fn postgres(url: &str) -> Result<keygate::store::PostgresStore, Failure> {
    // There may be a connection pooler, and an additional round trip costs little here.
    let options = keygate::store::PostgresStore::options(url)?.through_pooler();
    Ok(block_on(options.connect())?)
}

fn unreadable(error: keygate::store::KeyFileError) -> Failure {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let is_missing = source.is_some_and(|error| error.kind() == io::ErrorKind::NotFound);
    let way_out = if is_missing { "; `keygate init` creates a new one" } else { "" };
    Failure::from(error).and(way_out)
}
