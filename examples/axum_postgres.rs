//! The axum service with its keys in PostgreSQL, as one of many instances.
//!
//! `LISTEN` and `DATABASE_URL` in the environment replace the address and the URL of the database, whose
//! tables `keygate migrate` makes. The service connects as a role that can only read them. `/ready` says
//! whether the instance should get requests.

use std::env;
use std::error::Error;
use std::process::ExitCode;

use axum::http::StatusCode;
use axum::{Json, Router, routing::get};
use keygate::store::Replica;
use keygate::{ApiKeyLayer, Authenticator, Client, RequireScope, Usage};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    // Returning the error from here would show its `Debug`, which is not made for people.
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let url = env::var("DATABASE_URL")
        .unwrap_or_else(|_| "postgres://keygate_serving@localhost/keys".to_owned());

    let store = Replica::connect(&url).await?;
    let health = store.health();
    println!("{} keys of {} clients", health.keys, health.clients);

    let usage = Usage::new();
    let auth = Authenticator::new(store.clone()).add_observer(usage.clone());
    let app = Router::new()
        .route("/usage", get(move || async move { Json(usage.snapshot()) }))
        // For the route above it alone.
        .route_layer(RequireScope::new("usage:read")?)
        .route("/route1", get(greet))
        .route_layer(ApiKeyLayer::from(auth))
        // Added behind the layer, so that they stand outside of it.
        .route("/ready", get(move || async move { ready(&store) }))
        .route("/", get("This page is public. /route1 asks for a key.\n"));

    let listener =
        TcpListener::bind(&listen).await.map_err(|error| format!("{listen}: {error}"))?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}, Ctrl-C stops");
    axum::serve(listener, app).with_graceful_shutdown(ctrl_c()).await?;
    println!("stopped");
    Ok(())
}

async fn greet(client: Client) -> String {
    format!("Hello, {}\n", client.name())
}

fn ready(store: &Replica) -> StatusCode {
    if store.is_ready() { StatusCode::NO_CONTENT } else { StatusCode::SERVICE_UNAVAILABLE }
}

async fn ctrl_c() {
    // Where the signal cannot be caught, it ends the process by itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
