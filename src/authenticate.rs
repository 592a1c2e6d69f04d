//! Verification: from the head of a request to a client or a refusal.
//!
//! Start with [`verify`] and [`authenticate`] below and [`Authenticator`](crate::Authenticator) in `authenticator.rs`,
//! whose methods are in `verify.rs`. Each reads its sources and goes through `config.rs` to `admit.rs`, which decides.
//! `guarded.rs` is the way with a throttle of wrong keys, `future.rs` the one with a store that waits. `require.rs` is
//! what a handler asks of a client afterwards.

use http::HeaderMap;

use crate::client::Client;
use crate::error::AuthError;
use crate::store::{KeyStore, SyncStore};

mod admit;
mod authenticator;
mod caller;
mod config;
mod future;
#[cfg(feature = "throttle")]
mod guarded;
mod require;
mod verify;

pub use authenticator::Authenticator;
pub(crate) use caller::Caller;
pub(crate) use config::SharedConfig;
pub use future::Authenticate;

/// Verifies the key in `x-api-key` against a store that never waits, and returns its client.
///
/// `store` is a [`LocalKeyStore`](crate::LocalKeyStore) or an `Arc` around one. For other sources, a
/// realm or a clock, build an [`Authenticator`].
///
/// # Errors
///
/// Why the request is not to be let in; [`AuthError::status`] is the status to answer with.
///
/// ```
/// use http::HeaderMap;
/// use keygate::{AuthError, YamlStore, verify};
///
/// let store: YamlStore = "api_key: 08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU".parse()?;
///
/// let mut headers = HeaderMap::new();
/// assert!(matches!(verify(&store, &headers), Err(AuthError::NoCredentials)));
///
/// headers.insert("x-api-key", "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU".parse()?);
/// assert_eq!(verify(&store, &headers)?.name(), "default");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify<S: SyncStore + ?Sized>(store: &S, headers: &HeaderMap) -> Result<Client, AuthError> {
    SharedConfig::Default.verify(store, headers, None, Caller::Headers(headers))
}

/// Verifies the key in `x-api-key` against any store.
///
/// The future is `Send` and borrows nothing. A store that never waits is asked before this function
/// returns; for one that waits, the lookup has a second.
///
/// ```
/// use std::sync::Arc;
/// use http::HeaderMap;
/// use keygate::{KeyStore, MemoryStore, authenticate};
///
/// # async fn handle(headers: HeaderMap) {
/// let store: Arc<dyn KeyStore> = Arc::new(MemoryStore::new());
/// match authenticate(&store, &headers).await {
///     Ok(client) => println!("hello, {}", client.name()),
///     Err(error) => println!("{}: {error}", error.status()),
/// }
/// # }
/// ```
pub fn authenticate<S: KeyStore + ?Sized>(store: &S, headers: &HeaderMap) -> Authenticate {
    SharedConfig::Default.authenticate(store, headers, None, Caller::Headers(headers))
}
