//! A poll: what has changed, and the rows of what had changed before, in one message.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Error, Row as _, raw_sql};

use super::fault::Fault;
use super::follower::Follower;
use super::history::{Position, event_columns};
use super::pending::Pending;
use super::rows::{self, Key, replica_columns};
use super::server_probe::{Seen, ServerProbe, array};
use crate::key::KeyId;
use crate::store::postgres::columns::{client_columns, client_row};
use crate::store::postgres::settings::{hex, local_settings};

/// All that a poll reads is of one state of the database. The cost of a poll must not hang on what the
/// planner believes of the tables: what it looks for is always found by an index. Timeouts of the role are
/// not for polls, which have their own.
///
/// No statement has a name or a transaction block: a pooler may send each message to the server by another
/// connection, and a message that fails leaves nothing behind.
pub(super) const SETTINGS: &str = concat!(
    local_settings!(),
    "set local enable_seqscan = off; set local jit = off; set local bytea_output = hex; \
     set local statement_timeout = 0; set local lock_timeout = 0; "
);

const SNAPSHOT: &str = "set transaction isolation level repeatable read read only; ";

/// More events than these are taken for a change of all.
const MOST_EVENTS: usize = 200_000;

/// What was not visible before: transactions commit in another order than that of their numbers, and those
/// of their events. None that is visible has a number from the next one on, unless it came with a dump of
/// another cluster, which had counted further. A database that went back in time gives numbers of transactions
/// again, but of nothing that is followed are those of events.
fn events(last: &Position) -> String {
    let (next, greatest) = (last.visible.next, last.newest.greatest);
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

/// The clients and keys whose rows a poll reads.
pub(super) struct Wanted {
    names: Vec<String>,
    key_ids: BTreeSet<KeyId>,
}

impl Wanted {
    /// Takes as much of what is pending as one poll reads.
    pub(super) fn take(pending: &mut Pending) -> Self {
        Self { names: pending.take_clients(), key_ids: pending.take_keys() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.key_ids.is_empty()
    }

    /// The statements that read the rows; those of the keys' clients too, which may be new.
    fn statements(&self) -> String {
        // A text takes whatever is written to it.
        let mut sql = String::new();
        let clients = client_columns!();
        if !self.names.is_empty() {
            let names = array(self.names.iter().map(hex));
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
        if !self.key_ids.is_empty() {
            let (keys, key_ids) = (replica_columns!(unprepared), array(self.key_ids.iter()));
            let _ = write!(
                sql,
                "select {clients}, 'owner' from keygate.clients c where c.name in \
                 (select k.client from keygate.keys k where k.key_id = any({key_ids}::text[])); \
                 select {keys}, 'key' from keygate.keys k where k.key_id = any({key_ids}::text[]); "
            );
        }
        sql
    }
}

/// The rows of a poll.
pub(super) struct Polled {
    pub(super) seen: Seen,
    events: Vec<PgRow>,
    clients: Vec<PgRow>,
    keys_of_clients: Vec<PgRow>,
    owners: Vec<PgRow>,
    keys: Vec<PgRow>,
}

/// Polls in one round trip.
pub(super) async fn poll(
    connection: &mut PgConnection,
    look: &ServerProbe,
    last: &Position,
    wanted: &Wanted,
) -> Result<Polled, Fault> {
    let look = look.statement(&last.newest);
    let sql = format!("{SNAPSHOT}{SETTINGS}{look}{}{}", events(last), wanted.statements());
    let rows = raw_sql(AssertSqlSafe(sql)).fetch_all(connection).await?;
    let mut seen = None;
    let [mut events, mut clients, mut keys_of_clients, mut owners, mut keys] =
        [const { Vec::new() }; 5];
    for row in rows {
        match part(&row)? {
            "look" => seen = Some(Seen::read(&row, last.newest.clone())?),
            "event" => events.push(row),
            "client" => clients.push(row),
            "key of a client" => keys_of_clients.push(row),
            "owner" => owners.push(row),
            _ => keys.push(row),
        }
    }
    let seen = seen.ok_or_else(|| Fault::new("PostgreSQL answered to a part of a poll only"))?;
    Ok(Polled { seen, events, clients, keys_of_clients, owners, keys })
}

/// Which part of a message a row belongs to.
fn part(row: &PgRow) -> Result<&str, Error> {
    row.try_get(row.len().saturating_sub(1))
}

impl Polled {
    /// Notes what has changed, and which events came last.
    pub(super) fn note(&mut self, pending: &mut Pending) -> Result<(), Error> {
        for row in &self.events {
            self.seen.position.newest.add(row)?;
            pending.add(row)?;
        }
        pending.all |= self.events.len() > MOST_EVENTS;
        Ok(())
    }

    /// Serves the rows.
    pub(super) fn apply(&self, follower: &mut Follower, wanted: Wanted) -> Result<(), Error> {
        let Follower { shared, clients, refused, pending, snapshot, .. } = follower;
        let Wanted { names, key_ids } = wanted;
        for name in &names {
            clients.remove(name);
        }
        for row in &self.clients {
            clients.put(row.try_get(0)?, client_row(row, 0));
        }
        for row in &self.keys_of_clients {
            pending.add_key(row)?;
        }
        for row in &self.owners {
            let name = row.try_get(0)?;
            // Keys share the profile of a client that is known.
            if clients.get(name).is_none() {
                clients.put(name, client_row(row, 0));
            }
        }
        if key_ids.is_empty() {
            return Ok(());
        }
        let mut changes = BTreeMap::new();
        for key_id in key_ids {
            refused.remove(key_id.prefix());
            changes.insert(key_id.prefix(), None);
        }
        for row in &self.keys {
            let key = match rows::unowned(row) {
                Ok(key) => key.of(clients.get(key.client)),
                Err((digest, bad)) => Key::Bad(digest, bad),
            };
            match key {
                Key::Good(row, mark) => _ = changes.insert(row.prefix(), Some((row, mark))),
                Key::Bad(digest, bad) => refused.add(digest, bad),
                Key::Unknown(digest) => refused.add_orphan(digest),
            }
        }
        if let Some(snapshot) = snapshot {
            snapshot.changed();
        }
        // Told before it is served: who sees a change finds it counted.
        refused.tell(&mut shared.told());
        shared.told().clients = clients.len();
        shared.change(refused.changed(), |table| {
            let mut edit = table.edit();
            edit.apply(changes.into_iter().collect());
            edit.publish();
        });
        Ok(())
    }
}
