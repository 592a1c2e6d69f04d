//! What is known of the last use of keys, if usage was not watched all the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::manage::{Audit, AuditKind, KeyInfo, LastUsed};
use keygate::observe::{UsageHistory, UsageWatch, UsageWriter};
use keygate::testing::FakeClock;

use crate::counted::{Counted, START, at, id};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

fn key(name: &str, created: SystemTime) -> KeyInfo {
    let mut key = KeyInfo::new(id(name), "A");
    key.created = Some(created);
    key
}

/// Returns the clock of the history.
fn with_clock(history: UsageHistory) -> (UsageHistory, FakeClock) {
    let clock = FakeClock::at(at(0));
    (history.with_clock(clock.reader()), clock)
}

/// Starts a writer at this time, and counts a request with `a 1`.
async fn write(history: &UsageHistory, time: SystemTime) {
    let counted = Counted::new();
    counted.clock.set(time);
    let usage = counted.usage.clone().with_clock(counted.clock.reader());
    let writer = UsageWriter::start(&usage, history).unwrap();
    counted.calls("a 1", 1);
    writer.stop().await.unwrap();
}

/// Returns the kinds that depend on the last use of the keys `a 1` and `a 2`.
async fn found(history: &UsageHistory, created: SystemTime, now: SystemTime) -> Vec<AuditKind> {
    let uses = history.last_uses(None).await.unwrap();
    let mut keys = ["a 1", "a 2"].map(|name| key(name, created));
    uses.add_to(&mut keys);
    for key in &mut keys {
        key.replaced_by = Some(id("b 1"));
    }
    let successor = key("b 1", created + Duration::from_secs(60));
    let keys = [&keys[..], &[successor]].concat();
    let audit = Audit::new().with_watched(uses.watched());
    let mut findings = audit.findings(&[], &keys, now);
    findings.retain(|finding| {
        finding.key_id != Some(id("b 1")) && finding.kind != AuditKind::NeverExpires
    });
    findings.iter().map(|finding| finding.kind).collect()
}

/// No writer has written for more than an hour.
pub(crate) async fn nothing_is_known_after_the_writer_stopped(history: UsageHistory) {
    let (history, clock) = with_clock(history);
    assert_eq!(history.watch().await.unwrap(), UsageWatch::Never);
    write(&history, at(0)).await;
    clock.set(at(HOUR));
    let [unused, later] = [at(0), at(1)].map(|created| key("a 2", created));
    let uses = history.last_uses(None).await.unwrap();
    assert_eq!(uses.watch(), UsageWatch::Current { since: at(0), until: at(0) });
    assert_eq!(uses.of(&unused), LastUsed::Never);
    assert_eq!(uses.of(&later), LastUsed::Unknown, "nobody has watched it yet");

    clock.set(at(HOUR + 1));
    let uses = history.last_uses(None).await.unwrap();
    assert_eq!(uses.watch(), UsageWatch::Ended { since: at(0), until: at(0) });
    assert_eq!((uses.watched_since(), history.watched_since().await.unwrap()), (None, None));
    assert_eq!(uses.of(&unused), LastUsed::Unknown);
    let minute = at(0) - Duration::from_secs(30);
    assert_eq!(uses.of(&key("a 1", at(0))), LastUsed::At(minute));
    clock.set(at(100 * DAY));
    assert_eq!(found(&history, at(60), at(100 * DAY)).await, []);
}

/// Watching started anew three days ago.
pub(crate) async fn key_may_have_been_used_in_a_gap(history: UsageHistory) {
    let (history, clock) = with_clock(history);
    write(&history, at(0)).await;
    for day in 97..=100 {
        let counted = Counted::new();
        counted.clock.set(at(day * DAY));
        let usage = counted.usage.clone().with_clock(counted.clock.reader());
        UsageWriter::start(&usage, &history).unwrap().stop().await.unwrap();
    }
    clock.set(at(100 * DAY));
    let [since, until] = [97, 100].map(|day| at(day * DAY));
    assert_eq!(history.watch().await.unwrap(), UsageWatch::Current { since, until });
    assert_eq!(found(&history, at(60), at(100 * DAY)).await, []);
}

