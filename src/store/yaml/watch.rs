//! Follows the file: a thread that is woken by the system's notices, and looks by itself besides.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};
use std::{fs, io, thread};

use super::fault::{Fault, FaultKind};
use super::key_file::KeyFile;
use super::report::YamlEvent;
use super::{PAUSE, YamlError, YamlStore, input};
use crate::key::KeyDigest;

mod follow;
mod notices;
mod reported;

use follow::Followed;
use notices::Notices;
use reported::Reported;

/// How often the file is looked at without a notice: a notice that never comes costs half a second.
const POLL: Duration = Duration::from_millis(500);

/// A file may change again without changing its times for as long as their grain is coarse: two
/// seconds on FAT, as git's index assumes of any file system.
const GRAIN: Duration = Duration::from_secs(2);

/// After so many looks the file is read whatever its times say.
const READ_EVERY: u32 = 60;

impl YamlStore {
    /// Loads a file and follows it: the store takes what the file says, within a second of its change.
    /// With more than 100,000 keys, reading them takes longer than that.
    ///
    /// It does not matter how the file changes: in place, by a file renamed over it, by being deleted
    /// and made again, or by a symbolic link on its path that points elsewhere, as Kubernetes does with
    /// ConfigMaps and Secrets. The switch is one step, and no reader waits. A change of 10,000 keys is
    /// taken about 0.1 s after the notification of the operating system.
    ///
    /// A change is taken when two readings, 50 ms apart, agree. The store keeps what it holds, and says so
    /// in [`YamlStore::health`], while
    ///
    /// - the file is gone, cannot be read, or is not a valid key file;
    /// - the file holds no keys any more, and neither were all revoked nor did an edit by keygate leave
    ///   it so; or a key that was revoked would work again. A file looks like that while it is being
    ///   written. [`YamlStore::reload`] takes it all the same.
    ///
    /// Keys that the file says are revoked are refused also where the rest of it is not taken.
    ///
    /// Mount the folder of the file into a container, and never the file by itself: a file that replaces it
    /// outside is not seen inside, so that a revoked key works on. On Linux, such a mount is a warning. On
    /// Unix, it is a failure as soon as the file outside has been replaced, unless the old one is kept under
    /// another name. See [`guide::operate`](crate::guide::operate).
    ///
    /// The closure gets each [`YamlEvent`]: the warnings at the start, changes, failures, and their end. Print
    /// or log them: a typo in a revocation made by hand leaves the key working, and shows nowhere else but in
    /// [`YamlStore::health`]. The closure runs in the thread that follows, which waits for it; a panic of it
    /// is caught. It must not hold a clone of the store, which would then never be dropped. With the feature
    /// `tracing`, the events are `tracing` events, too.
    ///
    /// The thread that follows ends when the store and its clones are dropped.
    ///
    /// ```
    /// use keygate::YamlStore;
    ///
    /// # let path = std::env::temp_dir().join(format!("keygate-watch-{}.yml", std::process::id()));
    /// # std::fs::write(&path, "api_key: 08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU\n")?;
    /// let store = YamlStore::watch(&path, |event| eprintln!("{event}"))?;
    /// assert_eq!(store.health().failing_since, None);
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`YamlStore::open`], or no thread could be started.
    #[cfg_attr(docsrs, doc(cfg(feature = "watch")))]
    pub fn watch(
        path: impl AsRef<Path>,
        events: impl Fn(YamlEvent) + Send + Sync + 'static,
    ) -> Result<Self, YamlError> {
        let path = path.as_ref();
        let store = Self::open(path)?.with_events(events);
        let thread = |error| YamlError::new(Some(path), FaultKind::Thread(error).into());
        // The folder of the process may change, and the file is to be the same.
        let file = store.origin.file().unwrap_or(path).to_owned();
        let watcher = start(file, &store.origin).map_err(thread)?;
        store.origin.lock().watcher = Some(Box::new(watcher));
        Ok(store)
    }
}

