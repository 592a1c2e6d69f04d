use std::sync::LazyLock;

use http::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::credential::{BEARER, SourceKind, Sources, is_bearer};
use crate::error::{AuthError, ConfigError};

/// Not empty, and true of every service.
const DEFAULT_REALM: &str = "api";

/// The challenge of the default source and realm.
const DEFAULT: &str = r#"ApiKey realm="api", in="header", name="x-api-key""#;

/// A name in a challenge is printable ASCII: the rest is escaped as in a query, and `%` to tell it apart.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// The challenges of a refusal: one `WWW-Authenticate` line per place of a key, in the order of the
/// sources after Bearer (RFC 9110 section 11.6.1).
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
        Self::of_default().clone()
    }
}

impl Challenges {
    /// The challenges of the default sources and realm, built once.
    pub(crate) fn of_default() -> &'static Self {
        static CHALLENGES: LazyLock<Challenges> = LazyLock::new(|| {
            let challenges = Challenges::new(DEFAULT_REALM, &Sources::default());
            challenges.expect("the default realm and sources are well formed")
        });
        &CHALLENGES
    }

    /// # Errors
    ///
    /// A realm that cannot stand between quotes (RFC 9110 section 5.6.4), or says nothing.
    pub(crate) fn new(realm: &str, sources: &Sources) -> Result<Self, ConfigError> {
        let fits = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        if realm.trim().is_empty() || !realm.bytes().all(fits) {
            return Err(ConfigError::Realm);
        }
        let mut places: Vec<&SourceKind> = Vec::new();
        for place in sources.places() {
            if !places.iter().any(|known| is_same(known, place)) {
                places.push(place);
            }
        }
        places.sort_by_key(|place| !is_bearer(place.scheme()));
        let lines = places.into_iter().map(|place| {
            let value = |text: String| HeaderValue::try_from(text).map_err(|_| ConfigError::Realm);
            let scheme = place.scheme();
            let plain = match place.location() {
                Some((location, name)) => {
                    let name = utf8_percent_encode(name, ESCAPED).to_string();
                    let name = name.replace('\\', r"\\").replace('"', r#"\""#);
                    format!(r#"{scheme} realm="{realm}", in="{location}", name="{name}""#)
                }
                None => format!("{scheme} realm=\"{realm}\""),
            };
            let invalid_token = format!("{plain}, error=\"invalid_token\"");
            Ok(Line {
                // A static text is cloned without counting references: 10 ns a refusal.
                plain: if plain == DEFAULT {
                    HeaderValue::from_static(DEFAULT)
                } else {
                    value(plain)?
                },
                invalid_token: is_bearer(place.scheme())
                    .then(|| value(invalid_token))
                    .transpose()?,
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

/// Schemes match without regard to case (RFC 9110 section 11.1), names of queries and cookies exactly.
fn is_same(one: &SourceKind, other: &SourceKind) -> bool {
    one.location() == other.location() && one.scheme().eq_ignore_ascii_case(other.scheme())
}
