//! Stores of keys.
//!
//! A [`KeyDigest`] comes in; a [`KeyRecord`], `None` or a [`StoreError`] goes out. Start with the traits [`KeyStore`]
//! and [`LocalKeyStore`] below, and the [`Lookup`] that they return. `memory.rs` keeps keys in the digest table of
//! `table.rs`; `yaml.rs` loads a file into it; `sqlite.rs` and `postgres.rs` share `sql.rs`; `replica.rs` follows
//! PostgreSQL and serves from memory. `store_fn.rs` makes a store from a closure.

use crate::error::StoreError;
use crate::key::KeyDigest;

#[cfg_attr(not(feature = "serde"), allow(dead_code))]
mod api_keys;
#[cfg(any(feature = "postgres", feature = "yaml"))]
// Each feature uses a part of this module.
#[cfg_attr(not(all(feature = "postgres", feature = "yaml")), allow(dead_code, unused_imports))]
mod folder;
#[cfg(any(feature = "sqlite", feature = "yaml"))]
mod lock_holders;
mod lookup;
mod memory;
#[cfg(any(feature = "sqlite", feature = "yaml"))]
mod mount;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
mod postgres;
mod record;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
mod replica;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
mod sqlite;
mod store_fn;
mod sync_store;
mod table;
#[cfg(all(feature = "usage", any(feature = "sqlite", feature = "postgres")))]
pub(crate) mod usage;
#[cfg(feature = "yaml")]
#[cfg_attr(docsrs, doc(cfg(feature = "yaml")))]
mod yaml;

pub use api_keys::{ApiKeys, KeysError, KeysFault};
pub use lookup::Lookup;
pub(crate) use lookup::LookupResult;
pub use memory::{FromKeysError, MemoryStore};
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use postgres::{PostgresOptions, PostgresStore};
pub use record::KeyRecord;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use replica::{Replica, ReplicaHealth, ReplicaOptions};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "sqlite", feature = "postgres"))))]
pub use sql::{DatabaseError, DatabaseFinding};
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use sqlite::{SqliteOptions, SqliteStore};
pub use store_fn::{StoreFn, store_fn};
pub use sync_store::SyncStore;
#[cfg(all(feature = "serde", feature = "yaml"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "serde", feature = "yaml"))))]
pub use yaml::Keys;
#[cfg(feature = "yaml")]
#[cfg_attr(docsrs, doc(cfg(feature = "yaml")))]
pub use yaml::{
    FolderStore, KeyFileError, KeyFileEvent, KeyFileHealth, KeyFileWarning, ReloadError, YamlLint,
    YamlOptions, YamlStore, YamlText, YamlTextKind,
};

/// Looks up the record of a key by its digest, immediately or asynchronously.
///
/// Implement this trait for a store that waits, such as a database or a remote service. For a store that never waits,
/// implement [`LocalKeyStore`]: every local store also implements this trait. For a closure, see [`store_fn`].
///
/// The trait is dyn-compatible: `Arc<dyn KeyStore>` is a store, too.
///
/// Rules for implementations:
///
/// - Return `Ok(None)` for an unknown key, and a [`StoreError`] if the lookup fails. Callers get status 401 for the
///   first and 503 for the second.
/// - Return the records of expired, disabled and revoked keys, too: verification refuses them.
/// - Build the record with the digest of the stored row, not with the argument. Verification compares the two, so that
///   a store or cache that returns the wrong row admits nobody.
/// - The lookup must not borrow the store. Clone the pool or the `Arc` into the future.
///
/// ```
/// use std::sync::Arc;
/// use keygate::{KeyDigest, KeyRecord, KeyStore, Lookup, StoreError};
///
/// #[derive(Clone)]
/// struct Database { /* a connection pool */ }
///
/// impl Database {
///     /// `SELECT digest, client FROM api_keys WHERE digest = $1`
///     async fn row(&self, digest: [u8; 32]) -> Result<Option<([u8; 32], String)>, std::io::Error> {
///         Ok(Some((digest, "User 1".to_owned())))
///     }
/// }
///
/// impl KeyStore for Database {
///     fn lookup(&self, digest: KeyDigest) -> Lookup {
///         let database = self.clone();
///         Lookup::pending(async move {
///             let row = database.row(digest.to_bytes()).await.map_err(StoreError::new)?;
///             Ok(row.map(|(digest, name)| KeyRecord::new(KeyDigest::from_bytes(digest), name)))
///         })
///     }
/// }
///
/// let store: Arc<dyn KeyStore> = Arc::new(Database {});
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a key store",
    label = "neither `KeyStore` nor `LocalKeyStore` is implemented for this type",
    note = "implement `LocalKeyStore` if it never waits, `KeyStore` if it waits",
    note = "`Arc<S>` is a store if `S` is one; `Box<S>` is not, use `Arc`"
)]
pub trait KeyStore: Send + Sync + 'static {
    /// Looks up the record of the key with this digest.
    fn lookup(&self, digest: KeyDigest) -> Lookup;
}

/// Looks up the record of a key by its digest, without waiting.
///
/// Every local store is a [`KeyStore`], and works with the synchronous [`verify`](crate::verify). `Arc<S>` and `Arc<dyn
/// LocalKeyStore>` are stores, too, but `Box` is not, because another crate could implement this trait for it.
///
/// ```
/// use keygate::{KeyDigest, KeyRecord, LocalKeyStore, StoreError};
///
/// struct OneKey(KeyDigest);
///
/// impl LocalKeyStore for OneKey {
///     fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRecord>, StoreError> {
///         Ok((self.0 == *digest).then(|| KeyRecord::new(self.0, "User 1")))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store that never waits",
    label = "`LocalKeyStore` is not implemented for this type",
    note = "if it is a `KeyStore` that waits, use the `authenticate...` methods instead of `verify...`",
    note = "if it never waits, implement `LocalKeyStore` for it"
)]
pub trait LocalKeyStore: Send + Sync + 'static {
    /// Finds the record of the key with this digest.
    ///
    /// # Errors
    ///
    /// The lookup failed. An unknown digest is `Ok(None)`.
    fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRecord>, StoreError>;
}
