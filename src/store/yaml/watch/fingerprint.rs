use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::store::yaml::folder;

/// The coarsest resolution of modification times: two seconds on FAT. A file that changes twice within this time may
/// keep its modification time.
const RESOLUTION: Duration = Duration::from_secs(2);

/// Metadata of a file, or of the files of a folder, for detecting changes without reading them.
#[derive(PartialEq, Eq)]
pub(super) struct Fingerprint {
    taken: SystemTime,
    files: Vec<(Option<PathBuf>, Option<File>)>,
}

#[derive(PartialEq, Eq)]
struct File {
    size: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    identity: (u64, u64, u64, i64, i64),
}

impl File {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            identity: {
                use std::os::unix::fs::MetadataExt as _;
                let (dev, ino, nlink) = (metadata.dev(), metadata.ino(), metadata.nlink());
                (dev, ino, nlink, metadata.ctime(), metadata.ctime_nsec())
            },
        })
    }
}

impl Fingerprint {
    pub(super) fn of(path: &Path, is_folder: bool) -> Self {
        let taken = SystemTime::now();
        if !is_folder {
            return Self { taken, files: vec![(None, File::of(path))] };
        }
        let files = folder::files(path).unwrap_or_default().into_iter();
        Self { taken, files: files.map(|path| (Some(path.clone()), File::of(&path))).collect() }
    }

    /// Returns whether the content that was read at this fingerprint is still current.
    pub(super) fn is_current(&self, now: &Self) -> bool {
        let is_old = |file: &File| {
            file.modified.is_none_or(|modified| {
                self.taken.duration_since(modified).is_ok_and(|age| age > RESOLUTION)
            })
        };
        self.files.iter().filter_map(|(_, file)| file.as_ref()).all(is_old)
            && self.files == now.files
    }
}
