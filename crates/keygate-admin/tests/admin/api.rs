use std::sync::Arc;

use keygate::key::TimeError;
use keygate::manage::{ClientChange, KeyError};
use keygate::testing::FakeClock;
use keygate::{ApiKey, Authenticator, ClientProfile, ManageKeys, MemoryStore, NewKey, WrongReason};
use keygate_admin::Admin;
use serde_json::json;

use super::documented::{Documented, JsonAnswer};
use super::hooked::Hooked;
use super::support::{Server, at};

/// The API of a store, called by the operator `ann`, who may make changes.
pub(super) async fn ann(server: &Server) -> Documented {
    api(server).await.with_header("x-api-key", server.key_of("ann"))
}

pub(super) async fn api(server: &Server) -> Documented {
    Documented::new(server.service.clone(), "/api/v1").await
}

pub(super) fn server(store: impl ManageKeys + 'static) -> Server {
    Server::with(Arc::new(store), Admin::with_api)
}

/// A store with `App 1` to `App 3`, each with a key.
pub(super) fn three() -> MemoryStore {
    let store = MemoryStore::new();
    for (name, scope) in [("App 1", "orders:read"), ("App 2", "orders:*"), ("App 3", "stock:read")]
    {
        let profile = ClientProfile::new(name).with_scopes([scope.parse().unwrap()]);
        store.add_client(profile.with_metadata([("team", &name[4..])])).unwrap();
        store
            .issue(name, NewKey::from(&ApiKey::generate("kg").unwrap()).with_label("first"))
            .unwrap();
    }
    store
}

pub(super) fn issued(answer: &JsonAnswer) -> &str {
    answer.body.get("issued").or(answer.body.get("new")).unwrap()["key_id"].as_str().unwrap()
}

fn names(answer: &JsonAnswer) -> Vec<&str> {
    let items = answer.body["items"].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().or(item["client"].as_str()).unwrap()).collect()
}

#[tokio::test]
async fn client_is_added_changed_disabled_and_removed() {
    let store = MemoryStore::new();
    let ann = ann(&server(store.clone())).await;
    let added = json!({
        "name": "Ünit/1", "title": "The first", "scopes": ["b", "a"], "networks": ["10.0.0.0/8"],
        "quota": [{ "rate": "10/second", "burst": 20 }, "100/minute"], "metadata": { "team": "x", "floor": "2" },
    });
    let added = ann.post("/clients", added).await.expect(201);
    assert_eq!(added.header("location"), "/api/v1/clients/%C3%9Cnit%2F1");
    let path = "/clients/%C3%9Cnit%2F1";
    let shown = ann.get(path).await.expect(200);
    assert_eq!((&shown.body, shown.header("etag")), (&added.body, added.header("etag")));
    assert_eq!(shown.body["quota"], json!([{ "rate": "10/second", "burst": 20 }, "100/minute"]));

    let change = json!({ "title": null, "scopes": ["c"], "quota": "unlimited", "metadata": { "team": null, "new": "y" } });
    let based = ann.with_header("if-match", added.header("etag"));
    let changed = based.patch(path, change).await.expect(200);
    let profile = store.find_client("Ünit/1").await.unwrap().profile;
    assert_eq!((profile.title(), profile.scopes()), (None, &["c".parse().unwrap()][..]));
    assert!(profile.quota().unwrap().is_unlimited());
    assert_eq!(changed.body["metadata"], json!({ "floor": "2", "new": "y" }));
    assert_eq!(changed.body["networks"], json!(["10.0.0.0/8"]));
    assert_ne!(changed.header("etag"), added.header("etag"));

    let any = ann.with_header("if-match", "*");
    any.send("DELETE", path, None).await.refused(409, "conflict");
    ann.act(&format!("{path}/disable")).await.expect(200);
    assert!(!store.find_client("Ünit/1").await.unwrap().enabled);
    ann.act(&format!("{path}/enable")).await.expect(200);
    assert!(store.find_client("Ünit/1").await.unwrap().enabled);
    ann.act(&format!("{path}/disable")).await.expect(200);
    any.send("DELETE", path, None).await.expect(200);
    ann.get(path).await.refused(404, "not-found");
}

