use std::fmt;
use std::ops::Deref;
use std::time::{Duration, SystemTime};

use crate::client::ClientProfile;
use crate::key::{KeyDigest, KeyId};
use crate::manage::{
    BoxFuture, ClientChange, ClientInfo, KeyChange, KeyInfo, ManageError, ManageKeys, NewKey,
    PurgeKeys, Rotated,
};
use crate::store::KeyStore;
use crate::testing::case::{Case, is_same_microsecond};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Fewer hexadecimal digits than in a digest, and more than in the two ids of a rotation.
const DIGITS: usize = 40;

pub(super) type Change<'a, T> = BoxFuture<'a, Result<T, ManageError>>;
/// Everything that a store lists.
type Contents = (Vec<ClientInfo>, Vec<KeyInfo>);

/// A store that can be tested by this suite.
pub(in crate::testing) trait Managed: KeyStore + ManageKeys {}

impl<S: KeyStore + ManageKeys> Managed for S {}

/// The text of a key. The store only gets its digest.
pub(super) struct Key(String);

impl Deref for Key {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Key {
    /// A key whose text is derived from a description.
    pub(super) fn of(what: &str) -> Self {
        Self(format!("suite_{}", KeyDigest::of(what.as_bytes()).to_text()))
    }

    pub(super) fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.as_bytes())
    }

    pub(super) fn id(&self) -> KeyId {
        self.digest().key_id()
    }

    pub(super) fn to_new(&self) -> NewKey {
        NewKey::new(self.digest())
    }

    /// Another digest with the same id.
    pub(super) fn with_same_id(&self) -> NewKey {
        let mut bytes = self.digest().to_bytes();
        bytes[31] ^= 1;
        NewKey::new(KeyDigest::from_bytes(bytes))
    }
}

impl<S: Managed> Case<S> {
    /// Returns the result of a change or list, which must not contain a digest: it may be logged.
    pub(super) async fn result<T: fmt::Debug>(
        &self,
        what: &str,
        change: impl Future<Output = Result<T, ManageError>>,
    ) -> Result<T, ManageError> {
        let result = self.wait(what, change).await;
        assert!(!shows_a_digest(&format!("{result:?}")), "{self}: {what} shows a digest");
        result
    }

    /// Awaits a change or list that must succeed.
    pub(super) async fn done<T: fmt::Debug>(&self, what: &str, change: Change<'_, T>) -> T {
        let result = self.result(what, change).await;
        result.unwrap_or_else(|error| panic!("{self}: {what} failed: {error:?}"))
    }

    pub(super) async fn contents(&self) -> Contents {
        (self.clients().await, self.keys(None).await)
    }

    /// Checks that the store lists the same as before.
    pub(super) async fn lists_the_same(&self, what: &str, before: &Contents) {
        let is_same = self.contents().await == *before;
        assert!(is_same, "{self}: {what} changes the store");
    }

    pub(super) async fn clients(&self) -> Vec<ClientInfo> {
        self.done("listing the clients", self.store.list_clients()).await
    }

    pub(super) async fn keys(&self, client: Option<&str>) -> Vec<KeyInfo> {
        self.done("listing the keys", self.store.list_keys(client)).await
    }

    /// Returns a client from the list.
    pub(super) async fn client(&self, name: &str) -> ClientInfo {
        let known = self.clients().await.into_iter().find(|known| known.profile.name() == name);
        known.unwrap_or_else(|| panic!("{self}: the client {name} is not listed"))
    }

    /// Returns a key from the list.
    pub(super) async fn listed(&self, key: &Key) -> KeyInfo {
        let known = self.keys(None).await.into_iter().find(|known| known.key_id == key.id());
        known.unwrap_or_else(|| panic!("{self}: the key {} is not listed", key.id()))
    }

    /// Checks that a change returned a client with these facts, and that the store lists it.
    pub(super) async fn is_client(&self, what: &str, returned: &ClientInfo, expected: &ClientInfo) {
        assert!(returned == expected, "{self}: {what} is returned with other fields");
        let is_listed = self.clients().await.contains(expected);
        assert!(is_listed, "{self}: {what} is not listed with its fields");
    }

    /// Checks that a change returned a key with these facts, and that the store lists it.
    pub(super) async fn is_key(&self, what: &str, returned: &KeyInfo, expected: &KeyInfo) {
        assert_eq!(returned, expected, "{self}: the returned key {what}");
        let listed = self.keys(None).await.into_iter().find(|it| it.key_id == expected.key_id);
        assert_eq!(listed.as_ref(), Some(expected), "{self}: the listed key {what}");
    }

