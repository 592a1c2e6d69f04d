use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use keygate::YamlStore;
use keygate::store::YamlOptions;
use zeroize::Zeroizing;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod admin;
mod client;
mod events;
mod key;
mod policy;
mod store;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod usage;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use admin::AdminArgs;
pub(crate) use client::{AddArgs, ClientCommand, ListClientsArgs, SetClientArgs};
pub(crate) use events::EventsArgs;
pub(crate) use key::{
    IssueArgs, KeyCommand, ListKeysArgs, NewKeyArgs, PurgeArgs, RevokeArgs, RotateArgs, SetKeyArgs,
    ShowKeyArgs,
};
pub(crate) use policy::{PolicyCommand, SetPolicyArgs};
pub(crate) use store::{AuditArgs, ExportArgs, ImportArgs, MigrateArgs};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use usage::UsageArgs;

use crate::failure::Failure;
use crate::location::Location;

/// Manages the API keys of a service: issues, lists, rotates and revokes them
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
  keygate client show 'App 1'
  keygate key rotate 1f0c2b7a9d3e4c58 --grace 24h --out new-key
  keygate import keys.yaml --store sqlite:keys.db

Keep a password for PostgreSQL in ~/.pgpass, or the whole URL in a file for --store-file. Passwords
are never shown.

A duration is written as 90d, 12h or '1d 12h', in w, d, h, m (minutes) and s. Results go to standard
output, and everything else to standard error. Exit codes: 0 done, 1 refused or not valid,
2 wrong usage, 3 something cannot be reached, read, written or locked.";

#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// PATH of a key file, sqlite:PATH, or postgres://USER@HOST/DATABASE [env: KEYGATE_STORE]
    #[arg(long, global = true, value_name = "STORE")]
    store: Option<OsString>,
    /// File that holds the URL of a database on one line, such as a mounted secret
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "store")]
    store_file: Option<PathBuf>,
    /// Section of keys in an application's own file, such as auth.keys [default: keygate]
    #[arg(long, global = true, value_name = "NAME")]
    section: Option<String>,
    /// Where usage is kept: PATH of usage.db or its folder, or postgres://... [env: KEYGATE_USAGE]
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    #[arg(long, global = true, value_name = "STORE")]
    usage: Option<OsString>,
    /// Who makes a change, for its record; in `events`, whose changes are listed [env: KEYGATE_ACTOR]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) actor: Option<String>,
    /// Folder with the record of a key file's changes, events.jsonl [env: KEYGATE_STATE_DIRECTORY]
    #[arg(long, global = true, value_name = "FOLDER")]
    state_directory: Option<PathBuf>,
    /// Print JSON: one value on standard output, one object per line on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Confirm every question with yes
    #[arg(long, global = true)]
    pub(crate) yes: bool,
    /// Change nothing and ask nothing; show what the command would do
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
}

impl Globals {
    /// Returns how a key file is read: as named, or as it looks.
    pub(crate) fn options(&self, path: &Path) -> YamlOptions {
        match &self.section {
            Some(section) => YamlStore::options().section(section),
            None => YamlStore::options().detect(path),
        }
    }

    /// Returns the usage that is named.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn usage(&self) -> Option<OsString> {
        self.usage.clone().or_else(|| std::env::var_os("KEYGATE_USAGE"))
    }

    /// Returns whether the command line itself names the usage.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn names_usage(&self) -> bool {
        self.usage.is_some()
    }

    /// Returns the folder in which the changes of a key file are recorded. That of a unit of systemd is used if there is
    /// a record in it.
    pub(crate) fn state(&self) -> Option<PathBuf> {
        let named = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let of_unit = || {
            let folders = named("STATE_DIRECTORY")?;
            let folder = std::env::split_paths(&folders).next()?;
            folder.join("events.jsonl").exists().then_some(folder)
        };
        let given = self.state_directory.clone();
        given.or_else(|| named("KEYGATE_STATE_DIRECTORY").map(PathBuf::from)).or_else(of_unit)
    }

    pub(crate) fn location(&self) -> Result<Location, Failure> {
        if let Some(path) = &self.store_file {
            return Location::parse_secret(&secret(path)?).map_err(Failure::usage);
        }
        // Not read by clap, which would see a conflict with --store-file.
        let Some(store) = self.store.clone().or_else(|| std::env::var_os("KEYGATE_STORE")) else {
            return Err(Failure::usage(
                "no store is named: give --store PATH or set KEYGATE_STORE",
            ));
        };
        Location::parse(&store).map_err(Failure::usage)
    }
}

