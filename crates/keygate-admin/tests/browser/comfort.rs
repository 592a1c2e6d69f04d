//! Cancelling, copying, and numbers that are read again.

use std::sync::Arc;
use std::time::SystemTime;

use keygate::ClientProfile;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::kept::{HOUR, Kept};
use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn cancel_leads_back_and_changes_nothing() {
    for has_script in [true, false] {
        let site = Site::start().await;
        let key = site.fill();
        let browser = if has_script {
            Browser::start(&site.origin()).await
        } else {
            Browser::without_script(&site.origin()).await
        };
        browser.sign_in(&site.code()).await;
        let before = (site.store.list_clients(), site.store.list_keys(None).unwrap());
        let key = format!("/keys/{key}");
        let client = "/clients/shop".to_owned();
        for (form, typed, back) in [
            ("/clients/new".to_owned(), Some("name"), &"/clients".to_owned()),
            (format!("{client}/edit"), Some("title"), &client),
            (format!("{client}/keys/new"), Some("label"), &client),
            (format!("{client}/disable"), None, &client),
            ("/clients/reports/enable".to_owned(), None, &"/clients/reports".to_owned()),
            ("/clients/reports/remove".to_owned(), Some("confirm"), &"/clients/reports".to_owned()),
            (format!("{key}/edit"), Some("label"), &key),
            (format!("{key}/rotate"), Some("label"), &key),
            (format!("{key}/revoke"), None, &key),
        ] {
            browser.open(&form).await;
            if let Some(field) = typed {
                browser.fill(field, "reports").await;
            }
            browser.press("Cancel").await;
            assert_eq!(&browser.path().await, back, "{form}");
        }
        assert_eq!((site.store.list_clients(), site.store.list_keys(None).unwrap()), before);
        browser.complains_of_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn buttons_copy_the_key_and_the_command() {
    let site = Site::start().await;
    site.store.add_client("app").unwrap();
    let browser = Browser::start(&site.origin()).await;
    let permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"];
    let granted = json!({ "origin": site.origin(), "permissions": permissions });
    browser.devtools("Browser.grantPermissions", granted).await;
    browser.sign_in(&site.code()).await;
    browser.open("/clients/app/keys/new").await;
    browser.press("Review the key").await;
    browser.press("Issue the key").await;
    let key = browser.new_key().await;
    let command = browser.value("curl").await;
    assert!(command.contains(&key), "{command}");
    for (button, text) in [("Copy the key", key), ("Copy the command", command)] {
        let button = browser.button(button).await;
        button.click().await.unwrap();
        let is_copied = "return [...document.querySelectorAll('button')].some((it) => it.textContent === 'Copied')";
        browser.until("the word Copied", is_copied).await;
        let read = "const done = arguments[0]; navigator.clipboard.readText().then(done, (error) => done(`${error}`))";
        let copied = browser.client.execute_async(read, Vec::new()).await.unwrap();
        assert_eq!(copied, Value::String(text));
        let is_back = "return [...document.querySelectorAll('button')].every((it) => it.textContent !== 'Copied')";
        browser.until("the label of the button", is_back).await;
    }
    browser.complains_of_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_read_again_while_the_page_is_open() {
    let kept = Kept::since(SystemTime::now() - HOUR).await;
    kept.store.add_client(ClientProfile::new("shop")).unwrap();
    kept.key("shop", "of-the-shop", |key| key.with_label("production"));
    let store = kept.store.clone();
    let site = Site::with(Arc::new(store.clone()), store, kept.with_usage()).await;
    let browser = Browser::start(&site.origin()).await;
    // Half a minute passes in a hundredth of it.
    let hurry =
        "const wait = setInterval; window.setInterval = (run, time) => wait(run, time / 100)";
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": hurry })).await;
    kept.flush().await;
    browser.sign_in(&site.code()).await;
    browser.sees("not seen").await;
    kept.calls("of-the-shop", 37);
    kept.pass(HOUR / 2).await;
    browser.until("37 requests", "return document.body.innerText.includes('37')").await;
    assert_eq!(browser.path().await, "/clients");

    browser.open("/usage").await;
    browser.sees("37").await;
    // Somebody reads the values: they stay as they are.
    browser.run("document.querySelector('details').open = true; window.isRead = true").await;
    kept.calls("of-the-shop", 4);
    kept.pass(HOUR / 4).await;
    browser.run("document.querySelector('details').open = false").await;
    browser.until("41 requests", "return document.body.innerText.includes('41')").await;
    assert_eq!(browser.run("return window.isRead").await, Value::Bool(true), "the same page");
    browser.complains_of_nothing().await;
}
