use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use http::uri::Uri;

use super::kind::{Challenge, SourceKind};
use super::lines::{is_token, rewrite};
use super::{Credential, has_several};
use crate::error::ConfigError;
use crate::key::KeyFormat;

pub(crate) const BEARER: &str = "Bearer";

pub(crate) fn is_bearer(scheme: &str) -> bool {
    scheme == BEARER
}

/// `Authorization` with this scheme.
pub(super) struct Authorization(Box<str>);

impl Authorization {
    pub(super) fn new(scheme: &str) -> Result<Self, ConfigError> {
        let is = |known: &&str| scheme.eq_ignore_ascii_case(known);
        if let Some(password) = ["Basic", "Digest"].into_iter().find(is) {
            Err(ConfigError::PasswordScheme(password))
        } else if is(&BEARER) {
            Ok(Self(BEARER.into()))
        } else if is_token(scheme) {
            Ok(Self(scheme.into()))
        } else {
            Err(ConfigError::SchemeName)
        }
    }
}

impl SourceKind for Authorization {
    fn read(&self, headers: &HeaderMap, _: Option<&Uri>, format: Option<&KeyFormat>) -> Credential {
        let Some(value) = headers.get(AUTHORIZATION) else { return Credential::Absent };
        if has_several(headers, &AUTHORIZATION) {
            let mut lines = headers.get_all(AUTHORIZATION).iter();
            let is_bearer = |line: &[u8]| split(line).0.eq_ignore_ascii_case(b"bearer");
            return Credential::ambiguous(lines.any(|line| is_bearer(line.as_bytes())));
        }
        match split(value.as_bytes()) {
            // A scheme without credentials, or a key without its scheme.
            (_, b"") => Credential::Blank,
            (name, key) if name.eq_ignore_ascii_case(self.0.as_bytes()) => {
                Credential::of(key, is_bearer(&self.0), format)
            }
            _ => Credential::Absent,
        }
    }

    fn strip(&self, headers: &mut HeaderMap, _: &mut Uri) {
        // Lines without a well-formed scheme are removed, too: they may be keys whose scheme was forgotten or misspelt.
        rewrite(headers, &AUTHORIZATION, |line| {
            let (name, credentials) = split(line.as_bytes());
            let of_other_scheme = !credentials.is_empty()
                && !name.eq_ignore_ascii_case(self.0.as_bytes())
                && std::str::from_utf8(name).is_ok_and(is_token);
            (name.is_empty() || of_other_scheme).then(|| line.clone())
        });
    }

    fn header_name(&self) -> Option<&HeaderName> {
        Some(&AUTHORIZATION)
    }

    fn challenge(&self) -> Challenge<'_> {
        Challenge::of_scheme(&self.0)
    }
}

/// Splits the scheme from its credentials (RFC 9110 section 11.4).
fn split(value: &[u8]) -> (&[u8], &[u8]) {
    let value = value.trim_ascii();
    let end = value.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(value.len());
    let (scheme, key) = value.split_at(end);
    (scheme, key.trim_ascii_start())
}
