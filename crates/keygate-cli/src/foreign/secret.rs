use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use keygate::KeyDigest;
use keygate::key::Timestamp;
use zeroize::Zeroizing;

use super::node::Node;

/// A key in a foreign file.
pub(super) enum Secret {
    Plain(Zeroizing<String>),
    Digest(KeyDigest),
}

impl Secret {
    pub(super) fn plain(text: &str) -> Self {
        Self::Plain(text.to_owned().into())
    }
}

/// Returns the key from two fields, one for its text and one for its digest. Returns `None` if both are missing.
pub(super) fn of_fields(
    key: Option<&str>,
    digest_text: Option<&str>,
) -> Result<Option<Secret>, &'static str> {
    match (key, digest_text) {
        (Some(key), _) => Ok(Some(Secret::plain(key))),
        (None, Some(text)) => digest(text).map(Secret::Digest).map(Some).ok_or(NO_DIGEST),
        (None, None) => Ok(None),
    }
}

const NO_DIGEST: &str = "its hash is not a SHA-256 in hexadecimal digits or base64";

/// Parses a digest: SHA-256 in hexadecimal digits or base64.
pub(super) fn digest(text: &str) -> Option<KeyDigest> {
    let text = text.strip_prefix("sha256:").unwrap_or(text);
    if text.len() == 64 {
        return format!("sha256:{}", text.to_ascii_lowercase()).parse().ok();
    }
    base64(text).and_then(|bytes| <[u8; 32]>::try_from(&bytes[..]).ok()).map(KeyDigest::from_bytes)
}

pub(super) fn base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
    engines.iter().find_map(|engine| engine.decode(text).ok()).map(Zeroizing::new)
}

/// Returns the kind of a reference that another system resolves, if the text is one instead of a key.
pub(super) fn reference(text: &str) -> Option<&'static str> {
    let forms = [
        ("${", "a variable"),
        ("{{", "a template"),
        ("$env://", "an environment variable"),
        ("$ENV://", "an environment variable"),
        ("$secret://", "a reference to a secret manager"),
        ("{vault://", "a reference to a vault"),
    ];
    forms.into_iter().find(|(form, _)| text.contains(form)).map(|(_, what)| what)
}

/// Parses a time in the forms that exports use: RFC 3339, also with a space instead of the `T`, and without an offset
/// if the system writes UTC.
pub(super) fn time(text: &str, without_offset_in_utc: bool) -> Result<Timestamp, String> {
    let instant = text.parse::<jiff::Timestamp>().or_else(|error| {
        let local = text.parse::<DateTime>().ok().filter(|_| without_offset_in_utc);
        local.and_then(|local| TimeZone::UTC.to_timestamp(local).ok()).ok_or(error)
    });
    let instant = instant
        .map_err(|_| "write a time with its offset, as in 2026-12-31T00:00:00Z".to_owned())?;
    instant.to_string().parse().map_err(|error: keygate::key::TimeError| error.to_string())
}

/// Parses the time in a field: a string, or a number of `unit`s since 1970 if the system writes numbers.
pub(super) fn time_in(
    object: &Node,
    field: &str,
    parts: Option<f64>,
) -> Result<Option<Timestamp>, String> {
    match (object.get(field), parts) {
        (None, _) => Ok(None),
        (Some(Node::Text(text)), _) => time(text, false).map(Some),
        (Some(Node::Number(number)), Some(parts)) => unix_time(number / parts).map(Some),
        (Some(_), _) => Err("it is not a time in this format".to_owned()),
    }
}

/// Converts seconds since 1970 to a time.
pub(super) fn unix_time(seconds: f64) -> Result<Timestamp, String> {
    let instant = jiff::Timestamp::from_duration(
        jiff::SignedDuration::try_from_secs_f64(seconds)
            .map_err(|_| "the time is too large".to_owned())?,
    );
    let instant = instant.map_err(|_| "the time is too large".to_owned())?;
    instant.to_string().parse().map_err(|error: keygate::key::TimeError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_in_hexadecimal_digits_and_base64() {
        let of = KeyDigest::of(b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU");
        let hex = of.to_text();
        for text in [
            hex.clone(),
            hex["sha256:".len()..].to_uppercase(),
            STANDARD.encode(of.to_bytes()),
            URL_SAFE_NO_PAD.encode(of.to_bytes()),
        ] {
            assert!(digest(&text) == Some(of), "{text}");
        }
        for text in ["", "x", "$2y$10$abcdefghijklmnopqrstuv", &hex[..40]] {
            assert!(digest(text).is_none(), "{text}");
        }
    }

    #[test]
    fn times_have_an_offset_unless_the_system_writes_utc() {
        for text in ["2026-01-31T00:00:00Z", "2026-01-31 01:00:00+01"] {
            assert_eq!(time(text, false).unwrap().to_string(), "2026-01-31T00:00:00Z", "{text}");
        }
        let local = "2026-01-31 00:00:00.5";
        assert!(time(local, false).is_err());
        assert_eq!(time(local, true).unwrap().to_string(), "2026-01-31T00:00:00.5Z");
        assert_eq!(unix_time(1_800_000_000.0).unwrap().to_string(), "2027-01-15T08:00:00Z");
        assert!(unix_time(-1.0).is_err() && unix_time(f64::NAN).is_err());
    }
}
