use std::fmt;
use std::future::{Future as _, poll_fn, ready};
use std::panic::resume_unwind;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use super::fixture::{Change, DAY, HOUR, Key, Managed};
use super::refusals::conflict;
use crate::client::Scope;
use crate::error::WrongReason;
use crate::manage::{ClientChange, ManageError, Policy, PolicyChange, RotationConflict};
use crate::testing::case::{Case, in_threads, interleave};
use crate::testing::sample::scope;

/// Changes in progress at once.
const AT_ONCE: usize = 8;
/// Races in which changes are interleaved.
const INTERLEAVED: usize = 2;
/// Races in threads. There are several, since a thread may finish before the others start.
const IN_THREADS: usize = 8;
/// Maximum number of checks during a rotation that waits.
const LOOKS: usize = 64;

/// If several rotations compete, one succeeds, and the others return its successor.
pub(super) async fn key_has_one_successor(case: &Case<impl Managed>) {
    for round in 0..rounds(case).await {
        let grace = if round == 0 { Duration::ZERO } else { HOUR };
        let [old] = case.issued("App 1", [&*format!("old {round}")]).await;
        let name = |index: usize| format!("successor {index} in round {round}");
        let successors: Vec<_> = (0..AT_ONCE).map(|index| Key::of(&name(index))).collect();
        let id = old.id();
        let rotate = |key: &Key| case.store.rotate(&id, key.to_new(), grace);
        let results = at_once(case, round, successors.iter().map(rotate).collect()).await;
        let won: Vec<_> = results.iter().flatten().map(|rotated| rotated.new.key_id).collect();
        let [successor] = won[..] else { panic!("{case}: {} rotations succeed", won.len()) };
        let mut reasons = vec![RotationConflict::Replaced { successor }];
        if grace.is_zero() {
            reasons.push(RotationConflict::Expired);
        }
        for error in results.into_iter().filter_map(Result::err) {
            let is_right = conflict(&old, &reasons)(&error);
            assert!(is_right, "{case}: a rotation is refused: {error:?}");
        }
        let listed = case.listed(&old).await.replaced_by;
        assert_eq!(listed, Some(successor), "{case}: the listed successor");
        for key in successors {
            if key.id() == successor {
                case.admits("as the successor", &key, "App 1").await;
            } else {
                case.refuses("after another rotation", &key, WrongReason::Unknown).await;
            }
        }
    }
}

pub(super) async fn concurrent_changes_are_all_kept(case: &Case<impl Managed>) {
    for round in 0..rounds(case).await {
        let names: Vec<_> = (0..AT_ONCE).map(|index| format!("App {index} {round}")).collect();
        let keys: Vec<_> = names.iter().map(|name| Key::of(name)).collect();
        let scopes: Vec<_> =
            (0..AT_ONCE).map(|index| scope(&format!("round:{round}:{index}"))).collect();
        let add = |name: &String| dropped(case.store.add_client(name.as_str().into()));
        let issue = |key: &Key| dropped(case.store.issue("App 1", key.to_new()));
        let add_scope = |scope: &Scope| {
            let change = ClientChange::new().add_scope(scope.clone());
            dropped(case.store.update_client("App 2", change))
        };
        let changes = names.iter().map(add).chain(keys.iter().map(issue));
        all_succeed(case, round, changes.chain(scopes.iter().map(add_scope)).collect()).await;
        let client = case.client("App 2").await;
        let is_kept = scopes.iter().all(|scope| client.profile.scopes().contains(scope));
        assert!(is_kept, "{case}: a change of a client is lost");
        for (name, key) in names.iter().zip(&keys) {
            case.client(name).await;
            case.listed(key).await;
            case.admits("issued at once with others", key, "App 1").await;
        }
    }
}

pub(super) async fn concurrent_policy_changes_are_all_kept(case: &Case<impl Managed>) {
    for round in 0..rounds(case).await {
        case.done("removing the policy", case.store.update_policy(Policy::new().into())).await;
        let change = PolicyChange::new;
        let changes = [
            change().with_max_lifetime(365 * DAY),
            change().with_default_lifetime(DAY),
            change().require_expiry(),
        ];
        let changes = changes.map(|change| dropped(case.store.update_policy(change)));
        all_succeed(case, round, changes.into()).await;
        let policy = Policy::new().with_max_lifetime(365 * DAY).with_default_lifetime(DAY);
        let kept = case.done("reading the policy", case.store.policy()).await;
        assert_eq!(kept, policy.require_expiry(), "{case}: the policy after changes at once");
    }
}

