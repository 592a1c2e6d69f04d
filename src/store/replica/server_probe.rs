//! Whether the database is the one that it was, and what of it is visible.

use std::fmt::{Display, Write as _};

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Error, Row as _, raw_sql};

use super::fault::Fault;
use super::history::{Newest, Position, Visible};
use crate::store::postgres::error::code;
use crate::store::postgres::settings::local_settings;

/// The cluster, and its timeline, which a standby that takes over changes.
const SYSTEM: &str = "(select system_identifier::text from pg_catalog.pg_control_system())";
const TIMELINE: &str = "case when not pg_catalog.pg_is_in_recovery() then pg_catalog.left(\
                        pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8) end";

/// In their place: as long as a server runs, it is one and goes on.
const STARTED: &str = "pg_catalog.pg_postmaster_start_time()::text";

/// Whether others have not read so much of what was notified that wake-ups are left out.
const QUEUE: &str = "pg_catalog.pg_notification_queue_usage() > 0.01";

/// The question of each poll, as far as the server answers it.
pub(super) struct ServerProbe {
    /// What names the cluster, and what may change with the events that are not seen.
    database: String,
    feed: String,
    queue: &'static str,
    /// Whether nothing tells one server from another that answers at the same address.
    pub(super) is_blind: bool,
}

/// The answer to it.
pub(super) struct Seen {
    pub(super) position: Position,
    /// Whether something that was seen is not there any more.
    pub(super) lost: bool,
    /// Whether the server's queue of notifications is high, as far as it says.
    pub(super) is_queue_high: bool,
}

impl ServerProbe {
    /// Finds out what this server tells: some managed ones, and some whose owner took rights away
    /// from everyone, keep parts to themselves.
    pub(super) async fn find(connection: &mut PgConnection) -> Result<Self, Error> {
        let system = told(connection, SYSTEM).await?;
        let timeline = told(connection, TIMELINE).await?;
        let is_named = system.is_some() && timeline.is_some();
        let started = if is_named { None } else { told(connection, STARTED).await? };
        let part = |part: Option<&'static str>| part.unwrap_or("null").to_owned();
        let database = format!("{}, {}", part(system), part(timeline));
        let queue = told(connection, QUEUE).await?.unwrap_or("null::boolean");
        let is_blind = !is_named && started.is_none();
        Ok(Self { database, feed: part(started), queue, is_blind })
    }

    /// The statement that looks, whose row ends with `look`.
    pub(super) fn statement(&self, newest: &Newest) -> String {
        let Self { database, feed, queue, .. } = self;
        let times = newest.times.iter().map(|time| format!("{time:016x}"));
        let [seqs, txids, times] =
            [array(newest.seqs.iter()), array(newest.txids.iter()), array(times)];
        // A trigger that was disabled and enabled again has another `xmin`.
        format!(
            "select pg_catalog.pg_is_in_recovery(), triggers.live,
                pg_catalog.concat_ws('/', {database},
                    (select oid from pg_catalog.pg_database
                        where datname = pg_catalog.current_database()),
                    to_regclass('keygate.events')::oid, to_regclass('keygate.keys')::oid,
                    to_regclass('keygate.clients')::oid),
                pg_catalog.concat_ws('/', {feed}, triggers.state),
                pg_catalog.pg_current_snapshot()::text,
                (select pg_catalog.count(*)
                    from unnest({seqs}::bigint[], {txids}::xid8[], {times}::text[])
                        as seen (seq, txid, at)
                    join keygate.events e on e.seq = seen.seq and e.txid = seen.txid
                        and pg_catalog.timestamptz_send(e.at) = pg_catalog.decode(seen.at, 'hex')),
                {queue}, 'look'
            from (
                select pg_catalog.string_agg(
                        pg_catalog.concat_ws(':', oid, xmin, tgenabled), ',' order by oid) as state,
                    pg_catalog.count(*) filter (where tgenabled in ('O', 'A')
                        and tgname in ('inserted', 'updated', 'deleted', 'truncated')) as live
                from pg_catalog.pg_trigger
                where tgrelid in (to_regclass('keygate.clients'), to_regclass('keygate.keys'))
                    and not tgisinternal
            ) as triggers; "
        )
    }
}

impl Seen {
    /// Reads the row of a look for these events.
    pub(super) fn read(row: &PgRow, newest: Newest) -> Result<Self, Fault> {
        if row.try_get(0)? {
            return Err(Fault::new("PostgreSQL answers as a standby, which is not followed"));
        }
        let triggers: i64 = row.try_get(1)?;
        if triggers < TRIGGERS {
            return Err(Fault::lasting(
                "the triggers of the tables are missing or disabled, so that no change would be \
                 heard of: `alter table ... enable trigger user` (a restore makes them last)",
            ));
        }
        let visible = Visible::parse(row.try_get(4)?);
        let visible = visible.ok_or_else(|| Fault::new("PostgreSQL answered with no snapshot"))?;
        let (database, feed) = (row.try_get(2)?, row.try_get(3)?);
        let found: i64 = row.try_get(5)?;
        let lost = found != newest.len();
        let is_queue_high = row.try_get::<Option<bool>, _>(6)? == Some(true);
        Ok(Self { position: Position { database, feed, visible, newest }, lost, is_queue_high })
    }
}

/// An array in a statement, of numbers or texts of hex digits.
pub(super) fn array(numbers: impl Iterator<Item = impl Display>) -> String {
    let mut array = "'{".to_owned();
    for (index, number) in numbers.enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // A text takes whatever is written to it.
        let _ = write!(array, "{comma}\"{number}\"");
    }
    array + "}'"
}

/// The part, if the server answers to it.
async fn told(
    connection: &mut PgConnection,
    part: &'static str,
) -> Result<Option<&'static str>, Error> {
    match raw_sql(AssertSqlSafe(format!("{}select {part}", local_settings!())))
        .execute(connection)
        .await
    {
        Ok(_) => Ok(Some(part)),
        // Not permitted, not in this state, not supported, no such function (appendix A of
        // PostgreSQL's manual).
        Err(error) if matches!(code(&error), Some("42501" | "55000" | "0A000" | "42883")) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Those of clients and keys that write events.
const TRIGGERS: i64 = 8;
