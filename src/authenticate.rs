//! Verification: from the head of a request to a client or a refusal.
//!
//! Start with [`verify`] and [`authenticate`] below, or with [`Authenticator`](crate::Authenticator) in
//! `authenticator.rs` and `config.rs`. All entrances are in `verify.rs`: they look the key up and call `admit.rs`,
//! which decides. `future.rs` awaits a pending lookup, and `guard.rs` has the trait that a throttle of wrong keys
//! implements. `revalidate.rs` decides again on a client. `require.rs` checks the scopes of a client in a handler,
//! and `route_scopes.rs` has a table with the scopes of many routes, whose paths `route_path.rs` matches.
//! `by_hand.rs` has the functions for HTTP stacks without tower; `foreign.rs` reads their header types. `openapi.rs`
//! describes sources and refusals in OpenAPI.

use http::HeaderMap;

use crate::client::Client;
use crate::error::AuthError;
use crate::store::{KeyStore, SyncStore};

mod admit;
mod authenticator;
mod by_hand;
mod config;
mod foreign;
mod future;
// Only the throttle of wrong keys reads these.
#[cfg_attr(not(feature = "throttle"), allow(dead_code))]
mod guard;
mod head;
#[cfg(feature = "serde")]
mod openapi;
mod require;
mod revalidate;
mod route_path;
mod route_scopes;
mod verify;

pub use authenticator::Authenticator;
#[cfg(any(feature = "tower", feature = "actix-web-4"))]
pub(crate) use config::Config;
pub(crate) use config::SharedConfig;
#[cfg(feature = "tower")]
pub(crate) use config::is_downstream;
#[cfg(feature = "actix-web-4")]
pub(crate) use foreign::ForeignHead;
pub use future::Authenticate;
#[cfg(any(feature = "tower", feature = "actix-web-4"))]
pub(crate) use future::Verification;
#[cfg(feature = "throttle")]
pub(crate) use guard::{AddressSource, Attempt, FailureGuard};
#[cfg(feature = "tower")]
pub(crate) use head::RequestHead;
#[cfg(feature = "serde")]
pub use openapi::{OpenApi, OpenApiValue};
pub use route_scopes::RouteScopes;

/// Verifies the key in `x-api-key` against a store that never waits, and returns its client.
///
/// `store` is a [`LocalKeyStore`](crate::LocalKeyStore) or an `Arc` around one. For other sources, a realm or a clock,
/// build an [`Authenticator`].
///
/// # Errors
///
/// Why the request is refused. [`AuthError::status`] is the status of the response.
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
    SharedConfig::default().get().verify_head(store, headers.into())
}

/// Verifies the key in `x-api-key` against any store.
///
/// The future is `Send` and borrows nothing. It is ready at once if the store does not wait; otherwise, the lookup has
/// a deadline of one second.
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
    SharedConfig::default().authenticate_head(store, headers.into())
}
