//! An axum service with its own implementation of `KeyStore`, whose lookups may wait.
//!
//! `LISTEN` and `KEYS` in the environment replace the address and the file.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use axum::{Router, routing::get};
use keygate::{
    ApiKeyLayer, Client, KeyDigest, KeyRecord, KeyStore, LocalKeyStore as _, Lookup, StoreError,
    YamlStore,
};
use tokio::net::TcpListener;

/// A stand-in for a database client, which reads the whole file for each query.
///
/// Replace it with the connection pool of your database, and [`Database::record_of`] with a query such as `SELECT
/// digest, client, expires FROM api_keys WHERE digest = $1`. Build the record with the digest from the row: keygate
/// compares it with the one that it looked up.
#[derive(Clone)]
struct Database {
    file: PathBuf,
}

impl Database {
    async fn record_of(&self, digest: KeyDigest) -> Result<Option<KeyRecord>, DatabaseError> {
        let file = self.file.clone();
        // Reading a file blocks, so it runs on a separate thread.
        let query = move || Ok(YamlStore::open(file)?.find(&digest)?);
        tokio::task::spawn_blocking(query).await?
    }
}

type DatabaseError = Box<dyn Error + Send + Sync>;

impl KeyStore for Database {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        let database = self.clone();
        Lookup::pending(async move {
            // A failed query is a 503, never a wrong key.
            database.record_of(digest).await.map_err(StoreError::new)
        })
    }
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
    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let keys = env::var("KEYS").unwrap_or_else(|_| "examples/keys.yml".to_owned());

    // A broken file is reported at the start, and not by the first request.
    let rows = YamlStore::open(&keys)?;
    for warning in rows.warnings() {
        eprintln!("{warning}");
    }
    println!("{} keys of {} clients in {keys}", rows.len(), rows.client_count());

    let store: Arc<dyn KeyStore> = Arc::new(Database { file: keys.clone().into() });
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
