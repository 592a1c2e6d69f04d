use std::collections::BTreeMap;

use super::error::{KeyFileWarning, WarningKind};
use super::events::Events;
use super::layout::Layout;
use super::load_error::{LoadError, LoadErrorKind, Repeated};
use super::node::{Node, Text};
use super::position::Position;
use super::text::{YamlText, YamlTextKind};
use crate::client::{ClientProfile, LabelError, Network, ProfileError, Scope};
use crate::key::{
    self, KeyDigest, KeyId, MAX_KEY_BYTES, Strength, UnusableKey, WeakKey, look_swapped,
    looks_like_key,
};
use crate::manage::{ClientFacts, KeyError, Policy};
use crate::store::MemoryStore;
use crate::store::memory::Bulk;

mod clients;
mod embedded;
mod fields;
mod keys;
mod policy;
mod root;
mod values;

pub(super) use embedded::is_of_app;
use fields::Fields;
#[cfg(feature = "serde")]
pub(super) use fields::known_name;
use policy::policy;
use root::{OWN_ROOT, ROOT, RootField, check_version};

/// The client of the key in the field `api_key`.
pub(super) const DEFAULT_CLIENT: &str = "default";

/// A parsed key file.
pub(super) struct Parsed {
    pub(super) keys: MemoryStore,
    pub(super) findings: Findings,
}

/// The result of parsing a text, even if it cannot be loaded.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) warnings: Vec<KeyFileWarning>,
    /// The number of keys in plaintext.
    pub(super) plaintext_keys: usize,
}

/// Parses the text of a key file, up to the first error.
///
/// It makes one pass over the parser events. Their scalars borrow from the text, so that keys are hashed without
/// being copied.
pub(super) fn parse(text: &str, layout: &Layout) -> Result<Parsed, LoadError> {
    let mut rule = |_: YamlText<'_>| {};
    let mut file =
        FileParser::new(ErrorCollector { first_only: true, found: Vec::new() }, &mut rule);
    file.read_text(text, layout)?;
    let (keys, findings) = file.finish();
    Ok(Parsed { keys: keys.map_err(|mut errors| errors.swap_remove(0))?, findings })
}

/// Parses the text of a key file and collects all errors, up to the first YAML syntax error.
pub(super) fn lint(text: &str, layout: &Layout, rule: Rule<'_>) -> (Vec<LoadError>, Findings) {
    let mut file = FileParser::new(ErrorCollector { first_only: false, found: Vec::new() }, rule);
    if let Err(last) = file.read_text(text, layout) {
        file.errors.found.push(last);
    }
    let (keys, findings) = file.finish();
    (keys.err().unwrap_or_default(), findings)
}

/// Parses values that serde has read, and collects all errors.
#[cfg(feature = "serde")]
pub(super) fn parse_all(
    events: &mut Events<'_>,
    errors: Vec<LoadError>,
) -> (Result<MemoryStore, Vec<LoadError>>, Findings) {
    let mut rule = |_: YamlText<'_>| {};
    let mut file = FileParser::new(ErrorCollector { first_only: false, found: errors }, &mut rule);
    if let Err(last) = file.read_all(events) {
        file.errors.found.push(last);
    }
    file.finish()
}

/// The closure of `YamlStore::lint_with`, called with each key and client name.
type Rule<'r> = &'r mut dyn FnMut(YamlText<'_>);

/// Whether to return the first error, or to collect all errors.
struct ErrorCollector {
    first_only: bool,
    found: Vec<LoadError>,
}

impl ErrorCollector {
    fn collect(&mut self, result: Result<(), LoadError>) -> Result<(), LoadError> {
        match result {
            Err(error) if !self.first_only => self.found.push(error),
            result => return result,
        }
        Ok(())
    }
}

/// The part of a file that has been parsed so far.
struct FileParser<'r> {
    keys: Bulk<Position>,
    /// The clients in the field `clients`, by name.
    clients: BTreeMap<Box<str>, (Position, ClientFacts)>,
    findings: Findings,
    /// The ids in `replaced_by` fields.
    successors: Vec<(KeyId, Position)>,
    /// Scopes of the keys of the current client.
    key_scopes: Vec<(Scope, Position)>,
    /// Networks of these keys.
    key_networks: Vec<(Network, Position)>,
    weak: Vec<(WeakKey, Position)>,
    allow_weak: bool,
    errors: ErrorCollector,
    rule: Rule<'r>,
}

