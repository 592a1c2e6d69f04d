//! Files with a second name, for which SQLite would use another journal.

use std::fs;
use std::path::Path;

use keygate::ManageKeys as _;
use keygate::store::SqliteStore;

use crate::files::in_name_space;
use crate::fixture::{Folder, REVOKED, Response, id, new, request, store};
use crate::worker;

fn is_refused(response: &Response, what: &str) -> bool {
    matches!(response, Response::Outage(cause) if cause.contains(what))
}

#[tokio::test]
async fn file_mounted_without_its_folder_is_refused() {
    let folder = Folder::new();
    store(&folder.database(), "A").await;
    let place = folder.path().join("mounted");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("keys.db"), "").unwrap();
    let script = "mount --bind \"$FROM\" \"$PLACE/keys.db\" || exit 99; RUN";
    let job = worker::command("use App 2", &place.join("keys.db"));
    let said = in_name_space(script, &job, &place, &folder.database());
    let expected = format!(
        "not opened: {}: the file is mounted without its \
            folder",
        place.join("keys.db").display()
    );
    assert!(said.len() == 1 && said[0].starts_with(&expected), "{said:?}");
    assert!(said[0].ends_with("mount its folder instead"), "{said:?}");
}

#[tokio::test]
async fn file_in_a_mounted_folder_is_served() {
    let folder = Folder::new();
    store(&folder.database(), "A").await;
    let place = Folder::new();
    let script = "mount --bind \"${FROM%/*}\" \"$PLACE\" || exit 99; RUN";
    let job = worker::command("use App 2", &place.path().join("keys.db"));
    let said = in_name_space(script, &job, place.path(), &folder.database());
    assert_eq!(said, ["Admitted", "done", "Admitted"]);
}

#[tokio::test]
async fn file_with_another_hard_link_is_refused() {
    let folder = Folder::new();
    let path = folder.database();
    let running = store(&path, "A").await;
    let other = folder.path().join("other.db");
    fs::hard_link(&path, &other).unwrap();

    for path in [&path, &other] {
        for opened in [SqliteStore::open(path).await, SqliteStore::migrate(path).await] {
            let error = opened.unwrap_err().to_string();
            assert!(error.contains("the file has 2 hard links"), "{error}");
        }
    }
    let response = request(&running, 'A').await;
    assert!(is_refused(&response, "the file has 2 hard links"), "{response:?}");
    running.revoke(&id('A')).await.unwrap_err();

    fs::remove_file(&other).unwrap();
    running.revoke(&id('A')).await.unwrap();
    assert_eq!(request(&running, 'A').await, REVOKED);
}

#[tokio::test]
async fn symbolic_links_to_a_file_are_served_alike() {
    let folder = Folder::new();
    let path = folder.database();
    let direct = store(&path, "AB").await;
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(Path::new("keys.db"), &link).unwrap();
    let linked = SqliteStore::open(&link).await.unwrap();
    direct.revoke(&id('A')).await.unwrap();
    assert_eq!(request(&linked, 'A').await, REVOKED);
    linked.issue("App 1", new('C')).await.unwrap();
    assert_eq!(request(&direct, 'C').await, Response::Admitted);
}

#[tokio::test]
async fn planted_log_file_is_not_written() {
    for suffix in ["-wal", "-shm", "-journal"] {
        let folder = Folder::new();
        let path = folder.database();
        drop(store(&path, "A").await);
        let victim = folder.path().join("victim");
        fs::write(&victim, "not a log of SQLite").unwrap();
        fs::hard_link(&victim, folder.path().join(format!("keys.db{suffix}"))).unwrap();

        let error = SqliteStore::open(&path).await.unwrap_err().to_string();
        assert!(error.contains("hard links") && error.contains(suffix), "{error}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "not a log of SQLite", "{suffix}");
    }
}
