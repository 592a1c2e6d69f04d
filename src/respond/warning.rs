use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::client::Client;
use crate::clock::{self, Clock};

/// Adds the expiry of a key to a header, if the key ends soon or was replaced.
#[derive(Clone, Debug)]
#[cfg_attr(not(any(feature = "serde", feature = "yaml")), allow(dead_code))]
pub(crate) struct ExpiryWarning {
    pub(crate) before: Duration,
    pub(crate) name: HeaderName,
}

/// A header to add to a response. Boxed, since few responses have it.
pub(crate) type WarningHeader = Option<Box<(HeaderName, HeaderValue)>>;

impl ExpiryWarning {
    /// Returns the header for a client; `None` if its key neither ends soon nor was replaced.
    pub(crate) fn header(&self, client: &Client, clock: Option<&Clock>) -> WarningHeader {
        let expires = client.expires()?;
        let left = || expires.duration_since(clock::now(clock)).unwrap_or_default();
        if !client.is_replaced() && left() > self.before {
            return None;
        }
        Some(Box::new((self.name.clone(), value(expires)?)))
    }
}

/// Times can only be formatted, and warnings configured, with these features.
#[cfg(any(feature = "serde", feature = "yaml"))]
fn value(time: SystemTime) -> Option<HeaderValue> {
    HeaderValue::from_str(&crate::key::Timestamp::nearest(time).to_string()).ok()
}

#[cfg(not(any(feature = "serde", feature = "yaml")))]
fn value(_: SystemTime) -> Option<HeaderValue> {
    None
}

/// Adds the header, unless the service has set it.
pub(crate) fn add_warning(headers: &mut HeaderMap, warning: &WarningHeader) {
    if let Some(warning) = warning {
        let (name, value) = &**warning;
        headers.entry(name).or_insert_with(|| value.clone());
    }
}
