use std::time::Duration;

use clap::{Args, Subcommand};

use crate::duration;

#[derive(Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show the policy
    #[command(after_help = "Example:\n  keygate policy show")]
    Show,
    /// Change the policy; existing keys do not change
    #[command(after_help = "\
                            Examples:
  keygate policy set --max-lifetime 365d --default-lifetime 90d
  keygate policy set --no-max-lifetime --require-expiry

`keygate audit` lists existing keys that are beyond the policy.")]
    Set(SetPolicyArgs),
}

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct SetPolicyArgs {
    /// Maximum lifetime of a key, counted from its issue; every key must then expire
    #[arg(long, value_name = "DURATION", conflicts_with = "no_max_lifetime")]
    #[arg(value_parser = duration::parse_positive)]
    pub(crate) max_lifetime: Option<Duration>,
    /// Remove the maximum lifetime
    #[arg(long)]
    pub(crate) no_max_lifetime: bool,
    /// Lifetime of keys that are issued without --expires
    #[arg(long, value_name = "DURATION", conflicts_with = "no_default_lifetime")]
    #[arg(value_parser = duration::parse_positive)]
    pub(crate) default_lifetime: Option<Duration>,
    /// Remove the default lifetime: keys that are issued without --expires never expire
    #[arg(long)]
    pub(crate) no_default_lifetime: bool,
    /// Require every key to expire
    #[arg(long, conflicts_with = "allow_no_expiry")]
    pub(crate) require_expiry: bool,
    /// Allow keys without an expiry, unless there is a maximum lifetime
    #[arg(long)]
    pub(crate) allow_no_expiry: bool,
}
