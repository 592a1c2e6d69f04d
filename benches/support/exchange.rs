use std::error::Error;

use bytes::Bytes;
use http::{Request, Response, header::HOST};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::runtime::{Builder, Runtime};
use tower::Service;

use super::clock::processor_time;
use super::drive::X_API_KEY;
use super::probes::Probes;

/// A connection with a client at one end and a service at the other, in memory.
pub(crate) struct Exchange {
    runtime: Runtime,
    sender: client::SendRequest<Empty<Bytes>>,
    probes: Probes,
}

type Failure = Box<dyn Error>;

impl Exchange {
    pub(crate) fn new<S>(service: S, probes: Probes) -> Result<Self, Failure>
    where
        S: Service<Request<Incoming>, Response = Response<Full<Bytes>>>,
        S: Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let runtime = Builder::new_current_thread().build()?;
        let (near, far) = tokio::io::duplex(64 * 1024);
        let service = TowerToHyperService::new(service);
        runtime.spawn(server::Builder::new().serve_connection(TokioIo::new(far), service));
        let (sender, connection) = runtime.block_on(client::handshake(TokioIo::new(near)))?;
        runtime.spawn(connection);
        Ok(Self { runtime, sender, probes })
    }

    /// Nanoseconds per exchange, from building the request to the end of the response.
    pub(crate) fn time(&mut self, count: u32) -> Result<f64, Failure> {
        self.exchange(count)?;
        let start = processor_time();
        self.exchange(count)?;
        Ok((processor_time() - start) / f64::from(count))
    }

    fn exchange(&mut self, count: u32) -> Result<(), Failure> {
        self.runtime.block_on(async {
            for _ in 0..count {
                let request = Request::get("/")
                    .header(HOST, "localhost")
                    .header(&X_API_KEY, self.probes.value())
                    .body(Empty::new())?;
                self.sender.ready().await?;
                let response = self.sender.send_request(request).await?;
                assert!(response.status().is_success(), "the key is right");
                response.into_body().collect().await?;
            }
            Ok(())
        })
    }
}
