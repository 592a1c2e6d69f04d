//! WebSockets, event streams and MCP streams end when their key no longer works.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use http::Request;
use keygate::{KeyDigest, KeyRecord, LocalKeyStore, MemoryStore, StoreError};
use keygate_stacks::{READER, WRITER, auth_with, client, mcp, store, streams};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::mcp::{INITIALIZE, post};
use crate::start;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) async fn events(address: SocketAddr, key: &str) -> reqwest::Result<reqwest::Response> {
    let client = client::with_key(key).unwrap();
    client.get(format!("http://{address}/events")).send().await?.error_for_status()
}

pub(crate) async fn socket(address: SocketAddr, key: &str) -> Result<Socket, Error> {
    let request = Request::get(format!("ws://{address}/socket"))
        .header("host", address.to_string())
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("x-api-key", key);
    let (socket, _) = tokio_tungstenite::connect_async(request.body(()).unwrap()).await?;
    Ok(socket)
}

/// Opens the stream of a session on which an MCP server sends its own messages.
async fn mcp_stream(address: SocketAddr, key: &str) -> reqwest::Response {
    let opened = post(address, INITIALIZE).header("x-api-key", key).send().await.unwrap();
    let session = opened.headers()["mcp-session-id"].clone();
    let stream = client::with_key(key)
        .unwrap()
        .get(format!("http://{address}/mcp"))
        .header("accept", "text/event-stream")
        .header("mcp-session-id", session);
    stream.send().await.unwrap().error_for_status().unwrap()
}

/// Reads a stream to its end, and returns the time at which it ended.
async fn end_of(mut stream: reqwest::Response) -> Instant {
    while stream.chunk().await.unwrap().is_some() {}
    Instant::now()
}

/// Reads a socket to its end, and returns the time at which it ended and the code of the close frame.
async fn closed(mut socket: Socket) -> (Instant, Option<u16>) {
    let mut code = None;
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Close(Some(frame)) = message {
            code = Some(frame.code.into());
        }
    }
    (Instant::now(), code)
}

/// Counts lookups, and fails on demand.
#[derive(Clone)]
struct Counted {
    store: MemoryStore,
    lookups: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
}

impl Counted {
    fn new() -> Self {
        Self { store: store(), lookups: Arc::default(), fails: Arc::default() }
    }

    fn revoke(&self, key: &str) -> Instant {
        let client = auth_with(self.store.clone()).verify_key(key.as_bytes()).unwrap();
        self.store.revoke(&client.key_id()).unwrap();
        Instant::now()
    }

    /// Waits until the timer has looked up keys this many more times.
    async fn wait_for_lookups(&self, more: usize) {
        let until = self.lookups.load(Ordering::Relaxed) + more;
        let start = Instant::now();
        while self.lookups.load(Ordering::Relaxed) < until {
            assert!(start.elapsed() < LIMIT, "the timer looks no key up");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl LocalKeyStore for Counted {
    fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRecord>, StoreError> {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        if self.fails.load(Ordering::Relaxed) {
            return Err(StoreError::new("no connection"));
        }
        self.store.find(digest)
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// The maximum wait.
const LIMIT: Duration = Duration::from_secs(20);

/// Other programs may delay a round, so one of three must be in time.
async fn ends_within_a_second(round: impl AsyncFn() -> Duration) {
    let mut took = Vec::new();
    for _ in 0..3 {
        took.push(tokio::time::timeout(LIMIT, round()).await.unwrap_or(LIMIT));
        if took.last().is_some_and(|took| *took <= SECOND) {
            return;
        }
    }
    panic!("{took:?}");
}

#[tokio::test]
async fn socket_and_events_end_within_a_second_of_a_revoke() {
    ends_within_a_second(async || {
        let store = Counted::new();
        let address = start(streams::app(auth_with(store.clone()))).await;
        let socket = socket(address, READER).await.unwrap();
        let events = events(address, READER).await.unwrap();
        // The timer has just checked, so that its whole period is ahead.
        store.wait_for_lookups(1).await;
        let revoked = store.revoke(READER);
        let ((closed, code), ended) = tokio::join!(closed(socket), end_of(events));
        assert_eq!(code, Some(1008));
        closed.max(ended) - revoked
    })
    .await;
}

#[tokio::test]
async fn stream_of_mcp_ends_within_a_second_of_a_revoke() {
    ends_within_a_second(async || {
        let store = Counted::new();
        let address = start(mcp::app(auth_with(store.clone()))).await;
        let stream = mcp_stream(address, READER).await;
        store.wait_for_lookups(1).await;
        let revoked = store.revoke(READER);
        end_of(stream).await - revoked
    })
    .await;
}

#[tokio::test]
async fn streams_of_a_key_cost_one_lookup_and_outlive_an_outage() {
    let store = Counted::new();
    let address = start(mcp::app(auth_with(store.clone()))).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(mcp_stream(address, READER).await);
    }
    let mut other = mcp_stream(address, WRITER).await;
    let before = store.lookups.load(Ordering::Relaxed);
    let start = Instant::now();
    store.wait_for_lookups(4).await;
    // Two keys in two rounds, half a second apart. One lookup for each stream would be 42.
    let rounds = 2 + start.elapsed().as_millis() as usize / 500;
    assert!(store.lookups.load(Ordering::Relaxed) - before <= 2 * rounds);

    // The store fails for all keys, but no stream ends.
    store.fails.store(true, Ordering::Relaxed);
    store.wait_for_lookups(4).await;
    for stream in streams.iter_mut().chain([&mut other]) {
        let more = async { while stream.chunk().await.unwrap().is_some() {} };
        assert!(tokio::time::timeout(Duration::from_millis(5), more).await.is_err());
    }
    // The streams end after the outage, and those of the other key stay.
    store.fails.store(false, Ordering::Relaxed);
    store.revoke(READER);
    for stream in streams {
        tokio::time::timeout(LIMIT, end_of(stream)).await.expect("the stream ends");
    }
    let more = async { while other.chunk().await.unwrap().is_some() {} };
    assert!(tokio::time::timeout(Duration::from_millis(5), more).await.is_err());
}
