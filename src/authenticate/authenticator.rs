use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::request::Parts;
use http::{HeaderMap, Response};

use super::SharedConfig;
use super::config::Config;
use crate::credential::{Source, Sources};
use crate::error::{AuthError, ConfigError};
use crate::key::KeyFormat;
#[cfg(feature = "throttle")]
use crate::limit::{FailureThrottle, Failures};
use crate::observe::Observe;
use crate::respond::Challenges;
use crate::respond::{Notified, ProblemJson, Respond, refusal};
use crate::store::KeyStore;

/// A store, the sources of keys, and the rules: the thing that verifies.
///
/// Methods named `verify...` need a store that never waits and answer at once; those named
/// `authenticate...` take any store and answer in the future. All of them, and the tower layer, give
/// the same answers.
///
/// `R` is what it must be given to read its sources: a [`HeaderMap`], or the request's [`Parts`] where
/// a source is a [`Source::query`]. The methods that could not see a source do not exist.
///
/// ```
/// use http::HeaderMap;
/// use keygate::{Authenticator, MemoryStore, Source};
///
/// let store = MemoryStore::new();
/// store.insert("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1")?;
/// let auth = Authenticator::new(store)
///     .sources([Source::header("x-api-key"), Source::bearer()])?
///     .realm("orders")?;
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
/// let auth = Authenticator::new(MemoryStore::new()).sources_in_parts([Source::query("key")]).unwrap();
/// auth.verify(&HeaderMap::new());
/// ```
pub struct Authenticator<S, R = HeaderMap> {
    pub(super) store: S,
    pub(super) rules: SharedConfig,
    reads: PhantomData<fn(R)>,
}

impl<S: KeyStore> Authenticator<S> {
    /// An authenticator that reads `x-api-key`, has the realm `api`, the system's clock, and a
    /// deadline of a second.
    pub fn new(store: S) -> Self {
        Self { store, rules: SharedConfig::default(), reads: PhantomData }
    }
}

/// How it is built.
impl<S, R> Authenticator<S, R> {
    /// Replaces the sources of keys, in the order in which they are tried: the first that is present
    /// and not blank decides. Name the narrower source first: a proxy may add a Bearer token of its own.
    ///
    /// A 401 challenges for each of them, in the same order after Bearer. `ApiKey` is not a registered
    /// scheme, and `Authorization: ApiKey KEY` is no source unless it is named as one: `in` and `name`
    /// say where the key belongs, in the words of OpenAPI.
    ///
    /// ```
    /// use keygate::{AuthError, Authenticator, MemoryStore, Source};
    ///
    /// let auth = Authenticator::new(MemoryStore::new())
    ///     .sources([Source::header("x-api-key"), Source::bearer(), Source::cookie("api_key")])?;
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
    /// The name of a query parameter stands there as it is, with all but printable ASCII, and `%`,
    /// percent-encoded.
    ///
    /// # Errors
    ///
    /// An empty list, a source whose name cannot be one, and a [`Source::query`], which needs
    /// [`Authenticator::sources_in_parts`].
    pub fn sources(
        self,
        sources: impl IntoIterator<Item = Source>,
    ) -> Result<Authenticator<S, HeaderMap>, ConfigError> {
        let sources = Sources::new(sources)?;
        if sources.read_uri() {
            return Err(ConfigError::QueryInHeaders);
        }
        self.reading(sources)
    }

    /// Replaces the sources of keys by ones that may be in the query, too.
    ///
    /// The tower layer works as before; the methods that see headers alone are gone.
    ///
    /// ```
    /// use keygate::{ApiKeyLayer, Authenticator, MemoryStore, Source};
    ///
    /// let auth = Authenticator::new(MemoryStore::new())
    ///     .sources_in_parts([Source::header("x-api-key"), Source::query("api_key")])?;
    /// let layer = ApiKeyLayer::from(auth);
    /// # Ok::<(), keygate::error::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// An empty list, and a source whose name cannot be one.
    pub fn sources_in_parts(
        self,
        sources: impl IntoIterator<Item = Source>,
    ) -> Result<Authenticator<S, Parts>, ConfigError> {
        let sources = Sources::new(sources)?;
        self.reading(sources)
    }

    fn reading<Q>(self, sources: Sources) -> Result<Authenticator<S, Q>, ConfigError> {
        let challenges = Challenges::new(self.rules.challenges.realm(), &sources)?;
        let changed = self.changed(|rules| {
            let format = rules.sources.format().cloned();
            rules.challenges = challenges;
            rules.sources = sources;
            rules.sources.require(format);
        });
        Ok(Authenticator { store: changed.store, rules: changed.rules, reads: PhantomData })
    }

    /// Replaces the realm, the name of what the keys open, which stands in every challenge.
    ///
    /// # Errors
    ///
    /// A realm that is blank, not ASCII, or holds `"`, `\` or control characters.
    pub fn realm(self, realm: impl AsRef<str>) -> Result<Self, ConfigError> {
        let challenges = Challenges::new(realm.as_ref(), &self.rules.sources)?;
        Ok(self.changed(|rules| rules.challenges = challenges))
    }

