use keygate::{Authenticator, MemoryStore};

use crate::browser::Browser;
use crate::site::{Site, page_alone};

#[tokio::test(flavor = "multi_thread")]
async fn operator_signs_in_with_the_code_and_signs_out() {
    let site = Site::start().await;
    let browser = Browser::start(&site.origin()).await;
    browser.open("/").await;
    assert_eq!(browser.path().await, "/sign-in");
    browser.look("sign-in").await;
    browser.fill("code", "no-such-code").await;
    browser.press("Sign in").await;
    browser.sees("not valid here").await;
    browser.look("sign-in-wrong").await;
    browser.fill("code", &site.code()).await;
    browser.press("Sign in").await;
    assert_eq!(browser.path().await, "/clients");
    browser.sees("No clients yet").await;
    browser.look("clients-none").await;
    browser.press("Sign out").await;
    browser.open("/clients").await;
    assert_eq!(browser.path().await, "/sign-in");
    browser.look("sign-in-code-used").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_says_how_long_to_wait_after_wrong_codes() {
    let site = Site::start().await;
    let browser = Browser::start(&site.origin()).await;
    browser.open("/sign-in").await;
    for _ in 0..6 {
        browser.sees("Or use an operator's key").await;
        browser.fill("code", "no-such-code").await;
        browser.press("Sign in").await;
    }
    browser.sees("Too many wrong attempts. Try again in").await;
    browser.look("sign-in-too-many").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_without_a_code_asks_for_a_key() {
    let operators = Authenticator::new(MemoryStore::new());
    let origin = page_alone(|admin| admin.with_operators(operators)).await;
    let browser = Browser::start(&origin).await;
    browser.open("/sign-in").await;
    browser.sees("Your key").await;
    browser.look("sign-in-key").await;
    browser.fill("code", "no-such-key").await;
    browser.press("Sign in").await;
    browser.sees("This key is not valid here").await;
    browser.look("sign-in-key-wrong").await;

    let browser = Browser::start(&page_alone(|admin| admin.with_user(|_| None)).await).await;
    browser.open("/sign-in").await;
    browser.sees("Sign in to the service").await;
    browser.look("sign-in-service").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inline_script_violates_the_policy() {
    let site = Site::start().await;
    let browser = Browser::start(&site.origin()).await;
    browser.open("/sign-in").await;
    browser.complains_of_nothing().await;
    browser
        .run("const it = document.createElement('script'); it.textContent = '1'; document.body.append(it)")
        .await;
    let complaints = browser.complaints().await;
    assert!(complaints.iter().any(|it| it.contains("Content Security Policy")), "{complaints:?}");
}
