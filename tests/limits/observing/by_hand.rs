//! A service without tower makes the same responses as the layers, and reports the same outcomes to observers.

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use http::{Method, Request, Response};
use keygate::client::{ClientAddress, Quota};
use keygate::limit::FailureThrottle;
use keygate::respond::{ProblemJson, Respond as _};
use keygate::{
    ApiKeyLayer, AuthError, Authenticator, Client, ClientProfile, KeyDigest, KeyRecord, KeyStore,
    RequireScope, Source, Throttle, ThrottleLayer,
};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::clock::fake_clock;
use crate::common::reply::Reply;
use crate::observing::fixture::{KEY, Log, Reported, Store, store};

const DAY: Duration = Duration::from_secs(86_400);

/// Its key ends soon.
const READER: &str = "reader-1f-Vw3Ls8QeYb_Rm5uHcNf2PaGi6Do";

/// The kind of source, key, and address of each request, in this order.
const REQUESTS: [(&str, Option<&str>, &str); 14] = [
    ("x-api-key", None, "192.0.2.1"),
    ("x-api-key", Some(" "), "192.0.2.1"),
    ("x-api-key", Some(KEY), "192.0.2.1"),
    ("authorization", Some(KEY), "192.0.2.1"),
    ("x-api-key", Some(READER), "192.0.2.1"),
    ("authorization", Some(READER), "192.0.2.1"),
    ("x-api-key", Some(READER), "192.0.2.1"),
    ("x-api-key", Some("expired"), "192.0.2.2"),
    ("authorization", Some("unknown"), "192.0.2.2"),
    ("x-api-key", Some("revoked"), "192.0.2.2"),
    ("x-api-key", Some("guess"), "192.0.2.2"),
    ("x-api-key", Some("elsewhere"), "198.51.100.7"),
    ("x-api-key", Some(KEY), "nowhere"),
    ("x-api-key", Some("wrong"), "nowhere"),
];

pub(crate) fn requests() -> impl Iterator<Item = Request<()>> {
    REQUESTS.into_iter().map(|(source, key, from)| {
        let mut request = Request::builder().method(Method::GET).uri("/route1");
        if let Some(key) = key {
            let scheme = if source == "authorization" { "Bearer " } else { "" };
            request = request.header(source, format!("{scheme}{key}"));
        }
        if let Ok(peer) = from.parse::<IpAddr>() {
            request = request.extension(peer);
        }
        request.body(()).unwrap()
    })
}

fn keys(pending: bool) -> Store {
    let keys = store(pending);
    let profile = ClientProfile::new("Reader")
        .with_scopes(["orders:read".parse().unwrap()])
        .with_quota(two_at_once());
    let record = KeyRecord::new(KeyDigest::of(READER.as_bytes()), profile);
    keys.0.insert_record(record.with_expiry(fake_clock().now() + DAY)).unwrap();
    keys
}

fn two_at_once() -> Quota {
    let rate = "1/second".parse::<keygate::client::Rate>().unwrap();
    Quota::all_of([rate.with_burst(2).unwrap()]).unwrap()
}

pub(crate) fn auth(pending: bool, log: &Log, address: ClientAddress) -> Authenticator<Store> {
    let rate = "1/second".parse::<keygate::client::Rate>().unwrap().with_burst(3).unwrap();
    Authenticator::new(keys(pending))
        .with_sources([Source::header("x-api-key"), Source::bearer()])
        .unwrap()
        .with_realm("orders")
        .unwrap()
        .with_client_address(address)
        .with_clock(fake_clock().reader())
        .warn_before(7 * DAY)
        .throttle_failures(FailureThrottle::new().with_rate(rate))
        .add_observer(log.observer())
}

pub(crate) fn throttle() -> Throttle {
    Throttle::new().with_clock(fake_clock().reader())
}

