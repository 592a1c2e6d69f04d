use http::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};

use crate::config::ConfigError;
use crate::credential::{BEARER, Sources, is_bearer};
use crate::error::AuthError;

/// Not empty, and true of every service.
const DEFAULT_REALM: &str = "api";

/// The challenge of the default source and realm.
const DEFAULT: &str = r#"ApiKey realm="api""#;

/// What a refusal asks for: one `WWW-Authenticate` line per enabled scheme, Bearer first
/// (RFC 9110 section 11.6.1).
#[derive(Clone)]
pub(crate) struct Challenges {
    realm: String,
    lines: Vec<Line>,
}

#[derive(Clone)]
struct Line {
    plain: HeaderValue,
    /// With `error="invalid_token"` (RFC 6750 section 3.1), for Bearer alone.
    invalid_token: Option<HeaderValue>,
}

impl Default for Challenges {
    fn default() -> Self {
        let challenges = Self::new(DEFAULT_REALM, &Sources::default());
        challenges.expect("the default realm and sources are well formed")
    }
}

impl Challenges {
    /// # Errors
    ///
    /// A realm that cannot stand between quotes (RFC 9110 section 5.6.4), or says nothing.
    pub(crate) fn new(realm: &str, sources: &Sources) -> Result<Self, ConfigError> {
        let fits = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        if realm.trim().is_empty() || !realm.bytes().all(fits) {
            return Err(ConfigError::Realm);
        }
        let mut schemes: Vec<&str> = Vec::new();
        for place in sources.places() {
            if !schemes.iter().any(|known| known.eq_ignore_ascii_case(place.scheme())) {
                schemes.push(place.scheme());
            }
        }
        schemes.sort_by_key(|scheme| !is_bearer(scheme));
        let lines = schemes.into_iter().map(|scheme| {
            let value = |text: String| HeaderValue::try_from(text).map_err(|_| ConfigError::Realm);
            let plain = format!("{scheme} realm=\"{realm}\"");
            let invalid_token = format!("{plain}, error=\"invalid_token\"");
            Ok(Line {
                // A static text is cloned without counting references: 10 ns a refusal.
                plain: if plain == DEFAULT {
                    HeaderValue::from_static(DEFAULT)
                } else {
                    value(plain)?
                },
                invalid_token: is_bearer(scheme).then(|| value(invalid_token)).transpose()?,
            })
        });
        Ok(Self { realm: realm.to_owned(), lines: lines.collect::<Result<_, ConfigError>>()? })
    }

    pub(crate) fn realm(&self) -> &str {
        &self.realm
    }

    /// Puts these challenges in the place of any that are there.
    pub(crate) fn put(&self, error: &AuthError, headers: &mut HeaderMap) {
        if let AuthError::InsufficientScope(missing) = error {
            // RFC 6750 section 3.1, for keys that came by Bearer.
            let bearer = self.lines.iter().find(|line| line.invalid_token.is_some());
            if let (Some(_), true) = (bearer, missing.client().by_bearer()) {
                let challenge = format!(
                    "{BEARER} realm=\"{}\", error=\"insufficient_scope\", scope=\"{}\"",
                    self.realm,
                    missing.list(),
                );
                headers.extend(
                    HeaderValue::try_from(challenge).map(|value| (WWW_AUTHENTICATE, value)),
                );
            }
            return;
        }
        let by_bearer = matches!(error, AuthError::WrongCredentials { by_bearer: true, .. });
        let mut values = self.lines.iter().map(|line| {
            let named = line.invalid_token.as_ref().filter(|_| by_bearer);
            named.unwrap_or(&line.plain).clone()
        });
        if let Some(first) = values.next() {
            headers.insert(WWW_AUTHENTICATE, first);
        }
        for value in values {
            headers.append(WWW_AUTHENTICATE, value);
        }
    }
}