impl<'r> FileParser<'r> {
    fn new(errors: ErrorCollector, rule: Rule<'r>) -> Self {
        Self {
            keys: Bulk::new(),
            clients: BTreeMap::new(),
            findings: Findings::default(),
            successors: Vec::new(),
            key_scopes: Vec::new(),
            key_networks: Vec::new(),
            weak: Vec::new(),
            allow_weak: false,
            errors,
            rule,
        }
    }

    fn read_text(&mut self, text: &str, layout: &Layout) -> Result<(), LoadError> {
        match layout.section() {
            None => self.read_all(&mut Events::new(text)),
            Some(section) => self.read_app(&mut Events::of_app(text), section),
        }
    }

    fn read_all(&mut self, events: &mut Events<'_>) -> Result<(), LoadError> {
        if let Some(root) = events.root()? {
            root.mapping(
                "a mapping",
                "begin the file with `api_keys:`, and indent the keys below it, as `KEY: client name`",
            )?;
            self.read(events, &OWN_ROOT)?;
            events.end()?;
        }
        Ok(())
    }

    fn read(
        &mut self,
        events: &mut Events<'_>,
        root: &'static Fields<RootField>,
    ) -> Result<(), LoadError> {
        let mut seen = root.seen();
        self.read_pairs(events, "the name of a field", root.hint, |file, field, value, events| {
            file.read_field(seen.field(field)?, value, events)
        })
    }

    /// Reads the entries of a mapping. The rest of an entry with an error is skipped.
    fn read_pairs<'a>(
        &mut self,
        events: &mut Events<'a>,
        expected: &'static str,
        hint: &'static str,
        mut read: impl FnMut(&mut Self, Node<'a>, Node<'a>, &mut Events<'a>) -> Result<(), LoadError>,
    ) -> Result<(), LoadError> {
        while let Some((name, value)) = events.pair(expected, hint)? {
            let depth = events.depth_before(&value);
            let result = read(self, name, value, events);
            self.errors.collect(result)?;
            events.skip_to(depth)?;
        }
        Ok(())
    }

    fn read_field(
        &mut self,
        field: RootField,
        value: Node<'_>,
        events: &mut Events<'_>,
    ) -> Result<(), LoadError> {
        match field {
            RootField::ApiKey => {
                let position = value.position;
                let key = value.text("a key", "write `api_key: KEY`")?;
                self.add(&key, position, DEFAULT_CLIENT, position)
            }
            RootField::ApiKeys | RootField::Clients | RootField::Policy if value.is_null() => {
                Ok(())
            }
            RootField::ApiKeys => self.read_keys(&value, events),
            RootField::AllowWeakKeys => value.boolean().map(|allow| self.allow_weak = allow),
            RootField::Version => check_version(value),
            RootField::Policy => policy(&value, events).map(|policy| self.keys.set_policy(policy)),
            RootField::Clients => self.read_clients(&value, events),
        }
    }

    fn read_keys(&mut self, value: &Node<'_>, events: &mut Events<'_>) -> Result<(), LoadError> {
        // YAML limits the length of mapping keys, and parses a longer one as a value.
        if value.is_longer_than(MAX_KEY_BYTES) {
            return Err(LoadErrorKind::Key(UnusableKey::TooLong.into()).at(value.position));
        }
        value.mapping("a mapping of keys to client names", KEY_AND_CLIENT)?;
        self.read_pairs(events, "a key", KEY_AND_CLIENT, |file, key, client, _| {
            file.read_key(key, client)
        })
    }

    fn read_key(&mut self, key: Node<'_>, client: Node<'_>) -> Result<(), LoadError> {
        let (key_position, client_position) = (key.position, client.position);
        let key = key.text("a key", KEY_AND_CLIENT)?;
        if client.is_null() {
            return Err(LoadErrorKind::NoClient.at(key_position));
        }
        let client = client.text("the name of a client", KEY_AND_CLIENT)?;
        self.add(&key, key_position, &client, client_position)
    }

