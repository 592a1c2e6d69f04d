//! AWS Lambda behind API Gateway: the layer around the function. For a REST API, set the variable
//! `AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH`: otherwise, lambda_http adds the stage to the beginning of the path, and the
//! table of routes refuses every request.

use http::Method;
use keygate::{ApiKeyLayer, Client, RequireScope, RouteScopes};
use lambda_http::{Body, Error, Request, Response};
use tower::{Layer as _, Service, service_fn};

use crate::{WRITE, auth};

async fn handle(request: Request) -> Result<Response<Body>, Error> {
    let client = request.extensions().get::<Client>().ok_or("no layer")?;
    Ok(Response::new(format!("Hello, {}", client.name()).into()))
}

/// The service for `lambda_http::run`.
pub fn service()
-> impl Service<Request, Response = Response<Body>, Error = Error, Future: Send> + Clone + Send {
    // Glue
    let scopes = RouteScopes::new()
        .any_client(Method::GET, "/route1")
        .and_then(|scopes| scopes.require(Method::GET, "/orders", WRITE));
    let scopes = RequireScope::by_path(scopes.expect("the routes are well formed"));
    ApiKeyLayer::from(auth()).layer(scopes.layer(service_fn(handle)))
    // End of glue
}
