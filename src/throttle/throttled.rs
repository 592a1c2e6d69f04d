use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

use super::counters::Tally;
use super::gcra::seconds;
use crate::client::Client;
use crate::error::AuthError;
use crate::quota::Quota;

/// Who has spent what they may, and for how long they are to wait.
///
/// See [`Throttle`](crate::Throttle) for an example.
#[derive(Clone)]
pub struct Throttled(Arc<Refusal>);

struct Refusal {
    /// None where an address was throttled, of which nobody is known.
    client: Option<Client>,
    quota: Option<Quota>,
    tally: Tally,
}

impl Throttled {
    #[cold]
    pub(super) fn error(client: &Client, quota: &Quota, tally: Tally) -> AuthError {
        let refusal = Refusal { client: Some(client.clone()), quota: Some(quota.clone()), tally };
        AuthError::Throttled(Self(Arc::new(refusal)))
    }

    /// Of an address, from which too many wrong keys came. Neither a client nor a quota is known, so
    /// that no RateLimit fields tell of it.
    #[cold]
    pub(crate) fn address(wait: Duration) -> AuthError {
        let tally = Tally::refused(0, wait, wait);
        AuthError::Throttled(Self(Arc::new(Refusal { client: None, quota: None, tally })))
    }

    /// The client that is to wait; none where an address is.
    pub fn client(&self) -> Option<&Client> {
        self.0.client.as_ref()
    }

    /// How many seconds to wait, at least one: whoever waits so long is let in, unless others
    /// with the same quota come first.
    pub fn retry_after(&self) -> u64 {
        seconds(self.0.tally.wait).max(1)
    }

    pub(crate) fn fields(&self) -> Option<Fields<'_>> {
        Some(Fields { quota: self.0.quota.as_ref()?, tally: &self.0.tally })
    }
}

impl fmt::Debug for Throttled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttled")
            .field("client", &self.0.client)
            .field("retry_after", &self.retry_after())
            .finish_non_exhaustive()
    }
}

/// The fields of draft-ietf-httpapi-ratelimit-headers-11 (May 2026), which name no client and no key.
///
/// `RateLimit-Policy` lists all rates, each under the name of its unit: `q` requests in `w` seconds.
/// `RateLimit` tells of the tightest: `r` are left, and all of the burst in `t` seconds.
pub(crate) struct Fields<'a> {
    pub(super) quota: &'a Quota,
    pub(super) tally: &'a Tally,
}

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

impl Fields<'_> {
    pub(crate) fn put(&self, headers: &mut HeaderMap) {
        let mut policy = String::with_capacity(64);
        for (place, rate) in self.quota.rates().iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            let window = rate.per().duration().as_secs();
            let name = self.name(place);
            let _ = write!(policy, "{separator}\"{name}\";q={};w={window}", rate.count());
        }
        let name = self.name(self.tally.rate);
        let full_in = seconds(self.tally.full_in);
        let limit = format!("\"{name}\";r={};t={full_in}", self.tally.remaining);
        for (field, text) in [(POLICY, policy), (LIMIT, limit)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(field, value);
            }
        }
    }

    /// The unit of a rate, and its number among those of the same unit.
    fn name(&self, place: usize) -> String {
        let rates = self.quota.rates();
        let Some(rate) = rates.get(place) else { return "default".to_owned() };
        let before = rates[..place].iter().filter(|other| other.per() == rate.per()).count();
        let number = if before == 0 { String::new() } else { format!("-{}", before + 1) };
        format!("{}{number}", rate.per().name())
    }
}
