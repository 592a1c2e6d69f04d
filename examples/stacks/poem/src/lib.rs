//! poem 3: a function around the routes, and one that catches refusals.

use std::future::ready;
use std::sync::Arc;

use http_body_util::combinators::BoxBody;
use keygate::{AuthError, Authenticator, Client, MemoryStore, Scope};
use poem::error::{Forbidden, Unauthorized};
use poem::web::Data;
use poem::{
    Body, Endpoint, EndpointExt, Error, IntoResponse, Request, Response, Result, Route, get,
    handler,
};

// Glue
type Keys = Authenticator<MemoryStore>;

async fn keyed(keys: Keys, next: Arc<impl Endpoint>, mut request: Request) -> Result<Response> {
    let client = keys.verify(request.headers()).map_err(Unauthorized)?;
    keys.redact(request.headers_mut());
    request.extensions_mut().insert(client.clone());
    let kept = |e: Error| if e.is::<AuthError>() { Err(e) } else { Ok(e.into_response()) };
    let mut response = next.call(request).await.map(IntoResponse::into_response).or_else(kept)?;
    keys.finish_response(response.headers_mut(), &client);
    Ok(response)
}
// End of glue

#[handler]
fn greet(Data(client): Data<&Client>) -> String {
    format!("Hello, {}", client.name())
}

#[handler]
fn order(Data(client): Data<&Client>) -> Result<&'static str> {
    client.require(Scope::from_static("orders:write")).map_err(Forbidden)?;
    Ok("ordered")
}

pub fn app(auth: Keys) -> impl Endpoint {
    let routes = Route::new().at("/route1", get(greet)).at("/orders", get(order));
    // Glue
    let keys = auth.clone();
    let refuse = move |error: AuthError| keys.respond::<Body>(&error).map(BoxBody::from);
    routes
        .around(move |next, request| keyed(auth.clone(), next, request))
        .catch_error(move |error| ready(Response::from(refuse(error))))
    // End of glue
}
