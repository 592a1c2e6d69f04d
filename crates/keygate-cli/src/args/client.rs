use clap::{Args, Subcommand};
use keygate::Scope;
use keygate::client::Network;

use crate::quota::RateArg;

#[derive(Subcommand)]
pub(crate) enum ClientCommand {
    /// Add a client, enabled and without keys
    #[command(after_help = "\
                            Examples:
  keygate client add 'App 1'
  keygate client add 'App 1' --scope orders:read --scope stock:* --quota 100/minute
  keygate client add 'App 1' --title 'ACME shop' --network 10.0.0.0/8 --metadata team=billing
  keygate client add -- '-App 1'")]
    Add(AddArgs),
    /// Change a client; options that are not given change nothing
    #[command(after_help = "\
                            Examples:
  keygate client set 'App 1' --quota 200/minute --add-scope stock:read
  keygate client set 'App 1' --scope orders:read --scope orders:write
  keygate client set 'App 1' --quota '100/minute burst 20' --quota 10000/day
  keygate client set 'App 1' --no-quota --metadata team=billing --remove-metadata owner
  keygate client set 'App 1' --title 'ACME shop' --network 10.0.0.0/8 --network 192.0.2.7

--scope replaces all scopes, and --network all networks. --metadata sets one entry. The name of a client
cannot be changed.")]
    Set(SetClientArgs),
    /// Enable a disabled client: its keys work again
    #[command(after_help = "Example:\n  keygate client enable 'App 1'")]
    Enable(NameArgs),
    /// Disable a client: its keys are refused at once, until it is enabled again
    #[command(after_help = "Example:\n  keygate client disable 'App 1'")]
    Disable(NameArgs),
    /// Remove a disabled client and its keys
    #[command(
        alias = "rm",
        after_help = "\
                      Examples:
  keygate client disable 'App 1'
  keygate client remove 'App 1' --yes"
    )]
    Remove(NameArgs),
    /// List the clients
    #[command(
        alias = "ls",
        after_help = "\
                      Examples:
  keygate client list
  keygate client list --disabled --json
  keygate client list --search app --metadata team=billing"
    )]
    List(ListClientsArgs),
    /// Show a client and its keys
    #[command(after_help = "\
                            Examples:
  keygate client show 'App 1'
  keygate client show 'App 1' --json")]
    Show(NameArgs),
}

#[derive(Args)]
pub(crate) struct ListClientsArgs {
    /// Only disabled clients
    #[arg(long, conflicts_with = "enabled")]
    pub(crate) disabled: bool,
    /// Only enabled clients
    #[arg(long)]
    pub(crate) enabled: bool,
    /// Only clients whose name or title begins with this text, ignoring case
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// Only clients with this scope, or with one that covers it
    #[arg(long)]
    pub(crate) scope: Option<Scope>,
    /// Only clients with this metadata entry; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = metadata)]
    pub(crate) metadata: Vec<(String, String)>,
    /// Maximum number of clients to list
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// List the clients after this cursor, which a shorter list shows at its end
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<String>,
    /// Exit with code 1 if the list is not empty
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Args)]
pub(crate) struct AddArgs {
    /// Name of the client, 1 to 128 characters
    pub(crate) name: String,
    /// Readable title of the client, shown beside its name
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Network from which the keys work, such as 10.0.0.0/8; may be repeated
    #[arg(long = "network", value_name = "NETWORK")]
    pub(crate) networks: Vec<Network>,
    /// Scope of the client, such as orders:read; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<Scope>,
    /// Quota of the client, such as 100/minute, '100/minute burst 20' or unlimited; may be repeated
    #[arg(long, value_name = "RATE", value_parser = RateArg::parse)]
    pub(crate) quota: Vec<RateArg>,
    /// Note to store with the client; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = metadata)]
    pub(crate) metadata: Vec<(String, String)>,
}

#[derive(Args)]
#[allow(clippy::struct_excessive_bools)] // Options of the command line.
pub(crate) struct SetClientArgs {
    /// Name of the client
    pub(crate) name: String,
    /// Readable title of the client, shown beside its name
    #[arg(long, conflicts_with = "no_title")]
    pub(crate) title: Option<String>,
    /// Remove the title
    #[arg(long)]
    pub(crate) no_title: bool,
    /// Network from which the keys work, replacing all networks; may be repeated
    #[arg(long = "network", value_name = "NETWORK", conflicts_with = "no_network")]
    pub(crate) networks: Vec<Network>,
    /// Remove all networks: the keys work from anywhere
    #[arg(long)]
    pub(crate) no_network: bool,
    /// Scope of the client, replacing all its scopes; may be repeated
    #[arg(long = "scope", value_name = "SCOPE", conflicts_with = "no_scope")]
    pub(crate) scopes: Vec<Scope>,
    /// Remove all scopes
    #[arg(long)]
    pub(crate) no_scope: bool,
    /// Scope to add; may be repeated
    #[arg(long, value_name = "SCOPE", conflicts_with_all = ["scopes", "no_scope"])]
    pub(crate) add_scope: Vec<Scope>,
    /// Scope to remove; may be repeated
    #[arg(long, value_name = "SCOPE", conflicts_with_all = ["scopes", "no_scope"])]
    pub(crate) remove_scope: Vec<Scope>,
    /// Quota of the client, replacing all its rates; may be repeated
    #[arg(long, value_name = "RATE", value_parser = RateArg::parse, conflicts_with = "no_quota")]
    pub(crate) quota: Vec<RateArg>,
    /// Remove the quota: the default of each limit applies
    #[arg(long)]
    pub(crate) no_quota: bool,
    /// Note to store with the client; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = metadata)]
    pub(crate) metadata: Vec<(String, String)>,
    /// Name of a metadata entry to remove; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) remove_metadata: Vec<String>,
}

#[derive(Args)]
pub(crate) struct NameArgs {
    /// Name of the client
    pub(crate) name: String,
}

pub(super) fn metadata(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write metadata as NAME=VALUE"),
    }
}
