//! The state of the store, of the usage history, and of serving processes.

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use keygate::store::SqliteStore;
use keygate::{MemoryStore, YamlStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::file_health::FileHealth;
use crate::kept::Kept;
use crate::support::{Page, Server, at};

#[tokio::test]
async fn key_file_failure_is_shown_with_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.yml");
    let digest = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    let keys = format!("clients:\n  A:\n    keys:\n      - digest: {digest}\n");
    fs::write(&path, &keys).unwrap();
    let store = YamlStore::open(&path).unwrap();
    let health = FileHealth(store.clone(), path.clone());
    let server = Server::with(Arc::new(store.clone()), |admin| admin.with_health(health));
    let mut page = server.signed_in("ray").await;
    let answer = page.get("/health").await;
    answer.says("can be read").says("Key file").says(&path.display().to_string()).says("no tables");
    assert!(!answer.body.contains("could not be loaded"));

    fs::write(&path, format!("{keys}        expires: tomorrow\n")).unwrap();
    store.reload().unwrap_err();
    let answer = page.get("/health").await;
    answer.says("The latest version of the file could not be loaded").says("Line 5, column 18.");
    answer.says("The previous keys are still in use.");
}

#[tokio::test]
async fn missing_reports_are_shown_as_not_known() {
    let mut page = Page::new(Arc::new(MemoryStore::new())).await;
    let answer = page.get("/health").await;
    answer.says("table version are not known");
    answer.says("To see how old the keys in your services are").says("--metrics URL");
    answer.says("this page was started without a usage history");
}

#[tokio::test]
async fn outage_page_says_what_still_works() {
    let folder = tempfile::tempdir().unwrap();
    let [path, away] = ["keys.db", "away.db"].map(|name| folder.path().join(name));
    let store = SqliteStore::migrate(&path).await.unwrap();
    let kept = Kept::since(at(0)).await;
    kept.flush().await;
    let server = Server::with(Arc::new(store), kept.with_usage());
    let mut page = server.signed_in("ann").await;
    page.get("/health").await.says("can be read");
    fs::rename(&path, &away).unwrap();
    let answer = page.get("/health").await;
    answer
        .says("The store cannot be read.")
        .says("continue with the keys they have loaded")
        .says("Written since");
    assert_eq!(answer.status, 200);
    assert_eq!(page.get("/safety").await.status, 503);
    fs::rename(kept.folder.path().join("usage.db"), kept.folder.path().join("away.db")).unwrap();
    page.get("/health").await.says("Usage cannot be read.").says("for at least an hour");
}

/// Serves one of these responses to each request, and then accepts no more requests.
async fn serve(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                if answer.is_empty() {
                    // The connection hangs until it is closed.
                    let _ = stream.read(&mut request).await;
                }
                let _ = stream.write_all(&answer).await;
            });
        }
    });
    format!("http://{address}/metrics")
}

async fn health(urls: &[&str]) -> crate::support::Answer {
    let urls: Vec<_> = urls.iter().map(|url| (*url).to_owned()).collect();
    let store = Arc::new(MemoryStore::new());
    let server = Server::with(store, |admin| admin.with_metrics(urls).unwrap());
    server.signed_in("ray").await.get("/health").await
}

#[tokio::test]
async fn serving_process_is_shown_from_its_metrics() {
    let text = "keygate_keys{store=\"replica\"} 1200\nkeygate_store_age_seconds{store=\"replica\"} 0.25\n\
                keygate_store_failing_seconds{store=\"replica\"} 180\n\
                keygate_requests_total{outcome=\"admitted\",client=\"A\"} 4200\n\
                http_request_duration_seconds_sum 1\nhttp_request_duration_seconds_count 200\n";
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len());
    let url = serve(head.into_bytes()).await;
    let answer = health(&[&url]).await;
    answer.says(&url).says("1,200").says("at most 250 ms").says("for 3 minutes");
    answer.says("4,200 <code>admitted</code>").says("5.0 ms on average");
    assert!(!answer.body.contains("not known: the process"));

    let text = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nkeygate_keys{store=\"yaml\"} 1\n";
    let url = serve(text.into()).await;
    let answer = health(&[&url]).await;
    answer.says("not known: the process does not export request durations");
    answer.says("the process does not use <code>OutcomeMetrics</code>");
}

#[tokio::test]
async fn unreadable_metrics_are_shown_with_the_reason() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = format!("http://{}/metrics", closed.local_addr().unwrap());
    drop(closed);
    let endless =
        [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec(), vec![b'a'; 5 << 20]].concat();
    let elsewhere = "HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n";
    let mut urls = vec![refused];
    for answer in [
        Vec::new(),
        endless,
        elsewhere.into(),
        b"SSH-2.0\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\na 1\n".to_vec(),
    ] {
        urls.push(serve(answer).await);
    }
    let started = Instant::now();
    let answer = health(&urls.iter().map(|url| &**url).collect::<Vec<_>>()).await;
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    assert_eq!(answer.body.matches("Not known. ").count(), urls.len(), "{}", answer.body);
    for why in [
        "The connection failed",
        "No complete response arrived within 2s",
        "302",
        "not valid HTTP",
        "no keygate metrics",
        "The response could not be read",
    ] {
        answer.says(why);
    }
}

#[test]
fn metrics_of_other_machines_need_tls() {
    for url in ["http://service.example/metrics", "https://a:b@service.example/", "metrics"] {
        let admin = keygate_admin::Admin::new(Arc::new(MemoryStore::new()));
        let error = admin.with_metrics([url]).unwrap_err().to_string();
        assert!(error.contains("https://") && !error.contains("a:b"), "{error}");
    }
}
