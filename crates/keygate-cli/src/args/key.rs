use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use keygate::KeyId;
use keygate::key::{DEFAULT_PREFIX, InvalidPrefix, KeyFormat};

use crate::duration;
use crate::expiry::ExpiryArg;

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key for a client; the key goes to standard output, and is shown this once
    #[command(after_help = "\
Examples:
  keygate key issue 'App 1' --label production --expires 90d > key
  keygate key issue 'App 1' --expires 2026-12-31T00:00:00Z --out key
  keygate key issue 'App 1' --prefix acme --json

The key is written before it is filed: when writing fails, no key was issued.")]
    Issue(IssueArgs),
    /// List the keys of one client or of all, revoked and expired ones included
    #[command(after_help = "\
Examples:
  keygate key list
  keygate key list 'App 1' --json
  keygate key list --expiring 14d

In JSON, state is one of active, replaced (works until it expires), disabled, expired and revoked.")]
    List(ListArgs),
    /// Revoke keys, at once and for good
    #[command(after_help = "\
Examples:
  keygate key revoke 1f0c2b7a9d3e4c58
  keygate key revoke --yes 1f0c2b7a9d3e4c58 08c1d5e2f3a4b596")]
    Revoke(RevokeArgs),
    /// Replace a key by a new one of the same client; the old one works until the grace has passed
    #[command(after_help = "\
Examples:
  keygate key rotate 1f0c2b7a9d3e4c58 > key
  keygate key rotate 1f0c2b7a9d3e4c58 --grace 7d --expires 90d --out key
  keygate key rotate 1f0c2b7a9d3e4c58 --grace 0s --no-expiry > key

Without --expires and --no-expiry, the new key lives as long as the old one was meant to; where it is
not known since when that lives, they expire together.")]
    Rotate(RotateArgs),
}

#[derive(Args)]
pub(crate) struct IssueArgs {
    /// The name of the client
    pub(crate) client: String,
    #[command(flatten)]
    pub(crate) made: MadeKey,
}

#[derive(Args)]
pub(crate) struct RotateArgs {
    /// The id of the key to replace
    pub(crate) id: KeyId,
    /// How long the old key goes on working; 0s ends it now
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration::parse)]
    pub(crate) grace: Duration,
    /// The new key never expires
    #[arg(long, conflicts_with = "expires")]
    pub(crate) no_expiry: bool,
    #[command(flatten)]
    pub(crate) made: MadeKey,
}

/// How a new key is made and handed over.
#[derive(Args)]
pub(crate) struct MadeKey {
    /// What people are to call the key
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// When the key expires: a duration from now, or a time with an offset
    #[arg(long, value_name = "90d|TIME")]
    pub(crate) expires: Option<ExpiryArg>,
    /// What the key begins with: 1 to 16 of a-z and 0-9, a letter first
    #[arg(long, default_value = DEFAULT_PREFIX, value_parser = format)]
    pub(crate) prefix: KeyFormat,
    /// Write the key to a new file, readable by you alone, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct ListArgs {
    /// The name of the client
    pub(crate) client: Option<String>,
    /// Only keys that work and expire within this time, the next to expire first
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_positive)]
    pub(crate) expiring: Option<Duration>,
}

#[derive(Args)]
pub(crate) struct RevokeArgs {
    /// The ids of the keys
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<KeyId>,
}

fn format(prefix: &str) -> Result<KeyFormat, InvalidPrefix> {
    KeyFormat::new(prefix)
}
