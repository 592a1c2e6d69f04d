//! Abbreviated key IDs, and names and IDs that were mixed up.

use crate::tool::{Sandbox, id_of};

const FILE: &str = "\
                    clients:
  App 1:
    keys:
      - digest: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
        label: production
      - digest: sha256:2c26b46b11ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
      - digest: sha256:3c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
  deadbeef:
  deadbeefdeadbeef:
";

#[test]
fn beginning_of_an_id_is_enough() {
    let sandbox = Sandbox::with_file(FILE);
    for beginning in ["3c26b46b", "3C26B46B6", "2c26b46b6", "3c26b46b68ffc68"] {
        let result = sandbox.run(["key", "show", beginning]).succeeds();
        let id = format!("ID       {}", &beginning[..8].to_lowercase());
        assert!(result.out.starts_with(&id), "{}", result.out);
    }
    let rotate = ["key", "rotate", "3c26b46b", "--grace", "0s", "--out", "new"];
    sandbox.run(rotate).succeeds();
    assert!(sandbox.file().contains("replaced_by: "));
}

#[test]
fn ambiguous_beginning_is_refused_with_the_candidates() {
    let sandbox = Sandbox::with_file(FILE);
    let reason = "the IDs of 2 keys begin with 2c26b46b: give more digits of \
                  2c26b46b11ffc68f of App 1, 2c26b46b68ffc68f (production) of App 1";
    sandbox.run(["key", "show", "2c26b46b"]).fails(1, reason);
    sandbox.run(["key", "rotate", "2c26b46b"]).fails(1, reason);
    sandbox
        .run(["key", "show", "99999999"])
        .fails(1, "begins with 99999999: `keygate key list` lists the keys\n");
    sandbox.run(["key", "show", "2c26b46"]).fails(2, "the first 8 are enough");
    assert_eq!(sandbox.file(), FILE);
}

#[test]
fn yes_and_json_need_the_whole_id() {
    let sandbox = Sandbox::with_file(FILE);
    let reason = "need all 16 digits of the key ID";
    for option in ["--yes", "--json"] {
        let result = sandbox.run(["key", "show", "3c26b46b", option]);
        assert_eq!(result.code, 2);
        assert!(result.err.contains(reason) && result.out.is_empty(), "{}", result.err);
    }
    sandbox.run(["key", "revoke", "3c26b46b", "--yes"]).fails(2, reason);
    assert_eq!(sandbox.file(), FILE);
}

#[test]
fn name_instead_of_an_id_is_explained() {
    let sandbox = Sandbox::with_file(FILE);
    for command in ["show", "rotate"] {
        let reason = "`App 1` is a client, but this command needs a key ID: \
                      `keygate key list 'App 1'` lists the client's keys";
        sandbox.run(["key", command, "App 1"]).fails(2, reason);
        sandbox.run(["key", command, "deadbeef"]).fails(2, "`keygate key list deadbeef`");
        let result = sandbox.run(["key", command, "deadbeefdeadbeef"]);
        result.fails(2, "`deadbeefdeadbeef` is a client, but this command needs a key ID: ");
        sandbox.run(["key", command, "App 2"]).fails(2, "16 hexadecimal digits");
    }
    sandbox.run(["key", "revoke", "--yes", "App 1"]).fails(2, "`keygate key list 'App 1'`");
}

#[test]
fn id_instead_of_a_name_is_explained() {
    let sandbox = Sandbox::with_client("App 1");
    let id = id_of(&sandbox.issue(&["App 1"]));
    for given in [&id, &id[..8]] {
        for command in [
            &["client", "show", given][..],
            &["client", "enable", given],
            &["client", "disable", given],
            &["client", "remove", "--yes", given],
            &["key", "list", given],
            &["key", "issue", given],
        ] {
            let reason = format!(
                "{given} is the ID of a key of `App 1`, but this command needs a client name: \
                 `keygate key show {given}` shows the key, `keygate client show 'App 1'` its client"
            );
            sandbox.run(command).fails(2, &reason);
        }
    }
    sandbox.run(["client", "show", "0000000000000000"]).fails(1, "the nearest is `App 1`");
    let sandbox = Sandbox::with_file(FILE);
    for command in [["client", "show"], ["key", "list"]] {
        let reason = "the IDs of 2 keys begin with 2c26b46b, but this command needs a client name: \
                      `keygate client list` lists the clients, and the keys are \
                      2c26b46b11ffc68f of App 1, 2c26b46b68ffc68f (production) of App 1";
        sandbox.run([&command[..], &["2c26b46b"]].concat()).fails(2, reason);
    }
}
