use std::net::IpAddr;

use http::HeaderMap;

use super::forwarded::{Field, are_protocols_encrypted, is_element_encrypted};
use super::network::CanonicalAddress;
use super::{Network, ParseNetworkError, Transport};

/// The networks of your own proxies, whose headers name the address of a client.
///
/// A proxy appends the address of its own peer to a header. So the list is read from its end, and only the part that
/// trusted proxies wrote:
///
/// - A peer that is not in a trusted network is the client, whatever the headers say.
/// - Otherwise the client is the rightmost address that is not in a trusted network. All lines of the
///   header count, joined in their order.
/// - If an element is not an address (`unknown`, `_hidden`, or anything that cannot be parsed), or the list ends, the
///   client is the last trusted proxy before it.
///
/// The header is `X-Forwarded-For`, or [`Forwarded`](TrustedProxies::reading_forwarded) (RFC 7239), and never
/// both: a proxy that appends to one of them leaves the other as the caller wrote it. Choose the one that your proxies
/// write, and make sure that each of them writes it: if a proxy passes it on unchanged, callers can choose their
/// address. Trust only the addresses of your proxies, not a whole network that they share with others.
///
/// ```
/// use http::HeaderMap;
/// use keygate::client::TrustedProxies;
///
/// let proxies = TrustedProxies::new(["10.0.0.0/8", "fd00::/8"])?;
/// let mut headers = HeaderMap::new();
/// headers.insert("x-forwarded-for", "6.6.6.6, 192.0.2.1, 10.0.0.2".parse()?);
///
/// let client = proxies.client("10.0.0.1".parse()?, &headers);
/// assert_eq!(client.to_string(), "192.0.2.1");
/// // A caller without a proxy may write anything.
/// let client = proxies.client("203.0.113.9".parse()?, &headers);
/// assert_eq!(client.to_string(), "203.0.113.9");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TrustedProxies {
    networks: Box<[Network]>,
    field: Field,
}

impl TrustedProxies {
    /// Trusts the proxies in these networks, such as `10.0.0.0/8`, `fd00::/8` or `192.0.2.1`, which write
    /// `X-Forwarded-For`.
    ///
    /// # Errors
    ///
    /// A text that is not a network.
    pub fn new(
        networks: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, ParseNetworkError> {
        let networks = networks.into_iter().map(|text| text.as_ref().parse());
        Ok(Self { networks: networks.collect::<Result<_, _>>()?, field: Field::XForwardedFor })
    }

    /// Reads `Forwarded` (RFC 7239) in place of `X-Forwarded-For`.
    #[must_use]
    pub fn reading_forwarded(self) -> Self {
        Self { field: Field::Forwarded, ..self }
    }

    /// Returns the address of the client, for a request with these headers from this peer. IPv4 addresses in IPv6 are
    /// returned as IPv4 addresses.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        self.client_of(peer.into(), headers).into()
    }

    pub(super) fn client_of(
        &self,
        peer: CanonicalAddress,
        headers: &HeaderMap,
    ) -> CanonicalAddress {
        let mut nearest = peer;
        let mut elements = self.field.elements(headers);
        while self.trusts(nearest) {
            let hop = elements.next().and_then(|element| self.field.address(element));
            let Some(hop) = hop else { break };
            nearest = hop.into();
        }
        nearest
    }

    /// Returns how the client sent a request with these headers to the outermost proxy, or `None` if the peer is not one of
    /// these proxies.
    ///
    /// The proxies report it in `X-Forwarded-Proto`, as `https` or `wss`. If it has several elements, all of them must be
    /// one of these. With [`TrustedProxies::reading_forwarded`], it is `proto` in the last element that a trusted proxy
    /// wrote. A request whose protocol no proxy reports was sent in clear.
    ///
    /// Make sure that the outermost proxy sets the header, and replaces one that the caller sent.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use keygate::client::{Transport, TrustedProxies};
    ///
    /// let proxies = TrustedProxies::new(["10.0.0.0/8"])?;
    /// let mut headers = HeaderMap::new();
    /// headers.insert("x-forwarded-proto", "https".parse()?);
    ///
    /// let proxy = "10.0.0.1".parse()?;
    /// assert_eq!(proxies.transport(proxy, &headers), Some(Transport::Tls));
    /// assert_eq!(proxies.transport(proxy, &HeaderMap::new()), Some(Transport::Clear));
    /// assert_eq!(proxies.transport("203.0.113.9".parse()?, &headers), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transport(&self, peer: IpAddr, headers: &HeaderMap) -> Option<Transport> {
        self.transport_of(peer.into(), headers)
    }

    pub(super) fn transport_of(
        &self,
        peer: CanonicalAddress,
        headers: &HeaderMap,
    ) -> Option<Transport> {
        let is_encrypted = self.trusts(peer).then(|| match self.field {
            Field::XForwardedFor => are_protocols_encrypted(headers),
            Field::Forwarded => self.is_encrypted_by_forwarded(headers),
        })?;
        Some(if is_encrypted { Transport::Tls } else { Transport::Clear })
    }

    /// Reads the elements that trusted proxies wrote, from the end up to the first one that does not name a trusted
    /// proxy.
    fn is_encrypted_by_forwarded(&self, headers: &HeaderMap) -> bool {
        let mut is_encrypted = false;
        for element in self.field.elements(headers) {
            is_encrypted = is_element_encrypted(element);
            let hop = self.field.address(element);
            if !hop.is_some_and(|hop| self.trusts(hop.into())) {
                break;
            }
        }
        is_encrypted
    }

    fn trusts(&self, address: CanonicalAddress) -> bool {
        self.networks.iter().any(|network| network.contains_canonical(address))
    }
}
