use std::fmt;

use super::kind::OutcomeKind;
use crate::client::{Client, ClientProfile};
use crate::error::{AuthError, WrongReason};
use crate::key::KeyId;

/// The outcome of a request: admitted, or refused and why.
///
/// It is safe to log: it holds no key, and no id of a key that the store does not know.
#[derive(Clone, Copy)]
pub struct Outcome<'a> {
    pub(super) result: Result<&'a Client, &'a AuthError>,
    pub(super) profile: Option<&'a ClientProfile>,
}

impl<'a> Outcome<'a> {
    pub(crate) fn admitted(client: &'a Client) -> Self {
        Self { result: Ok(client), profile: Some(client.profile()) }
    }

    /// A refusal. `profile` is the profile of the key's client, if the key is known.
    pub(crate) fn refused(error: &'a AuthError, profile: Option<&'a ClientProfile>) -> Self {
        Self { result: Err(error), profile: profile.or_else(|| Some(error.client()?.profile())) }
    }

    /// The admitted client.
    ///
    /// # Errors
    ///
    /// Why the request was refused.
    pub fn result(&self) -> Result<&'a Client, &'a AuthError> {
        self.result
    }

    /// The client that the key belongs to, even if the key was refused.
    pub fn client(&self) -> Option<&'a ClientProfile> {
        self.profile
    }

    /// The id of the key, if the store knows it.
    pub fn key_id(&self) -> Option<KeyId> {
        match self.result {
            Ok(client) => Some(client.key_id()),
            Err(error) => error.key_id(),
        }
    }

    /// Why the key is wrong. `None` if the key is right or missing, or was not looked up because too many wrong keys
    /// came from its address.
    pub fn reason(&self) -> Option<WrongReason> {
        self.result.err()?.reason()
    }

    /// Returns whether the request was admitted with a key that another one has replaced: the caller should switch to
    /// the new key before the old one expires.
    pub fn is_replaced(&self) -> bool {
        self.result.is_ok_and(Client::is_replaced)
    }

    /// The kind of this outcome, without its client and key.
    #[inline]
    pub fn kind(&self) -> OutcomeKind {
        match self.result {
            Ok(_) => OutcomeKind::Admitted,
            Err(error) => OutcomeKind::of_refusal(error),
        }
    }

    /// The name of the [`kind`](Outcome::kind), such as `admitted` or `revoked`.
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }
}

impl fmt::Debug for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("name", &self.name())
            .field("client", &self.profile.map(ClientProfile::name))
            .field("key_id", &self.key_id())
            .finish()
    }
}