#[tokio::test]
async fn key_is_issued_changed_rotated_and_revoked() {
    let clock = FakeClock::at(at(0));
    let store = three().with_clock(clock.reader());
    let server =
        Server::with(Arc::new(store.clone()), |admin| admin.with_api().with_clock(clock.reader()));
    let ann = ann(&server).await;
    let auth = Authenticator::new(store.clone()).with_clock(clock.reader());
    let body = json!({ "label": "second", "expires": "2028-01-01T00:00:00+01:00", "networks": ["10.0.0.0/8"] });
    let answer = ann.post("/clients/App%201/keys", body).await.expect(201);
    let (id, location) = (issued(&answer).to_owned(), answer.header("location"));
    assert_eq!(location, format!("/api/v1/keys/{id}"));
    assert_eq!(answer.body["issued"]["expires"], "2027-12-31T23:00:00Z");
    assert_eq!(answer.body["issued"]["networks"], json!(["10.0.0.0/8"]));

    let based = ann.with_header("if-match", answer.header("etag"));
    let change = json!({ "label": null, "expires": null, "networks": [] });
    let changed = based.patch(&format!("/keys/{id}"), change).await.expect(200);
    for (name, value) in [("label", json!(null)), ("expires", json!(null)), ("networks", json!([]))]
    {
        assert_eq!(changed.body[name], value);
    }
    assert_eq!(auth.verify_key(answer.key().as_bytes()).unwrap().name(), "App 1");

    let rotate = json!({ "grace_seconds": 3_600, "label": "third" });
    let rotated = ann.post(&format!("/keys/{id}/rotate"), rotate).await.expect(201);
    assert_eq!(rotated.body["old"]["replaced_by"], rotated.body["new"]["key_id"]);
    assert_eq!(rotated.body["new"]["label"], "third");
    for (key, seconds) in [(&answer, 3_599), (&rotated, 3_600)] {
        clock.set(at(seconds));
        assert_eq!(auth.verify_key(key.key().as_bytes()).unwrap().name(), "App 1");
    }
    assert!(auth.verify_key(answer.key().as_bytes()).is_err());

    let new = issued(&rotated);
    let revoked = ann.act(&format!("/keys/{new}/revoke")).await.expect(200);
    assert_eq!(revoked.body["status"], "revoked");
    assert!(auth.verify_key(rotated.key().as_bytes()).is_err());
    let again = ann.post(&format!("/keys/{new}/rotate"), json!({})).await.refused(409, "conflict");
    assert_eq!(again.body["key_id"], new);
}

#[tokio::test]
async fn new_key_is_refused_before_its_beginning() {
    let store = three();
    let ann = ann(&server(store.clone())).await;
    let auth = Authenticator::new(store);
    let [begins, later] = ["2098-01-01T00:00:00Z", "2099-01-01T00:00:00Z"];
    let first =
        ann.post("/clients/App%201/keys", json!({ "not_before": begins })).await.expect(201);
    let rotate = format!("/keys/{}/rotate", issued(&first));
    let second = ann.post(&rotate, json!({ "not_before": later })).await.expect(201);
    for (answer, new, begins) in [(&first, "issued", begins), (&second, "new", later)] {
        let new = &answer.body[new];
        assert_eq!((&new["not_before"], &new["status"]), (&json!(begins), &json!("not_yet_valid")));
        let error = auth.verify_key(answer.key().as_bytes()).unwrap_err();
        assert_eq!(error.reason(), Some(WrongReason::NotYetValid));
    }
    let never = json!({ "not_before": later, "expires": begins });
    let refused = ann.post("/clients/App%201/keys", never).await.refused(422, "invalid-fields");
    assert_eq!(refused.places(), ["#/not_before"]);
    let (key, change) = (format!("/keys/{}", issued(&first)), json!({ "expires": begins }));
    let refused = ann.with_header("if-match", "*").patch(&key, change).await;
    assert_eq!(refused.refused(422, "invalid-fields").places(), ["#/expires"]);
}

