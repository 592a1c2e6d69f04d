use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use keygate::{ClientProfile, MemoryStore};

use crate::support::{FORM, Server, form, minutes, new_key};

#[tokio::test]
async fn printed_code_signs_in_once() {
    let server = Server::empty();
    let code = server.code();
    assert!(code.len() >= 8 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{code}");
    let answer = server.browser().sign_in(&format!(" {} ", code.to_uppercase())).await;
    assert_eq!((answer.status, answer.location()), (303, "/clients"));
    let again = server.browser().sign_in(&code).await;
    assert_eq!(again.status, 403);
    again.says("This key is not valid here");
}

#[tokio::test]
async fn form_posts_an_input_named_code() {
    let server = Server::empty();
    let mut browser = server.browser();
    let page = browser.get("/sign-in").await;
    assert_eq!(page.status, 200);
    page.says("name=\"code\"").says("method=\"post\"").says("action=\"/sign-in\"");
    let code = server.code();
    assert!(!page.body.contains(&code), "the page shows the code");
    let in_url = browser.get(&format!("/sign-in?code={code}")).await;
    assert_eq!((in_url.status, in_url.header("set-cookie")), (200, ""));
    let in_url = browser.post(&format!("/sign-in?code={code}"), &[]).await;
    assert_eq!((in_url.status, in_url.header("set-cookie")), (422, ""));
    assert_eq!(browser.sign_in(&code).await.status, 303);
}

#[tokio::test]
async fn expired_code_is_replaced_after_ten_minutes() {
    let server = Server::empty();
    let first = server.code();
    server.pass(Duration::from_secs(10 * 60 - 1));
    server.browser().get("/sign-in").await;
    assert_eq!(server.codes().len(), 1);
    server.pass(Duration::from_secs(1));
    assert_eq!(server.browser().sign_in(&first).await.status, 403);
    assert_eq!(server.codes().len(), 2);
    assert_ne!(server.code(), first);
    assert_eq!(server.browser().sign_in(&server.code()).await.status, 303);
}

#[tokio::test]
async fn used_code_is_replaced_at_most_once_a_minute() {
    let server = Server::empty();
    server.browser().sign_in(&server.code()).await;
    let page = server.browser().get("/sign-in").await;
    page.says("in 61 seconds");
    assert_eq!(server.codes().len(), 1);
    server.pass(minutes(1));
    server.browser().get("/sign-in").await;
    server.browser().get("/sign-in").await;
    assert_eq!(server.codes().len(), 2);
    server.browser().sign_in(&server.code()).await;
    server.browser().get("/sign-in").await;
    assert_eq!(server.codes().len(), 2);
}

#[tokio::test]
async fn sixth_attempt_is_429_and_does_not_use_up_the_code() {
    let server = Server::empty();
    let mut browser = server.browser();
    for _ in 0..5 {
        assert_eq!(browser.sign_in("wrong-code").await.status, 403);
    }
    let refused = browser.sign_in(&server.code()).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "60"));
    let refused = browser.sign_in(server.key_of("ann")).await;
    assert_eq!(refused.status, 429);
    server.pass(minutes(1));
    assert_eq!(server.codes().len(), 1);
    assert_eq!(browser.sign_in(&server.code()).await.status, 303);
}

#[tokio::test]
async fn right_and_empty_attempts_do_not_count_as_failures() {
    let server = Server::empty();
    for _ in 0..10 {
        assert_eq!(server.browser().sign_in("").await.status, 422);
        assert_eq!(server.browser().sign_in(server.key_of("ann")).await.status, 303);
    }
}

#[tokio::test]
async fn failures_are_counted_by_address_if_it_is_known() {
    let store = Arc::new(MemoryStore::new());
    let server = Server::with(store, |admin| {
        admin.with_client_address(|parts| parts.extensions.get::<IpAddr>().copied())
    });
    let mut browser = server.browser();
    let mut attempt = async |last: u8, code: &str| {
        let request = browser.request(Method::POST, "/sign-in").header("content-type", FORM);
        let mut request = request.body(form(&[("code", code)])).unwrap();
        request.extensions_mut().insert(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)));
        browser.send(request).await.status
    };
    for _ in 0..5 {
        assert_eq!(attempt(1, "wrong").await, 403);
    }
    assert_eq!(attempt(1, "wrong").await, 429);
    assert_eq!(attempt(2, server.key_of("ann")).await, 303);
}

#[tokio::test]
async fn key_with_networks_signs_in_only_from_them() {
    let server = Server::with(Arc::new(MemoryStore::new()), |admin| {
        admin.with_client_address(|parts| parts.extensions.get::<IpAddr>().copied())
    });
    let profile = ClientProfile::new("net").with_scopes(["read".parse().unwrap()]);
    let profile = profile.with_networks(["10.0.0.0/8".parse().unwrap()]);
    server.operators.add_client(profile).unwrap();
    let key = new_key(&server.operators, "net");
    let attempt = async |address: Option<&str>| {
        let mut browser = server.browser();
        let request = browser.request(Method::POST, "/sign-in").header("content-type", FORM);
        let mut request = request.body(form(&[("code", &key)])).unwrap();
        if let Some(address) = address {
            request.extensions_mut().insert(address.parse::<IpAddr>().unwrap());
        }
        let answer = browser.send(request).await;
        (answer, browser)
    };
    for inside in ["10.1.2.3", "::ffff:10.1.2.3"] {
        let (answer, mut browser) = attempt(Some(inside)).await;
        assert_eq!(answer.status, 303, "{inside}");
        assert_eq!(browser.get("/clients").await.status, 200, "{inside}");
    }
    let (answer, mut browser) = attempt(Some("192.0.2.1")).await;
    assert_eq!(answer.status, 403);
    answer.says("your address 192.0.2.1 is in none of them");
    assert_eq!(browser.get("/clients").await.status, 303);
    let (answer, _) = attempt(None).await;
    assert_eq!(answer.status, 403);
    answer.says("does not know your address");
}

#[tokio::test]
async fn keys_of_the_managed_store_cannot_sign_in() {
    let store = MemoryStore::new();
    store.add_client(ClientProfile::new("ann").with_scopes(["admin".parse().unwrap()])).unwrap();
    let key = new_key(&store, "ann");
    let server = Server::new(Arc::new(store));
    let answer = server.browser().sign_in(&key).await;
    assert_eq!(answer.status, 403);
    answer.says("Keys of the managed clients cannot be used to sign in");
    assert!(!answer.body.contains(&key), "the page shows the key");
}

#[tokio::test]
async fn operator_without_a_role_is_refused() {
    let server = Server::empty();
    server.operators.add_client(ClientProfile::new("bob")).unwrap();
    let key = new_key(&server.operators, "bob");
    let answer = server.browser().sign_in(&key).await;
    assert_eq!(answer.status, 403);
    answer.says("neither the scope");
}

#[tokio::test]
async fn signed_in_operator_is_not_asked_to_sign_in() {
    let server = Server::empty();
    let mut page = server.signed_in("ray").await;
    let answer = page.get("/sign-in").await;
    assert_eq!((answer.status, answer.location()), (303, "/clients"));
}
