use std::net::IpAddr;

use clap::Args;

#[derive(Args)]
pub(crate) struct CheckArgs {
    /// Address of a client: checks whether the key may be used from there
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) from: Option<IpAddr>,
}
