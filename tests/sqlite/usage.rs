//! Usage in `usage.db`.

use std::fs;
use std::time::{Duration, SystemTime};

use keygate::manage::{KeyInfo, LastUsed};
use keygate::observe::{UsageBucket, UsageHistory, UsagePoint, UsageQuery, UsageWriter};
use keygate::store::{DatabaseError, SqliteStore};

use crate::counted::{Counted, START, at, id, kept, requests};
use crate::fixture::{Folder, sqlite3};
use crate::watching;

async fn history(folder: &Folder) -> UsageHistory {
    UsageHistory::in_folder(folder.path()).await.unwrap().with_clock(|| at(0))
}

#[tokio::test]
async fn counts_survive_the_process_by_client_key_and_outcome() {
    let folder = Folder::new();
    let counted = Counted::new();
    let writer = UsageWriter::start(&counted.usage, &history(&folder).await).unwrap();
    counted.calls("a 1", 3);
    counted.calls("a expired", 2);
    counted.calls("b 1", 1);
    counted.calls("nobody's", 9);
    writer.flush().await.unwrap();
    counted.calls("a 1", 2);
    writer.stop().await.unwrap();

    let history = UsageHistory::open(folder.path().join("usage.db")).await.unwrap();
    let history = history.with_clock(|| at(0));
    let line = |client: &str, key: &str, rest: &str| format!("{client} {} {rest}", id(key));
    let mut expected = [line("A", "a 1", "5 {}"), line("A", "a expired", "0 {\"expired\": 2}")];
    expected.sort();
    let expected = [&expected[..], &[line("B", "b 1", "1 {}")]].concat();
    assert_eq!(kept(&history).await, expected);
    let top = history.top(&UsageQuery::new(), 1).await.unwrap();
    assert_eq!((top.len(), &*top[0].client, top[0].totals.requests), (1, "A", 5));
    assert_eq!(history.watched_since().await.unwrap(), Some(at(0)));
}

/// The starts of the buckets in seconds after the first minute, with their lengths and requests.
fn shown(points: &[UsagePoint]) -> Vec<(u64, UsageBucket, u64)> {
    let first = at(0) - Duration::from_secs(30);
    let point = |point: &UsagePoint| {
        let start = point.start.duration_since(first).unwrap_or_default().as_secs();
        (start, point.bucket, point.totals.requests)
    };
    points.iter().map(point).collect()
}

#[tokio::test]
async fn older_counts_are_summed_by_hour_and_day_and_then_removed() {
    use UsageBucket::{Day, Hour, Minute};
    const DAY: u64 = 86_400;
    let folder = Folder::new();
    let counted = Counted::new();
    let history = history(&folder).await;
    let writer = UsageWriter::start(&counted.usage, &history).unwrap();
    let all = UsageQuery::new();
    for (minute, requests) in [(0, 1), (1, 2), (61, 4)] {
        counted.clock.set(at(60 * minute));
        counted.calls("a 1", requests);
        writer.flush().await.unwrap();
    }
    let series = async |bucket| shown(&history.series(&all, bucket).await.unwrap());
    let minutes = [(0, Minute, 1), (60, Minute, 2), (3_660, Minute, 4)];
    assert_eq!(series(Minute).await, minutes);
    assert_eq!(series(Hour).await, [(0, Hour, 3), (3_600, Hour, 4)]);
    let at_midnight = [(0, Day, 7)];
    assert_eq!(series(Day).await, at_midnight);
    let between = all.clone().since(at(60)).until(at(3_600));
    assert_eq!(shown(&history.series(&between, Minute).await.unwrap()), minutes[1..2]);

    let later = async |time: u64| {
        counted.clock.set(at(time));
        counted.calls("b 1", 1);
        writer.flush().await.unwrap();
        shown(&history.series(&all.clone().for_client("A"), Minute).await.unwrap())
    };
    // A day later, the first hour is summed.
    assert_eq!(later(DAY + 3_600).await, [(0, Hour, 3), (3_660, Minute, 4)]);
    assert_eq!(later(DAY + 2 * 3_600).await, [(0, Hour, 3), (3_600, Hour, 4)]);
    assert_eq!(later(32 * DAY).await, at_midnight);
    assert_eq!(requests(&history).await, 7 + 3);
    assert_eq!(later(732 * DAY + 3_600).await, []);
    let kept = |sql| sqlite3(&folder.path().join("usage.db"), sql);
    assert_eq!(kept("select client from keygate_usage_last"), "B");
    assert_eq!(kept("select count(*) from keygate_usage_batches"), "1");
    writer.stop().await.unwrap();
}

