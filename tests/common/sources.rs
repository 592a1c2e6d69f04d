//! Each kind of source, with a writer of requests. Tests of sources and the fuzz targets iterate over [`all`].

use http::header::HeaderName;
use http::{HeaderValue, Request, Uri};
use keygate::Source;

/// The constructors of `Source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Constructor {
    Header,
    Bearer,
    Scheme,
    Cookie,
    Query,
    Basic,
    HeaderRaw,
    WebsocketProtocol,
}

pub(crate) struct SourceCase {
    pub(crate) constructor: Constructor,
    pub(crate) source: Source,
    /// The header that carries the key, or `None` if the query does.
    pub(crate) header: Option<&'static str>,
    /// The challenge of the realm `api`.
    pub(crate) challenge: &'static str,
    /// Adds a key to a request, in addition to existing ones.
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
            constructor: Constructor::Basic,
            source: Source::basic(),
            header: Some("authorization"),
            challenge: r#"ApiKey realm="api", in="header", name="authorization""#,
            write: |request, key| {
                let value = format!("Basic {}", base64(&[b":", key].concat()));
                append(request, "authorization", value.as_bytes());
            },
        },
        SourceCase {
            constructor: Constructor::HeaderRaw,
            source: Source::header_raw("authorization"),
            header: Some("authorization"),
            challenge: r#"ApiKey realm="api", in="header", name="authorization""#,
            write: |request, key| append(request, "authorization", key),
        },
        SourceCase {
            constructor: Constructor::WebsocketProtocol,
            source: Source::websocket_protocol("keygate."),
            header: Some("sec-websocket-protocol"),
            challenge: r#"ApiKey realm="api", in="header", name="sec-websocket-protocol""#,
            write: |request, key| {
                append(request, "sec-websocket-protocol", &[b"keygate.", key].concat());
            },
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

/// Encodes base64 with padding, bit by bit.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let digit = |bits: &[u8]| {
        let value = (0..6).fold(0, |value, bit| value << 1 | bits.get(bit).unwrap_or(&0));
        char::from(DIGITS[usize::from(value)])
    };
    let mut text: String = bits.chunks(6).map(digit).collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

fn append(request: &mut Request<()>, name: &'static str, value: &[u8]) {
    let value = HeaderValue::from_bytes(value).unwrap();
    request.headers_mut().append(HeaderName::from_static(name), value);
}
