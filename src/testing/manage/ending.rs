use std::time::Duration;

use super::fixture::{HOUR, Key, Managed, SECOND, is_same_second};
use crate::error::WrongReason;
use crate::manage::Expiry;
use crate::testing::case::{Case, is_same_microsecond};

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The expiry becomes the end of the grace if that is earlier. The end of the grace may be cut to the second.
pub(super) async fn rotated_key_works_until_its_grace_ends(case: &Case<impl Managed>) {
    // The grace, the remaining lifetime of the old key, and the time until its new expiry.
    for (grace, left, end) in [
        (HOUR, None, HOUR),
        (HOUR, Some(HOUR / 2), HOUR / 2),
        (HOUR, Some(HOUR), HOUR),
        (HOUR, Some(2 * HOUR), HOUR),
        (Duration::ZERO, None, Duration::ZERO),
        (Duration::ZERO, Some(HOUR), Duration::ZERO),
        (Duration::MAX, Some(HOUR), HOUR),
    ] {
        let what = format!("with {left:?} left and a grace of {grace:?}");
        let (old, new) = (Key::of(&what), Key::of(&format!("successor {what}")));
        let rotated = case.now();
        let end = rotated + end;
        let own = left.map(|left| rotated + left);
        case.issue("App 1", old.to_new().with_expiry(own)).await;
        let successor = new.to_new().with_expiry(Expiry::Never);
        let seen = case.rotate(&old, successor, grace).await.old.expires();
        let ends_by_grace = rotated.checked_add(grace) == Some(end);
        let is_end =
            is_same_microsecond(Some(end), seen) || ends_by_grace && is_same_second(seen, end);
        assert!(is_end, "{case}: {what}, a key should end at {end:?} and ends at {seen:?}");

        if end > rotated + SECOND {
            case.clock.set(end - SECOND);
            case.admits(format_args!("{what}, a second before"), &old, "App 1").await;
        }
        case.clock.set(end);
        case.refuses(format_args!("{what}, at its end"), &old, WrongReason::Expired).await;
        case.admits("when its predecessor has ended", &new, "App 1").await;
        case.clock.advance(YEAR);
        case.refuses("a year later", &old, WrongReason::Expired).await;
        case.admits("a year later", &new, "App 1").await;
    }
}

/// A store may replace an expiry out of range with its last valid time.
pub(super) async fn long_grace_does_not_overflow(case: &Case<impl Managed>) {
    for grace in [50 * YEAR, 10_000 * YEAR, 1_000_000 * YEAR, Duration::MAX] {
        let [old, new] = ["old", "new"].map(|what| Key::of(&format!("{what} {grace:?}")));
        case.issue("App 1", old.to_new()).await;
        let end = case.rotate(&old, new.to_new(), grace).await.old.expires();
        let least = case.now() + grace.min(84 * YEAR) - SECOND;
        assert!(end.is_none_or(|end| end > least), "{case}: {grace:?} ends at {end:?}");
        case.admits("within a long grace", &old, "App 1").await;
        case.admits("as the successor", &new, "App 1").await;
    }
}
