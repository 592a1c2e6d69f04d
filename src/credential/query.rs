use http::Uri;
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use super::Credential;
use crate::key::KeyFormat;

pub(super) fn read(uri: &Uri, name: &str, format: Option<&KeyFormat>) -> Credential {
    let values = uri.query().into_iter().flat_map(pairs).filter(|pair| is_named(pair, name));
    let mut found = None;
    for (_, value) in values.map(split) {
        if found.replace(value).is_some() {
            return Credential::ambiguous(false);
        }
    }
    found.map_or(Credential::Absent, |value| Credential::of(&decode(value), false, format))
}

pub(super) fn pairs(query: &str) -> impl Iterator<Item = &str> {
    query.split('&')
}

fn split(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}

/// Names may be written in escapes, too: `api%5Fkey` is `api_key`. Compared as they are decoded,
/// without a copy: a query may have thousands of them.
pub(super) fn is_named(pair: &&str, name: &str) -> bool {
    decoded(split(pair).0).eq(name.bytes())
}

/// Decodes into a buffer that never has to grow, since growing would leave a part of the key behind.
fn decode(text: &str) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    bytes.extend(decoded(text));
    bytes
}

/// Decodes as bytes, since keys are bytes: what is not UTF-8 stays what it is.
fn decoded(text: &str) -> impl Iterator<Item = u8> {
    // A plus sign that is meant comes as an escape, and so is decoded behind this.
    text.split('+').enumerate().flat_map(|(index, part)| {
        let blank = (index > 0).then_some(b' ');
        blank.into_iter().chain(percent_decode(part.as_bytes()))
    })
}
