//! Usage, key safety and health, with a week of recorded requests.

use std::sync::Arc;
use std::time::SystemTime;

use keygate::ClientProfile;

use crate::kept::{DAY, HOUR, Kept};
use crate::site::Site;

/// Records a week of usage up to now, for a shop that is unusually busy, a partner, and a caller with an expired key.
async fn week() -> Kept {
    let now = SystemTime::now();
    let kept = Kept::since(now - 7 * DAY - 5 * HOUR).await;
    let scopes = ["orders:*", "stock:read"].map(|scope| scope.parse().unwrap());
    let shop = ClientProfile::new("shop").with_title("The shop of ACME").with_scopes(scopes);
    kept.store.add_client(shop.with_quota("100/minute".parse().unwrap())).unwrap();
    kept.key("shop", "of-the-shop", |key| key.with_label("production"));
    kept.key("partner", "of-the-partner", |key| key.with_label("import"));
    kept.key("partner", "expired", |key| key.with_label("old").with_expiry(now - 6 * DAY));
    for day in 0..7 {
        kept.calls("of-the-shop", 60 + 7 * day);
        kept.calls("of-the-partner", 100 - 9 * day);
        kept.pass(DAY).await;
    }
    for hour in 0..5 {
        kept.calls("of-the-shop", 90 + 40 * hour);
        kept.calls("of-the-partner", 20);
        kept.calls("expired", 7);
        kept.calls("unknown", 3 * hour);
        kept.pass(HOUR).await;
    }
    kept
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_shown_on_all_pages_that_include_it() {
    let kept = week().await;
    let store = kept.store.clone();
    let site = Site::with(Arc::new(store.clone()), store, kept.with_usage()).await;
    let browser = site.sign_in().await;
    browser.look("used-clients").await;
    browser.press("The shop of ACME").await;
    browser.look("used-client").await;
    browser.press("Revoke production").await;
    browser.look("used-key-revoke").await;
    browser.press("Cancel").await;
    browser.look("used-key").await;
    for (path, name) in [
        ("/usage?over=hour", "usage-hour"),
        ("/usage", "usage-day"),
        ("/usage?over=month", "usage-month"),
        ("/usage?client=shop", "usage-client"),
        ("/safety", "safety"),
        ("/safety/never-expires", "safety-keys"),
        ("/safety/no-quota", "safety-clients"),
        ("/safety/unused", "safety-none"),
        ("/health", "health"),
    ] {
        browser.open(path).await;
        browser.look(name).await;
    }
    browser.open("/usage").await;
    browser.find("//details/summary").await.click().await.unwrap();
    browser.look("usage-values").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_without_usage_explains_how_to_set_it_up() {
    let site = Site::start().await;
    site.fill();
    let browser = site.sign_in().await;
    for (path, name) in
        [("/usage", "usage-none"), ("/safety", "safety-no-usage"), ("/health", "health-unknown")]
    {
        browser.open(path).await;
        browser.sees("UsageWriter").await;
        browser.look(name).await;
    }
}
