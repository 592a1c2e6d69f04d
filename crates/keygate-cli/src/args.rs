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
mod check;
mod client;
mod events;
mod key;
mod policy;
mod store;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod usage;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use admin::AdminArgs;
pub(crate) use check::CheckArgs;
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

Keep the password for PostgreSQL in ~/.pgpass, or the whole URL in a file for --store-file. The tool
never shows passwords.

A duration is written as 90d, 12h or '1d 12h', in w, d, h, m (minutes) and s. Results go to standard
output, and everything else to standard error. Exit codes: 0 done, 1 refused or not valid,
2 wrong usage, 3 something cannot be reached, read, written or locked.";

#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// PATH of a key file, sqlite:PATH, or postgres://USER@HOST/DATABASE [env: KEYGATE_STORE]
    #[arg(long, global = true, value_name = "STORE")]
    store: Option<OsString>,
    /// File with the URL of a database on one line, such as a mounted secret
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "store")]
    store_file: Option<PathBuf>,
    /// Section of an application's own file that contains the keys, such as auth.keys [default: keygate]
    #[arg(long, global = true, value_name = "NAME")]
    section: Option<String>,
    /// Location of the usage history: PATH of usage.db or its folder, or postgres://... [env: KEYGATE_USAGE]
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    #[arg(long, global = true, value_name = "STORE")]
    usage: Option<OsString>,
    /// Name to record as the author of a change; `events` lists only this author's changes [env: KEYGATE_ACTOR]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) actor: Option<String>,
    /// Folder in which a key file's changes are recorded, as events.jsonl [env: KEYGATE_STATE_DIRECTORY]
    #[arg(long, global = true, value_name = "FOLDER")]
    state_directory: Option<PathBuf>,
    /// Print JSON: one value on standard output, one object per line on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Answer every question with yes
    #[arg(long, global = true)]
    pub(crate) yes: bool,
    /// Show what the command would do, without changing or asking anything
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
}

impl Globals {
    /// Returns how to read a key file: as the command line says, or by its content.
    pub(crate) fn options(&self, path: &Path) -> YamlOptions {
        match &self.section {
            Some(section) => YamlStore::options().section(section),
            None => YamlStore::options().detect(path),
        }
    }

    /// Returns the location of the usage history, if it is given.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn usage(&self) -> Option<OsString> {
        self.usage.clone().or_else(|| std::env::var_os("KEYGATE_USAGE"))
    }

    /// Returns whether the command line, and not the environment, gives the usage history.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn names_usage(&self) -> bool {
        self.usage.is_some()
    }

    /// Returns the folder in which a key file's changes are recorded. The folder of a systemd unit is used only if it
    /// already has a record.
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
        // If clap read the variable, it would report a conflict with --store-file.
        let Some(store) = self.store.clone().or_else(|| std::env::var_os("KEYGATE_STORE")) else {
            return Err(Failure::usage("no store is given: use --store PATH or set KEYGATE_STORE"));
        };
        Location::parse(&store).map_err(Failure::usage)
    }
}

fn secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    /// The maximum size of the file, which is longer than any database URL.
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
    /// Create a key file that only you can read
    #[command(after_help = "Example:\n  keygate init --store keys.yaml")]
    Init,
    /// Create the tables of a database, or update them to the current version
    #[command(after_help = "\
                            Examples:
  keygate migrate --store sqlite:keys.db
  keygate migrate --store postgres://owner@db.example/keys
  keygate migrate --check --store postgres://service@db.example/keys

A missing SQLite file is created. Tables that are up to date are not changed. The migration to version 2
in PostgreSQL rebuilds indexes under a lock, which takes about 3 seconds for a million keys.

Exit codes of --check: 0 no errors (there may be warnings), 1 errors, 3 the database is unavailable.")]
    Migrate(MigrateArgs),
    /// Add, list, show, change, enable, disable and remove clients
    #[command(subcommand, arg_required_else_help = false)]
    Client(ClientCommand),
    /// Issue, list, show, change, rotate, revoke and purge keys
    #[command(subcommand, arg_required_else_help = false)]
    Key(KeyCommand),
    /// Not a command: reports `client list` and `key list` as the nearest ones
    #[command(hide = true, alias = "ls")]
    List {
        /// Ignored arguments
        words: Vec<OsString>,
    },
    /// Read a key from standard input, and report its client, or why it is not valid
    #[command(after_help = "\
                            Examples:
  keygate check < key
  keygate check           (asks for the key without showing it)
  keygate check --from 10.1.2.3 < key

