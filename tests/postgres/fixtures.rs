//! Tests of the test servers: they behave as expected, and leave nothing behind.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::servers::{Postgres, query};
use crate::this_program;

const PROBE: &str = "select 1";

/// The number of processes in this folder.
fn processes_in(folder: &Path) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|one| fs::read_link(one.path().join("cwd")).is_ok_and(|cwd| cwd == folder))
        .count()
}

#[test]
fn two_servers_run_beside_each_other_and_leave_nothing() {
    let (one, other) = (Postgres::start(), Postgres::start());
    assert_ne!(one.port(), other.port());
    one.psql("create table here (); insert into here default values");
    assert_eq!(query(&one.url(), "select count(*) from here").unwrap(), "1");
    assert!(query(&other.url(), "select * from here").unwrap_err().contains("does not exist"));
    let data = one.data();
    assert!(processes_in(&data) > 1);
    drop(one);
    assert_eq!(processes_in(&data), 0);
    assert!(!data.parent().unwrap().exists());
    assert_eq!(query(&other.url(), PROBE).unwrap(), "1");
}

#[test]
fn server_of_a_panicking_test_is_gone() {
    let data_folder = std::sync::Mutex::new(PathBuf::new());
    let test = std::panic::AssertUnwindSafe(|| {
        let server = Postgres::start();
        *data_folder.lock().unwrap() = server.data();
        std::panic::resume_unwind(Box::new(()));
    });
    assert!(std::panic::catch_unwind(test).is_err());
    let data = data_folder.into_inner().unwrap();
    assert_eq!(processes_in(&data), 0);
    assert!(!data.parent().unwrap().exists());
}

/// Even if the test is killed and cannot clean up.
#[test]
fn server_of_a_killed_test_is_gone() {
    const CHILD: &str = "KEYGATE_TEST_SERVERS_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let server = Postgres::start();
        server.stop();
        println!("\n{}", server.data().display());
        loop {
            thread::park();
        }
    }
    let mut child = this_program::command(module_path!(), "server_of_a_killed_test_is_gone")
        .env(CHILD, "")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let data = lines.map(Result::unwrap).find(|line| line.starts_with('/')).unwrap();
    let data = Path::new(&data);
    assert!(processes_in(data) > 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let since = Instant::now();
    while data.parent().unwrap().exists() {
        assert!(since.elapsed() < Duration::from_secs(60), "{} is still there", data.display());
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(processes_in(data), 0);
}

#[test]
fn databases_of_a_server_are_separate() {
    let (one, other) = (Postgres::shared().database(), Postgres::shared().database());
    assert_ne!(one.name(), other.name());
    one.psql("create table here ()");
    assert_eq!(query(&one.url(), "select count(*) from here").unwrap(), "0");
    assert!(query(&other.url(), "select * from here").is_err());
}

#[test]
fn servers_require_passwords() {
    let server = Postgres::start();
    server.psql("create role reader login password 'p/w@:%ä '");
    assert_eq!(query(&server.url_as("reader", "p/w@:%ä "), "select user").unwrap(), "reader");
    let database = server.database();
    assert_eq!(query(&database.url_as("reader", "p/w@:%ä "), PROBE).unwrap(), "1");
    for (user, password) in [("reader", "p"), (Postgres::OWNER, ""), ("nobody", "p")] {
        let error = query(&server.url_as(user, password), PROBE).unwrap_err();
        assert!(error.contains("password"), "{error}");
    }
    assert_eq!(server.psql("show max_connections"), "100");
    assert!(!server.log().contains(Postgres::PASSWORD));
}

#[test]
fn stopped_server_responds_after_it_resumes() {
    let server = Postgres::start();
    let url = server.url();
    server.stop();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| query(&url, PROBE));
        thread::sleep(Duration::from_millis(100));
        assert!(!waiting.is_finished());
        server.resume();
        assert_eq!(waiting.join().unwrap().unwrap(), "1");
    });
}

#[test]
fn killed_server_restarts_with_all_confirmed_data() {
    let server = Postgres::start();
    let (url, port) = (server.url(), server.port());
    server.psql("create table kept (); insert into kept default values");
    server.kill();
    assert_eq!(processes_in(&server.data()), 0);
    assert!(query(&url, PROBE).unwrap_err().contains("refused"));
    server.restart();
    assert_eq!((server.port(), server.url()), (port, url));
    assert_eq!(server.psql("select count(*) from kept"), "1");
    // Kills a stopped server, and a server that does not run.
    server.stop();
    server.kill();
    server.kill();
    server.restart();
    assert!(server.log().contains("not properly shut down"));
}

#[test]
fn data_can_be_restored_to_an_earlier_state() {
    let identity = "select system_identifier from pg_control_system()";
    let timeline = "select timeline_id from pg_control_checkpoint()";
    let server = Postgres::start();
    server.psql("create table kept (); insert into kept default values");
    let before = server.psql(identity);
    server.shutdown_fast();
    let saved = server.save();
    server.restart();
    server.psql("insert into kept default values");
    server.kill();
    server.put_back(&saved);
    server.restart();
    assert_eq!(server.psql("select count(*) from kept"), "1");
    assert_eq!((server.psql(identity), server.psql(timeline)), (before.clone(), "1".into()));
    server.restart_promoted();
    server.psql("insert into kept default values; checkpoint");
    assert_eq!((server.psql(identity), server.psql(timeline)), (before.clone(), "2".into()));
    server.shutdown_fast();
    server.replace();
    server.restart();
    assert_ne!(server.psql(identity), before);
    assert_eq!(query(&server.url(), PROBE).unwrap(), "1");
}

#[test]
fn tls_is_verified_in_full() {
    let server = Postgres::tls();
    let url = server.url();
    let used = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    assert_eq!(query(&url, used).unwrap(), "t");
    let with = |from: &str, to: &str| query(&url.replace(from, to), PROBE).unwrap_err();
    let ca = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let error = with(&ca(server.ca()), &ca(server.other_ca()));
    assert!(error.contains("certificate verify failed"), "{error}");
    let error = with("localhost", "127.0.0.1");
    assert!(error.contains("does not match host name"), "{error}");
    let error = with("sslmode=verify-full", "sslmode=disable");
    assert!(error.contains("no pg_hba.conf entry"), "{error}");
}
