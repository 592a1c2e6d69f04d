//! Ends connections that outlive their request once their key no longer works: the recipe under "Long connections" on
//! the guide's page about sources.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::stream::{self, StreamExt as _};
use keygate::{AuthError, Authenticator, Client, KeyId, KeyStore};
use tokio::sync::watch;

/// The keys that have open connections. Dropping a sender ends those of its key.
#[derive(Clone, Default)]
pub struct Connections(Arc<Mutex<HashMap<KeyId, (Client, watch::Sender<()>)>>>);

impl Connections {
    /// Returns a future that is ready when the client's key no longer works.
    pub fn refused(&self, client: &Client) -> impl Future<Output = ()> + Send + 'static {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || (client.clone(), watch::Sender::new(()));
        let mut end = keys.entry(client.key_id()).or_insert_with(new).1.subscribe();
        async move { while end.changed().await.is_ok() {} }
    }

    async fn check<S: KeyStore>(&self, auth: &Authenticator<S>) {
        let clients: Vec<Client> = {
            let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            keys.retain(|_, (_, end)| end.receiver_count() > 0);
            keys.values().map(|(client, _)| client.clone()).collect()
        };
        let check = async |client: Client| {
            if let Err(error) = auth.revalidate(&client).await
                && !matches!(error, AuthError::Unavailable(_))
            {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&client.key_id());
            }
        };
        stream::iter(clients).for_each_concurrent(32, check).await;
    }

    /// The one timer. Start it with `tokio::spawn`.
    pub async fn check_twice_a_second<S: KeyStore>(self, auth: Authenticator<S>) {
        let mut timer = tokio::time::interval(Duration::from_millis(500));
        loop {
            timer.tick().await;
            self.check(&auth).await;
        }
    }
}

/// Ends event streams, also those of MCP servers, whose key no longer works. Add it inside the key layer:
/// `.layer(from_fn_with_state(connections, end_streams)).layer(ApiKeyLayer::from(auth))`.
pub async fn end_streams(
    State(connections): State<Connections>,
    client: Client,
    request: Request,
    next: Next,
) -> Response {
    let refused = connections.refused(&client);
    let response = next.run(request).await;
    let kind = response.headers().get(CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
        return response;
    }
    response.map(|body| Body::from_stream(body.into_data_stream().take_until(Box::pin(refused))))
}
