use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use super::fixture::{Fixture, Key, Outcome, expect};
use crate::manage::{ManageError, ManageKeys, Rotated};
use crate::store::KeyStore;
use crate::testing::rule::Rule;

/// Maximum number of checks during a rotation that waits.
const LOOKS: usize = 64;
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Looks up both keys whenever a rotation waits.
pub(super) async fn sees_one_step<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    fixture.add("App 1").await?;
    for grace in [HOUR, Duration::ZERO] {
        let [old, new] = ["old", "new"].map(|what| Key::of(&format!("{what}, grace {grace:?}")));
        fixture.issue("App 1", old.to_new()).await?;
        let mut rotation = fixture.store.rotate(&old.id, new.to_new(), grace);
        let mut rotated: Option<Result<Rotated, ManageError>> = None;
        for _ in 0..LOOKS {
            let poll =
                |cx: &mut std::task::Context<'_>| Poll::Ready(Pin::new(&mut rotation).poll(cx));
            if let Poll::Ready(result) = poll_fn(poll).await {
                rotated = Some(result);
                break;
            }
            look(&fixture, &old, &new, grace).await?;
            yield_once().await;
        }
        let rest = match rotated {
            Some(result) => Box::pin(async { result }),
            None => rotation,
        };
        fixture.done(Rule::Rotated, "rotating a key", rest).await?;
        look(&fixture, &old, &new, grace).await?;
    }
    Ok(())
}

/// Looks up the new key before and after the old one, to distinguish a rotation between two lookups from a gap.
pub(super) async fn look<S: KeyStore + ManageKeys>(
    fixture: &Fixture<S>,
    old: &Key,
    new: &Key,
    grace: Duration,
) -> Outcome {
    let new_before = works(fixture, new).await;
    let old_works = works(fixture, old).await;
    let new_after = works(fixture, new).await;
    let gap = "during a rotation, neither key works";
    expect(Rule::AtomicRotation, old_works || new_after, gap)?;
    if grace.is_zero() {
        let both = "during a rotation with a grace of zero, both keys work";
        return expect(Rule::AtomicRotation, !(new_before && old_works), both);
    }
    expect(
        Rule::AtomicRotation,
        old_works,
        "during a rotation, the old key does not work in its grace",
    )
}

async fn works<S: KeyStore + ManageKeys>(fixture: &Fixture<S>, key: &Key) -> bool {
    matches!(fixture.present(key).await, Some(Ok(_)))
}

/// Yields to the store's runtime.
async fn yield_once() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
