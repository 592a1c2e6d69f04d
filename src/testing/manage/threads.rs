use std::future::Future;
use std::pin::Pin;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use super::fixture::{Fixture, Key, Outcome, unexpected};
use super::racing::{Crowd, ManageResult, all_made, contested, one_won};
use super::watching::look;
use crate::manage::{BoxFuture, ManageKeys};
use crate::store::KeyStore;
use crate::testing::rule::Rule;
use crate::testing::subject::with_timeout;

/// Number of races: in a single one, a thread may finish before the others start.
const ROUNDS: usize = 8;
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Makes several rotations of one key, each in its own thread.
pub(super) async fn have_one_winner<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    fixture.add("App 1").await?;
    for round in 0..ROUNDS {
        if !never_waits(&fixture).await? {
            return Ok(());
        }
        let (old, successors) = contested(&fixture, &format!("in round {round}")).await?;
        let rotations = successors
            .iter()
            .map(|successor| fixture.store.rotate(&old.id, successor.to_new(), HOUR))
            .collect();
        let results = in_threads(&fixture, Rule::OneSuccessor, rotations).await?;
        one_won(&fixture, &old, &successors, &results, HOUR).await?;
    }
    Ok(())
}

/// Makes changes of different keys and clients, each in its own thread.
pub(super) async fn lose_nothing<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    fixture.add("App 1").await?;
    for round in 0..ROUNDS {
        if !never_waits(&fixture).await? {
            return Ok(());
        }
        let crowd = Crowd::of(&format!("in round {round}"));
        let mut changes = crowd.additions(&*fixture.store);
        changes.append(&mut crowd.issues(&*fixture.store));
        let results = in_threads(&fixture, Rule::NoLostChanges, changes).await?;
        all_made("changing in several threads at once", results)?;
        crowd.is_there(&fixture).await?;
    }
    Ok(())
}

/// Rotates a key in this thread while another thread looks up both keys.
pub(super) async fn see_one_step<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    fixture.add("App 1").await?;
    for round in 0..2 * ROUNDS {
        if !never_waits(&fixture).await? {
            return Ok(());
        }
        let grace = if round % 2 == 0 { HOUR } else { Duration::ZERO };
        let [old, new] = ["old", "new"].map(|what| Key::of(&format!("{what} in round {round}")));
        fixture.issue("App 1", old.to_new()).await?;
        let mut rotation = fixture.store.rotate(&old.id, new.to_new(), grace);
        let (start, is_over) = (Barrier::new(2), AtomicBool::new(false));
        let (result, looked) = thread::scope(|scope| {
            let watch = || {
                start.wait();
                while !is_over.load(Ordering::SeqCst) {
                    poll_now(&mut Box::pin(look(&fixture, &old, &new, grace))).unwrap_or(Ok(()))?;
                }
                Ok(())
            };
            let watching = scope.spawn(watch);
            start.wait();
            let result = poll_now(&mut rotation);
            is_over.store(true, Ordering::SeqCst);
            (result, watching.join())
        });
        looked.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let rest = result.map_or(rotation, |result| Box::pin(async { result }));
        fixture.done(Rule::Rotated, "rotating a key", rest).await?;
        look(&fixture, &old, &new, grace).await?;
    }
    Ok(())
}

/// Returns whether the store never waits: a store that waits may need the threads of its runtime.
async fn never_waits<S: KeyStore + ManageKeys>(fixture: &Fixture<S>) -> Outcome<bool> {
    if let Err(lookup) = fixture.store.lookup(Key::of("nobody's").digest()).try_ready() {
        let _ = with_timeout(lookup, fixture.timeout).await;
        return Ok(false);
    }
    let mut list = fixture.store.list_clients();
    if poll_now(&mut list).is_some() {
        return Ok(true);
    }
    fixture.wait(list).await.map(|_| false)
}

/// Starts changes at the same moment, and returns their results. A change that waits is awaited.
async fn in_threads<S: KeyStore + ManageKeys, T: std::fmt::Debug + Send>(
    fixture: &Fixture<S>,
    rule: Rule,
    changes: Vec<BoxFuture<'_, ManageResult<T>>>,
) -> Outcome<Vec<ManageResult<T>>> {
    let start = Barrier::new(changes.len());
    let begun: Vec<_> = thread::scope(|scope| {
        let start = &start;
        let begin = |mut change| {
            scope.spawn(move || {
                start.wait();
                poll_now(&mut change).ok_or(change)
            })
        };
        let threads: Vec<_> = changes.into_iter().map(begin).collect();
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    let mut results = Vec::new();
    for result in begun {
        let change = match result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
            Ok(result) => Box::pin(async { result }) as BoxFuture<'_, ManageResult<T>>,
            Err(change) => change,
        };
        match fixture.wait(change).await? {
            Some(result) => results.push(result),
            None => return Err(unexpected(rule, "changing in threads", None)),
        }
    }
    Ok(results)
}

fn poll_now<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Option<F::Output> {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