#[tokio::test]
async fn last_use_is_never_a_time_or_unknown() {
    let folder = Folder::new();
    let counted = Counted::new();
    let history = history(&folder).await;
    let key = |name: &str, created: Option<SystemTime>| {
        let mut key = KeyInfo::new(id(name), "A");
        key.created = created;
        key
    };
    let before = history.last_uses(None).await.unwrap();
    assert_eq!(before.of(&key("a 1", Some(at(0)))), LastUsed::Unknown);

    let writer = UsageWriter::start(&counted.usage, &history).unwrap();
    counted.calls("a 1", 1);
    counted.calls("a expired", 1);
    writer.flush().await.unwrap();
    let uses = history.last_uses(Some("A")).await.unwrap();
    assert_eq!(uses.watched_since(), Some(at(0)));
    let minute = at(0) - Duration::from_secs(30);
    assert_eq!(uses.of(&key("a 1", None)), LastUsed::At(minute));
    assert_eq!(uses.of(&key("a 2", Some(at(0)))), LastUsed::Never);
    assert_eq!(uses.of(&key("a 2", Some(at(0) - Duration::from_secs(1)))), LastUsed::Unknown);
    assert_eq!(uses.of(&key("a expired", None)), LastUsed::Unknown, "it was refused");
    let other_client = KeyInfo::new(id("a 1"), "B");
    assert_eq!(uses.of(&other_client), LastUsed::Unknown);
    assert_eq!(uses.used_since(minute).collect::<Vec<_>>(), [id("a 1")]);
    let since = |seconds| uses.used_since(minute + Duration::from_secs(seconds)).count();
    assert_eq!((since(59), since(60)), (1, 0), "it may be at the end of its minute");
    let mut keys = [key("a 1", None)];
    uses.add_to(&mut keys);
    assert_eq!(keys[0].last_used, LastUsed::At(minute));

    // A process whose clock is behind.
    counted.clock.set(at(0) - Duration::from_secs(600));
    counted.calls("a 1", 1);
    writer.flush().await.unwrap();
    let uses = history.last_uses(None).await.unwrap();
    assert_eq!(uses.of(&key("a 1", None)), LastUsed::At(minute), "it only moves forward");
    writer.stop().await.unwrap();
}

#[tokio::test]
async fn watch_restarts_after_a_day_without_a_writer() {
    let folder = Folder::new();
    let history = history(&folder).await;
    let mut since = Vec::new();
    for hours in [0, 23, 23 + 26] {
        let counted = Counted::new();
        counted.clock.set(at(hours * 3_600));
        let usage = keygate::Usage::new().with_clock(counted.clock.reader());
        UsageWriter::start(&usage, &history).unwrap().stop().await.unwrap();
        since.push(history.watched_since().await.unwrap());
    }
    assert_eq!(since, [Some(at(0)), Some(at(0)), Some(at(49 * 3_600))]);
}

#[tokio::test]
async fn no_last_use_is_known_after_the_writer_stopped() {
    let folder = Folder::new();
    watching::nothing_is_known_after_the_writer_stopped(history(&folder).await).await;
}

#[tokio::test]
async fn key_may_have_been_used_in_a_gap() {
    let folder = Folder::new();
    watching::key_may_have_been_used_in_a_gap(history(&folder).await).await;
}

#[tokio::test]
async fn last_use_that_was_removed_is_not_never() {
    let folder = Folder::new();
    let set_until = |until| {
        let sql = format!("update keygate_usage_watch set until = {until}");
        sqlite3(&folder.path().join("usage.db"), &sql);
    };
    watching::removed_last_use_is_not_never(history(&folder).await, set_until).await;
}

#[tokio::test]
async fn folder_of_the_keys_is_refused() {
    let folder = Folder::new();
    let keys = folder.path().join("keys");
    let state = folder.path().join("state");
    let link = folder.path().join("link");
    for folder in [&keys, &state] {
        fs::create_dir(folder).unwrap();
    }
    std::os::unix::fs::symlink(&keys, &link).unwrap();
    let store = SqliteStore::migrate(keys.join("keys.db")).await.unwrap();
    let linked = folder.path().join("linked.db");
    std::os::unix::fs::symlink(keys.join("keys.db"), &linked).unwrap();
    let by_link = SqliteStore::open(&linked).await.unwrap();
    for (store, folder) in [(&store, &keys), (&store, &link), (&by_link, &keys)] {
        let error = store.usage_history(folder).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Location { .. }), "{error:?}");
        assert!(error.to_string().contains("the folder of the keys"), "{error}");
    }
    store.usage_history(&state).await.unwrap();
    assert!(state.join("usage.db").exists() && !keys.join("usage.db").exists());
    let error = UsageHistory::open(&keys).await.unwrap_err();
    assert!(error.to_string().contains("does not exist"), "{error}");
}

