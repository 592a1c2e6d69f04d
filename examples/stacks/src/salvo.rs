//! salvo 1: the layer, through salvo's compatibility with tower.

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
    // Glue
    let keys = ApiKeyLayer::from(auth()).compat::<ReqBody>();
    let scope = keygate::RequireScope::scope(WRITE).compat::<ReqBody>();
    // End of glue
    Router::new()
        .push(Router::with_path("route1").get(greet))
        // Glue
        .push(Router::with_path("orders").hoop(scope).get(order))
        .hoop(keys)
    // End of glue
}

#[handler]
async fn order() -> &'static str {
    "ordered"
}
