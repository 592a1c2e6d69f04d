//! An axum server, over HTTP/1.1 and HTTP/2.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use keygate::{ApiKeyLayer, Authenticator, Client, KeyStore, Source};

use crate::bodies::serving::{VERSIONS, listener, send};
use crate::common::keys::{Keys, RIGHT, UNANSWERABLE, WRONG};
use crate::common::reply::Reply;
use crate::common::stores::Later;

async fn serve<S: KeyStore>(layer: ApiKeyLayer<S>) -> SocketAddr {
    let app = Router::new()
        .route("/", get(|client: Client| async move { client.name().to_owned() }))
        .route("/target", get(|request: Request| async move { request.uri().to_string() }))
        .layer(layer);
    let (listener, address) = listener().await;
    tokio::spawn(axum::serve(listener, app).into_future());
    address
}

#[tokio::test]
async fn responses_are_the_same_as_in_memory() {
    for address in [serve(ApiKeyLayer::new(Keys)).await, serve(ApiKeyLayer::new(Later(Keys))).await]
    {
        for version in VERSIONS {
            let right = send(version, address, "/", &[("x-api-key", RIGHT)]).await;
            let right = Reply::of(right).await;
            assert_eq!((right.status.as_u16(), &*right.body), (200, "User 1"));
            assert_eq!(right.lines("vary"), ["x-api-key"]);
            assert_eq!(right.lines("cache-control"), ["private"]);

            let none = Reply::of(send(version, address, "/", &[]).await).await;
            assert_eq!(none.status, 401);
            assert!(none.body.contains("not present"));
            assert_eq!(
                none.lines("www-authenticate"),
                [r#"ApiKey realm="api", in="header", name="x-api-key""#]
            );
            assert_eq!(none.lines("cache-control"), ["no-store"]);

            let wrong = Reply::of(send(version, address, "/", &[("x-api-key", WRONG)]).await).await;
            assert_eq!(wrong.status, 401);
            assert!(wrong.body.contains("not valid"));

            let twice = &[("x-api-key", RIGHT), ("x-api-key", RIGHT)];
            let twice = Reply::of(send(version, address, "/", twice).await).await;
            assert_eq!(twice.body, wrong.body);

            let outage = send(version, address, "/", &[("x-api-key", UNANSWERABLE)]).await;
            let outage = Reply::of(outage).await;
            assert_eq!(outage.status, 503);
            assert_eq!(outage.lines("retry-after"), ["1..=5"]);
        }
    }
}

#[tokio::test]
async fn cookie_on_a_separate_line_is_found() {
    let auth = Authenticator::new(Keys).with_sources([Source::cookie("key")]).unwrap();
    let address = serve(auth.into()).await;
    let key = format!("key={RIGHT}");
    for version in VERSIONS {
        let lines = [("cookie", "a=1"), ("cookie", &key), ("cookie", "b=2")];
        let response = Reply::of(send(version, address, "/", &lines).await).await;
        assert_eq!((response.status.as_u16(), &*response.body), (200, "User 1"));

        let twice = [("cookie", &*key), ("cookie", &key)];
        assert_eq!(send(version, address, "/", &twice).await.status(), 401);
    }
}

#[tokio::test]
async fn key_is_stripped_from_the_received_target() {
    let auth = Authenticator::new(Keys).with_sources_in_parts([Source::query("key")]).unwrap();
    let address = serve(ApiKeyLayer::from(auth).strip_credentials()).await;
    let path = format!("/target?%61=%31&key={RIGHT}&b");
    for (version, target) in VERSIONS
        .into_iter()
        .zip(["/target?%61=%31&b".to_owned(), format!("http://{address}/target?%61=%31&b")])
    {
        let response = Reply::of(send(version, address, &path, &[]).await).await;
        assert_eq!((response.status.as_u16(), response.body), (200, target));
    }
}
