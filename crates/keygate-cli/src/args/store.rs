use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

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
