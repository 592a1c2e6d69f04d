//! Stores that make one change correctly, but not several at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::SystemTime;

use keygate::KeyDigest;
use keygate::manage::KeyFacts;
use keygate::testing::manage_contract;

use crate::managing::model::{Change, Changed, Model};
use crate::store_contract::failure;
use crate::store_contract::naive::{Fault, Made, Making, Naive};

pub(crate) const RULES: &[&str] = &[
    "key_has_one_successor",
    "concurrent_changes_are_all_kept",
    "concurrent_policy_changes_are_all_kept",
    "rotation_is_atomic",
    "one_competing_change_succeeds",
];

/// Returns the message of the suite for a store that makes the changes of one kind in steps.
async fn failure_of(
    is_meant: fn(&Change) -> bool,
    steps: impl Fn(Naive, Change) -> Making<Changed> + Send + Sync + 'static,
) -> String {
    let steps = move |naive: Naive, change: Change| {
        is_meant(&change).then(|| -> Making<Changed> {
            let checked = naive.check(&naive.model(), &change);
            let steps = steps(naive, change);
            Box::pin(async move {
                checked?;
                steps.await
            })
        })
    };
    let fault = Fault { steps: Arc::new(steps), ..Fault::default() };
    failure(manage_contract(async |clock| Naive::new(fault.clone(), clock))).await
}

fn is_rotation(change: &Change) -> bool {
    matches!(change, Change::Rotate(..))
}

/// Makes a change to a copy of the model.
fn planned(model: &Model, change: &Change, now: SystemTime) -> Made<(Model, Changed)> {
    let mut planned = model.clone();
    let made = planned.make(change.clone(), now)?;
    Ok((planned, made))
}

/// Returns both keys as they are after a rotation.
fn rotated(plan: &Model, change: &Change) -> (KeyFacts, KeyFacts) {
    let Change::Rotate(old, new, _) = change else { panic!("no rotation") };
    let key =
        |is_it: &dyn Fn(&KeyFacts) -> bool| plan.keys.iter().find(|it| is_it(it)).unwrap().clone();
    (key(&|it| it.key_id() == *old), key(&|it| it.digest == new.digest()))
}

fn change_old(model: &mut Model, old: &KeyFacts, change: impl FnOnce(&mut KeyFacts)) {
    change(model.keys.iter_mut().find(|key| key.digest == old.digest).unwrap());
}

#[tokio::test]
async fn comparing_the_version_before_the_change_fails() {
    let is_update = |change: &Change| matches!(change, Change::UpdateKey(..));
    let message = failure_of(is_update, |naive, change| {
        Box::pin(async move {
            tokio::task::yield_now().await;
            naive.model().make(change, naive.now())
        })
    })
    .await;
    assert!(message.starts_with("one_competing_change_succeeds"), "{message}");
}

#[tokio::test]
async fn rotation_in_two_steps_fails() {
    for old_first in [true, false] {
        let message = failure_of(is_rotation, move |naive, change| {
            Box::pin(async move {
                let (old, new, made) = {
                    let mut model = naive.model();
                    let (plan, made) = planned(&model, &change, naive.now())?;
                    let (old, new) = rotated(&plan, &change);
                    if old_first {
                        change_old(&mut model, &old, |key| *key = old.clone());
                    } else {
                        model.keys.push(new.clone());
                        let replaced_by = old.replaced_by;
                        change_old(&mut model, &old, |key| key.replaced_by = replaced_by);
                    }
                    (old, new, made)
                };
                tokio::task::yield_now().await;
                let mut model = naive.model();
                if old_first {
                    model.keys.push(new);
                } else {
                    change_old(&mut model, &old, |key| *key = old.clone());
                }
                Ok(made)
            })
        });
        let message = message.await;
        assert!(message.starts_with("rotation_is_atomic"), "{message}");
    }
}

#[tokio::test]
async fn checking_a_rotation_before_waiting_fails() {
    let message = failure_of(is_rotation, |naive, change| {
        Box::pin(async move {
            let (plan, made) = planned(&naive.model(), &change, naive.now())?;
            let (old, new) = rotated(&plan, &change);
            tokio::task::yield_now().await;
            let mut model = naive.model();
            change_old(&mut model, &old, |key| *key = old.clone());
            model.keys.push(new);
            Ok(made)
        })
    });
    let message = message.await;
    assert!(message.starts_with("key_has_one_successor"), "{message}");
}

/// Reads everything, and writes everything later, like an editor of files without a lock.
#[tokio::test]
async fn changes_that_overwrite_each_other_fail() {
    let is_policy: fn(&Change) -> bool = |change| matches!(change, Change::Policy(_));
    let others: fn(&Change) -> bool = |change| {
        !is_rotation(change) && !matches!(change, Change::UpdateKey(..) | Change::Policy(_))
    };
    for (rule, is_meant) in [(RULES[1], others), (RULES[2], is_policy)] {
        let message = failure_of(is_meant, |naive, change| {
            Box::pin(async move {
                let (plan, made) = planned(&naive.model(), &change, naive.now())?;
                tokio::task::yield_now().await;
                *naive.model() = plan;
                Ok(made)
            })
        });
        let message = message.await;
        assert!(message.starts_with(rule), "{rule} expected: {message}");
    }
}

/// Changes that only overwrite each other in threads, where two read before one writes.
#[tokio::test]
async fn changes_in_threads_that_overwrite_each_other_fail() {
    let is_issue: fn(&Change) -> bool = |change| matches!(change, Change::Issue(..));
    for (rule, is_meant) in [(RULES[0], is_rotation as fn(&Change) -> bool), (RULES[1], is_issue)] {
        let (home, readers) = (thread::current().id(), Arc::new(AtomicUsize::new(0)));
        let message = failure_of(is_meant, move |naive, change| {
            let readers = Arc::clone(&readers);
            Box::pin(async move {
                if thread::current().id() == home {
                    return naive.model().make(change, naive.now());
                }
                let plan = planned(&naive.model(), &change, naive.now());
                readers.fetch_add(1, Ordering::SeqCst);
                while readers.load(Ordering::SeqCst) < 2 {
                    thread::yield_now();
                }
                let (plan, made) = plan?;
                *naive.model() = plan;
                Ok(made)
            })
        });
        let message = message.await;
        assert!(message.starts_with(rule), "{rule} expected: {message}");
    }
}

/// The thread that watches a rotation ends when the rotation panics.
#[tokio::test]
async fn rotation_that_panics_in_a_thread_fails() {
    let home = thread::current().id();
    // The successor in the first race in threads of `rotation_is_atomic`.
    let text = format!("suite_{}", KeyDigest::of(b"new 2").to_text());
    let successor = KeyDigest::of(text.as_bytes());
    let message = failure_of(is_rotation, move |naive, change| {
        Box::pin(async move {
            let panics = matches!(&change, Change::Rotate(_, new, _) if new.digest() == successor);
            assert!(!panics || thread::current().id() == home, "the store panics outside {home:?}");
            naive.model().make(change, naive.now())
        })
    });
    let message = message.await;
    assert!(message.starts_with("the store panics outside"), "{message}");
}
