//! The operators' store, which must not be the managed one.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use keygate::limit::FailureThrottle;
use keygate::{Authenticator, Source};

use super::Caller;
use crate::args::Globals;
use crate::failure::Failure;
use crate::location::Location;
use crate::output::Output;
#[cfg(feature = "postgres")]
use crate::runtime::block_on;
#[cfg(feature = "postgres")]
use crate::store::Kind;
use crate::store::{self, Store};

/// Opens the operators' store, and refuses the managed store under another URL.
pub(super) fn open(
    admins: &OsStr,
    managed: &Arc<dyn Store>,
    globals: &Globals,
    out: &Output,
) -> Result<Arc<dyn Store>, Failure> {
    let store = store::open_to_serve(&location(admins)?, globals, out, false)
        .map_err(|failure| failure.in_store("--admins"))?;
    #[cfg(feature = "postgres")]
    if let (Kind::Postgres(one), Kind::Postgres(other)) = (store.kind(), managed.kind())
        && block_on(one.is_same_database(other))?
    {
        return Err(self::managed());
    }
    #[cfg(not(feature = "postgres"))]
    let _ = managed;
    Ok(store)
}

/// Returns the operators' authenticator. The API accepts their keys as `X-Api-Key` and as Bearer tokens, and as many wrong
/// ones as the sign-in form.
pub(super) fn authenticator(
    store: Arc<dyn Store>,
    caller: &Caller,
) -> Result<Authenticator<Arc<dyn Store>>, Failure> {
    let operators = Authenticator::new(store)
        .with_sources([Source::header("x-api-key"), Source::bearer()])
        .map_err(Failure::usage)?;
    let rate = "5/minute".parse().map_err(Failure::usage)?;
    let throttle = FailureThrottle::new().with_rate(rate);
    let throttle = if caller.is_known() { throttle } else { throttle.allow_unknown_addresses() };
    Ok(operators.with_client_address(caller.client_address()).throttle_failures(throttle))
}

fn location(admins: &OsStr) -> Result<Location, Failure> {
    Location::parse(admins).map_err(|error| Failure::usage(error).in_store("--admins"))
}

/// Returns whether the operators' store is known to be the managed one before either is opened: the same URL, or the
/// same file under two names.
pub(super) fn is_managed(admins: &OsStr, managed: &Location) -> Result<bool, Failure> {
    let admins = location(admins)?;
    let file = |location: &Location| match location {
        Location::File(path) => identity(path),
        #[cfg(feature = "sqlite")]
        Location::Sqlite(path) => identity(path),
        #[cfg(feature = "postgres")]
        Location::Postgres(_) => None,
    };
    let is_same_file = file(&admins).is_some_and(|admins| file(managed) == Some(admins));
    Ok(admins == *managed || is_same_file)
}

/// The device and the inode of a file, which are the same under each of its names, such as hard links.
#[cfg(unix)]
fn identity(path: &Path) -> Option<impl PartialEq + use<>> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<impl PartialEq + use<>> {
    std::fs::canonicalize(path).ok()
}

pub(super) fn managed() -> Failure {
    Failure::usage(
        "--admins is the managed store, whose keys cannot be used to sign in: keep operators in another store, such \
         as admins.yml",
    )
}
