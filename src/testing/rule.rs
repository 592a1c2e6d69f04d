use std::error::Error;
use std::fmt;

use crate::error::StoreError;

/// What a store owes to those who verify with it, in the order in which the suite asks, and then to
/// those who manage it.
///
/// `Display` says the rule in words.
///
/// ```
/// use keygate::testing::Rule;
///
/// assert_eq!(Rule::Unknown.to_string(), "a digest that is not in the store is `Ok(None)`");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    /// "There is no such key" is not an error: callers would see 503 for 401.
    #[error("a digest that is not in the store is `Ok(None)`")]
    Unknown,
    /// Only for stores that are filled with keys: a key is the exact text, in its own case and whole.
    #[error("a key is found by its exact text and by no other")]
    ExactKey,
    /// Every record that was filed can be had.
    #[error("a known digest is answered with its record")]
    Found,
    /// The digest in the record is the one that was asked for; verification compares the two.
    #[error("a record holds the digest under which it is filed")]
    OwnRecord,
    /// The name of the client comes back as it was filed.
    #[error("the name of the client is kept")]
    Name,
    /// Two keys with the same client name are two keys of one client.
    #[error("all keys of a client are known, under the same name")]
    SharedClient,
    /// The scopes of the client come back, in any order.
    #[error("the scopes of the client are kept")]
    Scopes,
    /// The quota of the client comes back; no quota is not the same as `unlimited`.
    #[error("the quota of the client is kept")]
    Quota,
    /// The metadata of the client comes back.
    #[error("the metadata of the client is kept")]
    Metadata,
    /// The expiry of a key comes back, to the microsecond.
    ///
    /// What is finer may be cut off, but never rounded up: a key must not outlive its expiry. A revoked
    /// key is refused whatever its expiry, which may be forgotten.
    #[error("the expiry of a key is kept to the microsecond, and never made later")]
    Expiry,
    /// The state of a key comes back.
    #[error("the state of a key is kept")]
    State,
    /// Verification refuses such keys, and can only say why if it sees them.
    #[error("records of expired, disabled and revoked keys are handed out")]
    NotHidden,
    /// Digests that differ in any of their 256 bits are different ones.
    #[error("all 32 bytes of a digest count")]
    WholeDigest,
    /// A lookup changes nothing.
    #[error("the same question has the same answer every time")]
    Repeatable,
    /// Lookups that are under way at the same time do not meet.
    #[error("many lookups can be under way at once")]
    Interleaved,
    /// Lookups from several threads do not meet. Asked of stores that answer without waiting only,
    /// because a thread of the suite's own would not belong to the store's runtime.
    #[error("lookups can be made in several threads at once")]
    Threads,
    /// A caller that hangs up takes nothing with it: no lock, no connection.
    #[error("a lookup that is dropped half-way harms no later one")]
    Dropped,
    /// Through an [`Authenticator`](crate::Authenticator): a right key is admitted.
    #[error("a right key makes a client")]
    Admitted,
    /// Through an [`Authenticator`](crate::Authenticator): a key works until its expiry, not at it.
    #[error("a key is admitted before the instant of its expiry, and refused at it")]
    ExpiresOnTime,
    /// Through an [`Authenticator`](crate::Authenticator): the service can tell why a key is wrong.
    #[error("a wrong key is refused for the right reason")]
    Reason,
    /// A lookup borrows nothing from the store.
    #[error("a lookup outlives the store that it came from")]
    Outlives,
    /// A store without records knows none, also if another one had some before.
    #[error("a fresh store without keys knows none")]
    Empty,
    /// The name, the scopes, the quota and the metadata are kept exactly, and reach the handlers.
    #[error("a client that is added is listed, enabled, with the profile that was given")]
    ClientAdded,
    /// Names are compared exactly. A client that is disabled has its name still.
    #[error("a second client of the same name is refused")]
    ClientOnce,
    /// See [`ClientProfile::validate`](crate::ClientProfile::validate).
    #[error("a profile that breaks a rule is refused")]
    FairProfile,
    /// In the order of their names, with the number of their keys that were not revoked.
    #[error("the clients are listed in order, with the number of their keys")]
    ClientsListed,
    /// In the order of clients and then of creation, including expired and revoked keys.
    #[error("the keys are listed in order, whatever their state")]
    KeysListed,
    /// Whoever mistypes a name is to see the right one.
    #[error("an unknown name or id is an error that tells the nearest known one")]
    Nearby,
    /// A change is done when it can be seen.
    #[error("a key is admitted as soon as it was issued")]
    Issued,
    /// The creation may be cut to the second; the expiry is kept as [`Rule::Expiry`] says.
    #[error("client, label, creation and expiry of a key are listed as they are")]
    KeyFacts,
    /// A digest, and an id, belong to one key. One that was revoked stays so.
    #[error("a key that is there already, or has the id of one, is refused")]
    KeyOnce,
    /// At the instant of its expiry, a key has expired.
    #[error("a key whose expiry has passed is not issued")]
    FairExpiry,
    /// See [`NewKey::with_label`](crate::NewKey::with_label).
    #[error("a label that breaks a rule is refused")]
    FairLabel,
    /// A change is done when it can be seen, and no other key is touched.
    #[error("a key is refused as soon as it was revoked")]
    Revoked,
    /// Neither issuing nor rotating nor enabling its client brings a key back.
    #[error("a revoked key never comes back")]
    RevokedForGood,
    /// Revoking, disabling and enabling again are no errors, and move no time.
    #[error("a change that was made already changes nothing")]
    Repeated,
    /// The successor has the old key's client, and its label unless it brings one.
    #[error("the successor of a key is admitted as soon as it was rotated")]
    Rotated,
    /// See [`KeyInfo::inherited_expiry`](crate::manage::KeyInfo::inherited_expiry). A key that is issued
    /// inherits nothing, and never expires.
    #[error("a successor lives as long as the old key was meant to, unless it brings an expiry")]
    Inherited,
    /// `expires` becomes the earlier of the two. The end of a grace may be cut to the second.
    #[error("a rotated key works until the end of its grace or its own expiry, the earlier one")]
    Grace,
    /// A key that was revoked, has expired or is being replaced is a
    /// [`ManageError::Conflict`](crate::manage::ManageError::Conflict).
    #[error("a key that cannot be rotated is a conflict that says why")]
    Conflict,
    /// There is no moment at which neither key works, and none after a grace of zero at which both do.
    #[error("a rotation is one step for those who look at both keys")]
    OneStep,
    /// Also if several try at once: one is made, and the others are told its successor.
    #[error("a key has one successor")]
    OneSuccessor,
    /// Changes that are under way at the same time do not undo each other.
    #[error("changes that are made at once are all made")]
    AllMade,
    /// Also keys that are issued or rotated meanwhile. Other clients are not touched.
    #[error("all keys of a disabled client are refused")]
    Disabled,
    /// What expired or was revoked meanwhile stays refused.
    #[error("the keys of a client that is enabled again are admitted")]
    Enabled,
    /// A client that callers still use is not removed by one command.
    #[error("a client is disabled before it is removed")]
    DisabledFirst,
    /// A client of the same name that is added later is a new one. Other clients are not touched.
    #[error("a client that was removed is forgotten, with all its keys")]
    Removed,
    /// What cannot be done is not begun.
    #[error("a change that is refused changes nothing")]
    WholeOrNot,
    /// Neither in lists nor in errors, which end in logs.
    #[error("nothing that a store tells of its keys holds a digest")]
    NoDigest,
}