    /// Refuses every key that does not have the form of generated keys with this prefix, as
    /// [`WrongReason::Malformed`](crate::WrongReason::Malformed), without hashing it or asking the store.
    ///
    /// For services whose keys are all made by [`ApiKey::generate`](crate::ApiKey::generate) or the
    /// command line: scanners and typing errors then never reach the store. Keys made elsewhere do not have
    /// this form and are all refused, even if a file holds their digests.
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
    /// A prefix that no generated key has.
    pub fn require_format(self, prefix: &str) -> Result<Self, ConfigError> {
        let format = KeyFormat::new(prefix).map_err(|_| ConfigError::Prefix)?;
        Ok(self.changed(|rules| rules.sources.require(Some(format))))
    }

    /// Adds an observer, which receives the outcome of each request.
    #[must_use]
    pub fn add_observer(self, observer: impl Observe) -> Self {
        self.changed(|rules| rules.observers.add(observer))
    }

    /// Slows down wrong keys that come from one address: see [`FailureThrottle`](crate::limit::FailureThrottle).
    ///
    /// ```
    /// use std::net::IpAddr;
    /// use http::Request;
    /// use keygate::{AuthError, Authenticator, MemoryStore};
    /// use keygate::limit::FailureThrottle;
    ///
    /// let store = MemoryStore::new();
    /// store.insert("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1")?;
    /// let failures = FailureThrottle::by_peer(|peer: &IpAddr| *peer);
    /// let auth = Authenticator::new(store).throttle_failures(failures);
    ///
    /// let answer = |key| {
    ///     let request = Request::get("/").header("x-api-key", key).extension(IpAddr::from([192, 0, 2, 1]));
    ///     auth.verify_parts(&request.body(()).unwrap().into_parts().0)
    /// };
    /// for _ in 0..20 {
    ///     assert!(matches!(answer("guess"), Err(AuthError::WrongCredentials { .. })));
    /// }
    /// assert!(matches!(answer("guess"), Err(AuthError::Throttled(_))));
    /// assert!(answer("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU").is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "throttle")]
    #[cfg_attr(docsrs, doc(cfg(feature = "throttle")))]
    #[must_use]
    pub fn throttle_failures(self, throttle: FailureThrottle) -> Self {
        self.changed(|rules| rules.failures = Some(Arc::new(Failures::new(throttle))))
    }

    /// Replaces the clock that tells whether a key has expired. It is read for keys that expire only, and
    /// for wrong ones where failures are throttled.
    #[must_use]
    pub fn clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.changed(|rules| rules.clock = Some(Arc::new(clock)))
    }

    /// Replaces the deadline of a lookup that waits, after which the answer is
    /// [`AuthError::Unavailable`].
    ///
    /// It is kept by a thread that the process starts with its first such lookup, whatever the async
    /// runtime, on the system's monotonic clock.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        self.changed(|rules| rules.deadline = deadline)
    }

    fn changed(self, change: impl FnOnce(&mut Config)) -> Self {
        Self { rules: self.rules.change(change), ..self }
    }
}

/// What stacks without the tower layer do around it.
impl<S, R> Authenticator<S, R> {
    /// Marks the headers that carry credentials as sensitive, so that `Debug` and loggers that heed
    /// the mark hide them. The tower layer does so by itself.
    pub fn redact(&self, headers: &mut HeaderMap) {
        self.rules.sources.redact(headers);
    }

    /// The answer to a request that is not let in: problem details (RFC 9457) with the challenges,
    /// `Cache-Control: no-store` and, where it applies, `Retry-After`.
    ///
    /// The error travels in the extensions of the response.
    pub fn respond<B>(&self, error: &AuthError) -> Response<B>
    where
        ProblemJson: Respond<B>,
    {
        self.respond_with(&ProblemJson, error)
    }

    /// As [`Authenticator::respond`], with a body of your own making.
    pub fn respond_with<B>(&self, respond: &impl Respond<B>, error: &AuthError) -> Response<B> {
        let mut response = refusal(respond, error, &self.rules.challenges);
        if !self.rules.observers.is_empty() && self.rules.notify_client_refused(error) {
            response.extensions_mut().insert(Notified);
        }
        response
    }

    /// The layer has the whole request, and so reads every source.
    #[cfg(feature = "tower")]
    pub(crate) fn reading_requests(self) -> Authenticator<S> {
        Authenticator { store: self.store, rules: self.rules, reads: PhantomData }
    }

    #[cfg(feature = "tower")]
    pub(crate) fn rules(&self) -> &SharedConfig {
        &self.rules
    }
}

impl<S: Clone, R> Clone for Authenticator<S, R> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), rules: self.rules.clone(), reads: PhantomData }
    }
}

impl<S, R> fmt::Debug for Authenticator<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("sources", &self.rules.sources.places())
            .field("realm", &self.rules.challenges.realm())
            .field("deadline", &self.rules.deadline)
            .finish_non_exhaustive()
    }
}
