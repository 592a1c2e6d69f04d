//! Confirmations, and forms that change nothing.

use keygate::MemoryStore;

use crate::failing::{Failing, Fault};
use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn each_confirmation_fits_the_state_of_the_client_or_key() {
    let site = Site::start().await;
    let key = site.fill();
    let browser = site.sign_in().await;
    let [edit, rotate, revoke] =
        ["edit", "rotate", "revoke"].map(|form| format!("/keys/{key}/{form}"));
    for (path, text, name) in [
        ("/clients/reports/enable", "New keys will work", "client-enable"),
        ("/clients/reports/disable", "already disabled", "client-disable-again"),
        ("/clients/shop/remove", "Disable it first", "client-remove-enabled"),
        ("/clients/reports/keys/new", "This client is disabled", "key-issue-disabled"),
        (&*rotate, "keeps working", "key-rotate-expiring"),
    ] {
        browser.open(path).await;
        browser.sees(text).await;
        browser.look(name).await;
    }
    site.store.revoke(&key).unwrap();
    for (path, text, name) in [
        (&edit, "revoked", "key-change-revoked"),
        (&rotate, "was revoked, which is permanent", "key-rotate-revoked"),
        (&revoke, "already revoked", "key-revoke-again"),
    ] {
        browser.open(path).await;
        browser.sees(text).await;
        browser.look(name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_form_shows_its_errors() {
    let site = Site::start().await;
    let key = site.fill();
    let browser = site.sign_in().await;

    browser.open("/clients/shop/edit").await;
    browser.press("Review the change").await;
    browser.sees("You have not changed anything").await;
    browser.look("client-change-nothing").await;
    browser.fill("quota", "many").await;
    browser.fill("metadata", "team").await;
    browser.press("Review the change").await;
    browser.look("client-change-wrong").await;

    browser.open("/clients/shop/keys/new").await;
    browser.fill("scopes", "billing:read").await;
    browser.fill("networks", "somewhere").await;
    browser.press("Review the key").await;
    browser.look("key-issue-wrong").await;

    browser.open(&format!("/keys/{key}/edit")).await;
    browser.press("Change the key").await;
    browser.sees("You have not changed anything").await;
    browser.fill("scopes", "no scope!").await;
    browser.press("Change the key").await;
    browser.look("key-change-wrong").await;

    browser.open(&format!("/keys/{key}/rotate")).await;
    browser.choose("grace", "custom").await;
    browser.fill("grace-count", "-1").await;
    browser.press("Rotate the key").await;
    browser.look("key-rotate-wrong").await;
    assert_eq!(site.store.list_keys(None).unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn form_of_another_session_or_a_failing_store_keeps_the_input() {
    let store = MemoryStore::new();
    let failing = Failing::new(store.clone());
    let site = Site::of(failing.shared(), store).await;
    site.fill();
    let browser = site.sign_in().await;
    browser.open("/clients/new").await;
    browser.fill("name", "app").await;
    failing.set(Fault::NoChanges);
    browser.press("Add the client").await;
    browser.sees("Your input is still here").await;
    assert_eq!(browser.value("name").await, "app");
    browser.look("client-add-refused").await;
    failing.set(Fault::ReadOnly);
    browser.press("Add the client").await;
    browser.sees("This store is read-only").await;
    browser.look("client-add-read-only").await;

    browser.run("document.querySelector('main [name=csrf]').value = 'x'").await;
    browser.press("Add the client").await;
    browser.sees("This form is out of date").await;
    browser.look("form-forged").await;
    browser.open("/clients/nobody").await;
    browser.sees("No such client").await;
    browser.look("client-unknown").await;
}
