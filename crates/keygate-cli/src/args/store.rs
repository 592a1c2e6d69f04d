use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::duration;

#[derive(Args)]
pub(crate) struct MigrateArgs {
    /// Change nothing; list what makes the database unusable, and what could hide a change
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Args)]
pub(crate) struct ImportArgs {
    /// Store to import from, named as for --store
    pub(crate) source: OsString,
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
