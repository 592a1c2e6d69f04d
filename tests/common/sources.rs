//! Each kind of source, with a writer of requests. Tests of sources and the fuzz targets iterate over [`all`].

use http::header::HeaderName;
use http::{HeaderValue, Request, Uri};
use keygate::Source;

/// The functions of `Source` that make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Constructor {
    Header,
    Bearer,
    Scheme,
    Cookie,
    Query,
}

pub(crate) struct SourceCase {
    pub(crate) constructor: Constructor,
    pub(crate) source: Source,
    /// The header that carries the key, or `None` if the query does.
    pub(crate) header: Option<&'static str>,
    /// The challenge of the realm `api`.
    pub(crate) challenge: &'static str,
    /// Adds a key to a request, beside any that are there.
    pub(crate) write: fn(&mut Request<()>, &[u8]),
}

impl SourceCase {
    /// A request with this key and an unrelated header.
    pub(crate) fn request(&self, key: &[u8]) -> Request<()> {
        let mut request = without_key();
        (self.write)(&mut request, key);
        request
    }
}

pub(crate) fn without_key() -> Request<()> {
    Request::builder().uri("/path?a=1").header("accept", "*/*").body(()).unwrap()
}

pub(crate) fn all() -> Vec<SourceCase> {
    vec![
        SourceCase {
            constructor: Constructor::Header,
            source: Source::header("x-key"),
            header: Some("x-key"),
            challenge: r#"ApiKey realm="api", in="header", name="x-key""#,
            write: |request, key| append(request, "x-key", key),
        },
        SourceCase {
            constructor: Constructor::Bearer,
            source: Source::bearer(),
            header: Some("authorization"),
            challenge: r#"Bearer realm="api""#,
            write: |request, key| append(request, "authorization", &[b"Bearer ", key].concat()),
        },
        SourceCase {
            constructor: Constructor::Scheme,
            source: Source::scheme("Token"),
            header: Some("authorization"),
            challenge: r#"Token realm="api""#,
            write: |request, key| append(request, "authorization", &[b"Token ", key].concat()),
        },
        SourceCase {
            constructor: Constructor::Cookie,
            source: Source::cookie("key"),
            header: Some("cookie"),
            challenge: r#"ApiKey realm="api", in="cookie", name="key""#,
            write: |request, key| append(request, "cookie", &[b"key=", key].concat()),
        },
        SourceCase {
            constructor: Constructor::Query,
            source: Source::query("key"),
            header: None,
            challenge: r#"ApiKey realm="api", in="query", name="key""#,
            write: |request, key| {
                let key = key.iter().map(|byte| match char::from(*byte) {
                    char if char.is_ascii_alphanumeric() => char.to_string(),
                    _ => format!("%{byte:02X}"),
                });
                let key = key.collect::<Vec<_>>().concat();
                *request.uri_mut() = Uri::try_from(format!("{}&key={key}", request.uri())).unwrap();
            },
        },
    ]
}

fn append(request: &mut Request<()>, name: &'static str, value: &[u8]) {
    let value = HeaderValue::from_bytes(value).unwrap();
    request.headers_mut().append(HeaderName::from_static(name), value);
}
