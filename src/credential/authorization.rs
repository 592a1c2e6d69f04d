use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http::uri::Uri;

use super::expected::Expected;
use super::kind::{Challenge, SourceKind};
use super::lines::{is_token, rewrite};
use super::{Credential, has_several};
use crate::error::ConfigError;

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
    fn read(&self, headers: &HeaderMap, _: Option<&Uri>, expected: Expected<'_>) -> Credential {
        self.grammar(expected).read(headers)
    }

    fn strip(&self, headers: &mut HeaderMap, _: &mut Uri, expected: Expected<'_>) {
        self.grammar(expected).strip(headers);
    }

    fn header_name(&self) -> Option<&HeaderName> {
        Some(&AUTHORIZATION)
    }

    fn challenge(&self) -> Challenge<'_> {
        Challenge::of_scheme(&self.0)
    }
}

impl Authorization {
    fn grammar<'a>(&'a self, expected: Expected<'a>) -> Grammar<'a, impl Fn(&[u8]) -> Credential> {
        let by_bearer = is_bearer(&self.0);
        Grammar { scheme: &self.0, expected, read: move |key: &[u8]| expected.read(key, by_bearer) }
    }
}

/// How to read `Authorization` with one scheme. `read` reads the credentials that follow the name of the scheme.
pub(super) struct Grammar<'a, F> {
    pub(super) scheme: &'a str,
    pub(super) expected: Expected<'a>,
    pub(super) read: F,
}

impl<F: Fn(&[u8]) -> Credential> Grammar<'_, F> {
    pub(super) fn read(&self, headers: &HeaderMap) -> Credential {
        let Some(value) = headers.get(AUTHORIZATION) else { return Credential::Absent };
        if !has_several(headers, &AUTHORIZATION) {
            return self.read_line(value.as_bytes());
        }
        let lines = || headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
        if self.expected.prefix.is_some() && lines().all(|line| is_absent(self.read_line(line))) {
            return Credential::Absent;
        }
        Credential::ambiguous(lines().any(|line| split(line).0.eq_ignore_ascii_case(b"bearer")))
    }

    fn read_line(&self, line: &[u8]) -> Credential {
        match split(line) {
            // A scheme without credentials, or a key without its scheme.
            (name, b"") if self.is_scheme(name) || self.expected.is_part_of(name) => {
                Credential::Blank
            }
            (name, key) if self.is_scheme(name) => (self.read)(key),
            _ => Credential::Absent,
        }
    }

    pub(super) fn strip(&self, headers: &mut HeaderMap) {
        // Lines without a well-formed scheme are removed, too: they may be keys whose scheme was forgotten or misspelt.
        rewrite(headers, &AUTHORIZATION, |line| {
            let line_bytes = line.as_bytes();
            let (name, credentials) = split(line_bytes);
            let of_other_scheme = !credentials.is_empty() && is_scheme_name(name);
            let is_other = of_other_scheme || self.is_credential_of_another_kind(credentials);
            let stays = name.is_empty() || is_absent(self.read_line(line_bytes)) && is_other;
            stays.then(|| line.clone())
        });
    }

    /// Returns whether a text without a well-formed scheme lacks the prefix of keys, and so is not a key.
    fn is_credential_of_another_kind(&self, credentials: &[u8]) -> bool {
        let is_key = || !credentials.is_empty() && !is_absent((self.read)(credentials));
        self.expected.prefix.is_some() && !is_key()
    }

    fn is_scheme(&self, name: &[u8]) -> bool {
        name.eq_ignore_ascii_case(self.scheme.as_bytes())
    }
}

fn is_absent(credential: Credential) -> bool {
    matches!(credential, Credential::Absent)
}

pub(super) fn is_scheme_name(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(is_token)
}

/// Splits the scheme from its credentials (RFC 9110 section 11.4).
pub(super) fn split(value: &[u8]) -> (&[u8], &[u8]) {
    let value = value.trim_ascii();
    let end = value.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(value.len());
    let (scheme, key) = value.split_at(end);
    (scheme, key.trim_ascii_start())
}
