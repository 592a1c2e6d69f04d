//! The size of each page with as many rows as it shows.

use std::sync::Arc;

use keygate::manage::{ClientChange, KeyChange, TransferKeys as _};
use keygate::store::SqliteStore;
use keygate::{ApiKey, ClientProfile, KeyId, ManageKeys, NewKey};

use crate::filled::send;
use crate::kept::{HOUR, Kept};
use crate::support::{Answer, Server, at, minutes};

const ROWS: usize = 110;

fn profile(number: usize) -> ClientProfile {
    let scopes = ["orders:read", "orders:write", "stock:*", "billing:invoices:read", "reports:*"];
    ClientProfile::new(format!("partner-{number:03}.example"))
        .with_title(format!("Partner {number:03} of the shop in Berlin"))
        .with_scopes(scopes.map(|scope| scope.parse().unwrap()))
        .with_quota("100/minute".parse().unwrap())
        .with_metadata([("team", "billing"), ("contact", "ops@partner.example")])
}

/// Fills the store with clients, keys and events, and records a day of requests of each client. Returns the ID of a key.
async fn fill(kept: &Kept, store: &SqliteStore) -> KeyId {
    let mut id = None;
    for number in 0..ROWS {
        kept.store.add_client(profile(number)).unwrap();
        let text = format!("key of {number}");
        id = Some(kept.key(profile(number).name(), &text, |key| key.with_label("production")));
        let key =
            NewKey::from(&ApiKey::generate("kg").unwrap()).with_label(format!("key {number}"));
        let key = key.with_scopes(["orders:read", "stock:*"].map(|scope| scope.parse().unwrap()));
        let key = key.with_networks(["192.0.2.0/25".parse().unwrap()]);
        kept.store.issue(profile(0).name(), key).unwrap();
        kept.calls(&text, 20);
    }
    kept.pass(HOUR).await;
    kept.calls("key of 1", 200);
    kept.pass(minutes(30)).await;
    store.import_keys(&kept.store.export_keys().await.unwrap()).await.unwrap();
    let id = id.unwrap();
    for number in 0..ROWS {
        let change = ClientChange::new().with_quota("9/second".parse().unwrap());
        let change = change.with_title(format!("Partner {number:03} of the shop in Hamburg"));
        store.update_client(profile(number).name(), change).await.unwrap();
        store
            .update_key(&id, KeyChange::new().with_label(format!("label {number}")))
            .await
            .unwrap();
    }
    id
}

/// Returns the size of a page without the data of its plots.
fn size(answer: &Answer) -> usize {
    let plots = answer.body.split("<svg").skip(1);
    answer.body.len() - plots.map(|plot| plot.split_once("</svg>").unwrap().0.len()).sum::<usize>()
}

#[tokio::test]
async fn each_page_has_at_most_60_kb() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::migrate(folder.path().join("keys.db")).await.unwrap();
    let kept = Kept::since(at(0)).await;
    let key = fill(&kept, &store).await;
    let server = Server::with(Arc::new(store.clone()), kept.with_usage());
    server.clock.set((kept.clock.reader())());
    let mut page = server.signed_in("ann").await;

    let client = format!("/clients/{}", profile(0).name());
    let key = format!("/keys/{key}");
    store.disable_client(profile(2).name()).await.unwrap();
    let disabled = format!("/clients/{}", profile(2).name());
    let mut paths: Vec<_> = [
        "/clients",
        "/clients?sort=used",
        "/clients?sort=-name",
        "/clients/new",
        "/keys",
        "/keys?sort=-created",
        "/events",
        "/usage",
        "/usage?over=hour",
        "/usage?over=month",
        "/health",
        "/safety",
        "/safety/never-expires",
        "/safety/beyond-policy",
        "/safety/unused",
        "/safety/no-quota",
        "/safety/no-keys",
        "/safety/safe-to-remove",
    ]
    .map(str::to_owned)
    .into();
    paths.extend(["", "/edit", "/disable", "/keys/new"].map(|form| client.clone() + form));
    paths.extend(["/enable", "/remove"].map(|form| disabled.clone() + form));
    paths.extend(["", "/edit", "/rotate", "/revoke"].map(|form| key.clone() + form));
    paths.push(format!("/usage?client={}", profile(0).name()));
    let mut sizes = Vec::new();
    for path in paths {
        let shown = page.get(&path).await;
        assert_eq!(shown.status, 200, "{path}: {}", shown.body);
        sizes.push((size(&shown), path));
    }

    let edit = format!("{client}/edit");
    let form = page.get(&edit).await;
    let typed = [("title", "Another title"), ("scopes", "orders:*"), ("quota", "9/day")];
    let review = send(&mut page, &edit, &form, &typed).await;
    assert_eq!(review.status, 200);
    sizes.push((size(&review), "the review".to_owned()));
    let change = ClientChange::new().with_title("Theirs").without_quota();
    store.update_client(profile(0).name(), change).await.unwrap();
    let conflict = send(&mut page, &edit, &form, &typed).await;
    assert_eq!(conflict.status, 409);
    sizes.push((size(&conflict), "the conflict".to_owned()));

    sizes.sort();
    println!("{sizes:#?}");
    assert!(sizes.iter().all(|(size, _)| *size < 60_000), "{:?}", sizes.last());
    // The lists are full.
    assert!(sizes.iter().filter(|(size, _)| *size > 20_000).count() >= 5, "{sizes:?}");
}