#[tokio::test]
async fn beginning_is_rounded_up_and_the_expiry_down() {
    let ann = ann(&server(three())).await;
    let finer = json!({
        "not_before": "2098-01-01T00:00:00.0000001Z", "expires": "2099-01-01T00:00:00.0000019Z",
    });
    let issued = ann.post("/clients/App%201/keys", finer).await.expect(201);
    assert_eq!(issued.body["issued"]["not_before"], "2098-01-01T00:00:00.000001Z");
    assert_eq!(issued.body["issued"]["expires"], "2099-01-01T00:00:00.000001Z");
}

/// The API accepts only times that keygate's own stores can keep, but other stores may refuse some of them.
#[tokio::test]
async fn beginning_that_a_store_refuses_is_named() {
    let refusing = Hooked::new(Box::new(three()), |method, _| {
        let refused = KeyError::NotBefore(TimeError::AfterEnd);
        Box::pin(async move { if method == "issue" { Err(refused.into()) } else { Ok(()) } })
    });
    let ann = ann(&Server::with(refusing, Admin::with_api)).await;
    let late = json!({ "not_before": "9999-01-01T00:00:00Z" });
    let refused = ann.post("/clients/App%201/keys", late).await.refused(422, "invalid-fields");
    assert_eq!(refused.places(), ["#/not_before"]);
}

#[tokio::test]
async fn lists_are_filtered_and_paged_by_cursor() {
    let ann = ann(&server(three())).await;
    for (path, found) in [
        ("/clients", &["App 1", "App 2", "App 3"][..]),
        ("/clients?scope=orders:read", &["App 1", "App 2"]),
        ("/clients?search=app%202", &["App 2"]),
        ("/clients?metadata=team:3&enabled=true", &["App 3"]),
        ("/clients?enabled=false", &[]),
        ("/clients?descending=true&limit=2", &["App 3", "App 2"]),
        ("/keys?client=App%202", &["App 2"]),
        ("/keys?scope=stock:read", &["App 3"]),
        ("/keys?status=active&status=revoked&descending=true", &["App 3", "App 2", "App 1"]),
        ("/keys?status=expired", &[]),
        ("/keys?metadata=team:1&label=first&never_expires=true", &["App 1"]),
        ("/keys?expires_within=60", &[]),
        ("/keys?search=fir&sort=created&limit=1000", &["App 1", "App 2", "App 3"]),
    ] {
        let answer = ann.get(path).await.expect(200);
        let mut names = names(&answer);
        if path.contains("sort=created") {
            names.sort_unstable();
        }
        assert_eq!(names, found, "{path}");
    }
    let mut next = String::new();
    for name in ["App 1", "App 2", "App 3"] {
        let page = ann.get(&format!("/keys?limit=1{next}")).await.expect(200);
        assert_eq!(names(&page), [name]);
        next = page.body["next"].as_str().map_or_else(String::new, |next| format!("&after={next}"));
    }
    assert_eq!(next, "");
    ann.get("/keys?client=App%204").await.refused(404, "not-found");
    for (path, place) in [
        ("/clients?after=nonsense!", "after"),
        ("/clients?limit=1001", "limit"),
        ("/clients?enabled=yes", "enabled"),
        ("/clients?scope=Orders", "scope"),
        ("/clients?metadata=team", "metadata"),
        ("/clients?sort=name", "sort"),
        ("/keys?status=lost", "status"),
        ("/keys?client=a&client=b", "client"),
        ("/events?since=yesterday", "since"),
        ("/events?action=key.lost", "action"),
        ("/usage?bucket=week", "bucket"),
    ] {
        let refused = ann.get(path).await.refused(400, "invalid-parameters");
        assert_eq!(refused.places(), [place], "{path}");
    }
}

