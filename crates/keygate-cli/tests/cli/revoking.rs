use crate::tool::{Place, id_of};

#[test]
fn revoked_key_is_refused() {
    let place = Place::with_client("App 1");
    let key = place.issue(&["App 1", "--label", "production"]);
    let id = id_of(&key);
    let answer = place.run(["key", "revoke", &id, "--yes"]).succeeds();
    assert_eq!(
        (answer.out, answer.err),
        (String::new(), format!("revoked {id} (production) of App 1\n"))
    );
    let answer = place.run_with(key.as_bytes(), ["check"]);
    assert_eq!(answer.code, 1);
    assert_eq!(answer.out, format!("not valid: {id} (production) of App 1 was revoked\n"));
}

#[test]
fn several_keys_are_revoked_at_once() {
    let place = Place::with_client("App 1");
    let ids = [(); 3].map(|()| id_of(&place.issue(&["App 1"])));
    let answer = place.run(["key", "revoke", "--yes", "--json", &ids[0], &ids[2]]).succeeds();
    let revoked = answer.json();
    assert_eq!(revoked[0]["key_id"], ids[0]);
    assert_eq!(
        (&revoked[1]["key_id"], &revoked[1]["state"]),
        (&ids[2].clone().into(), &"revoked".into())
    );
    let live: Vec<_> = place.keys().into_iter().filter(|key| key["state"] == "active").collect();
    assert_eq!((live.len(), &live[0]["key_id"]), (1, &ids[1].clone().into()));
}

#[test]
fn key_that_is_named_twice_is_reported_once() {
    let place = Place::with_client("App 1");
    let [first, second] = [(); 2].map(|()| id_of(&place.issue(&["App 1"])));
    let answer = place.run(["key", "revoke", "--yes", &first, &second, &first]).succeeds();
    assert_eq!(answer.err, format!("revoked {first} of App 1, {second} of App 1\n"));
}

#[test]
fn one_unknown_id_keeps_all_keys() {
    let place = Place::with_client("App 1");
    let id = id_of(&place.issue(&["App 1"]));
    let before = place.file();
    place.run(["key", "revoke", "--yes", &id, "0000000000000000"]).fails(1, "0000000000000000");
    assert_eq!(place.file(), before);
}

#[test]
fn without_a_terminal_yes_must_be_given() {
    let place = Place::with_client("App 1");
    let id = id_of(&place.issue(&["App 1"]));
    let before = place.file();
    place.run(["key", "revoke", &id]).fails(2, "give --yes");
    place.run_with(b"y\n", ["key", "revoke", &id]).fails(2, "give --yes");
    assert_eq!(place.file(), before);
}

#[test]
fn revoking_again_changes_nothing() {
    let place = Place::with_client("App 1");
    let id = id_of(&place.issue(&["App 1"]));
    place.run(["key", "revoke", "--yes", &id]).succeeds();
    let before = place.file();
    place.run(["key", "revoke", "--yes", &id]).succeeds();
    assert_eq!(place.file(), before);
}
