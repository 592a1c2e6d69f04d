//! A copy on disk, from which an instance starts while the database is out of reach.
//!
//! A line that names the format; the time of the last contact and a checksum of it, which are written
//! anew while nothing changes; how many keys there are, and a line that names the database; then a
//! record for each client, before the first of its keys, and for each key, in the order of their
//! digests; then the SHA-256 of all that, the time aside.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant, SystemTime};
use std::{io, thread};

use super::shared::Shared;
use crate::key::KeyDigest;

mod contact;
mod place;
mod read;
mod write;

pub(super) use place::place;
pub(super) use read::{Read, read};

const FORMAT: &str = "keygate snapshot 3\n";
/// Begins the record of a client: its length in four bytes, and its columns as JSON.
const CLIENT: u8 = b'C';
/// Begins the record of a key: its digest, the number of its client in four bytes, its state in one,
/// and its expiry in microseconds since 1970, plus one, in eight.
const KEY: u8 = b'K';
/// Begins the record of a key whose row cannot be used: its digest.
const REFUSED: u8 = b'R';
/// The checksum of all but the time of the last contact, which is where a copy ends.
type Sum = [u8; 32];

/// The time of the last contact that the copy names is as old as this at the most, in contact.
const EVERY: Duration = Duration::from_secs(10);

/// After it was written, the copy is let alone for so many times as long as that took: half a second
/// of a processor for a million keys. A revoke that it lacks is forgotten where it is needed.
const REST: u32 = 9;
const LEAST_REST: Duration = Duration::from_secs(1);

/// A disk that takes as long does not answer any more.
const SILENT: Duration = Duration::from_secs(60);

/// Keeps the copy as new as it has to be.
pub(super) struct Keeper {
    pub(super) path: PathBuf,
    place: String,
    /// Whether there are changes that the copy does not have, or is not being given.
    is_dirty: bool,
    /// What the copy ends with that was written last.
    written: Option<Sum>,
    noted: Option<Instant>,
    rests: Option<Instant>,
    busy: Option<Busy>,
}

struct Busy {
    since: Instant,
    end: Receiver<(io::Result<Option<Sum>>, Duration)>,
}

impl Keeper {
    pub(super) fn new(path: PathBuf, place: String) -> Self {
        Self { path, place, is_dirty: true, written: None, noted: None, rests: None, busy: None }
    }

    pub(super) fn changed(&mut self) {
        self.is_dirty = true;
    }

    /// After contact: has the copy written, or has it noted that it is as good as new. Says whether one
    /// was kept since it was called last.
    ///
    /// # Errors
    ///
    /// The copy could not be written.
    pub(super) fn keep(&mut self, shared: &Shared, contact: SystemTime) -> io::Result<bool> {
        let is_kept = match self.busy.take() {
            None => false,
            Some(busy) => match busy.end.try_recv() {
                Err(TryRecvError::Empty) => {
                    let is_silent = busy.since.elapsed() > SILENT;
                    self.busy = Some(busy);
                    return if is_silent { Err(silent()) } else { Ok(false) };
                }
                Ok((end, took)) => {
                    self.rests = Instant::now().checked_add((took * REST).max(LEAST_REST));
                    self.ended(end)?
                }
                Err(TryRecvError::Disconnected) => {
                    self.ended(Err(io::Error::other("the thread that writes it has ended")))?
                }
            },
        };
        let now = Instant::now();
        if self.rests.is_some_and(|rests| now < rests) {
            return Ok(is_kept);
        }
        if self.is_dirty {
            self.is_dirty = false;
            let (table, refused) = (shared.table.fork(), shared.refused());
            let place = self.place.clone();
            self.start(move |path| {
                write::write(path, &place, &table, &refused, contact).map(Some)
            })?;
        } else if let Some(sum) = self.written
            && self.noted.is_none_or(|noted| noted.elapsed() >= EVERY)
        {
            self.start(move |path| Ok(write::touch(path, contact, sum)?.then_some(sum)))?;
        }
        Ok(is_kept)
    }

    /// The copy ends with this now, or is not ours any more.
    fn ended(&mut self, end: io::Result<Option<Sum>>) -> io::Result<bool> {
        self.written = *end.as_ref().unwrap_or(&None);
        self.is_dirty |= self.written.is_none();
        end.map(|sum| sum.is_some())
    }

    /// In a thread of its own, so that no revoke waits for a disk.
    fn start(
        &mut self,
        work: impl FnOnce(&Path) -> io::Result<Option<Sum>> + Send + 'static,
    ) -> io::Result<()> {
        let (path, since) = (self.path.clone(), Instant::now());
        let (sender, end) = channel();
        let run = move || {
            let result = work(&path);
            // Nobody hears it where the replica was dropped.
            let _ = sender.send((result, since.elapsed()));
        };
        self.noted = Some(since);
        self.busy = Some(Busy { since, end });
        thread::Builder::new().name("keygate-snapshot".to_owned()).spawn(run).map(drop)
    }
}

fn silent() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the disk has not answered for a minute")
}

fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the snapshot cannot be used: {why}"))
}

/// Keys that are refused, as both sides have them.
type Refused = HashSet<KeyDigest>;
