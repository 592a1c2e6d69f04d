use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::secrets::shows_a_digest;
use crate::authenticate::Authenticator;
use crate::client::{Client, ClientProfile};
use crate::error::{AuthError, WrongReason};
use crate::key::{KeyDigest, KeyId};
use crate::manage::{BoxFuture, ClientInfo, KeyInfo, ManageError, ManageKeys, NewKey, Rotated};
use crate::store::KeyStore;
use crate::testing::clock::FakeClock;
use crate::testing::rule::{Rule, Violation};
use crate::testing::subject::with_timeout;
use crate::testing::verification::{broken, refusal};

pub(super) type Outcome<T = ()> = Result<T, Violation>;

/// A key of the suite. The store only gets its digest.
pub(super) struct Key {
    text: String,
    pub(super) id: KeyId,
}

impl Key {
    /// A key whose text is derived from a description.
    pub(super) fn of(what: &str) -> Self {
        let text = format!("suite_{}", KeyDigest::of(what.as_bytes()).to_text());
        let id = KeyDigest::of(text.as_bytes()).key_id();
        Self { text, id }
    }

    pub(super) fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.text.as_bytes())
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

/// A store under test, its clock, and an authenticator with the same clock.
pub(super) struct Fixture<S> {
    pub(super) store: Arc<S>,
    pub(super) clock: FakeClock,
    auth: Authenticator<Arc<S>>,
    pub(super) timeout: Duration,
}

/// Everything that a store lists.
#[derive(PartialEq)]
pub(super) struct Contents {
    pub(super) clients: Vec<ClientInfo>,
    pub(super) keys: Vec<KeyInfo>,
}

