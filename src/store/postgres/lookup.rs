//! The one statement of a lookup.

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row as _, raw_sql};

use super::columns::{Columns, client_columns, client_row, digest, time};
use super::connections::Lease;
use super::error::unavailable;
use super::server::{Server, server_columns};
use super::settings::{hex, local_settings};
use crate::error::StoreError;
use crate::key::KeyState;
use crate::store::KeyRecord;
use crate::store::sql::BadRow;

/// A row comes in any case, and says which server responds. A key whose client is not found is told
/// from no key.
macro_rules! select {
    ($digest:literal) => {
        concat!(
            "select k.digest, k.algorithm, pg_catalog.timestamptz_send(k.expires), \
             k.revoked is not null, ",
            client_columns!(),
            ", ",
            server_columns!(),
            " from (select) as one left join keygate.keys k on k.digest = ",
            $digest,
            " left join keygate.clients c on c.name = k.client"
        )
    };
}

const SELECT: &str = select!("$1");
const CLIENT: usize = 4;
const SERVER: usize = 9;

/// Looks the digest up by a statement with a name, in one round trip once it is prepared.
pub(super) async fn find(lease: &mut Lease, digest: &[u8; 32]) -> Result<PgRow, sqlx::Error> {
    sqlx::query(SELECT).bind(&digest[..]).fetch_one(&mut **lease).await
}

/// As [`find`], by one message that a pooler may send to the server by any of its connections.
pub(super) async fn find_unprepared(
    lease: &mut Lease,
    digest: &[u8; 32],
) -> Result<PgRow, sqlx::Error> {
    const PARTS: (&str, &str) = (
        concat!(local_settings!(), "set local bytea_output = hex; "),
        select!("pg_catalog.decode('{}', 'hex')"),
    );
    let sql = format!("{}{}", PARTS.0, PARTS.1.replacen("{}", &hex(digest), 1));
    raw_sql(AssertSqlSafe(sql)).fetch_one(&mut **lease).await
}

/// The record in the row of a lookup, if there is one.
pub(super) fn record(row: &PgRow, server: &Server) -> Result<Option<KeyRecord>, StoreError> {
    server.check(row, SERVER)?;
    if matches!(row.bytes(0), Ok(None)) {
        return Ok(None);
    }
    let digest = digest(row, 0, 1)?;
    let key_id = digest.key_id();
    let expires = time(row, 2, key_id, "expires")?;
    let is_revoked: bool = row.try_get(3).map_err(unavailable)?;
    if matches!(row.text(CLIENT), Ok(None)) {
        return Err(BadRow::key(key_id, "its client is not there").into());
    }
    let client = client_row(row, CLIENT)?;
    let state = match (is_revoked, client.enabled) {
        (true, _) => KeyState::Revoked,
        (false, false) => KeyState::Disabled,
        (false, true) => KeyState::Active,
    };
    Ok(Some(KeyRecord::new(digest, client.profile).with_expiry(expires).with_state(state)))
}
