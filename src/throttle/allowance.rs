use http::HeaderMap;

use super::counters::Tally;
use super::fields::Fields;
use crate::quota::Quota;

/// A request that a [`Throttle`](crate::Throttle) allowed, and how its client stands now.
///
/// ```
/// use http::HeaderMap;
/// use keygate::{Client, ClientProfile, Throttle};
///
/// let client = Client::for_test(ClientProfile::new("App 1").with_quota("100/minute".parse()?));
/// let allowance = Throttle::new().check(&client).unwrap();
/// assert_eq!(allowance.remaining(), Some(99));
///
/// let mut headers = HeaderMap::new();
/// allowance.put_fields(&mut headers);
/// assert_eq!(headers["ratelimit-policy"], r#""minute";q=100;w=60"#);
/// assert_eq!(headers["ratelimit"], r#""minute";r=99;t=60"#);
/// # Ok::<(), keygate::ParseQuotaError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Allowance(Option<(Quota, Tally)>);

impl Allowance {
    pub(super) fn unlimited() -> Self {
        Self(None)
    }

    #[inline]
    pub(super) fn new(quota: &Quota, tally: Tally) -> Self {
        Self(Some((quota.clone(), tally)))
    }

    /// How many further requests are allowed at once by the tightest of the client's rates; `None`
    /// where there is no limit.
    pub fn remaining(&self) -> Option<u64> {
        self.0.as_ref().map(|(_, tally)| tally.remaining)
    }

    /// How it stands with the tightest of the client's rates; `None` where there is no limit.
    pub fn tally(&self) -> Option<&Tally> {
        self.0.as_ref().map(|(_, tally)| tally)
    }

    /// Adds `RateLimit-Policy` and `RateLimit` to the headers of a response, as
    /// [`ThrottleLayer`](crate::ThrottleLayer) does; nothing where there is no limit.
    pub fn put_fields(&self, headers: &mut HeaderMap) {
        if let Some((quota, tally)) = &self.0 {
            Fields { quota, tally }.put(headers);
        }
    }
}
