use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
#[cfg(any(feature = "serde", feature = "yaml"))]
use http::HeaderName;
use http::request::Parts;

use super::config::{Config, SharedConfig};
use crate::client::ClientAddress;
use crate::credential::{Source, Sources};
use crate::error::ConfigError;
use crate::key::KeyFormat;
use crate::observe::Observe;
#[cfg(any(feature = "serde", feature = "yaml"))]
use crate::respond::ExpiryWarning;
use crate::store::KeyStore;

/// A store, the sources of keys, and the configuration: verifies requests.
///
/// Methods named `verify...` need a store that never waits, and return at once. Methods named `authenticate...` take any
/// store and return a future. All of them, and the tower layer, make the same decisions.
///
/// `R` is the part of the request that the sources are read from: a [`HeaderMap`], or the request's [`Parts`] if one
/// of them is a [`Source::query`]. Methods that cannot read every source do not exist.
///
/// ```
/// use http::HeaderMap;
/// use keygate::{Authenticator, MemoryStore, Source};
///
/// let store = MemoryStore::new();
/// store.insert("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1")?;
/// let auth = Authenticator::new(store)
///     .with_sources([Source::header("x-api-key"), Source::bearer()])?
///     .with_realm("orders")?;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("authorization", "Bearer 08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU".parse()?);
/// assert_eq!(auth.verify(&headers)?.name(), "User 1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With a query source, the method that takes headers alone does not compile:
///
/// ```compile_fail,E0599
/// # use http::HeaderMap;
/// # use keygate::{Authenticator, MemoryStore, Source};
/// let auth =
///     Authenticator::new(MemoryStore::new()).with_sources_in_parts([Source::query("key")]).unwrap();
/// auth.verify(&HeaderMap::new());
/// ```
pub struct Authenticator<S, R = HeaderMap> {
    pub(crate) store: S,
    pub(crate) config: SharedConfig,
    reads: PhantomData<fn(R)>,
}

impl<S: KeyStore> Authenticator<S> {
    /// Creates an authenticator that reads `x-api-key`, with the realm `api`, the system's clock, and a deadline of one
    /// second.
    pub fn new(store: S) -> Self {
        Self { store, config: SharedConfig::default(), reads: PhantomData }
    }
}

/// Configuration.
impl<S, R> Authenticator<S, R> {
    /// Replaces the sources of keys. They are tried in order: the first one that is present and not blank decides. Name
    /// your own header before `Authorization`, since a proxy may add a Bearer token of its own.
    ///
    /// A 401 carries a challenge for each source, Bearer first. `ApiKey` is not a registered scheme, and
    /// `Authorization: ApiKey KEY` is read only if [`Source::scheme`] names it. `in` and `name` have the values of an
    /// `apiKey` security scheme in OpenAPI.
    ///
    /// ```
    /// use keygate::{AuthError, Authenticator, MemoryStore, Source};
    ///
    /// let auth = Authenticator::new(MemoryStore::new()).with_sources([
    ///     Source::header("x-api-key"),
    ///     Source::bearer(),
    ///     Source::cookie("api_key"),
    /// ])?;
    /// let response = auth.respond::<String>(&AuthError::NoCredentials);
    /// let challenges: Vec<_> = response.headers().get_all("www-authenticate").iter().collect();
    /// assert_eq!(challenges, [
    ///     r#"Bearer realm="api""#,
    ///     r#"ApiKey realm="api", in="header", name="x-api-key""#,
    ///     r#"ApiKey realm="api", in="cookie", name="api_key""#,
    /// ]);
    /// # Ok::<(), keygate::error::ConfigError>(())
    /// ```
    ///
    /// In the challenge of a query parameter, `%` and everything but printable ASCII are percent-encoded in its name.
    ///
    /// # Errors
    ///
    /// The list is empty, a source has an invalid name, or a source is a [`Source::query`], which needs
    /// [`Authenticator::with_sources_in_parts`].
    pub fn with_sources(
        self,
        sources: impl IntoIterator<Item = Source>,
    ) -> Result<Authenticator<S, HeaderMap>, ConfigError> {
        let sources = Sources::new(sources)?;
        if sources.read_uri() {
            return Err(ConfigError::QueryInHeaders);
        }
        self.replace_sources(sources)
    }

    /// Replaces the sources of keys, which may include the query.
    ///
    /// The result has no methods that take headers alone. The tower layer works as before.
    ///
    /// ```
    /// use keygate::{ApiKeyLayer, Authenticator, MemoryStore, Source};
    ///
    /// let auth = Authenticator::new(MemoryStore::new())
    ///     .with_sources_in_parts([Source::header("x-api-key"), Source::query("api_key")])?;
    /// let layer = ApiKeyLayer::from(auth);
    /// # Ok::<(), keygate::error::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The list is empty, or a source has an invalid name.
    pub fn with_sources_in_parts(
        self,
        sources: impl IntoIterator<Item = Source>,
    ) -> Result<Authenticator<S, Parts>, ConfigError> {
        self.replace_sources(Sources::new(sources)?)
    }

