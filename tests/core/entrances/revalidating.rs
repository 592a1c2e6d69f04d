//! Revalidates clients while their connections stay open.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use http::request::Parts;
use keygate::client::{ClientAddress, Transport};
use keygate::testing::FakeClock;
use keygate::{
    AuthError, Authenticator, Client, ClientProfile, KeyDigest, KeyRecord, KeyStore, MemoryStore,
    Outcome, Source, WrongReason,
};

use crate::common::keys::{EXPIRING, Keys, RIGHT, UNANSWERABLE, end};
use crate::common::stores::{Later, Stuck};

fn request(key: &str) -> Parts {
    let request = Request::builder().header("x-api-key", key);
    request.body(()).unwrap().into_parts().0
}

/// The results of every method, for a store that does not wait and for one that does.
async fn again<S: KeyStore + keygate::LocalKeyStore + Clone>(
    auth: &Authenticator<S>,
    later: &Authenticator<Later<S>>,
    client: &Client,
) -> [Result<String, Option<WrongReason>>; 3] {
    let results = [
        auth.revalidate_now(client),
        auth.revalidate(client).await,
        later.revalidate(client).await,
    ];
    results.map(|result| match result {
        Ok(client) => Ok(client.name().to_owned()),
        Err(error) => Err(error.reason()),
    })
}

#[tokio::test]
async fn key_is_refused_once_it_is_revoked() {
    let store = MemoryStore::new();
    let id = store.insert(RIGHT, "User 1").unwrap();
    let (auth, later) =
        (Authenticator::new(store.clone()), Authenticator::new(Later(store.clone())));
    let client = auth.verify_parts(&request(RIGHT)).unwrap();
    let admitted = || Ok("User 1".to_owned());
    assert_eq!(again(&auth, &later, &client).await, [admitted(), admitted(), admitted()]);
    store.revoke(&id).unwrap();
    let revoked = || Err(Some(WrongReason::Revoked));
    assert_eq!(again(&auth, &later, &client).await, [revoked(), revoked(), revoked()]);
    assert_eq!(auth.revalidate_now(&client).unwrap_err().key_id(), Some(id));
}

#[tokio::test]
async fn key_is_refused_from_its_expiry() {
    let clock = FakeClock::at(end() - Duration::from_secs(1));
    let auth = Authenticator::new(Keys).with_clock(clock.reader());
    let later = Authenticator::new(Later(Keys)).with_clock(clock.reader());
    let client = auth.verify_parts(&request(EXPIRING)).unwrap();
    assert!(again(&auth, &later, &client).await.iter().all(Result::is_ok));
    clock.advance(Duration::from_secs(1));
    let expired = || Err(Some(WrongReason::Expired));
    assert_eq!(again(&auth, &later, &client).await, [expired(), expired(), expired()]);
}

#[tokio::test]
async fn result_has_the_current_scopes() {
    let store = MemoryStore::new();
    store.insert(RIGHT, "User 1").unwrap();
    let auth = Authenticator::new(store);
    let client = auth.verify_parts(&request(RIGHT)).unwrap();
    let today = MemoryStore::new();
    let profile = ClientProfile::new("User 1").with_scopes(["orders:read".parse().unwrap()]);
    today.insert(RIGHT, profile).unwrap();
    let again = Authenticator::new(today).revalidate_now(&client).unwrap();
    assert_eq!((again.scopes().len(), again.key_id()), (1, client.key_id()));
}

#[tokio::test]
async fn failure_of_the_store_is_not_a_revoked_key() {
    let client = Authenticator::new(Keys).verify_parts(&request(RIGHT)).unwrap();
    let failing = || keygate::store::store_fn(|_| async { Err(keygate::StoreError::new("gone")) });
    let error = Authenticator::new(failing()).revalidate(&client).await.unwrap_err();
    assert!(matches!(error, AuthError::Unavailable(_)), "{error:?}");
    let stuck = Authenticator::new(Stuck::times(1, Keys)).with_deadline(Duration::from_millis(1));
    let error = stuck.revalidate(&client).await.unwrap_err();
    assert!(matches!(error, AuthError::Unavailable(_)), "{error:?}");
    assert!(stuck.revalidate(&client).await.is_ok());
    assert!(Authenticator::new(Keys).verify_parts(&request(UNANSWERABLE)).is_err());
}

#[tokio::test]
async fn observers_and_transport_are_ignored() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let auth = Authenticator::new(Keys)
        .require_tls()
        .add_observer(move |_: &Outcome<'_>| {
            counted.fetch_add(1, Ordering::Relaxed);
        })
        .with_sources([Source::header("x-api-key")])
        .unwrap();
    let mut parts = request(RIGHT);
    parts.extensions.insert(Transport::Tls);
    let client = auth.verify_parts(&parts).unwrap();
    assert!(auth.revalidate_now(&client).is_ok());
    assert!(auth.revalidate(&client).await.is_ok());
    let unknown = Client::for_test("User 1");
    assert_eq!(auth.revalidate_now(&unknown).unwrap_err().reason(), Some(WrongReason::Unknown));
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn networks_are_checked_against_the_request_address() {
    let digest = KeyDigest::of(RIGHT.as_bytes());
    let store = |networks: &[&str]| {
        let store = MemoryStore::new();
        let networks = networks.iter().map(|network| network.parse().unwrap());
        store.insert_record(KeyRecord::new(digest, "App").with_networks(networks)).unwrap();
        store
    };
    let auth = |store: MemoryStore| {
        Authenticator::new(store).with_client_address(ClientAddress::by_peer(|peer: &IpAddr| *peer))
    };
    let mut parts = request(RIGHT);
    parts.extensions.insert::<IpAddr>([10, 1, 2, 3].into());
    let restricted = auth(store(&["10.0.0.0/8"])).verify_parts(&parts).unwrap();
    let open = auth(store(&[])).verify_parts(&parts).unwrap();
    let again = |networks: &[&str], client: &Client| {
        let auth = auth(store(networks));
        auth.revalidate_now(client).map(drop).map_err(|error| error.reason())
    };
    let elsewhere = Err(Some(WrongReason::Network));
    assert_eq!(again(&["10.1.0.0/16"], &restricted), Ok(()));
    assert_eq!(again(&["10.2.0.0/16"], &restricted), elsewhere);
    assert_eq!(again(&[], &restricted), Ok(()));
    assert_eq!(again(&[], &open), Ok(()));
    // The address was not read, because the key had no networks.
    assert_eq!(again(&["10.1.0.0/16"], &open), elsewhere);
    let later = Authenticator::new(Later(store(&["10.1.0.0/16"])));
    assert!(later.revalidate(&restricted).await.is_ok());
}

#[test]
fn digest_of_a_client_is_never_shown() {
    let client = Authenticator::new(Keys).verify_parts(&request(RIGHT)).unwrap();
    let text = KeyDigest::of(RIGHT.as_bytes()).to_text();
    let digits = text.strip_prefix("sha256:").unwrap();
    let shown = format!("{client:?} {client:#?}");
    assert!(shown.contains(&digits[..16]));
    assert!(!shown.contains(&digits[16..20]), "{shown}");
}
