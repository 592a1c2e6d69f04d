//! What a poll asks, and what it reads of what has changed.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Error, Row as _, query};

use super::clients::Clients;
use super::fault::Fault;
use super::follower::Follower;
use super::history::{Newest, Position, Visible};
use super::pending::Pending;
use super::rows::{self, Key, replica_columns};
use crate::store::postgres::columns::{client_columns, client_row};

/// What names a database: the cluster and its timeline, the database and its tables.
const LOOK: &str = "
select pg_is_in_recovery(),
    concat_ws('/',
        (select system_identifier from pg_control_system()),
        case when not pg_is_in_recovery()
            then left(pg_walfile_name(pg_current_wal_lsn()), 8) end,
        (select oid from pg_database where datname = current_database()),
        to_regclass('keygate.events')::oid, to_regclass('keygate.keys')::oid,
        to_regclass('keygate.clients')::oid),
    pg_current_snapshot()::text,
    (select count(*) from unnest($1::bigint[], $2::text[], $3::text[]) as seen (seq, txid, at)
        join keygate.events e on e.seq = seen.seq
            and e.txid = seen.txid::xid8 and e.at::text = seen.at)";

/// The answer to a poll.
pub(super) struct Look {
    pub(super) database: String,
    pub(super) visible: Visible,
    pub(super) newest: Newest,
    /// Whether something that was seen is not there any more.
    pub(super) lost: bool,
}

pub(super) async fn look(
    connection: &mut PgConnection,
    last: Option<&Position>,
) -> Result<Look, Fault> {
    let newest = last.map(|last| last.newest.clone()).unwrap_or_default();
    let look = query(LOOK).bind(&newest.seqs).bind(&newest.txids).bind(&newest.times);
    let row = look.fetch_one(connection).await?;
    if row.try_get(0)? {
        return Err(Fault::new("PostgreSQL answers as a standby, which is not followed"));
    }
    let visible = Visible::parse(row.try_get(2)?);
    let visible = visible.ok_or_else(|| Fault::new("PostgreSQL answered with no snapshot"))?;
    let found: i64 = row.try_get(3)?;
    Ok(Look { database: row.try_get(1)?, visible, lost: found != newest.len(), newest })
}

/// More events than these are taken for a change of all.
const MOST_EVENTS: usize = 200_000;

/// Exactly what was not visible before: transactions commit in another order than that of their
/// numbers, and those of their events.
const EVENTS: &str = "
select seq, txid::text, at::text, action, client, key_id from keygate.events
where txid >= $1::text::xid8 or txid = any($2::text[]::xid8[]) limit 200001";

/// Notes what has changed, and says which events came last if there are any.
pub(super) async fn events(
    connection: &mut PgConnection,
    last: &Position,
    pending: &mut Pending,
) -> Result<Option<Newest>, Error> {
    let mut newest = Newest::default();
    let mut count = 0;
    let note = |row: PgRow| {
        count += 1;
        newest.add(&row)?;
        pending.add(&row)
    };
    let events = query(EVENTS).bind(last.visible.next.to_string()).bind(&last.visible.running);
    events.try_map(note).fetch_all(connection).await?;
    pending.all |= count > MOST_EVENTS;
    Ok((count > 0).then_some(newest))
}

const CLIENTS: &str =
    concat!("select ", client_columns!(), " from keygate.clients c where c.name = any($1)");

const KEYS_OF: &str = "select key_id from keygate.keys where client = any($1)";

const KEYS: &str =
    concat!("select ", replica_columns!(), " from keygate.keys k where k.key_id = any($1)");

/// Reads the rows of what is pending, as much as one turn takes, and serves them.
pub(super) async fn apply(
    connection: &mut PgConnection,
    follower: &mut Follower,
) -> Result<(), Fault> {
    let Follower { shared, clients, refused, pending, snapshot, .. } = follower;
    let names = pending.take_clients();
    if !names.is_empty() {
        read_clients(connection, &names, clients).await?;
        let add = |row: PgRow| pending.add_key(&row);
        query(KEYS_OF).bind(&names).try_map(add).fetch_all(&mut *connection).await?;
    }
    let key_ids = pending.take_keys();
    if key_ids.is_empty() {
        return Ok(());
    }
    let texts = key_ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut read = read_keys(connection, &texts, clients).await?;
    let unknown = read.iter().filter_map(|key| match key {
        Key::Unknown(_, client) => Some(client.clone()),
        _ => None,
    });
    let unknown = unknown.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>();
    if !unknown.is_empty() {
        read_clients(connection, &unknown, clients).await?;
        read = read_keys(connection, &texts, clients).await?;
    }
    let mut changes = BTreeMap::new();
    for key_id in key_ids {
        refused.remove(key_id.prefix());
        changes.insert(key_id.prefix(), None);
    }
    for key in read {
        match key {
            Key::Good(row, mark) => _ = changes.insert(row.prefix(), Some((row, mark))),
            Key::Bad(digest, bad) => refused.add(digest, bad),
            Key::Unknown(digest, _) => refused.add_orphan(digest),
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

async fn read_clients(
    connection: &mut PgConnection,
    names: &[String],
    clients: &mut Clients,
) -> Result<(), Error> {
    for name in names {
        clients.remove(name);
    }
    let put = |row: PgRow| {
        clients.put(row.try_get(0)?, client_row(&row, 0));
        Ok(())
    };
    query(CLIENTS).bind(names).try_map(put).fetch_all(connection).await?;
    Ok(())
}

async fn read_keys(
    connection: &mut PgConnection,
    key_ids: &[String],
    clients: &Clients,
) -> Result<Vec<Key>, Error> {
    let read = |row: PgRow| {
        Ok(match rows::unowned(&row) {
            Ok(key) => key.of(clients.get(key.client)),
            Err((digest, bad)) => Key::Bad(digest, bad),
        })
    };
    query(KEYS).bind(key_ids).try_map(read).fetch_all(connection).await
}
