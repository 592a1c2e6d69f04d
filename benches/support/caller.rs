use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::sleep;

type Failure = Box<dyn Error + Send + Sync>;

/// The pause between two checks whether a change was applied.
const PAUSE: Duration = Duration::from_millis(2);

/// The maximum wait for a change.
const DEADLINE: Duration = Duration::from_secs(120);

/// A persistent connection to the service.
pub(crate) struct Caller(SendRequest<Empty<Bytes>>);

impl Caller {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// The response to a request with this key.
    pub(crate) async fn send(&mut self, key: HeaderValue) -> Result<StatusCode, Failure> {
        let request = Request::get("/route1").header(HOST, "localhost").header("x-api-key", key);
        self.0.ready().await?;
        let response = self.0.send_request(request.body(Empty::new())?).await?;
        let status = response.status();
        response.into_body().collect().await?;
        Ok(status)
    }

    /// Sends requests until the response has this status, and returns the time.
    pub(crate) async fn wait_for(
        &mut self,
        status: StatusCode,
        key: &HeaderValue,
    ) -> Result<Instant, Failure> {
        let start = Instant::now();
        while start.elapsed() < DEADLINE {
            if self.send(key.clone()).await? == status {
                return Ok(Instant::now());
            }
            sleep(PAUSE).await;
        }
        Err(format!("the answer was not {status} within {} s", DEADLINE.as_secs()).into())
    }
}