#[tokio::test]
async fn files_of_keys_and_usage_are_distinguished() {
    let folder = Folder::new();
    drop(history(&folder).await);
    let [usage, keys] = ["usage.db", "keys.db"].map(|name| folder.path().join(name));
    for opened in [SqliteStore::open(&usage).await, SqliteStore::migrate(&usage).await] {
        let error = opened.unwrap_err().to_string();
        let expected = format!("{} holds usage, not keys: choose another file", usage.display());
        assert_eq!(error, expected);
    }
    drop(SqliteStore::migrate(&keys).await.unwrap());
    let expected = format!("{} holds keys, not usage: choose another file", keys.display());
    assert_eq!(UsageHistory::open(&keys).await.unwrap_err().to_string(), expected);
    // As if a service was stopped before it created the tables. `keygate migrate` would create tables of keys.
    fs::write(&usage, "").unwrap();
    let error = UsageHistory::open(&usage).await.unwrap_err().to_string();
    assert!(error.contains("holds no usage") && !error.contains("migrate"), "{error}");
    history(&folder).await;
}

#[tokio::test]
async fn failing_file_is_reported_and_loses_no_count() {
    let folder = Folder::new();
    let counted = Counted::new();
    let history = history(&folder).await;
    let writer = UsageWriter::start(&counted.usage, &history).unwrap();
    counted.calls("a 1", 1);
    writer.flush().await.unwrap();
    let [file, away] = ["usage.db", "away.db"].map(|name| folder.path().join(name));
    fs::rename(&file, &away).unwrap();
    counted.calls("a 1", 2);
    for _ in 0..3 {
        writer.flush().await.unwrap_err();
        counted.clock.set(at(60));
        counted.calls("b 1", 4);
    }
    let health = writer.health();
    assert_eq!((health.last_written, health.failing_since), (Some(at(0)), Some(at(0))));
    assert!(health.error.unwrap().to_string().contains("usage.db"));
    fs::rename(&away, &file).unwrap();
    writer.flush().await.unwrap();
    let health = writer.health();
    assert!(health.error.is_none() && health.failing_since.is_none(), "{health:?}");
    assert_eq!(requests(&history).await, 15);
    let minutes = sqlite3(
        &file,
        "select start, sum(count) from keygate_usage_counts group by start order by start;",
    );
    assert_eq!(minutes, format!("{}|3\n{}|12", START - 30, START + 30));
    writer.stop().await.unwrap();
}

#[tokio::test]
async fn usage_has_one_writer_at_a_time() {
    let folder = Folder::new();
    let counted = Counted::new();
    let history = history(&folder).await;
    let writer = UsageWriter::start(&counted.usage, &history).unwrap();
    let error = UsageWriter::start(&counted.usage, &history).unwrap_err();
    assert!(error.to_string().contains("already has a writer"), "{error}");
    counted.calls("a 1", 1);
    writer.stop().await.unwrap();
    let writer = UsageWriter::start(&counted.usage, &history).unwrap();
    counted.calls("a 1", 1);
    writer.stop().await.unwrap();
    assert_eq!(requests(&history).await, 2);
}

