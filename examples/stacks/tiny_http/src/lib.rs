//! tiny_http 0.12: a function verifies each request, and copies the response into the types of tiny_http.

use std::io;

use keygate::{AuthError, Authenticator, Client, MemoryStore, Scope};
use tiny_http::{Header, Request, Response, Server};

// Glue
fn handle(auth: &Authenticator<MemoryStore>, request: Request) -> io::Result<()> {
    let lines = request.headers().iter();
    let headers = lines.map(|line| (line.field.as_str().as_str(), line.value.as_bytes()));
    let peer = request.remote_addr().map(|peer| peer.ip());
    let verified = auth.verify_headers(headers, Some(request.url()), peer);
    let (parts, body) = auth.respond_to(verified, |client| route(&request, client)).into_parts();
    let lines = parts.headers.iter();
    let lines = lines.filter_map(|(n, v)| Header::from_bytes(n.as_str(), v.as_bytes()).ok());
    let response = Response::from_data(body).with_status_code(parts.status.as_u16());
    request.respond(lines.fold(response, Response::with_header))
}
// End of glue

fn route(request: &Request, client: &Client) -> Result<http::Response<String>, AuthError> {
    if request.url() == "/orders" {
        client.require(Scope::from_static("orders:write"))?;
        return Ok(http::Response::new("ordered".to_owned()));
    }
    Ok(http::Response::new(format!("Hello, {}", client.name())))
}

/// # Errors
///
/// The response cannot be sent, because the client has disconnected.
pub fn serve(server: &Server, auth: &Authenticator<MemoryStore>) -> io::Result<()> {
    server.incoming_requests().try_for_each(|request| handle(auth, request))
}