fn start(path: PathBuf, origin: &Arc<KeyFile>) -> io::Result<Watcher> {
    let (sender, wakes) = channel();
    let follower = Follower {
        path,
        origin: Arc::downgrade(origin),
        notices: Notices::new(sender.clone()),
        wakes,
        seen: None,
        looks: 0,
        reported: Reported::at_start(origin),
    };
    thread::Builder::new().name("keygate-watch".to_owned()).spawn(|| follower.run())?;
    Ok(Watcher(sender))
}

/// What the follower is told.
enum Wake {
    Look,
    End,
}

/// Ends the follower when it is dropped with the store.
struct Watcher(Sender<Wake>);

impl Drop for Watcher {
    fn drop(&mut self) {
        // It has ended already if it does not hear.
        let _ = self.0.send(Wake::End);
    }
}

struct Follower {
    path: PathBuf,
    origin: Weak<KeyFile>,
    notices: Notices,
    wakes: Receiver<Wake>,
    seen: Option<Seen>,
    looks: u32,
    reported: Reported,
}

impl Follower {
    fn run(mut self) {
        loop {
            self.notices.follow(&self.path);
            let Some(origin) = self.origin.upgrade() else { return };
            self.look(&origin);
            self.reported.report(&self.path, &origin);
            drop(origin);
            if !self.wait() {
                return;
            }
        }
    }

    /// Waits until there is reason to look; says whether to go on.
    fn wait(&self) -> bool {
        match self.wakes.recv_timeout(POLL) {
            Ok(Wake::End) | Err(RecvTimeoutError::Disconnected) => false,
            Err(RecvTimeoutError::Timeout) => true,
            // One look will do for all notices that came.
            Ok(Wake::Look) => !self.wakes.try_iter().any(|wake| matches!(wake, Wake::End)),
        }
    }

    fn look(&mut self, origin: &KeyFile) {
        let now = Seen::at(&self.path);
        self.looks = (self.looks + 1) % READ_EVERY;
        if self.looks != 0 && self.seen.as_ref().is_some_and(|seen| seen.still_holds(&now)) {
            return;
        }
        let read = input::read_regular(&self.path).map(|text| KeyDigest::of(&text));
        let is_refused = read.as_ref().is_err_and(is_of_the_file);
        let first = read.ok();
        if first != Some(origin.digest()) {
            thread::sleep(PAUSE);
        }
        let followed = origin.follow(first);
        if let Followed::Changed = followed {
            let (keys, clients) = (origin.keys().len(), origin.keys().client_count());
            let path = self.path.clone();
            origin.reporter().report(YamlEvent::Reloaded { path, keys, clients });
        }
        // What is still being written, or could not be read, is looked at again; a file that is too large or
        // none at all, when it has changed.
        let again = first.is_none() && !is_refused || matches!(followed, Followed::Restless);
        self.seen = if again { None } else { Some(now) };
    }
}

/// Returns whether nothing but another file, or a change of this one, can mend it.
fn is_of_the_file(fault: &Fault) -> bool {
    matches!(fault.kind(), FaultKind::NotRegular | FaultKind::TooLarge | FaultKind::Replaced)
}

/// What the system says of a file without reading it.
#[derive(PartialEq, Eq)]
struct Seen {
    at: SystemTime,
    file: Option<File>,
}

#[derive(PartialEq, Eq)]
struct File {
    size: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    identity: (u64, u64, u64, i64, i64),
}

impl Seen {
    fn at(path: &Path) -> Self {
        let file = fs::metadata(path).ok().map(|metadata| File {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            identity: {
                use std::os::unix::fs::MetadataExt as _;
                let (dev, ino, nlink) = (metadata.dev(), metadata.ino(), metadata.nlink());
                (dev, ino, nlink, metadata.ctime(), metadata.ctime_nsec())
            },
        });
        Self { at: SystemTime::now(), file }
    }

    /// Whether what was read then is what a reading would give now.
    fn still_holds(&self, now: &Self) -> bool {
        let modified = self.file.as_ref().and_then(|file| file.modified);
        let settled = modified.is_none_or(|modified| {
            self.at.duration_since(modified).is_ok_and(|since| since > GRAIN)
        });
        settled && self.file == now.file
    }
}
