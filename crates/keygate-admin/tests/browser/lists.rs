//! Lists of more rows than one page, and filters that match nothing.

use std::sync::Arc;

use keygate::manage::TransferKeys as _;
use keygate::store::SqliteStore;
use keygate::{ApiKey, ClientProfile, ManageKeys, MemoryStore, NewKey};

use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn long_lists_have_pages() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::migrate(folder.path().join("keys.db")).await.unwrap();
    let copied = MemoryStore::new();
    for number in 0..110 {
        let profile = ClientProfile::new(format!("client-{number:03}"));
        copied.add_client(profile.with_title(format!("Client number {number}"))).unwrap();
        let key = NewKey::from(&ApiKey::generate("kg").unwrap());
        copied.issue("client-000", key.with_label(format!("key {number}"))).unwrap();
    }
    store.import_keys(&copied.export_keys().await.unwrap()).await.unwrap();
    let site = Site::of(Arc::new(store), MemoryStore::new()).await;
    let browser = site.sign_in().await;
    for (path, name) in [
        ("/clients", "clients-page"),
        ("/keys", "keys-page"),
        ("/clients/client-000", "client-page"),
        ("/events", "events-page"),
        ("/safety/no-quota", "safety-page"),
    ] {
        browser.open(path).await;
        browser.press("Next page").await;
        browser.sees("Previous page").await;
        browser.look(name).await;
        browser.press("Previous page").await;
        assert!(!browser.text().await.contains("Previous page"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_and_wrong_filters_lead_back_to_the_whole_list() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::migrate(folder.path().join("keys.db")).await.unwrap();
    ManageKeys::add_client(&store, "shop".into()).await.unwrap();
    let site = Site::of(Arc::new(store), MemoryStore::new()).await;
    let browser = site.sign_in().await;
    for (path, text, name) in [
        ("/keys", "No keys yet", "keys-none"),
        ("/keys?search=x", "No keys match", "keys-none-found"),
        ("/keys?search=x&scope=Orders", "These filters cannot be applied", "keys-wrong-filter"),
        ("/events?actor=nobody", "No changes match", "events-none-found"),
        ("/events?key=x&since=x", "These filters cannot be applied", "events-wrong-filter"),
    ] {
        browser.open(path).await;
        browser.sees(text).await;
        browser.look(name).await;
    }
}
