use http::header::{COOKIE, HeaderMap, HeaderValue};

use super::{Credential, Fields};

/// HTTP/2 may spread the pairs of `Cookie` over several lines (RFC 9113 section 8.2.3), so names are
/// counted, not lines.
pub(super) fn read(fields: &mut impl Fields, name: &str) -> Credential {
    let mut found = None;
    for line in fields.all(&COOKIE) {
        for pair in pairs(line) {
            if let Some(value) = value_of(pair, name) {
                if found.replace(Credential::of(value, false)).is_some() {
                    return Credential::ambiguous(false);
                }
            }
        }
    }
    found.unwrap_or(Credential::Absent)
}

fn pairs(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    line.as_bytes().split(|byte| *byte == b';')
}

/// The value of a pair, if it has this name. Quotes are part of the value (RFC 6265 section 5.2).
fn value_of<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    (pair[..equals].trim_ascii() == name.as_bytes()).then(|| pair[equals + 1..].trim_ascii())
}

pub(super) fn strip(headers: &mut HeaderMap, name: &str) {
    let ours = |pair: &&[u8]| value_of(pair, name).is_some();
    if !headers.get_all(COOKIE).iter().any(|line| pairs(line).any(|pair| ours(&pair))) {
        return;
    }
    let lines: Vec<_> = headers.get_all(COOKIE).iter().cloned().collect();
    headers.remove(COOKIE);
    for line in lines {
        if !pairs(&line).any(|pair| ours(&pair)) {
            headers.append(COOKIE, line);
            continue;
        }
        let kept: Vec<_> = pairs(&line).filter(|pair| !ours(pair)).collect();
        let kept = kept.join(&b';');
        // The bytes stood in a header a moment ago, so they can stand in one again.
        if let (false, Ok(mut value)) =
            (kept.trim_ascii().is_empty(), HeaderValue::from_bytes(kept.trim_ascii()))
        {
            value.set_sensitive(true);
            headers.append(COOKIE, value);
        }
    }
}
