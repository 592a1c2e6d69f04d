use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use super::begun::Begun;
use super::connections::{Connections, Lease, Role};
use super::error::{input_fault, outage, plain_fault};
use super::file::{self, Identity};
use super::options::SqliteOptions;
use super::tables;
use crate::error::StoreError;
use crate::store::sql::DatabaseError;

/// A path, and the connections to the file that stands there now.
pub(super) struct Place {
    options: SqliteOptions,
    connections: ArcSwap<Connections>,
    /// Held by the one who opens a file that has taken the place of another.
    opening: Mutex<()>,
}

/// How often another file may take the place of the one that was just opened.
const ATTEMPTS: usize = 5;

impl Place {
    pub(super) async fn open(
        mut options: SqliteOptions,
        migrate: bool,
    ) -> Result<Self, DatabaseError> {
        // SQLite takes some paths for URLs, and none that is absolute. The working folder may change.
        let path = std::path::absolute(&options.path)
            .map_err(|error| input_fault(&options.path, error))?;
        if path.to_str().is_none() {
            let why = format!("{} is not UTF-8", path.display());
            return Err(DatabaseError::Location { why });
        }
        options.path = path;
        if migrate {
            file::create(&options.path)?;
        }
        file::check(&options.path)?;
        let connections = connections(&options, migrate).await?;
        let connections = ArcSwap::from_pointee(connections);
        Ok(Self { options, connections, opening: Mutex::default() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.options.path
    }

    /// A connection to the file that stands at the path now.
    pub(super) async fn lease(&self, role: Role) -> Result<Lease, StoreError> {
        for _ in 0..ATTEMPTS {
            let connections = self.connections.load_full();
            if let Some(lease) = connections.lease(role).await? {
                return Ok(lease);
            }
            self.reopen(&connections).await?;
        }
        Err(self.restless())
    }

    /// A transaction that writes to the file that stands at the path now.
    pub(super) async fn begin_writing(&self) -> Result<Begun, StoreError> {
        for _ in 0..ATTEMPTS {
            let mut begun = Begun::writer(self.lease(Role::Writer).await?).await?;
            // Another may have taken its place while this one waited for its turn.
            if begun.lease().is_in_place()? {
                return Ok(begun);
            }
        }
        Err(self.restless())
    }

    async fn reopen(&self, old: &Arc<Connections>) -> Result<(), StoreError> {
        let _opening = self.opening.lock().await;
        if !Arc::ptr_eq(&self.connections.load(), old) {
            return Ok(());
        }
        let opened = connections(&self.options, false).await;
        let opened = opened.map_err(|error| outage(self.path(), error))?;
        self.connections.store(Arc::new(opened));
        Ok(())
    }

    fn restless(&self) -> StoreError {
        plain_fault(self.path(), "other files take its place again and again")
    }
}

/// Opens the file that stands at the path now, and sees that its tables can be read.
async fn connections(options: &SqliteOptions, migrate: bool) -> Result<Connections, DatabaseError> {
    let SqliteOptions { path, max_connections } = options;
    for _ in 0..ATTEMPTS {
        let identity = Identity::at(path)?;
        let connections = Connections::new(path, identity, *max_connections);
        if migrate {
            let Some(lease) = connections.lease(Role::Writer).await? else { continue };
            tables::migrate(lease).await?;
        }
        let Some(mut lease) = connections.lease(Role::Reader).await? else { continue };
        tables::check(&mut lease).await?;
        drop(lease);
        return Ok(connections);
    }
    Err(plain_fault(path, "other files take its place again and again").into())
}
