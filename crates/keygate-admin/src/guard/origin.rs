use http::HeaderMap;
use http::header::{HeaderName, ORIGIN};

use crate::error::PageError;
use crate::site::Site;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses changes sent from a page of another site.
///
/// Browsers send `Sec-Fetch-Site` to this service, since it is on loopback or behind TLS. The `Origin` beside it may be
/// `null`, because our pages send no referrer, and forms on such pages have no other origin. A request without either
/// header does not come from a current browser, and depends on its form token alone.
pub(super) fn check(site: &Site, headers: &HeaderMap) -> Result<(), PageError> {
    let value = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let is_ours = match (value(SEC_FETCH_SITE), value(ORIGIN)) {
        (None, None) => true,
        (None, Some(origin)) => site.is_origin(origin),
        (Some("same-origin" | "none"), origin) => {
            origin.is_none_or(|origin| origin == "null" || site.is_origin(origin))
        }
        (Some(_), _) => false,
    };
    let text = "Nothing was changed. Another site sent this form. Open the page here and submit the form again.";
    if is_ours { Ok(()) } else { Err(PageError::Forbidden(text.to_owned())) }
}
