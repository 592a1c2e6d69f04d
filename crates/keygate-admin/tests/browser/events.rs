//! The events of a store that records its changes.

use std::sync::Arc;

use keygate::MemoryStore;
use keygate::store::SqliteStore;

use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn events_say_who_changed_what() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::migrate(folder.path().join("keys.db")).await.unwrap();
    let site = Site::of(Arc::new(store), MemoryStore::new()).await;
    let browser = site.sign_in().await;
    browser.open("/events").await;
    browser.look("events-none").await;
    browser.open("/clients/new").await;
    browser.fill("name", "shop").await;
    browser.fill("scopes", "orders:*").await;
    browser.press("Add the client").await;
    browser.press("Issue the first key").await;
    browser.fill("label", "production").await;
    browser.press("Review the key").await;
    browser.press("Issue the key").await;
    let key = browser.new_key().await;
    browser.open("/clients/shop/edit").await;
    browser.fill("quota", "100/minute").await;
    browser.press("Review the change").await;
    browser.press("Make the change").await;
    browser.look("client-with-events").await;
    browser.open("/events").await;
    browser.find("//tbody/tr[1]/td[.='ann']").await;
    browser.sees("100/minute").await;
    browser.lacks(&key).await;
    browser.look("events").await;
}
