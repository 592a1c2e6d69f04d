//! Concurrent changes by two operators: nothing is overwritten, and no input is lost.

use std::sync::Arc;
use std::time::Duration;

use keygate::manage::{ClientChange, KeyChange};
use keygate::{ApiKey, ManageKeys, NewKey, YamlStore};
use tempfile::TempDir;

use crate::filled::{client, page, send, store_with_app};
use crate::support::{Answer, Page, at};

const EDIT: &str = "/clients/App%201/edit";

fn texts<'a>(title: &'a str, quota: &'a str, step: &'a str) -> [(&'a str, &'a str); 6] {
    [
        ("title", title),
        ("scopes", "orders:*\r\nstock:read"),
        ("quota", quota),
        ("networks", ""),
        ("metadata", ""),
        ("step", step),
    ]
}

#[tokio::test]
async fn conflict_shows_the_differences_and_keeps_both_changes() {
    let (store, _) = store_with_app();
    let mut page = page(&store).await;
    let form = page.get(EDIT).await;
    store.update_client("App 1", ClientChange::new().with_quota("9/day".parse().unwrap())).unwrap();

    let conflict = send(&mut page, EDIT, &form, &texts("My title", "100/minute", "apply")).await;
    assert_eq!(conflict.status, 409);
    conflict.says("Somebody else has changed the client in the meantime");
    // The old value, the current value, and the input.
    conflict
        .says("<th scope=\"row\">Quota</th><td>100/minute</td><td>9/day</td><td>100/minute</td>");
    conflict
        .says("<th scope=\"row\">Title</th><td>The shop</td><td>The shop</td><td>My title</td>");
    assert!(!conflict.body.contains("<th scope=\"row\">Scopes</th>"));
    // The form has the typed title and the other operator's quota.
    conflict.says("name=\"title\" type=\"text\" value=\"My title\"").says(">\n9/day</textarea>");
    assert_eq!(client(&store, "App 1").profile.title(), Some("The shop"));

    let done = send(&mut page, EDIT, &conflict, &texts("My title", "9/day", "apply")).await;
    assert_eq!(done.status, 303);
    let profile = client(&store, "App 1").profile;
    assert_eq!(
        (profile.title(), profile.quota().unwrap().to_string()),
        (Some("My title"), "9/day".to_owned())
    );
}

#[tokio::test]
async fn change_after_the_review_is_a_conflict() {
    let (store, _) = store_with_app();
    let mut page = page(&store).await;
    let form = page.get(EDIT).await;
    let review = send(&mut page, EDIT, &form, &texts("My title", "100/minute", "review")).await;
    store.disable_client("App 1").unwrap();
    let conflict = send(&mut page, EDIT, &review, &[("step", "apply")]).await;
    assert_eq!(conflict.status, 409);
    conflict.says("value=\"My title\"");
    assert_eq!(client(&store, "App 1").profile.title(), Some("The shop"));
}

/// Opens the page of a change, lets another operator change the client or key, and submits the form.
async fn sent_too_late(
    path: &str,
    typed: &[(&str, &str)],
    meanwhile: impl FnOnce(&keygate::MemoryStore),
) -> (keygate::MemoryStore, Answer) {
    let (store, key) = store_with_app();
    let mut page = page(&store).await;
    let path = path.replace("ID", &key.key_id().to_string());
    let form = page.get(&path).await;
    assert_eq!(form.status, 200, "{path}");
    meanwhile(&store);
    let answer = send(&mut page, &path, &form, typed).await;
    assert_eq!(answer.status, 409, "{path}");
    answer.says("in the meantime");
    (store, answer)
}

#[tokio::test]
async fn outdated_confirmation_does_not_change_the_state() {
    let quota = || ClientChange::new().with_quota("9/day".parse().unwrap());
    let (store, _) = sent_too_late("/clients/App%201/disable", &[], |store| {
        store.update_client("App 1", quota()).unwrap();
    })
    .await;
    assert!(client(&store, "App 1").enabled);
    let (_, answer) = sent_too_late("/clients/App%201/disable", &[], |store| {
        store.disable_client("App 1").unwrap();
    })
    .await;
    answer.says("<td>enabled</td><td>disabled</td>").says("already disabled");
}

