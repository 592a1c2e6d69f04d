//! The log of changes beside a key file, with one JSON object per line.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;

use super::YamlStore;
use super::changes::{changed_clients, changed_keys};
use super::facts::{Fields, client_fields, key_fields, named, optional, policy_fields};
use super::report::KeyFileEvent;
use super::value::{Syntax, Value};
use crate::key::Timestamp;
use crate::manage::{
    ChangeAction, ChangeEvent, ClientFacts, EventQuery, Export, KeyFacts, ManageError, Page,
};
use crate::store::folder::{Folder, parent};

mod json;
mod reading;

/// The name of the log in its folder.
const NAME: &str = "events.jsonl";

impl YamlStore {
    /// Records the changes of this handle and its clones in `events.jsonl` in this folder.
    ///
    /// Each change of a client, a key or the policy appends a line: a JSON object with `at`, `actor` (see
    /// [`YamlStore::for_actor`]), `action`, `client`, `key_id`, `before` and `after`, as in the events of databases. It
    /// holds no digests. Changes by hand are not recorded. A change whose event could not be written is made
    /// nevertheless, and reported as [`KeyFileEvent::NotRecorded`].
    ///
    /// Use a folder of the service, such as `$STATE_DIRECTORY`, and one folder for each key file. A new log belongs to the
    /// owner of the folder, and nobody else can read it, since it contains the metadata of clients.
    ///
    /// ```
    /// use keygate::YamlStore;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = std::env::temp_dir().join(format!("keygate-event-log-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let (path, state) = (folder.join("keys.yml"), &folder);
    /// let store = YamlStore::create(path)?.record_events(state)?;
    /// store.for_actor("ann")?.add_client("App 1")?;
    /// let log = std::fs::read_to_string(state.join("events.jsonl"))?;
    /// assert!(log.contains(r#""actor":"ann","action":"client.added","client":"App 1""#));
    /// # std::fs::remove_dir_all(folder)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The log cannot be opened or created, or it is a link, has another hard link, is not a regular file, or belongs to
    /// neither this process nor the owner of the folder.
    pub fn record_events(self, folder: impl AsRef<Path>) -> io::Result<Self> {
        let path = std::path::absolute(folder.as_ref())?.join(NAME);
        open(&path)?;
        Ok(Self { event_log: Some(path.into()), ..self })
    }

    /// Returns a page of the recorded changes that a query selects, the newest first. Without filters, it reads only
    /// the lines of the page; otherwise as many lines as it takes to fill the page.
    ///
    /// # Errors
    ///
    /// This handle records no changes ([`ManageError::NoEvents`]), the cursor is not from a page of events, or the log
    /// cannot be read.
    pub fn events(&self, query: &EventQuery) -> Result<Page<ChangeEvent>, ManageError> {
        match self.event_log.as_deref() {
            Some(path) => reading::page(path, query),
            None => Err(ManageError::NoEvents {
                why: "open the file with `YamlStore::record_events` and the folder of its log",
            }),
        }
    }

    /// Appends lines to the log.
    pub(super) fn append_events(&self, lines: &str) {
        let Some(path) = self.event_log.as_deref().filter(|_| !lines.is_empty()) else { return };
        if let Err(error) = append(path, lines) {
            let (path, error) = (path.to_owned(), Arc::new(error));
            self.file.events.report(KeyFileEvent::NotRecorded { path, error });
        }
    }
}

/// Opens or creates the log. The tool and the service may be different users, so the log belongs to the owner of its
/// folder.
fn open(path: &Path) -> io::Result<File> {
    let owner = fs::metadata(parent(path))?;
    Folder::of(path)?.open_or_create(NAME.as_ref(), &owner, Folder::append)
}

fn append(path: &Path, lines: &str) -> io::Result<()> {
    let mut file = open(path)?;
    // A process that was killed may have left part of a line.
    let mut last = *b"\n";
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let end = if last == *b"\n" { "" } else { "\n" };
    file.write_all(format!("{end}{lines}").as_bytes())?;
    file.sync_data()
}

/// Returns the log lines for the difference between two states.
pub(super) fn lines(at: Timestamp, actor: Option<&str>, before: &Export, after: &Export) -> String {
    use ChangeAction::{
        ClientAdded, ClientChanged, ClientDisabled, ClientEnabled, ClientRemoved, KeyChanged,
        KeyIssued, KeyPurged, KeyRemoved, KeyRevoked, KeyRotated, PolicyChanged,
    };

    let mut lines = String::new();
    let mut add = |action: ChangeAction,
                   client: Option<&str>,
                   key: Option<&KeyFacts>,
                   facts: [Option<Fields>; 2]| {
        let [before, after] = facts.map(|facts| facts.map_or(Value::Null, Value::Mapping));
        let line = named([
            ("at", Value::text(&at.to_string())),
            ("actor", optional(actor)),
            ("action", Value::text(action.name())),
            ("client", optional(client)),
            ("key_id", Value::plain(key.map(KeyFacts::key_id))),
            ("before", before),
            ("after", after),
        ]);
        let _ = writeln!(lines, "{}", Value::Mapping(line).line(Syntax::Json));
    };
    if before.policy() != after.policy() {
        let facts = [before, after].map(|export| Some(policy_fields(export.policy())));
        add(PolicyChanged, None, None, facts);
    }
    for [old, new] in changed_clients(before, after) {
        let action = match [old, new] {
            [None, _] => ClientAdded,
            [_, None] => ClientRemoved,
            [Some(old), Some(new)] if !old.enabled && new.enabled => ClientEnabled,
            [Some(old), Some(new)] if old.enabled && !new.enabled => ClientDisabled,
            [Some(_), Some(_)] => ClientChanged,
        };
        let name = new.or(old).map(|client| client.profile.name());
        add(action, name, None, [old, new].map(|client| client.map(client_facts)));
    }
    for [old, new] in changed_keys(before, after) {
        let action = match [old, new] {
            [None, _] => KeyIssued,
            [Some(old), None] if after.client(&old.client).is_some() => KeyPurged,
            [Some(_), None] => KeyRemoved,
            [Some(old), Some(new)] if old.revoked.is_none() && new.revoked.is_some() => KeyRevoked,
            [Some(old), Some(new)] if old.replaced_by.is_none() && new.replaced_by.is_some() => {
                KeyRotated
            }
            [Some(_), Some(_)] => KeyChanged,
        };
        let key = new.or(old);
        let client = key.map(|key| &*key.client);
        add(action, client, key, [old, new].map(|key| key.map(key_facts)));
    }
    lines
}

fn client_facts(client: &ClientFacts) -> Fields {
    let name = named([("name", Value::text(client.profile.name()))]);
    name.into_iter().chain(client_fields(client)).collect()
}

fn key_facts(key: &KeyFacts) -> Fields {
    let id = ("key_id", Value::plain(Some(key.key_id())));
    let names = named([id, ("client", Value::text(&key.client))]);
    names.into_iter().chain(key_fields(key)).collect()
}
