//! One operator with two tabs.

use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn second_tab_shows_the_change_of_the_first() {
    let site = Site::start().await;
    site.store.add_client("app").unwrap();
    let browser = site.sign_in().await;
    browser.open("/clients/app/edit").await;
    browser.fill("quota", "5/second").await;
    let first = browser.client.window().await.unwrap();

    let second = browser.client.new_window(true).await.unwrap().handle;
    browser.client.switch_to_window(second).await.unwrap();
    browser.open("/clients/app/edit").await;
    browser.fill("title", "The shop").await;
    browser.press("Review the change").await;
    browser.press("Make the change").await;
    browser.sees("The client was changed").await;

    browser.client.switch_to_window(first.clone()).await.unwrap();
    browser.press("Review the change").await;
    browser.sees("The shop").await;
    browser.look("client-conflict").await;
    let quota = site.store.list_clients()[0].profile.quota().map(ToString::to_string);
    assert_eq!(quota, None, "the other change was overwritten");
    browser.press("Review the change").await;
    browser.press("Make the change").await;
    browser.sees("The client was changed").await;
    let client = &site.store.list_clients()[0];
    assert_eq!(client.profile.title(), Some("The shop"));
    assert_eq!(client.profile.quota().unwrap().to_string(), "5/second");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_out_ends_the_other_tab() {
    let site = Site::start().await;
    site.store.add_client("app").unwrap();
    let browser = site.sign_in().await;
    browser.open("/clients/app/disable").await;
    let first = browser.client.window().await.unwrap();

    let second = browser.client.new_window(true).await.unwrap().handle;
    browser.client.switch_to_window(second).await.unwrap();
    browser.open("/clients").await;
    browser.press("Sign out").await;

    browser.client.switch_to_window(first).await.unwrap();
    browser.press("Disable the client").await;
    browser.sees("Nothing was changed").await;
    browser.look("signed-out").await;
    assert!(site.store.list_clients()[0].enabled);
}
