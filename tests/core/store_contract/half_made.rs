//! Stores that make one change right, and not several at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::SystemTime;

use keygate::manage::{BoxFuture, ManageError};
use keygate::testing::Rule;

use crate::managing::model::{Change, Changed, Key, Model};
use crate::store_contract::mismanaged::rule_broken_by;
use crate::store_contract::naive::{Fault, Naive};

type Answer = Result<Changed, ManageError>;

/// The result of a change, made to a copy of the model.
fn planned(
    model: &Model,
    change: &Change,
    now: SystemTime,
) -> Result<(Model, Changed), ManageError> {
    let mut planned = model.clone();
    let changed = planned.make(change.clone(), now)?;
    Ok((planned, changed))
}

/// The keys that were rotated, as they are to become.
fn rotated(plan: &Model, change: &Change) -> Option<(Key, Key)> {
    let Change::Rotate(old, new, _) = change else { return None };
    let old = plan.keys.iter().find(|key| key.info.key_id == *old)?;
    let new = plan.keys.iter().find(|key| key.digest == new.digest())?;
    Some((old.clone(), new.clone()))
}

fn change_old(model: &mut Model, old: &Key, change: impl FnOnce(&mut Key)) {
    let known = model.keys.iter_mut().find(|key| key.digest == old.digest);
    change(known.expect("the old key stays"));
}

/// Waits between the two halves of a rotation.
#[derive(Clone, Copy)]
enum Half {
    /// Ends the old key, and then files the new one.
    OldFirst,
    /// Files the new key, and then ends the old one.
    NewFirst,
}

impl Fault for Half {
    fn in_steps(&self, naive: &Naive<Self>, change: Change) -> Option<BoxFuture<'_, Answer>> {
        if !matches!(change, Change::Rotate(..)) {
            return None;
        }
        let (half, naive) = (*self, naive.clone());
        Some(Box::pin(async move {
            let (plan, changed) = planned(&naive.model(), &change, naive.now())?;
            let (old, new) = rotated(&plan, &change).expect("the rotation is planned");
            {
                let mut model = naive.model();
                match half {
                    Half::OldFirst => change_old(&mut model, &old, |key| *key = old.clone()),
                    Half::NewFirst => {
                        model.keys.push(new.clone());
                        change_old(&mut model, &old, |key| {
                            key.info.replaced_by = old.info.replaced_by;
                        });
                    }
                }
            }
            tokio::task::yield_now().await;
            match half {
                Half::OldFirst => naive.model().keys.push(new),
                Half::NewFirst => change_old(&mut naive.model(), &old, |key| *key = old.clone()),
            }
            Ok(changed)
        }))
    }
}

#[tokio::test]
async fn rotation_in_two_steps_is_caught() {
    assert_eq!(rule_broken_by(Half::OldFirst).await, Rule::AtomicRotation);
    assert_eq!(rule_broken_by(Half::NewFirst).await, Rule::AtomicRotation);
}

/// Looks whether a key can be rotated, and rotates it later.
#[derive(Clone)]
struct LooksFirst;

impl Fault for LooksFirst {
    fn in_steps(&self, naive: &Naive<Self>, change: Change) -> Option<BoxFuture<'_, Answer>> {
        if !matches!(change, Change::Rotate(..)) {
            return None;
        }
        let naive = naive.clone();
        Some(Box::pin(async move {
            let (plan, changed) = planned(&naive.model(), &change, naive.now())?;
            let (old, new) = rotated(&plan, &change).expect("the rotation is planned");
            tokio::task::yield_now().await;
            let mut model = naive.model();
            change_old(&mut model, &old, |key| *key = old.clone());
            model.keys.push(new);
            Ok(changed)
        }))
    }
}

#[tokio::test]
async fn key_with_two_successors_is_caught() {
    assert_eq!(rule_broken_by(LooksFirst).await, Rule::OneSuccessor);
}

/// Reads all, and writes all later, as an editor of files without a lock.
#[derive(Clone)]
struct WritesAll;

impl Fault for WritesAll {
    fn in_steps(&self, naive: &Naive<Self>, change: Change) -> Option<BoxFuture<'_, Answer>> {
        if matches!(change, Change::Rotate(..)) {
            return None;
        }
        let naive = naive.clone();
        Some(Box::pin(async move {
            let (plan, changed) = planned(&naive.model(), &change, naive.now())?;
            tokio::task::yield_now().await;
            *naive.model() = plan;
            Ok(changed)
        }))
    }
}

#[tokio::test]
async fn changes_that_undo_each_other_are_caught() {
    assert_eq!(rule_broken_by(WritesAll).await, Rule::NoLostChanges);
}

/// Does so without waiting, and in threads of others only: there, two read before one writes.
#[derive(Clone)]
struct Unlocked {
    home: ThreadId,
    readers: Arc<AtomicUsize>,
    is_meant: fn(&Change) -> bool,
}

impl Unlocked {
    fn of(is_meant: fn(&Change) -> bool) -> Self {
        Self { home: thread::current().id(), readers: Arc::default(), is_meant }
    }
}

impl Fault for Unlocked {
    fn in_steps(&self, naive: &Naive<Self>, change: Change) -> Option<BoxFuture<'_, Answer>> {
        let (fault, naive) = (self, naive.clone());
        Some(Box::pin(async move {
            if thread::current().id() == fault.home || !(fault.is_meant)(&change) {
                return naive.model().make(change, naive.now());
            }
            let plan = planned(&naive.model(), &change, naive.now());
            fault.readers.fetch_add(1, Ordering::SeqCst);
            while fault.readers.load(Ordering::SeqCst) < 2 {
                thread::yield_now();
            }
            let (plan, changed) = plan?;
            *naive.model() = plan;
            Ok(changed)
        }))
    }
}

#[tokio::test]
async fn threads_that_undo_each_other_s_changes_are_caught() {
    let rotates = |change: &Change| matches!(change, Change::Rotate(..));
    assert_eq!(rule_broken_by(Unlocked::of(rotates)).await, Rule::OneSuccessor);
    let issues = |change: &Change| matches!(change, Change::Issue(..));
    assert_eq!(rule_broken_by(Unlocked::of(issues)).await, Rule::NoLostChanges);
}
