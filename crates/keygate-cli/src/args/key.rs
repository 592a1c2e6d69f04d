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
    /// Issue a key for a client; prints the key once, on standard output
    #[command(after_help = "\
                            Examples:
  keygate key issue 'App 1' --label production --expires 90d > key
  keygate key issue 'App 1' --expires 2026-12-31T00:00:00Z --out key
  keygate key issue 'App 1' --scope orders:read --network 10.0.0.0/8 --not-before 1d --out key
  keygate key issue 'App 1' --prefix acme --json

The key is written before it is stored, so if it cannot be written, no key is issued.")]
    Issue(IssueArgs),
    /// List the keys of all clients or of one, including revoked and expired keys
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

In JSON, as for --state, a state is one of active, replaced (works until it expires), disabled, not_yet_valid,
expired and revoked."
    )]
    List(ListKeysArgs),
    /// Show a key
    #[command(after_help = "\
                            Examples:
  keygate key show 1f0c2b7a9d3e4c58
  keygate key show 1f0c2b7a

In every command, the first 8 or more digits of a key ID are enough if no other ID begins with them.
--yes and --json need the whole ID.")]
    Show(ShowKeyArgs),
    /// Change a key; options that are not given change nothing
    #[command(after_help = "\
                            Examples:
  keygate key set 1f0c2b7a9d3e4c58 --label 'old app' --expires 30d
  keygate key set 1f0c2b7a9d3e4c58 --no-expiry --scope orders:read --network 10.1.0.0/16
  keygate key set 1f0c2b7a9d3e4c58 --no-scope --no-network

--scope and --network replace all scopes and networks of the key, and its client must have them. The
expiry can become earlier or later, but a revoked or expired key stays revoked or expired.")]
    Set(SetKeyArgs),
    /// Revoke keys, immediately and permanently
    #[command(after_help = "\
                            Examples:
  keygate key revoke 1f0c2b7a9d3e4c58
  keygate key revoke --yes 1f0c2b7a9d3e4c58 08c1d5e2f3a4b596")]
    Revoke(RevokeArgs),
    /// Remove keys that were revoked or expired long ago
    #[command(after_help = "\
                            Examples:
  keygate key purge --revoked-before 90d --expired-before 90d --dry-run
  keygate key purge --revoked-before 90d --expired-before 90d --yes
  keygate key purge --revoked-before 0d

A working key is never removed, and neither is the successor of a working key. Removed keys no longer
appear in lists and exports. A database keeps their digests, so that the same keys cannot be added
again; a key file does not.")]
    Purge(PurgeArgs),
    /// Replace a key with a new one; the old key works until its grace period ends
    #[command(after_help = "\
                            Examples:
  keygate key rotate 1f0c2b7a9d3e4c58 > key
  keygate key rotate 1f0c2b7a9d3e4c58 --grace 7d --expires 90d --out key
  keygate key rotate 1f0c2b7a9d3e4c58 --grace 0s --no-expiry > key

Without --expires and --no-expiry, the new key gets the lifetime of the old one, starting now. If the
store does not know when the old key was issued, the new key expires when the old one would have.")]
    Rotate(RotateArgs),
}

#[derive(Args)]
pub(crate) struct IssueArgs {
    /// Name of the client
    pub(crate) client: String,
    #[command(flatten)]
    pub(crate) new_key: NewKeyArgs,
}

