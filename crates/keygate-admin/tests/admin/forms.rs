use axum::body::Body;
use http::Method;

use crate::support::{FORM, Server, answer, form};

#[tokio::test]
async fn form_without_a_token_changes_nothing() {
    let server = Server::empty();
    let mut page = server.signed_in("ann").await;
    let other = server.signed_in("ann").await;
    let long = "x".repeat(4000);
    let zeros = "0".repeat(64);
    for token in ["", "x", &zeros, &long, &other.csrf, &page.csrf.to_uppercase()] {
        let answer = page.post_as_is("/sign-out", &[("csrf", token)]).await;
        assert_eq!(answer.status, 403, "{token}");
        answer.says("This form is out of date");
    }
    let answer = page.post_as_is("/sign-out", &[]).await;
    assert_eq!(answer.status, 403);
    assert_eq!(page.get("/nowhere").await.status, 404);
    assert_eq!(page.post("/sign-out", &[]).await.status, 303);
}

#[tokio::test]
async fn large_forms_and_other_content_types_are_refused() {
    let server = Server::empty();
    let page = server.signed_in("ann").await;
    let csrf = ("csrf", page.csrf.as_str());
    let send = async |path: &str, kind: &str, body: Body| {
        let request =
            page.request(Method::POST, path).header("content-type", kind).body(body).unwrap();
        answer(&server.service, request).await.status
    };
    assert_eq!(send("/sign-out", "multipart/form-data", form(&[csrf])).await, 415);
    assert_eq!(send("/sign-out", "text/plain", form(&[csrf])).await, 415);
    assert_eq!(send("/sign-out", "application/json", Body::from("{}")).await, 415);
    let large = "x".repeat(1024 * 1024);
    assert_eq!(send("/sign-out", FORM, form(&[csrf, ("name", &large)])).await, 413);
    assert_eq!(send("/sign-in", FORM, form(&[("code", &large)])).await, 413);
    let announced = page.request(Method::POST, "/sign-out").header("content-type", FORM);
    let announced = announced.header("content-length", "1000000").body(form(&[csrf])).unwrap();
    assert_eq!(answer(&server.service, announced).await.status, 413);
    let invalid = Body::from(b"csrf=%ff%fe&%=&&==&csrf".to_vec());
    assert_eq!(send("/sign-out", FORM, invalid).await, 403);
    let kind = "Application/X-WWW-Form-Urlencoded; charset=UTF-8";
    assert_eq!(send("/sign-out", kind, form(&[csrf])).await, 303);
}

#[tokio::test]
async fn wrong_method_is_405_with_the_allowed_ones() {
    let server = Server::empty();
    let mut page = server.signed_in("ann").await;
    let answer = page.get("/sign-out").await;
    assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
    answer.says("Method not allowed");
}

#[tokio::test]
async fn assets_can_be_cached_forever() {
    let server = Server::empty();
    let mut browser = server.browser();
    let page = browser.get("/sign-in").await;
    for (begin, kind) in [("href=\"/assets/", "text/css"), ("src=\"/assets/", "text/javascript")] {
        let (_, rest) = page.body.split_once(begin).unwrap();
        let (name, _) = rest.split_once('"').unwrap();
        let asset = browser.get(&format!("/assets/{name}")).await;
        assert_eq!(asset.status, 200);
        assert!(asset.header("content-type").starts_with(kind));
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
    }
    assert_eq!(browser.get("/assets/0000000000000000.css").await.status, 404);
    assert_eq!(browser.get("/assets/..%2fstyle.css").await.status, 404);
}
