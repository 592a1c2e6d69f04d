//! Metrics and `tracing` events of outcomes.

// Each of these figures is exact in binary.
#![allow(clippy::float_cmp)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use keygate::key::KeyState;
use keygate::observe::{OutcomeEvents, OutcomeMetrics, StoreMetrics, record_store_metrics};
use keygate::{Authenticator, KeyDigest, KeyRecord, MemoryStore, NewKey, StoreError, YamlStore};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use crate::common::captured::Captured;

const KEY: &str = "tJ0zXk-Vw3Ls8QeYb_Rm5uHcNf2PaGi6DoKx9ZrT1SA";

fn store() -> MemoryStore {
    let store = MemoryStore::from_keys([(KEY, "Right")]).unwrap();
    let digest = KeyDigest::of(b"revoked");
    store.insert_record(KeyRecord::new(digest, "Gone").with_state(KeyState::Revoked)).unwrap();
    store
}

/// Counters by outcome and client.
fn counters(snapshotter: &Snapshotter) -> BTreeMap<(String, String), u64> {
    let all = snapshotter.snapshot().into_vec().into_iter();
    all.map(|(key, _, _, value)| {
        assert_eq!(key.key().name(), "keygate_requests_total");
        let label = |name| {
            let mut labels = key.key().labels();
            labels.find(|label| label.key() == name).unwrap().value().to_owned()
        };
        let DebugValue::Counter(count) = value else { panic!("a counter") };
        ((label("outcome"), label("client")), count)
    })
    .collect()
}

fn expected(counts: &[(&str, &str, u64)]) -> BTreeMap<(String, String), u64> {
    let owned = |(outcome, client, count): &(&str, &str, u64)| {
        (((*outcome).to_owned(), (*client).to_owned()), *count)
    };
    counts.iter().map(owned).collect()
}

#[test]
fn outcomes_are_counted_by_name_and_client() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let store = store();
        let digest = KeyDigest::of(b"replaced");
        store.insert_record(KeyRecord::new(digest, "Old").with_replaced(true)).unwrap();
        let auth = Authenticator::new(store).add_observer(OutcomeMetrics::new());
        for key in [KEY, KEY, "revoked", "replaced", "nobody's", " "] {
            let _ = auth.verify_key(key.as_bytes());
        }
    });
    let counts = [
        ("admitted", "Right", 2),
        ("admitted", "Old", 1),
        ("replaced", "Old", 1),
        ("revoked", "Gone", 1),
        ("unknown", "", 1),
        ("no_credentials", "", 1),
    ];
    assert_eq!(counters(&snapshotter), expected(&counts));
}

#[test]
fn clients_above_the_bound_share_a_label() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let keys: Vec<_> =
        (0..5).map(|number| (format!("the key with number {number}"), number)).collect();
    let named = keys.iter().map(|(key, number)| (key, format!("Client {number}")));
    let store = MemoryStore::from_keys(named).unwrap();
    metrics::with_local_recorder(&recorder, || {
        let observer = OutcomeMetrics::new().with_max_clients(2);
        let auth = Authenticator::new(store).add_observer(observer);
        for _ in 0..2 {
            for (key, _) in &keys {
                auth.verify_key(key.as_bytes()).unwrap();
            }
        }
    });
    let counts =
        [("admitted", "Client 0", 2), ("admitted", "Client 1", 2), ("admitted", "other", 6)];
    assert_eq!(counters(&snapshotter), expected(&counts));
}

/// A recorder that is installed late, or that drops idle series.
#[test]
fn late_recorder_counts_from_its_installation() {
    let auth = Authenticator::new(store()).add_observer(OutcomeMetrics::new());
    let verify = || auth.verify_key(KEY.as_bytes()).unwrap();
    verify();
    for _ in ["installed late", "begun anew"] {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        metrics::with_local_recorder(&recorder, || (verify(), verify()));
        assert_eq!(counters(&snapshotter), expected(&[("admitted", "Right", 2)]));
    }
}

#[test]
fn clones_share_their_labels() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let observer = OutcomeMetrics::new().with_max_clients(1);
    metrics::with_local_recorder(&recorder, || {
        for name in ["First", "Second"] {
            let auth = Authenticator::new(MemoryStore::from_keys([(KEY, name)]).unwrap());
            auth.add_observer(observer.clone()).verify_key(KEY.as_bytes()).unwrap();
        }
    });
    let counts = [("admitted", "First", 1), ("admitted", "other", 1)];
    assert_eq!(counters(&snapshotter), expected(&counts));
}

