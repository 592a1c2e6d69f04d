//! The probe of each poll: identifies the database, and finds out which of its transactions are visible.

use std::fmt::Display;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Error, Row as _, raw_sql};

use super::connection::SessionError;
use super::history::{Position, RecentEvents, VisibleTransactions};
use crate::store::postgres::error::code;
use crate::store::postgres::settings::local_settings;

/// The cluster, and its timeline, which changes when a standby is promoted.
const SYSTEM: &str = "(select system_identifier::text from pg_catalog.pg_control_system())";
const TIMELINE: &str = "case when not pg_catalog.pg_is_in_recovery() then pg_catalog.left(\
                        pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8) end";

/// The start time of the server, used if it does not permit these two: a running server does not go back in time.
const STARTED: &str = "pg_catalog.pg_postmaster_start_time()::text";

/// Whether keygate's triggers send no notifications, because unread ones fill the queue.
const QUEUE: &str = "pg_catalog.pg_notification_queue_usage() > 0.01";

/// The settings of polls and loads. Sequential scans are disabled, so that each query of a poll uses an index whatever
/// the planner's statistics. The role's timeouts do not apply, since polls have their own.
///
/// Statements are unnamed and not in a transaction block: a pooler may send each message over another
/// connection, and a failed message leaves nothing behind.
pub(super) const SETTINGS: &str = concat!(
    local_settings!(),
    "set local enable_seqscan = off; set local jit = off; set local bytea_output = hex; \
     set local statement_timeout = 0; set local lock_timeout = 0; "
);

/// The expressions of the probe that the server permits.
pub(super) struct ServerProbe {
    /// Identifies the cluster.
    database: String,
    /// A value that changes when events may be missing.
    feed: String,
    queue: &'static str,
    /// Whether servers behind the same address cannot be told apart.
    pub(super) is_blind: bool,
}

/// The result of a probe.
pub(super) struct ProbeResult {
    pub(super) position: Position,
    /// Whether a recent event is missing.
    pub(super) lost_events: bool,
    /// Whether the notification queue is known to be filling up.
    pub(super) is_queue_high: bool,
}

impl ServerProbe {
    /// Finds out which expressions the server permits: some managed servers and some owners revoke the right to call
    /// these functions.
    pub(super) async fn new(connection: &mut PgConnection) -> Result<Self, Error> {
        let system = if_permitted(connection, SYSTEM).await?;
        let timeline = if_permitted(connection, TIMELINE).await?;
        let is_identified = system.is_some() && timeline.is_some();
        let started = if is_identified { None } else { if_permitted(connection, STARTED).await? };
        let or_null = |part: Option<&'static str>| part.unwrap_or("null").to_owned();
        let database = format!("{}, {}", or_null(system), or_null(timeline));
        let queue = if_permitted(connection, QUEUE).await?.unwrap_or("null::boolean");
        let is_blind = !is_identified && started.is_none();
        Ok(Self { database, feed: or_null(started), queue, is_blind })
    }

    /// Returns the query of the probe, whose row ends with `probe`.
    pub(super) fn statement(&self, recent: &RecentEvents) -> String {
        let Self { database, feed, queue, .. } = self;
        let events = &recent.events;
        let seqs = array(events.iter().map(|event| event.seq));
        let txids = array(events.iter().map(|event| event.txid));
        let times = array(events.iter().map(|event| format!("{:016x}", event.at)));
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
                {queue}, 'probe'
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

impl ProbeResult {
    /// Reads the row of a probe for these events.
    pub(super) fn read(row: &PgRow, recent: RecentEvents) -> Result<Self, SessionError> {
        if row.try_get(0)? {
            return Err(SessionError::new(
                "the PostgreSQL server is a standby, which a replica does not follow",
            ));
        }
        let triggers: i64 = row.try_get(1)?;
        if triggers < TRIGGERS {
            return Err(SessionError::lasting(
                "triggers of keygate's tables are missing or disabled, so the replica would miss \
                 changes: `alter table ... enable trigger user` (a restore creates them last)",
            ));
        }
        let visible = VisibleTransactions::parse(row.try_get(4)?)
            .ok_or_else(|| SessionError::new("PostgreSQL sent no valid transaction snapshot"))?;
        let (database, feed) = (row.try_get(2)?, row.try_get(3)?);
        let found: i64 = row.try_get(5)?;
        let lost_events = usize::try_from(found) != Ok(recent.events.len());
        let is_queue_high = row.try_get::<Option<bool>, _>(6)? == Some(true);
        let position = Position { database, feed, visible, recent };
        Ok(Self { position, lost_events, is_queue_high })
    }
}

/// Formats an array literal of numbers or hex digits.
pub(super) fn array(items: impl Iterator<Item = impl Display>) -> String {
    let items = items.map(|item| format!("\"{item}\"")).collect::<Vec<_>>();
    format!("'{{{}}}'", items.join(","))
}

/// Returns the expression if the server evaluates it.
async fn if_permitted(
    connection: &mut PgConnection,
    expression: &'static str,
) -> Result<Option<&'static str>, Error> {
    let sql = format!("{}select {expression}", local_settings!());
    match raw_sql(AssertSqlSafe(sql)).execute(connection).await {
        Ok(_) => Ok(Some(expression)),
        // Not permitted, not in this state, not supported, no such function (appendix A of
        // PostgreSQL's manual).
        Err(error)
            if matches!(code(&error).as_deref(), Some("42501" | "55000" | "0A000" | "42883")) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The number of triggers that write events, on the tables of clients and keys.
const TRIGGERS: i64 = 8;
