use std::fmt;

use super::{ClientQuery, EventQuery, KeyQuery, KeySort};
use crate::key::{KeyId, Timestamp};
use crate::manage::{ClientInfo, KeyInfo, ManageError};

/// The position of a row in its list. Positions sort like rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) list: List,
    pub(crate) name: String,
    pub(crate) number: u64,
    pub(crate) key_id: Option<KeyId>,
}

/// A list and its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum List {
    Clients,
    KeysByClient,
    KeysByCreated,
    KeysByExpires,
    Events,
}

impl List {
    fn letter(self) -> char {
        match self {
            Self::Clients => 'n',
            Self::KeysByClient => 'k',
            Self::KeysByCreated => 'c',
            Self::KeysByExpires => 'e',
            Self::Events => 'v',
        }
    }

    fn has_keys(self) -> bool {
        match self {
            Self::KeysByClient | Self::KeysByCreated | Self::KeysByExpires => true,
            Self::Clients | Self::Events => false,
        }
    }
}

impl From<KeySort> for List {
    fn from(sort: KeySort) -> Self {
        match sort {
            KeySort::Client => Self::KeysByClient,
            KeySort::Created => Self::KeysByCreated,
            KeySort::Expires => Self::KeysByExpires,
        }
    }
}

impl Position {
    pub(crate) fn of_client(name: impl Into<String>) -> Self {
        Self { list: List::Clients, name: name.into(), number: 0, key_id: None }
    }

    /// The position of a key with this client, this time of the order, and this id.
    pub(crate) fn of_key(sort: KeySort, client: &str, time: Timestamp, key_id: KeyId) -> Self {
        let name = if sort == KeySort::Client { client } else { "" }.to_owned();
        Self { list: sort.into(), name, number: time.micros(), key_id: Some(key_id) }
    }

    /// The position of an event with this number in its store, and this time in the form of the store.
    pub(crate) fn of_event(number: u64, time: String) -> Self {
        Self { list: List::Events, name: time, number, key_id: None }
    }

    /// Parses the text of a cursor of this list.
    pub(crate) fn parse(list: List, text: &str) -> Result<Self, ManageError> {
        parse(list, text).ok_or(ManageError::InvalidCursor)
    }

    /// Returns the time of the order.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn time(&self) -> Timestamp {
        Timestamp::from_micros(self.number).unwrap_or(Timestamp::LAST)
    }
}

/// The time by which a key is sorted. Keys without it come last if sorted by expiry, and first otherwise.
fn time(sort: KeySort, key: &KeyInfo) -> Timestamp {
    let (time, none) = match sort {
        KeySort::Client | KeySort::Created => (key.created, Timestamp::FIRST),
        KeySort::Expires => (key.expires(), Timestamp::LAST),
    };
    time.map_or(none, Timestamp::nearest)
}

impl From<&ClientInfo> for Position {
    fn from(client: &ClientInfo) -> Self {
        Self::of_client(client.profile.name())
    }
}

impl From<(KeySort, &KeyInfo)> for Position {
    fn from((sort, key): (KeySort, &KeyInfo)) -> Self {
        Self::of_key(sort, &key.client, time(sort, key), key.key_id)
    }
}

impl ClientQuery {
    /// Returns the position that the page begins behind.
    pub(crate) fn position(&self) -> Result<Option<Position>, ManageError> {
        let after = self.paging.after.as_deref();
        after.map(|text| Position::parse(List::Clients, text)).transpose()
    }
}

impl KeyQuery {
    /// Returns the position that the page begins behind.
    pub(crate) fn position(&self) -> Result<Option<Position>, ManageError> {
        let after = self.paging.after.as_deref();
        after.map(|text| Position::parse(self.sort.into(), text)).transpose()
    }
}

impl EventQuery {
    /// Returns the position that the page begins behind.
    pub(crate) fn position(&self) -> Result<Option<Position>, ManageError> {
        let after = self.paging.after.as_deref();
        after.map(|text| Position::parse(List::Events, text)).transpose()
    }
}

/// Writes the text of a cursor, which fits into a URL.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { list, name, number, key_id } = self;
        write!(f, "{}-{number:x}-", list.letter())?;
        if let Some(key_id) = key_id {
            key_id.fmt(f)?;
        }
        f.write_str("-")?;
        name.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn parse(list: List, text: &str) -> Option<Position> {
    let mut parts = text.split('-');
    let mut part = || parts.next();
    let (letter, number, key_id, name) = (part()?, part()?, part()?, part()?);
    let mut position = Position { list, name: String::new(), number: 0, key_id: None };
    position.number = u64::from_str_radix(number, 16).ok()?;
    if list.has_keys() {
        position.key_id = Some(key_id.parse().ok()?);
    }
    let digits = name.as_bytes().chunks(2).map(|digits| std::str::from_utf8(digits).ok());
    let bytes = digits.map(|digits| u8::from_str_radix(digits?, 16).ok());
    position.name = String::from_utf8(bytes.collect::<Option<_>>()?).ok()?;
    // Only the exact text that `Display` writes is accepted.
    (letter.starts_with(list.letter()) && position.to_string() == text).then_some(position)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LISTS: [List; 5] =
        [List::Clients, List::KeysByClient, List::KeysByCreated, List::KeysByExpires, List::Events];

    proptest! {
        #[test]
        fn cursor_parses_to_the_same_position(
            list in 0..5_usize, name in ".{0,8}", number: u64, id: u64,
        ) {
            let list = LISTS[list];
            let key_id = list.has_keys().then(|| format!("{id:016x}").parse().unwrap());
            let position = Position { list, name, number, key_id };
            let text = position.to_string();
            prop_assert_eq!(Position::parse(list, &text).unwrap(), position);
            for other in LISTS.into_iter().filter(|other| *other != list) {
                prop_assert!(Position::parse(other, &text).is_err());
            }
        }

        #[test]
        fn any_other_text_is_refused(text in "[nkcev]?-?[0-9a-fA-F+é]{0,20}(-.{0,20}){0,3}") {
            for list in LISTS {
                if let Ok(position) = Position::parse(list, &text) {
                    prop_assert_eq!(position.to_string(), &*text);
                }
            }
        }
    }
}
