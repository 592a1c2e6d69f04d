//! Every entrance refuses a key from outside its networks.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use http::Request;
use keygate::client::{ClientAddress, TrustedProxies};
use keygate::testing::FakeClock;
use keygate::{
    ApiKeyLayer, AuthError, Authenticator, Client, ClientProfile, KeyDigest, KeyRecord, KeyStore,
    MemoryStore, Outcome, WrongReason,
};
use tower::{Layer as _, ServiceExt as _};

use crate::common::services::greet;
use crate::common::stores::Later;

/// Usable from 10.0.0.0/8, because of its client.
const OF_CLIENT: &str = "of-client-9R5WgbpUq2vZkZ0pkQU9XU";
/// Only usable from 10.1.0.0/16.
const NARROWER: &str = "narrower-9R5WgbpUq2vZkZ0pkQU9XUx";
/// Only usable from 10.1.0.0/16, and revoked.
const REVOKED: &str = "revoked-9R5WgbpUq2vZkZ0pkQU9XUxy";

fn store() -> MemoryStore {
    let store = MemoryStore::new();
    let profile = ClientProfile::new("App 1").with_networks(["10.0.0.0/8".parse().unwrap()]);
    let record = |key: &str| KeyRecord::new(KeyDigest::of(key.as_bytes()), &profile);
    let network = || ["10.1.0.0/16".parse().unwrap()];
    store.insert_record(record(OF_CLIENT)).unwrap();
    let narrower = store.insert_record(record(NARROWER).with_networks(network())).unwrap();
    let revoked = store.insert_record(record(REVOKED).with_networks(network())).unwrap();
    assert_ne!(narrower, revoked);
    store.revoke(&revoked).unwrap();
    store
}

fn request(key: &str, from: Option<&str>) -> Request<()> {
    let request = Request::builder().header("x-api-key", key);
    let request = match from {
        Some(from) => request.extension(from.parse::<IpAddr>().unwrap()),
        None => request,
    };
    request.body(()).unwrap()
}

async fn entrances<S: KeyStore + Clone>(
    auth: Authenticator<S>,
    key: &str,
    from: Option<&str>,
) -> Vec<Result<Client, AuthError>> {
    let parts = request(key, from).into_parts().0;
    let mut all = vec![auth.authenticate_parts(&parts).await];
    let greeter =
        tower::service_fn(
            |request: Request<()>| async move { Ok::<_, Infallible>(greet(&request)) },
        );
    let Ok(response) = ApiKeyLayer::from(auth).layer(greeter).oneshot(request(key, from)).await;
    let extensions = response.extensions();
    let error = extensions.get::<AuthError>().cloned();
    all.push(error.map_or_else(|| Ok(extensions.get::<Client>().unwrap().clone()), Err));
    all
}

/// The results of all entrances that see a request, over stores that wait and stores that do not.
async fn all(key: &str, from: Option<&str>) -> Vec<Result<Client, AuthError>> {
    let by_peer = || ClientAddress::by_peer(|peer: &IpAddr| *peer);
    let auth = Authenticator::new(store()).with_client_address(by_peer());
    let mut all = vec![auth.verify_parts(&request(key, from).into_parts().0)];
    all.extend(entrances(auth, key, from).await);
    let auth = Authenticator::new(Later(store())).with_client_address(by_peer());
    all.extend(entrances(auth, key, from).await);
    let headers = || [("x-api-key", key.as_bytes())];
    let peer = from.map(|from| from.parse().unwrap());
    let auth = Authenticator::new(store()).with_client_address(ClientAddress::peer());
    all.push(auth.verify_headers(headers(), None, peer));
    let auth = Authenticator::new(Later(store())).with_client_address(ClientAddress::peer());
    all.push(auth.authenticate_headers(headers(), None, peer).await);
    all
}

#[tokio::test]
async fn key_is_admitted_only_from_its_networks() {
    for (key, from, is_inside) in [
        (OF_CLIENT, "10.2.3.4", true),
        (OF_CLIENT, "::ffff:10.2.3.4", true),
        (OF_CLIENT, "11.0.0.1", false),
        (OF_CLIENT, "::1", false),
        (NARROWER, "10.1.2.3", true),
        (NARROWER, "10.2.3.4", false),
    ] {
        for (entrance, result) in all(key, Some(from)).await.into_iter().enumerate() {
            let seen =
                result.map(|client| client.name().to_owned()).map_err(|error| error.reason());
            let expected =
                if is_inside { Ok("App 1".to_owned()) } else { Err(Some(WrongReason::Network)) };
            assert_eq!(seen, expected, "{key} from {from}, entrance {entrance}");
        }
    }
}

