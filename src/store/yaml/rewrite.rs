//! Changes of the file. They are made in memory, written into its text, and read back before the file is replaced.

use std::path::Path;
use std::thread;

use zeroize::Zeroizing;

use super::changes::{write_changes, write_policy};
use super::edit::Edit;
use super::file::{EditErrorKind, Lock, Replaced, Target, edit_error, replace};
use super::load_error::LoadError;
use super::outline::Outline;
use super::parse::Parsed;
use super::{KeyFileError, STABLE_AFTER, YamlStore, event_log, read};
use crate::error::StoreError;
use crate::key::{KeyDigest, Timestamp};
use crate::manage::{ConflictReason, Export, ImportConflict, ManageError};
use crate::store::MemoryStore;

/// The number of retries of an edit because another process has changed the file.
const ATTEMPTS: usize = 10;

/// The result of a change, before it is written.
struct Edited<T> {
    changed: T,
    new: Zeroizing<String>,
    parsed: Parsed,
    /// The lines for the log of changes.
    events: String,
}

impl YamlStore {
    /// Changes the file and this store. `change` is applied to the keys in memory, and the difference is written.
    pub(super) fn change<T>(
        &self,
        change: impl Fn(&MemoryStore) -> Result<T, ManageError>,
    ) -> Result<T, ManageError> {
        self.edit(change, |_| {})
    }

    /// Changes the file and this store. `rewrite` edits the text without changing the keys.
    pub(super) fn edit<T>(
        &self,
        change: impl Fn(&MemoryStore) -> Result<T, ManageError>,
        mut rewrite: impl FnMut(&mut Edit<'_>),
    ) -> Result<T, ManageError> {
        let path = self.editable_path()?;
        let edit_error = |kind| edit_error(path, kind);
        let load_error = |error| ManageError::from(KeyFileError::new(Some(path), error));
        let file = self.file.absolute_path().unwrap_or(path);
        if self.is_dry_run {
            let text = read::read_regular(file).map_err(load_error)?;
            return Ok(self.edited(path, &text, &change, &mut rewrite)?.changed);
        }
        let (target, lock) =
            Lock::acquire(file, &|event| self.file.events.report(event)).map_err(edit_error)?;
        let _lock = self.file.update_lock();
        for _ in 0..ATTEMPTS {
            let text = read_stable(&target, &lock).map_err(load_error)?;
            let Edited { changed, new, parsed, events } =
                self.edited(path, &text, &change, &mut rewrite)?;
            let replaced = if new.as_bytes() == &**text {
                Replaced::Done
            } else {
                lock.record_digest(KeyDigest::of(new.as_bytes()));
                replace(&target, &text, new.as_bytes()).map_err(edit_error)?
            };
            if replaced != Replaced::Changed {
                self.file.adopt(&mut self.file.lock(), KeyDigest::of(new.as_bytes()), &parsed);
                self.append_events(&events);
            }
            match replaced {
                Replaced::Done => return Ok(changed),
                Replaced::Unsynced(error) => return Err(edit_error(EditErrorKind::Sync(error))),
                Replaced::Changed => {}
            }
        }
        Err(edit_error(EditErrorKind::Unstable))
    }

    /// Returns the path of the file as it was given.
    pub(super) fn editable_path(&self) -> Result<&Path, ManageError> {
        self.file.path().ok_or_else(|| ManageError::ReadOnly {
            why: "the store was created from a text: open a file to be able to change it".into(),
        })
    }

    /// Returns this text of a file without keys, with the clients, keys and policy of an export.
    pub(super) fn written(
        &self,
        path: &Path,
        text: &[u8],
        export: &Export,
    ) -> Result<Zeroizing<String>, ManageError> {
        if let Some(key) = export.keys().iter().find(|key| export.is_disabled(key.key_id())) {
            let (key_id, client) = (key.key_id(), key.client.clone());
            let refused = ImportConflict::Key { key_id, client, why: ConflictReason::Disabled };
            let why = format!("a key file cannot hold {refused}");
            return Err(ManageError::NotEditable { why });
        }
        Ok(self.edited(path, text, |keys| keys.fill(export), |_| {})?.new)
    }

    /// Makes a change in memory and in a text of the file. The keys parsed from the new text must be the changed ones.
    fn edited<T>(
        &self,
        path: &Path,
        text: &[u8],
        change: impl Fn(&MemoryStore) -> Result<T, ManageError>,
        rewrite: impl FnOnce(&mut Edit<'_>),
    ) -> Result<Edited<T>, ManageError> {
        let edit_error = |kind| edit_error(path, kind);
        let load_error = |error| ManageError::from(KeyFileError::new(Some(path), error));
        let digest = KeyDigest::of(text);
        let keys = if self.file.digest() == digest {
            self.keys.fork()
        } else {
            let keys = self.file.layout().load(text).map_err(load_error)?.keys;
            let checked = self.file.check(&self.file.lock(), digest, &keys);
            checked.map_err(|error| ManageError::Unavailable(StoreError::new(error)))?;
            self.keys.prepare(&keys)
        };
        let before = keys.export();
        let changed = change(&keys)?;
        let after = keys.export();

        let layout = self.file.layout();
        let text = read::utf8(text).map_err(load_error)?;
        let outline = Outline::of(text, layout).map_err(load_error)?;
        let (edited, line) = {
            let mut edit = Edit::of(&outline);
            write_changes(&mut edit, &before, &after);
            write_policy(&mut edit, before.policy(), after.policy());
            rewrite(&mut edit);
            edit.finish().map_err(edit_error)?
        };
        let keeps_others =
            || Outline::of(&edited, layout).is_ok_and(|new| new.others() == outline.others());
        match layout.load(edited.as_bytes()) {
            Ok(parsed) if parsed.keys.export() == after && keeps_others() => {
                let events = self.event_log.as_ref().map_or_else(String::new, |_| {
                    let at = Timestamp::nearest(keys.now());
                    event_log::lines(at, keys.actor(), &before, &after)
                });
                keys.prepare(&parsed.keys);
                Ok(Edited { changed, new: edited, parsed, events })
            }
            _ => Err(edit_error(EditErrorKind::Layout { line })),
        }
    }
}

/// Reads a file that nobody is writing: its text is the result of the last edit, or has not changed for a while.
fn read_stable(target: &Target, lock: &Lock) -> Result<Zeroizing<Vec<u8>>, LoadError> {
    let mut text = read::read_target(target)?;
    for _ in 0..ATTEMPTS {
        let modified = target.open().and_then(|file| file.metadata()?.modified());
        let age = modified.ok().and_then(|modified| modified.elapsed().ok());
        let is_stable = age.is_some_and(|age| age > STABLE_AFTER);
        if is_stable || lock.digest_of_last_edit() == Some(KeyDigest::of(&text)) {
            break;
        }
        thread::sleep(STABLE_AFTER);
        let again = read::read_target(target)?;
        if *again == *text {
            break;
        }
        text = again;
    }
    Ok(text)
}
