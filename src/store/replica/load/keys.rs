use std::mem;

use crate::key::{KeyDigest, PackedStatus};
use crate::store::postgres::columns::Columns;
use crate::store::replica::clients::{Asked, Clients, Order, Seen};
use crate::store::replica::refused::Refused;
use crate::store::replica::rows::{self, Key, Unowned};
use crate::store::table::BucketSort;

/// The keys that are being loaded, each with its client.
pub(super) struct LoadingKeys<'a> {
    clients: &'a Clients,
    order: Order,
    waiting: Waiting,
    gather: BucketSort,
    refused: Refused,
}

/// Keys whose clients are looked for together: see [`Clients::get_all`].
#[derive(Default)]
struct Waiting {
    keys: Vec<WaitingKey>,
    /// Those of their clients, one behind the other.
    names: String,
}

struct WaitingKey {
    digest: KeyDigest,
    mark: PackedStatus,
    hash: u64,
    /// Where the name of its client ends.
    end: usize,
}

const TOGETHER: usize = 256;

impl<'a> LoadingKeys<'a> {
    pub(super) fn new(clients: &'a Clients, order: Order) -> Self {
        Self {
            clients,
            order,
            waiting: Waiting::default(),
            gather: BucketSort::new(),
            refused: Refused::default(),
        }
    }

    pub(super) fn push(&mut self, row: &impl Columns) {
        let key = match rows::unowned(row) {
            Ok(key) => key,
            Err((digest, bad)) => return self.refused.add(digest, bad),
        };
        if let Some(profile) = self.order.find(key.client) {
            let key = key.of(Some(Ok(Seen { profile, enabled: true })));
            return self.file(key);
        }
        self.waiting.push(&key, self.clients.hash(key.client));
        if self.waiting.keys.len() == TOGETHER {
            self.file_waiting();
        }
    }

    fn file_waiting(&mut self) {
        let mut waiting = mem::take(&mut self.waiting);
        let clients = self.clients.get_all(waiting.asked());
        for (key, client) in waiting.unowned().zip(clients) {
            self.file(key.of(client));
        }
        waiting.keys.clear();
        waiting.names.clear();
        self.waiting = waiting;
    }

    fn file(&mut self, key: Key) {
        match key {
            Key::Good(row, mark) => self.gather.push(row, mark),
            Key::Bad(digest, bad) => self.refused.add(digest, bad),
            Key::Unknown(digest) => self.refused.add_orphan(digest),
        }
    }

    pub(super) fn end(mut self) -> (BucketSort, Refused) {
        self.file_waiting();
        (self.gather, self.refused)
    }
}

impl Waiting {
    fn push(&mut self, key: &Unowned<'_>, hash: u64) {
        self.names.push_str(key.client);
        let (digest, mark, end) = (key.digest, key.mark, self.names.len());
        self.keys.push(WaitingKey { digest, mark, hash, end });
    }

    fn named(&self) -> impl Iterator<Item = (&WaitingKey, &str)> + Clone {
        let mut start = 0;
        self.keys.iter().map(move |key| {
            let name = &self.names[start..key.end];
            start = key.end;
            (key, name)
        })
    }

    fn asked(&self) -> impl Iterator<Item = Asked<'_>> + Clone {
        self.named().map(|(key, name)| Asked { name, hash: key.hash })
    }

    fn unowned(&self) -> impl Iterator<Item = Unowned<'_>> {
        let unowned = |(key, client): (&WaitingKey, _)| {
            let WaitingKey { digest, mark, .. } = *key;
            Unowned { digest, client, mark }
        };
        self.named().map(unowned)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::collections::BTreeMap;

    use super::*;
    use crate::client::ClientProfile;
    use crate::key::KeyState;
    use crate::store::postgres::columns::{Micros, Unread};
    use crate::store::replica::clients::Loading;
    use crate::store::sql::{BadRow, ClientRow};

    /// That of the key with this number, of the client with the same one.
    struct KeyRow {
        digest: KeyDigest,
        bytes: [u8; 32],
        client: String,
        revoked: Option<Micros>,
    }

    impl KeyRow {
        fn of(number: usize) -> Self {
            let digest = KeyDigest::of(&number.to_be_bytes());
            let revoked = (number % 10 == 7).then(|| Micros::from_server(0));
            Self { digest, bytes: digest.to_bytes(), client: number.to_string(), revoked }
        }
    }

    impl Columns for KeyRow {
        fn bytes(&self, place: usize) -> Result<Option<Cow<'_, [u8]>>, Unread> {
            if place == 0 { Ok(Some(Cow::Borrowed(&self.bytes))) } else { Err(Unread) }
        }

        fn text(&self, place: usize) -> Result<Option<&str>, Unread> {
            [None, Some("sha256"), Some(&*self.client)].get(place).copied().ok_or(Unread)
        }

        fn texts(&self, _: usize) -> Result<Option<Vec<String>>, Unread> {
            Err(Unread)
        }

        fn flag(&self, _: usize) -> Result<Option<bool>, Unread> {
            Err(Unread)
        }

        fn micros(&self, place: usize) -> Result<Option<Micros>, Unread> {
            Ok(if place == 4 { self.revoked } else { None })
        }
    }

    const KEYS: usize = 20_011;

    /// The keys of every tenth client are refused, as its row is spoilt; those of another tenth have no
    /// client; another tenth of clients are disabled.
    fn state(number: usize) -> Option<KeyState> {
        match number % 10 {
            2 | 3 => None,
            4 => Some(KeyState::Disabled),
            7 => Some(KeyState::Revoked),
            _ => Some(KeyState::Active),
        }
    }

    fn clients() -> (Clients, Order) {
        let mut loading = Loading::with_room(KEYS);
        for number in (0..KEYS).filter(|number| number % 10 != 2) {
            let profile = ClientProfile::new(number.to_string());
            let row = if number % 10 == 3 {
                Err(BadRow::client("?", "it is spoilt"))
            } else {
                Ok(ClientRow { profile, enabled: number % 10 != 4 })
            };
            loading.put(&number.to_string(), row);
        }
        loading.end()
    }

    #[test]
    fn keys_find_their_clients_in_whatever_order() {
        for step in [1, 5, KEYS - 1, 7919] {
            let (clients, order) = clients();
            let mut loading = LoadingKeys::new(&clients, order);
            let mut expected = BTreeMap::new();
            let mut refused_ones = Vec::new();
            for number in (0..KEYS).map(|number| number * step % KEYS) {
                let row = KeyRow::of(number);
                loading.push(&row);
                match state(number) {
                    Some(state) => _ = expected.insert(row.digest.to_bytes(), (number, state)),
                    None => refused_ones.push(row.digest),
                }
            }
            let (gather, mut refused) = loading.end();
            let refused = refused.changed().unwrap();
            assert_eq!(refused.len(), refused_ones.len());
            assert!(refused_ones.iter().all(|digest| refused.contains(digest)));
            assert_eq!(gather.len(), expected.len());
            for (row, mark) in gather.sorted().flatten() {
                let (number, state) = expected[&row.digest.to_bytes()];
                assert_eq!((row.profile.name(), mark.state()), (&*number.to_string(), state));
            }
        }
    }
}
