//! Far expiries, and the accepted forms of times.

use crate::tool::{Sandbox, id_of};

#[test]
fn distant_expiries_are_kept_as_given() {
    for (given, kept) in [
        ("4021-01-01T00:00:00Z", "4021-01-01T00:00:00Z"),
        ("2116-02-20T23:53:39Z", "2116-02-20T23:53:39Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999Z"),
        ("2099-12-31T02:00:00.5+02:00", "2099-12-31T00:00:00.5Z"),
    ] {
        let sandbox = Sandbox::with_client("App 1");
        sandbox.issue(&["App 1", "--expires", given]);
        assert_eq!(sandbox.keys()[0]["expires"], kept, "{given}");
        let exported = sandbox.run(["export"]).succeeds().out;
        assert!(exported.contains(&format!("expires: {kept}\n")), "{exported}");
    }
}

#[test]
fn beginning_is_rounded_up_to_the_microsecond() {
    for (given, kept) in [
        ("2099-12-31T00:00:00.0000010Z", "2099-12-31T00:00:00.000001Z"),
        ("2099-12-31T00:00:00.0000001Z", "2099-12-31T00:00:00.000001Z"),
    ] {
        let sandbox = Sandbox::with_client("App 1");
        sandbox.issue(&["App 1", "--not-before", given]);
        assert_eq!(sandbox.keys()[0]["not_before"], kept, "{given}");
    }
}

#[test]
fn report_of_a_new_key_names_its_later_beginning() {
    let sandbox = Sandbox::with_client("App 1");
    let issue = ["key", "issue", "App 1", "--out", "key", "--not-before"];
    let report = sandbox.run([&issue[..], &["3d", "--expires", "9d"]].concat()).succeeds().err;
    assert!(report.contains(" of App 1, begins in 3 days, expires in 9 days; "), "{report}");
    let id = id_of(sandbox.read("key").trim());
    let report = sandbox.run(["key", "rotate", &id]).succeeds().err;
    assert!(report.contains(" of App 1, begins in 3 days, expires in 9 days, to"), "{report}");
    std::fs::remove_file(sandbox.path("key")).unwrap();
    let begun = sandbox.run([&issue[..], &["2020-01-01T00:00:00Z"]].concat()).succeeds().err;
    assert!(begun.contains(" of App 1, never expires; "), "{begun}");
}

#[test]
fn lifetime_of_a_hundred_years_is_kept() {
    let sandbox = Sandbox::with_client("App 1");
    sandbox.issue(&["App 1", "--expires", "36500d"]);
    let key = &sandbox.keys()[0];
    let seconds = |field: &str| {
        let time: keygate::key::Timestamp = key[field].as_str().unwrap().parse().unwrap();
        time.system_time().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
    };
    // The lifetime counts from the start of the command, which is before the key is created.
    let lost = 36_500 * 86_400 - (seconds("expires") - seconds("created"));
    assert!(lost < 60, "{lost} seconds are lost");
}

#[test]
fn tool_and_file_accept_the_same_times() {
    let digest = format!("sha256:{:064}", 1);
    for (time, is_taken) in [
        ("2099-12-31T00:00:00Z", true),
        ("2099-12-31t00:00:00z", true),
        ("2099-12-31T00:00:00.123456789123Z", true),
        ("2099-12-31T00:00:00-00:00", true),
        ("2099-12-31T00:00:00+23:59", true),
        ("9999-12-31T23:59:59Z", true),
        ("9999-12-31T23:59:59-00:01", false),
        ("2099-12-31T23:59:60Z", false),
        ("1969-12-31T23:59:59Z", false),
        ("2099-12-31", false),
        ("2099-12-31T00:00Z", false),
        ("2099-12-31 00:00:00Z", false),
        ("2099-12-31_00:00:00Z", false),
        ("2099-12-31T00:00:00", false),
        ("2099-12-31T00:00:00,5Z", false),
        ("2099-12-31T00:00:00.Z", false),
        ("2099-12-31T00:00:00+01", false),
        ("2099-12-31T00:00:00+0100", false),
        ("2099-12-31T00:00:00+24:00", false),
        ("2099-12-31T00:00:00+01:60", false),
        ("2099-12-31T24:00:00Z", false),
        ("2099-02-29T00:00:00Z", false),
        ("+002099-12-31T00:00:00Z", false),
        ("2099-12-31T00:00:00Z[UTC]", false),
        (" 2099-12-31T00:00:00Z", false),
    ] {
        let sandbox = Sandbox::with_client("App 1");
        let result = sandbox.run(["key", "issue", "App 1", "--expires", time]);
        assert_eq!(result.code, if is_taken { 0 } else { 2 }, "{time}: {}", result.err);
        let keys = format!("    keys:\n      - digest: {digest}\n        expires: '{time}'\n");
        let sandbox = Sandbox::with_file(&format!("clients:\n  App 1:\n{keys}"));
        let result = sandbox.run(["key", "list"]);
        assert_eq!(result.code, if is_taken { 0 } else { 3 }, "{time}: {}", result.err);
    }
}
