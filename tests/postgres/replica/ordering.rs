//! Overlapping and large transactions.

use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Instant;

use crate::replica::fixture::{is_active, is_revoked, issue, replica_with_keys, revoke, until};
use crate::servers::{Database, Postgres};

/// A connection that can keep a transaction open.
struct Hand {
    child: Child,
    input: ChildStdin,
}

impl Hand {
    fn connect(database: &Database<'_>) -> Self {
        let mut psql = Command::new("psql");
        let psql = psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &database.url()]);
        let mut child = psql.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        Self { child, input }
    }

    fn say(&mut self, sql: &str) {
        writeln!(self.input, "{sql};").unwrap();
        self.input.flush().unwrap();
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The number of open transactions that have written.
fn writers(database: &Database<'_>) -> String {
    database.psql(
        "select count(*) from pg_stat_activity
        where datname = current_database() and state = 'idle in transaction'
            and backend_xid is not null",
    )
}

#[tokio::test]
async fn out_of_order_commits_are_all_followed() {
    let database = Postgres::shared().database();
    let replica = replica_with_keys(&database, 3).await;
    let (mut first, mut second) = (Hand::connect(&database), Hand::connect(&database));
    first.say("begin");
    first.say(&revoke(0));
    until("the first has written", || writers(&database) == "1").await;
    second.say("begin");
    second.say(&revoke(1));
    until("the second has written", || writers(&database) == "2").await;
    second.say("commit");
    until("the second is followed", || is_revoked(&replica, 1)).await;
    assert!(is_active(&replica, 0));
    database.psql(&revoke(2));
    until("one that came between is followed", || is_revoked(&replica, 2)).await;
    first.say("commit");
    until("the first is followed", || is_revoked(&replica, 0)).await;
    assert_eq!(replica.health().loads, 1);
}

#[tokio::test]
async fn open_transaction_delays_nothing() {
    let database = Postgres::shared().database();
    let replica = replica_with_keys(&database, 20).await;
    let mut open = Hand::connect(&database);
    open.say("begin");
    open.say(&issue(100, 101, "User 2"));
    until("it has written", || writers(&database) == "1").await;
    for number in 0..20 {
        database.psql(&revoke(number));
        until("a revoke", || is_revoked(&replica, number)).await;
    }
    assert_eq!(writers(&database), "1");
    open.say("rollback");
}

#[tokio::test]
async fn hundred_thousand_changes_at_once_are_followed() {
    const MANY: u32 = 100_000;
    let database = Postgres::shared().database();
    let replica = replica_with_keys(&database, 1).await;
    database.psql(&format!("begin; {} commit", issue(1, MANY, "User 2")));
    until("all are issued", || replica.health().keys == MANY as usize).await;
    let since = Instant::now();
    database.psql("update keygate.keys set revoked = now() where client = 'User 2'");
    database.psql(&revoke(0));
    let committed = since.elapsed();
    until("the one behind them is revoked", || is_revoked(&replica, 0)).await;
    println!("committed after {committed:?}, the one behind them after {:?}", since.elapsed());
    until("all are revoked", || replica.health().keys == 0).await;
    println!("all after {:?}", since.elapsed());
    assert!((0..MANY).all(|number| is_revoked(&replica, number)));
    assert_eq!(replica.health().loads, 1);
}
