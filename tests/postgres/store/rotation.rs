//! Passwords and certificates that change while the service runs.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use keygate::store::{PostgresStore, Replica};
use keygate::{KeyDigest, LocalKeyStore as _};

use crate::servers::{Database, Postgres};
use crate::store::passwords::Home;
use crate::store::{KEY, PATIENCE, options, request, store_with_key};
use crate::this_program;

const URL: &str = "KEYGATE_TEST_ROTATING_URL";

fn end_connections(database: &Database<'_>) {
    database.psql(
        "select pg_terminate_backend(pid, 60000) from pg_stat_activity \
         where application_name = 'keygate' and datname = current_database()",
    );
}

fn is_served(replica: &Replica) -> bool {
    let record = replica.find(&KeyDigest::of(KEY.as_bytes()));
    record.is_ok_and(|record| record.is_some()) && replica.health().error.is_none()
}

async fn until_served(store: &PostgresStore, replica: &Replica) {
    let since = Instant::now();
    while request(store, KEY).await.is_err() || !is_served(replica) {
        assert!(since.elapsed() < PATIENCE, "{:?}", replica.health());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn password_in_the_url_file_is_read_again() {
    let server = Postgres::start();
    let database = server.database();
    store_with_key(&database).await;
    server.psql("create role me login superuser password 'first'");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rotated-url");
    fs::write(&path, database.url_as("me", "first") + "\n").unwrap();
    let store = PostgresStore::options_from_file(&path).unwrap().connect().await.unwrap();
    let replica = Replica::options_from_file(&path).unwrap().connect().await.unwrap();
    until_served(&store, &replica).await;

    server.psql("alter role me password 'second'");
    end_connections(&database);
    request(&store, KEY).await.unwrap_err();
    fs::write(&path, database.url_as("me", "second")).unwrap();
    until_served(&store, &replica).await;

    fs::write(&path, "postgres://me:c4n4ry@").unwrap();
    end_connections(&database);
    let error = format!("{:?}", request(&store, KEY).await.unwrap_err());
    assert!(!error.contains("c4n4ry"), "{error}");
    fs::write(&path, "c4n4ry\nc4n4ry").unwrap();
    let error = PostgresStore::options_from_file(&path).unwrap_err().to_string();
    assert!(error.contains("does not hold one line") && !error.contains("c4n4ry"), "{error}");
    fs::remove_file(&path).unwrap();
    let error = PostgresStore::options_from_file(&path).unwrap_err().to_string();
    assert!(error.contains("cannot be read"), "{error}");
}

/// The child process: prints a line for each line that it reads, once the store and the replica serve.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_for_another() {
    let Ok(url) = std::env::var(URL) else { return };
    let store = PostgresStore::connect(&url).await.unwrap();
    let replica = Replica::connect(&url).await.unwrap();
    until_served(&store, &replica).await;
    println!("serves");
    for line in std::io::stdin().lines() {
        line.unwrap();
        until_served(&store, &replica).await;
        println!("serves");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn password_file_is_read_for_each_connection() {
    let server = Postgres::start();
    let database = server.database();
    store_with_key(&database).await;
    server.psql("create role me login superuser password 'first'");
    let home = Home::new();
    home.write(".pgpass", "*:*:*:me:first\n", 0o600);
    let url = format!("postgres://me@127.0.0.1:{}/{}", server.port(), database.name());
    let mut command = this_program::command(module_path!(), "serve_for_another");
    command.env_remove("PGPASSFILE").env_remove("PGPASSWORD").env("HOME", home.path());
    command.env(URL, url).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || stdout.lines().try_for_each(|line| sender.send(line.unwrap())));
    let until_serving = || while lines.recv_timeout(PATIENCE).unwrap() != "serves" {};
    until_serving();
    server.psql("alter role me password 'second'");
    home.write(".pgpass", "*:*:*:me:second\n", 0o600);
    end_connections(&database);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"\n").unwrap();
    until_serving();
    drop(stdin);
    let started = Instant::now();
    while child.try_wait().unwrap().is_none_or(|status| !status.success()) {
        assert!(started.elapsed() < PATIENCE, "{:?}", child.try_wait());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn authority_is_read_for_each_connection() {
    let server = Postgres::tls();
    let database = server.database();
    store_with_key(&database).await;
    let path: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rotated-ca.pem");
    fs::copy(server.ca(), &path).unwrap();
    let ca = server.ca().display().to_string().replace('/', "%2F");
    let url = database.url().replace(&ca, &path.display().to_string().replace('/', "%2F"));
    assert!(url.contains("rotated-ca"), "{url}");
    let store = options(&url).connect().await.unwrap();
    fs::copy(server.other_ca(), &path).unwrap();
    end_connections(&database);
    let error = format!("{:?}", request(&store, KEY).await.unwrap_err());
    assert!(error.contains("TLS"), "{error}");
    fs::copy(server.ca(), &path).unwrap();
    assert!(request(&store, KEY).await.is_ok());
    fs::remove_file(path).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_certificate_is_read_for_each_connection() {
    let server = Postgres::tls();
    let database = server.database();
    store_with_key(&database).await;
    server.require_client_certificates();
    let (key, [trusted, other]) = server.client_files();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.pem");
    fs::copy(&trusted, &path).unwrap();
    let url = format!("{}&sslcert={}&sslkey={}", database.url(), path.display(), key.display());
    let store = options(&url).connect().await.unwrap();
    assert!(request(&store, KEY).await.is_ok());
    PostgresStore::connect(&database.url()).await.unwrap_err();

    fs::copy(other, &path).unwrap();
    end_connections(&database);
    request(&store, KEY).await.unwrap_err();
    fs::copy(trusted, &path).unwrap();
    assert!(request(&store, KEY).await.is_ok());
}
