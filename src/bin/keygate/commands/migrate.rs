use crate::args::Globals;
use crate::failure::Failure;
use crate::location::Location;
use crate::output::Output;

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
pub(super) fn run(globals: &Globals, _: &Output) -> Result<(), Failure> {
    let Location::File(_) = globals.location()?;
    Err(of_a_file())
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) fn run(globals: &Globals, out: &Output) -> Result<(), Failure> {
    use serde_json::json;

    use crate::wait::block_on;

    let location = globals.location()?;
    match &location {
        Location::File(_) => return Err(of_a_file()),
        #[cfg(feature = "sqlite")]
        Location::Sqlite(path) => {
            let made = block_on(keygate::SqliteStore::migrate(path));
            made.map(drop).map_err(Failure::unavailable)?;
        }
        #[cfg(feature = "postgres")]
        Location::Postgres(url) => block_on(keygate::PostgresStore::migrate(url)).map(drop)?,
    }
    let note = format!("the tables of {location} are up to date");
    out.done(&note, &json!({ "store": location.to_string() }))
}

fn of_a_file() -> Failure {
    Failure::usage(
        "`keygate migrate` is for databases, and a key file has no tables: \
         give --store sqlite:PATH or postgres://USER@HOST/DATABASE",
    )
}
