//! salvo 1: the layer, by its compatibility with tower.

use keygate::{ApiKeyLayer, Client};
use salvo::http::ReqBody;
use salvo::prelude::*;

use crate::{WRITE, auth};

#[handler]
async fn greet(request: &mut Request, response: &mut Response) {
    let client = request.extensions().get::<Client>().expect("the layer adds the client");
    response.render(format!("Hello, {}", client.name()));
}

pub fn router() -> Router {
    // Glue: 2 lines, and one for each scope.
    let keys = ApiKeyLayer::from(auth()).compat::<ReqBody>();
    let scope = keygate::RequireScope::scope(WRITE).compat::<ReqBody>();
    Router::new()
        .hoop(keys)
        .push(Router::with_path("route1").get(greet))
        .push(Router::with_path("orders").hoop(scope).get(order))
}

#[handler]
async fn order() -> &'static str {
    "ordered"
}
