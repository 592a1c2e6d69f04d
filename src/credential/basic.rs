use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use http::uri::Uri;
use zeroize::Zeroizing;

use super::Credential;
use super::authorization::Grammar;
use super::expected::Expected;
use super::kind::{Challenge, SourceKind};
use crate::error::{ConfigError, WrongReason};

pub(super) const BASIC: &str = "Basic";

/// `Authorization: Basic` (RFC 7617), with a key as the password or as the user name.
#[derive(Clone, Copy, Default)]
pub(super) struct Basic {
    challenges_as_basic: bool,
}

impl Basic {
    fn grammar(expected: Expected<'_>) -> Grammar<'_, impl Fn(&[u8]) -> Credential> {
        Grammar { scheme: BASIC, expected, read: move |pair: &[u8]| read(pair, expected) }
    }
}

impl SourceKind for Basic {
    fn read(&self, headers: &HeaderMap, _: Option<&Uri>, expected: Expected<'_>) -> Credential {
        Self::grammar(expected).read(headers)
    }

    fn strip(&self, headers: &mut HeaderMap, _: &mut Uri, expected: Expected<'_>) {
        Self::grammar(expected).strip(headers);
    }

    fn header_name(&self) -> Option<&HeaderName> {
        Some(&AUTHORIZATION)
    }

    fn challenge(&self) -> Challenge<'_> {
        if self.challenges_as_basic {
            Challenge::of_scheme(BASIC)
        } else {
            Challenge::of_location("header", AUTHORIZATION.as_str())
        }
    }

    /// OpenAPI cannot describe any other key in `Authorization`.
    #[cfg(feature = "serde")]
    fn description(&self) -> Challenge<'_> {
        Challenge::of_scheme(BASIC)
    }

    fn constructor(&self) -> (&'static str, &str) {
        if self.challenges_as_basic { ("basic().with_basic_challenge", "") } else { ("basic", "") }
    }

    fn with_basic_challenge(&self) -> Result<Arc<dyn SourceKind>, ConfigError> {
        Ok(Arc::new(Self { challenges_as_basic: true }))
    }
}

/// Reads the key from a user name and a password. A user name has no colon (RFC 7617 section 2).
fn read(pair: &[u8], expected: Expected<'_>) -> Credential {
    let pair = decode(pair);
    let colon = pair.as_ref().and_then(|pair| pair.iter().position(|byte| *byte == b':'));
    match (pair, colon) {
        (Some(pair), Some(colon)) => match &pair[colon + 1..] {
            b"" => expected.read(&pair[..colon], false),
            password => expected.read(password, false),
        },
        _ if expected.prefix.is_some() => Credential::Absent,
        _ => Credential::Wrong { reason: WrongReason::Malformed, by_bearer: false },
    }
}

/// Decodes base64 (RFC 4648 section 4), with its padding or without, into a buffer that never grows.
fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let is_padded = digits.len() < text.len();
    if digits.len() % 4 == 1 || (is_padded && !text.len().is_multiple_of(4)) {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut bits, mut count) = (0_u16, 0_u32);
    for digit in digits {
        bits = bits << 6 | u16::from(value(*digit)?);
        count += 6;
        if let Some(rest) = count.checked_sub(8) {
            let [_, byte] = (bits >> rest).to_be_bytes();
            bytes.push(byte);
            bits &= (1 << rest) - 1;
            count = rest;
        }
    }
    // Bits that are left over are zero.
    (bits == 0).then_some(bytes)
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}