#[tokio::test]
async fn outdated_form_does_not_change_a_key() {
    let label = |label: &'static str| KeyChange::new().with_label(label);
    let (_, key) = store_with_app();
    drop(key);
    for (path, typed) in [
        ("/keys/ID/revoke", vec![]),
        ("/keys/ID/rotate", vec![("grace", "1h"), ("lifetime", "same"), ("label", "mine")]),
        ("/keys/ID/edit", vec![("label", "mine"), ("lifetime", "same")]),
    ] {
        let (store, answer) = sent_too_late(path, &typed, |store| {
            let id = store.list_keys(None).unwrap()[0].key_id;
            store.update_key(&id, label("theirs")).unwrap();
        })
        .await;
        let keys = store.list_keys(None).unwrap();
        assert_eq!((keys.len(), keys[0].label.as_deref()), (1, Some("theirs")), "{path}");
        assert!(keys[0].revoked.is_none());
        if path.ends_with("edit") {
            answer.says("<td>production</td><td>theirs</td><td>mine</td>");
        }
        if !typed.is_empty() {
            answer.says("value=\"mine\"");
        }
    }
}

#[tokio::test]
async fn each_form_of_a_client_shows_what_differs() {
    for (path, typed, is_enabled) in [
        ("/clients/App%201/disable", vec![], true),
        ("/clients/App%201/enable", vec![], false),
        ("/clients/App%201/remove", vec![("confirm", "App 1")], false),
        // The conflict precedes the errors in the fields, which would hide it.
        ("/clients/App%201/remove", vec![("confirm", "App")], false),
        ("/clients/App%201/keys/new", vec![("lifetime", "30d"), ("step", "issue")], true),
    ] {
        let (store, _) = store_with_app();
        if !is_enabled {
            store.disable_client("App 1").unwrap();
        }
        let mut page = page(&store).await;
        let form = page.get(path).await;
        let change = ClientChange::new().with_title("A & B").with_quota("9/day".parse().unwrap());
        store.update_client("App 1", change).unwrap();
        let answer = send(&mut page, path, &form, &typed).await;
        assert_eq!(answer.status, 409, "{path}");
        answer
            .says("<th scope=\"row\">Title</th><td>The shop</td><td>A &amp; B</td></tr>")
            .says("<th scope=\"row\">Quota</th><td>100/minute</td><td>9/day</td></tr>");
        assert!(!answer.body.contains("<th scope=\"row\">State</th>"), "{path}");
        let client = client(&store, "App 1");
        assert_eq!((client.enabled, client.keys), (is_enabled, 1), "{path}");
    }
}

#[tokio::test]
async fn each_form_of_a_key_shows_what_differs() {
    for (path, typed) in [
        ("/keys/ID/revoke", vec![]),
        ("/keys/ID/rotate", vec![("grace", "1h"), ("lifetime", "same"), ("label", "production")]),
        ("/keys/ID/rotate", vec![("grace", ""), ("lifetime", "same"), ("label", "production")]),
        ("/keys/ID/edit", vec![("lifetime", "same"), ("label", "production")]),
    ] {
        let (store, answer) = sent_too_late(path, &typed, |store| {
            let id = store.list_keys(None).unwrap()[0].key_id;
            let change = KeyChange::new().with_label("theirs").with_expiry(at(86_400));
            store.update_key(&id, change).unwrap();
        })
        .await;
        answer
            .says("<th scope=\"row\">Label</th><td>production</td><td>theirs</td>")
            .says("<th scope=\"row\">Expires</th><td>never</td><td>2027-01-02 00:00:00 UTC</td>");
        if !typed.is_empty() {
            // The label was not edited, so the form follows the stored one.
            answer.says("name=\"label\" type=\"text\" value=\"theirs\"");
        }
        let keys = store.list_keys(None).unwrap();
        assert_eq!((keys.len(), keys[0].revoked), (1, None), "{path}");
    }
}

