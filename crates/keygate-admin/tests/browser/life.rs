//! The life of a client and its keys, managed by an operator.

use crate::browser::Browser;
use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn operator_manages_a_client_and_its_keys() {
    let site = Site::start().await;
    let browser = Browser::start(&site.origin()).await;
    live(&site, &browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_needs_no_javascript() {
    let site = Site::start().await;
    let browser = Browser::without_script(&site.origin()).await;
    live(&site, &browser).await;
}

async fn live(site: &Site, browser: &Browser) {
    browser.sign_in(&site.code()).await;

    browser.press("Add the first client").await;
    browser.look("client-add").await;
    browser.fill("name", "app 1").await;
    browser.fill("title", "The shop").await;
    browser.fill("scopes", "orders:*\nstock:read").await;
    browser.fill("quota", "100/minute").await;
    browser.fill("metadata", "team=billing").await;
    browser.press("Add the client").await;
    browser.sees("The client was added").await;
    browser.look("client-added").await;

    browser.press("Issue the first key").await;
    browser.fill("label", "production").await;
    browser.look("key-issue").await;
    browser.press("Review the key").await;
    browser.sees("This issues one key").await;
    browser.look("key-review").await;
    browser.press("Issue the key").await;
    let first = browser.new_key().await;
    browser.sees("only time you will see this key").await;
    assert_eq!(site.curl(&first).await, 200);
    // The button to copy needs the script.
    assert_eq!(browser.text().await.contains("Copy the key"), browser.has_script);

    browser.open("/clients/app%201").await;
    browser.lacks(&first).await;
    browser.press("Rotate production").await;
    browser.look("key-rotate").await;
    browser.choose("grace", "1h").await;
    browser.press("Rotate the key").await;
    let second = browser.new_key().await;
    assert!(second != first);
    assert_eq!([site.curl(&first).await, site.curl(&second).await], [200, 200]);

    let [old, new] = site.key_ids("app 1");
    browser.open(&format!("/keys/{new}")).await;
    browser.press("Change production").await;
    browser.look("key-change").await;
    browser.fill("label", "web").await;
    browser.press("Change the key").await;
    browser.sees("The key was changed").await;

    browser.open(&format!("/keys/{old}")).await;
    browser.look("key-replaced").await;
    browser.press("Revoke production").await;
    browser.look("key-revoke").await;
    browser.press("Revoke the key").await;
    browser.sees("The key was revoked").await;
    assert_eq!([site.curl(&first).await, site.curl(&second).await], [401, 200]);
    browser.look("key-revoked").await;

    browser.open("/clients/app%201").await;
    browser.look("client").await;
    browser.press("Change").await;
    browser.look("client-change").await;
    browser.fill("title", "The new shop").await;
    browser.press("Review the change").await;
    browser.look("client-change-review").await;
    browser.press("Make the change").await;
    browser.sees("The client was changed").await;
    browser.sees("The new shop").await;

    browser.press("Disable").await;
    browser.look("client-disable").await;
    browser.press("Disable the client").await;
    assert_eq!(site.curl(&second).await, 401);
    browser.look("client-disabled").await;
    browser.press("Enable").await;
    browser.press("Enable the client").await;
    assert_eq!(site.curl(&second).await, 200);
    browser.press("Disable").await;
    browser.press("Disable the client").await;
    browser.press("Remove").await;
    browser.look("client-remove").await;
    browser.fill("confirm", "another").await;
    browser.press("Remove the client").await;
    browser.sees("does not match the client’s name").await;
    browser.look("client-remove-wrong").await;
    browser.fill("confirm", "app 1").await;
    browser.press("Remove the client").await;
    browser.sees("The client and its keys were removed").await;
    assert_eq!(site.curl(&second).await, 401);

    for key in [first, second] {
        browser.lacks(&key).await;
    }
}
