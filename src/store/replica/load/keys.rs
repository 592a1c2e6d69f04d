use std::mem;

use super::ordered::OrderedClients;
use crate::key::{KeyDigest, PackedStatus};
use crate::store::postgres::columns::Columns;
use crate::store::replica::clients::{ClientState, Clients, HashedName};
use crate::store::replica::refused_keys::RefusedKeys;
use crate::store::replica::rows::{KeyRow, LoadedKey};
use crate::store::table::BucketSort;

/// Collects the keys during a load, each with its client.
pub(super) struct KeyLoader<'a> {
    clients: &'a Clients,
    ordered: OrderedClients,
    batch: Batch,
    sort: BucketSort,
    refused: RefusedKeys,
}

/// Keys whose clients are looked up together: see [`Clients::get_all`].
#[derive(Default)]
struct Batch {
    keys: Vec<BatchKey>,
    /// The names of their clients, concatenated.
    names: String,
}

struct BatchKey {
    digest: KeyDigest,
    status: PackedStatus,
    hash: u64,
    /// The end of the client's name in `names`.
    end: usize,
}

const BATCH: usize = 256;

impl<'a> KeyLoader<'a> {
    pub(super) fn new(clients: &'a Clients, ordered: OrderedClients) -> Self {
        Self {
            clients,
            ordered,
            batch: Batch::default(),
            sort: BucketSort::new(),
            refused: RefusedKeys::default(),
        }
    }

    pub(super) fn insert(&mut self, row: &impl Columns) {
        let key = match KeyRow::read(row) {
            Ok(key) => key,
            Err((digest, bad)) => return self.refused.add(digest, bad),
        };
        if let Some(profile) = self.ordered.find(key.client) {
            let key = key.with_client(Some(Ok(ClientState { profile, enabled: true })));
            return self.add(key);
        }
        self.batch.push(&key, self.clients.hash(key.client));
        if self.batch.keys.len() == BATCH {
            self.add_batch();
        }
    }

    fn add_batch(&mut self) {
        let mut batch = mem::take(&mut self.batch);
        let clients = self.clients.get_all(batch.names());
        for (key, client) in batch.rows().zip(clients) {
            self.add(key.with_client(client));
        }
        batch.keys.clear();
        batch.names.clear();
        self.batch = batch;
    }

    fn add(&mut self, key: LoadedKey) {
        match key {
            LoadedKey::Valid(row, status) => self.sort.push(row, status),
            LoadedKey::Invalid(digest, bad) => self.refused.add(digest, bad),
            LoadedKey::NoClient(digest) => self.refused.add_without_client(digest),
        }
    }

    pub(super) fn finish(mut self) -> (BucketSort, RefusedKeys) {
        self.add_batch();
        (self.sort, self.refused)
    }
}

impl Batch {
    fn push(&mut self, key: &KeyRow<'_>, hash: u64) {
        self.names.push_str(key.client);
        let (digest, status, end) = (key.digest, key.status, self.names.len());
        self.keys.push(BatchKey { digest, status, hash, end });
    }

    fn iter(&self) -> impl Iterator<Item = (&BatchKey, &str)> + Clone {
        let mut start = 0;
        self.keys.iter().map(move |key| {
            let name = &self.names[start..key.end];
            start = key.end;
            (key, name)
        })
    }

    fn names(&self) -> impl Iterator<Item = HashedName<'_>> + Clone {
        self.iter().map(|(key, name)| HashedName { name, hash: key.hash })
    }

    fn rows(&self) -> impl Iterator<Item = KeyRow<'_>> {
        self.iter().map(|(key, client)| KeyRow { digest: key.digest, client, status: key.status })
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::collections::BTreeMap;

    use super::*;
    use crate::client::ClientProfile;
    use crate::key::KeyState;
    use crate::store::postgres::columns::{ColumnError, Micros};
    use crate::store::replica::load::clients::ClientLoader;
    use crate::store::sql::{BadRow, ClientRow};

    /// The row of a key whose client has the same number.
    struct TestRow {
        digest: KeyDigest,
        bytes: [u8; 32],
        client: String,
        revoked: Option<Micros>,
    }

    impl TestRow {
        fn new(number: usize) -> Self {
            let digest = KeyDigest::of(&number.to_be_bytes());
            let revoked = (number % 10 == 7).then(|| Micros::from_server(0));
            Self { digest, bytes: digest.to_bytes(), client: number.to_string(), revoked }
        }
    }

    impl Columns for TestRow {
        fn bytes(&self, place: usize) -> Result<Option<Cow<'_, [u8]>>, ColumnError> {
            if place == 0 { Ok(Some(Cow::Borrowed(&self.bytes))) } else { Err(ColumnError) }
        }

        fn text(&self, place: usize) -> Result<Option<&str>, ColumnError> {
            [None, Some("sha256"), Some(&*self.client)].get(place).copied().ok_or(ColumnError)
        }

        fn texts(&self, _: usize) -> Result<Option<Vec<String>>, ColumnError> {
            Err(ColumnError)
        }

        fn flag(&self, _: usize) -> Result<Option<bool>, ColumnError> {
            Err(ColumnError)
        }

        fn micros(&self, place: usize) -> Result<Option<Micros>, ColumnError> {
            Ok(if place == 4 { self.revoked } else { None })
        }
    }

    const KEYS: usize = 20_011;

    /// Of ten clients, one does not exist, one has an invalid row, one is disabled, and the key of one is
    /// revoked.
    fn state(number: usize) -> Option<KeyState> {
        match number % 10 {
            2 | 3 => None,
            4 => Some(KeyState::Disabled),
            7 => Some(KeyState::Revoked),
            _ => Some(KeyState::Active),
        }
    }

    fn clients() -> (Clients, OrderedClients) {
        let mut loader = ClientLoader::with_capacity(KEYS);
        for number in (0..KEYS).filter(|number| number % 10 != 2) {
            let profile = ClientProfile::new(number.to_string());
            let row = if number % 10 == 3 {
                Err(BadRow::client("?", "it is invalid"))
            } else {
                Ok(ClientRow { profile, enabled: number % 10 != 4 })
            };
            loader.insert(&number.to_string(), row);
        }
        loader.finish()
    }

    #[test]
    fn keys_find_their_clients_in_any_order() {
        for step in [1, 5, KEYS - 1, 7919] {
            let (clients, ordered) = clients();
            let mut loader = KeyLoader::new(&clients, ordered);
            let mut expected = BTreeMap::new();
            let mut refused_digests = Vec::new();
            for number in (0..KEYS).map(|number| number * step % KEYS) {
                let row = TestRow::new(number);
                loader.insert(&row);
                match state(number) {
                    Some(state) => _ = expected.insert(row.digest.to_bytes(), (number, state)),
                    None => refused_digests.push(row.digest),
                }
            }
            let (sort, mut refused) = loader.finish();
            let refused = refused.take_changed().unwrap();
            assert_eq!(refused.len(), refused_digests.len());
            assert!(refused_digests.iter().all(|digest| refused.contains(digest)));
            assert_eq!(sort.len(), expected.len());
            for (row, status) in sort.sorted().flatten() {
                let (number, state) = expected[&row.digest.to_bytes()];
                assert_eq!((row.profile.name(), status.state()), (&*number.to_string(), state));
            }
        }
    }
}
