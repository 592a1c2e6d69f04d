use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{MetricsUrl, rustls_client};

/// The time limit for one address. The page waits for it.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The size limit of a response. The metrics of a thousand clients, labelled by outcome, take less than half of it.
const MAX_BYTES: usize = 4 << 20;

/// Fetches the text at an address, without following redirects.
pub(super) async fn text(url: &MetricsUrl) -> Result<String, String> {
    let read = timeout(TIMEOUT, read(url)).await;
    read.unwrap_or_else(|_| Err(format!("No complete response arrived within {TIMEOUT:?}.")))
}

async fn read(url: &MetricsUrl) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("The connection failed: {error}.");
    let stream = TcpStream::connect((&*url.host, url.port)).await.map_err(failed)?;
    // A name such as `localhost` could resolve to another machine.
    let is_loopback = stream.peer_addr().is_ok_and(|address| address.ip().is_loopback());
    if !url.is_tls && !is_loopback {
        return Err("The host name does not resolve to this machine.".to_owned());
    }
    if url.is_tls {
        get(url, rustls_client::connect(&url.host, stream).await?).await
    } else {
        get(url, stream).await
    }
}

async fn get<S>(url: &MetricsUrl, stream: S) -> Result<String, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: hyper::Error| format!("The response was not valid HTTP: {error}.");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let request = Request::get(&*url.path)
        .header(HOST, &*url.authority)
        .header(ACCEPT, "text/plain")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| format!("The request could not be built: {error}."))?;
    let response = async {
        let response = sender.send_request(request).await.map_err(failed)?;
        if response.status() != StatusCode::OK {
            return Err(format!("The response had status {} instead of 200.", response.status()));
        }
        let body = Limited::new(response.into_body(), MAX_BYTES).collect().await;
        let body = body.map_err(|error| format!("The response could not be read: {error}."))?;
        String::from_utf8(body.to_bytes().into())
            .map_err(|_| "The response is not text.".to_owned())
    };
    let mut response = std::pin::pin!(response);
    // The connection is driven in this task, so that it ends when the page's request is cancelled.
    tokio::select! {
        text = &mut response => text,
        ended = connection => match ended {
            Ok(()) => response.await,
            Err(error) => Err(failed(error)),
        },
    }
}
