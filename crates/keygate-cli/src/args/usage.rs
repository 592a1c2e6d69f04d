use std::time::Duration;

use clap::{Args, ValueEnum};
use keygate::observe::UsageBucket;

use crate::duration;

#[derive(Args)]
pub(crate) struct UsageArgs {
    /// Only the keys of this client
    #[arg(long, value_name = "NAME")]
    pub(crate) client: Option<String>,
    /// Maximum number of clients to list, busiest first
    #[arg(long, value_name = "COUNT", default_value_t = 10, conflicts_with_all = ["client", "by"])]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) top: u32,
    /// Only requests within this time, such as 24h
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_positive)]
    pub(crate) since: Option<Duration>,
    /// Show totals by minute, hour or day, in UTC
    #[arg(long, value_name = "TIME")]
    pub(crate) by: Option<By>,
    /// Print comma-separated values (RFC 4180); a value that looks like a formula gets a leading '
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum By {
    Minute,
    Hour,
    Day,
}

impl From<By> for UsageBucket {
    fn from(by: By) -> Self {
        match by {
            By::Minute => Self::Minute,
            By::Hour => Self::Hour,
            By::Day => Self::Day,
        }
    }
}
