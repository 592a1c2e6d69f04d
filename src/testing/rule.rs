use std::error::Error;
use std::fmt;

use crate::error::StoreError;

/// Rules for stores: those for verification, in the order in which they are checked, and then those for management.
///
/// `Display` is the rule in words.
///
/// ```
/// use keygate::testing::Rule;
///
/// assert_eq!(Rule::Unknown.to_string(), "a digest that is not in the store is `Ok(None)`");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    /// An unknown key is not an error, with which callers would get status 503 instead of 401.
    #[error("a digest that is not in the store is `Ok(None)`")]
    Unknown,
    /// A key is its exact text, case included. Checked by [`key_contract`](super::key_contract) only.
    #[error("a key is found by its exact text only")]
    ExactKey,
    /// Every stored record is found.
    #[error("a known digest returns its record")]
    Found,
    /// The digest in the record equals the digest of the lookup; verification compares the two.
    #[error("a record has the digest of its lookup")]
    SameDigest,
    /// The name of the client is returned as it was stored.
    #[error("the name of the client is kept")]
    Name,
    /// Two keys with the same client name are two keys of one client.
    #[error("all keys of a client are known, under the same name")]
    SharedClient,
    /// The scopes of the client are returned, in any order.
    #[error("the scopes of the client are kept")]
    Scopes,
    /// The quota of the client is returned; no quota differs from `unlimited`.
    #[error("the quota of the client is kept")]
    Quota,
    /// The metadata of the client is returned.
    #[error("the metadata of the client is kept")]
    Metadata,
    /// The expiry of a key is returned, to the microsecond.
    ///
    /// Fractions of a microsecond may be cut off, but not rounded up: a key must not outlive its expiry. The expiry of
    /// a revoked key need not be kept.
    #[error("the expiry of a key is kept to the microsecond, and never made later")]
    Expiry,
    /// The state of a key is returned.
    #[error("the state of a key is kept")]
    State,
    /// Verification refuses these keys, and needs their records to report the reason.
    #[error("records of expired, disabled and revoked keys are returned")]
    NotHidden,
    /// Digests that differ in one bit are different.
    #[error("all 32 bytes of a digest are compared")]
    WholeDigest,
    /// A lookup changes nothing.
    #[error("repeated lookups have the same result")]
    Repeatable,
    /// Concurrent lookups do not affect each other.
    #[error("many lookups can be in progress at once")]
    Interleaved,
    /// Lookups in several threads do not affect each other. Checked only for stores that never wait, because the threads
    /// of the suite are outside the store's async runtime.
    #[error("lookups can be made in several threads at once")]
    Threads,
    /// A dropped lookup releases its locks and connections.
    #[error("a dropped lookup does not affect later lookups")]
    Dropped,
    /// An [`Authenticator`](crate::Authenticator) admits a valid key.
    #[error("a valid key is admitted")]
    Admitted,
    /// An [`Authenticator`](crate::Authenticator) admits a key before its expiry, but not at its expiry.
    #[error("a key is admitted before the instant of its expiry, and refused at it")]
    ExpiresOnTime,
    /// An [`Authenticator`](crate::Authenticator) reports the reason why a key is wrong.
    #[error("a wrong key is refused with the correct reason")]
    Reason,
    /// A lookup borrows nothing from the store.
    #[error("a lookup outlives its store")]
    Outlives,
    /// A store without records has no keys, even if a previous store had.
    #[error("a new store without keys has no keys")]
    Empty,
    /// The name, scopes, quota and metadata are kept exactly, and are available to handlers.
    #[error("an added client is listed as enabled, with its profile")]
    ClientAdded,
    /// Names are compared exactly, and disabled clients keep their names.
    #[error("a second client of the same name is refused")]
    UniqueClient,
    /// See [`ClientProfile::validate`](crate::ClientProfile::validate).
    #[error("a profile that breaks a rule is refused")]
    ValidProfile,
    /// Clients are sorted by name. Their number of keys does not include revoked ones.
    #[error("clients are listed in order, with the number of their keys")]
    ClientsListed,
    /// Keys are sorted by client and then by creation time. The list includes expired and revoked keys.
    #[error("keys of all states are listed in order")]
    KeysListed,
    /// A mistyped name or id is an error that suggests a similar one.
    #[error("an unknown name or id is an error with the most similar known one")]
    Nearby,
    /// A change is visible when the method returns.
    #[error("an issued key is admitted at once")]
    Issued,
    /// The creation time may be cut to the second; the expiry follows [`Rule::Expiry`].
    #[error("client, label, creation time and expiry of a key are listed unchanged")]
    KeyFields,
    /// Digests and ids are unique, also among revoked keys.
    #[error("a duplicate key, or a key with a duplicate id, is refused")]
    UniqueKey,
    /// A key has expired at the instant of its expiry.
    #[error("a key with a past expiry is not issued")]
    ValidExpiry,
    /// See [`NewKey::with_label`](crate::NewKey::with_label).
    #[error("a label that breaks a rule is refused")]
    ValidLabel,
    /// A change is visible when the method returns, and does not affect other keys.
    #[error("a revoked key is refused at once")]
    Revoked,
    /// Issuing, rotating, or enabling its client does not restore a revoked key.
    #[error("a revoked key never works again")]
    RevokedPermanently,
    /// Repeating a revocation, or disabling or enabling a client again, is not an error and changes no time.
    #[error("repeating a change changes nothing")]
    Repeated,
    /// The successor has the old key's client, and its label unless it has one.
    #[error("the successor of a rotated key is admitted at once")]
    Rotated,
    /// See [`KeyInfo::inherited_expiry`](crate::manage::KeyInfo::inherited_expiry). An issued key without an expiry
    /// never expires.
    #[error("a successor without an expiry has the same lifetime as the old key")]
    Inherited,
    /// `expires` becomes the earlier of the two times. The end of the grace may be cut to the second.
    #[error("a rotated key works until the end of its grace or its expiry, whichever is earlier")]
    Grace,
    /// Rotating a key that was revoked, has expired or was replaced is a
    /// [`ManageError::Conflict`](crate::manage::ManageError::Conflict).
    #[error("a key that cannot be rotated is a conflict with a reason")]
    Conflict,
    /// At least one of the two keys works at any moment, and not both after a grace of zero.
    #[error("a rotation is atomic for lookups of both keys")]
    AtomicRotation,
    /// If several rotations compete, one succeeds, and the others return its successor.
    #[error("a key has one successor")]
    OneSuccessor,
    /// Concurrent changes do not undo each other.
    #[error("no concurrent change is lost")]
    NoLostChanges,
    /// This includes keys that are issued or rotated while the client is disabled. Other clients are not affected.
    #[error("all keys of a disabled client are refused")]
    Disabled,
    /// Keys that have expired or were revoked while the client was disabled stay refused.
    #[error("the keys of a client are admitted again when it is enabled")]
    Enabled,
    /// An enabled client cannot be removed.
    #[error("a client must be disabled before it is removed")]
    DisabledFirst,
    /// A client that is added later with the same name has none of the old keys. Other clients are not affected.
    #[error("a removed client is removed with all its keys")]
    Removed,
    /// A failed change has no effect.
    #[error("a refused change changes nothing")]
    Atomic,
    /// Lists and errors may be logged.
    #[error("lists and errors of a store contain no digest")]
    NoDigest,
}

/// The first rule that a store broke, and the details. Contains no key.
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
/// assert!(violation.to_string().ends_with("was `Ok(None)`"));
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

    /// Returns the broken rule.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// Returns the details: the observed behavior.
    pub fn seen(&self) -> &str {
        &self.seen
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the rule {:?} is broken ({}): {}", self.rule, self.rule, self.seen)
    }
}

/// Shows the same as `Display`, and the error of the store: this is what `unwrap` prints.
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
