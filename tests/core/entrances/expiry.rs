//! A key works from the instant of its beginning, and has expired at the instant of its expiry.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, Request};
use keygate::testing::FakeClock;
use keygate::{ApiKeyLayer, AuthError, Authenticator, Client, KeyStore, WrongReason};
use tower::{Layer as _, ServiceExt as _};

use crate::common::keys::{BEGINNING, EXPIRED, EXPIRING, Keys, RIGHT, WRONG, end, id_of};
use crate::common::polling::poll_once;
use crate::common::services::greet;
use crate::common::stores::Later;

fn request(key: &'static str) -> Request<()> {
    Request::builder().header("x-api-key", key).body(()).unwrap()
}

fn headers(key: &'static str) -> HeaderMap {
    request(key).into_parts().0.headers
}

/// The results of all entrances at this time.
async fn at(now: SystemTime, key: &'static str) -> Vec<Result<Client, AuthError>> {
    async fn waiting<S: KeyStore + Clone>(
        auth: Authenticator<S>,
        key: &'static str,
    ) -> Vec<Result<Client, AuthError>> {
        let parts = request(key).into_parts().0;
        let mut all = vec![
            auth.authenticate(&parts.headers).await,
            auth.authenticate_parts(&parts).await,
            auth.authenticate_key(key.as_bytes()).await,
        ];
        let greeter = tower::service_fn(|request: Request<()>| async move {
            Ok::<_, Infallible>(greet(&request))
        });
        let Ok(response) = ApiKeyLayer::from(auth).layer(greeter).oneshot(request(key)).await;
        let extensions = response.extensions();
        let error = extensions.get::<AuthError>().cloned();
        all.push(error.map_or_else(|| Ok(extensions.get::<Client>().unwrap().clone()), Err));
        all
    }
    let auth = Authenticator::new(Keys).with_clock(move || now);
    let mut all = vec![auth.verify(&headers(key)), auth.verify_key(key.as_bytes())];
    all.push(auth.verify_parts(&request(key).into_parts().0));
    all.extend(waiting(auth, key).await);
    all.extend(waiting(Authenticator::new(Later(Keys)).with_clock(move || now), key).await);
    all
}

#[tokio::test]
async fn key_is_right_until_it_expires() {
    for now in [SystemTime::UNIX_EPOCH, end() - Duration::from_nanos(1)] {
        for (entrance, result) in at(now, EXPIRING).await.into_iter().enumerate() {
            assert!(result.is_ok_and(|client| client.name() == "Expiring"), "{entrance}");
        }
    }
}

#[tokio::test]
async fn key_has_expired_at_the_instant_of_its_expiry() {
    for now in [end(), end() + Duration::from_nanos(1), end() + Duration::from_secs(1 << 33)] {
        for (entrance, result) in at(now, EXPIRING).await.into_iter().enumerate() {
            assert_eq!(result.unwrap_err().reason(), Some(WrongReason::Expired), "{entrance}");
        }
    }
}

#[tokio::test]
async fn key_is_refused_before_its_beginning() {
    for now in [SystemTime::UNIX_EPOCH, end() - Duration::from_nanos(1)] {
        for (entrance, result) in at(now, BEGINNING).await.into_iter().enumerate() {
            let error = result.unwrap_err();
            assert_eq!(error.reason(), Some(WrongReason::NotYetValid), "{entrance}");
            assert_eq!(error.key_id(), Some(id_of(BEGINNING)), "{entrance}");
        }
    }
    for (entrance, result) in at(end(), BEGINNING).await.into_iter().enumerate() {
        assert!(result.is_ok_and(|client| client.name() == "Beginning"), "{entrance}");
    }
}

#[test]
fn key_that_expires_during_its_lookup_is_refused() {
    let clock = FakeClock::at(end() - Duration::from_secs(1));
    let auth = Authenticator::new(Later(Keys)).with_clock(clock.reader());
    let mut pending = pin!(auth.authenticate_key(EXPIRING.as_bytes()));
    assert!(poll_once(pending.as_mut()).is_pending());
    clock.advance(Duration::from_secs(1));
    let Poll::Ready(Err(error)) = poll_once(pending) else { panic!("the key is admitted") };
    assert_eq!(error.reason(), Some(WrongReason::Expired));
}

#[test]
fn clock_is_read_only_for_keys_that_expire() {
    let reads = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reads);
    let auth = Authenticator::new(Keys).with_clock(move || {
        count.fetch_add(1, Ordering::SeqCst);
        end()
    });
    for key in [RIGHT, WRONG] {
        let _ = auth.verify(&headers(key));
        assert_eq!(reads.load(Ordering::SeqCst), 0, "{key}");
    }
    assert!(auth.verify(&headers(EXPIRING)).is_err());
    assert_eq!(reads.load(Ordering::SeqCst), 1);
}

#[test]
fn expired_key_is_refused_by_the_systems_clock() {
    let error = keygate::verify(&Keys, &headers(EXPIRED)).unwrap_err();
    assert_eq!(error.reason(), Some(WrongReason::Expired));
}
