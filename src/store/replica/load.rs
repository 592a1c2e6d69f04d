//! Loads all keys.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Error, Row as _, query, query_scalar, raw_sql};
use tokio::time::sleep;

use super::clients::Clients;
use super::fault::Fault;
use super::follower::Follower;
use super::history::Newest;
use super::refused::Refused;
use super::report;
use super::rows::{self, Key, replica_columns};
use crate::store::postgres::columns::{client_columns, client_row};
use crate::store::sql::BadRow;
use crate::store::table::Build;

/// How long no row may come: sorting millions of keys before the first takes seconds.
const STALLED: Duration = Duration::from_secs(30);

const NEWEST: &str =
    "select seq, txid::text, at::text from keygate.events order by seq desc limit 100";

const CLIENTS: &str = concat!("select ", client_columns!(), " from keygate.clients c");

const COUNT: &str = "select count(*) from keygate.keys";

/// In the order of the table, so that it is built of rows as they come, without a second copy.
const KEYS: &str = concat!("select ", replica_columns!(), " from keygate.keys k order by k.digest");

/// Replaces all that is served by what the database holds in this transaction, in one step, and says
/// which events came last.
pub(super) async fn load(
    connection: &mut PgConnection,
    follower: &mut Follower,
) -> Result<Newest, Fault> {
    let rows = AtomicU64::new(0);
    tokio::select! {
        loaded = read(connection, follower, &rows) => Ok(loaded?),
        () = stalled(&rows) => Err(Fault::late("the keys did not come")),
    }
}

async fn read(
    connection: &mut PgConnection,
    follower: &mut Follower,
    rows: &AtomicU64,
) -> Result<Newest, Error> {
    raw_sql("set local enable_seqscan = on").execute(&mut *connection).await?;
    let mut newest = Newest::default();
    query(NEWEST).try_map(|row: PgRow| newest.add(&row)).fetch_all(&mut *connection).await?;

    let mut clients = Clients::default();
    let put = |row: PgRow| {
        rows.fetch_add(1, Ordering::Relaxed);
        clients.put(row.try_get(0)?, client_row(&row, 0));
        Ok(())
    };
    query(CLIENTS).try_map(put).fetch_all(&mut *connection).await?;

    let count: i64 = query_scalar(COUNT).fetch_one(&mut *connection).await?;
    let mut build = Build::new(usize::try_from(count).unwrap_or(0));
    let mut refused = Refused::default();
    let mut last = None;
    let push = |row: PgRow| {
        rows.fetch_add(1, Ordering::Relaxed);
        match rows::key(&row, &clients) {
            // The database sees to this, unless a hand took its index away.
            Key::Good(row, _) if last == Some(row.prefix()) => {
                let bad = BadRow::key(row.digest.key_id(), "another key has the same id");
                refused.add(Some(row.digest), bad);
            }
            Key::Good(row, mark) => {
                last = Some(row.prefix());
                build.push(row, mark);
            }
            Key::Bad(digest, bad) => refused.add(digest, bad),
            Key::Unknown(digest, _) => {
                refused.add(Some(digest), BadRow::key(digest.key_id(), "its client is not there"));
            }
        }
        Ok(())
    };
    query(KEYS).try_map(push).fetch_all(&mut *connection).await?;

    if let Some(snapshot) = &mut follower.snapshot {
        snapshot.changed();
    }
    follower.refused.replace(refused);
    follower.clients = clients;
    let shared = &follower.shared;
    let table = build.finish();
    shared.change(follower.refused.changed(), |served| served.replace(&table));
    follower.refused.tell(&mut shared.told());
    report::loaded(shared, &follower.clients);
    Ok(newest)
}

async fn stalled(rows: &AtomicU64) {
    let mut before = None;
    loop {
        let now = Some(rows.load(Ordering::Relaxed));
        if now == before {
            return;
        }
        before = now;
        sleep(STALLED).await;
    }
}
