use std::borrow::Cow;

use http::Uri;
use http::uri::PathAndQuery;
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

fn pairs(query: &str) -> impl Iterator<Item = &str> {
    query.split('&')
}

fn split(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}

/// Names may be written in escapes, too: `api%5Fkey` is `api_key`.
fn is_named(pair: &&str, name: &str) -> bool {
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

/// Removes the parameter; the others keep their order and their spelling.
pub(super) fn strip(uri: &mut Uri, name: &str) {
    let Some(query) = uri.query() else { return };
    if !pairs(query).any(|pair| is_named(&pair, name)) {
        return;
    }
    let kept: Vec<_> = pairs(query).filter(|pair| !is_named(pair, name)).collect();
    let separator = if kept.is_empty() { "" } else { "?" };
    let path_and_query = format!("{}{separator}{}", uri.path(), kept.join("&"));
    // A part of what was a request target a moment ago is one again; if not, better no query at all
    // than one with a key in it.
    let path_and_query = PathAndQuery::try_from(path_and_query)
        .or_else(|_| PathAndQuery::try_from(uri.path()))
        .unwrap_or_else(|_| PathAndQuery::from_static("/"));
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(path_and_query);
    *uri = Uri::from_parts(parts).unwrap_or_default();
}
