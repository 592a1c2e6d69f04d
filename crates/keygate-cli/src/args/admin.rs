use std::ffi::OsString;
use std::net::SocketAddr;

use clap::Args;

#[derive(Args)]
pub(crate) struct AdminArgs {
    /// Address to serve the page at; another one than on loopback needs --public-url
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8081")]
    pub(crate) listen: SocketAddr,
    /// Store of the operators, with the scope admin or read: another one than the managed store
    #[arg(long, value_name = "STORE")]
    pub(crate) admins: Option<OsString>,
    /// The page's address behind TLS, such as https://keys.example; needs --admins
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Address with the metrics of a serving process, for its health; may be repeated
    #[arg(long, value_name = "URL")]
    pub(crate) metrics: Vec<String>,
    /// Prefix of generated keys, such as acme
    #[arg(long, value_name = "PREFIX")]
    pub(crate) prefix: Option<String>,
    /// Serve the JSON API under /api/v1 as well; needs --admins
    #[arg(long)]
    pub(crate) api: bool,
}
