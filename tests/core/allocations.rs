//! The allocations of a request, counted on its thread.

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use http::{Extensions, HeaderMap, Request, Response};
use keygate::{
    ApiKeyLayer, AuthError, Authenticator, Client, KeyDigest, KeyStore, Lookup, MemoryStore,
    Source, authenticate, verify,
};
use tower::{Layer as _, Service as _};

use crate::allocator::allocated;
use crate::common::keys::{RIGHT, WRONG, client_of};
use crate::common::polling::{at_once, poll_once};
use crate::common::sources::{Constructor, all};
use crate::common::stores::Later;

/// The number of allocations of the second run.
fn allocations<A, T>(mut prepare: impl FnMut() -> A, mut run: impl FnMut(A) -> T) -> usize {
    drop(run(prepare()));
    let prepared = prepare();
    let (allocated, result) = allocated(|| black_box(run(black_box(prepared))));
    drop(result);
    allocated.made
}

fn store() -> MemoryStore {
    let keys = (0..1_000).map(|number| (format!("a key of some client: {number}"), "User 2"));
    let store = MemoryStore::from_keys(keys).unwrap();
    store.insert(RIGHT, "User 1").unwrap();
    store
}

fn request(name: &'static str, value: &str) -> Request<()> {
    Request::builder().header(name, value).header("accept", "*/*").body(()).unwrap()
}

fn headers(key: &str) -> HeaderMap {
    request("x-api-key", key).into_parts().0.headers
}

/// A service that responds without an allocation, and keeps the request until allocations are counted.
fn hold(request: Request<()>) -> std::future::Ready<Result<Response<Extensions>, Infallible>> {
    assert!(request.extensions().get::<Client>().is_some());
    std::future::ready(Ok(Response::new(request.into_parts().0.extensions)))
}

/// The allocations of the extensions themselves for their first value.
fn allocations_of_an_extension() -> usize {
    let client = client_of(RIGHT);
    allocations(
        || (Extensions::new(), client.clone()),
        |(mut extensions, client)| {
            extensions.insert(client);
            extensions
        },
    )
}

#[test]
fn counter_counts() {
    assert_eq!(allocations(|| (), |()| Box::new(7)), 1);
    assert_eq!(allocations(|| (), |()| vec![0_u8; 7]), 1);
    assert_eq!(
        allocations(
            || vec![7],
            |mut grown: Vec<i32>| {
                grown.push(1);
                grown
            }
        ),
        1
    );
    assert_eq!(allocations(|| (), |()| 7), 0);
}

#[test]
fn admitted_request_allocates_only_for_its_extension() {
    let layer = ApiKeyLayer::new(store()).without_cache_fields();
    let mut service = layer.with_response(keygate::respond::NoBody).layer(tower::service_fn(hold));
    let count = allocations(
        || request("x-api-key", RIGHT),
        |request| at_once(service.call(request)).unwrap(),
    );
    assert_eq!(count, allocations_of_an_extension());
}

#[test]
fn second_source_in_a_header_allocates_no_more() {
    for case in all().into_iter().filter(|case| case.header.is_some()) {
        let sources = [Source::header("x-api-key"), case.source.clone()];
        let auth = Authenticator::new(store()).with_sources(sources).unwrap();
        let layer = ApiKeyLayer::from(auth).without_cache_fields();
        let mut service =
            layer.with_response(keygate::respond::NoBody).layer(tower::service_fn(hold));
        let count = allocations(
            || case.request(RIGHT.as_bytes()),
            |request| at_once(service.call(request)).unwrap(),
        );
        // Basic must decode its pair.
        let decoded = usize::from(matches!(case.constructor, Constructor::Basic));
        assert_eq!(count, allocations_of_an_extension() + decoded, "{:?}", case.constructor);
    }
}

#[test]
fn verifying_allocates_nothing() {
    let (store, right) = (store(), headers(RIGHT));
    assert_eq!(allocations(|| (), |()| verify(&store, &right).unwrap()), 0);

    let auth = Authenticator::new(store);
    let parts = request("x-api-key", RIGHT).into_parts().0;
    assert_eq!(allocations(|| (), |()| auth.verify(&right).unwrap()), 0);
    assert_eq!(allocations(|| (), |()| auth.verify_parts(&parts).unwrap()), 0);
    assert_eq!(allocations(|| (), |()| auth.verify_key(RIGHT.as_bytes()).unwrap()), 0);
}

#[test]
fn refusing_allocates_nothing() {
    let store = store();
    let revoked = store.insert("a key that is about to be revoked", "User 3").unwrap();
    store.revoke(&revoked).unwrap();
    let twice = Request::builder().header("x-api-key", RIGHT).header("x-api-key", RIGHT).body(());
    for headers in [
        headers(WRONG),
        headers(""),
        headers(&"k".repeat(513)),
        headers("a key that is about to be revoked"),
        HeaderMap::new(),
        twice.unwrap().into_parts().0.headers,
    ] {
        let refuse = |()| -> AuthError { verify(&store, &headers).unwrap_err() };
        assert_eq!(allocations(|| (), refuse), 0, "{headers:?}");
    }
}

#[test]
fn local_store_finds_and_refuses_without_allocating() {
    let store = store();
    let (right, wrong) = (headers(RIGHT), headers(WRONG));
    let digest = KeyDigest::of(RIGHT.as_bytes());
    assert_eq!(allocations(|| (), |()| at_once(store.lookup(digest)).unwrap()), 0);
    assert_eq!(allocations(|| (), |()| at_once(authenticate(&store, &right)).unwrap()), 0);
    assert_eq!(allocations(|| (), |()| at_once(authenticate(&store, &wrong)).unwrap_err()), 0);

    let shared: Arc<dyn KeyStore> = Arc::new(store);
    assert_eq!(allocations(|| (), |()| at_once(shared.lookup(digest)).unwrap()), 0);
    assert_eq!(allocations(|| (), |()| at_once(authenticate(&shared, &right)).unwrap()), 0);
    assert_eq!(allocations(|| (), |()| Lookup::ready(None).try_ready().unwrap()), 0);
}

/// A box for the lookup, one for the verification, and the timer of the deadline.
const WAITING: usize = 3;
/// A box for the request and the service that is ready for it.
const PARKING: usize = 1;

#[test]
fn store_that_waits_costs_a_bounded_number_of_allocations() {
    let store = Later(store());
    let right = headers(RIGHT);
    let verify_later = |()| {
        let mut pending = pin!(authenticate(&store, &right));
        assert!(poll_once(pending.as_mut()).is_pending());
        let Poll::Ready(Ok(client)) = poll_once(pending) else { panic!("the key is not admitted") };
        client
    };
    let count = allocations(|| (), verify_later);
    assert!(count <= WAITING, "{count}");

    let layer = ApiKeyLayer::new(store.clone()).without_cache_fields();
    let mut service = layer.with_response(keygate::respond::NoBody).layer(tower::service_fn(hold));
    let count = allocations(
        || request("x-api-key", RIGHT),
        |request| {
            let mut response = pin!(service.call(request));
            assert!(poll_once(response.as_mut()).is_pending());
            assert!(poll_once(response.as_mut()).is_ready());
        },
    );
    assert!(count <= WAITING + PARKING + allocations_of_an_extension(), "{count}");
}