pub(super) fn dropped<'a, T: 'a>(change: Change<'a, T>) -> Change<'a, ()> {
    Box::pin(async move { change.await.map(drop) })
}

/// Returns the number of races. A store that waits may need the threads of its runtime, and has none in others.
pub(super) async fn rounds(case: &Case<impl Managed>) -> usize {
    if let Err(lookup) = case.store.lookup(Key::of("nobody's").digest()).try_ready() {
        let _ = case.wait("a lookup", lookup).await;
        return INTERLEAVED;
    }
    let mut list = case.store.list_clients();
    if poll_fn(|cx| Poll::Ready(list.as_mut().poll(cx).is_ready())).await {
        return INTERLEAVED + IN_THREADS;
    }
    let _ = case.result("listing the clients", list).await;
    INTERLEAVED
}

/// Makes changes at the same time: interleaved in the first rounds, and in threads after these.
pub(super) async fn at_once<S: Managed, T: fmt::Debug + Send>(
    case: &Case<S>,
    round: usize,
    mut changes: Vec<Change<'_, T>>,
) -> Vec<Result<T, ManageError>> {
    if round >= INTERLEAVED {
        changes = in_threads(changes.into_iter().map(|change| || polled(change)));
    }
    let mut results = Vec::new();
    for result in case.wait("changing at once", interleave(changes)).await {
        results.push(case.result("changing at once", ready(result)).await);
    }
    results
}

/// Makes changes at the same time that must all succeed.
pub(super) async fn all_succeed(
    case: &Case<impl Managed>,
    round: usize,
    changes: Vec<Change<'_, ()>>,
) {
    for result in at_once(case, round, changes).await {
        result.unwrap_or_else(|error| panic!("{case}: a change fails: {error:?}"));
    }
}

/// Polls a change once, and returns it if it is not complete.
fn polled<'a, T: Send + 'a>(mut change: Change<'a, T>) -> Change<'a, T> {
    match change.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Box::pin(ready(result)),
        Poll::Pending => change,
    }
}

/// At least one of the two keys works at any moment, and not both after a grace of zero.
pub(super) async fn rotation_is_atomic(case: &Case<impl Managed>) {
    for round in 0..rounds(case).await {
        let grace = if round % 2 == 0 { HOUR } else { Duration::ZERO };
        let [old] = case.issued("App 1", [&*format!("old {round}")]).await;
        let (id, new) = (old.id(), Key::of(&format!("new {round}")));
        let mut rotation = case.store.rotate(&id, new.to_new(), grace);
        let look = async || look(case, &old, &new, grace).await;
        if round >= INTERLEAVED {
            rotation = thread::scope(|scope| {
                let rotating = scope.spawn(|| polled(rotation));
                while !rotating.is_finished() {
                    let _ = pin!(look()).poll(&mut Context::from_waker(Waker::noop()));
                }
                rotating.join().unwrap_or_else(|panic| resume_unwind(panic))
            });
        }
        for _ in 0..LOOKS {
            let rotated = poll_fn(|cx| Poll::Ready(rotation.as_mut().poll(cx))).await;
            if let Poll::Ready(result) = rotated {
                rotation = Box::pin(ready(result));
                break;
            }
            look().await;
            yield_once().await;
        }
        case.done("rotating a key", rotation).await;
        look().await;
    }
}

/// Looks up the new key before and after the old one, to distinguish a rotation between two lookups from a gap.
async fn look(case: &Case<impl Managed>, old: &Key, new: &Key, grace: Duration) {
    let new_before = case.present(new).await.is_ok();
    let old_works = case.present(old).await.is_ok();
    let new_after = case.present(new).await.is_ok();
    assert!(old_works || new_after, "{case}: neither key works");
    assert!(old_works || grace.is_zero(), "{case}: the old key does not work in its grace");
    assert!(!(grace.is_zero() && new_before && old_works), "{case}: both keys work");
}

/// Yields to the store's runtime.
async fn yield_once() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        if std::mem::replace(&mut has_yielded, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
