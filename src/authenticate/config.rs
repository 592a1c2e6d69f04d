use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::guard::FailureGuard;
use crate::client::{Client, ClientAddress};
use crate::clock::Clock;
use crate::credential::Sources;
use crate::deadline::DEFAULT_DEADLINE;
use crate::error::AuthError;
use crate::observe::{Observers, Outcome};
use crate::respond::{Challenges, ExpiryWarning, WarningHeader};

/// The configuration of an authenticator: everything but its store.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) sources: Sources,
    pub(crate) challenges: Challenges,
    pub(crate) clock: Option<Clock>,
    pub(crate) client_address: Option<ClientAddress>,
    pub(crate) require_tls: bool,
    pub(crate) deadline: Duration,
    pub(crate) warning: Option<ExpiryWarning>,
    pub(crate) observers: Observers,
    pub(crate) guard: Option<Arc<dyn FailureGuard>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sources: Sources::default(),
            challenges: Challenges::default(),
            clock: None,
            client_address: None,
            require_tls: false,
            deadline: DEFAULT_DEADLINE,
            warning: None,
            observers: Observers::default(),
            guard: None,
        }
    }
}

/// The configuration, shared by an authenticator and its response futures. `None` is the default one, a static:
/// counting the references to it would cost each request 10 ns.
#[derive(Clone, Default)]
pub(crate) struct SharedConfig(Option<Arc<Config>>);

impl SharedConfig {
    #[inline]
    pub(crate) fn get(&self) -> &Config {
        static DEFAULT: LazyLock<Config> = LazyLock::new(Config::default);
        self.0.as_deref().unwrap_or_else(|| &DEFAULT)
    }

    pub(super) fn change(self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.0.unwrap_or_default();
        change(Arc::make_mut(&mut config));
        Self(Some(config))
    }
}

impl Config {
    /// Returns the header with the time at which the client's key expires, if it is configured and due.
    #[inline]
    pub(crate) fn warning_for(&self, client: &Client) -> WarningHeader {
        self.warning.as_ref()?.header(client, self.clock.as_ref())
    }

    /// Notifies the observers of a refusal that was decided behind this authenticator's layer, because of a missing
    /// scope, a spent quota, an anonymous caller, or a wrong order of layers. Returns whether the refusal was decided
    /// there. All others were reported when this authenticator decided.
    #[cold]
    pub(crate) fn notify_downstream(&self, error: &AuthError, anonymous: bool) -> bool {
        let downstream = is_downstream(error, anonymous);
        if downstream {
            self.observers.notify(Outcome::refused(error, None));
        }
        downstream
    }
}

/// Returns whether this refusal may have been decided behind a key layer that had passed the request on, with a client
/// or as anonymous.
pub(crate) fn is_downstream(error: &AuthError, anonymous: bool) -> bool {
    match error {
        AuthError::NoCredentials => anonymous,
        AuthError::Misconfigured(what) => what.is_downstream(),
        AuthError::WrongCredentials(_) | AuthError::SentInClear(_) => false,
        AuthError::InsufficientScope(_) | AuthError::Throttled(_) | AuthError::Unavailable(_) => {
            error.client().is_some()
        }
    }
}
