//! The sequence that numbers events. Logical replication and data-only dumps copy rows without the state of the
//! sequence, which then returns numbers that are in use.

use sqlx::postgres::PgConnection;
use sqlx::{Row as _, raw_sql};

/// Returns whether this role may read and set the sequence.
const MAY_SET: &str = "
select pg_catalog.to_regclass('keygate.events_seq_seq') is not null
    and pg_catalog.has_sequence_privilege('keygate.events_seq_seq', 'select')
    and pg_catalog.has_sequence_privilege('keygate.events_seq_seq', 'update')";

const IS_BEHIND: &str = "
select s.last_value + s.is_called::int
    <= (select coalesce(pg_catalog.max(e.seq), 0) from keygate.events e)
from keygate.events_seq_seq s";

/// The lock keeps other sessions from inserting events meanwhile.
const SET: &str = "
lock table keygate.events in share row exclusive mode;
select pg_catalog.setval('keygate.events_seq_seq', pg_catalog.max(e.seq)) from keygate.events e";

/// Returns whether the next number is in use; `false` for a role that cannot set the sequence.
pub(super) async fn is_behind(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let may_set: bool = raw_sql(MAY_SET).fetch_one(&mut *connection).await?.try_get(0)?;
    if !may_set {
        return Ok(false);
    }
    raw_sql(IS_BEHIND).fetch_one(connection).await?.try_get(0)
}

/// Sets the sequence after the last number, if it is behind.
pub(super) async fn repair(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    if is_behind(connection).await? {
        raw_sql(SET).execute(connection).await?;
    }
    Ok(())
}
