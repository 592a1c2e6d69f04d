//! Reads changes back in their own transaction, so that none is reported as done that a trigger or a
//! rule has swallowed or rewritten.

use std::collections::HashMap;

use super::row::{BadRow, ClientRow, KeyRow};
use super::transaction::Transaction;
use crate::error::StoreError;
use crate::key::KeyId;

/// How many rows are read back at once.
const BATCH: usize = 5_000;

/// A change that does not read back as it was written.
#[derive(Debug, thiserror::Error)]
#[error("nothing was changed: {found}; {}", cause(.suspects))]
struct NotKept {
    found: String,
    suspects: Vec<String>,
}

fn cause(suspects: &[String]) -> String {
    match suspects {
        [] => "the database undoes or rewrites the change".to_owned(),
        suspects => format!("{} may undo or rewrite changes", suspects.join(", ")),
    }
}

/// The error for a change that was found not to be kept. Dropping the transaction takes it back.
pub(in crate::store) async fn not_kept(
    transaction: &mut impl Transaction,
    found: String,
) -> StoreError {
    match transaction.foreign_triggers().await {
        Ok(suspects) => StoreError::new(NotKept { found, suspects }),
        Err(error) => error,
    }
}

/// Checks that these clients are in the database as they were written.
pub(super) async fn clients(
    transaction: &mut impl Transaction,
    written: &[ClientRow],
) -> Result<(), StoreError> {
    for written in written.chunks(BATCH) {
        let names = written.iter().map(|client| client.profile.name()).collect::<Vec<_>>();
        let found = transaction.clients_named(&names).await?;
        let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
        let found = found.iter().map(|client| (client.profile.name(), client));
        let found = found.collect::<HashMap<_, _>>();
        for client in written {
            let name = client.profile.name();
            let why = match found.get(name) {
                None => "is not there",
                Some(found) if *found != client => "is another",
                Some(_) => continue,
            };
            let found = format!("the client `{name}` {why} after it was written");
            return Err(not_kept(transaction, found).await);
        }
    }
    Ok(())
}

/// Checks that these keys are in the database as they were written.
pub(super) async fn keys(
    transaction: &mut impl Transaction,
    written: &[KeyRow],
) -> Result<(), StoreError> {
    for written in written.chunks(BATCH) {
        let ids = written.iter().map(KeyRow::key_id).collect::<Vec<_>>();
        let found = transaction.keys_with(&ids).await?;
        let found = found.into_iter().collect::<Result<Vec<_>, BadRow>>()?;
        let found = found.iter().map(|key| (key.key_id(), key)).collect::<HashMap<_, _>>();
        for key in written {
            if let Some(found) = fault(key, found.get(&key.key_id()).copied()) {
                return Err(not_kept(transaction, found).await);
            }
        }
    }
    Ok(())
}

fn fault(written: &KeyRow, found: Option<&KeyRow>) -> Option<String> {
    let key_id = written.key_id();
    let Some(found) = found else {
        return Some(format!("the key {key_id} is not there after it was written"));
    };
    let columns = [
        ("digest", written.digest == found.digest),
        ("client", written.client == found.client),
        ("label", written.notes.label == found.notes.label),
        ("created", written.notes.created == found.notes.created),
        ("expires", written.expires == found.expires),
        ("revoked", written.notes.revoked == found.notes.revoked),
        ("replaced_by", written.notes.replaced_by == found.notes.replaced_by),
    ];
    let (column, _) = columns.into_iter().find(|(_, is_kept)| !is_kept)?;
    Some(column_fault(key_id, column))
}

/// Says which column of a key is not what was written.
pub(super) fn column_fault(key_id: KeyId, column: &str) -> String {
    format!("`{column}` of the key {key_id} is not what was written")
}
