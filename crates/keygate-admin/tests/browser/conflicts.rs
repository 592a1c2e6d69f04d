//! Two operators at once: what the second one sees.

use std::sync::Arc;

use keygate::manage::{ClientChange, KeyChange};
use keygate::store::SqliteStore;
use keygate::{ApiKey, ClientProfile, ManageKeys, MemoryStore, NewKey};

use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_show_what_the_other_operator_changed() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::migrate(folder.path().join("keys.db")).await.unwrap();
    let scopes = ["orders:*", "stock:read"].map(|scope| scope.parse().unwrap());
    let shop = ClientProfile::new("shop").with_title("The shop of ACME").with_scopes(scopes);
    store.add_client(shop).await.unwrap();
    let key = NewKey::from(&ApiKey::generate("kg").unwrap()).with_label("production");
    let id = store.issue("shop", key).await.unwrap().key_id;
    let site = Site::of(Arc::new(store.clone()), MemoryStore::new()).await;
    let bob = ManageKeys::for_actor(&store, "bob").unwrap();
    let browser = site.sign_in().await;

    browser.open("/clients/shop/edit").await;
    browser.fill("title", "The shop of ACME in Berlin").await;
    let change = ClientChange::new().with_quota("100/minute".parse().unwrap());
    let change = change.add_scope("billing:read".parse().unwrap()).with_title("ACME");
    bob.update_client("shop", change).await.unwrap();
    browser.press("Review the change").await;
    browser.sees("Latest change: client changed by bob").await;
    assert_eq!(browser.value("title").await, "The shop of ACME in Berlin");
    assert_eq!(browser.value("quota").await, "100/minute");
    browser.look("conflict-client").await;

    let key = format!("/keys/{id}");
    for (form, label, button) in [
        ("edit", "web", "Change the key"),
        ("rotate", "mobile", "Rotate the key"),
        ("revoke", "desktop", "Revoke the key"),
    ] {
        browser.open(&format!("{key}/{form}")).await;
        if form != "revoke" {
            browser.fill("label", "my label").await;
        }
        bob.update_key(&id, KeyChange::new().with_label(label)).await.unwrap();
        browser.press(button).await;
        browser.sees("Somebody else has changed the key in the meantime").await;
        browser.look(&format!("conflict-key-{form}")).await;
    }

    browser.open("/clients/shop/keys/new").await;
    browser.press("Review the key").await;
    bob.update_client("shop", ClientChange::new().with_title("ACME shop")).await.unwrap();
    browser.press("Issue the key").await;
    browser.sees("Somebody else has changed the client").await;
    browser.look("conflict-issue").await;

    browser.open("/clients/shop/disable").await;
    bob.disable_client("shop").await.unwrap();
    browser.press("Disable the client").await;
    browser.sees("already disabled").await;
    browser.look("conflict-client-disable").await;
    assert_eq!(store.list_keys(None).await.unwrap().len(), 1);
}