impl<S: KeyStore + ManageKeys> Fixture<S> {
    pub(super) fn new(store: S, clock: FakeClock, timeout: Duration) -> Self {
        let store = Arc::new(store);
        let auth = Authenticator::new(Arc::clone(&store))
            .with_clock(clock.reader())
            .with_deadline(timeout);
        Self { store, clock, auth, timeout }
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Waits for a change or a list; `None` after the timeout.
    pub(super) async fn wait<T: fmt::Debug>(
        &self,
        change: BoxFuture<'_, Result<T, ManageError>>,
    ) -> Outcome<Option<Result<T, ManageError>>> {
        let result = with_timeout(change, self.timeout).await;
        if shows_a_digest(&format!("{result:?}")) {
            return Err(Violation::new(Rule::NoDigest, "a result contains a digest"));
        }
        Ok(result)
    }

    /// Awaits a change or list that must succeed.
    pub(super) async fn done<T: fmt::Debug>(
        &self,
        rule: Rule,
        what: &str,
        change: BoxFuture<'_, Result<T, ManageError>>,
    ) -> Outcome<T> {
        match self.wait(change).await? {
            Some(Ok(done)) => Ok(done),
            result => Err(unexpected(rule, what, result.map(|result| result.map(drop)))),
        }
    }

    /// Awaits a change that must fail with this reason and must not change the store.
    pub(super) async fn refused<'a, T: fmt::Debug>(
        &'a self,
        rule: Rule,
        what: &str,
        change: impl FnOnce(&'a S) -> BoxFuture<'a, Result<T, ManageError>>,
        is_reason: impl Fn(&ManageError) -> bool,
    ) -> Outcome {
        let before = self.contents().await?;
        match self.wait(change(&self.store)).await? {
            Some(Err(error)) if is_reason(&error) => {}
            result => {
                return Err(unexpected(rule, what, result.map(|result| result.map(drop))));
            }
        }
        if self.contents().await? == before {
            return Ok(());
        }
        Err(Violation::new(Rule::Atomic, format!("{what} was refused but changed the store")))
    }

    pub(super) async fn contents(&self) -> Outcome<Contents> {
        Ok(Contents { clients: self.clients().await?, keys: self.keys(None).await? })
    }

    pub(super) async fn clients(&self) -> Outcome<Vec<ClientInfo>> {
        self.done(Rule::ClientsListed, "listing the clients", self.store.list_clients()).await
    }

    pub(super) async fn keys(&self, client: Option<&str>) -> Outcome<Vec<KeyInfo>> {
        self.done(Rule::KeysListed, "listing the keys", self.store.list_keys(client)).await
    }

    /// Returns a key from the list.
    pub(super) async fn listed(&self, rule: Rule, key: &Key) -> Outcome<KeyInfo> {
        let known = self.keys(None).await?.into_iter().find(|known| known.key_id == key.id);
        known.ok_or_else(|| Violation::new(rule, format!("the key {} is not listed", key.id)))
    }

    pub(super) async fn add(&self, profile: impl Into<ClientProfile>) -> Outcome<ClientInfo> {
        let change = self.store.add_client(profile.into());
        self.done(Rule::ClientAdded, "adding a client", change).await
    }

    pub(super) async fn enable(&self, client: &str) -> Outcome<ClientInfo> {
        let change = self.store.enable_client(client);
        self.done(Rule::Enabled, "enabling a client", change).await
    }

    pub(super) async fn disable(&self, client: &str) -> Outcome<ClientInfo> {
        let change = self.store.disable_client(client);
        self.done(Rule::Disabled, "disabling a client", change).await
    }

    pub(super) async fn issue(&self, client: &str, key: NewKey) -> Outcome<KeyInfo> {
        self.done(Rule::Issued, "issuing a key", self.store.issue(client, key)).await
    }

    pub(super) async fn revoke(&self, key: &Key) -> Outcome<KeyInfo> {
        self.done(Rule::Revoked, "revoking a key", self.store.revoke(&key.id)).await
    }

    pub(super) async fn rotate(
        &self,
        key: &Key,
        successor: NewKey,
        grace: Duration,
    ) -> Outcome<Rotated> {
        let change = self.store.rotate(&key.id, successor, grace);
        self.done(Rule::Rotated, "rotating a key", change).await
    }

    /// Authenticates with this key now.
    pub(super) async fn present(&self, key: &Key) -> Option<Result<Client, AuthError>> {
        with_timeout(self.auth.authenticate_key(key.text.as_bytes()), self.timeout).await
    }

    pub(super) async fn admits(&self, rule: Rule, when: &str, key: &Key, client: &str) -> Outcome {
        match self.present(key).await {
            Some(Ok(seen)) if (seen.key_id(), seen.name()) == (key.id, client) => Ok(()),
            result => Err(broken(rule, &format!("{when}, the key {}", key.id), result)),
        }
    }

    pub(super) async fn refuses(
        &self,
        rule: Rule,
        when: &str,
        key: &Key,
        reason: WrongReason,
    ) -> Outcome {
        let result = self.present(key).await;
        let key_id = (reason != WrongReason::Unknown).then_some(key.id);
        if refusal(result.as_ref()) == Some((reason, key_id)) {
            return Ok(());
        }
        Err(broken(rule, &format!("{when}, the key {}", key.id), result))
    }
}

/// Returns a violation unless the condition holds.
pub(super) fn expect(rule: Rule, condition: bool, violation: &str) -> Outcome {
    if condition { Ok(()) } else { Err(Violation::new(rule, violation)) }
}

pub(super) fn unexpected(
    rule: Rule,
    what: &str,
    result: Option<Result<(), ManageError>>,
) -> Violation {
    match result {
        None => Violation::new(rule, format!("{what} timed out")),
        Some(Ok(())) => Violation::new(rule, format!("{what} succeeded")),
        Some(Err(ManageError::Unavailable(error))) => {
            Violation::new(rule, format!("{what} failed")).caused_by(error)
        }
        Some(Err(error)) => Violation::new(rule, format!("{what} was refused: {error}")),
    }
}

/// Returns whether a time equals another one, which may be cut to the second.
pub(super) fn is_same_second(seen: Option<SystemTime>, time: SystemTime) -> bool {
    seen.is_some_and(|seen| time.duration_since(seen).is_ok_and(|cut| cut < Duration::from_secs(1)))
}