#[derive(Args)]
pub(crate) struct RotateArgs {
    /// ID of the key to replace
    pub(crate) id: String,
    /// How long the old key keeps working; 0s refuses it at once
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
    /// Readable name of the key, such as production
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// Expiry of the key: a duration from now, or a time with an offset
    #[arg(long, value_name = "90d|TIME")]
    pub(crate) expires: Option<ExpiryArg>,
    /// Scope of the key, within its client's scopes; may be repeated [default: all of the client's]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<Scope>,
    /// Network from which the key works, such as 10.0.0.0/8; may be repeated
    #[arg(long = "network", value_name = "NETWORK")]
    pub(crate) networks: Vec<Network>,
    /// Time before which the key is refused: a duration from now, or a time with an offset
    #[arg(long, value_name = "1d|TIME", value_parser = ExpiryArg::beginning)]
    pub(crate) not_before: Option<ExpiryArg>,
    /// Prefix of the key: 1 to 16 characters from a-z and 0-9, starting with a letter
    #[arg(long, default_value = DEFAULT_PREFIX, value_parser = format)]
    pub(crate) prefix: KeyFormat,
    /// Write the key to a new file that only you can read, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct ListKeysArgs {
    /// Name of the client
    pub(crate) client: Option<String>,
    /// Only working keys that expire within this time, soonest first
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_positive)]
    pub(crate) expiring: Option<Duration>,
    /// Only keys that never expire
    #[arg(long, conflicts_with = "expiring")]
    pub(crate) no_expiry: bool,
    /// Only keys in this state, or in one of several that are separated by commas
    #[arg(long = "state", value_name = "STATE", value_delimiter = ',', value_parser = state)]
    pub(crate) states: Vec<KeyStatus>,
    /// Only keys whose label or ID begins with this text, ignoring case
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// Only keys with this label
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// Only keys with this scope, or with one that covers it
    #[arg(long)]
    pub(crate) scope: Option<Scope>,
    /// Only keys of clients with this metadata entry; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = metadata)]
    pub(crate) metadata: Vec<(String, String)>,
    /// Only keys that could be used for this long, and were not; needs --usage
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_positive)]
    pub(crate) unused_for: Option<Duration>,
    /// Only keys that were used within this time; needs --usage
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_positive)]
    #[arg(conflicts_with = "unused_for")]
    pub(crate) used_within: Option<Duration>,
    /// Order of the list: client (the default), created or expires
    #[arg(long, value_name = "ORDER")]
    pub(crate) sort: Option<SortArg>,
    /// Reverse the order
    #[arg(long)]
    pub(crate) descending: bool,
    /// Maximum number of keys to list
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// List the keys after this cursor, which a shorter list shows at its end
    #[arg(long, value_name = "CURSOR", conflicts_with_all = ["unused_for", "used_within"])]
    pub(crate) after: Option<String>,
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
        format!("the state must be one of {}", names.join(", "))
    })
}

#[derive(Args)]
#[allow(clippy::struct_excessive_bools)] // Options of the command line.
pub(crate) struct SetKeyArgs {
    /// ID of the key
    pub(crate) id: String,
    /// Readable name of the key, such as production
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
    /// Scope of the key, replacing all its scopes; may be repeated
    #[arg(long = "scope", value_name = "SCOPE", conflicts_with = "no_scope")]
    pub(crate) scopes: Vec<Scope>,
    /// Remove the key's own scopes: it gets all scopes of its client
    #[arg(long)]
    pub(crate) no_scope: bool,
    /// Network from which the key works, replacing all its networks; may be repeated
    #[arg(long = "network", value_name = "NETWORK", conflicts_with = "no_network")]
    pub(crate) networks: Vec<Network>,
    /// Remove the key's own networks: it works from all networks of its client
    #[arg(long)]
    pub(crate) no_network: bool,
}

#[derive(Args)]
pub(crate) struct ShowKeyArgs {
    /// ID of the key
    pub(crate) id: String,
}

#[derive(Args)]
pub(crate) struct RevokeArgs {
    /// IDs of the keys
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
}

#[derive(Args)]
pub(crate) struct PurgeArgs {
    /// Remove keys that were revoked at least this long ago; 0d means all of them
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) revoked_before: Option<Duration>,
    /// Remove keys that expired, without being revoked, at least this long ago; 0d means all of them
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) expired_before: Option<Duration>,
}

fn format(prefix: &str) -> Result<KeyFormat, InvalidPrefix> {
    KeyFormat::new(prefix)
}