/// The first rule that a store broke, and what was seen. It holds no key.
///
/// ```
/// use keygate::store::store_fn;
/// use keygate::testing::{Rule, store_contract};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let forgetful = async |_| store_fn(|_| async { Ok(None) });
/// let violation = store_contract(forgetful).await.unwrap_err();
/// assert_eq!(violation.rule(), Rule::Found);
/// assert!(violation.to_string().ends_with("was answered `Ok(None)`"));
/// # }
/// ```
#[derive(Clone)]
pub struct Violation {
    rule: Rule,
    seen: String,
    source: Option<StoreError>,
}

impl Violation {
    pub(super) fn new(rule: Rule, seen: impl Into<String>) -> Self {
        Self { rule, seen: seen.into(), source: None }
    }

    pub(super) fn under(self, rule: Rule) -> Self {
        Self { rule, ..self }
    }

    pub(super) fn caused_by(self, source: StoreError) -> Self {
        Self { source: Some(source), ..self }
    }

    /// The rule that was broken.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// What was seen instead.
    pub fn seen(&self) -> &str {
        &self.seen
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the rule {:?} is broken ({}): {}", self.rule, self.rule, self.seen)
    }
}

/// As `Display`, and the error that the store gave, since this is what `unwrap` prints.
impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        self.source.iter().try_for_each(|source| write!(f, "; {source:?}"))
    }
}

impl Error for Violation {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source as &(dyn Error + 'static))
    }
}
