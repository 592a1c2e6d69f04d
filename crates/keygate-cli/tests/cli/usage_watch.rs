//! Commands that depend on the time during which usage was watched.

use crate::tool::id_of;
use crate::usage_history::Counted;

#[test]
fn no_key_counts_as_unused_after_the_writer_stopped() {
    let counted = Counted::in_file();
    counted.sql("update keygate_usage_watch set since = 1750000000, until = 1760000000");
    let successor = counted.sandbox.run(["key", "rotate", &id_of(&counted.later), "--grace", "9d"]);
    successor.succeeds();
    let run = |arguments: &[&str]| counted.run(arguments);
    let recorded =
        "last use recorded from 2025-06-15T15:06:40Z until 2025-10-09T08:53:20Z, and not since";

    let keys = run(&["key", "list", "App 1", "--json"]).succeeds().json();
    let later = keys.as_array().unwrap().iter().find(|key| key["key_id"] == id_of(&counted.later));
    assert_eq!(later.unwrap()["last_used"], "unknown");
    let listed = run(&["key", "list"]).succeeds();
    assert!(listed.err.contains(recorded), "{}", listed.err);
    run(&["key", "list", "--unused-for", "90d"]).fails(1, recorded);
    let used = run(&["key", "list", "--used-within", "1s"]).succeeds();
    assert!(used.err.contains(recorded), "{}", used.err);
    let audit = run(&["audit", "--unused-for", "1s"]);
    assert!(audit.err.contains(recorded), "{}", audit.err);
    for claim in ["unused", "not been used"] {
        assert!(!audit.out.contains(claim), "{}", audit.out);
    }
    let usage = run(&["usage", "--json"]).succeeds().json();
    let times = [&usage["watched_since"], &usage["watched_until"]];
    assert_eq!(times, ["2025-06-15T15:06:40Z", "2025-10-09T08:53:20Z"]);
    assert!(run(&["usage"]).succeeds().err.starts_with("usage recorded from 2025-06-15"));
}

#[test]
fn use_of_a_key_since_its_rotation_must_have_been_watched() {
    let counted = Counted::in_file();
    counted.sandbox.run(["key", "rotate", &id_of(&counted.used), "--grace", "9d"]).succeeds();
    let is_unused = |last_used: &str, until: &str| {
        counted.sql(&format!("update keygate_usage_last set last_used = {last_used}"));
        counted.sql(&format!("update keygate_usage_watch set since = 0, until = {until}"));
        let audit = counted.run(&["audit"]);
        (audit.out.contains("has not been used since its successor began to work"), audit.err)
    };
    let ago = "NOW - 172800";
    // The last batch was before the rotation, or less than a day after it.
    for until in ["NOW - 1800", "NOW", "NOW + 60", "NOW + 86000"] {
        assert!(!is_unused(ago, until).0, "{until}");
    }
    assert!(is_unused(ago, "NOW + 86460").0);
    let (is_unused, notes) = is_unused(ago, "NOW - 72000");
    assert!(!is_unused && notes.contains(", and not since"), "{notes}");
}

#[test]
fn unused_keys_are_not_known_after_the_last_batch() {
    let counted = Counted::in_file();
    counted.sql("update keygate_usage_watch set since = 0, until = NOW - 1800");
    let unused = |time| counted.run(&["key", "list", "--unused-for", time]);
    unused("20m").fails(1, "so later uses are not known: give a longer time with --unused-for");
    unused("40m").succeeds();
    // It was used at some time in this minute.
    let used = id_of(&counted.used);
    counted.sql("update keygate_usage_last set last_used = NOW - 2430");
    assert!(!unused("40m").succeeds().out.contains(&used));
    let within = counted.run(&["key", "list", "--used-within", "40m"]).succeeds();
    assert!(within.out.contains(&used), "{}", within.out);
}

#[test]
fn usage_and_list_agree_on_keys_that_were_never_used() {
    let counted = Counted::in_file();
    counted.sql("update keygate_usage_watch set since = 0");
    let last_used = |arguments: &[&str], list: &str| {
        let json = counted.run(&[arguments, &["--json"]].concat()).succeeds().json();
        let keys = if list.is_empty() { json } else { json[list].clone() };
        let keys = keys.as_array().unwrap().clone();
        let key = keys.into_iter().find(|key| key["key_id"] == id_of(&counted.revoked));
        key.unwrap()["last_used"].clone()
    };
    let usage = ["usage", "--client", "App, 2"];
    assert_eq!(last_used(&["key", "list"], ""), "never");
    assert_eq!(last_used(&usage, "keys"), "never");
    let table = counted.run(&usage).succeeds();
    assert!(table.out.contains("  never  "), "{}", table.out);
    // Counts are shown without the store, too.
    let alone = counted.run(&[&usage[..], &["--store", "none.yaml"]].concat()).succeeds();
    assert!(alone.out.contains("  unknown  "), "{}", alone.out);
    assert!(alone.err.contains("none.yaml"), "{}", alone.err);
}

#[test]
fn key_that_began_lately_is_not_unused_for_longer() {
    let counted = Counted::in_file();
    counted.sql("update keygate_usage_watch set since = 0");
    let digest = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    let id = &digest[7..23];
    let now = counted.sandbox.keys().last().unwrap()["created"].as_str().unwrap().to_owned();
    for (begins, is_unused) in [("2001-01-01T00:00:00Z", true), (&now, false)] {
        let file = format!(
            "clients:\n  A:\n    keys:\n      - digest: {digest}\n        created: 2000-01-01T00:00:00Z\n        \
             not_before: {begins}\n"
        );
        std::fs::write(counted.sandbox.path("keys.yaml"), file).unwrap();
        let listed = counted.run(&["key", "list", "--unused-for", "90d"]).succeeds();
        assert_eq!(listed.out.contains(id), is_unused, "{begins} {}", listed.out);
        let audit = counted.run(&["audit", "--unused-for", "90d"]);
        assert_eq!(audit.out.contains("not been used"), is_unused, "{begins} {}", audit.out);
    }
}
