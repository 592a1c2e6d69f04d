//! Long lists, wrong input, hostile names and failing stores.

use keygate::{ClientProfile, MemoryStore};
use serde_json::json;

use crate::failing::{Failing, Fault};
use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_while_typing() {
    let site = Site::start().await;
    let key = site.fill();
    let browser = site.sign_in().await;
    browser.sees("partner").await;
    browser.look("clients").await;
    browser.fill("search", "sh").await;
    browser.until("the shop alone", "return !document.body.innerText.includes('partner')").await;
    browser.sees("shop").await;
    browser.fill("search", "nobody").await;
    browser.until("nobody", "return document.body.innerText.includes('No clients match')").await;
    browser.look("clients-none-found").await;
    browser.fill("scope", "Orders").await;
    let is_wrong = "return document.body.innerText.includes('These filters cannot be applied')";
    browser.until("the error", is_wrong).await;
    assert_eq!(browser.path().await, "/clients?search=nobody&scope=Orders");
    for (path, name) in [("/keys", "keys"), (&*format!("/keys/{key}"), "key")] {
        browser.open(path).await;
        browser.look(name).await;
    }
    browser.open("/clients/shop").await;
    browser.look("client-with-keys").await;
    browser.open("/clients?state=nonsense").await;
    browser.look("clients-wrong-filter").await;
    browser.open("/nowhere").await;
    browser.look("not-found").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_response_does_not_replace_a_newer_one() {
    let site = Site::start().await;
    site.fill();
    let browser = site.sign_in().await;
    let hold = "const real = window.fetch;
        window.fetch = async (url, options) => {
            if (`${url}`.includes('search=sh')) {
                await new Promise((release) => { window.release = release; });
                setTimeout(() => { window.isReleased = true; });
            }
            return real(url, options);
        };";
    browser.run(hold).await;
    browser.fill("search", "sh").await;
    browser.until("a request", "return window.release !== undefined").await;
    browser.fill("search", "partner").await;
    browser.until("the partner", "return location.search === '?search=partner'").await;
    browser.run("window.release()").await;
    browser.until("the old response", "return window.isReleased === true").await;
    browser.sees("partner").await;
    assert_eq!(browser.path().await, "/clients?search=partner");
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_fields_keep_their_input_and_show_an_error() {
    let site = Site::start().await;
    let browser = site.sign_in().await;
    browser.open("/clients/new").await;
    browser.fill("name", "shop").await;
    browser.fill("scopes", "no scope!").await;
    browser.fill("quota", "many").await;
    browser.fill("networks", "somewhere").await;
    browser.press("Add the client").await;
    browser.sees("Nothing was changed yet").await;
    for (field, text) in
        [("scopes", "no scope!"), ("quota", "many"), ("networks", "somewhere"), ("name", "shop")]
    {
        assert_eq!(browser.value(field).await, text);
    }
    browser.look("client-add-wrong").await;
    assert!(site.store.list_clients().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_are_text() {
    let site = Site::start().await;
    let name = "<img src=x onerror=alert(1)>\"'";
    let title = "<script>document.title = 'taken'</script>".repeat(3);
    let scopes = (0..30).map(|n| format!("a-rather-long-scope-{n}:of-some-service").parse());
    let profile =
        ClientProfile::new(name).with_title(title).with_scopes(scopes.map(Result::unwrap));
    site.store.add_client(profile.with_metadata([("a", "<b>".repeat(60))])).unwrap();
    let browser = site.sign_in().await;
    browser.look("hostile-clients").await;
    let link = browser.find("//tbody//a").await;
    browser.next_page(async { link.click().await.unwrap() }).await;
    browser.look("hostile-client").await;
    let elements =
        browser.run("return document.querySelectorAll('main script, main img').length").await;
    assert_eq!(elements, json!(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_store_says_what_still_works() {
    let store = MemoryStore::new();
    let failing = Failing::new(store.clone());
    let site = Site::of(failing.shared(), store).await;
    site.fill();
    let browser = site.sign_in().await;
    browser.open("/clients/shop/disable").await;
    failing.set(Fault::NoChanges);
    browser.press("Disable the client").await;
    browser.sees("The change failed").await;
    browser.look("store-refuses").await;
    failing.set(Fault::ReadOnly);
    browser.press("Disable the client").await;
    browser.look("store-read-only").await;
    failing.set(Fault::Down);
    browser.open("/clients").await;
    browser.sees("cannot be reached").await;
    browser.look("store-down").await;
}
