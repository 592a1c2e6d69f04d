use std::sync::Arc;
use std::time::{Duration, SystemTime};

use keygate::manage::{EventQuery, Policy};
use keygate::observe::{UsageHistory, UsageWriter};
use keygate::{ApiKey, Authenticator, NewKey, Usage, YamlStore};
use keygate_admin::{Admin, Caller, self_service};
use serde_json::json;

use super::api::{ann, server, three};
use super::documented::Documented;
use super::hooked::{Hooked, outage};
use super::support::Server;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn events_name_the_operator() {
    let folder = tempfile::tempdir().unwrap();
    let store = YamlStore::create(folder.path().join("keys.yml")).unwrap();
    let store = store.record_events(folder.path()).unwrap();
    let ann = ann(&server(store.clone())).await;
    ann.post("/clients", json!({ "name": "App 1" })).await.expect(201);
    ann.act("/clients/App%201/disable").await.expect(200);
    let recorded = store.events(&EventQuery::default()).unwrap().found;
    assert!(recorded.iter().all(|event| event.actor.as_deref() == Some("ann")), "{recorded:?}");
    let events = ann.get("/events?client=App%201&actor=ann&limit=1").await.expect(200);
    let newest = &events.body["items"][0];
    assert_eq!((&newest["action"], &newest["actor"]), (&json!("client.disabled"), &json!("ann")));
    assert_eq!(
        (&newest["before"]["enabled"], &newest["after"]["enabled"]),
        (&json!(true), &json!(false))
    );
    let oldest = ann.get("/events?oldest_first=true&action=client.added").await.expect(200);
    assert_eq!(oldest.body["items"][0]["action"], "client.added");
}

#[tokio::test]
async fn store_without_events_or_usage_says_so() {
    let ann = ann(&server(three())).await;
    ann.get("/events").await.refused(404, "not-kept");
    ann.get("/usage").await.refused(404, "not-kept");
    let health = ann.get("/health").await.expect(200);
    assert_eq!(
        (&health.body["events"], &health.body["usage"]["status"]),
        (&json!(false), &json!("not_kept"))
    );
}

#[tokio::test]
async fn usage_covers_all_clients_or_one() {
    let folder = tempfile::tempdir().unwrap();
    let history = UsageHistory::in_folder(folder.path()).await.unwrap();
    let store = three();
    let usage = Usage::new();
    let auth = Authenticator::new(store.clone()).add_observer(usage.clone());
    let writer = UsageWriter::start(&usage, &history).unwrap();
    let keys = [1, 2].map(|requests| {
        let (name, key) = (format!("App {requests}"), ApiKey::generate("kg").unwrap());
        store.issue(&name, NewKey::from(&key)).unwrap();
        (0..requests).for_each(|_| drop(auth.verify_key(key.expose().as_bytes()).unwrap()));
        key.key_id()
    });
    writer.stop().await.unwrap();

    let own = self_service(Arc::new(store.clone()), |_| Some(Caller::signed_in("App 1")));
    let own = Documented::new(own.with_usage(history.clone()), "").await;
    let server = Server::with(Arc::new(store), |admin| {
        admin.with_usage(history).with_api().with_clock(SystemTime::now)
    });
    let ann = ann(&server).await;
    let all = ann.get("/usage?top=1&bucket=minute").await.expect(200);
    assert_eq!(
        (&all.body["totals"]["requests"], &all.body["clients"][0]["client"]),
        (&json!(3), &json!("App 2"))
    );
    assert_eq!(all.body["clients"].as_array().unwrap().len(), 1);
    assert_eq!(all.body["series"][0]["bucket"], "minute");
    for one in [ann.get("/usage?client=App%201").await, own.get("/usage").await] {
        let one = one.expect(200).body;
        assert_eq!((&one["totals"]["requests"], &one["clients"]), (&json!(1), &json!([])));
        assert_eq!(one["keys"][0]["key_id"], keys[0].to_string());
        assert_eq!(one["keys"].as_array().unwrap().len(), 1);
    }
    let past =
        ann.get("/usage?until=2020-01-01T00:00:00Z&since=2019-01-01T00:00:00Z").await.expect(200);
    assert_eq!(past.body["totals"]["requests"], 0);
    for reader in [&ann, &own] {
        let key = reader.get(&format!("/keys/{}", keys[0])).await.expect(200);
        assert_ne!(key.body["last_used"], "unknown");
        let keys = reader.get("/keys").await.expect(200);
        assert!(keys.body["items"].as_array().unwrap().contains(&key.body));
    }
}

#[tokio::test]
async fn health_reports_the_policy_and_outages() {
    let store = three();
    store.update_policy(Policy::new().with_max_lifetime(90 * DAY)).unwrap();
    let ann_up = ann(&server(store.clone())).await;
    let health = ann_up.get("/health").await.expect(200);
    let policy = json!({ "max_lifetime_seconds": 7_776_000, "default_lifetime_seconds": null, "requires_expiry": true });
    assert_eq!(health.body["policy"], policy);
    let refused = ann_up.post("/clients/App%201/keys", json!({ "expires": null })).await;
    assert_eq!(refused.refused(422, "invalid-fields").places(), ["#/expires"]);

    let down = Hooked::new(Box::new(store), |_, _| Box::pin(async { Err(outage()) }));
    let ann = ann(&Server::with(down, Admin::with_api)).await;
    for path in ["/health", "/clients", "/keys/0123456789abcdef"] {
        let answer = ann.get(path).await.refused(503, "unavailable");
        assert_eq!(answer.header("retry-after"), "1");
    }
}
