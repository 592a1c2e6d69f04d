//! The `tracing` events of a followed file.

use crate::captured::Captured;
use crate::watching::folder::{Folder, KEYS, admits, short, until, watch};

#[test]
fn changes_and_failures_are_tracing_events_without_keys() {
    let log = Captured::default();
    let writer = log.clone();
    // Set for all threads, since the follower has its own; events of other tests arrive, too.
    tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();

    let folder = Folder::new();
    let store = watch(folder.write("reported.yml", &short(&[0]))).unwrap();
    folder.rename_over("reported.yml", &short(&[0, 1]));
    until("the change", || admits(&store, 1));
    let loaded = |line: &str| line.contains("INFO") && line.contains("reported.yml");
    until("its event", || log.text().lines().any(|line| loaded(line) && line.contains("keys: 2")));

    folder.rename_over("reported.yml", &format!("api_keys:\n  {}\n", KEYS[2]));
    let failed = |line: &str| line.contains("ERROR") && line.contains("reported.yml:2:3");
    until("the event of the failure", || log.text().lines().any(failed));
    assert_eq!(
        log.text().lines().filter(|line| failed(line)).count(),
        1,
        "reported once in a minute"
    );

    // Another fault is reported at once, and so is its end.
    folder.rename_over("reported.yml", "api_keys: [");
    let other = |line: &str| line.contains("ERROR") && line.contains("reported.yml:1:11");
    until("the event of the other failure", || log.text().lines().any(other));
    folder.rename_over("reported.yml", &short(&[0, 1]));
    let again = |line: &str| line.contains("INFO") && line.contains("followed again");
    until("the event of the end", || log.text().lines().any(again));
    assert!(KEYS.iter().all(|key| !log.text().contains(key)), "{}", log.text());
}
