//! tiny_http 0.12: a function for each request.

use std::io;

use keygate::{AuthError, Authenticator, Client, MemoryStore, Scope};
use tiny_http::{Header, Request, Response, Server};

/// Glue: 15 lines. It verifies a request, and copies the response into the types of tiny_http.
fn handle(auth: &Authenticator<MemoryStore>, request: Request) -> io::Result<()> {
    let lines = request.headers().iter();
    let headers = lines.map(|line| (line.field.as_str().as_str(), line.value.as_bytes()));
    let peer = request.remote_addr().map(|peer| peer.ip());
    let reply = auth.verify_headers(headers, Some(request.url()), peer).and_then(|client| {
        let mut reply = http::Response::new(route(request.url(), &client)?);
        auth.finish_response(reply.headers_mut(), &client);
        Ok(reply)
    });
    let (parts, body) = reply.unwrap_or_else(|error| auth.respond(&error)).into_parts();
    let lines = parts.headers.iter();
    let lines = lines.filter_map(|(n, v)| Header::from_bytes(n.as_str(), v.as_bytes()).ok());
    let response = Response::from_data(body).with_status_code(parts.status.as_u16());
    request.respond(lines.fold(response, Response::with_header))
}

fn route(path: &str, client: &Client) -> Result<String, AuthError> {
    if path == "/orders" {
        client.require(Scope::from_static("orders:write"))?;
        return Ok("ordered".to_owned());
    }
    Ok(format!("Hello, {}", client.name()))
}

/// # Errors
///
/// A response that cannot be sent, because its client has gone.
pub fn serve(server: &Server, auth: &Authenticator<MemoryStore>) -> io::Result<()> {
    server.incoming_requests().try_for_each(|request| handle(auth, request))
}
