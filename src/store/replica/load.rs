//! Loads all keys.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgRow, Postgres};
use sqlx::{AssertSqlSafe, Error, query, query_scalar, raw_sql};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::clients::Clients;
use super::connection::{POLL_DEADLINE, SessionError, within};
use super::health;
use super::history::{RecentEvents, VisibleTransactions, event_columns};
use super::rows::{RefusedKeys, read_facts, with_clients};
use super::server_probe::{ProbeResult, SETTINGS, ServerProbe};
use super::state::FollowerState;
use crate::store::sql::{self, BadRow, Cursor};
use crate::store::table::{BucketSort, Table, TableBuilder};

/// The longest wait for the next row: a server that reads a table from a busy disk may take seconds.
const STALL_DEADLINE: Duration = Duration::from_secs(30);

/// How many keys are given their clients at once.
const GROUP: usize = 256;

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
    let count: i64 =
        within(STALL_DEADLINE, query_scalar(COUNT).persistent(false).fetch_one(&mut *connection))
            .await?;
    let mut clients = Clients::with_capacity(usize::try_from(count).unwrap_or_default());
    let insert = |row: &PgRow| {
        // A client without a name has no keys.
        if let Ok(client) = Cursor::new(row).client() {
            clients.insert(client);
        }
    };
    let columns = sql::client_columns::<Postgres>();
    let select = format!("select {columns} from keygate.clients c");
    for_each_row(connection, select, insert).await?;
    let (mut keys, mut refused) = (BucketSort::new(), RefusedKeys::default());
    let mut group = Vec::with_capacity(GROUP);
    let insert = |row: &PgRow| {
        group.extend(read_facts(row, &mut refused));
        if group.len() == GROUP {
            for (row, status) in with_clients(&group, &clients, &mut refused) {
                keys.push(row, status);
            }
            group.clear();
        }
    };
    // Unordered: sorting here is faster than reading by the server's index.
    let columns = sql::key_columns::<Postgres>();
    let select = format!("select {columns} from keygate.keys k");
    for_each_row(connection, select, insert).await?;
    for (row, status) in with_clients(&group, &clients, &mut refused) {
        keys.push(row, status);
    }
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

async fn for_each_row(
    connection: &mut PgConnection,
    sql: String,
    mut take: impl FnMut(&PgRow),
) -> Result<(), SessionError> {
    let mut rows = query(AssertSqlSafe(sql)).persistent(false).fetch(connection);
    loop {
        // One timer for all rows that have arrived: each reads the clock.
        let arrived = poll_fn(|context| {
            let mut is_first = true;
            loop {
                match rows.as_mut().poll_next(context) {
                    Poll::Ready(Some(row)) => take(&row?),
                    Poll::Ready(None) => return Poll::Ready(Ok(true)),
                    Poll::Pending if is_first => return Poll::Pending,
                    Poll::Pending => return Poll::Ready(Ok(false)),
                }
                is_first = false;
            }
        });
        let result: Result<_, Error> = timeout(STALL_DEADLINE, arrived)
            .await
            .map_err(|_| SessionError::unreachable("loading the keys stalled"))?;
        if result? {
            return Ok(());
        }
    }
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
        // Lets the snapshot be served meanwhile.
        yield_now().await;
    }
    builder.finish()
}
