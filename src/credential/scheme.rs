use http::header::{AUTHORIZATION, HeaderMap};

use super::{Credential, has_several, is_bearer};
use crate::key::KeyFormat;

/// A token of RFC 9110 section 5.6.2: the name of a scheme or a cookie.
pub(super) fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

pub(super) fn read(headers: &HeaderMap, scheme: &str, format: Option<&KeyFormat>) -> Credential {
    let by_bearer = is_bearer(scheme);
    match headers.get(AUTHORIZATION) {
        None => Credential::Absent,
        Some(_) if has_several(headers, &AUTHORIZATION) => {
            let schemes =
                headers.get_all(AUTHORIZATION).iter().map(|line| split(line.as_bytes()).0);
            Credential::ambiguous(
                schemes.into_iter().any(|name| name.eq_ignore_ascii_case(b"bearer")),
            )
        }
        Some(value) => match split(value.as_bytes()) {
            // A scheme without credentials, or a key without its scheme.
            (_, b"") => Credential::Blank,
            (name, key) if name.eq_ignore_ascii_case(scheme.as_bytes()) => {
                Credential::of(key, by_bearer, format)
            }
            _ => Credential::Absent,
        },
    }
}

/// The scheme and what follows the blanks behind it (RFC 9110 section 11.4).
pub(super) fn split(value: &[u8]) -> (&[u8], &[u8]) {
    let value = value.trim_ascii();
    let end = value.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(value.len());
    let (scheme, key) = value.split_at(end);
    (scheme, key.trim_ascii_start())
}
