//! Stores of keys.
//!
//! A [`KeyDigest`] comes in; a [`KeyRecord`] goes out, or none, or a [`StoreError`]. Start with the
//! traits [`KeyStore`] and [`LocalKeyStore`] below. `memory.rs` serves from
//! `table.rs`; `yaml.rs` reads a file into it; `sqlite.rs` and `postgres.rs` share `sql.rs`; `replica.rs` follows
//! PostgreSQL and serves from memory.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::error::StoreError;
use crate::key::KeyDigest;

#[cfg(any(feature = "postgres", feature = "yaml"))]
// Each of the two needs a part of it.
#[cfg_attr(not(all(feature = "postgres", feature = "yaml")), allow(dead_code, unused_imports))]
mod folder;
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
mod table;
#[cfg(feature = "yaml")]
#[cfg_attr(docsrs, doc(cfg(feature = "yaml")))]
mod yaml;

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
#[cfg(feature = "yaml")]
#[cfg_attr(docsrs, doc(cfg(feature = "yaml")))]
pub use yaml::{
    ReloadError, YamlError, YamlEvent, YamlHealth, YamlLint, YamlStore, YamlText, YamlTextKind,
    YamlWarning,
};

/// What a store says: the record under a digest, none, or that it cannot say.
pub(crate) type Answer = Result<Option<KeyRecord>, StoreError>;

/// Answers which record is filed under a digest, at once or later.
///
/// Implement this trait for a store that waits: a database, a remote service. For one that never
/// waits, implement [`LocalKeyStore`], and this one comes with it. For a closure, see [`store_fn`].
///
/// The trait is dyn-compatible: `Arc<dyn KeyStore>` is a store, too.
///
/// Keep in mind, when implementing it:
///
/// - "There is no such key" is `Ok(None)`; "I cannot tell" is a [`StoreError`]. A caller sees 401 for
///   the first and 503 for the second.
/// - Return the records of expired, disabled and revoked keys, too: verification refuses them.
/// - Take the digest of a record from where it is stored, not from the question: verification compares
///   the two, so that a store or cache that returns the wrong row admits nobody.
/// - The lookup does not borrow the store. Clone the pool or the `Arc` into the future.
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
    note = "implement `LocalKeyStore` if it answers without waiting, `KeyStore` if it waits",
    note = "`Arc<S>` is a store where `S` is one; `Box<S>` is not, use `Arc`"
)]
pub trait KeyStore: Send + Sync + 'static {
    /// Looks up the record that is filed under this digest.
    fn lookup(&self, digest: KeyDigest) -> Lookup;
}

/// Answers which record is filed under a digest, without waiting.
///
/// Every local store is a [`KeyStore`], and works with [`verify`](crate::verify), which is not
/// asynchronous. `Arc<S>` and `Arc<dyn LocalKeyStore>` work as well as `S`; a `Box` does not,
/// because somebody else could implement this trait for it.
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
    message = "`{Self}` is not a store that answers without waiting",
    label = "`LocalKeyStore` is not implemented for this type",
    note = "if it is a `KeyStore` that waits, use the `authenticate...` methods instead of `verify...`",
    note = "if it never waits, implement `LocalKeyStore` for it"
)]
pub trait LocalKeyStore: Send + Sync + 'static {
    /// Finds the record that is filed under this digest.
    ///
    /// # Errors
    ///
    /// The store cannot tell. A digest that it does not hold is `Ok(None)`.
    fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRecord>, StoreError>;
}

impl<S: LocalKeyStore + ?Sized> KeyStore for S {
    // So that an answer that is there goes on in registers, whoever asked: by way of the memory, it costs
    // 20 ns more.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        match self.find(&digest) {
            Ok(record) => Lookup::ready(record),
            Err(error) => Lookup::failed(error),
        }
    }
}

impl<S: KeyStore + ?Sized> KeyStore for Arc<S> {
    #[inline]
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        (**self).lookup(digest)
    }
}

/// A store that can be asked without waiting: a [`LocalKeyStore`], or an `Arc` around one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store that answers without waiting",
    label = "`LocalKeyStore` is not implemented for this type",
    note = "if it is a `KeyStore` that waits, use the `authenticate...` methods instead of `verify...`",
    note = "if it never waits, implement `LocalKeyStore` for it; of the smart pointers, only `Arc` is taken"
)]
pub trait SyncStore: sealed::Sealed {
    #[doc(hidden)]
    fn find_local(&self, digest: &KeyDigest) -> Result<Option<KeyRecord>, StoreError>;
}

