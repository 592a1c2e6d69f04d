//! An axum service that asks a store of its own, and waits for the answer.
//!
//! `LISTEN` and `KEYS` in the environment replace the address and the file.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use axum::{Router, routing::get};
use keygate::{
    ApiKeyLayer, Client, KeyDigest, KeyRecord, KeyStore, LocalKeyStore as _, Lookup, StoreError,
    YamlStore,
};
use tokio::net::TcpListener;

/// Stands for the client of a database, and reads the whole file for each query.
///
/// Put the connection pool of your database in its place, and a query like
/// `SELECT digest, client, expires FROM api_keys WHERE digest = $1` in the place of
/// [`Database::record_of`]. Take the digest of the record from the row: it is compared with the one
/// that was asked for.
#[derive(Clone)]
struct Database {
    file: PathBuf,
}

impl Database {
    async fn record_of(&self, digest: KeyDigest) -> Result<Option<KeyRecord>, DatabaseError> {
        let file = self.file.clone();
        // Files are read by threads that may block.
        let query = move || Ok(YamlStore::open(file)?.find(&digest)?);
        tokio::task::spawn_blocking(query).await?
    }
}

type DatabaseError = Box<dyn Error + Send + Sync>;

impl KeyStore for Database {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        let database = self.clone();
        Lookup::pending(async move {
            // A database that is down makes a 503, and never a wrong key.
            database.record_of(digest).await.map_err(StoreError::new)
        })
    }
}

/// Prints the key of the first `KEY: client name` in a file.
const FIRST_KEY: &str = "awk -F'[ :]+' '/^[^#]+$/ && $2 { print $2; exit }'";

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
    let keys = env::var("KEYS").unwrap_or_else(|_| "examples/keys.yml".to_owned());

    // Read once here, so that a broken file is found now and not by the first caller.
    let rows = YamlStore::open(&keys)?;
    for warning in rows.warnings() {
        eprintln!("{warning}");
    }
    println!("{} keys of {} clients in {keys}", rows.len(), rows.client_count());

    let store: Arc<dyn KeyStore> = Arc::new(Database { file: keys.clone().into() });
    let app = Router::new()
        .route("/route1", get(greet))
        .route_layer(ApiKeyLayer::new(store))
        // Added behind the layer, so that it stands outside of it.
        .route("/", get("This page is public. /route1 asks for a key.\n"));

    let listener =
        TcpListener::bind(&listen).await.map_err(|error| format!("{listen}: {error}"))?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}, Ctrl-C stops");
    // The shell reads the key from the file, so that it is not printed here.
    println!(r#"try: curl -i http://{address}/route1 -H "x-api-key: $({FIRST_KEY} '{keys}')""#);
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
