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

/// The whole time for one address: the page waits for it.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A thousand clients with a label for each outcome take less than half of it.
const MAX_BYTES: usize = 4 << 20;

/// Reads the text at an address, without following redirects.
pub(super) async fn text(url: &MetricsUrl) -> Result<String, String> {
    let read = timeout(TIMEOUT, read(url)).await;
    read.unwrap_or_else(|_| Err(format!("There was no complete answer within {TIMEOUT:?}.")))
}

async fn read(url: &MetricsUrl) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("There is no connection: {error}.");
    let stream = TcpStream::connect((&*url.host, url.port)).await.map_err(failed)?;
    // The name may lead elsewhere.
    let is_loopback = stream.peer_addr().is_ok_and(|address| address.ip().is_loopback());
    if !url.is_tls && !is_loopback {
        return Err("The name does not lead to this machine.".to_owned());
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
    let failed = |error: hyper::Error| format!("The answer was not understood: {error}.");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let request = Request::get(&*url.path)
        .header(HOST, &*url.authority)
        .header(ACCEPT, "text/plain")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| format!("The address cannot be asked: {error}."))?;
    let response = async {
        let response = sender.send_request(request).await.map_err(failed)?;
        if response.status() != StatusCode::OK {
            return Err(format!("The answer was {}, not 200.", response.status()));
        }
        let body = Limited::new(response.into_body(), MAX_BYTES).collect().await;
        let body = body.map_err(|error| format!("The answer cannot be read: {error}."))?;
        String::from_utf8(body.to_bytes().into()).map_err(|_| "The answer is no text.".to_owned())
    };
    let mut response = std::pin::pin!(response);
    // Both in this task: nothing goes on when the page is no longer waited for.
    tokio::select! {
        text = &mut response => text,
        ended = connection => match ended {
            Ok(()) => response.await,
            Err(error) => Err(failed(error)),
        },
    }
}
