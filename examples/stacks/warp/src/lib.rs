//! warp 0.4: the layer around `warp::service`.

use std::convert::Infallible;

use http::{Method, Request};
use keygate::{ApiKeyLayer, Authenticator, Client, MemoryStore, RequireScope, RouteScopes, Scope};
use tower::{Layer as _, Service};
use warp::Filter as _;
use warp::reply::Response;

pub fn service(
    auth: Authenticator<MemoryStore>,
) -> impl Service<Request<String>, Response = Response, Error = Infallible> + Clone {
    let greet = |client: Client| format!("Hello, {}", client.name());
    let greet = warp::path!("route1").and(warp::ext::get::<Client>()).map(greet);
    let order = warp::path!("orders").map(|| "ordered");
    // Glue
    let scopes = RouteScopes::new().any_client(Method::GET, "/route1").and_then(|scopes| {
        scopes.require(Method::GET, "/orders", Scope::from_static("orders:write"))
    });
    let scopes = RequireScope::by_path(scopes.expect("the routes are well formed"));
    ApiKeyLayer::from(auth).layer(scopes.layer(warp::service(greet.or(order))))
    // End of glue
}
