//! Whether the database is the one that it was, and what of it is visible.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Error, Row as _, raw_sql};

use super::fault::Fault;
use super::history::{Position, Visible};
use super::poll::unnamed;
use crate::store::postgres::error::code;

/// The cluster, and its timeline, which a standby that takes over changes.
const SYSTEM: &str = "(select system_identifier::text from pg_control_system())";
const TIMELINE: &str = "case when not pg_is_in_recovery() \
                        then left(pg_walfile_name(pg_current_wal_lsn()), 8) end";

/// In their place: as long as a server runs, it is one and goes on.
const STARTED: &str = "pg_postmaster_start_time()::text";

/// The question of each poll, as far as the server answers it.
pub(super) struct Look {
    sql: String,
    /// Whether nothing tells one server from another that answers at the same address.
    pub(super) is_blind: bool,
}

/// The answer to it.
pub(super) struct Seen {
    pub(super) position: Position,
    /// Whether something that was seen is not there any more.
    pub(super) lost: bool,
}

impl Look {
    /// Finds out what this server tells: some managed ones, and some whose owner took rights away
    /// from everyone, keep parts to themselves.
    pub(super) async fn find(connection: &mut PgConnection) -> Result<Self, Error> {
        let system = told(connection, SYSTEM).await?;
        let timeline = told(connection, TIMELINE).await?;
        let is_named = system.is_some() && timeline.is_some();
        let started = if is_named { None } else { told(connection, STARTED).await? };
        let sql = look(system, timeline, started);
        Ok(Self { sql, is_blind: !is_named && started.is_none() })
    }

    /// Looks, in the transaction in which all else is read.
    pub(super) async fn ask(
        &self,
        connection: &mut PgConnection,
        before: Option<&Position>,
    ) -> Result<Seen, Fault> {
        let newest = before.map(|before| before.newest.clone()).unwrap_or_default();
        let look = unnamed(AssertSqlSafe(self.sql.as_str()));
        let look = look.bind(&newest.seqs).bind(&newest.txids).bind(&newest.times);
        let row = look.fetch_one(connection).await?;
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
        Ok(Seen { position: Position { database, feed, visible, newest }, lost })
    }
}

/// The part, if the server answers to it.
async fn told(
    connection: &mut PgConnection,
    part: &'static str,
) -> Result<Option<&'static str>, Error> {
    match raw_sql(AssertSqlSafe(format!("select {part}"))).execute(connection).await {
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

fn look(system: Option<&str>, timeline: Option<&str>, started: Option<&str>) -> String {
    let [system, timeline, started] =
        [system, timeline, started].map(|part| part.unwrap_or("null"));
    // A trigger that was disabled and enabled again has another `xmin`.
    format!(
        "select pg_is_in_recovery(), triggers.live,
            concat_ws('/', {system}, {timeline},
                (select oid from pg_database where datname = current_database()),
                to_regclass('keygate.events')::oid, to_regclass('keygate.keys')::oid,
                to_regclass('keygate.clients')::oid),
            concat_ws('/', {started}, triggers.state),
            pg_current_snapshot()::text,
            (select count(*) from unnest($1::bigint[], $2::text[], $3::text[]) as seen (seq, txid, at)
                join keygate.events e on e.seq = seen.seq
                    and e.txid = seen.txid::xid8 and e.at::text = seen.at)
        from (
            select string_agg(concat_ws(':', oid, xmin, tgenabled), ',' order by oid) as state,
                count(*) filter (where tgenabled in ('O', 'A')
                    and tgname in ('inserted', 'updated', 'deleted', 'truncated')) as live
            from pg_trigger
            where tgrelid in (to_regclass('keygate.clients'), to_regclass('keygate.keys'))
                and not tgisinternal
        ) as triggers"
    )
}