impl<S: LocalKeyStore + ?Sized> SyncStore for S {
    #[inline]
    fn find_local(&self, digest: &KeyDigest) -> Answer {
        self.find(digest)
    }
}

impl<S: SyncStore + ?Sized> SyncStore for Arc<S> {
    #[inline]
    fn find_local(&self, digest: &KeyDigest) -> Answer {
        (**self).find_local(digest)
    }
}

mod sealed {
    use std::sync::Arc;

    use super::LocalKeyStore;

    pub trait Sealed {}
    impl<S: LocalKeyStore + ?Sized> Sealed for S {}
    impl<S: Sealed + ?Sized> Sealed for Arc<S> {}
}

/// The answer of a store: either given, or on its way.
///
/// A lookup that is answered at once allocates nothing. It borrows nothing from the store.
///
/// ```
/// use keygate::{KeyDigest, KeyRecord, Lookup};
///
/// let digest = KeyDigest::of(b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU");
/// let lookup = Lookup::ready(KeyRecord::new(digest, "User 1"));
/// assert!(lookup.try_ready().is_ok());
/// assert!(Lookup::pending(std::future::pending()).try_ready().is_err());
/// ```
// The record stands beside the enum, not in it: the compiler then keeps the answer of a local store
// in registers, which is worth 10 ns a request.
#[must_use = "a lookup does nothing unless it is awaited"]
pub struct Lookup {
    record: Option<KeyRecord>,
    state: State,
}

enum State {
    Ready,
    Failed(StoreError),
    Waiting(Pin<Box<dyn Future<Output = Answer> + Send>>),
    Answered,
}

impl Lookup {
    /// The answer is known: this record, or `None` where there is no such key.
    #[inline]
    pub fn ready(record: impl Into<Option<KeyRecord>>) -> Self {
        Self { record: record.into(), state: State::Ready }
    }

    /// The store cannot tell.
    pub fn failed(error: StoreError) -> Self {
        Self { record: None, state: State::Failed(error) }
    }

    /// The answer is on its way.
    pub fn pending<F>(future: F) -> Self
    where
        F: Future<Output = Result<Option<KeyRecord>, StoreError>> + Send + 'static,
    {
        Self { record: None, state: State::Waiting(Box::pin(future)) }
    }

    /// The answer, if it is there without waiting.
    ///
    /// # Errors
    ///
    /// The lookup itself, where the answer is on its way. That includes one that has been awaited
    /// to its end.
    // As `lookup` of the local stores.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub fn try_ready(self) -> Result<Result<Option<KeyRecord>, StoreError>, Self> {
        match self.state {
            State::Ready => Ok(Ok(self.record)),
            State::Failed(error) => Ok(Err(error)),
            state => Err(Self { record: None, state }),
        }
    }
}

impl Future for Lookup {
    type Output = Result<Option<KeyRecord>, StoreError>;

    /// # Panics
    ///
    /// When polled again after it has answered, as futures may.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match &mut self.state {
            State::Ready => Ok(self.record.take()),
            State::Failed(error) => Err(error.clone()),
            State::Waiting(future) => ready!(future.as_mut().poll(cx)),
            State::Answered => panic!("a lookup is not polled after its answer"),
        };
        self.state = State::Answered;
        Poll::Ready(answer)
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Waiting(_) => "Lookup(waiting)",
            _ => "Lookup(answered)",
        })
    }
}

/// Makes a [`KeyStore`] of an asynchronous function from digests to records.
///
/// ```
/// use keygate::{ApiKeyLayer, KeyDigest, KeyRecord};
/// use keygate::store::store_fn;
///
/// let known = KeyDigest::of(b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU");
/// let store = store_fn(move |digest: KeyDigest| async move {
///     Ok((digest == known).then(|| KeyRecord::new(digest, "User 1")))
/// });
/// let layer = ApiKeyLayer::new(store);
/// ```
pub fn store_fn<F, Fut>(lookup: F) -> StoreFn<F>
where
    F: Fn(KeyDigest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<KeyRecord>, StoreError>> + Send + 'static,
{
    StoreFn(lookup)
}

/// The store that [`store_fn`] makes.
#[derive(Clone, Copy)]
pub struct StoreFn<F>(F);

impl<F, Fut> KeyStore for StoreFn<F>
where
    F: Fn(KeyDigest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<KeyRecord>, StoreError>> + Send + 'static,
{
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        Lookup::pending((self.0)(digest))
    }
}

impl<F> fmt::Debug for StoreFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreFn(..)")
    }
}