#[tokio::test]
async fn snapshot_includes_the_loaded_past_but_no_rate_does() {
    let folder = Folder::new();
    let history = history(&folder).await;
    let before = Counted::new();
    let writer = UsageWriter::start(&before.usage, &history).unwrap();
    before.calls("a 1", 3);
    before.calls("a expired", 2);
    writer.stop().await.unwrap();

    let after = Counted::new();
    after.clock.set(at(3_600));
    let usage = after.usage.clone();
    usage.load_past(&history).await.unwrap();
    let writer = UsageWriter::start(&usage, &history).unwrap();
    assert!(usage.top(9).is_empty(), "{:?}", usage.top(9));
    after.calls("a 1", 1);
    writer.stop().await.unwrap();
    let snapshot = usage.snapshot();
    assert_eq!(snapshot.since, at(0));
    assert_eq!((snapshot.outcomes["admitted"], snapshot.outcomes["expired"]), (4, 2));
    let client = &snapshot.clients[0].activity;
    let minute = at(0) - Duration::from_secs(30);
    assert_eq!((client.requests, client.refused["expired"]), (4, 2));
    assert_eq!((client.first_seen, client.last_seen), (minute, at(3_600)));
    assert_eq!(snapshot.clients[0].keys.len(), 2, "each key is counted in one place");
    assert!((client.rates.last_minute - 1.0).abs() < f64::EPSILON, "{:?}", client.rates);
    assert_eq!(requests(&history).await, 4, "the past is not written again");
}

#[tokio::test]
async fn only_the_batch_refused_for_an_hour_is_dropped() {
    let folder = Folder::new();
    let counted = Counted::new();
    let history = history(&folder).await;
    let writer = UsageWriter::start(&counted.usage, &history).unwrap();
    let [file, away] = ["usage.db", "away.db"].map(|name| folder.path().join(name));
    fs::rename(&file, &away).unwrap();
    counted.calls("a 1", 1);
    writer.flush().await.unwrap_err();
    counted.calls("b 1", 2);
    for (seconds, dropped) in [(3_599, 0), (3_600, 1), (3_601, 1)] {
        counted.clock.set(at(seconds));
        writer.flush().await.unwrap_err();
        assert_eq!(writer.health().dropped_batches, dropped, "{seconds}");
    }
    fs::rename(&away, &file).unwrap();
    writer.flush().await.unwrap();
    assert_eq!(kept(&history).await, [format!("B {} 2 {{}}", id("b 1"))]);
    writer.stop().await.unwrap();
}

#[tokio::test]
async fn dropped_batch_ends_the_watch() {
    let folder = Folder::new();
    let [file, away] = ["usage.db", "away.db"].map(|name| folder.path().join(name));
    let set_broken = |is_broken| {
        let (from, to) = if is_broken { (&file, &away) } else { (&away, &file) };
        fs::rename(from, to).unwrap();
    };
    watching::dropped_batch_ends_the_watch(history(&folder).await, set_broken).await;
}

const DISK: &str = "KEYGATE_TEST_USAGE_DISK";

/// Fills the file system of this folder while usage is counted, and frees it again.
async fn count_on_full_disk(folder: &std::path::Path) {
    let history = UsageHistory::in_folder(folder).await.unwrap();
    let counted = Counted::new();
    let writer = UsageWriter::start(&counted.usage, &history).unwrap();
    writer.flush().await.unwrap();
    let rest = folder.join("rest");
    let full = fs::write(&rest, vec![0; 4 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    counted.calls("a 1", 3);
    let error = writer.flush().await.unwrap_err();
    crate::job::say(&error.to_string());
    counted.calls("a 1", 2);
    fs::remove_file(&rest).unwrap();
    writer.flush().await.unwrap();
    crate::job::say(&format!("{} requests", requests(&history).await));
    writer.stop().await.unwrap();
}

#[tokio::test]
async fn full_disk_loses_no_count() {
    if let Some(folder) = std::env::var_os(DISK) {
        return count_on_full_disk(folder.as_ref()).await;
    }
    let folder = Folder::new();
    let place = folder.path().join("mounted");
    fs::create_dir(&place).unwrap();
    let mut job = crate::this_program::command(module_path!(), "full_disk_loses_no_count");
    job.env(DISK, &place);
    let mount = "mount -t tmpfs -o size=1m none \"$PLACE\" || exit 99; RUN";
    let said = crate::files::in_name_space(mount, &job, &place, folder.path());
    assert!(said[0].contains("disk is full"), "{said:?}");
    assert_eq!(said[1..], ["5 requests"]);
}

#[tokio::test]
async fn requests_with_a_replaced_key_are_kept_separately() {
    let folder = Folder::new();
    let counted = Counted::new();
    let history = history(&folder).await;
    let writer = UsageWriter::start(&counted.usage, &history).unwrap();
    counted.calls("a 1", 1);
    counted.calls("a replaced", 2);
    writer.stop().await.unwrap();
    let clients = history.top(&UsageQuery::new(), 1).await.unwrap();
    let totals = &clients[0].totals;
    assert_eq!((totals.requests, totals.replaced, totals.refused.len()), (3, 2, 0));
}