/// Its own counter would be the series of the shared label.
#[test]
fn client_named_like_the_shared_label_counts_under_it() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let names = ["other", "First", "Second"];
    let keys = names.map(|name| (format!("the key of the client {name}"), name));
    let store = MemoryStore::from_keys(keys.clone()).unwrap();
    metrics::with_local_recorder(&recorder, || {
        let observer = OutcomeMetrics::new().with_max_clients(1);
        let auth = Authenticator::new(store).add_observer(observer);
        for (key, _) in &keys {
            auth.verify_key(key.as_bytes()).unwrap();
        }
    });
    let counts = [("admitted", "First", 1), ("admitted", "other", 2)];
    assert_eq!(counters(&snapshotter), expected(&counts));
}

#[test]
fn concurrent_clients_keep_the_bound_and_lose_no_count() {
    const CLIENTS: usize = 40;
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let key = |number: usize| format!("the key with number {number}");
    let named = (0..CLIENTS).map(|number| (key(number), format!("Client {number}")));
    let store = MemoryStore::from_keys(named).unwrap();
    let auth = Authenticator::new(store).add_observer(OutcomeMetrics::new().with_max_clients(10));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                metrics::with_local_recorder(&recorder, || {
                    for number in 0..CLIENTS {
                        auth.verify_key(key(number).as_bytes()).unwrap();
                    }
                });
            });
        }
    });
    let counters = counters(&snapshotter);
    assert_eq!(counters.values().sum::<u64>(), 160);
    let own = counters.keys().filter(|(_, client)| client != "other").count();
    assert!((1..=10).contains(&own), "{own}");
}

#[test]
fn gauges_report_the_health_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.yml");
    let entry = |number: u8, more: &str| {
        let digest = KeyDigest::of(&[number]).to_text();
        format!("      - digest: {digest}\n{more}")
    };
    let text = [
        "clients:\n  App:\n    keys:\n".to_owned(),
        entry(1, ""),
        entry(2, "        expires: 2001-01-01T00:00:00Z\n"),
        entry(3, "        expires: 2100-01-01T00:00:00Z\n"),
        entry(4, "        expires: 2090-01-01T00:00:00Z\n"),
        entry(5, "        expires: 2080-01-01T00:00:00Z\n        revoked: 2020-01-01T00:00:00Z\n"),
    ];
    std::fs::write(&path, text.concat()).unwrap();
    let store = YamlStore::open(&path).unwrap();
    let gauges = gauges("yaml", &store);
    assert_eq!(gauges[KEYS], 4.0);
    assert_eq!(gauges[FAILING], 0.0);
    assert!((0.0..60.0).contains(&gauges[AGE]));
    // 2090-01-01: the next expiry of a key that works.
    assert_eq!(gauges[NEXT_EXPIRY], 3_786_912_000.0);

    std::fs::write(&path, "api_key: [").unwrap();
    assert!(store.reload().is_err());
    assert!(self::gauges("yaml", &store)[FAILING] > 0.0);
}

#[test]
fn keys_without_expiry_have_an_infinite_next_expiry() {
    let store: YamlStore = format!("api_key: {KEY}\n").parse().unwrap();
    assert_eq!(gauges("yaml", &store)[NEXT_EXPIRY], f64::INFINITY);
}

#[test]
fn store_in_memory_has_no_age_and_no_failures() {
    let gauges = gauges("memory", &Arc::new(store()));
    let expected = [(KEYS, 1.0), (NEXT_EXPIRY, f64::INFINITY)];
    assert_eq!(gauges, expected.map(|(name, value)| (name.to_owned(), value)).into());
}

