//! Killing a process that changes keys leaves the old or the new state.

use std::io::{BufRead as _, BufReader, Read as _};
use std::thread;
use std::time::Duration;

use keygate::ManageKeys as _;
use keygate::key::KeyState;
use keygate::store::SqliteStore;

use crate::delays::Delays;
use crate::fixture::{Folder, Response, request, sqlite3, store};
use crate::killed::{Keys, check};
use crate::worker::{self, check_whole};

const KILLS: usize = 60;

async fn keys(store: &SqliteStore) -> Keys {
    let keys = store.list_keys(None).await.unwrap();
    keys.into_iter().map(|key| (key.key_id.to_string(), key)).collect()
}

#[tokio::test]
async fn killed_process_leaves_committed_changes_and_no_partial_one() {
    let folder = Folder::new();
    let path = folder.database();
    let store = store(&path, "A").await;
    let (mut reported, mut ahead, mut journals) = (0, 0, 0);
    let mut delays = Delays::new();
    for _ in 0..KILLS {
        let before = keys(&store).await;
        let mut child = worker::command("churn", &path).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut output = Vec::new();
        while worker::said(&output).is_empty() {
            stdout.read_until(b'\n', &mut output).unwrap();
        }
        // Long enough for several changes.
        thread::sleep(delays.next_up_to(Duration::from_millis(30)));
        child.kill().unwrap();
        child.wait().unwrap();
        stdout.read_to_end(&mut output).unwrap();
        journals += usize::from(folder.names().contains(&"keys.db-journal".to_owned()));

        // The next reader rolls back the interrupted change.
        assert_eq!(request(&store, 'A').await, Response::Admitted);
        let after = keys(&store).await;
        let said = worker::said(&output);
        let made = check(&before, &after, &said);
        assert!((said.len()..=said.len() + 1).contains(&made), "{made} changes of {said:?}");
        reported += said.len();
        ahead += made - said.len();
    }
    println!(
        "{KILLS} kills: {reported} reported, {ahead} made and not reported, {journals} journals left"
    );
    check_whole(&path);
    assert_eq!(sqlite3(&path, "select count(*) from keygate_origin;"), "0");
    let changes = "select count(*) from keygate_events where action in
        ('key.issued', 'key.revoked');";
    let last = keys(&store).await;
    let revoked = last.values().filter(|key| key.state == KeyState::Revoked).count();
    assert_eq!(sqlite3(&path, changes), (last.len() + revoked).to_string());
}

/// A complete journal and a partly overwritten file, which killing at a random moment may not leave.
#[tokio::test]
async fn hot_journal_is_rolled_back_by_the_next_lookup() {
    let folder = Folder::new();
    let path = folder.database();
    let store = store(&path, "A").await;
    // With a cache of two pages, the statement writes to the file before it completes.
    let mut child = std::process::Command::new("sqlite3")
        .args(["-batch", "-init", "/dev/null"])
        .arg(&path)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let sql = "pragma cache_size = 2; pragma cache_spill = 1; begin immediate;
        update keygate_keys set revoked = '2026-11-23T10:00:00Z';
        insert into keygate_keys (digest, client)
        with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000)
        select randomblob(32), 'App 1' from n;
        select 'written';\n";
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), sql.as_bytes()).unwrap();
    let mut written = [0; 7];
    child.stdout.as_mut().unwrap().read_exact(&mut written).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(folder.names(), ["keys.db", "keys.db-journal"]);
    assert_eq!(request(&store, 'A').await, Response::Admitted);
    assert_eq!(folder.names(), ["keys.db"]);
    assert_eq!(keys(&store).await.len(), 1);
    check_whole(&path);
}
