//! Starting while the database is unreachable.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use keygate::store::Replica;
use tokio::time::sleep;

use crate::replica::fixture::{
    Response, at, is_active, is_revoked, issue, migrate, request, revoke, until,
};
use crate::servers::Postgres;

/// A snapshot of some keys, including a disabled, a revoked and an invalid one, without a server.
async fn fixture(name: &str) -> (Postgres, PathBuf) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_file(&path);
    let server = Postgres::start();
    migrate(&server.url()).await;
    server.psql(&issue(0, 2000, "User 1"));
    server.psql(&issue(2000, 2001, "User 2"));
    server.psql("update keygate.clients set enabled = false where name = 'User 2'");
    server.psql("update keygate.clients set scopes = '{orders:read}', quota = '\"1/day\"'");
    server.psql(&revoke(1));
    server.psql(&format!("update keygate.keys set algorithm = 'md5' {}", at(2)));
    server.psql(&format!("update keygate.keys set expires = '2100-01-01Z' {}", at(3)));
    let options = Replica::options(&server.url()).unwrap();
    let _replica = options.with_snapshot(&path).connect().await.unwrap();
    until("a snapshot", || path.exists()).await;
    server.kill();
    (server, path)
}

fn start(server: &Postgres, path: &Path) -> Replica {
    Replica::options(&server.url()).unwrap().with_snapshot(path).start()
}

#[tokio::test]
async fn replica_starts_from_a_snapshot() {
    use keygate::LocalKeyStore as _;
    use std::os::unix::fs::PermissionsExt as _;

    let (server, path) = fixture("snapshot").await;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let replica = start(&server, &path);
    replica.ready().await.unwrap();
    assert!(is_active(&replica, 0) && is_revoked(&replica, 1) && is_active(&replica, 1999));
    let record = replica.find(&crate::replica::fixture::digest(3)).unwrap().unwrap();
    let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800);
    assert_eq!(record.expires(), Some(expires));
    assert_eq!(record.profile().scopes().len(), 1);
    assert!(record.profile().quota().is_some());
    assert_eq!(request(&replica, 2), Response::Unavailable);
    assert_eq!(
        request(&replica, 2000),
        Response::Found(keygate::key::KeyState::Disabled, "User 2".to_owned())
    );
    assert_eq!(request(&replica, 2001), Response::Unavailable);

    server.restart();
    server.psql(&revoke(0));
    server.psql(&format!("delete from keygate.keys {}", at(2)));
    until("what the database says", || is_revoked(&replica, 0)).await;
    until("a key that is gone", || request(&replica, 2) == Response::Unknown).await;
    assert_eq!((replica.health().resets, replica.health().clients), (0, 2));
}

#[tokio::test]
async fn copied_snapshot_is_as_old_as_it_was() {
    let (server, path) = fixture("old snapshot").await;
    let staleness = Duration::from_secs(5);
    sleep(staleness).await;
    let copy = path.with_file_name("copy of an old snapshot");
    fs::write(&copy, fs::read(&path).unwrap()).unwrap();
    let options = Replica::options(&server.url()).unwrap().with_max_staleness(staleness);
    let replica = options.with_snapshot(&copy).start();
    until("it is read", || replica.health().lag.is_some()).await;
    assert!(!replica.is_ready() && request(&replica, 0) == Response::Unavailable);
    assert!(replica.health().lag.unwrap() >= staleness);
    server.restart();
    replica.ready().await.unwrap();
    until("what the database says", || is_active(&replica, 0)).await;
}

