use std::ops::Deref;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

#[cfg(feature = "tower")]
use http::Response;
use http::{HeaderMap, Uri};

use super::admit::{LookupRequest, PendingVerification};
#[cfg(feature = "throttle")]
use super::guarded::Guard;
use super::{Authenticate, Caller};
use crate::client::Client;
use crate::credential::{Credential, Sources};
use crate::error::AuthError;
#[cfg(feature = "throttle")]
use crate::limit::Failures;
use crate::observe::{Observers, Outcome};
use crate::respond::Challenges;
#[cfg(feature = "tower")]
use crate::respond::{Notified, Respond, refusal};
use crate::store::{Answer, KeyStore, Lookup, SyncStore};

/// How long a store that waits may take, where nothing else is said. Long enough for a database that
/// fails over its connection, short enough that callers do not pile up.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(1);

/// All that an authenticator knows besides its store.
#[derive(Clone)]
pub(crate) struct Config {
    pub(super) sources: Sources,
    pub(super) challenges: Challenges,
    pub(super) clock: Option<Clock>,
    pub(super) deadline: Duration,
    pub(crate) observers: Observers,
    #[cfg(feature = "throttle")]
    pub(super) failures: Option<Arc<Failures>>,
}

/// The configuration, shared by an authenticator and its pending responses.
///
/// The default is a static: a reference count that every request changes costs 10 ns, and more with two
/// processors.
#[derive(Clone, Default)]
pub(crate) enum SharedConfig {
    #[default]
    Default,
    Own(Arc<Config>),
}

static DEFAULT_CONFIG: LazyLock<Config> = LazyLock::new(Config::default);

impl SharedConfig {
    pub(super) fn change(self, change: impl FnOnce(&mut Config)) -> Self {
        let mut rules = match self {
            Self::Default => Arc::default(),
            Self::Own(rules) => rules,
        };
        change(Arc::make_mut(&mut rules));
        Self::Own(rules)
    }
}

impl Deref for SharedConfig {
    type Target = Config;

    #[inline]
    fn deref(&self) -> &Config {
        match self {
            Self::Default => &DEFAULT_CONFIG,
            Self::Own(rules) => rules,
        }
    }
}

pub(crate) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

impl Default for Config {
    fn default() -> Self {
        Self {
            sources: Sources::default(),
            challenges: Challenges::default(),
            clock: None,
            deadline: DEFAULT_DEADLINE,
            observers: Observers::default(),
            #[cfg(feature = "throttle")]
            failures: None,
        }
    }
}

impl Config {
    pub(super) fn verify<S: SyncStore + ?Sized>(
        &self,
        store: &S,
        headers: &HeaderMap,
        uri: Option<&Uri>,
        caller: Caller<'_>,
    ) -> Result<Client, AuthError> {
        self.check(store, self.sources.read(headers, uri), caller)
    }

    #[cfg_attr(not(feature = "throttle"), expect(unused_variables))]
    #[inline]
    pub(super) fn check<S: SyncStore + ?Sized>(
        &self,
        store: &S,
        credential: Credential,
        caller: Caller<'_>,
    ) -> Result<Client, AuthError> {
        #[cfg(feature = "throttle")]
        if let Some(failures) = &self.failures {
            return self.check_guarded(failures, store, credential, caller);
        }
        let asked = self.question(credential)?;
        self.settle(asked, store.find_local(&asked.digest))
    }

    pub(super) fn authenticate<S: KeyStore + ?Sized>(
        &self,
        store: &S,
        headers: &HeaderMap,
        uri: Option<&Uri>,
        caller: Caller<'_>,
    ) -> Authenticate {
        self.ask(store, self.sources.read(headers, uri), caller)
    }

    #[inline]
    pub(super) fn ask<S: KeyStore + ?Sized>(
        &self,
        store: &S,
        credential: Credential,
        caller: Caller<'_>,
    ) -> Authenticate {
        match self.decide(store, credential, caller) {
            Ok(result) => Authenticate::decided(result),
            Err(authenticate) => authenticate,
        }
    }

    /// The decision, or the future of it where the store has to wait.
    #[cfg_attr(not(feature = "throttle"), expect(unused_variables))]
    #[inline]
    pub(super) fn decide<S: KeyStore + ?Sized>(
        &self,
        store: &S,
        credential: Credential,
        caller: Caller<'_>,
    ) -> Result<Result<Client, AuthError>, Authenticate> {
        #[cfg(feature = "throttle")]
        if let Some(failures) = &self.failures {
            return self.decide_guarded(failures, store, credential, caller);
        }
        let asked = match self.question(credential) {
            Ok(asked) => asked,
            Err(error) => return Ok(Err(error)),
        };
        match store.lookup(asked.digest).try_ready() {
            Ok(answer) => Ok(self.settle(asked, answer)),
            Err(lookup) => Err(self.wait(
                lookup,
                asked,
                #[cfg(feature = "throttle")]
                None,
            )),
        }
    }

    #[cold]
    pub(super) fn wait(
        &self,
        lookup: Lookup,
        asked: LookupRequest,
        #[cfg(feature = "throttle")] guard: Option<Guard>,
    ) -> Authenticate {
        let judge = PendingVerification {
            clock: self.clock.clone(),
            observers: self.observers.clone(),
            #[cfg(feature = "throttle")]
            guard,
        };
        Authenticate::waiting(lookup, asked, judge, self.deadline)
    }

    #[inline]
    fn question(&self, credential: Credential) -> Result<LookupRequest, AuthError> {
        LookupRequest::of(credential).map_err(|error| self.observers.notify_refused(error))
    }

    // As `LookupRequest::admit`.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    fn settle(&self, asked: LookupRequest, answer: Answer) -> Result<Client, AuthError> {
        asked.admit_and_notify(answer, self.clock.as_ref(), &self.observers, |error| error)
    }

    /// Tells of a refusal that no authenticator decided on, if it is one, and says so: of a client by its scopes
    /// or its quota. Of keys that are wrong, and stores that do not answer, one has told when it decided.
    #[cold]
    pub(crate) fn notify_client_refused(&self, error: &AuthError) -> bool {
        let later = error.client().is_some();
        if later {
            self.observers.notify(Outcome::refused(error, None));
        }
        later
    }

    /// As [`Config::notify_client_refused`], for what comes from behind the layer: also of those who were let through
    /// as anonymous, and of layers that found nobody.
    #[cfg(feature = "tower")]
    #[cold]
    pub(crate) fn notify_downstream(&self, error: &AuthError, anonymous: bool) {
        let later = match error {
            AuthError::NoCredentials => anonymous,
            AuthError::Unavailable(fault) if fault.is_of_layer() => true,
            error => error.client().is_some(),
        };
        if later {
            self.observers.notify(Outcome::refused(error, None));
        }
    }

    /// The response to a refusal that was reported when it was decided.
    #[cfg(feature = "tower")]
    pub(crate) fn refuse<B>(&self, respond: &impl Respond<B>, error: &AuthError) -> Response<B> {
        let mut response = refusal(respond, error, &self.challenges);
        // The only refusal that an outer layer might report again; the marker costs time.
        if matches!(error, AuthError::NoCredentials) {
            response.extensions_mut().insert(Notified);
        }
        response
    }

    #[cfg(feature = "tower")]
    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }

    #[cfg(feature = "tower")]
    pub(crate) fn challenges(&self) -> &Challenges {
        &self.challenges
    }
}
