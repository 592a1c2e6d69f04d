use std::collections::{BTreeMap, BTreeSet, HashMap};

use keygate::key::{Timestamp, looks_like_key};
use keygate::{ClientProfile, KeyDigest, KeyId, MemoryStore, Scope, YamlStore};
use serde_json::{Map, Value, json};

use super::secret::{Secret, reference};
use super::{Fault, Options, ScopesFrom};

/// Replaces a text that contains a key or is too long to show. In a file of an unexpected kind, any text may be a key.
fn shown(text: String) -> String {
    if looks_like_key(&text) {
        "(it looks like a key)".to_owned()
    } else if text.chars().nth(MAX_SHOWN).is_some() {
        "(it is too long to be shown)".to_owned()
    } else {
        text
    }
}

const MAX_SHOWN: usize = 200;

/// The clients and keys found in a foreign file, and everything that the import leaves out.
pub(crate) struct Draft {
    pub(crate) keys: Vec<DraftKey>,
    pub(crate) clients: BTreeMap<String, DraftClient>,
    /// Keys that cannot be imported.
    pub(crate) left_out: Vec<Fault>,
    /// Problems that make the whole file unusable.
    pub(crate) faults: Vec<Fault>,
    /// Settings that are not imported, with the number of their occurrences.
    pub(crate) settings: BTreeMap<String, usize>,
    /// The headers in which clients sent their keys, in lower case.
    pub(crate) headers: BTreeSet<String>,
    options: Options,
    /// Checks keys by the rules that all stores share.
    rules: MemoryStore,
    places: HashMap<[u8; 32], usize>,
    /// The key IDs, which are the beginnings of the digests.
    ids: HashMap<[u8; 8], usize>,
}

#[derive(Default)]
pub(crate) struct DraftClient {
    pub(crate) title: Option<String>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) metadata: BTreeMap<String, String>,
}

pub(crate) struct DraftKey {
    pub(crate) at: String,
    pub(crate) client: String,
    pub(crate) digest: KeyDigest,
    pub(crate) label: Option<String>,
    pub(crate) created: Option<Timestamp>,
    pub(crate) expires: Option<Timestamp>,
}

impl DraftKey {
    /// Returns the ID of the key, which is the beginning of its digest.
    pub(crate) fn key_id(&self) -> KeyId {
        let text = self.digest.to_text();
        text["sha256:".len()..][..16]
            .parse()
            .unwrap_or_else(|_| unreachable!("16 digits are an id"))
    }
}

/// A key as it was found in the file.
pub(super) struct Entry<'a> {
    pub(super) at: String,
    /// The client's name, if the file has one.
    pub(super) client: Option<&'a str>,
    pub(super) secret: Secret,
    pub(super) label: Option<&'a str>,
    pub(super) created: Option<Timestamp>,
    pub(super) expires: Option<Timestamp>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(at: impl Into<String>, client: Option<&'a str>, secret: Secret) -> Self {
        Self { at: at.into(), client, secret, label: None, created: None, expires: None }
    }
}