#[tokio::test]
async fn change_based_on_an_old_version_is_refused() {
    let store = three();
    let ann = ann(&server(store.clone())).await;
    let key = format!("/keys/{}", store.list_keys(Some("App 1")).unwrap()[0].key_id);
    for (path, method) in
        [("/clients/App%201", "PATCH"), ("/clients/App%201", "DELETE"), (&key, "PATCH")]
    {
        ann.send(method, path, None).await.refused(428, "version-required");
    }
    let old = ann.get("/clients/App%201").await.header("etag").to_owned();
    let old_key = ann.get(&key).await.header("etag").to_owned();
    store.update_client("App 1", ClientChange::new().with_title("New")).unwrap();
    ann.with_header("if-match", "*").patch(&key, json!({ "label": "x" })).await.expect(200);

    for (path, method, etag) in [
        ("/clients/App%201", "PATCH", &old),
        ("/clients/App%201", "DELETE", &old),
        ("/clients/App%201/disable", "POST", &old),
        ("/clients/App%201/keys", "POST", &old),
        (&key, "PATCH", &old_key),
        (&format!("{key}/rotate"), "POST", &old_key),
        (&format!("{key}/revoke"), "POST", &old_key),
    ] {
        let based = ann.with_header("if-match", etag);
        let answer = based.send(method, path, None).await.refused(412, "changed-meanwhile");
        let current = &answer.body["current"];
        let quoted = format!("\"{}\"", current["version"].as_str().unwrap());
        assert_eq!(answer.header("etag"), quoted);
        assert!(current["title"] == "New" || current["label"] == "x", "{current}");
        // A weak tag, or a tag of something else, matches nothing.
        let weak = ann.with_header("if-match", &format!("W/{quoted}, \"x\""));
        weak.send(method, path, None).await.refused(412, "changed-meanwhile");
    }
    ann.with_header("if-match", "x")
        .act("/clients/App%201/disable")
        .await
        .refused(400, "malformed-request");
    assert_eq!(store.list_keys(Some("App 1")).unwrap().len(), 1);
    let both = format!("{old}, {}", ann.get("/clients/App%201").await.header("etag"));
    ann.with_header("if-match", &both).act("/clients/App%201/disable").await.expect(200);
}

/// The store compares the version within the change, not only before it.
#[tokio::test]
async fn concurrent_change_after_the_check_is_refused() {
    let store = three();
    let other = store.clone();
    let racing = Hooked::new(Box::new(store), move |method, is_before| {
        if method == "update_client" && is_before {
            other.update_client("App 1", ClientChange::new().with_title("New")).unwrap();
        }
        Box::pin(async { Ok(()) })
    });
    let ann = ann(&Server::with(racing, Admin::with_api)).await;
    let etag = ann.get("/clients/App%201").await.header("etag").to_owned();
    let based = ann.with_header("if-match", &etag);
    let answer = based.patch("/clients/App%201", json!({ "title": "Old" })).await;
    assert_eq!(answer.refused(412, "changed-meanwhile").body["current"]["title"], "New");
}