#[tokio::test]
async fn scopes_in_another_order_are_not_an_edit() {
    let (store, key) = store_with_app();
    let id = key.key_id();
    // The form has a checkbox for `stock:read`, and sends it before the narrower scope.
    let scopes =
        |all: &[&str]| KeyChange::new().with_scopes(all.iter().map(|scope| scope.parse().unwrap()));
    store.update_key(&id, scopes(&["orders:read", "stock:read"])).unwrap();
    let mut page = page(&store).await;
    let path = format!("/keys/{id}/edit");
    let unedited = [
        ("label", "production"),
        ("scope", "stock:read"),
        ("scopes", "orders:read"),
        ("lifetime", "same"),
    ];
    let form = page.get(&path).await;
    store.update_key(&id, KeyChange::new().with_label("theirs")).unwrap();
    let conflict = send(&mut page, &path, &form, &unedited).await;
    assert_eq!(conflict.status, 409);
    conflict.says("<th scope=\"row\">Label</th>");
    assert!(!conflict.body.contains("<th scope=\"row\">Scopes</th>"), "{}", conflict.body);

    let form = page.get(&path).await;
    store.update_key(&id, scopes(&["orders:write"])).unwrap();
    let conflict = send(&mut page, &path, &form, &unedited).await;
    conflict.says("<td>orders:read<br>stock:read</td><td>orders:write</td>");
    // The form follows the stored scopes.
    conflict.says(">\norders:write</textarea>");
}

#[tokio::test]
async fn conflict_shows_that_a_key_was_revoked_or_replaced() {
    let typed = [("lifetime", "same"), ("label", "production"), ("grace", "1h")];
    for path in ["/keys/ID/edit", "/keys/ID/rotate"] {
        let (_, answer) = sent_too_late(path, &typed, |store| {
            store.revoke(&store.list_keys(None).unwrap()[0].key_id).unwrap();
        })
        .await;
        answer.says("<th scope=\"row\">State</th><td>active</td><td>revoked</td>");
    }
    let new = ApiKey::generate("kg").unwrap();
    let (_, answer) = sent_too_late("/keys/ID/revoke", &[], |store| {
        let id = store.list_keys(None).unwrap()[0].key_id;
        store.rotate(&id, NewKey::from(&new), Duration::from_secs(60)).unwrap();
    })
    .await;
    let none = "<span class=\"muted\">none</span>";
    let id = new.key_id();
    answer.says(&format!("<th scope=\"row\">Replaced by</th><td>{none}</td><td>{id}</td>"));
}

#[tokio::test]
async fn key_is_not_issued_if_the_client_changed_after_the_review() {
    let (store, _) = store_with_app();
    let mut page = page(&store).await;
    let path = "/clients/App%201/keys/new";
    let form = page.get(path).await;
    let review = send(&mut page, path, &form, &[("label", "mine"), ("lifetime", "30d")]).await;
    store
        .update_client("App 1", ClientChange::new().add_scope("billing:*".parse().unwrap()))
        .unwrap();
    let conflict = send(&mut page, path, &review, &[("step", "issue")]).await;
    assert_eq!(conflict.status, 409);
    let now = "<td>billing:*<br>orders:*<br>stock:read</td>";
    conflict.says("Differences in the client").says(now).says("mine");
    assert_eq!(client(&store, "App 1").keys, 1);
    let shown = send(&mut page, path, &conflict, &[("step", "issue")]).await;
    shown.says("only time you will see this key");
    assert_eq!(client(&store, "App 1").keys, 2);
}

#[tokio::test]
async fn conflict_names_the_other_operator() {
    let folder = TempDir::new().unwrap();
    let store = YamlStore::create(folder.path().join("keys.yml")).unwrap();
    let store = store.record_events(folder.path()).unwrap();
    store.add_client("App 1").unwrap();
    let mut page = Page::new(Arc::new(store.clone())).await;
    let form = page.get(EDIT).await;
    let bob: Box<dyn ManageKeys> = ManageKeys::for_actor(&store, "bob <b>").unwrap();
    bob.update_client("App 1", ClientChange::new().with_title("Theirs")).await.unwrap();
    let conflict = send(&mut page, EDIT, &form, &texts("Mine", "", "apply")).await;
    assert_eq!(conflict.status, 409);
    conflict.says("<strong>bob &lt;b&gt;</strong>").says("client changed");
    let done = send(&mut page, EDIT, &conflict, &texts("Mine", "", "apply")).await;
    assert_eq!(done.status, 303);

    // The events on the page show who made each change.
    let client = page.get("/clients/App%201").await;
    client.says("<td>ann</td>").says("<del>Theirs</del> <ins>Mine</ins>");
    let events = page.get("/events?actor=bob+%3Cb%3E").await;
    events.says("<ins>Theirs</ins>");
    assert!(!events.body.contains("<ins>Mine</ins>"));
    for query in ["key=x", "action=x", "since=x", "until=2027-13-01"] {
        assert_eq!(page.get(&format!("/events?{query}")).await.status, 422, "{query}");
    }
}
