//! axum with the layer: server-sent events and WebSockets, which end when their key no longer works.

use std::convert::Infallible;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use futures_util::stream::{self, Stream, StreamExt as _};
use keygate::{ApiKeyLayer, AuthError, Authenticator, Client, KeyStore};

use crate::WRITE;
use crate::connections::{Connections, end_streams};

async fn greet(client: Client) -> String {
    format!("Hello, {}", client.name())
}

async fn order(client: Client) -> Result<&'static str, AuthError> {
    client.require(WRITE)?;
    Ok("ordered")
}

/// Sends a greeting, and no further events.
async fn events(client: Client) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let greeting = Event::default().data(format!("Hello, {}", client.name()));
    Sse::new(stream::iter([Ok(greeting)]).chain(stream::pending()))
}

/// The key is verified before the upgrade, so that a refusal is an HTTP response. Browsers need a subprotocol in the
/// response if they asked for one.
async fn socket(
    State(connections): State<Connections>,
    client: Client,
    upgrade: WebSocketUpgrade,
) -> Response {
    let refused = connections.refused(&client);
    let serve = async move |mut socket: WebSocket| {
        let _ = socket.send(format!("Hello, {}", client.name()).into()).await;
        let mut messages = socket.take_until(Box::pin(refused));
        while let Some(Ok(message)) = messages.next().await {
            let _ = messages.get_mut().send(message).await;
        }
        let reason = "the key no longer works".into();
        let close = Message::Close(Some(CloseFrame { code: close_code::POLICY, reason }));
        let _ = messages.into_inner().send(close).await;
    };
    upgrade.protocols(["app"]).on_upgrade(serve)
}

pub fn app<S: KeyStore + Clone>(auth: Authenticator<S>) -> Router {
    let connections = Connections::default();
    tokio::spawn(connections.clone().check_twice_a_second(auth.clone()));
    Router::new()
        .route("/route1", get(greet))
        .route("/orders", get(order))
        .route("/events", get(events))
        .layer(from_fn_with_state(connections.clone(), end_streams))
        .route("/socket", get(socket))
        .with_state(connections)
        // Glue
        .layer(ApiKeyLayer::from(auth).strip_credentials())
    // End of glue
}
