use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Uri};

use super::{SourceKind, Sources, cookie, query, scheme};

impl Sources {
    /// Removes the credentials of every source, and nothing else.
    pub(crate) fn strip(&self, headers: &mut HeaderMap, uri: &mut Uri) {
        for place in &self.places {
            match place {
                SourceKind::Header(name) => {
                    headers.remove(name);
                }
                SourceKind::Authorization(scheme) => strip_scheme(headers, scheme),
                SourceKind::Cookie(name) => strip_cookie(headers, name),
                SourceKind::Query(name) => strip_query(uri, name),
            }
        }
    }
}

/// Also removes what is of no scheme: it may be a key whose scheme was forgotten, or is misspelt.
fn strip_scheme(headers: &mut HeaderMap, scheme: &str) {
    rewrite(headers, &AUTHORIZATION, |line| {
        let (name, credentials) = scheme::split(line.as_bytes());
        let of_other_scheme = !credentials.is_empty()
            && !name.eq_ignore_ascii_case(scheme.as_bytes())
            && std::str::from_utf8(name).is_ok_and(scheme::is_token);
        (name.is_empty() || of_other_scheme).then(|| line.clone())
    });
}

fn strip_cookie(headers: &mut HeaderMap, name: &str) {
    rewrite(headers, &COOKIE, |line| {
        let ours = |pair: &&[u8]| cookie::value_of(pair, name).is_some();
        if !cookie::pairs(line).any(|pair| ours(&pair)) {
            return Some(line.clone());
        }
        let kept: Vec<_> = cookie::pairs(line).filter(|pair| !ours(pair)).collect();
        let kept = kept.join(&b';');
        // The bytes stood in a header a moment ago, so they can stand in one again.
        let mut value = HeaderValue::from_bytes(kept.trim_ascii()).ok()?;
        value.set_sensitive(line.is_sensitive());
        (!value.is_empty()).then_some(value)
    });
}

/// Replaces each line of a field, or drops it.
fn rewrite(
    headers: &mut HeaderMap,
    name: &HeaderName,
    line: impl Fn(&HeaderValue) -> Option<HeaderValue>,
) {
    let lines: Vec<_> = headers.get_all(name).iter().filter_map(line).collect();
    headers.remove(name);
    for line in lines {
        headers.append(name, line);
    }
}

/// Removes the parameter; the others keep their order and their spelling.
fn strip_query(uri: &mut Uri, name: &str) {
    let Some(query) = uri.query() else { return };
    if !query::pairs(query).any(|pair| query::is_named(&pair, name)) {
        return;
    }
    let kept: Vec<_> = query::pairs(query).filter(|pair| !query::is_named(pair, name)).collect();
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
