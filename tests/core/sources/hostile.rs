//! Requests of any bytes: all entrances respond alike.

use std::collections::BTreeSet;

use http::{HeaderName, HeaderValue, Request, Uri};
use keygate::{ApiKeyLayer, AuthError, Authenticator, Source};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::common::keys::{Keys, RIGHT};
use crate::common::polling::at_once;
use crate::common::services::respond;
use crate::common::sources::all;

/// Each source, and each with a prefix.
fn sources() -> impl Iterator<Item = Source> {
    let prefixed = all().into_iter().map(|case| case.source.with_prefix("08zE"));
    prefixed.chain(all().into_iter().map(|case| case.source))
}

/// The headers that sources read.
fn header_names() -> impl Iterator<Item = &'static str> {
    all().into_iter().filter_map(|case| case.header)
}

/// Pieces that mean something to a source, in any order, and bytes that mean nothing.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let meaning = select(vec![
        "Bearer",
        "bearer ",
        "Token ",
        "Basic ",
        "key",
        "key=",
        "=",
        ";",
        "; ",
        "&",
        "%",
        "%6",
        "%zz",
        "%00",
        "%ff",
        "+",
        " ",
        "\t",
        "\"",
        ",",
        "?",
        "#",
        "é",
        RIGHT,
        "keygate.",
        "Om9r",
        "OjA4ekVrOElDMGxlM0kwa1B3U0YxZzRYVTlSNVdnYnBVcTJ2WmtaMHBrUVU=",
        "08zE",
    ]);
    let piece = prop_oneof![
        3 => meaning.prop_map(|text: &str| text.as_bytes().to_owned()),
        1 => vec(any::<u8>(), 1..4),
        1 => (400..600_usize).prop_map(|count| vec![b'k'; count]),
    ];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn lines() -> impl Strategy<Value = Vec<(HeaderName, HeaderValue)>> {
    let names: BTreeSet<_> = header_names().chain(["accept"]).collect();
    let names: Vec<_> = names.into_iter().map(HeaderName::from_static).collect();
    let value = pieces().prop_map(|mut bytes| {
        bytes.retain(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f));
        HeaderValue::from_bytes(&bytes).unwrap()
    });
    vec((select(names), value), 0..6)
}

fn target() -> impl Strategy<Value = Uri> {
    let prefix =
        select(vec!["/?", "/", "", "http://example.com", "https://e.org:1/?", "*", "//", "?"]);
    (prefix, pieces()).prop_filter_map("not a target", |(prefix, rest)| {
        Uri::try_from([prefix.as_bytes(), &rest].concat()).ok()
    })
}

proptest! {
    #[test]
    fn no_request_bytes_cause_a_panic(
        lines in lines(), target in target(), optional in any::<bool>()
    ) {
        let mut request = Request::new(());
        *request.uri_mut() = target;
        for (name, value) in lines {
            request.headers_mut().append(name, value);
        }
        let parts = request.clone().into_parts().0;
        let auth = Authenticator::new(Keys).with_sources_in_parts(sources()).unwrap();

        let verified = auth.verify_parts(&parts);
        let authenticated = at_once(auth.authenticate_parts(&parts));
        prop_assert_eq!(format!("{verified:?}"), format!("{authenticated:?}"));

        let mut layer = ApiKeyLayer::from(auth.clone()).strip_credentials();
        if optional {
            layer = layer.optional();
        }
        let response = at_once(respond(&layer, request));
        let error = response.extensions().get::<AuthError>();
        if optional && error.is_none() && verified.is_err() {
            prop_assert!(matches!(verified, Err(AuthError::NoCredentials)));
            prop_assert_eq!(response.body(), "nobody");
        } else {
            prop_assert_eq!(format!("{:?}", verified.as_ref().err()), format!("{error:?}"));
            let name = verified.as_ref().map_or("", |client| client.name());
            prop_assert_eq!(response.status().is_success(), verified.is_ok());
            prop_assert!(verified.is_err() || response.body() == name);
        }

        let mut headers = parts.headers;
        auth.redact(&mut headers);
        for name in header_names() {
            prop_assert!(headers.get_all(name).iter().all(HeaderValue::is_sensitive));
        }
    }

    #[test]
    fn no_key_bytes_cause_a_panic(key in vec(any::<u8>(), 0..700)) {
        let auth = Authenticator::new(Keys);
        let verified = auth.verify_key(&key);
        let authenticated = at_once(auth.authenticate_key(&key));
        prop_assert_eq!(format!("{verified:?}"), format!("{authenticated:?}"));
        prop_assert!(verified.is_err());
    }
}
