//! Panic messages of the crate.

use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

use http::{HeaderMap, Request, Response};
use keygate::store::store_fn;
use keygate::{ApiKeyLayer, KeyDigest, KeyRecord, Lookup, MemoryStore, authenticate};
use tower::{Layer as _, Service as _};

use crate::redaction::canary::{CANARY, assert_hidden};

/// The message of the panic when a future is polled after completion.
fn message_after_the_end(future: impl Future) -> String {
    let mut context = Context::from_waker(Waker::noop());
    let mut future = pin!(future);
    assert!(future.as_mut().poll(&mut context).is_ready());
    let again = AssertUnwindSafe(|| future.as_mut().poll(&mut context).is_ready());
    message(&*catch_unwind(again).expect_err("a future panics when polled after its end"))
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).expect("the message is a text")
}

#[test]
fn futures_polled_after_completion_panic_without_a_key() {
    let headers = HeaderMap::from_iter([("x-api-key".parse().unwrap(), CANARY.parse().unwrap())]);
    let record = || KeyRecord::new(KeyDigest::of(CANARY.as_bytes()), "User 1");
    let known = MemoryStore::from_keys([(CANARY, "User 1")]).unwrap();
    let waiting = store_fn(move |_| async move { Ok(Some(record())) });
    let request = || {
        let mut request = Request::new(());
        *request.headers_mut() = headers.clone();
        request
    };
    let inner = tower::service_fn(|_: Request<()>| {
        std::future::poll_fn(|_| {
            std::task::Poll::Ready(Ok::<_, Infallible>(Response::new(String::new())))
        })
    });
    let refused = ApiKeyLayer::new(MemoryStore::new()).layer(inner).call(request());
    let parked = ApiKeyLayer::new(store_fn(|_| async { Ok(None) })).layer(inner).call(request());
    let messages = [
        message_after_the_end(Lookup::ready(record())),
        message_after_the_end(Lookup::pending(async move { Ok(Some(record())) })),
        message_after_the_end(authenticate(&known, &headers)),
        message_after_the_end(authenticate(&waiting, &headers)),
        message_after_the_end(refused),
        message_after_the_end(parked),
    ];
    for message in messages {
        assert_hidden("a panic", &message);
    }
}

#[test]
fn failed_unwraps_show_no_key() {
    let known = MemoryStore::from_keys([(CANARY, "User 1")]).unwrap();
    let auth = keygate::Authenticator::new(MemoryStore::new());
    let unwraps: [Box<dyn FnOnce() + '_>; 4] = [
        Box::new(|| _ = known.insert(CANARY, "User 1").unwrap()),
        Box::new(|| _ = MemoryStore::from_keys([(CANARY, "User 1"); 2]).unwrap()),
        Box::new(|| _ = format!("{CANARY}: User 1").parse::<keygate::YamlStore>().unwrap()),
        Box::new(|| _ = auth.verify_key(CANARY.as_bytes()).unwrap()),
    ];
    for unwrap in unwraps {
        let panic = catch_unwind(AssertUnwindSafe(unwrap)).unwrap_err();
        assert_hidden("a failed `unwrap`", &message(&*panic));
    }
}
