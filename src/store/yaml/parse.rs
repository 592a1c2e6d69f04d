use zeroize::Zeroizing;

use super::error::{Fault, FaultKind, Place, WarningKind, YamlWarning};
use super::events::{Events, Node, Text};
use crate::digest::KeyDigest;
use crate::key::{self, KeyError, MAX_KEY_BYTES, Strength, UnusableKey};
use crate::profile::{ClientProfile, ProfileError};
use crate::record::KeyRecord;
use crate::store::MemoryStore;
use crate::store::memory::Bulk;

/// The client of the key in `api_key`.
const DEFAULT_CLIENT: &str = "default";

const FIELDS: [&str; 3] = ["api_key", "api_keys", "allow_weak_keys"];

/// Turns the text of a key file into a store. One pass over the events of the parser, whose scalars
/// borrow from the text, so that no copy of a key is made on the way to its digest.
pub(super) fn parse(text: &str) -> Result<(MemoryStore, Vec<YamlWarning>), Fault> {
    let mut events = Events::new(text);
    let mut file = File::default();
    if let Some(root) = events.root()? {
        file.read(&root, &mut events)?;
        events.end()?;
    }
    file.finish()
}

/// What has been read of the file so far.
struct File {
    keys: Bulk<Place>,
    /// The first key that is too short.
    weak: Option<Place>,
    warnings: Vec<YamlWarning>,
    allow_weak: bool,
    /// Where each of `FIELDS` was seen.
    seen: [Option<Place>; FIELDS.len()],
}

impl Default for File {
    fn default() -> Self {
        Self {
            keys: Bulk::new(),
            weak: None,
            warnings: Vec::new(),
            allow_weak: false,
            seen: [None; FIELDS.len()],
        }
    }
}

impl File {
    fn read(&mut self, root: &Node<'_>, events: &mut Events<'_>) -> Result<(), Fault> {
        root.mapping(
            "a mapping",
            "the file begins with `api_keys:`, and its keys are indented below, as `KEY: client name`",
        )?;
        while let Some(field) = events.entry()? {
            let place = field.place;
            let name = field.text("the name of a field", "use `api_keys`")?;
            let known = FIELDS.iter().position(|known| **known == *name);
            let index = known
                .ok_or_else(|| FaultKind::UnknownField { nearest: nearest(&name) }.at(place))?;
            if let Some(first) = self.seen[index].replace(place) {
                return Err(
                    FaultKind::SecondField { field: FIELDS[index], first: first.line }.at(place)
                );
            }
            let value = events.node()?;
            match FIELDS[index] {
                "api_key" => {
                    let place = value.place;
                    let key = value.key("write `api_key: KEY`")?;
                    self.add(&key, place, DEFAULT_CLIENT, place)?;
                }
                "api_keys" if value.is_null() => {}
                "api_keys" => self.read_keys(&value, events)?,
                _ => self.allow_weak = value.boolean()?,
            }
        }
        Ok(())
    }

    fn read_keys(&mut self, value: &Node<'_>, events: &mut Events<'_>) -> Result<(), Fault> {
        let way_out = "write each key on a line of its own, as `KEY: client name`";
        // YAML itself has an end to how long a key may be, and takes a longer one for a value.
        if value.is_longer_than(MAX_KEY_BYTES) {
            return Err(FaultKind::Key(UnusableKey::TooLong.into()).at(value.place));
        }
        value.mapping("a mapping of keys to client names", way_out)?;
        while let Some(key) = events.entry()? {
            let key_place = key.place;
            let key = key.key(way_out)?;
            let client = events.node()?;
            let client_place = client.place;
            if client.is_null() {
                return Err(FaultKind::NoClient.at(key_place));
            }
            let client = client.text("the name of a client", way_out)?;
            self.add(&key, key_place, &client, client_place)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        key: &Text<'_>,
        place: Place,
        client: &str,
        client_place: Place,
    ) -> Result<(), Fault> {
        let key = key.as_bytes();
        let strength = key::check(key).map_err(|unusable| {
            let kind = match unusable {
                UnusableKey::Empty => FaultKind::EmptyKey,
                unusable => FaultKind::Key(unusable.into()),
            };
            kind.at(place)
        })?;
        if strength == Strength::Weak {
            self.weak.get_or_insert(place);
            self.warnings.push(YamlWarning::new(WarningKind::WeakKey, Some(place)));
        }
        if looks_like_key(client) {
            self.warnings.push(YamlWarning::new(WarningKind::NameLikeKey, Some(client_place)));
        }
        let record = KeyRecord::new(KeyDigest::of(key), ClientProfile::new(client));
        self.keys.push(record, place).map_err(|error| {
            let kind = match error {
                KeyError::Profile(ProfileError::NoName) => FaultKind::NoClient,
                error => FaultKind::Key(error),
            };
            kind.at(client_place)
        })
    }

    fn finish(self) -> Result<(MemoryStore, Vec<YamlWarning>), Fault> {
        if let (false, Some(first)) = (self.allow_weak, self.weak) {
            return Err(FaultKind::WeakKey.at(first));
        }
        let keys = self.keys.finish().map_err(|conflict| {
            let [first, second] = conflict.places;
            let first = first.line;
            let kind = if conflict.same_key {
                FaultKind::SecondKey { first }
            } else {
                FaultKind::SameId { first }
            };
            kind.at(second)
        })?;
        let mut warnings = self.warnings;
        if keys.is_empty() {
            warnings.push(YamlWarning::new(WarningKind::NoKeys, None));
        }
        Ok((keys, warnings))
    }
}

/// Whether a text is as long and as mixed as a key and hardly a name: a key and its client that stand
/// the wrong way round would make a secret of the name, and show the key wherever names are shown.
fn looks_like_key(name: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| name.as_bytes().iter().any(kind);
    name.len() >= 32
        && !name.contains(' ')
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
}

/// The field that was meant, or the one that most files need where nothing is near.
fn nearest(field: &str) -> &'static str {
    const MOST: &str = "api_keys";
    // What is longer than this is a key, and comparing it takes a hundred times as long as reading.
    if field.len() > 24 {
        return MOST;
    }
    let field = Zeroizing::new(field.to_ascii_lowercase());
    let distances = FIELDS.map(|known| (strsim::damerau_levenshtein(&field, known), known));
    let near = distances.into_iter().filter(|(distance, _)| distance * 3 < field.len() * 2);
    near.min().map_or(MOST, |(_, known)| known)
}
