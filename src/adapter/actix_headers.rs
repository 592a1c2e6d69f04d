use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, http::StatusCode};

/// Replaces the headers of an actix response that these headers name.
pub(super) fn replace(headers: &mut HeaderMap, with: &http::HeaderMap) {
    for name in with.keys() {
        headers.remove(name.as_str());
    }
    append(headers, with);
}

/// Appends these headers to those of an actix response.
pub(super) fn append(headers: &mut HeaderMap, more: &http::HeaderMap) {
    for (name, value) in more {
        // What is valid for one version of `http` is valid for the other.
        if let Ok(name) = HeaderName::from_bytes(name.as_str().as_bytes())
            && let Ok(value) = HeaderValue::from_bytes(value.as_bytes())
        {
            headers.append(name, value);
        }
    }
}

/// Copies these headers of an actix response.
pub(super) fn copied<'a>(
    headers: &HeaderMap,
    names: impl IntoIterator<Item = &'a http::HeaderName>,
) -> http::HeaderMap {
    let mut copied = http::HeaderMap::new();
    for name in names {
        for value in headers.get_all(name.as_str()) {
            if let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) {
                copied.append(name, value);
            }
        }
    }
    copied
}

/// Marks all lines of a header as sensitive.
pub(super) fn redact(headers: &mut HeaderMap, name: &http::HeaderName) {
    let values: Vec<_> = headers.remove(name.as_str()).collect();
    let Ok(name) = HeaderName::from_bytes(name.as_str().as_bytes()) else { return };
    for mut value in values {
        value.set_sensitive(true);
        headers.append(name.clone(), value);
    }
}

pub(super) fn status(status: http::StatusCode) -> StatusCode {
    StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Makes an actix response of this one.
pub(super) fn response(response: http::Response<String>) -> HttpResponse {
    let (parts, body) = response.into_parts();
    let mut response = HttpResponseBuilder::new(status(parts.status)).body(body);
    // The builder guesses a type for text.
    replace(response.headers_mut(), &parts.headers);
    response
}
