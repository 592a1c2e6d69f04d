use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, VARY};

use crate::credential::Sources;

/// The caching headers to add to a response.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "tower"), allow(dead_code))]
pub(crate) enum Caching {
    /// The service decides.
    Unchanged,
    /// The response is for every caller without credentials, but for no other.
    Vary,
    /// The response is for one client.
    Private,
}

impl Caching {
    pub(crate) fn apply(self, headers: &mut HeaderMap, sources: &Sources) {
        let is_private = match self {
            Self::Unchanged => return,
            Self::Vary => false,
            Self::Private => true,
        };
        for name in sources.header_names() {
            if !varies_by(headers, name) {
                headers.append(VARY, HeaderValue::from(name.clone()));
            }
        }
        if is_private {
            headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private"));
        }
    }
}

/// Returns whether `Vary` names this header or is `*` (RFC 9110 section 12.5.5).
fn varies_by(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get_all(VARY).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).any(
        |member| {
            let member = member.trim_ascii();
            member == b"*" || member.eq_ignore_ascii_case(name.as_str().as_bytes())
        },
    )
}
