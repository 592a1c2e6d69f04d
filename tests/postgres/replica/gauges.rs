//! Metrics of a replica.
// These numbers are exact in binary.
#![allow(clippy::float_cmp)]

use std::collections::BTreeMap;

use keygate::observe::record_store_metrics;
use keygate::store::Replica;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use crate::replica::fixture::{at, connect, is_revoked, issue, migrate, revoke, until};
use crate::servers::Postgres;

const KEYS: &str = "keygate_keys";
const AGE: &str = "keygate_store_age_seconds";
const FAILING: &str = "keygate_store_failing_seconds";
const NEXT_EXPIRY: &str = "keygate_next_expiry_timestamp_seconds";

fn gauges(replica: &Replica) -> BTreeMap<String, f64> {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || record_store_metrics(replica));
    let all = snapshotter.snapshot().into_vec().into_iter();
    all.map(|(key, _, _, value)| {
        let DebugValue::Gauge(value) = value else { panic!("a gauge") };
        let labels = key.key().labels().map(|label| (label.key(), label.value()));
        assert_eq!(labels.collect::<Vec<_>>(), [("store", "replica")]);
        (key.key().name().to_owned(), value.into_inner())
    })
    .collect()
}

#[tokio::test]
async fn gauges_report_how_the_replica_follows() {
    let server = Postgres::start();
    migrate(&server.url()).await;
    server.psql(&issue(0, 4, "User 1"));
    server.psql(&issue(4, 5, "Off"));
    for (number, expires) in [(0, "2001"), (1, "2090"), (2, "2080"), (4, "2070")] {
        let expires = format!("{expires}-01-01T00:00:00Z");
        server.psql(&format!("update keygate.keys set expires = '{expires}' {}", at(number)));
    }
    server.psql("update keygate.clients set enabled = false where name = 'Off'");
    let replica = connect(&server.url()).await.unwrap();
    let values = gauges(&replica);
    assert_eq!((values[KEYS], values[FAILING]), (5.0, 0.0));
    assert!((0.0..60.0).contains(&values[AGE]), "{values:?}");
    // 2080-01-01: the key that expires earlier belongs to a disabled client.
    assert_eq!(values[NEXT_EXPIRY], 3_471_292_800.0);
    server.psql(&revoke(2));
    until("a revoke", || is_revoked(&replica, 2)).await;
    let values = gauges(&replica);
    assert_eq!((values[KEYS], values[NEXT_EXPIRY]), (4.0, 3_786_912_000.0));

    server.kill();
    until("it fails for a second", || gauges(&replica)[FAILING] > 1.0).await;
    let values = gauges(&replica);
    assert!(values[AGE] > 1.0 && values[KEYS] == 4.0, "{values:?}");
    server.restart();
    until("it follows again", || gauges(&replica)[FAILING] == 0.0).await;
}

/// An alert on the age must fire for a replica that was never in contact.
#[tokio::test]
async fn age_is_infinite_before_the_first_contact() {
    // A port without a listener.
    let replica = Replica::options("postgres://service@127.0.0.1:1/keys").unwrap().start();
    until("it fails", || gauges(&replica)[FAILING] > 0.0).await;
    let values = gauges(&replica);
    assert_eq!(
        (values[KEYS], values[AGE], values[NEXT_EXPIRY]),
        (0.0, f64::INFINITY, f64::INFINITY)
    );
}