impl Draft {
    pub(super) fn new(options: Options) -> Self {
        Self {
            keys: Vec::new(),
            clients: BTreeMap::new(),
            left_out: Vec::new(),
            faults: Vec::new(),
            settings: BTreeMap::new(),
            headers: BTreeSet::new(),
            options,
            rules: MemoryStore::new(),
            places: HashMap::new(),
            ids: HashMap::new(),
        }
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// Adds a key, or the reason why it is not imported.
    pub(super) fn add(&mut self, entry: Entry<'_>) {
        let Entry { at, client, secret, label, created, expires } = entry;
        let at = shown(at);
        let named = self.options.client.clone();
        let Some(client) = client.map(str::to_owned).or(named) else {
            return self.leave_out(at, "it has no client in the file: give one with --client");
        };
        let digest = match secret {
            Secret::Digest(digest) => digest,
            Secret::Plain(key) => {
                if let Some(what) = reference(&key) {
                    let why = format!("its text is {what}: import the key from its source");
                    return self.leave_out(at, &why);
                }
                if let Err(error) = self.check(key.as_bytes()) {
                    return self.fault(at, &error);
                }
                KeyDigest::of(key.as_bytes())
            }
        };
        if let Some(index) = self.places.get(&digest.to_bytes()) {
            let other = &self.keys[*index];
            let why = if other.client != client {
                "for another client"
            } else if other.expires != expires {
                "with another expiry"
            } else {
                return;
            };
            let why = format!("it is the same key as at {}, {why}", other.at);
            return self.fault(at, &why);
        }
        let id =
            digest.to_bytes()[..8].try_into().unwrap_or_else(|_| unreachable!("8 bytes of 32"));
        if let Some(index) = self.ids.get(&id) {
            let other = &self.keys[*index].at;
            let why = format!("it has the same key ID as the key at {other}: issue another one");
            return self.fault(at, &why);
        }
        if !self.add_client(&at, &client) {
            return;
        }
        self.ids.insert(id, self.keys.len());
        let label = label.filter(|label| self.is_label(&at, label)).map(str::to_owned);
        self.places.insert(digest.to_bytes(), self.keys.len());
        self.keys.push(DraftKey { at, client, digest, label, created, expires });
    }

    /// Adds a client, and returns whether its name is valid.
    pub(super) fn add_client(&mut self, at: &str, name: &str) -> bool {
        if self.clients.contains_key(name) {
            return true;
        }
        let why = if looks_like_key(name) {
            "the name of the client looks like a key".to_owned()
        } else {
            match ClientProfile::new(name).validate() {
                Ok(()) => {
                    self.clients.insert(name.to_owned(), DraftClient::default());
                    return true;
                }
                Err(error) => error.to_string(),
            }
        };
        self.fault(at, &why);
        false
    }

    /// Sets the title of a client. A text that is not a valid title is left out.
    pub(super) fn set_title(&mut self, at: &str, name: &str, title: &str) {
        let profile = ClientProfile::new(name).with_title(title);
        if looks_like_key(title) || profile.validate().is_err() {
            return self.setting(&format!("a title that keygate does not allow, at {at}"));
        }
        if let Some(client) = self.clients.get_mut(name) {
            client.title = Some(title.to_owned());
        }
    }

    /// Adds metadata of a client. Entries beyond the limit are left out.
    pub(super) fn add_metadata(&mut self, at: &str, name: &str, field: &str, value: &str) {
        let Some(client) = self.clients.get_mut(name) else { return };
        let mut metadata = client.metadata.clone();
        metadata.insert(field.to_owned(), value.to_owned());
        let is_key = looks_like_key(field) || looks_like_key(value);
        if is_key || ClientProfile::new(name).with_metadata(metadata.clone()).validate().is_err() {
            return self.setting(&format!("metadata that keygate does not allow, at {at}"));
        }
        client.metadata = metadata;
    }

    /// Adds a group or permission as a scope of a client, if the command line asks for it.
    pub(super) fn add_group(&mut self, from: ScopesFrom, at: &str, name: &str, group: &str) {
        if self.options.scopes_from != Some(from) {
            let what = format!(
                "{} (`--scopes-from {}` turns them into scopes)",
                from.plural(),
                from.name()
            );
            return self.setting(&what);
        }
        self.add_scope(at, name, group);
    }

    /// Adds a scope of a client, unless it grants everything or is reserved.
    pub(super) fn add_scope(&mut self, at: &str, name: &str, scope: &str) {
        let why = match scope.parse::<Scope>() {
            Ok(scope) if scope.as_str() == "*" => "`*` grants everything: set it by hand",
            Ok(scope) if scope.is_reserved() => "scopes below `keygate:` are reserved",
            Ok(scope) => {
                if let Some(client) = self.clients.get_mut(name)
                    && !client.scopes.contains(&scope)
                {
                    client.scopes.push(scope);
                }
                return;
            }
            Err(_) => {
                "it is not a scope, which has segments of a-z, 0-9, `_`, `.` and `-`, joined by `:`"
            }
        };
        self.setting(&format!("the scope at {at}: {why}"));
    }

    /// Adds a header in which clients sent their keys. A text that is not a valid header name is left out.
    pub(super) fn add_header(&mut self, name: &str) {
        let is_part = |char: char| char.is_ascii_alphanumeric() || "_-".contains(char);
        if !name.is_empty() && name.chars().all(is_part) && !looks_like_key(name) {
            self.headers.insert(name.to_ascii_lowercase());
        }
    }

    /// Adds the default header of a system, unless the file configures another one.
    pub(super) fn add_default_header(&mut self, name: &str) {
        if self.headers.is_empty() {
            self.add_header(name);
        }
    }

    pub(super) fn leave_out(&mut self, at: impl Into<String>, why: &str) {
        self.left_out.push(Fault { at: shown(at.into()), why: why.to_owned() });
    }

    pub(super) fn fault(&mut self, at: impl Into<String>, why: &str) {
        self.faults.push(Fault { at: shown(at.into()), why: why.to_owned() });
    }

    /// Records a setting that is not imported.
    pub(super) fn setting(&mut self, what: &str) {
        *self.settings.entry(shown(what.to_owned())).or_default() += 1;
    }

    fn check(&self, key: &[u8]) -> Result<(), String> {
        // An existing entry has already passed the check.
        let known = self.places.contains_key(&KeyDigest::of(key).to_bytes());
        if known {
            Ok(())
        } else {
            self.rules.insert(key, "x").map(drop).map_err(|e| e.to_string())
        }
    }

    fn is_label(&mut self, at: &str, label: &str) -> bool {
        // Labels follow the same rules as names.
        let is_label = ClientProfile::new(label).validate().is_ok() && !looks_like_key(label);
        if !is_label {
            self.setting(&format!("a label that keygate does not allow, at {at}"));
        }
        is_label
    }

    /// Returns a store with these clients and keys, checked by all rules of a key file.
    pub(crate) fn store(&self) -> Result<YamlStore, keygate::store::KeyFileError> {
        // JSON is a subset of YAML.
        let mut clients = Map::new();
        for (name, client) in &self.clients {
            let DraftClient { title, scopes, metadata } = client;
            let scopes: Vec<_> = scopes.iter().map(Scope::as_str).collect();
            let mut fields = json!({ "scopes": scopes, "metadata": metadata, "keys": [] });
            if let Some(title) = title {
                fields["title"] = json!(title);
            }
            clients.insert(name.clone(), fields);
        }
        for key in &self.keys {
            let mut fields = Map::new();
            fields.insert("digest".to_owned(), json!(key.digest.to_text()));
            let mut put = |name: &str, value: Option<String>| {
                fields.extend(value.map(|value| (name.to_owned(), Value::String(value))));
            };
            put("label", key.label.clone());
            put("created", key.created.map(|time| time.to_string()));
            put("expires", key.expires.map(|time| time.to_string()));
            if let Some(Value::Array(keys)) =
                clients.get_mut(&key.client).map(|client| &mut client["keys"])
            {
                keys.push(fields.into());
            }
        }
        json!({ "clients": clients }).to_string().parse()
    }
}
