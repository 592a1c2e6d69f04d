//! The axum service with its keys in SQLite, looked up for each request.
//!
//! `LISTEN` and `KEYS` in the environment replace the address and the path of the database, which
//! `keygate migrate --store sqlite:keys.db` creates. Changes made by the tool need no restart.

use std::env;
use std::error::Error;

use axum::{Router, routing::get};
use keygate::store::SqliteStore;
use keygate::{ApiKeyLayer, Client};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() {
    // Returning the error would print its `Debug`, which is not meant for people.
    if let Err(error) = run().await {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let keys = env::var("KEYS").unwrap_or_else(|_| "keys.db".to_owned());

    // This is the only line that differs from the example `axum`.
    let store = SqliteStore::open(&keys).await?;
    let app = Router::new()
        .route("/route1", get(greet))
        .route_layer(ApiKeyLayer::new(store))
        // Routes added after the layer are public.
        .route("/", get("This page is public. /route1 needs a key.\n"));

    let listener =
        TcpListener::bind(&listen).await.map_err(|error| format!("{listen}: {error}"))?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}, Ctrl-C stops");
    let ctrl_c = async { tokio::signal::ctrl_c().await.expect("Ctrl-C can be handled") };
    axum::serve(listener, app).with_graceful_shutdown(ctrl_c).await?;
    println!("stopped");
    Ok(())
}

async fn greet(client: Client) -> String {
    format!("Hello, {}\n", client.name())
}
