//! rocket 0.5: a handler that verifies, and copies the response into the types of rocket. With a guard, routes can have
//! attributes, but it takes more glue: see `guard.rs`.

pub mod guard;

use std::future::ready;
use std::io::Cursor;

use keygate::{AuthError, Authenticator, Client, MemoryStore, Scope};
use rocket::http::{Method, Status};
use rocket::route::{BoxFuture, Outcome, Route};
use rocket::{Build, Data, Request, Response, Rocket};

// Glue
type Keys = Authenticator<MemoryStore>;

fn keyed<'r>(request: &'r Request<'_>, _: Data<'r>) -> BoxFuture<'r> {
    let keys = request.rocket().state::<Keys>().expect("the app manages its keys");
    let lines: Vec<_> = request.headers().iter().collect();
    let headers = lines.iter().map(|line| (line.name().as_str(), line.value().as_bytes()));
    let verified = keys.verify_headers(headers, None, request.remote().map(|peer| peer.ip()));
    let (parts, body) = keys.respond_to(verified, |client| route(request, client)).into_parts();
    let mut response = Response::build();
    for (name, value) in &parts.headers {
        response.raw_header_adjoin(name.to_string(), value.to_str().unwrap_or("").to_owned());
    }
    response.status(Status::new(parts.status.as_u16())).sized_body(body.len(), Cursor::new(body));
    Box::pin(ready(Outcome::Success(response.finalize())))
}
// End of glue

fn route(request: &Request<'_>, client: &Client) -> Result<http::Response<String>, AuthError> {
    if request.uri().path() == "/orders" {
        client.require(Scope::from_static("orders:write"))?;
        return Ok(http::Response::new("ordered".to_owned()));
    }
    Ok(http::Response::new(format!("Hello, {}", client.name())))
}

pub fn app(auth: Keys) -> Rocket<Build> {
    let routes = ["/route1", "/orders"].map(|path| Route::new(Method::Get, path, keyed));
    rocket::build().manage(auth).mount("/", routes)
}
