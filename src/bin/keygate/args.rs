use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

mod client;
mod key;

pub(crate) use client::{AddArgs, ClientCommand};
pub(crate) use key::{IssueArgs, KeyCommand, ListArgs, MadeKey, RevokeArgs, RotateArgs};

use crate::failure::Failure;
use crate::location::Location;

/// API keys for each client of a service: makes, lists, replaces and revokes them
#[derive(Parser)]
#[command(name = "keygate", version, after_help = EXAMPLES, arg_required_else_help = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  export KEYGATE_STORE=keys.yaml
  keygate init
  keygate client add 'App 1' --scope orders:read --quota 100/minute
  keygate key issue 'App 1' --label production --expires 90d > key
  keygate check < key
  keygate key list --expiring 14d
  keygate key rotate 1f0c2b7a9d3e4c58 --grace 24h --out new-key

Durations are digits and s, m (minutes), h, d or w. Answers go to standard output, all else to
standard error. Exit codes: 0 done, 1 refused or not valid, 2 wrong usage, 3 store unavailable.";

#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// The file that holds the keys
    #[arg(long, global = true, value_name = "PATH", env = "KEYGATE_STORE")]
    // The variable may hold a password once databases are stores, and help is copied into reports.
    #[arg(hide_env_values = true)]
    store: Option<OsString>,
    /// Answer in JSON, on standard error one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Answer yes to every question
    #[arg(long, global = true)]
    pub(crate) yes: bool,
}

impl Globals {
    pub(crate) fn location(&self) -> Result<Location, Failure> {
        let Some(store) = &self.store else {
            return Err(Failure::usage(
                "no store was named: give --store PATH or set KEYGATE_STORE",
            ));
        };
        Location::parse(store).map_err(Failure::usage)
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a new key file, readable by you alone
    #[command(after_help = "Example:\n  keygate init --store keys.yaml")]
    Init,
    /// Add, enable, disable, remove and list clients
    #[command(subcommand, arg_required_else_help = false)]
    Client(ClientCommand),
    /// Issue, list, revoke and rotate keys
    #[command(subcommand, arg_required_else_help = false)]
    Key(KeyCommand),
    /// Say whose a key is, or why it is not valid; the key comes from standard input
    #[command(after_help = "\
Examples:
  keygate check < key
  keygate check           (asks for the key, and does not show it)

Exit codes: 0 the key is valid, 1 it is not.")]
    Check,
    /// Turn the plaintext keys of a file into digests; the same keys go on working
    #[command(after_help = "\
Examples:
  keygate hash --store keys.yaml
  keygate hash --store keys.yaml --yes")]
    Hash,
    /// List everything that is wrong or weak in a key file
    #[command(after_help = "\
Example:
  keygate lint --store keys.yaml

Exit codes: 0 no errors (there may be warnings), 1 errors, 3 the file cannot be read.")]
    Lint,
    /// Print the completions for a shell
    #[command(after_help = "\
Example:
  keygate completions bash > ~/.local/share/bash-completion/completions/keygate")]
    Completions {
        /// The shell
        shell: Shell,
    },
}
