//! An axum service with TLS, without a proxy. It reloads its certificate when the files change.
//!
//! `TLS_CERT` and `TLS_KEY` in the environment name its certificate and private key, as PEM files. `LISTEN` and `KEYS`
//! replace the address and the key file.

use std::error::Error;
use std::net::TcpListener;
use std::time::{Duration, SystemTime};
use std::{env, fs};

use axum::{Extension, Router, routing::get};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use keygate::client::Transport;
use keygate::{ApiKeyLayer, Authenticator, Client, YamlStore};

#[tokio::main]
async fn main() {
    // Returning the error would print its `Debug`, which is not meant for people.
    if let Err(error) = run().await {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3443".to_owned());
    let keys = env::var("KEYS").unwrap_or_else(|_| "examples/keys.yml".to_owned());
    let file = |name| env::var(name).map_err(|_| format!("{name} must name a PEM file"));
    let (certificate, key) = (file("TLS_CERT")?, file("TLS_KEY")?);

    let store = YamlStore::watch(&keys, |event| eprintln!("{event}"))?;
    // Marks every request as sent over TLS. The layer would refuse others.
    let auth = Authenticator::new(store).require_tls();
    let app = Router::new()
        .route("/route1", get(greet))
        .route_layer(ApiKeyLayer::from(auth))
        .route("/", get("This page is public. /route1 needs a key.\n"))
        // Added after the key layer, so that it is outermost.
        .layer(Extension(Transport::Tls));

    let files = [certificate, key];
    // Read before the files, so that a change meanwhile is noticed.
    let loaded = versions(&files);
    let [certificate, key] = &files;
    let tls = RustlsConfig::from_pem_file(certificate, key)
        .await
        .map_err(|error| format!("{certificate} and {key}: {error}"))?;
    let listener = TcpListener::bind(&listen).map_err(|error| format!("{listen}: {error}"))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    println!("listening on https://{address}, Ctrl-C stops");
    // The shell reads the first key from the file, so that no key is printed here.
    let first = format!("$(grep -oEm1 '[[:alnum:]_-]{{22,}}' '{keys}')");
    println!(
        r#"try: curl -i --cacert '{certificate}' https://{address}/route1 -H "x-api-key: {first}""#
    );

    tokio::spawn(reload(tls.clone(), files, loaded));
    let handle = Handle::new();
    tokio::spawn(stop(handle.clone()));
    let server = axum_server::from_tcp_rustls(listener, tls)?.handle(handle);
    server.serve(app.into_make_service()).await?;
    println!("stopped");
    Ok(())
}

/// Checks the files every second. A renewal may write them one after the other, so a certificate and key that do not
/// match are read again until they do.
async fn reload(tls: RustlsConfig, files: [String; 2], mut loaded: Versions) {
    let mut refused = None;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let found = versions(&files);
        if found == loaded {
            continue;
        }
        match tls.reload_from_pem_file(&files[0], &files[1]).await {
            Ok(()) => {
                println!("certificate reloaded");
                loaded = found;
            }
            Err(error) if refused.as_ref() != Some(&found) => {
                eprintln!("the certificate was not reloaded: {error}");
                refused = Some(found);
            }
            Err(_) => {}
        }
    }
}

/// The times at which the files were changed.
type Versions = [Option<SystemTime>; 2];

fn versions(files: &[String; 2]) -> Versions {
    files.each_ref().map(|file| fs::metadata(file).and_then(|file| file.modified()).ok())
}

async fn stop(handle: Handle<std::net::SocketAddr>) {
    tokio::signal::ctrl_c().await.expect("Ctrl-C can be handled");
    handle.graceful_shutdown(Some(Duration::from_secs(10)));
}

async fn greet(client: Client) -> String {
    format!("Hello, {}\n", client.name())
}
