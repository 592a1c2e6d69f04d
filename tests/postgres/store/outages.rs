//! Lookups while the database is unreachable.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use keygate::manage::ManageError;
use keygate::store::{DatabaseError, PostgresStore};
use keygate::{AuthError, Authenticator, KeyDigest, KeyStore as _, ManageKeys as _, WrongReason};

use crate::servers::{Database, Postgres};
use crate::store::{KEY, OTHER_KEY, PATIENCE, options, request, store_with_key};

/// Returns the error of the database if a valid key is not admitted.
async fn try_request(store: &PostgresStore) -> Result<(), String> {
    let known = request(store, KEY).await;
    let unknown = request(store, OTHER_KEY).await.unwrap_err();
    match unknown {
        AuthError::Unavailable(_) => {}
        error => assert_eq!(error.reason(), Some(WrongReason::Unknown)),
    }
    match known {
        Ok(client) => {
            assert_eq!(client.name(), "App 1");
            Ok(())
        }
        Err(AuthError::Unavailable(error)) => {
            Err(error.source().map_or_else(|| error.to_string(), ToString::to_string))
        }
        Err(error) => panic!("{error:?}"),
    }
}

async fn is_back(store: &PostgresStore) {
    let since = Instant::now();
    while let Err(error) = try_request(store).await {
        assert!(since.elapsed() < PATIENCE, "{error}");
    }
    println!("back after {:?}", since.elapsed());
    let number = store.list_clients().await.unwrap().len();
    store.add_client(format!("Client {number}").into()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_server_is_an_outage_until_it_restarts() {
    let server = Postgres::start();
    let database = server.database();
    let store = store_with_key(&database).await;
    for _ in 0..2 {
        try_request(&store).await.unwrap();
        server.kill();
        for _ in 0..3 {
            // The driver's error comes at once, instead of a timeout.
            let error = try_request(&store).await.unwrap_err();
            assert!(error.contains("refused"), "{error}");
        }
        let error = store.add_client("App 2".into()).await.unwrap_err();
        let ManageError::Unavailable(_) = &error else { panic!("{error:?}") };
        assert!(error.to_string().contains("refused"), "{error}");
        let error = PostgresStore::connect(&database.url()).await.unwrap_err();
        let DatabaseError::Unavailable(_) = &error else { panic!("{error:?}") };
        assert!(error.to_string().contains("refused"), "{error}");
        server.restart();
        assert_eq!(try_request(&store).await, Ok(()));
        is_back(&store).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_server_is_an_outage_until_it_resumes() {
    let server = Postgres::start();
    let database = server.database();
    store_with_key(&database).await;
    let store = PostgresStore::connect(&database.url()).await.unwrap();
    is_back(&store).await;
    server.stop();
    for key in [KEY, OTHER_KEY, KEY] {
        // Only the deadline of the store ends it.
        let lookup = store.lookup(KeyDigest::of(key.as_bytes()));
        let response = tokio::time::timeout(PATIENCE, lookup).await;
        assert!(response.expect("the store gives up").is_err());
    }
    try_request(&store).await.unwrap_err();
    server.resume();
    is_back(&store).await;
}

/// Closes all idle connections on the server.
fn cut(database: &Database<'_>) -> String {
    database.psql(
        "select count(pg_terminate_backend(pid, 60000)) from pg_stat_activity \
         where application_name = 'keygate' and datname = current_database()",
    )
}

/// A connection that was used within the last second is not checked first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_connections_fail_no_lookup() {
    const CONNECTIONS: u32 = 4;
    let server = Postgres::start();
    let database = server.database();
    store_with_key(&database).await;
    let options = options(&database.url()).with_max_connections(CONNECTIONS);
    let store = options.connect().await.unwrap();
    for _ in 0..5 {
        let pending = (0..CONNECTIONS).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { try_request(&store).await })
        });
        for request in pending.collect::<Vec<_>>() {
            assert_eq!(request.await.unwrap(), Ok(()));
        }
        assert_ne!(cut(&database), "0");
    }
    store.disable_client("App 1").await.unwrap();
    assert_ne!(cut(&database), "0");
    store.enable_client("App 1").await.unwrap();
    assert_ne!(cut(&database), "0");
    assert_eq!(store.list_clients().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_of_the_server_cause_no_wrong_response() {
    let server = Postgres::start();
    let database = server.database();
    store_with_key(&database).await;
    let options = PostgresStore::options(&database.url()).unwrap().with_max_connections(3);
    let store = options.connect().await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let counts = Arc::new([const { AtomicUsize::new(0) }; 2]);
    let callers = (0..6).map(|_| {
        let (store, stop, counts) = (store.clone(), Arc::clone(&stop), Arc::clone(&counts));
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let is_admitted = try_request(&store).await.is_ok();
                counts[usize::from(is_admitted)].fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let callers = callers.collect::<Vec<_>>();
    let next = async |which: bool| {
        let count = || counts[usize::from(which)].load(Ordering::Relaxed);
        let (before, since) = (count(), Instant::now());
        while count() < before + 10 {
            assert!(
                since.elapsed() < PATIENCE && callers.iter().all(|caller| !caller.is_finished())
            );
            tokio::task::yield_now().await;
        }
    };
    next(true).await;
    server.kill();
    next(false).await;
    server.restart();
    next(true).await;
    server.stop();
    next(false).await;
    server.resume();
    next(true).await;
    server.restart();
    next(true).await;
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
}

/// The caller has its own deadline.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_lookup_leaves_the_store_usable() {
    let server = Postgres::start();
    let database = server.database();
    let store = store_with_key(&database).await;
    let hurried = Authenticator::new(store.clone()).with_deadline(Duration::from_millis(50));
    server.stop();
    for _ in 0..5 {
        let error = hurried.authenticate_key(KEY.as_bytes()).await.unwrap_err();
        assert!(matches!(error, AuthError::Unavailable(_)), "{error:?}");
    }
    server.resume();
    is_back(&store).await;
}

/// As in a forgotten terminal session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_locked_tables_has_a_deadline() {
    let database = Postgres::shared().database();
    store_with_key(&database).await;
    let hold = "begin; lock table keygate.migrations; select pg_sleep(120)";
    let url = database.url();
    let terminal = std::thread::spawn(move || crate::servers::query(&url, hold));
    let locks =
        "select count(*) from pg_locks where relation = 'keygate.migrations'::regclass and granted";
    let since = Instant::now();
    while database.psql(locks) == "0" {
        assert!(since.elapsed() < PATIENCE);
    }
    let error = PostgresStore::connect(&database.url()).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains("keygate.migrations"), "{error}");
    let end = "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and wait_event = 'PgSleep'";
    database.psql(end);
    terminal.join().unwrap().unwrap_err();
}
