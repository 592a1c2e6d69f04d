//! Usage, rows and stores that cannot be read.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::SystemTime;

use keygate::observe::UsageHistory;
use keygate::store::SqliteStore;
use keygate::{ApiKey, ClientProfile, ManageKeys, MemoryStore, NewKey};

use crate::failing::{Failing, Fault};
use crate::kept::{HOUR, Kept};
use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn pages_without_readable_usage_say_so() {
    let kept = Kept::since(SystemTime::now() - HOUR).await;
    let key = kept.key("shop", "of-the-shop", |key| key.with_label("production"));
    kept.calls("of-the-shop", 3);
    kept.flush().await;
    let store = kept.store.clone();
    let site = Site::with(Arc::new(store.clone()), store, kept.with_usage()).await;
    let browser = site.sign_in().await;
    fs::rename(kept.folder.path().join("usage.db"), kept.folder.path().join("away.db")).unwrap();
    for (path, name) in [
        ("/clients", "unread-usage-clients"),
        ("/clients?sort=used", "unread-usage-sorted"),
        ("/clients/shop", "unread-usage-client"),
        (&*format!("/keys/{key}/revoke"), "unread-usage-revoke"),
        ("/usage", "unread-usage"),
        ("/safety", "unread-usage-safety"),
        ("/safety/unused", "unread-usage-safety-keys"),
        ("/health", "unread-usage-health"),
    ] {
        browser.open(path).await;
        browser.look(name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_before_the_first_recorded_usage_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let history = UsageHistory::in_folder(folder.path()).await.unwrap();
    let store = MemoryStore::new();
    let site = Site::with(Arc::new(store.clone()), store, |admin| admin.with_usage(history)).await;
    let key = site.fill();
    let browser = site.sign_in().await;
    for (path, name) in [
        ("/clients", "first-usage-clients"),
        ("/clients/shop", "first-usage-client"),
        (&*format!("/keys/{key}"), "first-usage-key"),
        ("/usage", "first-usage"),
        ("/safety", "first-usage-safety"),
        ("/health", "first-usage-health"),
    ] {
        browser.open(path).await;
        browser.look(name).await;
    }
}

fn sqlite3(file: &Path, sql: &str) {
    let done = Command::new("sqlite3").arg(file).arg(sql).status();
    assert!(done.expect("`sqlite3` is installed: `tests/run` does it").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn key_whose_row_cannot_be_read_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.db");
    let store = SqliteStore::migrate(&file).await.unwrap();
    store.add_client(ClientProfile::new("shop").with_title("The shop")).await.unwrap();
    let mut ids = Vec::new();
    for label in ["production", "laptop"] {
        let key = NewKey::from(&ApiKey::generate("kg").unwrap()).with_label(label);
        ids.push(store.issue("shop", key).await.unwrap().key_id);
    }
    let id = ids[0];
    sqlite3(&file, &format!("update keygate_keys set label = ' x ' where key_id = '{id}'"));
    let site = Site::of(Arc::new(store), MemoryStore::new()).await;
    let browser = site.sign_in().await;
    for (path, name) in [
        ("/keys", "unread-row-keys"),
        ("/clients/shop", "unread-row-client"),
        ("/safety", "unread-row-safety"),
    ] {
        browser.open(path).await;
        browser.sees("cannot be read").await;
        browser.look(name).await;
    }
    browser.press("Revoke it").await;
    browser.sees("This key cannot be shown").await;
    browser.look("unread-row-key").await;
    browser.press("Revoke the key").await;
    browser.sees("The key was revoked").await;
    browser.look("unread-row-revoked").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_page_works_while_the_store_is_down() {
    let store = MemoryStore::new();
    let failing = Failing::new(store.clone());
    let site = Site::of(failing.shared(), store).await;
    let browser = site.sign_in().await;
    failing.set(Fault::Down);
    browser.open("/health").await;
    browser.sees("The store cannot be read").await;
    browser.look("health-store-down").await;
}
