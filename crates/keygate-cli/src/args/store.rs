use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::duration;
use crate::foreign::{Format, ScopesFrom, Side};

#[derive(Args)]
pub(crate) struct MigrateArgs {
    /// Only list problems that make the database unusable or could hide changes; changes nothing
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Args)]
pub(crate) struct ImportArgs {
    /// Store to import from, as for --store, or a file of another system
    pub(crate) source: OsString,
    /// Format of a file of another system [default: recognized if it is unambiguous]
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// Client for keys without a client in the file
    #[arg(long, value_name = "NAME")]
    pub(crate) client: Option<String>,
    /// Which side of a JSON map has the keys
    #[arg(long, value_name = "SIDE")]
    pub(crate) keys: Option<Side>,
    /// Groups or permissions to turn into scopes of the clients
    #[arg(long, value_name = "WHAT")]
    pub(crate) scopes_from: Option<ScopesFrom>,
}

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// Write to a new file that only you can read, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct AuditArgs {
    /// Report keys that were unused, or have been revoked or expired, for this long
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    #[arg(value_parser = duration::parse_positive)]
    pub(crate) unused_for: Duration,
}
