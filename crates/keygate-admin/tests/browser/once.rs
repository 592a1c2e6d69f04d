//! A key is shown once, and a form creates only one key.

use crate::browser::Browser;
use crate::site::Site;

/// Signs in and opens the review of a new key.
async fn reviewed(browser: &Browser, site: &Site) {
    site.store.add_client("app").unwrap();
    browser.sign_in(&site.code()).await;
    browser.open("/clients/app/keys/new").await;
    browser.press("Review the key").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn key_is_not_shown_again_by_reload_or_back() {
    let site = Site::start().await;
    let browser = Browser::start(&site.origin()).await;
    reviewed(&browser, &site).await;
    browser.press("Issue the key").await;
    let key = browser.new_key().await;
    browser.look("key-issued").await;

    // This submits the form again.
    browser.next_page(async { browser.reload().await }).await;
    browser.sees("form has already been used").await;
    browser.lacks(&key).await;
    browser.look("key-made-already").await;

    browser.open("/clients/app").await;
    for _ in 0..2 {
        browser.client.back().await.unwrap();
        browser.lacks(&key).await;
    }
    assert_eq!(site.store.list_keys(None).unwrap().len(), 1);
    assert_eq!(site.curl(&key).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn double_click_issues_one_key() {
    for has_script in [true, false] {
        let site = Site::start().await;
        let browser = if has_script {
            Browser::start(&site.origin()).await
        } else {
            Browser::without_script(&site.origin()).await
        };
        reviewed(&browser, &site).await;
        browser.next_page(browser.double_click("Issue the key")).await;
        let is_answer = "return !!document.getElementById('key')
            || document.body.innerText.includes('form has already been used')";
        browser.until("an answer", is_answer).await;
        let count = site.store.list_keys(None).unwrap().len();
        assert_eq!(count, 1, "with JavaScript: {has_script}");
        browser.complains_of_nothing().await;
    }
}
