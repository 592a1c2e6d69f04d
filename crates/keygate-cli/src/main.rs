//! The keygate command-line tool: issues, lists, rotates and revokes API keys, and checks key files.
//!
//! Start with `args.rs`, which defines the command line, and `commands.rs`, which runs it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;

mod actor;
mod args;
mod commands;
mod confirm;
mod csv;
mod deliver;
mod differences;
mod duration;
mod events;
mod expiry;
mod failure;
mod foreign;
mod history;
mod identify;
mod location;
mod new_file;
mod output;
mod pages;
mod quota;
mod relative;
mod runtime;
mod show;
mod store;
mod table;
mod usage_error;

use args::Cli;
use output::Output;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage_error::report(&error),
    };
    let out = Output::new(cli.globals.json).with_dry_run(cli.globals.dry_run);
    commands::run(cli, &out).unwrap_or_else(|failure| out.fail(&failure))
}
