use super::error::{WarningKind, YamlWarning};
use super::events::{Events, Node, Text};
use super::fault::{Fault, FaultKind, Position};
use super::text::{YamlText, YamlTextKind};
use crate::client::{ClientProfile, ProfileError};
use crate::key::{
    self, KeyDigest, KeyId, MAX_KEY_BYTES, Strength, UnusableKey, WeakKey, look_swapped,
    looks_like_key,
};
use crate::manage::KeyError;
use crate::store::memory::Bulk;
use crate::store::{KeyRecord, MemoryStore};

mod clients;
mod fields;
mod values;

use clients::Clients;
use fields::Fields;

/// The client of the key in `api_key`.
pub(super) const DEFAULT_CLIENT: &str = "default";

/// The newest form of the file that is known here.
const VERSION: u32 = 1;

const ROOT: Fields = Fields {
    known: &["api_key", "api_keys", "allow_weak_keys", "version", "clients"],
    most: "api_keys",
    way_out: "keys stand indented below `api_keys:`, as `KEY: client name`",
};

/// What stands in a key file.
pub(super) struct Parsed {
    pub(super) keys: MemoryStore,
    pub(super) warnings: Vec<YamlWarning>,
    /// How many keys stand there as they are, and not as digests.
    pub(super) plain: usize,
}

/// What is wrong with a text that cannot be loaded, and what is weak in it besides.
pub(super) struct Unloaded {
    pub(super) faults: Vec<Fault>,
    pub(super) warnings: Vec<YamlWarning>,
    pub(super) plain: usize,
}

/// Turns the text of a key file into a store. One pass over the events of the parser, whose scalars
/// borrow from the text, so that no copy of a key is made on the way to its digest.
pub(super) fn parse(text: &str) -> Result<Parsed, Fault> {
    let mut rule = |_: YamlText<'_>| {};
    let mut file = File::new(Faults { first_only: true, found: Vec::new() }, &mut rule);
    file.read_all(&mut Events::new(text))?;
    file.finish().map_err(|mut unloaded| unloaded.faults.swap_remove(0))
}

/// All that is wrong in the text of a key file, up to where it is no YAML any more.
pub(super) fn lint(text: &str, rule: Rule<'_>) -> Result<Parsed, Unloaded> {
    let mut file = File::new(Faults { first_only: false, found: Vec::new() }, rule);
    if let Err(last) = file.read_all(&mut Events::new(text)) {
        file.faults.found.push(last);
    }
    file.finish()
}

/// A rule of the caller, to which each key and name is passed.
type Rule<'r> = &'r mut dyn FnMut(YamlText<'_>);

/// Where faults go: back to the caller at once, or on a list.
struct Faults {
    first_only: bool,
    found: Vec<Fault>,
}

impl Faults {
    fn take(&mut self, result: Result<(), Fault>) -> Result<(), Fault> {
        match result {
            Err(fault) if !self.first_only => self.found.push(fault),
            result => return result,
        }
        Ok(())
    }
}

/// What has been read of the file so far.
struct File<'r> {
    keys: Bulk<Position>,
    clients: Clients,
    plain: usize,
    /// The ids that stand behind `replaced_by`.
    successors: Vec<(KeyId, Position)>,
    weak: Vec<(WeakKey, Position)>,
    warnings: Vec<YamlWarning>,
    allow_weak: bool,
    faults: Faults,
    rule: Rule<'r>,
}

impl<'r> File<'r> {
    fn new(faults: Faults, rule: Rule<'r>) -> Self {
        Self {
            keys: Bulk::new(),
            clients: Clients::default(),
            plain: 0,
            successors: Vec::new(),
            weak: Vec::new(),
            warnings: Vec::new(),
            allow_weak: false,
            faults,
            rule,
        }
    }

    fn read_all(&mut self, events: &mut Events<'_>) -> Result<(), Fault> {
        if let Some(root) = events.root()? {
            root.mapping(
                "a mapping",
                "the file begins with `api_keys:`, and its keys are indented below, as `KEY: client name`",
            )?;
            self.read(events)?;
            events.end()?;
        }
        Ok(())
    }

    fn read(&mut self, events: &mut Events<'_>) -> Result<(), Fault> {
        let mut seen = ROOT.seen();
        while let Some((field, value)) = events.pair("the name of a field", ROOT.way_out)? {
            let depth = events.depth_before(&value);
            let result = seen.name(field).and_then(|name| self.read_field(name, value, events));
            self.faults.take(result)?;
            events.leave(depth)?;
        }
        Ok(())
    }

    fn read_field(
        &mut self,
        name: &str,
        value: Node<'_>,
        events: &mut Events<'_>,
    ) -> Result<(), Fault> {
        match name {
            "api_key" => {
                let place = value.place;
                let key = value.text("a key", "write `api_key: KEY`")?;
                self.add(&key, place, DEFAULT_CLIENT, place)
            }
            "api_keys" | "clients" if value.is_null() => Ok(()),
            "api_keys" => self.read_keys(&value, events),
            "allow_weak_keys" => value.boolean().map(|allow| self.allow_weak = allow),
            "version" => check_version(value),
            _ => self.read_clients(&value, events),
        }
    }

