//! The client address of requests through proxies.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use keygate::Authenticator;
use keygate::client::{ClientAddress, ParseNetworkError, TrustedProxies};
use proptest::prelude::*;

use crate::clock::fake_clock;
use crate::common::keys::{Keys, WRONG};
use crate::failures::fixture::{Peer, exhaust, throttle};

const PROXY: &str = "10.0.0.1";

fn proxies() -> TrustedProxies {
    TrustedProxies::new(["10.0.0.0/8", "fd00::/8"]).unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn client(proxies: &TrustedProxies, peer: &str, name: &'static str, lines: &[&[u8]]) -> String {
    let mut headers = HeaderMap::new();
    for line in lines {
        let value = HeaderValue::from_bytes(line).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    proxies.client(address(peer), &headers).to_string()
}

#[test]
fn client_is_the_last_address_not_of_a_trusted_proxy() {
    let cases: &[(&str, &[&str], &str)] = &[
        // No proxy in between, whatever the header contains.
        ("203.0.113.9", &["192.0.2.1"], "203.0.113.9"),
        ("203.0.113.9", &["10.0.0.1, 10.0.0.2"], "203.0.113.9"),
        ("2001:db8::9", &["192.0.2.1"], "2001:db8::9"),
        ("::ffff:203.0.113.9", &["192.0.2.1"], "203.0.113.9"),
        // One proxy, and several.
        (PROXY, &["192.0.2.1"], "192.0.2.1"),
        ("::ffff:10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
        ("fd00::1", &["2001:db8::1"], "2001:db8::1"),
        (PROXY, &["192.0.2.1, 10.0.0.2, fd00::7"], "192.0.2.1"),
        (PROXY, &["192.0.2.1", "10.0.0.2", "fd00::7"], "192.0.2.1"),
        (PROXY, &["::ffff:192.0.2.1, ::ffff:10.9.9.9"], "192.0.2.1"),
        // The proxy appends to the caller's header.
        (PROXY, &["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
        (PROXY, &["6.6.6.6", "192.0.2.1"], "192.0.2.1"),
        (PROXY, &["10.0.0.5, 192.0.2.1"], "192.0.2.1"),
        (PROXY, &["10.0.0.5", "6.6.6.6, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
        (PROXY, &["\", 192.0.2.1"], "192.0.2.1"),
        // Spellings of addresses.
        (PROXY, &["192.0.2.1:4711"], "192.0.2.1"),
        (PROXY, &["[2001:db8::1]"], "2001:db8::1"),
        (PROXY, &["[2001:db8::1]:443"], "2001:db8::1"),
        (PROXY, &["\t192.0.2.1  ,10.0.0.2 , ,"], "192.0.2.1"),
        (PROXY, &["192.0.2.1", ""], "192.0.2.1"),
        // Only the readable part counts.
        (PROXY, &[], PROXY),
        (PROXY, &[""], PROXY),
        (PROXY, &["unknown"], PROXY),
        (PROXY, &["192.0.2.1, unknown"], PROXY),
        (PROXY, &["192.0.2.1, what?, 10.0.0.2"], "10.0.0.2"),
        (PROXY, &["192.0.2.1, 10.0.0.300, 10.0.0.2"], "10.0.0.2"),
        (PROXY, &["192.0.2.1, 010.0.0.3"], PROXY),
        (PROXY, &["192.0.2.1, 192.0.2.2:99999999"], PROXY),
        (PROXY, &["192.0.2.1, 192.0.2.2:"], PROXY),
        (PROXY, &["192.0.2.1, [2001:db8::1"], PROXY),
        (PROXY, &["192.0.2.1, [192.0.2.1]"], PROXY),
        (PROXY, &["192.0.2.1, fe80::1%eth0"], PROXY),
        (PROXY, &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
    ];
    for (peer, lines, expected) in cases {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        assert_eq!(client(&proxies(), peer, "x-forwarded-for", &lines), *expected, "{lines:?}");
    }
}

#[test]
fn client_is_read_from_forwarded_where_configured() {
    let cases: &[(&[&str], &str)] = &[
        (&["for=192.0.2.1"], "192.0.2.1"),
        (&["For=192.0.2.1;proto=https;by=10.0.0.1"], "192.0.2.1"),
        (&["by=10.0.0.1;FOR=\"192.0.2.1:4711\""], "192.0.2.1"),
        (&["for=\"[2001:db8::1]\""], "2001:db8::1"),
        (&["for=\"[2001:db8::1]:4711\";proto=http"], "2001:db8::1"),
        (&["for=\"[2001:db8::1]:_hidden\""], "2001:db8::1"),
        (&["for=192.0.2.1, for=10.0.0.2, for=\"[fd00::7]\""], "192.0.2.1"),
        (&["for=192.0.2.1", "for=10.0.0.2"], "192.0.2.1"),
        (&["for=192.0.2.1;host=\"a, b; for=6.6.6.6\", for=10.0.0.2"], "192.0.2.1"),
        (&["for=192.0.2.1;host=\"\\\", for=6.6.6.6, \\\"\""], "192.0.2.1"),
        // The proxy appends to the caller's header, which cannot hide the addition.
        (&["for=6.6.6.6, for=192.0.2.1"], "192.0.2.1"),
        (&["for=\", for=192.0.2.1"], "192.0.2.1"),
        (&["for=\"6.6.6.6, for=192.0.2.1;proto=\"https\""], "192.0.2.1"),
        (&["for=\"\\, for=192.0.2.1;host=\"a\""], "192.0.2.1"),
        (&["for=6.6.6.6;by=\"", "for=192.0.2.1"], "192.0.2.1"),
        // Only the readable part counts.
        (&["for=192.0.2.1, for=unknown"], PROXY),
        (&["for=192.0.2.1, for=_hidden, for=10.0.0.2"], "10.0.0.2"),
        (&["for=192.0.2.1, proto=https"], PROXY),
        (&["for=192.0.2.1, for=192.0.2.2;for=192.0.2.3"], PROXY),
        (&["for=192.0.2.1, 192.0.2.2"], PROXY),
        (&["for=192.0.2.1, for="], PROXY),
        (&["for=192.0.2.1, for=\"192.0.2.2"], PROXY),
        (&["for=192.0.2.1, for=\"192.0\\.2.2\""], PROXY),
    ];
    for (lines, expected) in cases {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        let proxies = proxies().reading_forwarded();
        assert_eq!(client(&proxies, PROXY, "forwarded", &lines), *expected, "{lines:?}");
    }
}

#[test]
fn header_that_is_not_configured_is_not_read() {
    let said: &[&[u8]] = &[b"for=192.0.2.1"];
    assert_eq!(client(&proxies(), PROXY, "forwarded", said), PROXY);
    let said: &[&[u8]] = &[b"192.0.2.1"];
    assert_eq!(client(&proxies().reading_forwarded(), PROXY, "x-forwarded-for", said), PROXY);
}

#[test]
fn invalid_networks_are_refused_when_built() {
    let refused = |networks: &[&str]| TrustedProxies::new(networks).unwrap_err();
    assert_eq!(refused(&["10.0.0.0/8", "the proxy"]), ParseNetworkError::Form);
    assert_eq!(refused(&["10.0.0.0/33"]), ParseNetworkError::Form);
    assert_eq!(refused(&["10.0.0.1/8"]), ParseNetworkError::NotTheFirst);
    let none = TrustedProxies::new([""; 0]).unwrap();
    assert_eq!(client(&none, PROXY, "x-forwarded-for", &[b"192.0.2.1"]), PROXY);
}

#[test]
fn failures_behind_proxies_count_by_client() {
    let auth = Authenticator::new(Keys)
        .with_client_address(ClientAddress::by_peer(|peer: &Peer| peer.0).behind(proxies()))
        .throttle_failures(throttle())
        .with_clock(fake_clock().reader());
    let attempt = |peer: &str, said: &str| {
        let request = Request::get("/").header("x-api-key", WRONG).header("x-forwarded-for", said);
        let request = request.extension(Peer(address(peer))).body(()).unwrap();
        auth.verify_parts(&request.into_parts().0)
    };
    assert_eq!(exhaust(|_| attempt(PROXY, "192.0.2.1")), 3);
    assert_eq!(exhaust(|_| attempt("10.0.0.2", "6.6.6.6, 192.0.2.1")), 0, "over another proxy");
    assert_eq!(exhaust(|_| attempt("192.0.2.1", "6.6.6.6")), 0, "without a proxy");
    assert_eq!(exhaust(|_| attempt(PROXY, "192.0.2.2")), 3);
    assert_eq!(exhaust(|_| attempt("203.0.113.9", "192.0.2.3")), 3);
    assert_eq!(exhaust(|_| attempt("203.0.113.9", "192.0.2.4")), 0);
}

/// Any header value, often made of parts of the two headers.
fn said() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(prop_oneof![Just(b'\t'), 0x20..0x7f_u8, 0x80..=0xff_u8], 0..8),
        proptest::sample::select(vec![
            "for=", "\"", "\\", ",", ";", "=", "[", "]", ":", "10.0.0.2", "fd00::1", "6.6.6.6",
            "unknown",
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn untrusted_peer_is_the_client_whatever_the_headers(
        lines in proptest::collection::vec(said(), 0..4), forwarded: bool,
    ) {
        let lines: Vec<_> = lines.iter().map(|line| &**line).collect();
        let (proxies, name) = reading(forwarded);
        prop_assert_eq!(client(&proxies, "203.0.113.9", name, &lines), "203.0.113.9");
        // Reading it never panics.
        client(&proxies, PROXY, name, &lines);
    }

    #[test]
    fn address_added_by_a_trusted_proxy_wins_over_earlier_ones(
        lines in proptest::collection::vec(said(), 1..4), forwarded: bool, same_line: bool,
        further in 0_usize..3, form in 0_usize..3,
    ) {
        let (proxies, name) = reading(forwarded);
        let added = match (forwarded, form) {
            (false, 0) => "192.0.2.1",
            (false, 1) => "192.0.2.1:80",
            (false, _) => "::ffff:192.0.2.1",
            (true, 0) => "for=192.0.2.1",
            (true, 1) => "proto=http;for=\"192.0.2.1:_x\";by=\"[fd00::1]\"",
            (true, _) => "for=\"[::ffff:192.0.2.1]\";host=\"a\\\", b\"",
        };
        let hop = if forwarded { ", for=10.0.0.9" } else { ", 10.0.0.9" };
        let added = format!("{added}{}", hop.repeat(further));
        let mut lines = lines;
        if same_line {
            let last = lines.last_mut().unwrap();
            last.extend_from_slice(b", ");
            last.extend_from_slice(added.as_bytes());
        } else {
            lines.push(added.into_bytes());
        }
        let lines: Vec<_> = lines.iter().map(|line| &**line).collect();
        prop_assert_eq!(client(&proxies, PROXY, name, &lines), "192.0.2.1");
    }
}

fn reading(forwarded: bool) -> (TrustedProxies, &'static str) {
    if forwarded {
        (proxies().reading_forwarded(), "forwarded")
    } else {
        (proxies(), "x-forwarded-for")
    }
}