Exit codes: 0 the key is valid (without --from: from some network), 1 it is not.")]
    Check(CheckArgs),
    /// Show how many requests each client sent, as counted by services
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    #[command(after_help = "\
                            Examples:
  export KEYGATE_USAGE=/var/lib/orders/usage.db
  keygate usage --top 10 --since 24h
  keygate usage --client 'App 1'
  keygate usage --by hour --since 7d --csv > usage.csv

Counts are kept by minute for a day, by hour for 31 days and by day for two years. If the store is in
PostgreSQL, its own usage history is the default. With a usage history, lists of keys also show their
last use.")]
    Usage(UsageArgs),
    /// Add the clients, keys and policy of another store or system, without changing existing ones
    #[command(after_help = "\
                            Examples:
  keygate import keys.yaml --store sqlite:keys.db
  keygate import keys.yaml --store postgres://owner@db.example/keys
  keygate import sqlite:keys.db --store new.yaml --json
  keygate import kong.yml --dry-run
  keygate import keys.json --format json --client 'App 1'

Clients and keys that already exist with the same values are kept. If the values differ, the client or
key is refused, and so are new keys of a refused client, while the rest is imported: resolve the
difference and import again. The policy is added if the store has none. A different policy is refused:
see `keygate policy set`. All that is imported is added in one step: an import that is interrupted adds
all of it or nothing.

For a file of another system, the command first shows what it would import and what it would leave
out, and asks for confirmation. It never changes the file.

Exit codes: 0 everything was imported, 1 something was refused or left out, 3 a store is unavailable.")]
    Import(ImportArgs),
    /// Write all clients, keys and the policy as a key file, with keys as digests
    #[command(after_help = "\
                            Examples:
  keygate export --store sqlite:keys.db > keys.yaml
  keygate export --store postgres://owner@db.example/keys --out keys.yaml")]
    Export(ExportArgs),
    /// Replace the plaintext keys in a file with their digests; the keys keep working
    #[command(after_help = "\
                            Examples:
  keygate hash --store keys.yaml
  keygate hash --store keys.yaml --yes")]
    Hash,
    /// List all errors and weaknesses of a key file
    #[command(after_help = "\
                            Example:
  keygate lint --store keys.yaml

Exit codes: 0 no errors (there may be warnings), 1 errors, 3 the file cannot be read.")]
    Lint,
    /// Show or change the policy for key lifetimes
    #[command(subcommand, arg_required_else_help = false)]
    Policy(PolicyCommand),
    /// Find clients and keys that need attention
    #[command(after_help = "\
                            Examples:
  keygate audit
  keygate audit --usage /var/lib/orders/usage.db --unused-for 60d --json

Exit codes: 0 nothing was found, 1 something was found, 3 the store is unavailable.")]
    Audit(AuditArgs),
    /// Show who changed what, with the newest change first
    #[command(after_help = "\
                            Examples:
  keygate events --client 'App 1' --since 30d
  keygate events --key 1f0c2b7a9d3e4c58
  keygate events --actor ann --action key.revoked --json
  keygate events --store keys.yaml --state-directory /var/lib/orders

Databases record every change. Changes of a key file are recorded in events.jsonl, in the folder given
by --state-directory or KEYGATE_STATE_DIRECTORY. Services record their changes there, too, if they call
`YamlStore::record_events` with the same folder.")]
    Events(EventsArgs),
    /// Serve a web page to manage clients and keys
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    #[command(after_help = "\
                            Examples:
  keygate admin --store keys.yaml
  keygate admin --store keys.yaml --admins admins.yaml --usage /var/lib/orders/usage.db
  keygate admin --store postgres://owner@db.example/keys --listen 10.0.0.5:8081 \\
    --public-url https://keys.example --admins admins.yaml --api

Without --public-url, the page is served on loopback only, and this command prints a one-time code to
sign in. The code works for ten minutes. Open the form again to have a new one printed. With --admins,
operators sign in with their key from that store: the scope admin may change everything, and the scope
read may change nothing. Keys of the managed store cannot be used to sign in. Ctrl-C stops the page.

Exit codes: 0 stopped, 2 wrong usage, 3 the store or the address cannot be used.")]
    Admin(AdminArgs),
    /// Print a shell completion script
    #[command(after_help = "\
                            Example:
  keygate completions bash > ~/.local/share/bash-completion/completions/keygate")]
    Completions {
        /// The shell
        shell: Shell,
    },
}
