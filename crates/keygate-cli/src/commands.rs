use std::process::ExitCode;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::output::Output;
use crate::usage_error::what_to_list;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod admin;
mod audit;
mod check;
mod client;
mod completions;
mod events;
mod export;
mod hash;
mod import;
mod init;
mod key;
mod lint;
mod migrate;
mod policy;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod usage;

/// Runs the command and returns its exit code. A failure carries its own exit code.
pub(crate) fn run(cli: Cli, out: &Output) -> Result<ExitCode, Failure> {
    let globals = &cli.globals;
    match cli.command {
        Command::Init => init::run(globals, out)?,
        Command::Migrate(args) => return migrate::run(&args, globals, out),
        Command::Client(command) => return client::run(command, globals, out),
        Command::Key(command) => return key::run(command, globals, out),
        Command::List { .. } => return Err(what_to_list()),
        Command::Check(args) => return check::run(&args, globals, out),
        Command::Import(args) => return import::run(&args, globals, out),
        Command::Export(args) => export::run(&args, globals, out)?,
        Command::Hash => hash::run(globals, out)?,
        #[cfg(any(feature = "sqlite", feature = "postgres"))]
        Command::Usage(args) => usage::run(&args, globals, out)?,
        Command::Policy(command) => policy::run(&command, globals, out)?,
        Command::Audit(args) => return audit::run(&args, globals, out),
        Command::Events(args) => events::run(&args, globals, out)?,
        Command::Lint => return lint::run(globals, out),
        #[cfg(any(feature = "sqlite", feature = "postgres"))]
        Command::Admin(args) => admin::run(args, globals, out)?,
        Command::Completions { shell } => completions::run(shell, out)?,
    }
    Ok(ExitCode::SUCCESS)
}
