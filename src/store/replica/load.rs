//! Loads all keys.

use std::iter;
use std::panic::resume_unwind;
use std::time::Duration;

use futures_util::StreamExt as _;
use sqlx::postgres::{PgConnection, PgRow, Postgres};
use sqlx::{AssertSqlSafe, Error, query, query_scalar, raw_sql};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::clients::Clients;
use super::connection::{POLL_DEADLINE, SessionError, within};
use super::health;
use super::history::{RecentEvents, VisibleTransactions, event_columns};
use super::rows::{RefusedKeys, read_keys};
use super::server_probe::{ProbeResult, SETTINGS, ServerProbe};
use super::state::FollowerState;
use crate::store::sql::{self, BadRow, Cursor};
use crate::store::table::{BucketSort, Table, TableBuilder};

/// The longest wait for the next row: a server that reads a table from a busy disk may take seconds.
const STALL_DEADLINE: Duration = Duration::from_secs(30);

/// How many rows are read at once, and how many such groups wait.
const GROUP: usize = 256;
const GROUPS: usize = 16;

const RECENT: &str = concat!(
    "select ",
    event_columns!(),
    " from (select * from keygate.events order by seq desc limit 100) e order by e.seq"
);

const COUNT: &str = "select pg_catalog.count(*) from keygate.clients";

/// The last event with the id of a future transaction: it came with a dump of another cluster.
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
    let count = query_scalar(COUNT).persistent(false).fetch_one(&mut *connection);
    let count: i64 = within(STALL_DEADLINE, count).await?;
    let columns = sql::client_columns::<Postgres>();
    let select = format!("select {columns} from keygate.clients c");
    let clients = read_rows(connection, select, move |groups| {
        let mut clients = Clients::with_capacity(usize::try_from(count).unwrap_or_default());
        // A client without a name has no keys.
        for client in groups.flatten().filter_map(|row| Cursor::new(&row).client().ok()) {
            clients.insert(client);
        }
        clients
    });
    let clients = clients.await?;
    // Unordered: sorting here is faster than reading by the server's index.
    let columns = sql::key_columns::<Postgres>();
    let select = format!("select {columns} from keygate.keys k");
    let keys = read_rows(connection, select, move |groups| {
        let (mut keys, mut refused) = (BucketSort::new(), RefusedKeys::default());
        for rows in groups {
            for (row, status) in read_keys(&rows, &clients, &mut refused) {
                keys.push(row, status);
            }
        }
        (build_table(keys, &mut refused), refused, clients)
    });
    let (table, refused, clients) = keys.await?;

    state.has_changed = true;
    state.refused.replace(refused);
    state.clients = clients;
    let shared = &state.shared;
    shared.change(state.refused.take_changed(), |served| served.replace(&table));
    state.refused.report(&mut shared.lock_health());
    health::loaded(shared, &state.clients);
    Ok(())
}

/// Passes the rows of a query in groups to `read`, on another thread: the next rows arrive meanwhile, and the snapshot is
/// served.
async fn read_rows<T: Send + 'static>(
    connection: &mut PgConnection,
    sql: String,
    read: impl FnOnce(&mut dyn Iterator<Item = Vec<PgRow>>) -> T + Send + 'static,
) -> Result<T, SessionError> {
    let (sender, mut receiver) = mpsc::channel(GROUPS);
    let reading = spawn_blocking(move || read(&mut iter::from_fn(|| receiver.blocking_recv())));
    let rows = query(AssertSqlSafe(sql)).persistent(false).fetch(connection);
    let mut groups = rows.ready_chunks(GROUP);
    let stalled = |_| SessionError::unreachable("loading the keys stalled");
    while let Some(rows) = timeout(STALL_DEADLINE, groups.next()).await.map_err(stalled)? {
        let rows = rows.into_iter().collect::<Result<_, Error>>()?;
        // Only a panic closes the channel, and it is resumed below.
        if sender.send(rows).await.is_err() {
            break;
        }
    }
    drop(sender);
    reading.await.or_else(|error| resume_unwind(error.into_panic()))
}

fn build_table(keys: BucketSort, refused: &mut RefusedKeys) -> Table {
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
    }
    builder.finish()
}
