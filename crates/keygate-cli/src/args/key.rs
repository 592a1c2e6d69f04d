use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use keygate::Scope;
use keygate::client::Network;
use keygate::key::{DEFAULT_PREFIX, InvalidPrefix, KeyFormat};
use keygate::manage::{KeySort, KeyStatus};

use super::client::metadata;
use crate::duration;
use crate::expiry::ExpiryArg;

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Issue a key for a client; the key is printed once, on standard output
    #[command(after_help = "\
Examples:
  keygate key issue 'App 1' --label production --expires 90d > key
  keygate key issue 'App 1' --expires 2026-12-31T00:00:00Z --out key
  keygate key issue 'App 1' --scope orders:read --network 10.0.0.0/8 --not-before 1d --out key
  keygate key issue 'App 1' --prefix acme --json

The key is written out before it is stored: if writing fails, no key is issued.")]
    Issue(IssueArgs),
    /// List the keys of one client or of all, including revoked and expired ones
    #[command(
        alias = "ls",
        after_help = "\
Examples:
  keygate key list
  keygate key list 'App 1' --json
  keygate key list --expiring 14d --exit-code
  keygate key list --state revoked,expired
  keygate key list --unused-for 90d --usage /var/lib/orders/usage.db
  keygate key list --state replaced --used-within 24h

In JSON, state is one of active, replaced (works until it expires), disabled, expired and revoked."
    )]
    List(ListKeysArgs),
    /// Show a key
    #[command(after_help = "\
Examples:
  keygate key show 1f0c2b7a9d3e4c58
  keygate key show 1f0c2b7a

Everywhere, the first 8 or more digits of an id are enough if no other key begins with them. --yes and
--json need the whole id.")]
    Show(ShowKeyArgs),
    /// Change a key; everything else stays
    #[command(after_help = "\
Examples:
  keygate key set 1f0c2b7a9d3e4c58 --label 'old app' --expires 30d
  keygate key set 1f0c2b7a9d3e4c58 --no-expiry --scope orders:read --network 10.1.0.0/16
  keygate key set 1f0c2b7a9d3e4c58 --no-scope --no-network

--scope and --network replace all that the key has; its client must have them. An expiry can become earlier or later, but a key that was revoked or has expired stays so.")]
    Set(SetKeyArgs),
    /// Revoke keys, at once and for ever
    #[command(after_help = "\
Examples:
  keygate key revoke 1f0c2b7a9d3e4c58
  keygate key revoke --yes 1f0c2b7a9d3e4c58 08c1d5e2f3a4b596")]
    Revoke(RevokeArgs),
    /// Remove keys that were revoked or have expired long ago
    #[command(after_help = "\
Examples:
  keygate key purge --revoked-before 90d --expired-before 90d --dry-run
  keygate key purge --revoked-before 90d --expired-before 90d --yes
  keygate key purge --revoked-before 0d

A key that works is never removed, nor is the successor of one. Afterwards, no list and no export has
the keys. A database keeps their digests, so that they cannot be added again; a key file does not.")]
    Purge(PurgeArgs),
    /// Replace a key by a new one; the old key works until the grace period ends
    #[command(after_help = "\
Examples:
  keygate key rotate 1f0c2b7a9d3e4c58 > key
  keygate key rotate 1f0c2b7a9d3e4c58 --grace 7d --expires 90d --out key
  keygate key rotate 1f0c2b7a9d3e4c58 --grace 0s --no-expiry > key

Without --expires and --no-expiry, the new key has the lifetime of the old one, from now on. If the
store does not know when the old key was issued, the new key expires with it.")]
    Rotate(RotateArgs),
}

#[derive(Args)]
pub(crate) struct IssueArgs {
    /// The name of the client
    pub(crate) client: String,
    #[command(flatten)]
    pub(crate) new_key: NewKeyArgs,
}

#[derive(Args)]
pub(crate) struct RotateArgs {
    /// The id of the key to replace
    pub(crate) id: String,
    /// How long the old key keeps working; 0s ends it now
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration::parse)]
    pub(crate) grace: Duration,
    /// The new key never expires
    #[arg(long, conflicts_with = "expires")]
    pub(crate) no_expiry: bool,
    #[command(flatten)]
    pub(crate) new_key: NewKeyArgs,
}

