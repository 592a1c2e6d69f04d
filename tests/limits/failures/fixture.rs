//! A store that counts its lookups, and requests from any address.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use http::request::Parts;
use keygate::client::{ClientAddress, Rate};
use keygate::limit::FailureThrottle;
use keygate::{
    AuthError, Authenticator, Client, KeyDigest, KeyStore, LocalKeyStore, Lookup, MemoryStore,
};

use crate::common::keys::{Keys, RIGHT};
use crate::common::polling::{poll_once, yield_once};

pub(crate) const HOME: &str = "192.0.2.1";
pub(crate) const ELSEWHERE: &str = "198.51.100.7";

#[derive(Clone)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// A burst of three, and then one every six seconds.
pub(crate) fn throttle() -> FailureThrottle {
    FailureThrottle::new().with_rate(rate("10/minute", 3))
}

/// An authenticator that knows the address of a request.
pub(crate) fn guarded<S: KeyStore>(store: S) -> Authenticator<S> {
    let address = ClientAddress::by_peer(|peer: &Peer| peer.0);
    Authenticator::new(store).with_client_address(address)
}

pub(crate) fn rate(text: &str, burst: u32) -> Rate {
    text.parse::<Rate>().unwrap().with_burst(burst).unwrap()
}

pub(crate) fn parts(key: &str, from: &str) -> Parts {
    let peer = Peer(from.parse().unwrap());
    Request::get("/").header("x-api-key", key).extension(peer).body(()).unwrap().into_parts().0
}

pub(crate) fn guess(number: usize) -> String {
    format!("guess-{number}-kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU")
}

/// The wait of a throttled refusal.
pub(crate) fn wait(result: Result<Client, AuthError>) -> Option<Duration> {
    match result {
        Err(AuthError::Throttled(throttled)) => Some(Duration::from_secs(throttled.retry_after())),
        _ => None,
    }
}

/// The lookups that wait.
#[derive(Clone, Debug)]
pub(crate) enum Waits {
    Always,
    /// Lookups of unknown keys wait, as with a cache of all keys in front of a database.
    ForUnknown,
    /// Once this is set, every lookup waits, as with a cache that was emptied.
    OnceForgotten(Arc<AtomicBool>),
}

/// Knows the keys of [`Keys`] and of a memory store.
#[derive(Clone)]
pub(crate) struct Counting {
    pub(crate) keys: Arc<MemoryStore>,
    waits: Waits,
    lookups: Arc<AtomicUsize>,
    polled: Arc<AtomicUsize>,
}

impl Counting {
    pub(crate) fn new(waits: Waits) -> Self {
        let keys = Arc::new(MemoryStore::new());
        Self { keys, waits, lookups: Arc::default(), polled: Arc::default() }
    }

    /// The numbers of lookups that were made and polled since the last call.
    pub(crate) fn take(&self) -> (usize, usize) {
        (self.lookups.swap(0, Ordering::SeqCst), self.polled.swap(0, Ordering::SeqCst))
    }
}

impl KeyStore for Counting {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        let find = {
            let keys = Arc::clone(&self.keys);
            move || match Keys.find(&digest) {
                Ok(None) => keys.find(&digest),
                found => found,
            }
        };
        let waits = match &self.waits {
            Waits::Always => true,
            Waits::ForUnknown => false,
            Waits::OnceForgotten(forgotten) => forgotten.load(Ordering::SeqCst),
        };
        if !waits && let Ok(Some(record)) = find() {
            return Lookup::ready(record);
        }
        let polled = Arc::clone(&self.polled);
        Lookup::pending(async move {
            polled.fetch_add(1, Ordering::SeqCst);
            yield_once().await;
            find()
        })
    }
}

/// Polls until the future is ready.
pub(crate) fn wait_for<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(output) = poll_once(future.as_mut()) {
            return output;
        }
    }
}

/// Presents guesses until one is throttled, and returns the number before it.
pub(crate) fn exhaust(mut attempt: impl FnMut(&str) -> Result<Client, AuthError>) -> usize {
    (0..1_000).find(|number| wait(attempt(&guess(*number))).is_some()).expect("no limit in sight")
}

pub(crate) fn is_right(result: &Result<Client, AuthError>) -> bool {
    result
        .as_ref()
        .is_ok_and(|client| client.name() == crate::common::keys::client_of(RIGHT).name())
}
