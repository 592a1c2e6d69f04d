//! Reads changes back: a change that a trigger or a rule undid or rewrote must not be reported as done.

use std::collections::HashMap;

use super::columns::KEYS;
use super::error::DatabaseError;
use super::row::{BadRow, KeyRow, PartialRow};
use super::transaction::Transaction;
use crate::error::StoreError;
use crate::manage::{ClientFacts, KeyFacts};

/// The number of rows to read back at once.
const BATCH: usize = 5_000;

/// The parts of a change that must be the same when read back.
#[derive(Clone, Copy)]
pub(super) enum Written<'a> {
    Clients(&'a [ClientFacts]),
    Keys(&'a [KeyFacts]),
    /// A client that was enabled or disabled. Other columns may be invalid.
    Client(&'a PartialRow<ClientFacts>),
    /// A key that was revoked. Other columns may be invalid.
    Key(&'a PartialRow<KeyRow>),
    Removed {
        client: &'a str,
    },
    Purged(&'a [KeyFacts]),
}

#[derive(Debug, thiserror::Error)]
enum NotKept {
    #[error("nothing was changed: {found}; {}", cause(.suspects))]
    RolledBack { found: String, suspects: Vec<String> },
    #[error(
        "the change was committed and then read back differently: {found}; {}, or somebody else changed it \
         meanwhile: list keys and clients before you repeat it",
        cause(.suspects)
    )]
    Committed { found: String, suspects: Vec<String> },
    #[error(
        "the change was committed, but triggers may have undone it, and it could not be read back: {0}; \
         list keys and clients before you repeat it"
    )]
    Unreadable(DatabaseError),
}

fn cause(suspects: &[String]) -> String {
    match suspects {
        [] => "the database undoes or rewrites the change".to_owned(),
        suspects => format!("{} may undo or rewrite changes", suspects.join(", ")),
    }
}

/// Returns the error for an uncommitted change that was not kept. Dropping the transaction rolls it back.
pub(in crate::store) async fn not_kept(
    transaction: &mut impl Transaction,
    found: String,
) -> StoreError {
    match transaction.foreign_triggers().await {
        Ok(suspects) => StoreError::new(NotKept::RolledBack { found, suspects }),
        Err(error) => error,
    }
}

/// Commits a change after it was read back. If triggers may run during the commit, reads it back again afterwards.
pub(super) async fn commit(
    mut transaction: impl Transaction,
    written: &[Written<'_>],
) -> Result<(), StoreError> {
    check(&mut transaction, written).await?;
    let Some(mut after) = transaction.commit().await? else { return Ok(()) };
    let found = match difference(&mut after, written).await {
        Ok(None) => after.missing_events().await,
        found => found,
    };
    if let Some(found) = found.map_err(not_read_back)? {
        let suspects = after.foreign_triggers().await.unwrap_or_default();
        return Err(StoreError::new(NotKept::Committed { found, suspects }));
    }
    after.commit().await.map_err(not_read_back).map(drop)
}

/// Returns the error for a committed change that triggers may have undone and that cannot be read.
#[allow(clippy::needless_pass_by_value)] // For `map_err`.
pub(in crate::store) fn not_read_back(error: StoreError) -> StoreError {
    StoreError::new(NotKept::Unreadable(error.into()))
}

/// Checks, before the commit, that a change was written as intended.
pub(super) async fn check(
    transaction: &mut impl Transaction,
    written: &[Written<'_>],
) -> Result<(), StoreError> {
    match difference(transaction, written).await? {
        Some(found) => Err(not_kept(transaction, found).await),
        None => Ok(()),
    }
}

/// Describes the first difference between the database and a change.
async fn difference(
    transaction: &mut impl Transaction,
    written: &[Written<'_>],
) -> Result<Option<String>, StoreError> {
    for written in written {
        let found = match *written {
            Written::Clients(clients) => clients_difference(transaction, clients).await?,
            Written::Keys(keys) => keys_difference(transaction, keys).await?,
            Written::Client(client) => {
                let found = transaction.partial_client(client.row.profile.name()).await?;
                client_difference(&client.row, readable(found, client)?.as_ref())
            }
            Written::Key(key) => {
                let found = transaction.partial_key(key.row.facts.key_id()).await?;
                let found = readable(found, key)?.map(|found| found.facts);
                key_difference(&key.row.facts, found.as_ref())
            }
            Written::Removed { client } => {
                let is_kept = transaction.partial_client(client).await?.is_none()
                    && transaction.keys(Some(client)).await?.is_empty();
                (!is_kept).then(|| {
                    format!("the client `{client}` or one of its keys exists after it was deleted")
                })
            }
            Written::Purged(keys) => {
                let ids = keys.iter().map(|key| key.key_id().to_string()).collect();
                let is_kept = transaction.keys_by_id(ids).await?.is_empty();
                (!is_kept).then(|| "a key exists after it was purged".to_owned())
            }
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Returns the valid columns of a row whose other columns were invalid before.
fn readable<T>(
    found: Option<PartialRow<T>>,
    written: &PartialRow<T>,
) -> Result<Option<T>, StoreError> {
    let Some(found) = found else { return Ok(None) };
    Ok(Some(if written.error.is_some() { found.row } else { found.complete()? }))
}

async fn clients_difference(
    transaction: &mut impl Transaction,
    written: &[ClientFacts],
) -> Result<Option<String>, StoreError> {
    for written in written.chunks(BATCH) {
        let names = written.iter().map(|client| client.profile.name().to_owned()).collect();
        let found = transaction.clients_by_name(names).await?;
        let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
        let found = found.iter().map(|client| (client.profile.name(), client));
        let found = found.collect::<HashMap<_, _>>();
        let difference = |client: &ClientFacts| {
            client_difference(client, found.get(client.profile.name()).copied())
        };
        if let Some(found) = written.iter().find_map(difference) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

async fn keys_difference(
    transaction: &mut impl Transaction,
    written: &[KeyFacts],
) -> Result<Option<String>, StoreError> {
    for written in written.chunks(BATCH) {
        let ids = written.iter().map(|key| key.key_id().to_string()).collect();
        let found = transaction.keys_by_id(ids).await?;
        let found = found.into_iter().collect::<Result<Vec<_>, BadRow>>()?;
        let found = found.iter().map(|key| (key.facts.key_id(), &key.facts));
        let found = found.collect::<HashMap<_, _>>();
        let difference = |key: &KeyFacts| key_difference(key, found.get(&key.key_id()).copied());
        if let Some(found) = written.iter().find_map(difference) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn client_difference(written: &ClientFacts, found: Option<&ClientFacts>) -> Option<String> {
    let name = written.profile.name();
    match found {
        None => Some(format!("the client `{name}` is missing after it was added")),
        Some(found) if found != written => {
            Some(format!("the client `{name}` differs from what was written"))
        }
        Some(_) => None,
    }
}

fn key_difference(written: &KeyFacts, found: Option<&KeyFacts>) -> Option<String> {
    let key_id = written.key_id();
    let Some(found) = found else {
        return Some(format!("the key {key_id} is missing after it was added"));
    };
    let column = KEYS.columns.iter().find(|column| column.differs(written, found))?;
    Some(format!("`{}` of the key {key_id} differs from what was written", column.name))
}