#[tokio::test]
async fn problems_do_not_quote_malformed_requests() {
    let store = three();
    let server = server(store.clone());
    let ann = ann(&server).await;
    ann.get("/nothing").await.refused(404, "not-found");
    ann.get("").await.refused(404, "not-found");
    ann.get("/").await.refused(404, "not-found");
    ann.get("/clients/%FF").await.refused(404, "not-found");
    ann.get("/keys/nothing").await.refused(404, "not-found");
    let refused = ann.send("PUT", "/clients", None).await.refused(405, "method-not-allowed");
    assert_eq!(refused.header("allow"), "GET,HEAD,POST");
    ann.send("POST", "/openapi.json", None).await.refused(405, "method-not-allowed");
    ann.send("HEAD", "/clients", None).await.expect(200);
    let secret = "kg_0123456789ABCDEFGHIJKLMNOPQRSTUV";
    for body in [format!("{{\"name\": \"{secret}\""), format!("\"{secret}\""), "[1]".to_owned()] {
        let refused =
            ann.send("POST", "/clients", Some(body)).await.refused(400, "malformed-request");
        assert!(!refused.text.contains(secret));
    }
    let form = ann.with_header("content-type", "application/x-www-form-urlencoded");
    form.post("/clients", json!({ "name": "a" })).await.refused(415, "unsupported-media-type");
    let long = json!({ "name": "x".repeat(1 << 20) });
    ann.post("/clients", long).await.refused(413, "body-too-large");

    let wrong = json!({
        "name": "", "title": "<script>\u{7}", "scopes": ["a", secret, 1], "networks": "10.0.0.0/8",
        "quota": { "rate": secret, "burst": secret }, "metadata": { "a": 1 }, secret: 1, "enabled": true,
    });
    let refused = ann.post("/clients", wrong).await.refused(422, "invalid-fields");
    let places =
        ["#/scopes/1", "#/scopes/2", "#/networks", "#/quota", "#/metadata", "#/enabled", "#"];
    assert_eq!(refused.places(), places);
    assert!(!refused.text.contains(secret), "{}", refused.text);
    for (body, place) in [
        (json!({}), "#/name"),
        (json!({ "name": "x".repeat(129) }), "#/name"),
        (json!({ "name": "a", "title": " " }), "#/title"),
        (json!({ "name": "a", "metadata": { "a": "x".repeat(5_000) } }), "#/metadata"),
    ] {
        assert_eq!(
            ann.post("/clients", body).await.refused(422, "invalid-fields").places(),
            [place]
        );
    }
    ann.post("/clients", json!({ "name": "App 1" })).await.refused(409, "conflict");
    assert_eq!(store.list_clients().len(), 3);
}

#[tokio::test]
async fn texts_that_look_like_keys_are_refused_unquoted() {
    let store = three();
    let all = || (store.list_clients(), store.list_keys(None).unwrap());
    let (before, ann) = (all(), ann(&server(store.clone())).await);
    let ann = ann.with_header("if-match", "*");
    let key = format!("key {}", ApiKey::generate("kg").unwrap().expose());
    let id = super::support::key_id(&store, "App 1");
    let (client, id) = ("/clients/App%201", format!("/keys/{id}"));
    for (method, path, body, place) in [
        ("POST", "/clients", json!({ "name": key }), "#/name"),
        ("POST", "/clients", json!({ "name": "a", "title": key }), "#/title"),
        ("POST", "/clients", json!({ "name": "a", "metadata": { "a": key } }), "#/metadata"),
        ("PATCH", client, json!({ "title": key }), "#/title"),
        ("PATCH", client, json!({ "metadata": { key.as_str(): "a" } }), "#/metadata"),
        ("PATCH", &id, json!({ "label": key }), "#/label"),
        ("POST", "/clients/App%201/keys", json!({ "label": key }), "#/label"),
        ("POST", &format!("{id}/rotate"), json!({ "label": key }), "#/label"),
    ] {
        let answer = ann.send(method, path, Some(body.to_string())).await;
        let answer = answer.refused(422, "invalid-fields");
        assert_eq!(answer.places(), [place], "{path}");
        assert!(!answer.text.contains(&key[4..]), "{}", answer.text);
    }
    assert_eq!(all(), before);

    // An entry that was stored elsewhere can be removed.
    let profile = ClientProfile::new("old").with_metadata([(key.as_str(), "a")]);
    store.add_client(profile).unwrap();
    let removal = json!({ "metadata": { key: null } });
    let changed = ann.patch("/clients/old", removal).await.expect(200);
    assert_eq!(changed.body["metadata"], json!({}));
}
