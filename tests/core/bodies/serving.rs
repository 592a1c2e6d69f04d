//! Clients of real connections.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

pub(crate) async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(crate) const VERSIONS: [Version; 2] = [Version::HTTP_11, Version::HTTP_2];

/// Sends one request on a new connection, in this version of HTTP.
pub(crate) async fn send(
    version: Version,
    address: SocketAddr,
    path: &str,
    fields: &[(&str, &str)],
) -> Response<Incoming> {
    let mut request = Request::builder().uri(format!("http://{address}{path}"));
    if version == Version::HTTP_11 {
        request = request.uri(path).header("host", address.to_string());
    }
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(Empty::<Bytes>::new()).unwrap();

    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let response = if version == Version::HTTP_2 {
        let connection = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
        let (mut sender, connection) = connection.await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await
    };
    let response = response.unwrap();
    assert_eq!(response.version(), version);
    response
}
