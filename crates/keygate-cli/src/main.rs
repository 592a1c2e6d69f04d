//! The command-line tool of keygate: makes, lists, replaces and revokes keys, and checks key files.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod actor;
mod args;
mod commands;
mod confirm;
mod deliver;
mod duration;
mod expiry;
mod failure;
mod location;
mod lookalike;
mod misuse;
mod new_file;
mod output;
mod relative;
mod show;
mod store;
mod table;
mod wait;

use args::Cli;
use output::Output;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misuse::answer(&error),
    };
    let out = Output::new(cli.globals.json);
    commands::run(cli, &out).unwrap_or_else(|failure| out.fail(&failure))
}