/// The options of a new key.
#[derive(Args)]
pub(crate) struct NewKeyArgs {
    /// Name of the key for people, such as production
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// Expiry of the key: a duration from now, or a time with an offset
    #[arg(long, value_name = "90d|TIME")]
    pub(crate) expires: Option<ExpiryArg>,
    /// Scope of the key, which the client has, too; may be repeated. Without one, it has all of its client
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<Scope>,
    /// Network that the key works from, such as 10.0.0.0/8; may be repeated
    #[arg(long = "network", value_name = "NETWORK")]
    pub(crate) networks: Vec<Network>,
    /// The key is refused before: a duration from now, or a time with an offset
    #[arg(long, value_name = "1d|TIME")]
    pub(crate) not_before: Option<ExpiryArg>,
    /// Prefix of the key: 1 to 16 of a-z and 0-9, starting with a letter
    #[arg(long, default_value = DEFAULT_PREFIX, value_parser = format)]
    pub(crate) prefix: KeyFormat,
    /// Write the key to a new file, readable by you alone, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct ListKeysArgs {
    /// The name of the client
    pub(crate) client: Option<String>,
    /// Only working keys that expire within this time, soonest first
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_positive)]
    pub(crate) expiring: Option<Duration>,
    /// Only keys that never expire
    #[arg(long, conflicts_with = "expiring")]
    pub(crate) no_expiry: bool,
    /// Only keys in this state; several are separated by commas
    #[arg(long = "state", value_name = "STATE", value_delimiter = ',', value_parser = state)]
    pub(crate) states: Vec<KeyStatus>,
    /// Only keys whose label or id begins with this text, in upper or lower case
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// Only keys with this label
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// Only keys that have this scope, or one that covers it
    #[arg(long)]
    pub(crate) scope: Option<Scope>,
    /// Only keys of clients with this metadata; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = metadata)]
    pub(crate) metadata: Vec<(String, String)>,
    /// Only keys that were not used for this time, which needs --usage
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_positive)]
    pub(crate) unused_for: Option<Duration>,
    /// Only keys that were used within this time, which needs --usage
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_positive)]
    #[arg(conflicts_with = "unused_for")]
    pub(crate) used_within: Option<Duration>,
    /// The order: client (the default), created or expires
    #[arg(long, value_name = "ORDER")]
    pub(crate) sort: Option<SortArg>,
    /// Reverse the order
    #[arg(long)]
    pub(crate) descending: bool,
    /// List only the first keys
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// Exit with code 1 if the list is not empty
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SortArg {
    Client,
    Created,
    Expires,
}

impl From<SortArg> for KeySort {
    fn from(sort: SortArg) -> Self {
        match sort {
            SortArg::Client => Self::Client,
            SortArg::Created => Self::Created,
            SortArg::Expires => Self::Expires,
        }
    }
}

fn state(name: &str) -> Result<KeyStatus, String> {
    let known = KeyStatus::ALL.iter().find(|status| status.name() == name);
    known.copied().ok_or_else(|| {
        let names: Vec<_> = KeyStatus::ALL.iter().map(|status| status.name()).collect();
        format!("a state is one of {}", names.join(", "))
    })
}

#[derive(Args)]
#[allow(clippy::struct_excessive_bools)] // Options of the command line.
pub(crate) struct SetKeyArgs {
    /// The id of the key
    pub(crate) id: String,
    /// Name of the key for people, such as production
    #[arg(long, conflicts_with = "no_label")]
    pub(crate) label: Option<String>,
    /// Remove the label
    #[arg(long)]
    pub(crate) no_label: bool,
    /// Expiry of the key: a duration from now, or a time with an offset
    #[arg(long, value_name = "90d|TIME", conflicts_with = "no_expiry")]
    pub(crate) expires: Option<ExpiryArg>,
    /// The key never expires
    #[arg(long)]
    pub(crate) no_expiry: bool,
    /// Scope of the key, in place of all that it has; may be repeated
    #[arg(long = "scope", value_name = "SCOPE", conflicts_with = "no_scope")]
    pub(crate) scopes: Vec<Scope>,
    /// Remove the scopes of the key: it has all of its client
    #[arg(long)]
    pub(crate) no_scope: bool,
    /// Network that the key works from, in place of all networks; may be repeated
    #[arg(long = "network", value_name = "NETWORK", conflicts_with = "no_network")]
    pub(crate) networks: Vec<Network>,
    /// Remove the networks of the key: it works from all of its client
    #[arg(long)]
    pub(crate) no_network: bool,
}

#[derive(Args)]
pub(crate) struct ShowKeyArgs {
    /// The id of the key
    pub(crate) id: String,
}

#[derive(Args)]
pub(crate) struct RevokeArgs {
    /// The ids of the keys
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
}

#[derive(Args)]
pub(crate) struct PurgeArgs {
    /// Keys that were revoked this long ago or earlier; 0d means now
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) revoked_before: Option<Duration>,
    /// Keys that expired this long ago or earlier, and were not revoked; 0d means now
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) expired_before: Option<Duration>,
}

fn format(prefix: &str) -> Result<KeyFormat, InvalidPrefix> {
    KeyFormat::new(prefix)
}
