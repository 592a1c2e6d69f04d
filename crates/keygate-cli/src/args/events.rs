use std::time::Duration;

use clap::Args;
use keygate::manage::ChangeAction;

use crate::duration;

#[derive(Args)]
pub(crate) struct EventsArgs {
    /// Only changes of this client and its keys
    #[arg(long, value_name = "NAME")]
    pub(crate) client: Option<String>,
    /// Only changes of this key, which may have been removed
    #[arg(long, value_name = "ID")]
    pub(crate) key: Option<String>,
    /// Only changes of this kind, such as key.revoked
    #[arg(long)]
    pub(crate) action: Option<ChangeAction>,
    /// Only changes within this time, such as 24h
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_positive)]
    pub(crate) since: Option<Duration>,
    /// Maximum number of changes to list, newest first
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// List the changes after this cursor, which a shorter list shows at its end
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<String>,
    /// Print comma-separated values (RFC 4180); a value that looks like a formula gets a leading '
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}
