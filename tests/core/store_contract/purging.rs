//! Stores that break one rule of purges.

use std::sync::Arc;

use keygate::KeyId;
use keygate::manage::{KeyFacts, KeyInfo, PurgeKeys};
use keygate::testing::manage_contract;

use crate::managing::model::{Change, Changed, Model};
use crate::store_contract::failure;
use crate::store_contract::naive::{Fault, Naive, make};

pub(crate) const RULES: &[&str] = &["change_during_a_purge_is_kept"];

/// A store that alters the model after a purge, which returned these keys.
fn after(alter: fn(&mut Model, &PurgeKeys, &mut Vec<KeyInfo>)) -> Fault {
    make(move |model, change, now| {
        let mut made = model.make(change.clone(), now)?;
        if let (Change::Purge(purge), Changed::Purged(keys)) = (&change, &mut made) {
            alter(model, purge, keys);
        }
        Ok(made)
    })
}

/// Stores with one fault, and the start of the message.
pub(crate) fn faults() -> Vec<(&'static str, Fault)> {
    vec![
        // A dry run is a purge.
        ("purged_key_is_gone_and_unknown", {
            after(|model, _, keys| {
                let ids = keys.iter().map(|key| key.key_id).collect::<Vec<KeyId>>();
                model.keys.retain(|key| !ids.contains(&key.key_id()));
            })
        }),
        // Only the ids of the keys are returned.
        ("purged_key_is_gone_and_unknown: the result", {
            after(|_, _, keys| {
                for key in keys {
                    *key = KeyInfo::new(key.key_id, "App 1");
                }
            })
        }),
        ("key_that_may_work_is_never_purged", {
            after(|model, purge, _| {
                if !purge.is_dry_run() && *purge != PurgeKeys::new() {
                    model.keys.retain(|key| key.replaced_by.is_none());
                }
            })
        }),
        // All successors are forgotten.
        ("key_that_may_work_is_never_purged: the successor", {
            after(|model, _, keys| {
                for key in model.keys.iter_mut().filter(|_| !keys.is_empty()) {
                    key.replaced_by = None;
                }
            })
        }),
        ("purged_key_cannot_be_added_again", after(|model, _, _| model.purged.clear())),
        // The successor of a key that begins later is removed.
        ("successor_of_a_key_that_works_is_kept: the successor of a key that begins later", {
            after(|model, _, keys| {
                let begins_later = |key: &&KeyFacts| key.lifetime.not_before().is_some();
                let later = model.keys.iter().filter(begins_later);
                let ids = later.filter_map(|key| key.replaced_by).collect::<Vec<_>>();
                let successors = model.keys.iter().filter(|key| ids.contains(&key.key_id()));
                keys.extend(successors.map(|key| key.clone().info(true)));
                model.keys.retain(|key| !ids.contains(&key.key_id()));
            })
        }),
        // A key that works no longer names its successor.
        ("successor_of_a_key_that_works_is_kept", {
            after(|model, purge, _| {
                let ended = |key: &&KeyFacts| key.revoked.is_some();
                let ids = model.keys.iter().filter(ended).map(KeyFacts::key_id);
                let ids = ids.collect::<Vec<_>>();
                for key in model.keys.iter_mut().filter(|_| *purge != PurgeKeys::new()) {
                    key.replaced_by = key.replaced_by.filter(|id| !ids.contains(id));
                }
            })
        }),
    ]
}

#[tokio::test]
async fn faulty_purge_fails_with_the_name_of_the_rule() {
    for (rule, fault) in faults() {
        let contract = manage_contract(async |clock| Naive::new(fault.clone(), clock));
        let message = failure(contract).await;
        assert!(message.starts_with(rule), "{rule} expected: {message}");
    }
}

/// Replaces the model with a purged copy, and so loses concurrent changes.
#[tokio::test]
async fn purge_of_a_copy_fails() {
    let steps = |naive: Naive, change: Change| {
        let is_purge = matches!(change, Change::Purge(_));
        is_purge.then(|| -> crate::store_contract::naive::Making<Changed> {
            Box::pin(async move {
                let mut copy = naive.model().clone();
                tokio::task::yield_now().await;
                let made = copy.make(change, naive.now())?;
                *naive.model() = copy;
                Ok(made)
            })
        })
    };
    let fault = Fault { steps: Arc::new(steps), ..Fault::default() };
    let message = failure(manage_contract(async |clock| Naive::new(fault.clone(), clock))).await;
    assert!(message.starts_with(RULES[0]), "{message}");
}
