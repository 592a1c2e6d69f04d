//! Loads all keys.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Error, query, query_scalar, raw_sql};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use super::clients::Loading;
use super::copy::{Copied, copy};
use super::fault::Fault;
use super::follower::Follower;
use super::history::{Newest, Visible, event_columns};
use super::poll::SETTINGS;
use super::refused::Refused;
use super::report;
use super::rows::replica_columns;
use super::server_probe::{Seen, ServerProbe};
use super::session::POLL_DEADLINE;
use crate::store::postgres::columns::{Columns as _, client_columns, client_row};
use crate::store::sql::BadRow;
use crate::store::table::{BucketSort, Build, Table};

mod keys;

use keys::LoadingKeys;

/// How long no row may come: a server that reads a table from a busy disk may take seconds.
const STALLED: Duration = Duration::from_secs(30);

const NEWEST: &str = concat!(
    "select ",
    event_columns!(),
    " from (select * from keygate.events order by seq desc limit 100) e order by e.seq"
);

/// Visible, and of transactions that are yet to come.
const FOREIGN: &str =
    "select coalesce(pg_catalog.max(seq), 0) from keygate.events where txid >= $1::text::xid8";

/// How many clients the server believes that it has; -1 where it does not know.
const ABOUT: &str =
    "select reltuples::bigint from pg_catalog.pg_class where oid = 'keygate.clients'::regclass";

/// It may believe anything.
const MOST_ROOM: usize = 10_000_000;

const CLIENTS: &str = concat!(
    "copy (select ",
    client_columns!(),
    " from keygate.clients c) to stdout (format binary)"
);

/// In no order: that of the table is made here, in less time than a server takes to read its index.
const KEYS: &str =
    concat!("copy (select ", replica_columns!(), " from keygate.keys k) to stdout (format binary)");

/// One transaction for all of it, in which the process is busy between two statements, too: no timeout of
/// the role is for a load, which ends when no row comes. Servers before version 17 have no timeout of
/// transactions.
const BEGIN: &str = "begin isolation level repeatable read read only; ";
const NO_TIMEOUTS: &str = "set local enable_seqscan = on; \
    set local idle_in_transaction_session_timeout = 0; \
    select pg_catalog.set_config(name, '0', true) from pg_catalog.pg_settings \
    where name = 'transaction_timeout'; ";

/// Replaces all that is served by what the database holds, in one step.
pub(super) async fn load(
    connection: &mut PgConnection,
    look: &ServerProbe,
    follower: &mut Follower,
) -> Result<(), Fault> {
    let last = follower.position.clone();
    let newest = last.as_ref().map(|last| last.newest.clone()).unwrap_or_default();
    let sql = format!("{BEGIN}{SETTINGS}{NO_TIMEOUTS}{}", look.statement(&newest));
    let rows = raw_sql(AssertSqlSafe(sql)).fetch_all(&mut *connection);
    let rows = timeout(POLL_DEADLINE, rows).await;
    let rows = rows.map_err(|_| Fault::late("the server did not answer"))??;
    let row = rows.last().ok_or_else(|| Fault::new("PostgreSQL answered with no row"))?;
    let Seen { mut position, lost, is_queue_high } = Seen::read(row, newest)?;
    if let Some(last) = last
        && (lost || !position.follows(&last))
    {
        report::reset(&follower.shared);
    }
    report::wake_ups(follower, is_queue_high);
    let rows = AtomicU64::new(0);
    position.newest = tokio::select! {
        loaded = read(connection, follower, &position.visible, &rows) => loaded?,
        () = stalled(&rows) => return Err(Fault::late("the keys did not come")),
    };
    follower.position = Some(position);
    follower.pending.done(true);
    let commit = timeout(POLL_DEADLINE, raw_sql("commit").execute(&mut *connection));
    commit.await.map_err(|_| Fault::late("the server did not answer"))??;
    Ok(())
}

async fn read(
    connection: &mut PgConnection,
    follower: &mut Follower,
    visible: &Visible,
    rows: &AtomicU64,
) -> Result<Newest, Error> {
    let foreign = query_scalar(FOREIGN).persistent(false).bind(visible.next.to_string());
    let foreign = foreign.fetch_one(&mut *connection).await?;
    let mut newest = Newest { foreign, greatest: foreign, ..Newest::default() };
    query(NEWEST)
        .persistent(false)
        .try_map(|row: PgRow| newest.add(&row))
        .fetch_all(&mut *connection)
        .await?;

    let about: i64 = query_scalar(ABOUT).persistent(false).fetch_one(&mut *connection).await?;
    let mut loading = Loading::with_room(usize::try_from(about).unwrap_or(0).min(MOST_ROOM));
    let put = |row: &Copied<'_, 5>| {
        rows.fetch_add(1, Ordering::Relaxed);
        // One without a name has no keys.
        if let Ok(Some(name)) = row.text(0) {
            loading.put(name, client_row(row, 0));
        }
    };
    copy(connection, CLIENTS, put).await?;
    let (clients, order) = loading.end();

    let mut loading = LoadingKeys::new(&clients, order);
    let push = |row: &Copied<'_, 5>| {
        rows.fetch_add(1, Ordering::Relaxed);
        loading.push(row);
    };
    copy(connection, KEYS, push).await?;
    let (gather, mut refused) = loading.end();
    let table = table(gather, &mut refused, rows).await;

    if let Some(snapshot) = &mut follower.snapshot {
        snapshot.changed();
    }
    follower.refused.replace(refused);
    follower.clients = clients;
    let shared = &follower.shared;
    shared.change(follower.refused.changed(), |served| served.replace(&table));
    follower.refused.tell(&mut shared.told());
    report::loaded(shared, &follower.clients);
    Ok(newest)
}

async fn table(gather: BucketSort, refused: &mut Refused, rows: &AtomicU64) -> Table {
    let mut build = Build::new(gather.len());
    let mut last = None;
    for part in gather.sorted() {
        for (row, mark) in part {
            // The database sees to this, unless a hand took its index away.
            if last == Some(row.prefix()) {
                let bad = BadRow::key(row.digest.key_id(), "another key has the same id");
                refused.add(Some(row.digest), bad);
                continue;
            }
            last = Some(row.prefix());
            build.push(row, mark);
        }
        rows.fetch_add(1, Ordering::Relaxed);
        // What else the follower does goes on.
        yield_now().await;
    }
    build.finish()
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
