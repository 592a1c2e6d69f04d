use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

#[derive(Args)]
pub(crate) struct MigrateArgs {
    /// Change nothing; list what keeps the database from being used, and what could hide a change
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Args)]
pub(crate) struct ImportArgs {
    /// The store that the clients and keys come from, as --store names one
    pub(crate) source: OsString,
}

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// Write to a new file, readable by you alone, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}
