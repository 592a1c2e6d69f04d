use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use keygate::MemoryStore;
use keygate::client::{Network, ParseNetworkError};
use keygate_admin::{Admin, AdminConfigError};

#[derive(Args)]
pub(crate) struct AdminArgs {
    /// Address to listen on; needs --public-url if it is not on loopback
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8081")]
    pub(crate) listen: SocketAddr,
    /// Store whose clients are the operators, with the scope admin or read; must not be the managed store
    #[arg(long, value_name = "STORE")]
    pub(crate) admins: Option<OsString>,
    /// URL of the page behind TLS, such as https://keys.example; needs --admins
    #[allow(rustdoc::bare_urls, reason = "the help text is shown in a terminal")]
    #[arg(long, value_name = "URL", value_parser = public_url)]
    pub(crate) public_url: Option<String>,
    /// Network of a trusted proxy, which reports the caller in X-Forwarded-For; may be repeated
    #[arg(long, value_name = "NETWORK", requires = "public_url", value_parser = network)]
    pub(crate) proxy: Vec<String>,
    /// URL of a serving process's metrics, shown on the health page; may be repeated
    #[arg(long, value_name = "URL")]
    pub(crate) metrics: Vec<String>,
    /// Prefix of generated keys, such as acme
    #[arg(long, value_name = "PREFIX", value_parser = prefix)]
    pub(crate) prefix: Option<String>,
    /// Serve the JSON API under /api/v1 as well; needs --admins
    #[arg(long)]
    pub(crate) api: bool,
}

/// The URL is checked before anything is opened.
fn public_url(url: &str) -> Result<String, AdminConfigError> {
    Admin::new(Arc::new(MemoryStore::new())).with_public_url(url).map(|_| url.to_owned())
}

fn prefix(prefix: &str) -> Result<String, AdminConfigError> {
    Admin::new(Arc::new(MemoryStore::new())).with_key_prefix(prefix).map(|_| prefix.to_owned())
}

fn network(network: &str) -> Result<String, ParseNetworkError> {
    network.parse::<Network>().map(|_| network.to_owned())
}