    fn read_keys(&mut self, value: &Node<'_>, events: &mut Events<'_>) -> Result<(), Fault> {
        // YAML itself has an end to how long a key may be, and takes a longer one for a value.
        if value.is_longer_than(MAX_KEY_BYTES) {
            return Err(FaultKind::Key(UnusableKey::TooLong.into()).at(value.place));
        }
        value.mapping("a mapping of keys to client names", KEY_AND_CLIENT)?;
        while let Some((key, client)) = events.pair("a key", KEY_AND_CLIENT)? {
            let depth = events.depth_before(&client);
            let result = self.read_key(key, client);
            self.faults.take(result)?;
            events.leave(depth)?;
        }
        Ok(())
    }

    fn read_key(&mut self, key: Node<'_>, client: Node<'_>) -> Result<(), Fault> {
        let (key_place, client_place) = (key.place, client.place);
        let key = key.text("a key", KEY_AND_CLIENT)?;
        if client.is_null() {
            return Err(FaultKind::NoClient.at(key_place));
        }
        let client = client.text("the name of a client", KEY_AND_CLIENT)?;
        self.add(&key, key_place, &client, client_place)
    }

    fn add(
        &mut self,
        key: &Text<'_>,
        place: Position,
        client: &str,
        client_place: Position,
    ) -> Result<(), Fault> {
        self.show(YamlTextKind::Key, key, place);
        if client_place != place {
            self.show(YamlTextKind::ClientName, client, client_place);
        }
        let key = key.as_bytes();
        let strength = key::check(key).map_err(|unusable| {
            let kind = match unusable {
                UnusableKey::Empty => FaultKind::EmptyKey,
                unusable => FaultKind::Key(unusable.into()),
            };
            kind.at(place)
        })?;
        match strength {
            Strength::Weak(why) => self.weak.push((why, place)),
            _ if look_swapped(key, client) => self.warn(WarningKind::Swapped, client_place),
            _ if looks_like_key(client) => self.warn(WarningKind::NameLikeKey, client_place),
            Strength::Low => self.warn(WarningKind::LowKey, place),
            Strength::Fair => {}
        }
        self.plain += 1;
        let record = KeyRecord::new(KeyDigest::of(key), ClientProfile::new(client));
        self.keys.push(record, place).map_err(|error| {
            let kind = match error {
                KeyError::Profile(ProfileError::NoName) => FaultKind::NoClient,
                error => FaultKind::Key(error),
            };
            kind.at(client_place)
        })
    }

    fn show(&mut self, kind: YamlTextKind, text: &str, place: Position) {
        let (line, column) = (place.line as usize, place.column as usize);
        (self.rule)(YamlText { kind, text, line, column });
    }

    fn warn(&mut self, kind: WarningKind, place: Position) {
        self.warnings.push(YamlWarning::new(kind, Some(place)));
    }

    fn finish(mut self) -> Result<Parsed, Unloaded> {
        let mut faults = self.faults.found;
        for (why, place) in self.weak {
            if self.allow_weak {
                self.warnings.push(YamlWarning::new(WarningKind::WeakKey(why), Some(place)));
            } else {
                faults.push(FaultKind::WeakKey(why).at(place));
            }
        }
        // In the order of the file.
        self.warnings.sort_by_key(YamlWarning::place);
        self.clients.declare(&mut self.keys);
        match self.keys.finish() {
            Ok(keys) if faults.is_empty() => {
                let unknown =
                    self.successors.iter().filter(|(id, _)| keys.digest_of(*id).is_none());
                let unknown = unknown.map(|(_, place)| {
                    YamlWarning::new(WarningKind::UnknownSuccessor, Some(*place))
                });
                self.warnings.extend(unknown);
                self.warnings.sort_by_key(YamlWarning::place);
                if keys.is_empty() {
                    self.warnings.push(YamlWarning::new(WarningKind::NoKeys, None));
                }
                return Ok(Parsed { keys, warnings: self.warnings, plain: self.plain });
            }
            Ok(_) => {}
            Err(conflicts) => faults.extend(conflicts.into_iter().map(|conflict| {
                let [first, second] = conflict.places;
                let first = first.line;
                let kind = if conflict.same_key {
                    FaultKind::SecondKey { first }
                } else {
                    FaultKind::SameId { first }
                };
                kind.at(second)
            })),
        }
        faults.sort_by_key(Fault::place);
        Err(Unloaded { faults, warnings: self.warnings, plain: self.plain })
    }
}

const KEY_AND_CLIENT: &str = "write each key on a line of its own, as `KEY: client name`";

fn check_version(value: Node<'_>) -> Result<(), Fault> {
    let place = value.place;
    let (expected, way_out) = ("a whole number", "write `version: 1`, or remove the line");
    let wrong = value.wrong_type(expected, way_out);
    match value.text(expected, way_out)?.parse::<u32>() {
        Ok(1..=VERSION) => Ok(()),
        Ok(VERSION..) => Err(FaultKind::Version { known: VERSION }.at(place)),
        _ => Err(wrong),
    }
}
