//! poem 3: a function around the routes, and a catcher of refusals.

use std::future::ready;
use std::sync::Arc;

use keygate::{AuthError, Authenticator, Client, MemoryStore, Scope};
use poem::error::{Forbidden, Unauthorized};
use poem::web::Data;
use poem::{
    Endpoint, EndpointExt, Error, IntoResponse, Request, Response, Result, Route, get, handler,
};

type Keys = Arc<Authenticator<MemoryStore>>;

/// Glue: 11 lines, and 4 for `catch_error`.
async fn require_key<E: Endpoint>(
    keys: Keys,
    next: Arc<E>,
    mut request: Request,
) -> Result<Response> {
    let client = keys.verify(request.headers()).map_err(Unauthorized)?;
    keys.redact(request.headers_mut());
    request.extensions_mut().insert(client.clone());
    let response = next.call(request).await.map(IntoResponse::into_response);
    let other = |e: Error| if e.is::<AuthError>() { Err(e) } else { Ok(e.into_response()) };
    let mut response = response.or_else(other)?;
    keys.finish_response(response.headers_mut(), &client);
    Ok(response)
}

#[handler]
fn greet(Data(client): Data<&Client>) -> String {
    format!("Hello, {}", client.name())
}

#[handler]
fn order(Data(client): Data<&Client>) -> Result<&'static str> {
    client.require(Scope::from_static("orders:write")).map_err(Forbidden)?;
    Ok("ordered")
}

pub fn app(auth: Authenticator<MemoryStore>) -> impl Endpoint {
    let keys = Arc::new(auth);
    let refusing = keys.clone();
    Route::new()
        .at("/route1", get(greet))
        .at("/orders", get(order))
        .around(move |next, request| require_key(keys.clone(), next, request))
        .catch_error(move |error: AuthError| {
            let (parts, body) = refusing.respond::<String>(&error).into_parts();
            ready((parts.status, parts.headers, body))
        })
}
