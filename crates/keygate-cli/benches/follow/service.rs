use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use keygate::{ApiKeyLayer, Client, YamlStore};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

type Failure = Box<dyn Error + Send + Sync>;

/// A service on the loopback interface that follows a key file, on a separate runtime.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    _runtime: Runtime,
}

impl Service {
    pub(crate) fn start(keys: &Path) -> Result<Self, Failure> {
        let app = Router::new()
            .route("/route1", get(async |client: Client| client.name().to_owned()))
            .route_layer(ApiKeyLayer::new(YamlStore::watch(keys, |event| eprintln!("{event}"))?));
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        // Sends each response at once.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        runtime.spawn(async { axum::serve(listener, app).await });
        Ok(Self { address, _runtime: runtime })
    }
}
