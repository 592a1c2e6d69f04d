use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Coarsest resolution of modification times: two seconds on FAT. A file changed within this time may keep its
/// modification time.
const RESOLUTION: Duration = Duration::from_secs(2);

/// Metadata of a file, for detecting changes without reading it.
#[derive(PartialEq, Eq)]
pub(super) struct Fingerprint {
    taken: SystemTime,
    file: Option<File>,
}

#[derive(PartialEq, Eq)]
struct File {
    size: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    identity: (u64, u64, u64, i64, i64),
}

impl Fingerprint {
    pub(super) fn of(path: &Path) -> Self {
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
        Self { taken: SystemTime::now(), file }
    }

    /// Returns whether the content that was read at this fingerprint is still current.
    pub(super) fn is_current(&self, now: &Self) -> bool {
        let modified = self.file.as_ref().and_then(|file| file.modified);
        let is_old = modified.is_none_or(|modified| {
            self.taken.duration_since(modified).is_ok_and(|age| age > RESOLUTION)
        });
        is_old && self.file == now.file
    }
}
