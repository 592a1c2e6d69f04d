use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Uri;

use super::Authenticate;
use super::admit::Asked;
use crate::challenge::Challenges;
use crate::client::Client;
use crate::credential::{Credential, Fields, Sources};
use crate::error::AuthError;
use crate::store::{KeyStore, Local};

/// How long a store that waits may take, where nothing else is said. Long enough for a database that
/// fails over its connection, short enough that callers do not pile up.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(1);

/// All that an authenticator knows besides its store.
#[derive(Clone)]
pub(crate) struct Rules {
    pub(super) sources: Sources,
    pub(super) challenges: Challenges,
    pub(super) clock: Option<Clock>,
    pub(super) deadline: Duration,
}

pub(crate) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

impl Default for Rules {
    fn default() -> Self {
        Self {
            sources: Sources::default(),
            challenges: Challenges::default(),
            clock: None,
            deadline: DEFAULT_DEADLINE,
        }
    }
}

impl Rules {
    pub(super) fn verify<S: Local + ?Sized>(
        &self,
        store: &S,
        headers: impl Fields,
        uri: Option<&Uri>,
    ) -> Result<Client, AuthError> {
        self.check(store, self.sources.read(headers, uri))
    }

    #[inline]
    pub(super) fn check<S: Local + ?Sized>(
        &self,
        store: &S,
        credential: Credential,
    ) -> Result<Client, AuthError> {
        let asked = Asked::of(credential)?;
        asked.admit(store.find_local(&asked.digest), self.clock.as_ref())
    }

    pub(super) fn authenticate<S: KeyStore + ?Sized>(
        &self,
        store: &S,
        headers: impl Fields,
        uri: Option<&Uri>,
    ) -> Authenticate {
        self.ask(store, self.sources.read(headers, uri))
    }

    #[inline]
    pub(super) fn ask<S: KeyStore + ?Sized>(
        &self,
        store: &S,
        credential: Credential,
    ) -> Authenticate {
        let asked = match Asked::of(credential) {
            Ok(asked) => asked,
            Err(error) => return Authenticate::decided(Err(error)),
        };
        match store.lookup(asked.digest).try_ready() {
            Ok(answer) => Authenticate::decided(asked.admit(answer, self.clock.as_ref())),
            Err(lookup) => Authenticate::waiting(lookup, asked, self.clock.clone(), self.deadline),
        }
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