    fn replace_sources<Q>(self, mut sources: Sources) -> Result<Authenticator<S, Q>, ConfigError> {
        let challenges = self.config().challenges.with_sources(&sources)?;
        sources.require(self.config().sources.format().cloned());
        let configured = self.configure(|config| {
            config.challenges = challenges;
            config.sources = sources;
        });
        Ok(configured.into_reading())
    }

    /// Replaces the realm, a name for what the keys protect. Every challenge carries it.
    ///
    /// # Errors
    ///
    /// The realm is blank, is not ASCII, or has a `"`, a `\` or a control character.
    pub fn with_realm(self, realm: impl AsRef<str>) -> Result<Self, ConfigError> {
        let challenges =
            self.config().challenges.with_realm(realm.as_ref(), &self.config().sources)?;
        Ok(self.configure(|config| config.challenges = challenges))
    }

    /// Adds `resource_metadata` to the challenges of Bearer: the URL of the metadata of this protected resource (RFC 9728
    /// section 5.1), as clients of MCP expect. The service serves the metadata itself.
    ///
    /// ```
    /// use keygate::{AuthError, Authenticator, MemoryStore, Source};
    ///
    /// let auth = Authenticator::new(MemoryStore::new())
    ///     .with_sources([Source::bearer()])?
    ///     .with_resource_metadata("https://api.example/.well-known/oauth-protected-resource")?;
    /// let response = auth.respond::<String>(&AuthError::NoCredentials);
    /// let expected = "Bearer realm=\"api\", \
    ///     resource_metadata=\"https://api.example/.well-known/oauth-protected-resource\"";
    /// assert_eq!(response.headers()["www-authenticate"], expected);
    /// # Ok::<(), keygate::error::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The URL begins with neither `https://` nor `http://`, or has a blank, a quote, a backslash, or characters that are
    /// not ASCII.
    pub fn with_resource_metadata(self, url: impl AsRef<str>) -> Result<Self, ConfigError> {
        let config = self.config();
        let challenges = config.challenges.with_metadata(url.as_ref(), &config.sources)?;
        Ok(self.configure(|config| config.challenges = challenges))
    }

    /// Refuses all keys except generated keys with this prefix, as
    /// [`WrongReason::Malformed`](crate::WrongReason::Malformed), without hashing them or looking them up.
    ///
    /// For services whose keys are all made by [`ApiKey::generate`](crate::ApiKey::generate) or the command line:
    /// scanners and typing errors then never reach the store. Keys made elsewhere do not have this format and are all
    /// refused, even if a file holds their digests.
    ///
    /// ```
    /// use keygate::{ApiKey, Authenticator, MemoryStore, WrongReason};
    ///
    /// let auth = Authenticator::new(MemoryStore::new()).require_format("acme")?;
    /// let refused = auth.verify_key(b"hunter2").unwrap_err();
    /// assert_eq!(refused.reason(), Some(WrongReason::Malformed));
    /// let key = ApiKey::generate("acme")?;
    /// let refused = auth.verify_key(key.expose().as_bytes()).unwrap_err();
    /// assert_eq!(refused.reason(), Some(WrongReason::Unknown));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The prefix is invalid: see [`ApiKey::generate`](crate::ApiKey::generate).
    pub fn require_format(self, prefix: &str) -> Result<Self, ConfigError> {
        let format = KeyFormat::new(prefix).map_err(|_| ConfigError::Prefix)?;
        Ok(self.configure(|config| config.sources.require(Some(format))))
    }

    /// Adds an observer, which receives the outcome of each request.
    #[must_use]
    pub fn add_observer(self, observer: impl Observe) -> Self {
        self.configure(|config| config.observers.add(observer))
    }

