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
    /// Let the keys of a disabled client in again
    #[command(after_help = "Example:\n  keygate client enable 'App 1'")]
    Enable(NameArgs),
    /// Refuse all keys of a client, at once and without a question, until it is enabled again
    #[command(after_help = "Example:\n  keygate client disable 'App 1'")]
    Disable(NameArgs),
    /// Remove a disabled client and forget its keys
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
    /// What the client may do, such as orders:read; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<Scope>,
    /// How much the client may ask for, such as 100/minute, or unlimited
    #[arg(long)]
    pub(crate) quota: Option<Quota>,
    /// A text of your own that travels with the client; may be repeated
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
