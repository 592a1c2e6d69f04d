//! After a repair, the store follows its file again without being reopened.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::folder::shared_folder;
use crate::this_program;
use crate::watching::folder::{Folder, admits, short, until, watch};

/// Breaks a folder with a key file in `inner`, and repairs it.
type Fault = (&'static str, fn(&Path), fn(&Path));

const KEYS: &str = "inner/keys.yml";

fn write(folder: &Path) {
    fs::write(folder.join(KEYS), short(&[1])).unwrap();
}

fn remove(folder: &Path) {
    fs::remove_file(folder.join(KEYS)).unwrap();
}

fn relink(folder: &Path, target: &str) {
    remove(folder);
    symlink(target, folder.join(KEYS)).unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

const FAULTS: &[Fault] = &[
    ("the file is removed", remove, write),
    (
        "the file is no key file",
        |folder| fs::write(folder.join(KEYS), "api_keys: [").unwrap(),
        write,
    ),
    (
        "the file is too large",
        |folder| File::create(folder.join(KEYS)).unwrap().set_len((1 << 30) + 1).unwrap(),
        write,
    ),
    (
        "a folder takes its place",
        |folder| {
            remove(folder);
            fs::create_dir(folder.join(KEYS)).unwrap();
        },
        |folder| {
            fs::remove_dir(folder.join(KEYS)).unwrap();
            write(folder);
        },
    ),
    (
        "its folder is removed",
        |folder| fs::remove_dir_all(folder.join("inner")).unwrap(),
        |folder| {
            fs::create_dir(folder.join("inner")).unwrap();
            write(folder);
        },
    ),
    (
        "its folder is renamed",
        |folder| fs::rename(folder.join("inner"), folder.join("other")).unwrap(),
        |folder| {
            fs::rename(folder.join("other"), folder.join("inner")).unwrap();
            write(folder);
        },
    ),
    (
        "it becomes a link to nowhere",
        |folder| relink(folder, "nowhere.yml"),
        |folder| {
            fs::write(folder.join("inner/real.yml"), short(&[1])).unwrap();
            relink(folder, "real.yml");
        },
    ),
    (
        "it becomes a link to itself",
        |folder| relink(folder, "keys.yml"),
        |folder| {
            remove(folder);
            write(folder);
        },
    ),
];

/// For ordinary users, since no mode restricts root.
const RIGHTS: &[Fault] = &[
    (
        "the file cannot be read",
        |folder| set_mode(&folder.join(KEYS), 0o000),
        |folder| {
            set_mode(&folder.join(KEYS), 0o600);
            write(folder);
        },
    ),
    (
        "its folder cannot be entered",
        |folder| set_mode(&folder.join("inner"), 0o000),
        |folder| {
            set_mode(&folder.join("inner"), 0o700);
            write(folder);
        },
    ),
    (
        "the folder above cannot be entered",
        |folder| set_mode(folder, 0o000),
        |folder| {
            set_mode(folder, 0o700);
            write(folder);
        },
    ),
];

fn recovers_from(faults: &[Fault], folder: &Path) {
    for (fault, break_it, repair_it) in faults {
        let folder = folder.join(fault);
        fs::create_dir_all(folder.join("inner")).unwrap();
        fs::write(folder.join(KEYS), short(&[0])).unwrap();
        let store = watch(folder.join(KEYS)).unwrap();
        break_it(&folder);
        until(fault, || store.health().error.is_some());
        assert!(admits(&store, 0), "{fault}");
        repair_it(&folder);
        until(&format!("the end of: {fault}"), || admits(&store, 1) && !admits(&store, 0));
        let health = store.health();
        assert!(health.error.is_none() && health.failing_since.is_none(), "{fault}");
        // Later changes are followed, too.
        fs::write(folder.join(KEYS), short(&[2])).unwrap();
        until(&format!("a change after: {fault}"), || admits(&store, 2));
    }
}

#[test]
fn store_follows_its_file_again_after_a_repair() {
    recovers_from(FAULTS, &Folder::new().path(""));
}

#[test]
fn store_follows_its_file_again_with_restored_rights() {
    const NOBODY: u32 = 65_534;
    if let Some(folder) = std::env::var_os("KEYGATE_RIGHTS") {
        return recovers_from(RIGHTS, Path::new(&folder));
    }
    let folder = shared_folder();
    let name = "store_follows_its_file_again_with_restored_rights";
    let mut command = this_program::command(module_path!(), name);
    command.env("KEYGATE_RIGHTS", folder.path());
    // This user, unless it is root.
    if chown(folder.path(), Some(NOBODY), Some(NOBODY)).is_ok() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}

/// Such times result from a clock that is set back or forward.
#[test]
fn file_with_any_modification_time_is_followed() {
    let folder = Folder::new();
    let path = folder.write("keys.yml", &short(&[0]));
    let store = watch(&path).unwrap();
    let year = Duration::from_secs(365 * 24 * 3600);
    let times = [SystemTime::now() + year, SystemTime::UNIX_EPOCH, SystemTime::now() - year];
    for (time, place) in times.into_iter().zip([1, 2, 0]) {
        for place in [place, (place + 1) % 3] {
            fs::write(&path, short(&[place])).unwrap();
            File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
            until("the change", || admits(&store, place));
        }
    }
}