#[tokio::test]
async fn snapshot_of_another_database_is_not_served() {
    let (server, path) = fixture("snapshot of another").await;
    let other = server.url().replace("/postgres", "/other");
    let replica = Replica::options(&other).unwrap().with_snapshot(&path).start();
    until("a complaint", || replica.health().snapshot_error.is_some()).await;
    assert!(!replica.is_ready() && request(&replica, 0) == Response::Unavailable);
    let error = replica.health().snapshot_error.unwrap();
    let at = format!(r#"at "127.0.0.1", port {}"#, server.port());
    let why = format!(r#"it belongs to the database "postgres" {at}, not "other" {at}"#);
    assert!(error.ends_with(&why), "{error}");
}

/// Before a fix, attempts took three seconds, and finding the cause took three more.
const SOON: Duration = Duration::from_millis(2500);

#[tokio::test]
async fn snapshot_is_served_soon_if_the_server_refuses_or_is_silent() {
    let (server, path) = fixture("soon").await;
    let since = Instant::now();
    start(&server, &path).ready().await.unwrap();
    assert!(since.elapsed() < SOON, "refused: {:?}", since.elapsed());
    server.restart();
    server.stop();
    let since = Instant::now();
    let replica = start(&server, &path);
    replica.ready().await.unwrap();
    assert!(since.elapsed() < SOON, "silent: {:?}", since.elapsed());
    server.resume();
    until("the database", || replica.health().loads == 1).await;
}

#[tokio::test]
async fn hanging_snapshot_does_not_block_the_database() {
    let (server, path) = fixture("hanging snapshot").await;
    fs::remove_file(&path).unwrap();
    // Opening a pipe waits for a writer.
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let replica = start(&server, &path);
    until("an attempt", || replica.health().error.is_some()).await;
    server.restart();
    until("the database", || is_active(&replica, 0)).await;
    until("a snapshot", || fs::metadata(&path).unwrap().is_file()).await;
}

#[tokio::test]
async fn revocation_reaches_a_shared_snapshot() {
    let (server, path) = fixture("shared snapshot").await;
    server.restart();
    let replicas = [(); 4].map(|()| start(&server, &path));
    for replica in &replicas {
        until("a replica", || replica.health().loads == 1).await;
    }
    sleep(Duration::from_secs(2)).await;
    server.psql(&revoke(0));
    for replica in &replicas {
        until("the revoke", || is_revoked(replica, 0)).await;
    }
    sleep(Duration::from_secs(3)).await;
    for replica in &replicas {
        assert_eq!(replica.health().snapshot_error, None);
    }
    drop(replicas);
    server.kill();
    let replica = start(&server, &path);
    replica.ready().await.unwrap();
    assert!(is_revoked(&replica, 0));
}

#[tokio::test]
async fn snapshot_stays_fresh_while_nothing_changes() {
    let (server, path) = fixture("young snapshot").await;
    server.restart();
    let first = fs::read(&path).unwrap();
    let options = Replica::options(&server.url()).unwrap();
    let _replica = options.with_snapshot(&path).connect().await.unwrap();
    until("a snapshot", || fs::read(&path).unwrap() != first).await;
    let second = fs::read(&path).unwrap();
    until("a time that is noted", || fs::read(&path).unwrap() != second).await;
    server.kill();
    let replica = start(&server, &path);
    replica.ready().await.unwrap();
    assert!(is_active(&replica, 0));
}

#[tokio::test]
async fn unreadable_snapshot_is_refused_with_the_reason() {
    let (server, path) = fixture("invalid snapshot").await;
    let complete = fs::read(&path).unwrap();
    let with = |index: usize, byte: u8| {
        let mut changed = complete.clone();
        assert_ne!(changed[index], byte);
        changed[index] = byte;
        changed
    };
    let (half, rejuvenated) = (complete.len() / 2, complete[20] ^ 1);
    for (invalid, why) in [
        (&with(half, complete[half] ^ 1)[..], "its checksum is wrong"),
        (&with(20, rejuvenated), "the checksum of its time is wrong"),
        (&with(17, b'3'), "it has another version"),
        (&complete[..half], "its checksum is wrong"),
        (&complete[..10], "it is truncated"),
        (b"", "it is truncated"),
    ] {
        fs::write(&path, invalid).unwrap();
        let replica = start(&server, &path);
        until("it has tried", || replica.health().snapshot_error.is_some()).await;
        assert!(!replica.is_ready() && request(&replica, 0) == Response::Unavailable);
        assert_eq!(replica.health().lag, None);
        let error = replica.health().snapshot_error.unwrap();
        let why = format!("invalid snapshot: the snapshot cannot be used: {why}");
        assert!(error.ends_with(&why), "{error}");
    }
}

#[tokio::test]
async fn failed_snapshot_is_reported_and_stops_nothing() {
    let server = Postgres::start();
    migrate(&server.url()).await;
    server.psql(&issue(0, 1, "User 1"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no such folder");
    let options = Replica::options(&server.url()).unwrap().with_snapshot(folder.join("snapshot"));
    let replica = options.connect().await.unwrap();
    until("a complaint", || replica.health().snapshot_error.is_some()).await;
    let error = replica.health().snapshot_error.unwrap();
    assert!(error.contains("no such folder/snapshot: No such file"), "{error}");
    server.psql(&revoke(0));
    until("the revoke", || is_revoked(&replica, 0)).await;
}
