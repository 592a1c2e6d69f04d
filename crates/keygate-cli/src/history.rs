//! The usage history of services, which `--usage` locates.

use std::ops::Range;
use std::time::SystemTime;

use keygate::manage::KeyInfo;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use keygate::observe::{UsageHistory, UsageWatch};

use crate::args::Globals;
use crate::failure::Failure;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::location::{Location, LocationError};
use crate::output::Output;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::runtime::block_on;

/// When the usage history was recorded from which the last uses of keys were read.
#[cfg_attr(
    not(any(feature = "sqlite", feature = "postgres")),
    expect(dead_code, reason = "usage is in databases")
)]
pub(crate) enum Watched {
    Never,
    Current {
        since: SystemTime,
        /// The last time that a service recorded it.
        until: SystemTime,
    },
    /// No service has recorded for more than an hour.
    Ended {
        since: SystemTime,
        until: SystemTime,
    },
}

impl Watched {
    /// Returns when usage was recorded, or `None` if it is not recorded now.
    pub(crate) fn watched(&self) -> Option<Range<SystemTime>> {
        match self {
            Self::Current { since, until } => Some(*since..*until),
            Self::Never | Self::Ended { .. } => None,
        }
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
impl From<UsageWatch> for Watched {
    fn from(watch: UsageWatch) -> Self {
        match watch {
            UsageWatch::Never => Self::Never,
            UsageWatch::Current { since, until } => Self::Current { since, until },
            UsageWatch::Ended { since, until } => Self::Ended { since, until },
        }
    }
}

/// Sets the last use of these keys, if the command line or the environment gives a usage history, or if it is in the
/// same database as the keys.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn add_last_uses(
    keys: &mut [KeyInfo],
    client: Option<&str>,
    globals: &Globals,
    out: &Output,
) -> Result<Option<Watched>, Failure> {
    let read =
        |location| -> Result<_, Failure> { Ok(block_on(open_at(&location)?.last_uses(client))?) };
    match location(globals)?.map(read).transpose() {
        Ok(None) => Ok(None),
        Ok(Some(last_uses)) => {
            last_uses.add_to(&mut *keys);
            Ok(Some(last_uses.watch().into()))
        }
        // No usage history was asked for.
        Err(failure) if globals.usage().is_none() => {
            out.warn(&format!("the last use of keys cannot be read: {}", failure.message()));
            Ok(None)
        }
        Err(failure) => Err(in_usage(failure)),
    }
}

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
#[expect(clippy::unnecessary_wraps, reason = "the databases can fail")]
pub(crate) fn add_last_uses(
    _: &mut [KeyInfo],
    _: Option<&str>,
    _: &Globals,
    _: &Output,
) -> Result<Option<Watched>, Failure> {
    Ok(None)
}

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
pub(crate) use add_last_uses as show_last_uses;

/// Like [`add_last_uses`], for a list that is useful without last uses: a usage history that only the environment gives
/// may not exist yet.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn show_last_uses(
    keys: &mut [KeyInfo],
    client: Option<&str>,
    globals: &Globals,
    out: &Output,
) -> Result<Option<Watched>, Failure> {
    match add_last_uses(keys, client, globals, out) {
        Err(failure) if !globals.names_usage() => {
            out.warn(&format!("the last use of keys is not shown: {}", failure.message()));
            Ok(None)
        }
        // No usage history was asked for, and the database has none.
        Ok(Some(Watched::Never)) if globals.usage().is_none() => Ok(None),
        shown => shown,
    }
}

/// Returns what to do if [`add_last_uses`] found no usage history.
#[cfg_attr(not(feature = "postgres"), allow(unused_variables))]
pub(crate) fn remedy(globals: &Globals) -> &'static str {
    #[cfg(feature = "postgres")]
    if matches!(globals.location(), Ok(Location::Postgres(_))) {
        return "see the warning";
    }
    "give --usage PATH (of `usage.db` or its folder) or set KEYGATE_USAGE"
}

/// Opens the usage history from the command line, the environment, or the database of the keys.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn open(globals: &Globals) -> Result<UsageHistory, Failure> {
    let location = location(globals)?.ok_or_else(|| {
        Failure::usage(
            "no usage history is given: use --usage PATH (of `usage.db` or its folder) or set KEYGATE_USAGE",
        )
    })?;
    open_at(&location).map_err(in_usage)
}

/// Opens the usage history for a page that also works without it. Returns `None` if none is given and the database of
/// the keys has none.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn open_if_kept(
    globals: &Globals,
    out: &Output,
) -> Result<Option<UsageHistory>, Failure> {
    let Some(location) = location(globals)? else { return Ok(None) };
    match open_at(&location) {
        Err(failure) if !globals.names_usage() => {
            out.warn(&format!("usage is not shown: {}", failure.message()));
            Ok(None)
        }
        opened => opened.map(Some).map_err(in_usage),
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn location(globals: &Globals) -> Result<Option<Location>, Failure> {
    let Some(usage) = globals.usage() else {
        #[cfg(feature = "postgres")]
        if let Ok(location @ Location::Postgres(_)) = globals.location() {
            return Ok(Some(location));
        }
        return Ok(None);
    };
    let failure = |error| match error {
        LocationError::Empty => Failure::usage(
            "the location of the usage history is empty: give --usage PATH (of `usage.db` or its folder) or \
             set KEYGATE_USAGE",
        ),
        error => in_usage(Failure::usage(error)),
    };
    Location::parse(&usage).map(Some).map_err(failure)
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn open_at(location: &Location) -> Result<UsageHistory, Failure> {
    match location {
        #[cfg(feature = "sqlite")]
        Location::File(path) | Location::Sqlite(path) => {
            block_on(UsageHistory::open(path)).map_err(Failure::unavailable)
        }
        #[cfg(not(feature = "sqlite"))]
        Location::File(_) => Err(Failure::usage(
            "this keygate was built without SQLite: \
             install one with `cargo install keygate-cli --features sqlite`",
        )),
        #[cfg(feature = "postgres")]
        Location::Postgres(url) => Ok(crate::store::postgres(url)?.usage_history()),
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn in_usage(failure: Failure) -> Failure {
    failure.in_store("the usage history")
}
