use std::fmt;
use std::future::Future;

use super::{KeyRecord, KeyStore, Lookup};
use crate::error::StoreError;
use crate::key::KeyDigest;

/// Creates a [`KeyStore`] from an asynchronous function that looks up digests.
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

/// The store that [`store_fn`] returns.
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
