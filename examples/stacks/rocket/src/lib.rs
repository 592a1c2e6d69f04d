//! rocket 0.5: a guard that verifies before the body is read, and a responder for its types. Glue: 38 lines, up to the
//! routes.

use std::convert::Infallible;
use std::io::Cursor;

use keygate::{AuthError, Authenticator, Client, MemoryStore, Scope};
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome, Request};
use rocket::response::{Responder, Response};
use rocket::{Build, Rocket, get, routes};

type Keys = Authenticator<MemoryStore>;

struct Caller<'r>(&'r Keys, Result<Client, AuthError>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Caller<'r> {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        let keys = request.rocket().state::<Keys>().expect("the app manages its keys");
        let lines: Vec<_> = request.headers().iter().collect();
        let headers = lines.iter().map(|line| (line.name().as_str(), line.value().as_bytes()));
        let uri = request.uri().to_string();
        let peer = request.remote().map(|peer| peer.ip());
        Outcome::Success(Caller(keys, keys.verify_headers(headers, Some(&uri), peer)))
    }
}

struct Reply(http::Response<String>);

impl Caller<'_> {
    fn reply(self, route: impl FnOnce(&Client) -> Result<String, AuthError>) -> Reply {
        let Caller(keys, client) = self;
        let reply = client.and_then(|client| {
            let mut reply = http::Response::new(route(&client)?);
            keys.finish_response(reply.headers_mut(), &client);
            Ok(reply)
        });
        Reply(reply.unwrap_or_else(|error| keys.respond(&error)))
    }
}

impl<'r> Responder<'r, 'static> for Reply {
    fn respond_to(self, _: &'r Request<'_>) -> rocket::response::Result<'static> {
        let (parts, body) = self.0.into_parts();
        let mut response = Response::build();
        for (name, value) in &parts.headers {
            let value = value.to_str().unwrap_or_default().to_owned();
            response.raw_header_adjoin(name.to_string(), value);
        }
        response.status(Status::new(parts.status.as_u16()));
        response.sized_body(body.len(), Cursor::new(body)).ok()
    }
}

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
