use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Replaces or removes each line of a header.
pub(super) fn rewrite(
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

/// The members of a header's list, which may have several lines.
pub(super) fn members<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    separator: u8,
) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(name).iter().flat_map(move |line| split(line, separator))
}

/// Removes members from a list. Lines without any of them are unchanged.
pub(super) fn remove_members(
    headers: &mut HeaderMap,
    name: &HeaderName,
    separator: u8,
    is_ours: impl Fn(&[u8]) -> bool,
) {
    rewrite(headers, name, |line| {
        if !split(line, separator).any(&is_ours) {
            return Some(line.clone());
        }
        let kept: Vec<_> = split(line, separator).filter(|member| !is_ours(member)).collect();
        let kept = kept.join(&separator);
        // These bytes were in a header already, so they fit in one.
        let mut value = HeaderValue::from_bytes(kept.trim_ascii()).ok()?;
        value.set_sensitive(line.is_sensitive());
        (!value.is_empty()).then_some(value)
    });
}

fn split(line: &HeaderValue, separator: u8) -> impl Iterator<Item = &[u8]> {
    line.as_bytes().split(move |byte| *byte == separator)
}

/// Returns whether the text is a token (RFC 9110 section 5.6.2), as names of schemes and cookies are.
pub(super) fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}
