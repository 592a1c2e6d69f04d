//! An axum service with its keys in its own configuration, which may change while it runs.
//!
//! `CONFIG` in the environment replaces the file, and `LISTEN` the address in it.

use std::env;
use std::error::Error;
use std::fs;

use axum::{Router, routing::get};
use keygate::{ApiKeyLayer, Client, YamlStore};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::signal;

/// Other settings, such as those of keygate, are ignored.
#[derive(Deserialize)]
struct Config {
    database_url: String,
    listen: String,
    #[serde(default)]
    api_keys: keygate::ApiKeys,
}

#[tokio::main]
async fn main() {
    // Returning the error would print its `Debug`, which is not meant for people.
    if let Err(error) = run().await {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let path = env::var("CONFIG").unwrap_or_else(|_| "examples/config.yml".to_owned());
    // The keys are read first, since their errors have a line number and show no key.
    let store = YamlStore::options().embedded().watch(&path, |event| eprintln!("{event}"))?;
    let Config { database_url, listen, api_keys } =
        serde_yaml::from_str(&fs::read_to_string(&path)?)
            .map_err(|error| format!("{path}: {error}"))?;
    let listen = env::var("LISTEN").unwrap_or(listen);

    // A real service would connect to it.
    assert!(!database_url.is_empty(), "the database has a URL");
    println!("{} keys, {} of them in api_keys", store.len(), api_keys.len());
    let app = Router::new().route("/route1", get(greet)).route_layer(ApiKeyLayer::new(store));

    let listener =
        TcpListener::bind(&listen).await.map_err(|error| format!("{listen}: {error}"))?;
    println!("listening on http://{}, Ctrl-C stops", listener.local_addr()?);
    let stop = async { signal::ctrl_c().await.expect("Ctrl-C can be handled") };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    println!("stopped");
    Ok(())
}

async fn greet(client: Client) -> String {
    format!("Hello, {}\n", client.name())
}
