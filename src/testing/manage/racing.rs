use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use super::fixture::{Fixture, Key, Outcome, expect, unexpected};
use crate::error::WrongReason;
use crate::manage::{BoxFuture, ManageError, ManageKeys, Rotated, RotationConflict};
use crate::store::KeyStore;
use crate::testing::rule::{Rule, Violation};

/// Changes in progress at once.
const AT_ONCE: usize = 8;
const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) type ManageResult<T> = Result<T, ManageError>;

/// Interleaves several rotations of one key.
pub(super) async fn has_one_winner<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    fixture.add("App 1").await?;
    for grace in [HOUR, Duration::ZERO] {
        let (old, successors) = contested(&fixture, &format!("with a grace of {grace:?}")).await?;
        let rotations = successors
            .iter()
            .map(|successor| fixture.store.rotate(&old.id, successor.to_new(), grace))
            .collect();
        let results = interleaved(&fixture, Rule::OneSuccessor, rotations).await?;
        one_won(&fixture, &old, &successors, &results, grace).await?;
    }
    Ok(())
}

/// Issues a key of `App 1`, and returns it with the keys that compete to replace it.
pub(super) async fn contested<S: KeyStore + ManageKeys>(
    fixture: &Fixture<S>,
    what: &str,
) -> Outcome<(Key, Vec<Key>)> {
    let old = Key::of(&format!("contested {what}"));
    fixture.issue("App 1", old.to_new()).await?;
    let successors = (0..AT_ONCE).map(|index| Key::of(&format!("successor {index} {what}")));
    Ok((old, successors.collect()))
}

/// Checks that one rotation succeeded, and that the others returned its successor.
pub(super) async fn one_won<S: KeyStore + ManageKeys>(
    fixture: &Fixture<S>,
    old: &Key,
    successors: &[Key],
    results: &[ManageResult<Rotated>],
    grace: Duration,
) -> Outcome {
    let rule = Rule::OneSuccessor;
    let won: Vec<_> =
        results.iter().filter_map(|result| Some(result.as_ref().ok()?.new.key_id)).collect();
    let &[winner] = &*won else {
        return Err(Violation::new(rule, format!("{} rotations of one key succeeded", won.len())));
    };
    for result in results {
        match result {
            Ok(_) => {}
            Err(ManageError::Conflict {
                key_id,
                conflict: RotationConflict::Replaced { successor },
            }) if (*key_id, *successor) == (old.id, winner) => {}
            Err(ManageError::Conflict { conflict: RotationConflict::Expired, .. })
                if grace.is_zero() => {}
            Err(error) => {
                let what = "one of several rotations of one key";
                return Err(unexpected(rule, what, Some(Err(error.clone()))));
            }
        }
    }
    let replaced_by = fixture.listed(rule, old).await?.replaced_by;
    expect(rule, replaced_by == Some(winner), "the old key is listed with another successor")?;
    for successor in successors {
        if successor.id == winner {
            fixture.admits(rule, "after its rotation", successor, "App 1").await?;
        } else {
            let when = "after another rotation";
            fixture.refuses(rule, when, successor, WrongReason::Unknown).await?;
        }
    }
    Ok(())
}

/// Interleaves changes of different keys and clients.
pub(super) async fn loses_nothing<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    fixture.add("App 1").await?;
    let crowd = Crowd::of("at once");
    for (what, changes) in [
        ("adding clients", crowd.additions(&*fixture.store)),
        ("issuing keys", crowd.issues(&*fixture.store)),
    ] {
        let results = interleaved(&fixture, Rule::NoLostChanges, changes).await?;
        all_made(what, results)?;
    }
    crowd.is_there(&fixture).await
}

pub(super) fn all_made(what: &str, results: Vec<ManageResult<()>>) -> Outcome {
    let refused = results.into_iter().find(Result::is_err);
    refused.map_or(Ok(()), |result| Err(unexpected(Rule::NoLostChanges, what, Some(result))))
}

/// Clients and keys that are added at the same time.
pub(super) struct Crowd {
    names: Vec<String>,
    keys: Vec<Key>,
}

impl Crowd {
    pub(super) fn of(what: &str) -> Self {
        let names = (0..AT_ONCE).map(|index| format!("App {index} {what}"));
        let keys = (0..AT_ONCE).map(|index| Key::of(&format!("key {index} {what}")));
        Self { names: names.collect(), keys: keys.collect() }
    }

    pub(super) fn additions<'a, S: ManageKeys>(
        &'a self,
        store: &'a S,
    ) -> Vec<BoxFuture<'a, ManageResult<()>>> {
        let add = |name: &'a String| emptied(store.add_client(name.as_str().into()));
        self.names.iter().map(add).collect()
    }

    pub(super) fn issues<'a, S: ManageKeys>(
        &'a self,
        store: &'a S,
    ) -> Vec<BoxFuture<'a, ManageResult<()>>> {
        self.keys.iter().map(|key| emptied(store.issue("App 1", key.to_new()))).collect()
    }

    pub(super) async fn is_there<S: KeyStore + ManageKeys>(&self, fixture: &Fixture<S>) -> Outcome {
        let known = fixture.clients().await?;
        for name in &self.names {
            let is_listed = known.iter().any(|client| client.profile.name() == name);
            let what = "one of several clients that were added at once is not listed";
            expect(Rule::NoLostChanges, is_listed, what)?;
        }
        for key in &self.keys {
            fixture.admits(Rule::NoLostChanges, "issued at once with others", key, "App 1").await?;
            fixture.listed(Rule::NoLostChanges, key).await?;
        }
        Ok(())
    }
}

fn emptied<'a, T: 'a>(change: BoxFuture<'a, ManageResult<T>>) -> BoxFuture<'a, ManageResult<()>> {
    Box::pin(async move { change.await.map(drop) })
}

/// Polls each change once before any is polled again, the last one first, and returns the results.
async fn interleaved<S: KeyStore + ManageKeys, T: fmt::Debug + Send>(
    fixture: &Fixture<S>,
    rule: Rule,
    mut changes: Vec<BoxFuture<'_, ManageResult<T>>>,
) -> Outcome<Vec<ManageResult<T>>> {
    let mut results = Vec::new();
    let all: BoxFuture<'_, ManageResult<Vec<ManageResult<T>>>> = Box::pin(poll_fn(move |cx| {
        for index in (0..changes.len()).rev() {
            if let Poll::Ready(result) = Pin::new(&mut changes[index]).poll(cx) {
                drop(changes.swap_remove(index));
                results.push(result);
            }
        }
        if changes.is_empty() {
            Poll::Ready(Ok(std::mem::take(&mut results)))
        } else {
            Poll::Pending
        }
    }));
    fixture.done(rule, "changing at once", all).await
}
