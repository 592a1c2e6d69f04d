use crate::browser::Browser;
use crate::site::Site;

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
