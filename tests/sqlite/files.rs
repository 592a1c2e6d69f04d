//! Unusable files and read-only places.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use keygate::ManageKeys as _;
use keygate::store::{DatabaseError, SqliteStore};

use crate::fixture::{Folder, Response, request, sqlite3, store};
use crate::worker;

const NOBODY: u32 = 65_534;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs a process of an ordinary user on the database: the current user or, if that is root, `nobody`, who then owns
/// the files.
fn use_as_plain_user(folder: &Folder) -> Vec<String> {
    let mut command = worker::command("use App 2", &folder.database());
    let is_root = std::os::unix::fs::MetadataExt::uid(&fs::metadata(folder.path()).unwrap()) == 0;
    if is_root {
        command.uid(NOBODY).gid(NOBODY);
        for name in folder.names() {
            chown(folder.path().join(name), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    worker::said(&output.stdout)
}

fn assert_refused_as_read_only(error: &str) {
    for part in [
        "attempt to write a readonly database (SQLite's code ",
        "give this user the right to write the file and its folder",
        "; nothing was changed",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn read_only_file_serves_lookups() {
    let folder = Folder::new();
    store(&folder.database(), "A").await;
    set_mode(&folder.database(), 0o400);
    let said = use_as_plain_user(&folder);
    assert_eq!([&*said[0], &*said[2]], ["Admitted", "Admitted"]);
    assert_refused_as_read_only(&said[1]);
}

#[tokio::test]
async fn read_only_folder_serves_lookups() {
    let folder = Folder::new();
    store(&folder.database(), "A").await;
    set_mode(folder.path(), 0o500);
    let said = use_as_plain_user(&folder);
    set_mode(folder.path(), 0o700);
    assert_eq!([&*said[0], &*said[2]], ["Admitted", "Admitted"]);
    assert_refused_as_read_only(&said[1]);
}

#[tokio::test]
async fn write_ahead_log_without_rights_is_named() {
    for mode in [0o400, 0o600] {
        let folder = Folder::new();
        store(&folder.database(), "A").await;
        sqlite3(&folder.database(), "pragma journal_mode = wal;");
        set_mode(&folder.database(), mode);
        set_mode(folder.path(), 0o500);
        let said = use_as_plain_user(&folder);
        assert!(said.len() == 1 && said[0].starts_with("not opened: "), "{said:?}");
        assert!(said[0].contains("the file is probably in WAL mode"), "{said:?}");
        // Either remedy works.
        set_mode(folder.path(), 0o700);
        assert_eq!(use_as_plain_user(&folder)[0], "Admitted");
        sqlite3(&folder.database(), "pragma journal_mode = delete;");
        set_mode(folder.path(), 0o500);
        assert_eq!(use_as_plain_user(&folder)[0], "Admitted");
        set_mode(folder.path(), 0o700);
    }
}

#[tokio::test]
async fn unreadable_file_is_reported() {
    let folder = Folder::new();
    store(&folder.database(), "A").await;
    set_mode(&folder.database(), 0o000);
    let said = use_as_plain_user(&folder);
    let path = folder.database();
    let expected = format!("not opened: {}: unable to open database file", path.display());
    assert!(said.len() == 1 && said[0].starts_with(&expected), "{said:?}");
}

#[tokio::test]
async fn file_that_is_not_a_database_is_reported() {
    let folder = Folder::new();
    let path = folder.database();
    let text = "App 1: not a database, and longer than the head of one\n".repeat(9);
    fs::write(&path, &text).unwrap();
    for opened in [SqliteStore::open(&path).await, SqliteStore::migrate(&path).await] {
        let error = opened.unwrap_err();
        assert!(matches!(error, DatabaseError::Unavailable(_)), "{error:?}");
        let expected = format!(
            "{}: file is not a database (SQLite's code 26): choose another",
            path.display()
        );
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn damaged_file_is_reported_with_a_remedy() {
    let folder = Folder::new();
    let path = folder.database();
    let store = store(&path, "A").await;
    let mut content = fs::read(&path).unwrap();
    // The first page has the tables' names, which the checks at the opening read.
    content[4096..].fill(0xff);
    fs::write(&path, content).unwrap();
    let remedy = "(SQLite's code 11): the file is damaged: restore a backup with `.restore`";
    let read = store.list_clients().await.unwrap_err().to_string();
    assert!(read.contains(remedy) && !read.contains("nothing was changed"), "{read}");
    let change = store.add_client("App 2".into()).await.unwrap_err().to_string();
    assert!(change.contains(remedy) && change.ends_with("; nothing was changed"), "{change}");
}

#[tokio::test]
async fn folder_instead_of_a_file_is_reported() {
    let folder = Folder::new();
    for opened in
        [SqliteStore::open(folder.path()).await, SqliteStore::migrate(folder.path()).await]
    {
        let error = opened.unwrap_err();
        assert!(matches!(error, DatabaseError::Location { .. }), "{error:?}");
        assert!(error.to_string().ends_with("is not a file"), "{error}");
    }
    let missing = folder.path().join("none");
    let error = SqliteStore::migrate(missing.join("keys.db")).await.unwrap_err();
    let expected = format!("the folder {} does not exist: create it first", missing.display());
    assert_eq!(error.to_string(), expected);
    let error = SqliteStore::open(&missing).await.unwrap_err();
    let expected =
        format!("the file {} does not exist: create it with `keygate migrate`", missing.display());
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn files_with_unusual_names_are_opened() {
    let folder = Folder::new();
    for name in ["file:keys.db", ":memory:", "a?mode=memory", "100%41 #ü '.db", "-x"] {
        let path = folder.path().join(name);
        let store = store(&path, "A").await;
        assert_eq!(request(&store, 'A').await, Response::Admitted);
        assert!(fs::metadata(&path).unwrap().len() > 0, "{name}");
    }
    assert_eq!(folder.names().len(), 5);
}

/// SQLite would parse the first ones as URLs or as no file, and resolve each when it opens a connection.
#[tokio::test]
async fn relative_path_is_resolved_once() {
    let folder = Folder::new();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let names = ["file:keys.db", ":memory:", "keys.db", "./a?mode=memory", "../outer.db"];
    for name in names {
        let mut command = worker::command("wander App 1", Path::new(name));
        let output = command.current_dir(&inner).output().unwrap();
        assert_eq!(worker::said(&output.stdout), ["Wrong(Unknown)"], "{name}: {output:?}");
        let clients =
            crate::fixture::sqlite3(&inner.join(name), "select name from keygate_clients;");
        assert_eq!(clients, "App 1", "{name}");
    }
    assert_eq!(fs::read_dir(&inner).unwrap().count(), 4);
    assert_eq!(folder.names(), ["inner", "outer.db"]);
}

/// Runs a shell in a new file system of this size; `RUN` is a job on `keys.db`.
fn inside_mount(size: &str, script: &str, job: &str, from: &Path) -> Vec<String> {
    let folder = Folder::new();
    let place = folder.path().join("mounted");
    fs::create_dir(&place).unwrap();
    let job = worker::command(job, &place.join("keys.db"));
    let script = format!(
        "mount -t tmpfs -o size={size} none \"$PLACE\" || exit 99; cd \"$PLACE\"; {script}"
    );
    in_name_space(&script, &job, &place, from)
}

/// Runs a shell in its own mount namespace; `RUN` is a job on `keys.db`.
pub(crate) fn in_name_space(script: &str, job: &Command, place: &Path, from: &Path) -> Vec<String> {
    let script = script.replace("RUN", "\"$@\"");
    for unshare in [&["--mount"][..], &["--user", "--map-root-user", "--mount"]] {
        let mut command = Command::new("unshare");
        command.args(unshare).args(["sh", "-c", &script, "sh"]);
        command.arg(crate::this_program::path()).args(job.get_args());
        command.envs(job.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("PLACE", place).env("FROM", from);
        let output = command.output().expect("there is `unshare`, of util-linux");
        if output.status.code() != Some(99) && !output.stderr.starts_with(b"unshare:") {
            return worker::said(&output.stdout);
        }
    }
    panic!("nothing can be mounted here, neither as this user nor in a name space");
}

#[tokio::test]
async fn full_disk_refuses_changes_and_serves_lookups() {
    let folder = Folder::new();
    store(&folder.database(), "A").await;
    let fill = "cp \"$FROM\" keys.db; dd if=/dev/zero of=rest bs=4k 2>/dev/null; RUN";
    let said = inside_mount("1m", fill, "use App 2", &folder.database());
    assert_eq!([&*said[0], &*said[2]], ["Admitted", "Admitted"], "{said:?}");
    let remedy =
        "disk is full (SQLite's code 13): free some space on its disk; nothing was changed";
    assert!(said[1].ends_with(remedy), "{said:?}");
    let again = format!("{fill}; rm rest; RUN");
    let said = inside_mount("1m", &again, "use App 2", &folder.database());
    assert_eq!(said[3..], ["Admitted", "done", "Admitted"]);
}