#[test]
fn next_expiry_is_the_first_of_all_working_keys() {
    let store = MemoryStore::new();
    for client in ["App 1", "App 2", "Off"] {
        store.add_client(client).unwrap();
    }
    let far = |seconds| UNIX_EPOCH + Duration::from_secs(4_000_000_000 + seconds);
    // Many keys never expire, so that most segments of the table have no expiry.
    for number in 0..20_000_u32 {
        let key = NewKey::new(KeyDigest::of(&number.to_be_bytes()));
        let key = match number % 4_000 {
            1_000 => key.with_expiry(far(u64::from(20_000 - number))),
            3_000 => key.with_expiry(far(0)),
            _ => key,
        };
        store.issue(["App 1", "App 2"][number as usize % 2], key).unwrap();
    }
    for key in store.list_keys(None).unwrap() {
        if key.expires() == Some(far(0)) {
            store.revoke(&key.key_id).unwrap();
        }
    }
    let next = || gauges("memory", &store)[NEXT_EXPIRY];
    assert_eq!(next(), 4_000_003_000.0);

    let sooner = NewKey::new(KeyDigest::of(b"sooner")).with_expiry(far(2));
    store.issue("Off", sooner).unwrap();
    assert_eq!(next(), 4_000_000_002.0);
    store.disable_client("Off").unwrap();
    assert_eq!(next(), 4_000_003_000.0);
    store.enable_client("Off").unwrap();
    assert_eq!(next(), 4_000_000_002.0);
}

#[test]
fn stores_of_two_kinds_have_gauges_of_their_own() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let yaml: YamlStore = "api_keys:\n".parse().unwrap();
    metrics::with_local_recorder(&recorder, || {
        record_store_metrics(&store());
        record_store_metrics(&yaml);
    });
    let all = all_gauges(&snapshotter);
    let keys = |kind: &str| all[&(KEYS.to_owned(), kind.to_owned())];
    assert_eq!((keys("memory"), keys("yaml")), (1.0, 0.0));
}

const KEYS: &str = "keygate_keys";
const AGE: &str = "keygate_store_age_seconds";
const FAILING: &str = "keygate_store_failing_seconds";
const NEXT_EXPIRY: &str = "keygate_next_expiry_timestamp_seconds";

/// The metrics of one store, all with its label.
fn gauges(kind: &str, store: &impl StoreMetrics) -> BTreeMap<String, f64> {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || record_store_metrics(store));
    let all = all_gauges(&snapshotter).into_iter();
    all.map(|((name, store), value)| {
        assert_eq!(store, kind);
        (name, value)
    })
    .collect()
}

/// By name and store.
fn all_gauges(snapshotter: &Snapshotter) -> BTreeMap<(String, String), f64> {
    let all = snapshotter.snapshot().into_vec().into_iter();
    all.map(|(key, _, _, value)| {
        let DebugValue::Gauge(value) = value else { panic!("a gauge") };
        let labels = key.key().labels().collect::<Vec<_>>();
        let [label] = labels[..] else { panic!("one label") };
        assert_eq!(label.key(), "store");
        ((key.key().name().to_owned(), label.value().to_owned()), value.into_inner())
    })
    .collect()
}

#[test]
fn every_outcome_is_an_event_that_shows_no_key() {
    let log = Captured::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .without_time()
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    let auth = Authenticator::new(store()).add_observer(OutcomeEvents::new());
    let broken = keygate::store::store_fn(|_| async { Err(StoreError::new("connection refused")) });
    let broken = Authenticator::new(broken).add_observer(OutcomeEvents::new());
    let guard = tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);
    let id = auth.verify_key(KEY.as_bytes()).unwrap().key_id();
    for key in ["revoked", "nobody's", " "] {
        assert!(auth.verify_key(key.as_bytes()).is_err());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(broken.authenticate_key(KEY.as_bytes())).is_err());
    drop(guard);

    let text = log.text();
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let revoked = KeyDigest::of(b"revoked").to_text()["sha256:".len()..][..16].to_owned();
    let expected = [
        format!(r#"DEBUG keygate::outcome: request admitted outcome="admitted" client="Right" key_id={id}"#),
        format!(r#"INFO keygate::outcome: request refused outcome="revoked" client="Gone" key_id={revoked}"#),
        r#"INFO keygate::outcome: request refused outcome="unknown""#.to_owned(),
        r#"INFO keygate::outcome: request refused outcome="no_credentials""#.to_owned(),
        r#"ERROR keygate::outcome: request refused outcome="unavailable" error=the key store failed source=connection refused"#.to_owned(),
    ];
    assert_eq!(lines, expected);
    assert!(!text.contains(KEY) && !text.contains("nobody's"), "{text}");
}
