//! The axum service with its keys in PostgreSQL, as one of many instances.
//!
//! `LISTEN` and `DATABASE_URL` in the environment replace the address and the URL of the database, whose
//! tables `keygate migrate` creates. The service connects as a role that can only read them. `/ready` reports whether
//! the instance should receive requests.

use std::env;
use std::error::Error;

use axum::http::StatusCode;
use axum::{Router, routing::get};
use keygate::store::Replica;
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
    let url = env::var("DATABASE_URL")
        .unwrap_or_else(|_| "postgres://keygate_serving@localhost/keys".to_owned());

    let store = Replica::connect(&url).await?;
    let health = store.health();
    println!("{} keys of {} clients", health.keys, health.clients);

    let app = Router::new()
        .route("/route1", get(greet))
        .route_layer(ApiKeyLayer::new(store.clone()))
        // Routes added after the layer are public.
        .route("/ready", get(move || async move { ready(&store) }))
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

fn ready(store: &Replica) -> StatusCode {
    if store.is_ready() { StatusCode::NO_CONTENT } else { StatusCode::SERVICE_UNAVAILABLE }
}
