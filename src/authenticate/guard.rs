use std::net::IpAddr;

use super::head::RequestHead;
use crate::client::{CanonicalAddress, ClientAddress};
use crate::clock::Clock;
use crate::error::AuthError;
use crate::key::KeyDigest;

/// Throttles wrong keys by client address. `FailureThrottle` implements it.
pub(crate) trait FailureGuard: Send + Sync {
    /// Checks a key before its lookup if the store is known to wait, and refuses it if its address is over the limit.
    /// Returns where to find the address, or the address itself if it was read.
    fn before_lookup<'a>(
        &self,
        digest: KeyDigest,
        address_source: AddressSource<'a>,
        clock: Option<&Clock>,
    ) -> Result<AddressSource<'a>, AuthError>;

    /// Checks a key whose lookup waits, and refuses it if its address is over the limit. Returns the address to count a
    /// failure for.
    fn before_waiting(
        &self,
        digest: KeyDigest,
        address_source: AddressSource<'_>,
        clock: Option<&Clock>,
    ) -> Result<Option<IpAddr>, AuthError>;

    /// Notes an admitted key.
    fn admitted(&self, digest: KeyDigest, attempt: Attempt<'_>, clock: Option<&Clock>);

    /// Counts a refusal, and returns the error to respond with. The digest is `None` if no key was looked up.
    fn refused(
        &self,
        error: AuthError,
        digest: Option<KeyDigest>,
        attempt: Attempt<'_>,
        clock: Option<&Clock>,
    ) -> AuthError;
}

/// Where to find the client address of a request.
#[derive(Clone, Copy)]
pub(crate) enum AddressSource<'a> {
    /// The head of a request, whose client address was not read yet.
    Head(RequestHead<'a>, &'a ClientAddress),
    /// The client address; `None` if the caller passed only a key, if the head has no address, or if the service does not
    /// define it.
    Address(Option<IpAddr>),
}

impl<'a> AddressSource<'a> {
    #[inline]
    pub(crate) fn new(head: Option<RequestHead<'a>>, address: Option<&'a ClientAddress>) -> Self {
        match (head, address) {
            (Some(head), Some(address)) => Self::Head(head, address),
            (None, _) | (_, None) => Self::Address(None),
        }
    }

    #[inline]
    pub(crate) fn address(self) -> Option<CanonicalAddress> {
        match self {
            Self::Head(RequestHead { headers, uri: _, extensions, peer }, address) => {
                address.of(headers, extensions, peer)
            }
            Self::Address(address) => address.map(CanonicalAddress::from),
        }
    }
}

/// How the decision on a request was reached.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) address_source: AddressSource<'a>,
    /// Whether the lookup had to wait.
    pub(crate) waited: bool,
    pub(crate) subject: Subject,
}

/// The subject of a decision.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Request,
    /// A request that was sent in clear, where TLS is required.
    RequestInClear,
    /// A client that was admitted before. No key was guessed, and there is no outcome to report.
    Client,
}
