//! Loads all keys.

use std::time::Duration;

use futures_util::{Stream, TryStreamExt as _};
use sqlx::postgres::{PgConnection, PgRow, Postgres};
use sqlx::{AssertSqlSafe, Error, query, query_scalar, raw_sql};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::clients::ClientsBuilder;
use super::connection::{POLL_DEADLINE, SessionError, within};
use super::history::{RecentEvents, VisibleTransactions, event_columns};
use super::reports;
use super::rows::{RefusedKeys, add_clients, decode_key};
use super::server_probe::{ProbeResult, SETTINGS, ServerProbe};
use super::state::FollowerState;
use crate::store::sql::{self, BadRow, Cursor};
use crate::store::table::{BucketSort, Table, TableBuilder};

/// The maximum wait for the next group of rows: a server that reads a table from a busy disk may take seconds.
const STALL_DEADLINE: Duration = Duration::from_secs(30);

/// The number of rows in a group.
const GROUP: usize = 64;

const RECENT: &str = concat!(
    "select ",
    event_columns!(),
    " from (select * from keygate.events order by seq desc limit 100) e order by e.seq"
);

/// The last event whose transaction id is in the future: it came from a dump of another cluster.
const FOREIGN: &str =
    "select coalesce(pg_catalog.max(seq), 0) from keygate.events where txid >= $1::text::xid8";

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
    let rows = within(POLL_DEADLINE, rows).await?;
    let row = rows.last();
    let row = row.ok_or_else(|| SessionError::new("PostgreSQL sent no row for the probe"))?;
    let ProbeResult { mut position, lost_events, is_queue_high } = ProbeResult::read(row, recent)?;
    if let Some(last) = last
        && (lost_events || !position.follows(&last))
    {
        reports::reset(&state.shared);
    }
    reports::wake_ups(&state.shared, state.is_listen_paused(), is_queue_high);
    let recent = recent_events(connection, &position.visible);
    position.recent = within(STALL_DEADLINE, recent).await?;
    load_keys(connection, state).await?;
    state.position = Some(position);
    state.queue.clear();
    within(POLL_DEADLINE, raw_sql("commit").execute(&mut *connection)).await?;
    Ok(())
}

async fn recent_events(
    connection: &mut PgConnection,
    visible: &VisibleTransactions,
) -> Result<RecentEvents, Error> {
    let foreign = query_scalar(FOREIGN).persistent(false).bind(visible.next.to_string());
    let foreign = foreign.fetch_one(&mut *connection).await?;
    let mut recent = RecentEvents { foreign, greatest: foreign, ..RecentEvents::default() };
    for row in query(RECENT).persistent(false).fetch_all(connection).await? {
        recent.add(&row)?;
    }
    Ok(recent)
}

async fn load_keys(
    connection: &mut PgConnection,
    state: &mut FollowerState,
) -> Result<(), SessionError> {
    let mut clients = ClientsBuilder::new();
    let columns = sql::client_columns::<Postgres>();
    let select = format!("select {columns} from keygate.clients c");
    // A client without a name has no keys.
    let decode = |row: &PgRow| Cursor::new(row).client().ok();
    let insert = |read: &mut Vec<_>| read.drain(..).flatten().for_each(|row| clients.push(row));
    read_rows(connection, select, decode, insert).await?;
    let clients = clients.finish();
    let (mut keys, mut refused) = (BucketSort::new(), RefusedKeys::default());
    // Unordered: sorting here is faster than reading in the order of the server's index.
    let columns = sql::key_columns::<Postgres>();
    let select = format!("select {columns} from keygate.keys k");
    let insert = |read: &mut Vec<_>| {
        add_clients(read, &clients, &mut refused, |row, status| keys.push(row, status));
    };
    read_rows(connection, select, decode_key, insert).await?;
    let table = build_table(keys, &mut refused).await;

    state.has_changed = true;
    state.refused.replace(refused);
    state.clients = clients;
    let shared = &state.shared;
    shared.change(state.refused.take_changed(), |served| served.replace(&table));
    state.refused.report(&mut shared.lock_health());
    reports::loaded(shared, &state.clients);
    Ok(())
}

/// Decodes the rows of a query as they arrive, and passes them on in groups, because inserting a row waits for memory.
/// `insert` empties each group.
async fn read_rows<T>(
    connection: &mut PgConnection,
    sql: String,
    decode: impl Fn(&PgRow) -> T,
    mut insert: impl FnMut(&mut Vec<T>),
) -> Result<(), SessionError> {
    let mut rows = query(AssertSqlSafe(sql)).persistent(false).fetch(connection);
    // One buffer for all groups: the allocator is slow at large ones.
    let mut group = Vec::with_capacity(GROUP);
    let stalled = |_| SessionError::unreachable("loading the keys stalled");
    loop {
        let read = read_group(&mut rows, &decode, &mut group);
        let is_last = timeout(STALL_DEADLINE, read).await.map_err(stalled)??;
        insert(&mut group);
        if is_last {
            return Ok(());
        }
    }
}

/// Returns whether these were the last rows.
async fn read_group<T>(
    rows: &mut (impl Stream<Item = Result<PgRow, Error>> + Unpin),
    decode: impl Fn(&PgRow) -> T,
    group: &mut Vec<T>,
) -> Result<bool, Error> {
    while group.len() < GROUP {
        let Some(row) = rows.try_next().await? else { return Ok(true) };
        // The driver reuses the buffer of rows that were dropped.
        group.push(decode(&row));
    }
    Ok(false)
}

async fn build_table(keys: BucketSort, refused: &mut RefusedKeys) -> Table {
    let mut builder = TableBuilder::new(keys.len());
    let mut last = None;
    for bucket in keys.sorted() {
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
        // Lets other tasks serve the snapshot meanwhile.
        yield_now().await;
    }
    builder.finish()
}
