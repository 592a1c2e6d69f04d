//! Loads all keys.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::postgres::{PgConnection, PgRow, Postgres};
use sqlx::{AssertSqlSafe, Error, query, query_scalar, raw_sql};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::clients::Clients;
use super::connection::{POLL_DEADLINE, SessionError, within};
use super::health;
use super::history::{RecentEvents, VisibleTransactions, event_columns};
use super::rows::{RefusedKeys, decode_key, with_clients};
use super::server_probe::{ProbeResult, SETTINGS, ServerProbe};
use super::state::FollowerState;
use crate::store::sql::{self, BadRow, Cursor};
use crate::store::table::{BucketSort, Table, TableBuilder};

/// The maximum wait for the next row: a server that reads a table from a busy disk may take seconds.
const STALL_DEADLINE: Duration = Duration::from_secs(30);

/// The maximum number of rows that are read at once.
const GROUP: usize = 64;

const RECENT: &str = concat!(
    "select ",
    event_columns!(),
    " from (select * from keygate.events order by seq desc limit 100) e order by e.seq"
);

/// The approximate number of clients, from the planner's statistics.
const ESTIMATE: &str = "select greatest(reltuples, 0)::bigint from pg_catalog.pg_class \
    where oid = 'keygate.clients'::pg_catalog.regclass";

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
        health::reset(&state.shared);
    }
    health::wake_ups(&state.shared, state.is_listen_paused(), is_queue_high);
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
    let count = query_scalar(ESTIMATE).persistent(false).fetch_one(&mut *connection);
    let count: i64 = within(POLL_DEADLINE, count).await?;
    let mut clients = Clients::with_capacity(usize::try_from(count).unwrap_or_default());
    let columns = sql::client_columns::<Postgres>();
    let select = format!("select {columns} from keygate.clients c");
    // A client without a name has no keys.
    let decode = |row: &PgRow| Cursor::new(row).client().ok();
    let insert =
        |read: Vec<_>| read.into_iter().flatten().for_each(|client| clients.insert(client));
    read_rows(connection, select, decode, insert).await?;
    let (mut keys, mut refused) = (BucketSort::new(), RefusedKeys::default());
    // Unordered: sorting here is faster than reading in the order of the server's index.
    let columns = sql::key_columns::<Postgres>();
    let select = format!("select {columns} from keygate.keys k");
    let insert = |read| {
        for (row, status) in with_clients(read, &clients, &mut refused) {
            keys.push(row, status);
        }
    };
    read_rows(connection, select, decode_key, insert).await?;
    let table = build_table(keys, &mut refused).await;

    state.has_changed = true;
    state.refused.replace(refused);
    state.clients = clients;
    let shared = &state.shared;
    shared.change(state.refused.take_changed(), |served| served.replace(&table));
    state.refused.report(&mut shared.lock_health());
    health::loaded(shared, &state.clients);
    Ok(())
}

/// Decodes the rows of a query as they arrive, and passes them on in groups, because inserting a row waits for memory.
async fn read_rows<T>(
    connection: &mut PgConnection,
    sql: String,
    decode: impl Fn(&PgRow) -> T,
    mut insert: impl FnMut(Vec<T>),
) -> Result<(), SessionError> {
    let rows = query(AssertSqlSafe(sql)).persistent(false).fetch(connection);
    // The driver reuses the buffer of rows that were dropped.
    let mut groups = rows.map_ok(|row| decode(&row)).ready_chunks(GROUP);
    let stalled = |_| SessionError::unreachable("loading the keys stalled");
    while let Some(rows) = timeout(STALL_DEADLINE, groups.next()).await.map_err(stalled)? {
        insert(rows.into_iter().collect::<Result<_, Error>>()?);
    }
    Ok(())
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
