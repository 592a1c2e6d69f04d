use crate::tool::{Sandbox, id_of};

#[test]
fn revoked_key_is_refused() {
    let sandbox = Sandbox::with_client("App 1");
    let key = sandbox.issue(&["App 1", "--label", "production"]);
    let id = id_of(&key);
    let result = sandbox.run(["key", "revoke", &id, "--yes"]).succeeds();
    assert_eq!(
        (result.out, result.err),
        (String::new(), format!("revoked {id} (production) of App 1\n"))
    );
    let result = sandbox.run_with(key.as_bytes(), ["check"]);
    assert_eq!(result.code, 1);
    assert_eq!(result.out, format!("not valid: {id} (production) of App 1 was revoked\n"));
}

#[test]
fn several_keys_are_revoked_at_once() {
    let sandbox = Sandbox::with_client("App 1");
    let ids = [(); 3].map(|()| id_of(&sandbox.issue(&["App 1"])));
    let result = sandbox.run(["key", "revoke", "--yes", "--json", &ids[0], &ids[2]]).succeeds();
    let revoked = result.json();
    assert_eq!(revoked[0]["key_id"], ids[0]);
    assert_eq!(
        (&revoked[1]["key_id"], &revoked[1]["state"]),
        (&ids[2].clone().into(), &"revoked".into())
    );
    let live: Vec<_> = sandbox.keys().into_iter().filter(|key| key["state"] == "active").collect();
    assert_eq!((live.len(), &live[0]["key_id"]), (1, &ids[1].clone().into()));
}

#[test]
fn key_given_twice_is_reported_once() {
    let sandbox = Sandbox::with_client("App 1");
    let [first, second] = [(); 2].map(|()| id_of(&sandbox.issue(&["App 1"])));
    let result = sandbox.run(["key", "revoke", "--yes", &first, &second, &first]).succeeds();
    assert_eq!(result.err, format!("revoked {first} of App 1, {second} of App 1\n"));
}

#[test]
fn unknown_id_revokes_nothing() {
    let sandbox = Sandbox::with_client("App 1");
    let id = id_of(&sandbox.issue(&["App 1"]));
    let before = sandbox.file();
    sandbox.run(["key", "revoke", "--yes", &id, "0000000000000000"]).fails(1, "0000000000000000");
    assert_eq!(sandbox.file(), before);
}

#[test]
fn revoking_without_a_terminal_needs_yes() {
    let sandbox = Sandbox::with_client("App 1");
    let id = id_of(&sandbox.issue(&["App 1"]));
    let before = sandbox.file();
    sandbox.run(["key", "revoke", &id]).fails(2, "give --yes");
    sandbox.run_with(b"y\n", ["key", "revoke", &id]).fails(2, "give --yes");
    assert_eq!(sandbox.file(), before);
}

#[test]
fn revoking_again_changes_nothing() {
    let sandbox = Sandbox::with_client("App 1");
    let id = id_of(&sandbox.issue(&["App 1"]));
    sandbox.run(["key", "revoke", "--yes", &id]).succeeds();
    let before = sandbox.file();
    sandbox.run(["key", "revoke", "--yes", &id]).succeeds();
    assert_eq!(sandbox.file(), before);
}
