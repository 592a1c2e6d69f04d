//! The health of a key file, and of serving processes.

use std::fs;
use std::net::TcpListener;
use std::sync::Arc;

use keygate::{MemoryStore, YamlStore};

use crate::file_health::FileHealth;
use crate::site::{Site, metrics};

const METRICS: &str = "keygate_keys{store=\"replica\"} 1200\n\
    keygate_store_age_seconds{store=\"replica\"} 0.25\n\
    keygate_store_failing_seconds{store=\"replica\"} 180\n\
    keygate_requests_total{outcome=\"admitted\",client=\"shop\"} 4200\n\
    keygate_requests_total{outcome=\"throttled\",client=\"shop\"} 17\n\
    http_request_duration_seconds_sum 1\n\
    http_request_duration_seconds_count 200\n";

#[tokio::test(flavor = "multi_thread")]
async fn failing_file_and_unreachable_process_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.yml");
    let digest = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    let keys = format!("clients:\n  shop:\n    keys:\n      - digest: {digest}\n");
    fs::write(&path, &keys).unwrap();
    let store = YamlStore::open(&path).unwrap();
    let health = FileHealth(store.clone(), path.clone());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let unreachable = format!("http://{}/metrics", closed.local_addr().unwrap());
    drop(closed);
    let urls = [metrics(METRICS).await, unreachable, metrics("up 1\n").await];
    let site = Site::with(Arc::new(store.clone()), MemoryStore::new(), |admin| {
        admin.with_health(health).with_metrics(urls).unwrap()
    })
    .await;
    let browser = site.sign_in().await;
    browser.open("/health").await;
    browser.sees("1,200").await;
    browser.sees("The connection failed").await;
    browser.look("health-processes").await;

    fs::write(&path, format!("{keys}        expires: tomorrow\n")).unwrap();
    store.reload().unwrap_err();
    browser.open("/health").await;
    browser.sees("Line 5, column 18.").await;
    browser.look("health-file-failing").await;
    browser.open("/safety").await;
    browser.look("safety-file").await;
}
