//! Serves one stack, to be called with curl: `cargo run --example serve -- actix`. `LISTEN` is the address, and each line
//! of standard input is a key to revoke, in the stacks with streams: `axum` and `rmcp`.

use std::env;
use std::error::Error;
use std::io;

use keygate::{KeyStore, MemoryStore, Source};
use keygate_stacks::{actix, auth_with, from_fn, grpc, lambda, mcp, salvo, store, streams};
use tokio::net::TcpListener;

fn revoke_keys_of_standard_input(store: &MemoryStore) {
    let store = store.clone();
    std::thread::spawn(move || {
        for key in io::stdin().lines().map_while(Result::ok) {
            let Ok(client) = auth_with(store.clone()).verify_key(key.trim().as_bytes()) else {
                println!("not a key");
                continue;
            };
            match store.revoke(&client.key_id()) {
                Ok(_) => println!("revoked"),
                Err(error) => println!("not revoked: {error}"),
            }
        }
    });
}

/// Also reads keys from scripts in browsers.
fn app_with_streams<S: KeyStore + Clone>(store: S) -> Result<axum::Router, Box<dyn Error>> {
    let sources =
        [Source::header("x-api-key"), Source::bearer(), Source::websocket_protocol("keygate.")];
    Ok(streams::app(auth_with(store).with_sources(sources)?))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let stack = env::args().nth(1).unwrap_or_default();
    if stack == "lambda" {
        // It reads its events from the address in AWS_LAMBDA_RUNTIME_API.
        return Ok(lambda_http::run(lambda::service()).await.map_err(|error| error.to_string())?);
    }
    let store = store();
    revoke_keys_of_standard_input(&store);
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    match &*stack {
        "actix" => {
            let listener = listener.into_std()?;
            let serve = move || actix_web::rt::System::new().block_on(actix::serve(listener));
            tokio::task::spawn_blocking(serve).await??;
        }
        "axum" => axum::serve(listener, app_with_streams(store)?).await?,
        "from_fn" => axum::serve(listener, from_fn::app()).await?,
        "rmcp" => axum::serve(listener, mcp::app(auth_with(store))).await?,
        "salvo" => {
            let acceptor = ::salvo::conn::tcp::TcpAcceptor::try_from(listener)?;
            ::salvo::Server::new(acceptor).serve(salvo::router()).await;
        }
        "tonic" => {
            let incoming = tonic::transport::server::TcpIncoming::from(listener);
            grpc::server().serve_with_incoming(incoming).await?;
        }
        _ => return Err("name one of: actix, axum, from_fn, lambda, rmcp, salvo, tonic".into()),
    }
    Ok(())
}