    /// Replaces the clock that decides whether a key has expired. It is read for keys that expire, and for wrong keys
    /// if failures are throttled.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.configure(|config| config.clock = Some(Arc::new(clock)))
    }

    /// Defines the address of a client, for keys that are restricted to networks, and for the throttle of wrong keys.
    ///
    /// Without it, a key with networks is refused as [`AuthError::Misconfigured`](crate::AuthError::Misconfigured), as
    /// it is in a request whose address is unknown. [`verify_key`](Authenticator::verify_key) sees no request and knows
    /// no address; [`verify`](Authenticator::verify) sees headers, and empty extensions.
    #[must_use]
    pub fn with_client_address(self, address: ClientAddress) -> Self {
        self.configure(|config| config.client_address = Some(address))
    }

    /// Refuses requests that were sent in clear as [`AuthError::SentInClear`](crate::AuthError::SentInClear): 403. The
    /// response is the same for right, wrong and missing keys, also behind an
    /// [`optional`](crate::ApiKeyLayer::optional) layer, so that callers notice at once that they send their keys in
    /// clear, and nobody can test keys in this way (draft-ietf-httpapi-privacy).
    ///
    /// The proxies named by [`ClientAddress::behind`] report how the client sent a request: see
    /// [`TrustedProxies::transport`](crate::client::TrustedProxies::transport). For requests of other peers, the server puts
    /// a [`Transport`](crate::client::Transport) into the extensions; behind proxies, a request of another peer
    /// without it was sent in clear. If the service names no proxies, and in
    /// [`verify_key`](Authenticator::verify_key), which sees no request, a missing `Transport` is
    /// [`AuthError::Misconfigured`](crate::AuthError::Misconfigured).
    ///
    /// Observers get the [`KeyId`](crate::KeyId) if the key is right. Anybody between the caller and the service may
    /// have read it: [the guide](crate::guide::sources) shows how to revoke it. Wrong keys count for the throttle of
    /// failures.
    ///
    /// ```
    /// use http::Request;
    /// use keygate::client::Transport;
    /// use keygate::{AuthError, Authenticator, MemoryStore};
    ///
    /// let auth = Authenticator::new(MemoryStore::new()).require_tls();
    /// let request = |transport| Request::builder().extension(transport).body(()).unwrap();
    ///
    /// let (parts, ()) = request(Transport::Clear).into_parts();
    /// assert!(matches!(auth.verify_parts(&parts), Err(AuthError::SentInClear(_))));
    /// let (parts, ()) = request(Transport::Tls).into_parts();
    /// assert!(matches!(auth.verify_parts(&parts), Err(AuthError::NoCredentials)));
    /// ```
    #[must_use]
    pub fn require_tls(self) -> Self {
        self.configure(|config| config.require_tls = true)
    }

    /// Replaces the deadline of lookups that wait. After it, the result is
    /// [`AuthError::Unavailable`](crate::AuthError::Unavailable).
    ///
    /// The deadline works with every async runtime: a thread, started with the first such lookup, measures it on the
    /// system's monotonic clock.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        self.configure(|config| config.deadline = deadline)
    }

    /// Adds `X-Key-Expires` to responses to requests whose key expires within this time or was replaced: the time at which
    /// it expires, as in `2027-01-31T00:00:00Z` (RFC 3339).
    ///
    /// Callers can then renew a key before it ends. A key that was replaced and never expires gets no header. A header that
    /// the service sets stays. Needs the feature `serde` or `yaml`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use keygate::{ApiKeyLayer, Authenticator, MemoryStore};
    ///
    /// let two_weeks = Duration::from_secs(14 * 24 * 60 * 60);
    /// let auth = Authenticator::new(MemoryStore::new()).warn_before(two_weeks);
    /// let layer = ApiKeyLayer::from(auth);
    /// ```
    #[cfg(any(feature = "serde", feature = "yaml"))]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "serde", feature = "yaml"))))]
    #[must_use]
    pub fn warn_before(self, time: Duration) -> Self {
        self.warn_before_in(time, HeaderName::from_static("x-key-expires"))
    }

    /// Does the same as [`Authenticator::warn_before`], with another header name.
    #[cfg(any(feature = "serde", feature = "yaml"))]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "serde", feature = "yaml"))))]
    #[must_use]
    pub fn warn_before_in(self, time: Duration, header: HeaderName) -> Self {
        self.configure(|config| {
            config.warning = Some(ExpiryWarning { before: time, name: header });
        })
    }

    pub(crate) fn configure(self, change: impl FnOnce(&mut Config)) -> Self {
        Self { config: self.config.change(change), ..self }
    }

    pub(crate) fn config(&self) -> &Config {
        self.config.get()
    }

    /// Makes clones share the store.
    #[cfg(feature = "tower")]
    pub(crate) fn into_shared(self) -> Authenticator<Arc<S>, R> {
        let Self { store, config, reads } = self;
        Authenticator { store: Arc::new(store), config, reads }
    }

    /// Changes the part of the request that the sources are read from.
    pub(crate) fn into_reading<Q>(self) -> Authenticator<S, Q> {
        Authenticator { store: self.store, config: self.config, reads: PhantomData }
    }
}

impl<S: Clone, R> Clone for Authenticator<S, R> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), config: self.config.clone(), reads: PhantomData }
    }
}

impl<S, R> fmt::Debug for Authenticator<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("sources", &self.config().sources.list())
            .field("realm", &self.config().challenges.realm())
            .field("deadline", &self.config().deadline)
            .finish_non_exhaustive()
    }
}
