//! Requests while the database is unreachable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use keygate::store::Replica;

use crate::replica::fixture::{
    Response, is_active, is_revoked, issue, migrate, request, revoke, until,
};
use crate::servers::Postgres;

const STALENESS: Duration = Duration::from_secs(6);

/// Looks up a valid and an unknown key until it is stopped.
struct Callers {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Callers {
    /// Starts the lookups. The valid key must be found while the replica is not stale.
    fn of(replica: &Replica) -> Self {
        let (replica, stop) = (replica.clone(), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let age = replica.health().lag.unwrap();
                let response = request(&replica, 0);
                let young = age + Duration::from_millis(500) < STALENESS;
                assert!(!young || is_active(&replica, 0), "{response:?} at the age of {age:?}");
                assert_ne!(response, Response::Unknown);
                assert!(!matches!(request(&replica, 9), Response::Found(..)));
            }
        });
        Self { stop, thread }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

async fn fixture() -> (Postgres, Replica) {
    let server = Postgres::start();
    migrate(&server.url()).await;
    server.psql(&issue(0, 3, "User 1"));
    let options = Replica::options(&server.url()).unwrap().with_max_staleness(STALENESS);
    let replica = options.connect().await.unwrap();
    assert_eq!(replica.health().failing_since, None);
    (server, replica)
}

async fn outlives(server: &Postgres, replica: &Replica) {
    until("unknown keys are an outage", || request(replica, 9) == Response::Unavailable).await;
    assert!(is_active(replica, 0) && replica.is_ready());
    until("the failure is reported", || replica.health().failing_since.is_some()).await;
    let since = replica.health().failing_since;
    until("the replica is stale", || request(replica, 0) == Response::Unavailable).await;
    assert!(replica.health().lag.unwrap() >= STALENESS);
    assert!(!replica.is_ready());
    assert!(replica.health().error.is_some(), "{:?}", replica.health());
    assert_eq!(replica.health().failing_since, since, "the first failure counts");
    let _ = server;
}

async fn is_back(replica: &Replica) {
    until("keys are served again", || is_active(replica, 0)).await;
    // The first lookup after the outage sees a revocation during it.
    assert!(is_revoked(replica, 1));
    until("unknown keys are refused again", || request(replica, 9) == Response::Unknown).await;
    assert!(is_active(replica, 0) && is_revoked(replica, 1) && replica.is_ready());
    until("no error", || replica.health().error.is_none()).await;
    assert_eq!(replica.health().failing_since, None);
}

#[tokio::test]
async fn replica_outlives_a_killed_server() {
    let (server, replica) = fixture().await;
    let callers = Callers::of(&replica);
    server.kill();
    outlives(&server, &replica).await;
    server.restart();
    // The replica may see the database before or after this change.
    server.psql(&revoke(1));
    until("back", || replica.is_ready()).await;
    until("a revoke", || is_revoked(&replica, 1)).await;
    is_back(&replica).await;
    callers.stop();
    assert_eq!((replica.health().loads, replica.health().resets), (1, 0));
}

#[tokio::test]
async fn replica_outlives_a_stopped_server() {
    let (server, replica) = fixture().await;
    let callers = Callers::of(&replica);
    server.stop();
    outlives(&server, &replica).await;
    server.resume();
    until("back", || replica.is_ready()).await;
    server.psql(&revoke(1));
    until("a revoke", || is_revoked(&replica, 1)).await;
    is_back(&replica).await;
    callers.stop();
    assert_eq!((replica.health().loads, replica.health().resets), (1, 0));
}

#[tokio::test]
async fn first_lookup_after_an_outage_sees_revocations() {
    let server = Postgres::start();
    let database = server.database();
    migrate(&database.url()).await;
    database.psql(&issue(0, 3, "User 1"));
    let options = Replica::options(&database.url()).unwrap();
    let replica = options.with_max_staleness(STALENESS).connect().await.unwrap();
    // New connections are refused, and the open one is closed.
    server.psql(&format!("alter database {} allow_connections false", database.name()));
    server.psql(&format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}'",
        database.name()
    ));
    until("the replica is stale", || request(&replica, 0) == Response::Unavailable).await;
    server.psql(&format!("alter database {} connection limit 0", database.name()));
    server.psql(&format!("alter database {} allow_connections true", database.name()));
    // The owner may exceed the limit, so the replica may connect first; the change is atomic.
    database.psql(&revoke(1));
    is_revoked_or_unavailable(&replica).await;
    is_back(&replica).await;
}

async fn is_revoked_or_unavailable(replica: &Replica) {
    until("a revoke", || {
        let response = request(replica, 1);
        response != Response::Unavailable && is_revoked(replica, 1)
    })
    .await;
}

#[tokio::test]
async fn staleness_of_zero_serves_while_in_contact() {
    let server = Postgres::start();
    migrate(&server.url()).await;
    server.psql(&issue(0, 1, "User 1"));
    let options = Replica::options(&server.url()).unwrap().with_max_staleness(Duration::ZERO);
    let replica = options.connect().await.unwrap();
    let before = replica.health().last_contact;
    until("a few polls", || {
        assert!(is_active(&replica, 0) && replica.is_ready(), "{:?}", replica.health());
        let since = replica.health().last_contact.unwrap().duration_since(before.unwrap());
        since.is_ok_and(|since| since > Duration::from_secs(2))
    })
    .await;
}
