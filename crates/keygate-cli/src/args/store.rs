use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::duration;
use crate::foreign::{Format, ScopesFrom, Side};

#[derive(Args)]
pub(crate) struct MigrateArgs {
    /// Change nothing; list what makes the database unusable, and what could hide a change
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Args)]
pub(crate) struct ImportArgs {
    /// Store to import from, named as for --store, or a file of another system
    pub(crate) source: OsString,
    /// The format of a file of another system; without it, recognized where that is certain
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// The client of keys for which the file names none
    #[arg(long, value_name = "NAME")]
    pub(crate) client: Option<String>,
    /// The side of a JSON map that holds the keys
    #[arg(long, value_name = "SIDE")]
    pub(crate) keys: Option<Side>,
    /// The groups or permissions that the clients get as scopes
    #[arg(long, value_name = "WHAT")]
    pub(crate) scopes_from: Option<ScopesFrom>,
}

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// Write to a new file, readable by you alone, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct AuditArgs {
    /// How long a key may be unused, and keep its row after its end
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    #[arg(value_parser = duration::parse_positive)]
    pub(crate) unused_for: Duration,
}
