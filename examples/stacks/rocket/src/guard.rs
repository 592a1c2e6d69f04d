//! A guard that verifies before the body is read, and a responder for its types.

use std::convert::Infallible;
use std::io::Cursor;

use keygate::{AuthError, Authenticator, Client, MemoryStore, Scope};
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome, Request};
use rocket::response::{Responder, Response};
use rocket::{Build, Rocket, get, routes};

// Glue
type Keys = Authenticator<MemoryStore>;

struct Caller<'r>(&'r Keys, Result<Client, AuthError>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Caller<'r> {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        let keys = request.rocket().state::<Keys>().expect("the app manages its keys");
        let lines: Vec<_> = request.headers().iter().collect();
        let headers = lines.iter().map(|line| (line.name().as_str(), line.value().as_bytes()));
        let peer = request.remote().map(|peer| peer.ip());
        Outcome::Success(Caller(keys, keys.verify_headers(headers, None, peer)))
    }
}

impl Caller<'_> {
    fn reply(self, route: impl FnOnce(&Client) -> Result<String, AuthError>) -> Reply {
        let Caller(keys, verified) = self;
        Reply(keys.respond_to(verified, |client| Ok(http::Response::new(route(client)?))))
    }
}

struct Reply(http::Response<String>);

impl<'r> Responder<'r, 'static> for Reply {
    fn respond_to(self, _: &'r Request<'_>) -> rocket::response::Result<'static> {
        let (parts, body) = self.0.into_parts();
        let mut response = Response::build();
        for (name, value) in &parts.headers {
            response.raw_header_adjoin(name.to_string(), value.to_str().unwrap_or("").to_owned());
        }
        response.status(Status::new(parts.status.as_u16()));
        response.sized_body(body.len(), Cursor::new(body)).ok()
    }
}
// End of glue

#[get("/route1")]
fn greet(caller: Caller<'_>) -> Reply {
    caller.reply(|client| Ok(format!("Hello, {}", client.name())))
}

#[get("/orders")]
fn order(caller: Caller<'_>) -> Reply {
    caller.reply(|client| {
        client.require(Scope::from_static("orders:write"))?;
        Ok("ordered".to_owned())
    })
}

pub fn app(auth: Keys) -> Rocket<Build> {
    rocket::build().manage(auth).mount("/", routes![greet, order])
}
