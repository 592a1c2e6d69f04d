use std::process::ExitCode;

use crate::args::{Globals, MigrateArgs};
use crate::failure::Failure;
use crate::location::{Location, no_tables};
use crate::output::Output;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod inspect;

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
pub(super) fn run(_: &MigrateArgs, globals: &Globals, _: &Output) -> Result<ExitCode, Failure> {
    let Location::File(_) = globals.location()?;
    Err(no_tables())
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) fn run(
    args: &MigrateArgs,
    globals: &Globals,
    out: &Output,
) -> Result<ExitCode, Failure> {
    use serde_json::json;

    use crate::runtime::block_on;

    let location = globals.location()?;
    if args.check {
        return inspect::run(&location, out);
    }
    let dry_run = out.is_dry_run();
    let Versions { before, after, was_behind } = match &location {
        Location::File(_) => return Err(no_tables()),
        #[cfg(feature = "sqlite")]
        Location::Sqlite(path) => block_on(sqlite(path, dry_run)).map_err(Failure::unavailable)?,
        #[cfg(feature = "postgres")]
        Location::Postgres(url) => block_on(postgres(url, dry_run))?,
    };
    let store = location.to_string();
    let json = json!({ "store": store, "before": before, "version": after });
    let note = match (before, after) {
        (_, None) => format!("created the tables of {location}"),
        (None, Some(after)) => format!("created the tables of {location}, at version {after}"),
        (Some(before), Some(after)) if before != after => {
            format!("migrated the tables of {location} from version {before} to {after}")
        }
        (_, Some(after)) if was_behind => {
            format!(
                "advanced the sequence of {location} past its rows; its tables are at version {after}"
            )
        }
        (_, Some(after)) => {
            let note = format!("the tables of {location} are at version {after}: nothing to do");
            out.report_unchanged(&note, &json)?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    out.report_change(&note, &json)?;
    Ok(ExitCode::SUCCESS)
}

/// The table versions before and after the migration. `before` is `None` if there were no tables. `after` is `None` if
/// a dry run did not create any.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
struct Versions {
    before: Option<i32>,
    after: Option<i32>,
    /// Whether the event sequence was behind the rows of its table.
    was_behind: bool,
}

#[cfg(feature = "sqlite")]
async fn sqlite(
    path: &std::path::Path,
    dry_run: bool,
) -> Result<Versions, keygate::store::DatabaseError> {
    let (before, needed) = match keygate::store::SqliteStore::open(path).await {
        Ok(store) => current(store.schema_version().await?),
        // Usually, the file does not exist yet. The migration reports any other problem.
        Err(keygate::store::DatabaseError::Location { .. }) => (None, None),
        Err(error) => unmigrated(error)?,
    };
    let after = if dry_run {
        needed
    } else {
        Some(keygate::store::SqliteStore::migrate(path).await?.schema_version().await?)
    };
    Ok(Versions { before, after, was_behind: false })
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str, dry_run: bool) -> Result<Versions, keygate::store::DatabaseError> {
    let (before, needed) = match keygate::store::PostgresStore::connect(url).await {
        Ok(store) => current(store.schema_version().await?),
        Err(error) => unmigrated(error)?,
    };
    let findings = keygate::store::PostgresStore::options(url)?.inspect().await?;
    let was_behind = findings.iter().any(|finding| finding.name == "sequence");
    let after = if dry_run {
        needed
    } else {
        Some(keygate::store::PostgresStore::migrate(url).await?.schema_version().await?)
    };
    Ok(Versions { before, after, was_behind })
}

/// Returns the current and the required version of the tables; `None` if there are no tables.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
type FoundAndNeeded = (Option<i32>, Option<i32>);

#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn current(version: i32) -> FoundAndNeeded {
    (Some(version), Some(version))
}

/// Returns the versions of tables that need a migration, or the error for any other problem.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn unmigrated(
    error: keygate::store::DatabaseError,
) -> Result<FoundAndNeeded, keygate::store::DatabaseError> {
    match error {
        keygate::store::DatabaseError::NoTables => Ok((None, None)),
        keygate::store::DatabaseError::TooOld { found, needed } => Ok((Some(found), Some(needed))),
        error => Err(error),
    }
}
