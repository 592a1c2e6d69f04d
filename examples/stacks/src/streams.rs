//! axum with the layer: server-sent events, and WebSocket.

use std::convert::Infallible;

use axum::Router;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use keygate::{ApiKeyLayer, AuthError, Client};

use crate::{WRITE, auth};

async fn greet(client: Client) -> String {
    format!("Hello, {}", client.name())
}

async fn order(client: Client) -> Result<&'static str, AuthError> {
    client.require(WRITE)?;
    Ok("ordered")
}

async fn events(client: Client) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let greeting = Event::default().data(format!("Hello, {}", client.name()));
    Sse::new(stream::iter([Ok(greeting)]))
}

/// The key is verified before the upgrade, so that a refusal is an HTTP response.
async fn socket(client: Client, upgrade: WebSocketUpgrade) -> Response {
    let greet = async move |mut socket: WebSocket| {
        let _ = socket.send(format!("Hello, {}", client.name()).into()).await;
    };
    upgrade.on_upgrade(greet).into_response()
}

pub fn app() -> Router {
    Router::new()
        .route("/route1", get(greet))
        .route("/orders", get(order))
        .route("/events", get(events))
        .route("/socket", get(socket))
        // Glue: 1 line.
        .layer(ApiKeyLayer::from(auth()))
}