#[tokio::test]
async fn key_without_an_address_is_misconfigured_and_never_admitted() {
    let is_refused =
        |result: &Result<Client, AuthError>| matches!(result, Err(AuthError::Misconfigured(_)));
    for key in [OF_CLIENT, NARROWER] {
        assert!(all(key, None).await.iter().all(is_refused), "{key}");
        // The service does not define the address.
        let from = Some("10.1.2.3");
        let auth = || Authenticator::new(Later(store()));
        assert!(entrances(auth(), key, from).await.iter().all(is_refused), "{key}");
        let auth = Authenticator::new(store());
        assert!(is_refused(&auth.verify_parts(&request(key, from).into_parts().0)), "{key}");
        let peer = from.map(|from| from.parse().unwrap());
        assert!(is_refused(&auth.verify_headers([("x-api-key", key.as_bytes())], None, peer)));
        assert!(is_refused(&auth.verify_key(key.as_bytes())), "{key}");
        assert!(is_refused(&auth.authenticate_key(key.as_bytes()).await), "{key}");
    }
    // The key is already wrong for another reason.
    for result in all(REVOKED, None).await {
        assert_eq!(result.unwrap_err().reason(), Some(WrongReason::Revoked));
    }
}

#[tokio::test]
async fn proxies_report_the_address() {
    let proxies = TrustedProxies::new(["192.0.2.0/24"]).unwrap();
    let address = ClientAddress::by_peer(|peer: &IpAddr| *peer).behind(proxies);
    let auth = Authenticator::new(store()).with_client_address(address);
    let reason = |peer: &str, said: &str| {
        let mut parts = request(NARROWER, Some(peer)).into_parts().0;
        parts.headers.insert("x-forwarded-for", said.parse().unwrap());
        auth.verify_parts(&parts).err().map(|error| error.reason())
    };
    assert_eq!(reason("192.0.2.1", "10.1.2.3"), None);
    assert_eq!(reason("192.0.2.1", "10.1.2.3, 11.0.0.1"), Some(Some(WrongReason::Network)));
    // Any caller can write the header.
    assert_eq!(reason("203.0.113.9", "10.1.2.3"), Some(Some(WrongReason::Network)));
}

#[test]
fn proxies_report_the_address_of_a_passed_peer() {
    let proxies = TrustedProxies::new(["192.0.2.0/24"]).unwrap();
    let address = ClientAddress::peer().behind(proxies);
    let auth = Authenticator::new(store()).with_client_address(address);
    let reason = |peer: &str, said: &str| {
        let headers = [("X-API-Key", NARROWER.as_bytes()), ("X-Forwarded-For", said.as_bytes())];
        let result = auth.verify_headers(headers, None, Some(peer.parse().unwrap()));
        result.err().map(|error| error.reason())
    };
    assert_eq!(reason("192.0.2.1", "10.1.2.3"), None);
    assert_eq!(reason("192.0.2.1", "11.0.0.1"), Some(Some(WrongReason::Network)));
    assert_eq!(reason("203.0.113.9", "10.1.2.3"), Some(Some(WrongReason::Network)));
    // A malformed header line might be the one that names the caller.
    assert_eq!(reason("192.0.2.1", "10.1.2.3\n"), Some(Some(WrongReason::Malformed)));
}

#[tokio::test]
async fn observers_get_the_client_and_callers_the_usual_response() {
    let seen: Arc<Mutex<Vec<_>>> = Arc::default();
    let reported = Arc::clone(&seen);
    let auth = Authenticator::new(store())
        .with_client_address(ClientAddress::by_peer(|peer: &IpAddr| *peer))
        .with_clock(FakeClock::at(std::time::UNIX_EPOCH).reader())
        .add_observer(move |outcome: &Outcome<'_>| {
            let client = outcome.client().map(|client| client.name().to_owned());
            reported.lock().unwrap().push((outcome.name(), client, outcome.key_id().is_some()));
        });
    let verify = |key: &str| auth.verify_parts(&request(key, Some("11.0.0.1")).into_parts().0);
    let [elsewhere, unknown] = [NARROWER, "nobody's"].map(|key| verify(key).unwrap_err());
    let name = || Some("App 1".to_owned());
    assert_eq!(*seen.lock().unwrap(), [("network", name(), true), ("unknown", None, false)]);
    let [elsewhere, unknown] = [elsewhere, unknown].map(|error| {
        let response = auth.respond::<String>(&error);
        (response.status(), response.headers().clone(), response.into_body())
    });
    assert_eq!(elsewhere, unknown);
}
