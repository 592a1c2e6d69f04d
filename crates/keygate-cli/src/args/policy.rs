use std::time::Duration;

use clap::{Args, Subcommand};

use crate::duration;

#[derive(Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show the policy
    #[command(after_help = "Example:\n  keygate policy show")]
    Show,
    /// Change the policy; everything else stays, existing keys too
    #[command(after_help = "\
Examples:
  keygate policy set --max-lifetime 365d --default-lifetime 90d
  keygate policy set --no-max-lifetime --require-expiry

`keygate audit` lists the keys that are beyond the policy.")]
    Set(SetPolicyArgs),
}

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct SetPolicyArgs {
    /// The longest lifetime of a key, counted from its issue; each key must then expire
    #[arg(long, value_name = "DURATION", conflicts_with = "no_max_lifetime")]
    #[arg(value_parser = duration::parse_positive)]
    pub(crate) max_lifetime: Option<Duration>,
    /// A key may live for any time
    #[arg(long)]
    pub(crate) no_max_lifetime: bool,
    /// The lifetime of a key that is issued without --expires
    #[arg(long, value_name = "DURATION", conflicts_with = "no_default_lifetime")]
    #[arg(value_parser = duration::parse_positive)]
    pub(crate) default_lifetime: Option<Duration>,
    /// A key that is issued without --expires never expires
    #[arg(long)]
    pub(crate) no_default_lifetime: bool,
    /// Each key must expire
    #[arg(long, conflicts_with = "allow_no_expiry")]
    pub(crate) require_expiry: bool,
    /// A key need not expire, unless there is a longest lifetime
    #[arg(long)]
    pub(crate) allow_no_expiry: bool,
}
