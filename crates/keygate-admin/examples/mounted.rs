//! The page mounted in an axum service, with the service's own sign-in.
//!
//! ```sh
//! cargo run -p keygate-admin --example mounted
//! ```
//!
//! Open <http://127.0.0.1:8082/admin/>, add a client, issue a key, and call the service with it:
//! `curl -H 'x-api-key: KEY' http://127.0.0.1:8082/hello`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use keygate::{ApiKeyLayer, Client, MemoryStore};
use keygate_admin::{Admin, AdminUser, Role};
use tokio::net::TcpListener;

/// The account that the service's own sign-in adds to each request.
#[derive(Clone)]
struct Account {
    name: String,
    may_manage_keys: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address: SocketAddr = "127.0.0.1:8082".parse()?;
    let store = MemoryStore::new();

    let admin =
        Admin::new(Arc::new(store.clone())).with_base_path("/admin")?.on_loopback(address)?;
    let admin = admin.with_user(|parts| {
        let account =
            parts.extensions.get::<Account>().filter(|account| account.may_manage_keys)?;
        Some(AdminUser::new(&account.name, Role::Admin))
    });

    let app = Router::new()
        .route("/hello", get(hello))
        .layer(ApiKeyLayer::new(store))
        .nest_service("/admin", admin.build()?)
        .layer(from_fn(sign_in));
    println!("http://{address}/admin/");
    axum::serve(TcpListener::bind(address).await?, app).await?;
    Ok(())
}

async fn hello(client: Client) -> String {
    format!("Hello, {}!\n", client.name())
}

/// Stands in for the service's own sign-in: everyone on this machine is Ann.
async fn sign_in(mut request: Request, next: Next) -> Response {
    let account = Account { name: "Ann".to_owned(), may_manage_keys: true };
    request.extensions_mut().insert(account);
    next.run(request).await
}
