//! Converts files of other systems to clients and keys.

use std::fmt;
use std::path::Path;

use clap::ValueEnum;

mod apisix;
mod csv_file;
mod dotenv;
mod draft;
mod envoy;
mod htpasswd;
mod json_file;
mod k8s_secret;
mod kong;
mod litellm;
mod nginx_map;
mod node;
mod recognize;
mod secret;
mod state;
mod unkey;

pub(crate) use self::draft::{Draft, DraftKey};
pub(crate) use self::recognize::recognize;

/// A format that `keygate import` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Kong's declarative file, also as written by decK
    Kong,
    /// APISIX's standalone file
    Apisix,
    /// Envoy's API key filter
    Envoy,
    /// `map $http_x_api_key $client { ... }` of nginx
    NginxMap,
    /// Columns with a header, such as name,key,expires,scopes; or one key per line, with --client
    Csv,
    /// A map of keys and names, a list of keys, or objects with names and keys
    Json,
    /// Variables such as API_KEYS=name:key,name2:key2 or API_KEY_ACME=key
    Dotenv,
    /// LiteLLM's key table, as JSON or CSV
    Litellm,
    /// Unkey's keys as JSON, with their SHA-256
    Unkey,
    /// A Kubernetes Secret, with one client per entry
    K8sSecret,
}

/// The options of the command line for the file.
#[derive(Clone, Default)]
pub(crate) struct Options {
    /// The client for keys without a client in the file.
    pub(crate) client: Option<String>,
    pub(crate) keys: Option<Side>,
    pub(crate) scopes_from: Option<ScopesFrom>,
}

/// The side of a map that has the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    Left,
    Right,
}

/// The groups or permissions to turn into scopes of the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopesFrom {
    /// Kong's ACL groups
    Acl,
    /// Unkey's permissions
    Permissions,
}

impl ScopesFrom {
    fn name(self) -> &'static str {
        match self {
            Self::Acl => "acl",
            Self::Permissions => "permissions",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Acl => "ACL groups",
            Self::Permissions => "permissions",
        }
    }
}

/// A problem in a foreign file, with its position. Never contains a key.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// The line and column, or the path within the document. Empty for a problem of the whole file.
    pub(crate) at: String,
    pub(crate) why: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() {
            f.write_str(&self.why)
        } else {
            write!(f, "{}: {}", self.at, self.why)
        }
    }
}

/// Parses the clients and keys of a file.
pub(crate) fn read(format: Format, text: &str, options: Options) -> Draft {
    let mut draft = Draft::new(options);
    let read = match format {
        Format::Kong => kong::read,
        Format::Apisix => apisix::read,
        Format::Envoy => envoy::read,
        Format::NginxMap => nginx_map::read,
        Format::Csv => csv_file::read,
        Format::Json => json_file::read,
        Format::Dotenv => dotenv::read,
        Format::Litellm => litellm::read,
        Format::Unkey => unkey::read,
        Format::K8sSecret => k8s_secret::read,
    };
    // Editors add a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Err(fault) = read(text, &mut draft) {
        draft.faults.push(fault);
    }
    if draft.faults.is_empty() && draft.keys.is_empty() && draft.left_out.is_empty() {
        let name = format.to_possible_value().map(|value| value.get_name().to_owned());
        let name = name.unwrap_or_default();
        draft.fault("", &format!("it has no keys in the format {name}: give another --format"));
    }
    draft
}

/// Returns whether a value is set and not an empty list or map.
fn has_own(value: &node::Node) -> bool {
    use node::Node;
    match value {
        Node::Null => false,
        Node::List(items) => !items.is_empty(),
        Node::Map(entries) => !entries.is_empty(),
        Node::Bool(_) | Node::Number(_) | Node::Text(_) => true,
    }
}

/// Returns whether a file has this extension.
fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "Zq8T0pLr4VbXn2Jc7WmKd9Hs3Ga6Fe1Y";

    const SAMPLES: [&str; 10] = [
        include_str!("../tests/cli/samples/kong.yml"),
        include_str!("../tests/cli/samples/apisix.yaml"),
        include_str!("../tests/cli/samples/envoy.yaml"),
        include_str!("../tests/cli/samples/nginx.conf"),
        include_str!("../tests/cli/samples/keys.csv"),
        include_str!("../tests/cli/samples/keys.json"),
        include_str!("../tests/cli/samples/env"),
        include_str!("../tests/cli/samples/litellm.json"),
        include_str!("../tests/cli/samples/unkey.json"),
        include_str!("../tests/cli/samples/k8s-secret.yaml"),
    ];

    /// Parses a text as each format, and checks that no message contains a key.
    fn check(text: &str) {
        let formats = Format::value_variants().iter();
        for (format, client) in formats.flat_map(|format| [(format, None), (format, Some("App 1"))])
        {
            let client = client.map(str::to_owned);
            let keys = Some(Side::Left);
            let draft =
                read(*format, text, Options { client, keys, scopes_from: Some(ScopesFrom::Acl) });
            let faults = draft.faults.iter().chain(&draft.left_out).map(ToString::to_string);
            let places = draft.keys.iter().map(|key| key.at.clone());
            let shown = faults.chain(places).chain(draft.settings.keys().cloned());
            shown.for_each(|shown| assert!(!shown.contains(KEY), "{shown}"));
            assert!(!draft.clients.keys().any(|name| name.contains(KEY)));
            if draft.faults.is_empty() {
                let store = draft.store().expect("a draft without faults is a valid key file");
                assert_eq!(store.len(), draft.keys.len());
            }
        }
    }

    proptest! {
        /// Puts a key anywhere into a file of any kind, and parses it as every format. There must be no panic, and no
        /// message with the key.
        #[test]
        fn no_text_panics_or_shows_a_key(
            sample in prop::sample::select(&SAMPLES[..]),
            cut in any::<prop::sample::Index>(),
            at in any::<prop::sample::Index>(),
            noise in "[\\[\\]{}:,;=\"'$ \n-]{0,4}",
        ) {
            let floor = |mut index: usize| {
                while !sample.is_char_boundary(index) {
                    index -= 1;
                }
                index
            };
            let (at, cut) = (floor(at.index(sample.len())), floor(cut.index(sample.len())));
            check(&format!("{}{noise}{KEY}{}", &sample[..at], &sample[at..]));
            check(&format!("{}{KEY}{noise}", &sample[..cut]));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            check(&text);
        }
    }
}
