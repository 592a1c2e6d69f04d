//! A poll: reads new events, and the rows of earlier events, in one message.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sqlx::postgres::{PgConnection, PgRow, Postgres};
use sqlx::{AssertSqlSafe, Error, Row as _, raw_sql};

use super::change_queue::{Batch, ChangeQueue};
use super::connection::SessionError;
use super::history::{Position, event_columns};
use super::rows::{add_clients, decode_key};
use super::server_probe::{ProbeResult, SETTINGS, ServerProbe, array};
use super::state::FollowerState;
use crate::store::postgres::settings::hex;
use crate::store::sql::{self, Cursor};

const SNAPSHOT: &str = "set transaction isolation level repeatable read read only; ";

/// If there are more events than this, all keys are loaded.
const MAX_EVENTS: usize = 200_000;

/// Returns the query for events that were not visible before.
///
/// Transactions may commit in another order than that of their ids and of their events. No visible event has a
/// transaction id equal to or above the next one, unless it came from a dump of another cluster that had counted
/// further. A database that went back in time assigns transaction ids again, but has lost the events that the replica
/// follows.
fn events(last: &Position) -> String {
    let (next, greatest) = (last.visible.next, last.recent.greatest);
    let running = array(last.visible.running.iter());
    let columns = event_columns!();
    format!(
        "select {columns}, action, client, key_id, 'event' from (
            select * from keygate.events where txid >= '{next}'::xid8
                and txid < pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
            union select * from keygate.events where txid = any({running}::xid8[])
            union select * from keygate.events where seq > {greatest}
        ) e order by e.txid, e.seq limit 200001; "
    )
}

/// Returns the queries for the rows of clients and keys, and for the clients of these keys, which may be new.
fn rows(batch: &Batch) -> String {
    // Writing to a `String` cannot fail.
    let mut sql = String::new();
    let clients = sql::client_columns::<Postgres>();
    if !batch.names.is_empty() {
        let names = array(batch.names.iter().map(hex));
        let names = format!(
            "any((select pg_catalog.array_agg(pg_catalog.convert_from(\
             pg_catalog.decode(name, 'hex'), 'UTF8')) from unnest({names}::text[]) as name)::text[])"
        );
        let _ = write!(
            sql,
            "select {clients}, 'client' from keygate.clients c where c.name = {names}; \
             select key_id, 'key of a client' from keygate.keys where client = {names}; "
        );
    }
    if !batch.key_ids.is_empty() {
        let (keys, key_ids) = (sql::key_columns::<Postgres>(), array(batch.key_ids.iter()));
        let _ = write!(
            sql,
            "select {clients}, 'client' from keygate.clients c where c.name in \
             (select k.client from keygate.keys k where k.key_id = any({key_ids}::text[])); \
             select {keys}, 'key' from keygate.keys k where k.key_id = any({key_ids}::text[]); "
        );
    }
    sql
}

/// The rows of a poll.
pub(super) struct PollResponse {
    pub(super) probed: ProbeResult,
    events: Vec<PgRow>,
    clients: Vec<PgRow>,
    keys_of_clients: Vec<PgRow>,
    keys: Vec<PgRow>,
}

/// Polls in one round trip.
pub(super) async fn poll(
    connection: &mut PgConnection,
    probe: &ServerProbe,
    last: &Position,
    batch: &Batch,
) -> Result<PollResponse, SessionError> {
    let probe = probe.statement(&last.recent);
    let sql = format!("{SNAPSHOT}{SETTINGS}{probe}{}{}", events(last), rows(batch));
    let rows = raw_sql(AssertSqlSafe(sql)).fetch_all(connection).await?;
    let mut probed = None;
    let [mut events, mut clients, mut keys_of_clients, mut keys] = [const { Vec::new() }; 4];
    for row in rows {
        match query_name(&row)? {
            "probe" => probed = Some(ProbeResult::read(&row, last.recent.clone())?),
            "event" => events.push(row),
            "client" => clients.push(row),
            "key of a client" => keys_of_clients.push(row),
            _ => keys.push(row),
        }
    }
    let probed = probed
        .ok_or_else(|| SessionError::new("PostgreSQL sent an incomplete response to a poll"))?;
    Ok(PollResponse { probed, events, clients, keys_of_clients, keys })
}

/// Returns the last column, which names the query.
fn query_name(row: &PgRow) -> Result<&str, Error> {
    row.try_get(row.len().saturating_sub(1))
}

impl PollResponse {
    /// Queues the changes of the events, and remembers the most recent events.
    pub(super) fn queue_changes(&mut self, queue: &mut ChangeQueue) -> Result<(), Error> {
        for row in &self.events {
            self.probed.position.recent.add(row)?;
            queue.add(row)?;
        }
        queue.reload |= self.events.len() > MAX_EVENTS;
        Ok(())
    }

    /// Serves the rows.
    pub(super) fn apply(&self, state: &mut FollowerState, batch: Batch) -> Result<(), Error> {
        let FollowerState { shared, clients, refused, queue, has_changed, .. } = state;
        let Batch { names, key_ids } = batch;
        let mut removed = names.iter().map(String::as_str).collect::<BTreeSet<_>>();
        for row in &self.clients {
            // A client without a name has no keys.
            let Ok(client) = Cursor::new(row).client() else { continue };
            removed.remove(client.row.profile.name());
            clients.insert(client);
        }
        for name in removed {
            clients.remove(name);
        }
        for row in &self.keys_of_clients {
            queue.add_key(row)?;
        }
        if key_ids.is_empty() {
            return Ok(());
        }
        let mut changes = BTreeMap::new();
        for key_id in key_ids {
            refused.remove(key_id.prefix());
            changes.insert(key_id.prefix(), None);
        }
        let mut keys = self.keys.iter().map(decode_key).collect();
        add_clients(&mut keys, clients, refused, |row, status| {
            changes.insert(row.prefix(), Some((row, status)));
        });
        *has_changed = true;
        // Counted before it is served, so that a visible change is always counted.
        refused.report(&mut shared.lock_health());
        shared.lock_health().clients = clients.len();
        shared.change(refused.take_changed(), |table| {
            let mut edit = table.edit();
            edit.apply(changes.into_iter().collect());
            edit.publish();
        });
        Ok(())
    }
}
