//! What a poll reads of what has changed.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{Error, Postgres, Row as _, SqlSafeStr, query};

use super::clients::Clients;
use super::fault::Fault;
use super::follower::Follower;
use super::history::{Newest, Position, Visible};
use super::pending::Pending;
use super::rows::{self, Key, replica_columns};
use crate::store::postgres::columns::{client_columns, client_row};

/// A statement that a pooler may send to the server by any of its connections, which know none of another's
/// names. It is used within one transaction.
pub(super) fn unnamed<'q>(sql: impl SqlSafeStr) -> Query<'q, Postgres, PgArguments> {
    query(sql).persistent(false)
}

/// More events than these are taken for a change of all.
const MOST_EVENTS: usize = 200_000;

/// What was not visible before: transactions commit in another order than that of their numbers, and those
/// of their events. None that is visible has a number from the next one on, unless it came with a dump of
/// another cluster, which had counted further. A database that went back in time gives numbers of transactions
/// again, but of nothing that is followed are those of events.
const EVENTS: &str = "
select seq, txid::text, at::text, action, client, key_id from (
    select * from keygate.events where txid >= $1::text::xid8 and txid < $2::text::xid8
    union select * from keygate.events where txid = any($3::text[]::xid8[])
    union select * from keygate.events where seq > $4
) e order by e.txid, e.seq limit 200001";

/// Notes what has changed, and which events came last.
pub(super) async fn events(
    connection: &mut PgConnection,
    last: &Position,
    now: &Visible,
    pending: &mut Pending,
) -> Result<Newest, Error> {
    let mut newest = last.newest.clone();
    let mut count = 0;
    let note = |row: PgRow| {
        count += 1;
        newest.add(&row)?;
        pending.add(&row)
    };
    let [from, to] = [&last.visible, now].map(|visible| visible.next.to_string());
    let events = unnamed(EVENTS).bind(from).bind(to).bind(&last.visible.running);
    events.bind(last.newest.greatest).try_map(note).fetch_all(connection).await?;
    pending.all |= count > MOST_EVENTS;
    Ok(newest)
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
        unnamed(KEYS_OF).bind(&names).try_map(add).fetch_all(&mut *connection).await?;
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
    unnamed(CLIENTS).bind(names).try_map(put).fetch_all(connection).await?;
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
    unnamed(KEYS).bind(key_ids).try_map(read).fetch_all(connection).await
}
