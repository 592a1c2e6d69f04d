use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::Failure;

/// A proxy between one instance and its server, which can cut the connections.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    /// `None` while the connections are cut.
    connections: Connections,
    _runtime: Runtime,
}

type Connections = Arc<Mutex<Option<JoinSet<()>>>>;

impl Proxy {
    pub(crate) fn new(server: SocketAddr) -> Result<Self, Failure> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let port = listener.local_addr()?.port();
        let connections = Arc::new(Mutex::new(Some(JoinSet::new())));
        runtime.spawn(accept(listener, server, Arc::clone(&connections)));
        Ok(Self { port, connections, _runtime: runtime })
    }

    /// Ends all connections, and refuses new ones.
    pub(crate) fn cut(&self) {
        // Dropping the set aborts its tasks.
        self.set(None);
    }

    /// Accepts connections again.
    pub(crate) fn restore(&self) {
        self.set(Some(JoinSet::new()));
    }

    fn set(&self, connections: Option<JoinSet<()>>) {
        *self.connections.lock().unwrap_or_else(PoisonError::into_inner) = connections;
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, connections: Connections) {
    while let Ok((mut near, _)) = listener.accept().await {
        let mut connections = connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connections) = connections.as_mut() {
            connections.spawn(async move {
                let Ok(mut far) = TcpStream::connect(server).await else { return };
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    }
}
