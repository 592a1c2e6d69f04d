use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::Signal;

/// File system notifications for all folders on the way to a file.
///
/// It watches folders because a watch on a file ends when the file is replaced. Without notifications, the follower
/// still polls.
pub(super) struct FolderWatcher {
    watcher: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
}

impl FolderWatcher {
    pub(super) fn new(sender: Sender<Signal>) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // Otherwise each read of the file would cause the next one.
            let is_read = matches!(&event, Ok(event) if is_read(event.kind));
            if !is_read {
                let _ = sender.send(Signal::Check);
            }
        });
        Self { watcher: watcher.ok(), folders: BTreeSet::new() }
    }

    /// Watches the folders that are now on the way to the file.
    pub(super) fn follow(&mut self, path: &Path) {
        let Some(watcher) = &mut self.watcher else { return };
        let folders = folders(path);
        for gone in self.folders.difference(&folders) {
            let _ = watcher.unwatch(gone);
        }
        // A folder that was removed and created again needs a new watch.
        self.folders.retain(|folder| folders.contains(folder) && folder.exists());
        for folder in &folders {
            let is_watched = self.folders.contains(folder);
            if !is_watched && watcher.watch(folder, RecursiveMode::NonRecursive).is_ok() {
                self.folders.insert(folder.clone());
            }
        }
    }
}

fn is_read(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write))
}

/// Returns the folder of the path, and the folders of all symbolic links on the way.
fn folders(path: &Path) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    let mut path = path.to_owned();
    // Linux follows at most 40 links.
    for _ in 0..40 {
        let folder = or_current(path.parent().unwrap_or(Path::new(""))).to_owned();
        let link = fs::read_link(&path).ok().map(|target| folder.join(target));
        // A link to a folder, such as `..data` in a volume of Kubernetes.
        let is_link = fs::symlink_metadata(&folder).is_ok_and(|metadata| metadata.is_symlink());
        if let (true, Some(parent)) = (is_link, folder.parent()) {
            folders.insert(or_current(parent).to_owned());
        }
        folders.insert(folder);
        match link {
            Some(target) => path = target,
            None => break,
        }
    }
    folders
}

fn or_current(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}