pub(crate) async fn by_layers(pending: bool) -> Vec<(Reply, Vec<Reported>)> {
    let log = Log::default();
    let by_peer = ClientAddress::by_peer(|peer: &IpAddr| *peer);
    let service = service_fn(async |request: Request<()>| {
        let client = request.extensions().get::<Client>().unwrap();
        Ok::<_, Infallible>(Response::new(client.name().to_owned()))
    });
    let service = RequireScope::new("orders:read").unwrap().layer(service);
    let service = ThrottleLayer::new(throttle()).layer(service);
    let service = ApiKeyLayer::from(auth(pending, &log, by_peer)).layer(service);
    let mut seen = Vec::new();
    for request in requests() {
        let response = service.clone().oneshot(request).await.unwrap();
        seen.push((Reply::of(response).await, log.take()));
    }
    seen
}

/// Decides like the layers above, with the functions for services without tower.
fn decide(
    verified: Result<Client, AuthError>,
    throttle: &Throttle,
) -> Result<(Client, keygate::limit::Permit), AuthError> {
    let client = verified?;
    let permit = throttle.check(&client)?;
    Ok((client, permit))
}

async fn by_parts(pending: bool) -> Vec<(Reply, Vec<Reported>)> {
    let log = Log::default();
    let auth = auth(pending, &log, ClientAddress::peer());
    let throttle = throttle();
    let mut seen = Vec::new();
    for request in requests() {
        let headers =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let peer = request.extensions().get::<IpAddr>().copied();
        let verified = auth.authenticate_headers(headers, None, peer).await;
        let response = match decide(verified, &throttle) {
            Ok((client, permit)) => {
                let mut response = match client.require("orders:read") {
                    Ok(()) => {
                        let mut response = Response::new(client.name().to_owned());
                        auth.finish_response(response.headers_mut(), &client);
                        response
                    }
                    Err(error) => refuse(&auth, &error),
                };
                permit.add_headers(response.headers_mut());
                response
            }
            Err(error) => refuse(&auth, &error),
        };
        seen.push((Reply::of(response).await, log.take()));
    }
    seen
}

fn refuse<S: KeyStore>(auth: &Authenticator<S>, error: &AuthError) -> Response<String> {
    let mut response = ProblemJson.respond(error);
    auth.finish_refusal(response.headers_mut(), error);
    response
}

async fn by_respond_to(pending: bool) -> Vec<(Reply, Vec<Reported>)> {
    let log = Log::default();
    let auth = auth(pending, &log, ClientAddress::peer());
    let throttle = throttle();
    let mut seen = Vec::new();
    for request in requests() {
        let headers =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let peer = request.extensions().get::<IpAddr>().copied();
        let verified = auth.authenticate_headers(headers, None, peer).await;
        let mut permit = None;
        let mut response = auth.respond_to(verified, |client| {
            permit = Some(throttle.check(client)?);
            client.require("orders:read")?;
            Ok(Response::new(client.name().to_owned()))
        });
        if let Some(permit) = permit {
            permit.add_headers(response.headers_mut());
        }
        seen.push((Reply::of(response).await, log.take()));
    }
    seen
}

#[tokio::test]
async fn responses_by_hand_equal_those_of_the_layers() {
    for pending in [false, true] {
        let expected = by_layers(pending).await;
        let statuses: Vec<_> = expected.iter().map(|(reply, _)| reply.status.as_u16()).collect();
        let at_once = [401, 401, 403, 403, 200, 200, 429, 401, 401, 401, 429, 401, 403, 500];
        let later = [401, 401, 403, 403, 200, 200, 429, 401, 401, 401, 429, 401, 500, 500];
        assert_eq!(statuses, if pending { later } else { at_once });
        let warned = expected.iter().filter(|(reply, _)| !reply.lines("x-key-expires").is_empty());
        assert_eq!(warned.count(), 3);
        for by_hand in [by_parts(pending).await, by_respond_to(pending).await] {
            for (number, (seen, expected)) in by_hand.into_iter().zip(&expected).enumerate() {
                assert_eq!(seen, *expected, "request {number}, pending: {pending}");
            }
        }
    }
}
