//! The text of a key is overwritten before its memory is freed.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, to_bytes};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::{Method, Request};
use http_body::Frame;
use keygate_admin::{Caller, self_service};
use tower::{Service, ServiceExt as _};

use crate::allocator::freed_with;
use crate::filled::{hidden, send, store_with_app};
use crate::support::{FORM, LOOPBACK, Server, form, key_id};

const PREFIX: &str = "freedmemory";

/// The beginning of every key with the prefix.
const KEY: &[u8] = b"freedmemory_";

/// Counts the freed blocks of memory that contain a key.
fn freed(run: impl AsyncFnOnce()) -> usize {
    freed_with(KEY, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run());
    })
}

/// Sends a request, and returns whether the response contains a key. This copies nothing.
async fn shows_key<S>(service: S, request: Request<Body>) -> bool
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    let response = service.oneshot(request).await.unwrap();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    body.windows(KEY.len()).any(|part| part == KEY)
}

fn json(path: &str) -> http::request::Builder {
    Request::post(path).header(HOST, LOOPBACK).header(CONTENT_TYPE, "application/json")
}

#[test]
fn search_finds_a_key_in_freed_memory() {
    assert_eq!(freed(async || drop(format!("{PREFIX}_"))), 1);
}

#[test]
fn api_leaves_no_new_key_in_freed_memory() {
    let found = freed(async || {
        let (store, _) = store_with_app();
        let server = Server::with(Arc::new(store.clone()), |admin| {
            admin.with_api().with_key_prefix(PREFIX).unwrap()
        });
        for path in [
            "/api/v1/clients/App%201/keys",
            &format!("/api/v1/keys/{}/rotate", key_id(&store, "App 1")),
        ] {
            let request = json(path).header("x-api-key", server.key_of("ann"));
            let request = request.body(Body::from("{}")).unwrap();
            assert!(shows_key(server.service.clone(), request).await, "{path}");
        }
    });
    assert_eq!(found, 0);
}

#[test]
fn self_service_leaves_no_new_key_in_freed_memory() {
    let found = freed(async || {
        let (store, _) = store_with_app();
        let rotate = format!("/keys/{}/rotate", key_id(&store, "App 1"));
        let service = self_service(Arc::new(store), |_| Some(Caller::signed_in("App 1")));
        let service = service.with_key_prefix(PREFIX).unwrap();
        for path in ["/keys", &rotate] {
            let request = json(path).body(Body::from("{}")).unwrap();
            assert!(shows_key(service.clone(), request).await, "{path}");
        }
    });
    assert_eq!(found, 0);
}

#[test]
fn page_leaves_no_new_key_in_freed_memory() {
    let found = freed(async || {
        let (store, _) = store_with_app();
        let server = Server::with(Arc::new(store), |admin| admin.with_key_prefix(PREFIX).unwrap());
        let mut page = server.signed_in("ann").await;
        let path = "/clients/App%201/keys/new";
        let shown = page.get(path).await;
        let typed = [("lifetime", "30d"), ("step", "review")];
        let review = send(&mut page, path, &shown, &typed).await;
        let hidden = hidden(&review);
        let fields = hidden.iter().map(|(name, value)| (&**name, &**value));
        let fields: Vec<_> = fields.chain([("csrf", &*page.csrf), ("step", "issue")]).collect();
        let request = page.request(Method::POST, path).header(CONTENT_TYPE, FORM);
        let request = request.header(ORIGIN, format!("http://{LOOPBACK}"));
        let request = request.body(form(&fields)).unwrap();
        assert!(shows_key(server.service.clone(), request).await);
    });
    assert_eq!(found, 0);
}

#[test]
fn sign_in_leaves_no_typed_key_in_freed_memory() {
    let found = freed(async || {
        let server = Server::empty();
        let request = Request::post("/sign-in").header(HOST, LOOPBACK).header(CONTENT_TYPE, FORM);
        let request = request.header(ORIGIN, format!("http://{LOOPBACK}"));
        let parts = ["code=freed", "memory_0123456789abcdef"].map(str::as_bytes);
        let body = Parts(parts.map(Bytes::from_static).into());
        let response = server.service.clone().oneshot(request.body(Body::new(body)).unwrap()).await;
        assert_eq!(response.unwrap().status(), 403);
    });
    assert_eq!(found, 0);
}

/// A body that arrives in several parts, which the service collects in a buffer of its own.
struct Parts(VecDeque<Bytes>);

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|part| Ok(Frame::data(part))))
    }
}
