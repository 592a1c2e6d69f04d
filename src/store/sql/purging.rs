use std::collections::{BTreeSet, HashMap};

use super::read_back::{self, Written, not_kept};
use super::row::{BadRow, KeyRow};
use super::tombstones;
use super::transaction::{Database, Transaction};
use crate::key::KeyId;
use crate::manage::{KeyFacts, KeyInfo, ManageError, PurgeKeys, Purged, rules};

pub(in crate::store) async fn purge_keys<D: Database>(
    database: &D,
    purge: PurgeKeys,
) -> Result<Vec<KeyInfo>, ManageError> {
    let now = database.now();
    let mut transaction =
        if purge.is_dry_run() { database.read().await? } else { database.write().await? };
    let (with_revoked, expired) = purge.limits(now);
    let ended = tombstones::ended_keys(&mut transaction, with_revoked, expired).await?;
    let is_selected = |key: &KeyRow| purge.selects(&key.clone().info(), now);
    let ended = readable(ended).filter(is_selected).collect::<Vec<_>>();
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    // Every change of a key locks its client first. The keys are read again, since they may have changed before they
    // were locked.
    let clients = ended.iter().map(|key| key.facts.client.clone()).collect::<BTreeSet<_>>();
    tombstones::lock_clients(&mut transaction, clients.into_iter().collect()).await?;
    let ids = ended.iter().map(|key| key.facts.key_id().to_string()).collect::<Vec<_>>();
    let mut keys = HashMap::<KeyId, KeyRow>::new();
    let ended = readable(transaction.keys_by_id(ids.clone()).await?).filter(is_selected);
    for key in ended.chain(
        readable(tombstones::keys_replaced_by(&mut transaction, ids).await?).collect::<Vec<_>>(),
    ) {
        keys.insert(key.facts.key_id(), key);
    }
    let facts = keys.values().map(|key| key.facts.clone()).collect();
    let Purged { removed, changed } = rules::purge(facts, &purge, now);
    if !purge.is_dry_run() && !removed.is_empty() {
        tombstones::forget_successors(&mut transaction, &changed).await?;
        if tombstones::bury(&mut transaction, &removed).await? != removed.len() {
            let found = "the tombstone of a purged key is missing".to_owned();
            return Err(not_kept(&mut transaction, found).await.into());
        }
        read_back::commit(transaction, &[Written::Purged(&removed), Written::Keys(&changed)])
            .await?;
    }
    let info = |key: KeyFacts| {
        let enabled = keys[&key.key_id()].enabled;
        key.info(enabled)
    };
    let mut removed = removed.into_iter().map(info).collect::<Vec<_>>();
    removed.sort_by(KeyInfo::in_list_order);
    Ok(removed)
}

/// Skips rows that cannot be read: lists report them, and an operator can repair them.
fn readable(rows: Vec<Result<KeyRow, BadRow>>) -> impl Iterator<Item = KeyRow> {
    rows.into_iter().filter_map(Result::ok)
}
