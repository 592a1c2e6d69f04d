use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, VARY};
use actix_web::{HttpResponse, HttpResponseBuilder, http::StatusCode};

use crate::authenticate::Config;
use crate::credential::Sources;
use crate::respond::Caching;

/// The headers of the sources in the types of actix, made once, since each conversion of a name costs 30 ns.
pub(super) struct SourceHeaders {
    names: Vec<(HeaderName, http::HeaderName)>,
    /// The headers added to a response without `Vary` and `Cache-Control`, for [`Caching::Private`] and for
    /// [`Caching::Vary`].
    private: HeaderMap,
    vary: HeaderMap,
}

impl SourceHeaders {
    pub(super) fn of(sources: &Sources) -> Self {
        let names = sources.header_names().iter();
        let names = names.filter_map(|name| {
            Some((HeaderName::from_bytes(name.as_str().as_bytes()).ok()?, name.clone()))
        });
        let added = |caching: Caching| {
            let (mut added, mut headers) = (http::HeaderMap::new(), HeaderMap::new());
            caching.apply(&mut added, sources);
            append(&mut headers, &added);
            headers
        };
        let (private, vary) = (added(Caching::Private), added(Caching::Vary));
        Self { names: names.collect(), private, vary }
    }

    /// The lines of these headers in a request. Their bytes are shared with the request.
    pub(super) fn lines(
        &self,
        headers: &HeaderMap,
    ) -> impl Iterator<Item = (http::HeaderName, HeaderValue)> {
        self.names.iter().flat_map(|(name, known)| {
            headers.get_all(name).map(|value| (known.clone(), value.clone()))
        })
    }

    /// Marks all lines of these headers as sensitive.
    pub(super) fn redact(&self, headers: &mut HeaderMap) {
        headers.retain(|name, value| {
            if self.names.iter().any(|(source, _)| source == name) {
                value.set_sensitive(true);
            }
            true
        });
    }

    pub(super) fn add_caching(&self, headers: &mut HeaderMap, caching: Caching, config: &Config) {
        if headers.contains_key(VARY) || headers.contains_key(CACHE_CONTROL) {
            let mut ours = copied(headers, [&http::header::VARY, &http::header::CACHE_CONTROL]);
            caching.apply(&mut ours, &config.sources);
            replace(headers, &ours);
            return;
        }
        let added = match caching {
            Caching::Private => &self.private,
            Caching::Vary => &self.vary,
            Caching::Unchanged => return,
        };
        for (name, value) in added {
            headers.append(name.clone(), value.clone());
        }
    }
}

/// Sets these headers of an actix response, replacing existing ones.
pub(super) fn replace(headers: &mut HeaderMap, with: &http::HeaderMap) {
    for name in with.keys() {
        headers.remove(name.as_str());
    }
    append(headers, with);
}

/// Appends these headers to those of an actix response.
pub(super) fn append(headers: &mut HeaderMap, more: &http::HeaderMap) {
    for (name, value) in more {
        // Names and values valid in one version of `http` are valid in the other.
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

pub(super) fn status(status: http::StatusCode) -> StatusCode {
    StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Converts to an actix response.
pub(super) fn response(response: http::Response<String>) -> HttpResponse {
    let (parts, body) = response.into_parts();
    let mut response = HttpResponseBuilder::new(status(parts.status)).body(body);
    // For text, the builder sets a default content type, which is replaced here.
    replace(response.headers_mut(), &parts.headers);
    response
}
