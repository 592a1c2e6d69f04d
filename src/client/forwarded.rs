//! Reads the headers in which proxies name the addresses of a request, from their end: a caller may have written the
//! beginning, which must not change how the rest is parsed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    XForwardedFor,
    Forwarded,
}

impl Field {
    /// The addresses from the last to the first, over all lines; `None` for an element that is not an address.
    pub(super) fn hops(self, headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
        let name = match self {
            Self::XForwardedFor => X_FORWARDED_FOR,
            Self::Forwarded => FORWARDED,
        };
        let lines = headers.get_all(name).iter().rev();
        let elements = lines.flat_map(move |line| {
            let quotes = matches!(self, Self::Forwarded);
            Backwards { rest: Some(line.as_bytes()), separator: b',', quotes }
        });
        // Empty elements do not count (RFC 9110 section 5.6.1.2).
        elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty()).map(move |element| {
            match self {
                Self::XForwardedFor => node(element),
                Self::Forwarded => forwarded_for(element),
            }
        })
    }
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
                // An escaped quote is inside of quotes.
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

/// The one `for` of a `forwarded-element` (RFC 7239 section 4).
fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    let mut found = None;
    for pair in (Backwards { rest: Some(element), separator: b';', quotes: true }) {
        let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { continue };
        if pair[..equals].trim_ascii().eq_ignore_ascii_case(b"for")
            && found.replace(&pair[equals + 1..]).is_some()
        {
            return None;
        }
    }
    let value = found?.trim_ascii();
    match value {
        // An address has no character that needs an escape, so escapes are not decoded.
        [b'"', quoted @ .., b'"'] => node(quoted),
        _ => node(value),
    }
}

/// An address, with a port or without: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`,
/// `[2001:db8::1]:80` (RFC 7239 section 6). A port may be hidden, an address may not.
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
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
    text.parse().ok()
}

fn is_port(text: &str) -> bool {
    let hidden = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match text.strip_prefix('_') {
        Some(name) => !name.is_empty() && name.bytes().all(hidden),
        None => (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()),
    }
}