    fn add(
        &mut self,
        key: &Text<'_>,
        position: Position,
        client: &str,
        client_position: Position,
    ) -> Result<(), LoadError> {
        self.show(YamlTextKind::Key, key, position);
        if client_position != position {
            self.show(YamlTextKind::ClientName, client, client_position);
        }
        let key = key.as_bytes();
        let strength = key::check(key).map_err(|unusable| {
            let kind = match unusable {
                UnusableKey::Empty => LoadErrorKind::EmptyKey,
                unusable => LoadErrorKind::Key(unusable.into()),
            };
            kind.at(position)
        })?;
        match strength {
            Strength::Weak(why) => self.weak.push((why, position)),
            _ if look_swapped(key, client) => self.warn(WarningKind::Swapped, client_position),
            _ if looks_like_key(client) => self.warn(WarningKind::NameLikeKey, client_position),
            Strength::Low => self.warn(WarningKind::LowKey, position),
            Strength::Fair => {}
        }
        self.findings.plaintext_keys += 1;
        self.keys.push(KeyDigest::of(key), ClientProfile::new(client), position).map_err(|error| {
            let kind = match error {
                KeyError::Profile(ProfileError::Name(LabelError::Empty)) => LoadErrorKind::NoClient,
                error => LoadErrorKind::Key(error),
            };
            kind.at(client_position)
        })
    }

    fn show(&mut self, kind: YamlTextKind, text: &str, position: Position) {
        let (line, column) = (position.line as usize, position.column as usize);
        (self.rule)(YamlText { kind, text, line, column });
    }

    fn warn(&mut self, kind: WarningKind, position: Position) {
        self.findings.warnings.push(KeyFileWarning::new(kind, Some(position)));
    }

    fn finish(mut self) -> (Result<MemoryStore, Vec<LoadError>>, Findings) {
        let mut errors = self.errors.found;
        let Findings { warnings, .. } = &mut self.findings;
        for (why, position) in self.weak {
            if self.allow_weak {
                warnings.push(KeyFileWarning::new(WarningKind::WeakKey(why), Some(position)));
            } else {
                errors.push(LoadErrorKind::WeakKey(why).at(position));
            }
        }
        self.clients.into_values().for_each(|(_, client)| self.keys.declare(client));
        let keys = MemoryStore::from_bulk(self.keys);
        match &keys {
            Ok(keys) if errors.is_empty() => {
                let unknown = self.successors.iter();
                let unknown = unknown.filter(|(id, _)| keys.digest_of(*id).is_none());
                warnings.extend(unknown.map(|(_, position)| {
                    KeyFileWarning::new(WarningKind::UnknownSuccessor, Some(*position))
                }));
                warnings.extend(beyond_policy(keys));
            }
            Ok(_) => {}
            Err(conflicts) => errors.extend(conflicts.iter().map(|conflict| {
                let [first, second] = conflict.positions;
                let what = if conflict.same_key { Repeated::Key } else { Repeated::KeyId };
                LoadErrorKind::Repeated { what, first: first.into() }.at(second)
            })),
        }
        warnings.sort_by_key(KeyFileWarning::position);
        errors.sort_by_key(|error| error.position);
        let keys = keys.ok().filter(|_| errors.is_empty()).ok_or(errors);
        if keys.as_ref().is_ok_and(MemoryStore::is_empty) {
            warnings.push(KeyFileWarning::new(WarningKind::NoKeys, None));
        }
        (keys, self.findings)
    }
}

/// Returns the warning about keys that the policy does not allow. They keep working.
fn beyond_policy(keys: &MemoryStore) -> Option<KeyFileWarning> {
    let policy = keys.policy();
    if policy == Policy::new() {
        return None;
    }
    let mut beyond = keys.list_keys(None).ok()?;
    beyond.retain(|key| !policy.allows(key));
    let (first, count) = (beyond.first()?.key_id, beyond.len());
    Some(KeyFileWarning::new(WarningKind::BeyondPolicy { count, first }, None))
}

const KEY_AND_CLIENT: &str = "write each key on its own line, as `KEY: client name`";
