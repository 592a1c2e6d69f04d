//! Whether a key that was replaced is still used.

use super::*;

const SUCCESSOR: &str = "08c1d5e2f3a4b596";
const SECOND: Duration = Duration::from_secs(1);

/// Returns the findings about the last use of a key that was replaced.
fn found(
    last_used: LastUsed,
    watched: impl Into<Option<Range<SystemTime>>>,
    change: impl FnOnce(&mut KeyInfo, &mut KeyInfo),
) -> Vec<AuditKind> {
    let successor = SUCCESSOR.parse().unwrap();
    let mut old = key(|key| (key.last_used, key.replaced_by) = (last_used, Some(successor)));
    let mut new = KeyInfo::new(successor, "App 1");
    new.created = Some(days_ago(5));
    new.lifetime = old.lifetime;
    change(&mut old, &mut new);
    let audit = Audit::new().with_unused_for(250 * DAY).with_watched(watched);
    let findings = audit.findings(&[], &[old.clone(), new], UNIX_EPOCH + NOW);
    let found = findings.into_iter().filter(|finding| finding.key_id == Some(old.key_id));
    found.map(|finding| finding.kind).collect()
}

fn watched_until(time: SystemTime) -> Range<SystemTime> {
    days_ago(50)..time
}

#[test]
fn replaced_key_is_no_longer_used_after_a_day() {
    let replaced = days_ago(5);
    let found = |last_used, watched: Option<_>| found(last_used, watched, |_, _| {});
    assert_eq!(found(LastUsed::At(days_ago(4)), None), [AuditKind::ReplacedButUsed]);
    assert_eq!(found(LastUsed::At(replaced), None), [AuditKind::ReplacedButUsed]);
    for used in [LastUsed::At(replaced - MINUTE), LastUsed::Never, LastUsed::Unknown] {
        let watched = Some(replaced..replaced + DAY);
        assert_eq!(found(used, watched), [AuditKind::ReplacedAndUnused], "{used:?}");
        let gaps = [
            None,
            Some(replaced + SECOND..UNIX_EPOCH + NOW),
            Some(watched_until(replaced - SECOND)),
            // A job that runs at night has not had its turn.
            Some(watched_until(replaced + MINUTE)),
            Some(watched_until(replaced + DAY - SECOND)),
        ];
        for gap in gaps {
            assert_eq!(found(used, gap.clone()), [], "{used:?} {gap:?}");
        }
    }
}

#[test]
fn use_in_the_minute_of_replacement_may_be_after_it() {
    let replaced = days_ago(5);
    let found = |seconds: u32, until| {
        let used = LastUsed::At(replaced - seconds * SECOND);
        found(used, watched_until(until), |_, _| {})
    };
    // The day begins at the end of the minute.
    assert_eq!(found(1, replaced + DAY + 58 * SECOND), []);
    assert_eq!(found(1, replaced + DAY + 59 * SECOND), [AuditKind::ReplacedAndUnused]);
    assert_eq!(found(59, replaced + DAY), []);
    assert_eq!(found(60, replaced + DAY), [AuditKind::ReplacedAndUnused]);
}

#[test]
fn key_is_needed_until_its_successor_works() {
    let used = LastUsed::At(days_ago(6));
    let found = |change: fn(&mut KeyInfo)| {
        found(used, watched_until(UNIX_EPOCH + NOW), |_, new| change(new))
    };
    assert_eq!(found(|_| {}), [AuditKind::ReplacedAndUnused]);
    let does_not_work: [fn(&mut KeyInfo); 4] = [
        |new| new.lifetime = new.lifetime.with_not_before(UNIX_EPOCH + NOW + SECOND),
        |new| new.lifetime = new.lifetime.with_expiry(UNIX_EPOCH + NOW),
        |new| new.state = KeyState::Revoked,
        |new| new.state = KeyState::Disabled,
    ];
    for change in does_not_work {
        assert_eq!(found(change), []);
    }
    assert_eq!(found(|new| new.lifetime = new.lifetime.with_not_before(days_ago(1) + SECOND)), []);
    assert_eq!(
        found(|new| new.lifetime = new.lifetime.with_not_before(days_ago(1))),
        [AuditKind::ReplacedAndUnused]
    );
}

#[test]
fn use_before_the_successor_works_is_not_the_last_word() {
    let begins = days_ago(2);
    let found = |last_used, until| {
        let begin = |_: &mut KeyInfo, new: &mut KeyInfo| {
            new.lifetime = new.lifetime.with_not_before(begins);
        };
        found(LastUsed::At(last_used), watched_until(until), begin)
    };
    // It was used after its replacement, but before its successor worked.
    assert_eq!(found(days_ago(4), begins + DAY - SECOND), [AuditKind::ReplacedButUsed]);
    assert_eq!(found(days_ago(4), begins + DAY), [AuditKind::ReplacedAndUnused]);
    assert_eq!(found(begins, begins + DAY), [AuditKind::ReplacedButUsed]);
}

#[test]
fn replaced_key_must_have_worked_for_a_day() {
    let found = |begins| {
        let begin = |old: &mut KeyInfo, _: &mut KeyInfo| {
            old.lifetime = old.lifetime.with_not_before(begins);
        };
        found(LastUsed::Never, watched_until(UNIX_EPOCH + NOW), begin)
    };
    assert_eq!(found(days_ago(1) + SECOND), []);
    assert_eq!(found(days_ago(1)), [AuditKind::ReplacedAndUnused]);
}

#[test]
fn key_that_was_replaced_at_an_unknown_time_is_never_unused() {
    let unlisted = |old: &mut KeyInfo, _: &mut KeyInfo| {
        old.replaced_by = Some("ffc1d5e2f3a4b596".parse().unwrap());
    };
    let undated = |_: &mut KeyInfo, new: &mut KeyInfo| new.created = None;
    let changes: [fn(&mut KeyInfo, &mut KeyInfo); 2] = [unlisted, undated];
    for change in changes {
        let found = |last_used| found(last_used, UNIX_EPOCH..UNIX_EPOCH + NOW, change);
        assert_eq!((found(LastUsed::Never), found(LastUsed::Unknown)), (vec![], vec![]));
        assert_eq!(found(LastUsed::At(days_ago(190))), [AuditKind::ReplacedButUsed]);
    }
}
