use std::sync::Arc;

use super::{LocalKeyStore, LookupResult};
use crate::key::KeyDigest;

/// A [`LocalKeyStore`], or an `Arc` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store that never waits",
    label = "`LocalKeyStore` is not implemented for this type",
    note = "if it is a `KeyStore` that waits, use the `authenticate...` methods instead of `verify...`",
    note = "if it never waits, implement `LocalKeyStore` for it; of the smart pointers, only `Arc` works"
)]
#[doc(hidden)]
pub trait SyncStore: sealed::Sealed {
    fn find_local(&self, digest: &KeyDigest) -> LookupResult;
}

impl<S: LocalKeyStore + ?Sized> SyncStore for S {
    #[inline]
    fn find_local(&self, digest: &KeyDigest) -> LookupResult {
        self.find(digest)
    }
}

impl<S: SyncStore + ?Sized> SyncStore for Arc<S> {
    #[inline]
    fn find_local(&self, digest: &KeyDigest) -> LookupResult {
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
