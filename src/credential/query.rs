use std::borrow::Cow;

use http::Uri;
use percent_encoding::percent_decode;
use zeroize::{Zeroize as _, Zeroizing};

use super::Credential;

pub(super) fn read(uri: &Uri, name: &str) -> Credential {
    let values = uri.query().into_iter().flat_map(pairs).filter(|pair| is_named(pair, name));
    let mut found = None;
    for (_, value) in values.map(split) {
        if found.replace(value).is_some() {
            return Credential::ambiguous(false);
        }
    }
    found.map_or(Credential::Absent, |value| Credential::of(&decode(value), false))
}

pub(super) fn pairs(query: &str) -> impl Iterator<Item = &str> {
    query.split('&')
}

fn split(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}

/// Names may be written in escapes, too: `api%5Fkey` is `api_key`.
pub(super) fn is_named(pair: &&str, name: &str) -> bool {
    *decode(split(pair).0) == name.as_bytes()
}

/// Decodes as bytes, since keys are bytes: what is not UTF-8 stays what it is.
fn decode(text: &str) -> Zeroizing<Vec<u8>> {
    let mut spaced: Cow<'_, str> = text.into();
    if text.contains('+') {
        spaced = text.replace('+', " ").into();
    }
    let decoded = Zeroizing::new(percent_decode(spaced.as_bytes()).collect());
    if let Cow::Owned(spaced) = &mut spaced {
        spaced.zeroize();
    }
    decoded
}
