//! The axum service with its keys in SQLite, which is asked for each request.
//!
//! `LISTEN` and `KEYS` in the environment replace the address and the path of the database, which
//! `keygate migrate --store sqlite:keys.db` makes. What the tool changes in it needs no restart.

use std::env;
use std::error::Error;
use std::process::ExitCode;

use axum::{Json, Router, routing::get};
use keygate::store::SqliteStore;
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
    let keys = env::var("KEYS").unwrap_or_else(|_| "keys.db".to_owned());

    // The one line that is not as with a file: `YamlStore::watch(&keys, ..)?`.
    let store = SqliteStore::open(&keys).await?;

    let usage = Usage::new();
    let auth = Authenticator::new(store).add_observer(usage.clone());
    let app = Router::new()
        .route("/usage", get(move || async move { Json(usage.snapshot()) }))
        // For the route above it alone.
        .route_layer(RequireScope::new("usage:read")?)
        .route("/route1", get(greet))
        .route_layer(ApiKeyLayer::from(auth))
        // Added behind the layer, so that it stands outside of it.
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

async fn ctrl_c() {
    // Where the signal cannot be caught, it ends the process by itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
