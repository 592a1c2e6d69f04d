//! A hyper service without a framework, behind keys from a file.
//!
//! `LISTEN` and `KEYS` in the environment replace the address and the file.

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, VARY};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use keygate::{Authenticator, Client, YamlStore};
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

    let store = YamlStore::open(&keys)?;
    for warning in store.warnings() {
        eprintln!("{warning}");
    }
    println!("{} keys of {} clients in {keys}", store.len(), store.client_count());

    let auth = Arc::new(Authenticator::new(store));
    let listener =
        TcpListener::bind(&listen).await.map_err(|error| format!("{listen}: {error}"))?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}, Ctrl-C stops");
    // The shell reads the first key from the file, so that no key is printed here.
    let key = format!("$(grep -oEm1 '[[:alnum:]_-]{{22,}}' '{keys}')");
    println!(r#"try: curl -i http://{address}/route1 -H "x-api-key: {key}""#);
    serve(listener, auth).await;
    println!("stopped");
    Ok(())
}

fn respond(auth: &Authenticator<YamlStore>, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    match request.uri().path() {
        "/" => text("This page is public. /route1 needs a key.\n"),
        "/route1" => match auth.verify(request.headers()) {
            Ok(client) => greet(&client),
            Err(error) => auth.respond(&error),
        },
        _ => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    }
}

fn greet(client: &Client) -> Response<Full<Bytes>> {
    let mut response = text(format!("Hello, {}\n", client.name()));
    // Keeps shared caches from serving this response to other clients.
    response.headers_mut().insert(VARY, HeaderValue::from_static("x-api-key"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    response
}

fn text(body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

/// Serves HTTP/1.1 and HTTP/2 until Ctrl-C, and completes requests in flight.
async fn serve(listener: TcpListener, auth: Arc<Authenticator<YamlStore>>) {
    let server = auto::Builder::new(TokioExecutor::new());
    let connections = GracefulShutdown::new();
    let mut ctrl_c = pin!(tokio::signal::ctrl_c());
    loop {
        let accepted = tokio::select! {
            // Polled first, so that Ctrl-C is handled from the start.
            biased;
            caught = &mut ctrl_c => break caught.expect("Ctrl-C can be handled"),
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // Usually, there are too many open files: wait until some are closed.
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        };
        let auth = Arc::clone(&auth);
        let service = service_fn(move |request| {
            let response = respond(&auth, &request);
            async { Ok::<_, Infallible>(response) }
        });
        let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
        tokio::spawn(connections.watch(connection));
    }
    drop(listener);
    connections.shutdown().await;
}
