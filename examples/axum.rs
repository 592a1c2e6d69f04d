//! An axum service behind API keys from a file, which may change while it runs.
//!
//! `LISTEN` and `KEYS` in the environment replace the address and the file.

use std::env;
use std::error::Error;

use axum::{Router, routing::get};
use keygate::{ApiKeyLayer, Client, YamlStore};
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
    let keys = env::var("KEYS").unwrap_or_else(|_| "examples/keys.yml".to_owned());

    // The closure receives warnings about the file, and failed reloads.
    let store = YamlStore::watch(&keys, |event| eprintln!("{event}"))?;
    let app = Router::new()
        .route("/route1", get(greet))
        .route_layer(ApiKeyLayer::new(store))
        // Routes added after the layer are public.
        .route("/", get("This page is public. /route1 needs a key.\n"));

    let listener =
        TcpListener::bind(&listen).await.map_err(|error| format!("{listen}: {error}"))?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}, Ctrl-C stops");
    // The shell reads the first key from the file, so that no key is printed here.
    let key = format!("$(grep -oEm1 '[[:alnum:]_-]{{22,}}' '{keys}')");
    println!(r#"try: curl -i http://{address}/route1 -H "x-api-key: {key}""#);
    let ctrl_c = async { tokio::signal::ctrl_c().await.expect("Ctrl-C can be handled") };
    axum::serve(listener, app).with_graceful_shutdown(ctrl_c).await?;
    println!("stopped");
    Ok(())
}

async fn greet(client: Client) -> String {
    format!("Hello, {}\n", client.name())
}
