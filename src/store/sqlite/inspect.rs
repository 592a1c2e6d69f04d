//! Looks for what could hide, delay or rewrite a change, without changing anything.

use super::connections::{Connections, Role};
use super::lease::Lease;
use super::options::SqliteOptions;
use crate::error::StoreError;
use crate::store::sql::{DatabaseError, DatabaseFinding};

/// The own triggers, each of which is needed.
macro_rules! own {
    () => {
        "('keygate_clients_inserted', 'keygate_clients_updated', 'keygate_clients_renamed', \
         'keygate_clients_deleted', 'keygate_keys_inserted', 'keygate_keys_updated', \
         'keygate_keys_renamed', 'keygate_keys_deleted', 'keygate_events_not_updated', \
         'keygate_events_not_deleted', 'keygate_events_not_replaced')"
    };
}

const COUNT: i64 = 11;

const OWN: &str =
    concat!("select count(*) from sqlite_schema where type = 'trigger' and name in ", own!());

const FOREIGN: &str = concat!(
    "select 'the trigger `' || name || '` on `' || tbl_name || '`' from sqlite_schema \
     where type = 'trigger' and tbl_name in \
     ('keygate_clients', 'keygate_keys', 'keygate_events', 'keygate_origin') and name not in ",
    own!(),
    " order by name"
);

pub(super) async fn inspect(options: SqliteOptions) -> Result<Vec<DatabaseFinding>, DatabaseError> {
    let connections = match Connections::open(options, false).await {
        Ok(connections) => connections,
        Err(error) => return Ok(vec![DatabaseFinding::of(error)?]),
    };
    let mut lease = connections.lease(Role::Reader).await?;
    let mut findings = Vec::new();
    triggers(&mut lease, &mut findings).await?;
    Ok(findings)
}

async fn triggers(
    lease: &mut Lease,
    findings: &mut Vec<DatabaseFinding>,
) -> Result<(), StoreError> {
    let foreign = foreign_triggers(lease).await?;
    if !foreign.is_empty() {
        let message = format!(
            "{} may undo or rewrite changes; a change that does not read back as made is rolled back",
            foreign.join(", ")
        );
        findings.push(DatabaseFinding::warning("triggers", message));
    }
    let own = sqlx::query_scalar::<_, i64>(OWN).fetch_one(lease.connection()?).await;
    if own.map_err(|error| lease.fault(error))? < COUNT {
        let message = "triggers of keygate are missing, so that changes are not noted in \
                       `keygate_events`: restore the tables, or export the keys into a new database";
        findings.push(DatabaseFinding::error("triggers-missing", message));
    }
    Ok(())
}

/// The triggers of others, each with its table.
pub(super) async fn foreign_triggers(lease: &mut Lease) -> Result<Vec<String>, StoreError> {
    let names = sqlx::query_scalar(FOREIGN).fetch_all(lease.connection()?).await;
    names.map_err(|error| lease.fault(error))
}
