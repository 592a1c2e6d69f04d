//! Reads the headers in which proxies report the address and protocol of a request. They are read from the end: a
//! caller may have written the beginning, which must not change how the rest is parsed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName};

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    XForwardedFor,
    Forwarded,
}

impl Field {
    /// The elements from the last to the first, over all lines.
    pub(super) fn elements(self, headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
        match self {
            Self::XForwardedFor => elements(headers, &X_FORWARDED_FOR, false),
            Self::Forwarded => elements(headers, &FORWARDED, true),
        }
    }

    /// The address of an element, or `None` if it is not an address.
    #[inline]
    pub(super) fn address(self, element: &[u8]) -> Option<IpAddr> {
        match self {
            Self::XForwardedFor => node(element),
            // An address has no character that needs an escape, so escapes are not decoded.
            Self::Forwarded => node(parameter(element, "for")?),
        }
    }
}

/// Returns whether `X-Forwarded-Proto` names only encrypted protocols. Some proxies append to it, and others replace
/// it.
pub(super) fn are_protocols_encrypted(headers: &HeaderMap) -> bool {
    let mut protocols = elements(headers, &X_FORWARDED_PROTO, false).peekable();
    protocols.peek().is_some() && protocols.all(is_encrypted)
}

/// Returns whether a `forwarded-element` names an encrypted protocol.
pub(super) fn is_element_encrypted(element: &[u8]) -> bool {
    parameter(element, "proto").is_some_and(is_encrypted)
}

fn is_encrypted(protocol: &[u8]) -> bool {
    // Traefik reports WebSockets as `wss`.
    protocol.eq_ignore_ascii_case(b"https") || protocol.eq_ignore_ascii_case(b"wss")
}

fn elements<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    quotes: bool,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let lines = headers.get_all(name).iter().rev();
    let elements = lines.flat_map(move |line| Backwards {
        rest: Some(line.as_bytes()),
        separator: b',',
        quotes,
    });
    // Empty elements do not count (RFC 9110 section 5.6.1.2).
    elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// The parts of a text between separators, the last one first. A separator in quotes does not count.
struct Backwards<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
    quotes: bool,
}

impl<'a> Iterator for Backwards<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest?;
        let mut quoted = false;
        for (at, byte) in text.iter().enumerate().rev() {
            if *byte == b'"' && self.quotes {
                // An escaped quote does not end the quoted text.
                quoted = !quoted || is_escaped(&text[..at]);
            } else if *byte == self.separator && !quoted {
                self.rest = Some(&text[..at]);
                return Some(&text[at + 1..]);
            }
        }
        self.rest = None;
        Some(text)
    }
}

fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The value of the only parameter of this name in a `forwarded-element` (RFC 7239 section 4), without quotes.
fn parameter<'a>(element: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut found = None;
    for pair in (Backwards { rest: Some(element), separator: b';', quotes: true }) {
        let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { continue };
        if pair[..equals].trim_ascii().eq_ignore_ascii_case(name.as_bytes())
            && found.replace(&pair[equals + 1..]).is_some()
        {
            return None;
        }
    }
    match found?.trim_ascii() {
        [b'"', quoted @ .., b'"'] => Some(quoted),
        value => Some(value),
    }
}

/// An address, with a port or without: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`,
/// `[2001:db8::1]:80` (RFC 7239 section 6). A port may be obfuscated, but an address may not.
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    // Most addresses have this form.
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(address.into());
    }
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return address.parse::<Ipv6Addr>().ok().filter(|_| fits).map(IpAddr::V6);
    }
    if let Some((address, port)) = text.split_once(':')
        && is_port(port)
        && let Ok(address) = address.parse::<Ipv4Addr>()
    {
        return Some(address.into());
    }
    text.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

fn is_port(text: &str) -> bool {
    let hidden = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match text.strip_prefix('_') {
        Some(name) => !name.is_empty() && name.bytes().all(hidden),
        None => (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()),
    }
}
