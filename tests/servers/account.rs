//! The account that servers run under: the current one, unless it is root, which PostgreSQL refuses.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// User and group of the account to switch to, if any.
fn other() -> Option<(u32, u32)> {
    static OTHER: OnceLock<Option<(u32, u32)>> = OnceLock::new();
    *OTHER.get_or_init(|| {
        let ours = fs::metadata("/proc/self").expect("/proc is needed to find processes").uid();
        (ours == 0).then(|| {
            ["postgres", "nobody"]
                .into_iter()
                .find_map(|name| Some((id("-u", name)?, id("-g", name)?)))
                .expect("root needs the account `postgres` or `nobody` for PostgreSQL")
        })
    })
}

fn id(which: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([which, name]).output().ok()?;
    str::from_utf8(&output.stdout).ok()?.trim().parse().ok()
}

/// Runs the command under the account, without the environment's settings of other servers.
pub(super) fn lower(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PG") {
            command.env_remove(name);
        }
    }
    if let Some((user, group)) = other() {
        // Drops the supplementary groups of root, too.
        command.uid(user).gid(group);
    }
    command.env("LC_ALL", "C")
}

/// Gives the folder to the account, and makes sure that it can be reached.
pub(super) fn give(folder: &Path) {
    let Some((user, group)) = other() else { return };
    chown(folder, Some(user), Some(group)).unwrap();
    let reached = lower(Command::new("test").arg("-w").arg(folder)).status().unwrap();
    assert!(
        reached.success(),
        "{} is out of reach for user {user}: set TMPDIR to a folder such as /tmp",
        folder.display()
    );
}
