//! A copy on disk, from which an instance starts while the database is out of reach.
//!
//! A line that names the format and says how many keys there are; then a record for each client, before
//! the first of its keys, and for each key, in the order of their digests; then the SHA-256 of all that.
//! Its time of modification is that of the last contact.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::shared::Shared;
use crate::digest::KeyDigest;

mod read;
mod write;

pub(super) use read::{Read, read};

const FORMAT: &str = "keygate snapshot 1";
/// Begins the record of a client: its length in four bytes, and its columns as JSON.
const CLIENT: u8 = b'C';
/// Begins the record of a key: its digest, the number of its client in four bytes, its state in one,
/// and its expiry in nanoseconds since 1970, plus one, in eight.
const KEY: u8 = b'K';
/// Begins the record of a key whose row cannot be used: its digest.
const REFUSED: u8 = b'R';
const CHECKSUM_BYTES: u64 = 32;

/// The copy is as old as this at the most, in contact: writing a million keys takes half a second of
/// a processor.
const EVERY: Duration = Duration::from_secs(10);

/// Keeps the copy as new as it has to be.
pub(super) struct Keeper {
    pub(super) path: PathBuf,
    /// Whether there are changes that the copy does not have, or is not being given.
    is_dirty: bool,
    last: Option<Instant>,
    writing: Option<Receiver<io::Result<()>>>,
}

impl Keeper {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, is_dirty: true, last: None, writing: None }
    }

    pub(super) fn changed(&mut self) {
        self.is_dirty = true;
    }

    /// After contact: writes the copy, or notes that it is as good as new. Says whether one was kept
    /// since it was called last.
    ///
    /// # Errors
    ///
    /// The copy could not be written.
    pub(super) fn keep(&mut self, shared: &Shared, contact: SystemTime) -> io::Result<bool> {
        let mut is_kept = false;
        if let Some(writing) = &self.writing {
            match writing.try_recv() {
                Err(TryRecvError::Empty) => return Ok(false),
                Ok(Ok(())) => {
                    self.writing = None;
                    is_kept = true;
                }
                Ok(Err(error)) => return self.failed(error),
                Err(TryRecvError::Disconnected) => {
                    return self.failed(io::Error::other("the thread that writes it has ended"));
                }
            }
        }
        if self.last.is_some_and(|last| last.elapsed() < EVERY) {
            return Ok(is_kept);
        }
        self.last = Some(Instant::now());
        if self.is_dirty {
            self.start(shared, contact)?;
            return Ok(is_kept);
        }
        match write::touch(&self.path, contact) {
            Ok(()) => Ok(true),
            Err(error) => self.failed(error),
        }
    }

    /// Writes in a thread of its own, so that no revoke waits for it.
    fn start(&mut self, shared: &Shared, contact: SystemTime) -> io::Result<()> {
        let (table, refused, path) = (shared.table.fork(), shared.refused(), self.path.clone());
        let (sender, writing) = channel();
        let write = move || {
            // Nobody hears it where the replica was dropped.
            let _ = sender.send(write::write(&path, &table, &refused, contact));
        };
        thread::Builder::new().name("keygate-snapshot".to_owned()).spawn(write)?;
        self.writing = Some(writing);
        self.is_dirty = false;
        Ok(())
    }

    fn failed(&mut self, error: io::Error) -> io::Result<bool> {
        self.writing = None;
        self.is_dirty = true;
        Err(error)
    }
}

/// Keys that are refused, as both sides have them.
type Refused = HashSet<KeyDigest>;
