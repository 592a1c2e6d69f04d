//! The types of quotas and outcomes, made with the canary.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use http::{Request, Response};
use keygate::client::{ClientAddress, Transport, TrustedProxies};
use keygate::limit::{Decision, FailureThrottle, MemoryCounters, PendingDecision};
use keygate::observe::{
    Activity, ClientUsage, KeyUsage, OutcomeEvents, OutcomeKind, OutcomeMetrics, QueuedObserver,
    Rates, TopClient, UsageSnapshot,
};
use keygate::{
    AuthError, Authenticator, Outcome, StoreError, Throttle, ThrottleLayer, Usage, verify,
};
use tower::{Layer as _, Service as _};

use crate::redaction::canary::{debug, error};
use crate::redaction::types::{Shown, headers, profile, store};

pub(crate) fn all() -> Vec<Shown> {
    let client = verify(&store(), &headers()).unwrap();
    let throttle = Throttle::with_counters(MemoryCounters::new())
        .with_default_quota("1/day".parse().unwrap())
        .with_clock(|| UNIX_EPOCH);
    let permit = throttle.check(&client).unwrap();
    let refused = throttle.check(&client).unwrap_err();
    let AuthError::Throttled(throttled) = &refused else { panic!("{refused}") };

    let decision = Decision::refused(0, Duration::from_secs(1));
    let counts = [
        PendingDecision::ready(decision),
        PendingDecision::failed(StoreError::new("no connection")),
        PendingDecision::pending(std::future::pending()),
    ];
    let layer = ThrottleLayer::new(throttle.clone());
    let mut service = layer.layer(tower::service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    let mut request = Request::new(());
    *request.headers_mut() = headers();
    request.extensions_mut().insert(client);
    vec![
        ("Permit", debug(&permit)),
        ("Throttled", debug(throttled) + &error(&refused)),
        ("Decision", debug(&decision)),
        ("RateLimitRequest", counted_request()),
        ("PendingDecision", counts.iter().map(debug).collect()),
        ("MemoryCounters", debug(throttle.counters())),
        ("Throttle", debug(&throttle)),
        ("ThrottleLayer", debug(&layer)),
        ("ThrottleFuture", debug(&service.call(request))),
        ("ThrottleService", debug(&service)),
        ("Outcome", outcomes()),
    ]
    .into_iter()
    .chain(counted())
    .chain(addresses())
    .collect()
}

/// A request to counters, for a client with the canary in its metadata.
fn counted_request() -> String {
    struct Recorder(Arc<Mutex<String>>);

    impl keygate::limit::LocalCounters for Recorder {
        fn count_now(
            &self,
            request: &keygate::limit::RateLimitRequest<'_>,
        ) -> Result<Decision, StoreError> {
            self.0.lock().unwrap().push_str(&debug(request));
            Ok(Decision::allowed(0, 1, Duration::ZERO))
        }
    }

    let shown = Arc::new(Mutex::new(String::new()));
    let throttle = Throttle::with_counters(Recorder(Arc::clone(&shown)));
    let client = keygate::Client::for_test(profile().with_quota("1/day".parse().unwrap()));
    throttle.check(&client).unwrap();
    let shown = shown.lock().unwrap().clone();
    assert!(!shown.is_empty());
    shown
}

/// Outcomes of requests with the canary, known to the store and not.
fn outcomes() -> String {
    let shown = Arc::new(Mutex::new(String::new()));
    for known in [store(), keygate::MemoryStore::new()] {
        let text = Arc::clone(&shown);
        let auth = Authenticator::new(known).add_observer(move |outcome: &Outcome<'_>| {
            let mut text = text.lock().unwrap();
            text.push_str(&debug(outcome));
            text.push_str(&debug(&outcome.result()));
        });
        let _ = auth.verify(&headers());
    }
    let shown = shown.lock().unwrap().clone();
    assert!(shown.contains("admitted") && shown.contains("unknown"), "{shown}");
    shown
}

/// Usage counts of requests with the canary, known to the store and not.
fn counted() -> Vec<Shown> {
    let usage = Usage::new();
    for known in [store(), keygate::MemoryStore::new()] {
        let auth = Authenticator::new(known).add_observer(usage.clone());
        let _ = auth.verify(&headers());
    }
    let snapshot: UsageSnapshot = usage.snapshot();
    let json = serde_json::to_string(&snapshot).unwrap();
    assert!(json.contains("User 1"), "{json}");
    let client: &ClientUsage = &snapshot.clients[0];
    let key: &KeyUsage = &client.keys[0];
    let activity: &Activity = &client.activity;
    let rates: &Rates = &activity.rates;
    let top: Vec<TopClient> = usage.top(3);
    vec![
        ("Usage", debug(&usage)),
        ("UsageSnapshot", debug(&snapshot) + &json),
        ("ClientUsage", debug(client)),
        ("KeyUsage", debug(key)),
        ("Activity", debug(activity)),
        ("Rates", debug(rates)),
        ("TopClient", debug(&top)),
        ("OutcomeEvents", debug(&OutcomeEvents::new())),
        ("OutcomeKind", debug(&OutcomeKind::ALL)),
        ("OutcomeMetrics", debug(&OutcomeMetrics::new())),
        ("QueuedObserver", debug(&QueuedObserver::new(OutcomeEvents::new(), 1).unwrap())),
    ]
}

fn addresses() -> Vec<Shown> {
    let proxies = TrustedProxies::new(["10.0.0.0/8"]).unwrap();
    let refused = TrustedProxies::new([crate::redaction::canary::CANARY]).unwrap_err();
    let address = ClientAddress::by(|_, _| None).behind(proxies.clone());
    vec![
        ("TrustedProxies", debug(&proxies)),
        ("Transport", debug(&Transport::Tls)),
        ("ParseNetworkError", error(&refused)),
        ("ClientAddress", debug(&address)),
        ("FailureThrottle", debug(&FailureThrottle::new())),
    ]
}
