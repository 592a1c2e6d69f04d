//! A client that sends its key as a sensitive value, so that `Debug` of the request hides it.

use http::{HeaderMap, HeaderValue};

/// # Errors
///
/// The key has a character that a header cannot carry.
pub fn with_key(key: &str) -> Result<reqwest::Client, Box<dyn std::error::Error + Send + Sync>> {
    let mut value = HeaderValue::try_from(key).map_err(|_| "the key cannot be a header")?;
    value.set_sensitive(true);
    let headers = HeaderMap::from_iter([(http::HeaderName::from_static("x-api-key"), value)]);
    Ok(reqwest::Client::builder().default_headers(headers).build()?)
}
