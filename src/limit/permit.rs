use http::HeaderMap;

use super::counters::Decision;
use super::headers::RateLimitHeaders;

/// Permission for one request, with the remaining quota of the client.
///
/// ```
/// use http::HeaderMap;
/// use keygate::{Client, ClientProfile, Throttle};
///
/// let client = Client::for_test(ClientProfile::new("App 1").with_quota("100/minute".parse()?));
/// let permit = Throttle::new().check(&client).unwrap();
/// assert_eq!(permit.remaining(), Some(99));
///
/// let mut headers = HeaderMap::new();
/// permit.add_headers(&mut headers);
/// assert_eq!(headers["ratelimit-policy"], r#""minute";q=100;w=60"#);
/// assert_eq!(headers["ratelimit"], r#""minute";r=99;t=60"#);
/// # Ok::<(), keygate::client::ParseQuotaError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Permit(Option<RateLimitHeaders>);

impl Permit {
    pub(crate) fn unlimited() -> Self {
        Self(None)
    }

    pub(crate) fn new(headers: RateLimitHeaders) -> Self {
        Self(Some(headers))
    }

    /// The number of further requests that the tightest of the client's rates allows at once; `None` if there is no
    /// limit.
    pub fn remaining(&self) -> Option<u64> {
        self.decision().map(|decision| decision.remaining)
    }

    /// The decision of the counters; `None` if there is no limit.
    pub fn decision(&self) -> Option<&Decision> {
        self.0.as_ref().map(|headers| &headers.decision)
    }

    /// Adds `RateLimit-Policy` and `RateLimit` to the headers of a response, as
    /// [`ThrottleLayer`](crate::ThrottleLayer) does; nothing if there is no limit.
    pub fn add_headers(&self, headers: &mut HeaderMap) {
        if let Some(own) = &self.0 {
            own.add_to(headers);
        }
    }
}
