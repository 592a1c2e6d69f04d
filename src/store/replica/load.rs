//! Loads all keys.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Error, query, query_scalar, raw_sql};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use super::copy_out::{CopyRow, copy_out};
use super::history::{RecentEvents, VisibleTransactions, event_columns};
use super::poll::SETTINGS;
use super::refused_keys::RefusedKeys;
use super::report;
use super::rows::replica_columns;
use super::server_probe::{ProbeResult, ServerProbe};
use super::session_error::SessionError;
use super::state::FollowerState;
use super::timing::POLL_DEADLINE;
use crate::store::postgres::columns::{Columns as _, client_columns, client_row};
use crate::store::sql::BadRow;
use crate::store::table::{BucketSort, Table, TableBuilder};

mod clients;
mod keys;
mod ordered;

use clients::ClientLoader;
use keys::KeyLoader;

/// The longest wait for the next row: a server that reads a table from a busy disk may take seconds.
const STALL_DEADLINE: Duration = Duration::from_secs(30);

const RECENT: &str = concat!(
    "select ",
    event_columns!(),
    " from (select * from keygate.events order by seq desc limit 100) e order by e.seq"
);

/// The last event with the id of a future transaction: it came with a dump of another cluster.
const FOREIGN: &str =
    "select coalesce(pg_catalog.max(seq), 0) from keygate.events where txid >= $1::text::xid8";

/// The planner's estimate of the number of clients; -1 if it has none.
const CLIENT_ESTIMATE: &str =
    "select reltuples::bigint from pg_catalog.pg_class where oid = 'keygate.clients'::regclass";

/// The estimate may be wrong by any factor.
const MAX_CAPACITY: usize = 10_000_000;

const CLIENTS: &str = concat!(
    "copy (select ",
    client_columns!(),
    " from keygate.clients c) to stdout (format binary)"
);

/// Unordered: sorting here is faster than reading by the server's index.
const KEYS: &str =
    concat!("copy (select ", replica_columns!(), " from keygate.keys k) to stdout (format binary)");

/// One transaction for the whole load. The role's timeouts are disabled, because the process may be busy between two
/// statements. The load fails if no row arrives for [`STALL_DEADLINE`]. Servers before version 17 have no
/// `transaction_timeout`.
const BEGIN: &str = "begin isolation level repeatable read read only; ";
const NO_TIMEOUTS: &str = "set local enable_seqscan = on; \
    set local idle_in_transaction_session_timeout = 0; \
    select pg_catalog.set_config(name, '0', true) from pg_catalog.pg_settings \
    where name = 'transaction_timeout'; ";

/// Replaces all served keys by those of the database, in one step.
pub(super) async fn load(
    connection: &mut PgConnection,
    probe: &ServerProbe,
    state: &mut FollowerState,
) -> Result<(), SessionError> {
    let last = state.position.clone();
    let recent = last.as_ref().map(|last| last.recent.clone()).unwrap_or_default();
    let sql = format!("{BEGIN}{SETTINGS}{NO_TIMEOUTS}{}", probe.statement(&recent));
    let rows = raw_sql(AssertSqlSafe(sql)).fetch_all(&mut *connection);
    let rows = timeout(POLL_DEADLINE, rows).await.map_err(|_| SessionError::timed_out())??;
    let row = rows.last();
    let row = row.ok_or_else(|| SessionError::new("PostgreSQL sent no row for the probe"))?;
    let ProbeResult { mut position, lost_events, is_queue_high } = ProbeResult::read(row, recent)?;
    if let Some(last) = last
        && (lost_events || !position.follows(&last))
    {
        report::reset(&state.shared);
    }
    report::wake_ups(&state.shared, state.is_listen_paused(), is_queue_high);
    let rows = AtomicU64::new(0);
    position.recent = tokio::select! {
        loaded = load_all(connection, state, &position.visible, &rows) => loaded?,
        () = stalled(&rows) => {
            return Err(SessionError::unreachable("loading the keys stalled"));
        }
    };
    state.position = Some(position);
    state.queue.clear();
    let commit = timeout(POLL_DEADLINE, raw_sql("commit").execute(&mut *connection));
    commit.await.map_err(|_| SessionError::timed_out())??;
    Ok(())
}

async fn load_all(
    connection: &mut PgConnection,
    state: &mut FollowerState,
    visible: &VisibleTransactions,
    rows: &AtomicU64,
) -> Result<RecentEvents, Error> {
    let foreign = query_scalar(FOREIGN).persistent(false).bind(visible.next.to_string());
    let foreign = foreign.fetch_one(&mut *connection).await?;
    let mut recent = RecentEvents { foreign, greatest: foreign, ..RecentEvents::default() };
    query(RECENT)
        .persistent(false)
        .try_map(|row: PgRow| recent.add(&row))
        .fetch_all(&mut *connection)
        .await?;

    let estimate: i64 =
        query_scalar(CLIENT_ESTIMATE).persistent(false).fetch_one(&mut *connection).await?;
    let capacity = usize::try_from(estimate).unwrap_or(0).min(MAX_CAPACITY);
    let mut loader = ClientLoader::with_capacity(capacity);
    let insert = |row: &CopyRow<'_, 5>| {
        rows.fetch_add(1, Ordering::Relaxed);
        // A client without a name has no keys.
        if let Ok(Some(name)) = row.text(0) {
            loader.insert(name, client_row(row, 0));
        }
    };
    copy_out(connection, CLIENTS, insert).await?;
    let (clients, ordered) = loader.finish();

    let mut loader = KeyLoader::new(&clients, ordered);
    let insert = |row: &CopyRow<'_, 5>| {
        rows.fetch_add(1, Ordering::Relaxed);
        loader.insert(row);
    };
    copy_out(connection, KEYS, insert).await?;
    let (sort, mut refused) = loader.finish();
    let table = build_table(sort, &mut refused, rows).await;

    if let Some(snapshot) = &mut state.snapshot {
        snapshot.mark_dirty();
    }
    state.refused.replace(refused);
    state.clients = clients;
    let shared = &state.shared;
    shared.change(state.refused.take_changed(), |served| served.replace(&table));
    state.refused.report(&mut shared.lock_health());
    report::loaded(shared, &state.clients);
    Ok(recent)
}

async fn build_table(sort: BucketSort, refused: &mut RefusedKeys, rows: &AtomicU64) -> Table {
    let mut builder = TableBuilder::new(sort.len());
    let mut last = None;
    for bucket in sort.sorted() {
        for (row, status) in bucket {
            // Only possible if the unique index of the database was dropped.
            if last == Some(row.prefix()) {
                let bad = BadRow::key(row.digest.key_id(), "another key has the same id");
                refused.add(Some(row.digest), bad);
                continue;
            }
            last = Some(row.prefix());
            builder.push(row, status);
        }
        rows.fetch_add(1, Ordering::Relaxed);
        // Lets the start from a snapshot proceed on the same thread.
        yield_now().await;
    }
    builder.finish()
}

async fn stalled(rows: &AtomicU64) {
    let mut before = None;
    loop {
        let now = Some(rows.load(Ordering::Relaxed));
        if now == before {
            return;
        }
        before = now;
        sleep(STALL_DEADLINE).await;
    }
}
