use http::header::{COOKIE, HeaderMap, HeaderValue};

use super::Credential;
use crate::key::KeyFormat;

/// HTTP/2 may spread the pairs of `Cookie` over several lines (RFC 9113 section 8.2.3), so names are
/// counted, not lines.
pub(super) fn read(headers: &HeaderMap, name: &str, format: Option<&KeyFormat>) -> Credential {
    let mut found = None;
    for line in headers.get_all(COOKIE) {
        for pair in pairs(line) {
            if let Some(value) = value_of(pair, name)
                && found.replace(Credential::of(value, false, format)).is_some()
            {
                return Credential::ambiguous(false);
            }
        }
    }
    found.unwrap_or(Credential::Absent)
}

pub(super) fn pairs(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    line.as_bytes().split(|byte| *byte == b';')
}

/// The value of a pair, if it has this name. Quotes are part of the value (RFC 6265 section 5.2).
pub(super) fn value_of<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    (pair[..equals].trim_ascii() == name.as_bytes()).then(|| pair[equals + 1..].trim_ascii())
}
