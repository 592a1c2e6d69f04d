//! A read-only operator.

use serde_json::json;

use crate::browser::Browser;
use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn read_only_operator_sees_no_buttons_and_changes_nothing() {
    let site = Site::start().await;
    let key = site.fill();
    let browser = Browser::start(&site.origin()).await;
    browser.sign_in(&site.reader()).await;
    browser.look("reader-clients").await;
    let key = format!("/keys/{key}");
    for path in ["/clients", "/clients/shop", "/keys", &key, "/events"] {
        browser.open(path).await;
        browser.sees("read only").await;
        let buttons = browser
            .run("return document.querySelectorAll('main [method=post], main .actions').length")
            .await;
        assert_eq!(buttons, json!(0), "{path}");
    }
    browser.open("/clients/shop").await;
    browser.look("reader-client").await;

    let before = (site.store.list_clients(), site.store.list_keys(None).unwrap());
    for change in ["/clients/shop/disable", "/clients/shop/keys/new", &format!("{key}/revoke")] {
        // Uses the operator's own token, from the sign-out form.
        let post = format!(
            "const form = new FormData(document.querySelector('form'));
             return fetch('{change}', {{ method: 'POST', body: new URLSearchParams(form) }}).then((it) => it.status)"
        );
        assert_eq!(browser.run(&post).await, json!(403), "{change}");
        browser.open(change).await;
        browser.sees("Not allowed").await;
        browser.open("/clients/shop").await;
    }
    assert_eq!((site.store.list_clients(), site.store.list_keys(None).unwrap()), before);
    browser.open("/clients/new").await;
    browser.look("reader-refused").await;
}
