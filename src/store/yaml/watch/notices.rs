use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::Wake;

/// The system's notices of changes in the folders that a path leads through.
///
/// Folders, since a watch on a file ends with the first file that is renamed over it. Where the system
/// gives no notices, there are none: the follower looks by itself.
pub(super) struct Notices {
    watcher: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
}

impl Notices {
    pub(super) fn new(sender: Sender<Wake>) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // Reading the file is told, too, and must not lead to the next reading.
            let read = matches!(&event, Ok(event) if is_read(event.kind));
            if !read {
                let _ = sender.send(Wake::Look);
            }
        });
        Self { watcher: watcher.ok(), folders: BTreeSet::new() }
    }

    /// Listens to the folders through which the path leads now.
    pub(super) fn follow(&mut self, path: &Path) {
        let Some(watcher) = &mut self.watcher else { return };
        let folders = folders(path);
        for gone in self.folders.difference(&folders) {
            let _ = watcher.unwatch(gone);
        }
        // One that was removed and made again is another, of which nothing would be heard.
        self.folders.retain(|folder| folders.contains(folder) && folder.exists());
        for folder in &folders {
            let known = self.folders.contains(folder);
            if !known && watcher.watch(folder, RecursiveMode::NonRecursive).is_ok() {
                self.folders.insert(folder.clone());
            }
        }
    }
}

fn is_read(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write))
}

/// The folder of the path, and those of the symbolic links that it leads through.
fn folders(path: &Path) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    let mut path = path.to_owned();
    // As many links as Linux follows.
    for _ in 0..40 {
        let folder = or_here(path.parent().unwrap_or(Path::new(""))).to_owned();
        let link = fs::read_link(&path).ok().map(|target| folder.join(target));
        // A link to a folder, as `..data` is in a volume of Kubernetes.
        let is_link = fs::symlink_metadata(&folder).is_ok_and(|metadata| metadata.is_symlink());
        if let (true, Some(above)) = (is_link, folder.parent()) {
            folders.insert(or_here(above).to_owned());
        }
        folders.insert(folder);
        match link {
            Some(target) => path = target,
            None => break,
        }
    }
    folders
}

fn or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}
