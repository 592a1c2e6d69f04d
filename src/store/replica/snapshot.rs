//! A copy of all keys on disk, from which an instance can start while the database cannot be reached.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant, SystemTime};
use std::{io, thread};

use super::shared::Shared;

mod contact;
mod format;
mod read;
mod write;

use format::Checksum;
pub(super) use format::database_label;
pub(super) use read::{Snapshot, read_snapshot};

/// The interval at which the time of the last contact is updated in the file.
const CONTACT_INTERVAL: Duration = Duration::from_secs(10);

/// The pause after writing the snapshot, as a multiple of the time that this took (half a second of CPU time
/// for a million keys). A revoke that is not in the file is lost if an instance starts from it.
const PAUSE_FACTOR: u32 = 9;
const MIN_PAUSE: Duration = Duration::from_secs(1);

/// After this time, a write is reported as hanging.
const WRITE_DEADLINE: Duration = Duration::from_secs(60);

/// Keeps the snapshot up to date.
pub(super) struct SnapshotWriter {
    pub(super) path: PathBuf,
    database: String,
    /// Whether there are changes that no write has included yet.
    is_dirty: bool,
    /// The checksum of the file, if this process wrote it last.
    written: Option<Checksum>,
    /// The start of the last write.
    last_write: Option<Instant>,
    paused_until: Option<Instant>,
    running: Option<RunningWrite>,
}

struct RunningWrite {
    since: Instant,
    result: Receiver<(io::Result<Option<Checksum>>, Duration)>,
}

impl SnapshotWriter {
    pub(super) fn new(path: PathBuf, database: String) -> Self {
        Self {
            path,
            database,
            is_dirty: true,
            written: None,
            last_write: None,
            paused_until: None,
            running: None,
        }
    }

    pub(super) fn mark_dirty(&mut self) {
        self.is_dirty = true;
    }

    /// Starts a write if one is due. Returns whether a write has succeeded since the last call.
    ///
    /// # Errors
    ///
    /// The last write failed or hangs.
    pub(super) fn update(&mut self, shared: &Shared, contact: SystemTime) -> io::Result<bool> {
        let is_written = match self.running.take() {
            None => false,
            Some(running) => match running.result.try_recv() {
                Err(TryRecvError::Empty) => {
                    let is_hanging = running.since.elapsed() > WRITE_DEADLINE;
                    self.running = Some(running);
                    return if is_hanging { Err(hanging()) } else { Ok(false) };
                }
                Ok((result, took)) => {
                    let pause = (took * PAUSE_FACTOR).max(MIN_PAUSE);
                    self.paused_until = Instant::now().checked_add(pause);
                    self.finish(result)?
                }
                Err(TryRecvError::Disconnected) => {
                    self.finish(Err(io::Error::other("the thread that writes it ended")))?
                }
            },
        };
        let now = Instant::now();
        if self.paused_until.is_some_and(|until| now < until) {
            return Ok(is_written);
        }
        if self.is_dirty {
            self.is_dirty = false;
            let (table, refused) = (shared.table.fork(), shared.refused());
            let database = self.database.clone();
            self.start(move |path| {
                write::write(path, &database, &table, &refused, contact).map(Some)
            })?;
        } else if let Some(checksum) = self.written
            && self.last_write.is_none_or(|write| write.elapsed() >= CONTACT_INTERVAL)
        {
            self.start(move |path| {
                let is_ours = write::update_contact(path, contact, checksum)?;
                Ok(is_ours.then_some(checksum))
            })?;
        }
        Ok(is_written)
    }

    /// Takes the result of a write: the file's checksum, or `None` if another process replaced the file.
    fn finish(&mut self, result: io::Result<Option<Checksum>>) -> io::Result<bool> {
        self.written = *result.as_ref().unwrap_or(&None);
        self.is_dirty |= self.written.is_none();
        result.map(|checksum| checksum.is_some())
    }

    /// Starts a write on a thread of its own, so that no revoke waits for the disk.
    fn start(
        &mut self,
        write: impl FnOnce(&Path) -> io::Result<Option<Checksum>> + Send + 'static,
    ) -> io::Result<()> {
        let (path, since) = (self.path.clone(), Instant::now());
        let (sender, result) = channel();
        let run = move || {
            let result = write(&path);
            // The receiver is gone if the replica was dropped.
            let _ = sender.send((result, since.elapsed()));
        };
        self.last_write = Some(since);
        self.running = Some(RunningWrite { since, result });
        thread::Builder::new().name("keygate-snapshot".to_owned()).spawn(run).map(drop)
    }
}

fn hanging() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the disk has not responded for a minute")
}