/// Writers remove last uses after two years. `set_until` moves the last batch to a time.
pub(crate) async fn removed_last_use_is_not_never(history: UsageHistory, set_until: impl Fn(u64)) {
    let (history, clock) = with_clock(history);
    write(&history, at(0)).await;
    assert_eq!(history.last_uses(None).await.unwrap().of(&key("a 2", at(0))), LastUsed::Never);
    // As if a writer had run all the time.
    let now = 733 * DAY;
    set_until(START + now - HOUR);
    let counted = Counted::new();
    counted.clock.set(at(now));
    let usage = counted.usage.clone().with_clock(counted.clock.reader());
    let writer = UsageWriter::start(&usage, &history).unwrap();
    counted.calls("b 1", 1);
    writer.stop().await.unwrap();
    clock.set(at(now));
    let uses = history.last_uses(None).await.unwrap();
    assert_eq!(uses.used_since(UNIX_EPOCH).collect::<Vec<_>>(), [id("b 1")]);
    assert_eq!(uses.of(&key("a 1", at(0))), LastUsed::Unknown);
    assert_eq!(uses.of(&key("a 2", at(4 * DAY))), LastUsed::Never);
    // What is known is enough for 90 days, but not for three years.
    assert_eq!(found(&history, at(0), at(now)).await, [AuditKind::Unused; 2]);
    let mut keys = [key("a 1", at(0))];
    uses.add_to(&mut keys);
    let audit = Audit::new().with_watched(uses.watched());
    let audit = audit.with_unused_for(Duration::from_secs(732 * DAY));
    let findings = audit.findings(&[], &keys, at(now));
    assert!(findings.iter().all(|finding| finding.kind != AuditKind::Unused), "{findings:?}");
}

/// A writer that cannot write for two hours drops a batch. `set_broken` breaks and repairs the tables.
pub(crate) async fn dropped_batch_ends_the_watch(history: UsageHistory, set_broken: impl Fn(bool)) {
    let (history, clock) = with_clock(history);
    let counted = Counted::new();
    let writer = UsageWriter::start(&counted.usage, &history).unwrap();
    writer.flush().await.unwrap();
    set_broken(true);
    counted.clock.set(at(60));
    counted.calls("a 1", 1);
    // As many attempts as take an hour if nobody flushes.
    for _ in 0..400 {
        writer.flush().await.unwrap_err();
    }
    counted.clock.set(at(59 + HOUR));
    writer.flush().await.unwrap_err();
    assert_eq!(writer.health().dropped_batches, 0);
    counted.clock.set(at(2 * HOUR));
    counted.calls("b 1", 1);
    writer.flush().await.unwrap_err();
    assert_eq!(writer.health().dropped_batches, 1);
    set_broken(false);

    // Another writer does not know of the gap, and its clock is ahead.
    clock.set(at(2 * HOUR + 600));
    let other = Counted::new();
    other.clock.set(at(2 * HOUR + 600));
    let other = other.usage.clone();
    UsageWriter::start(&other, &history).unwrap().stop().await.unwrap();
    let issued = [key("a 1", at(0)), key("a 1", at(60)), key("a 2", at(61))];
    writer.stop().await.unwrap();
    let uses = history.last_uses(None).await.unwrap();
    let [since, until] = [at(61), at(2 * HOUR + 600)];
    assert_eq!(uses.watch(), UsageWatch::Current { since, until });
    let last_uses = issued.map(|key| uses.of(&key));
    assert_eq!(last_uses, [LastUsed::Unknown, LastUsed::Unknown, LastUsed::Never]);
    assert_eq!(uses.used_since(UNIX_EPOCH).collect::<Vec<_>>(), [id("b 1")]);
    assert_eq!(found(&history, at(0), at(2 * HOUR)).await, []);
}