    /// Checks that handlers see this profile in requests with the key.
    pub(super) async fn shows(&self, what: &str, key: &Key, profile: &ClientProfile) {
        let is_seen = self.present(key).await.is_ok_and(|client| client.profile() == profile);
        assert!(is_seen, "{self}: a handler does not see the profile of {what}");
    }

    /// Checks an expiry, which a store may cut to the microsecond.
    pub(super) fn expires_at(&self, what: &str, key: &KeyInfo, expected: Option<SystemTime>) {
        let seen = key.expires();
        let is_kept = is_same_microsecond(expected, seen);
        assert!(is_kept, "{self}: {what}, the expiry {expected:?} is {seen:?}");
    }

    /// Checks a beginning, which a store may round up to the microsecond.
    pub(super) fn begins_at(&self, what: &str, key: &KeyInfo, expected: Option<SystemTime>) {
        let seen = key.not_before();
        let is_kept = is_same_microsecond(seen, expected);
        assert!(is_kept, "{self}: {what}, the beginning {expected:?} is {seen:?}");
    }

    /// Checks the time of a change that was just made, which a store may cut to the second.
    pub(super) fn is_now(&self, what: &str, seen: Option<SystemTime>) {
        assert!(is_same_second(seen, self.now()), "{self}: the {what} is {seen:?}");
    }

    pub(super) async fn add(&self, profile: impl Into<ClientProfile>) -> ClientInfo {
        self.done("adding a client", self.store.add_client(profile.into())).await
    }

    pub(super) async fn enable(&self, client: &str) -> ClientInfo {
        self.done("enabling a client", self.store.enable_client(client)).await
    }

    pub(super) async fn disable(&self, client: &str) -> ClientInfo {
        self.done("disabling a client", self.store.disable_client(client)).await
    }

    pub(super) async fn remove(&self, client: &str) -> ClientInfo {
        self.done("removing a client", self.store.remove_client(client)).await
    }

    pub(super) async fn issue(&self, client: &str, key: NewKey) -> KeyInfo {
        self.done("issuing a key", self.store.issue(client, key)).await
    }

    /// Issues keys with these descriptions to a client.
    pub(super) async fn issued<const N: usize>(&self, client: &str, what: [&str; N]) -> [Key; N] {
        let keys = what.map(Key::of);
        for key in &keys {
            self.issue(client, key.to_new()).await;
        }
        keys
    }

    /// Issues a key with this description and expiry.
    pub(super) async fn issued_until(&self, client: &str, what: &str, expires: SystemTime) -> Key {
        let key = Key::of(what);
        self.issue(client, key.to_new().with_expiry(expires)).await;
        key
    }

    pub(super) async fn update_client(&self, name: &str, change: ClientChange) -> ClientInfo {
        self.done("changing a client", self.store.update_client(name, change)).await
    }

    pub(super) async fn update_key(&self, key: &Key, change: KeyChange) -> KeyInfo {
        self.done("changing a key", self.store.update_key(&key.id(), change)).await
    }

    pub(super) async fn revoke(&self, key: &Key) -> KeyInfo {
        self.done("revoking a key", self.store.revoke(&key.id())).await
    }

    pub(super) async fn rotate(&self, key: &Key, successor: NewKey, grace: Duration) -> Rotated {
        self.done("rotating a key", self.store.rotate(&key.id(), successor, grace)).await
    }

    /// Rotates a key to one with this description.
    pub(super) async fn rotated(&self, key: &Key, successor: &str, grace: Duration) -> Key {
        let successor = Key::of(successor);
        self.rotate(key, successor.to_new(), grace).await;
        successor
    }

    pub(super) async fn purge(&self, purge: &PurgeKeys) -> Vec<KeyInfo> {
        self.done("a purge", self.store.purge_keys(purge)).await
    }
}

/// Returns whether a text contains a run of hexadecimal digits that is long enough for a digest.
fn shows_a_digest(text: &str) -> bool {
    text.split(|char: char| !char.is_ascii_hexdigit()).any(|run| run.len() >= DIGITS)
}

/// Returns whether a time equals another one, which may be cut to the second.
pub(super) fn is_same_second(seen: Option<SystemTime>, time: SystemTime) -> bool {
    seen.is_some_and(|seen| time.duration_since(seen).is_ok_and(|cut| cut < SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_detected_and_ids_are_not() {
        let digest = KeyDigest::of(b"key");
        assert!(shows_a_digest(&format!("duplicate row {}", digest.to_text())));
        assert!(shows_a_digest(&digest.to_text().to_uppercase()));
        assert!(!shows_a_digest(&format!("{0:?} {0:?} {0}", digest.key_id())));
    }
}