fn secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    /// Longer than any URL of a database.
    const LIMIT: u64 = 64 * 1024;
    let mut text = Zeroizing::new(Vec::new());
    let read = File::open(path).and_then(|file| file.take(LIMIT).read_to_end(&mut text));
    match read {
        Ok(_) => Ok(text),
        Err(error) => {
            let path = path.display();
            Err(Failure::unavailable(format!(
                "{path} cannot be read ({error}): check --store-file"
            )))
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create a key file, readable by you alone
    #[command(after_help = "Example:\n  keygate init --store keys.yaml")]
    Init,
    /// Create the tables of a database, or bring them up to date
    #[command(after_help = "\
Examples:
  keygate migrate --store sqlite:keys.db
  keygate migrate --store postgres://owner@db.example/keys
  keygate migrate --check --store postgres://service@db.example/keys

A missing SQLite file is created. Tables that are up to date stay as they are. The step to version 2
of PostgreSQL's tables rebuilds indexes under a lock: about 3 seconds for a million keys.

Exit codes of --check: 0 no errors (there may be warnings), 1 errors, 3 the database is unavailable.")]
    Migrate(MigrateArgs),
    /// Add, list, show, change, enable, disable and remove clients
    #[command(subcommand, arg_required_else_help = false)]
    Client(ClientCommand),
    /// Issue, list, show, change, rotate, revoke and purge keys
    #[command(subcommand, arg_required_else_help = false)]
    Key(KeyCommand),
    /// Answered with the commands that list something
    #[command(hide = true, alias = "ls")]
    List {
        /// Ignored
        words: Vec<OsString>,
    },
    /// Report which client a key belongs to, or why it is not valid; reads standard input
    #[command(after_help = "\
Examples:
  keygate check < key
  keygate check           (asks for the key on the terminal, without showing it)

Exit codes: 0 the key is valid, 1 it is not.")]
    Check,
    /// Show who sent how many requests, as services have counted them
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    #[command(after_help = "\
Examples:
  export KEYGATE_USAGE=/var/lib/orders/usage.db
  keygate usage --top 10 --since 24h
  keygate usage --client 'App 1'
  keygate usage --by hour --since 7d --csv > usage.csv

Counts are kept by minute for a day, by hour for 31 days and by day for two years. If neither --usage
nor KEYGATE_USAGE is given, and the store is in PostgreSQL, its own usage is read. Lists of keys then
show their last use, too.")]
    Usage(UsageArgs),
    /// Add the clients, keys and policy of another store or system; existing ones stay as they are
    #[command(after_help = "\
Examples:
  keygate import keys.yaml --store sqlite:keys.db
  keygate import keys.yaml --store postgres://owner@db.example/keys
  keygate import sqlite:keys.db --store new.yaml --json
  keygate import kong.yml --dry-run
  keygate import keys.json --format json --client 'App 1'

The import is one step: everything is added, or nothing. A client or key that exists and is equal is
kept. One that differs is refused, and so are new keys of a refused client: resolve the difference,
and import again. The policy is added if the store has none; another one is refused: see
`keygate policy set`.

A file of another system is shown first, with what cannot be taken over, and imported after a
confirmation. It is never changed.

Exit codes: 0 everything is in the store, 1 something was refused or left out, 3 a store is
unavailable.")]
    Import(ImportArgs),
    /// Write all clients and keys and the policy as a key file, with keys as digests
    #[command(after_help = "\
Examples:
  keygate export --store sqlite:keys.db > keys.yaml
  keygate export --store postgres://owner@db.example/keys --out keys.yaml")]
    Export(ExportArgs),
    /// Replace the plaintext keys of a file by their digests; the keys keep working
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
    /// Show or change the policy for the lifetimes of keys
    #[command(subcommand, arg_required_else_help = false)]
    Policy(PolicyCommand),
    /// Find clients and keys that need attention
    #[command(after_help = "\
Examples:
  keygate audit
  keygate audit --usage /var/lib/orders/usage.db --unused-for 60d --json

Exit codes: 0 nothing was found, 1 something was found, 3 the store is unavailable.")]
    Audit(AuditArgs),
    /// Show who changed what, the newest change first
    #[command(after_help = "\
Examples:
  keygate events --client 'App 1' --since 30d
  keygate events --key 1f0c2b7a9d3e4c58
  keygate events --actor ann --action key.revoked --json
  keygate events --store keys.yaml --state-directory /var/lib/orders

Databases record every change. The changes of a key file are recorded in events.jsonl, in the folder
that --state-directory or KEYGATE_STATE_DIRECTORY names: by this tool, and by services that use the same folder
with `YamlStore::record_events`.")]
    Events(EventsArgs),
    /// Serve a page that manages clients and keys in the browser
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    #[command(after_help = "\
Examples:
  keygate admin --store keys.yaml
  keygate admin --store keys.yaml --admins admins.yaml --usage /var/lib/orders/usage.db
  keygate admin --store postgres://owner@db.example/keys --listen 10.0.0.5:8081 \\
    --public-url https://keys.example --admins admins.yaml --api

Without --public-url, the page is on loopback only, and a one-time code signs in: it is printed here, and
another one when the form is opened after it was used or ten minutes have passed. Operators with a
key in the store of --admins sign in with that key: the scope admin changes everything, and read
changes nothing. Keys of the managed store never sign in. Ctrl-C ends the page.

Exit codes: 0 it was stopped, 2 wrong usage, 3 the store or the address cannot be used.")]
    Admin(AdminArgs),
    /// Print the completion script for a shell
    #[command(after_help = "\
Example:
  keygate completions bash > ~/.local/share/bash-completion/completions/keygate")]
    Completions {
        /// The shell
        shell: Shell,
    },
}
