use clap::{Args, Subcommand};
use keygate::{Quota, Scope};

#[derive(Subcommand)]
pub(crate) enum ClientCommand {
    /// Add a client, enabled and without keys
    #[command(after_help = "\
Examples:
  keygate client add 'App 1'
  keygate client add 'App 1' --scope orders:read --scope stock:* --quota 100/minute
  keygate client add 'App 1' --metadata team=billing
  keygate client add -- '-App 1'")]
    Add(AddArgs),
    /// Enable a disabled client: its keys work again
    #[command(after_help = "Example:\n  keygate client enable 'App 1'")]
    Enable(NameArgs),
    /// Disable a client: all its keys are refused at once, until it is enabled
    #[command(after_help = "Example:\n  keygate client disable 'App 1'")]
    Disable(NameArgs),
    /// Remove a disabled client and its keys
    #[command(after_help = "\
Examples:
  keygate client disable 'App 1'
  keygate client remove 'App 1' --yes")]
    Remove(NameArgs),
    /// List the clients
    #[command(after_help = "Examples:\n  keygate client list\n  keygate client list --json")]
    List,
}

#[derive(Args)]
pub(crate) struct AddArgs {
    /// The name of the client, 1 to 128 characters
    pub(crate) name: String,
    /// Scope of the client, such as orders:read; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<Scope>,
    /// Quota of the client, such as 100/minute, or unlimited
    #[arg(long)]
    pub(crate) quota: Option<Quota>,
    /// Text of your own that is kept with the client; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = metadata)]
    pub(crate) metadata: Vec<(String, String)>,
}

#[derive(Args)]
pub(crate) struct NameArgs {
    /// The name of the client
    pub(crate) name: String,
}

fn metadata(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write metadata as NAME=VALUE"),
    }
}
