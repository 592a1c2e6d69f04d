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

/// Returns whether the text is a token (RFC 9110 section 5.6.2), as names of schemes and cookies are.
pub(super) fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}
