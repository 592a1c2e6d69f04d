use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};
use keygate::client::{Transport, TrustedProxies};

/// A network, and addresses on the lines after it.
pub(super) fn network(text: &str) {
    let mut lines = text.split('\n');
    let network = lines.next().unwrap_or_default();
    let proxies = TrustedProxies::new([network]);
    let expected = bits_of(network);
    assert_eq!(proxies.is_ok(), expected.is_some(), "{network:?}");
    let (Ok(proxies), Some((first, length))) = (proxies, expected) else { return };
    let other: IpAddr = "203.0.113.255".parse().expect("an address");
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", HeaderValue::from_static("203.0.113.255"));
    for peer in lines
        .filter_map(|line| line.parse::<IpAddr>().ok())
        .filter(|peer| peer.to_canonical() != other)
    {
        let bits = bits(peer.to_canonical());
        let is_inside = bits.len() == first.len() && bits[..length] == first[..length];
        // Only headers of a trusted peer count.
        let expected = if is_inside { other } else { peer.to_canonical() };
        assert_eq!(proxies.client(peer, &headers), expected, "{network} {peer}");
        let reported = proxies.transport(peer, &headers);
        assert_eq!(reported, is_inside.then_some(Transport::Clear), "{network} {peer}");
    }
}

/// The bits of the first address, and the number of significant ones.
fn bits_of(text: &str) -> Option<(Vec<bool>, usize)> {
    let (address, length) =
        text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().ok()?;
    let bits = self::bits(address);
    let most_digits = if address.is_ipv4() { 2 } else { 3 };
    let length = match length {
        Some(length)
            if !(1..=most_digits).contains(&length.len())
                || !length.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            return None;
        }
        Some(length) => length.parse().ok().filter(|length| *length <= bits.len())?,
        None => bits.len(),
    };
    // Networks of IPv4 addresses are written as such.
    if address.to_canonical() != address {
        return None;
    }
    bits[length..].iter().all(|bit| !bit).then_some((bits, length))
}

fn bits(address: IpAddr) -> Vec<bool> {
    let bytes = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect()
}

/// Lines of `Forwarded` or `X-Forwarded-For`, as callers write them.
pub(super) fn forwarded(text: &str) {
    let peer: IpAddr = "10.0.0.1".parse().expect("an address");
    let proxies = TrustedProxies::new(["10.0.0.0/8"]).expect("a network");
    for (proxies, name, by_proxy) in [
        (proxies.clone(), "x-forwarded-for", "192.0.2.7"),
        (proxies.reading_forwarded(), "forwarded", "for=192.0.2.7;proto=https"),
    ] {
        let mut headers = HeaderMap::new();
        for line in text.split('\n') {
            let Ok(value) = HeaderValue::from_str(line) else { return };
            headers.append(name, value);
        }
        let client = proxies.client(peer, &headers);
        if !text.contains(['"', '\\', ';', '=']) && name == "x-forwarded-for" {
            assert_eq!(client, rightmost(peer, text), "{text:?}");
        }
        // Whatever a caller writes, the element that a proxy appends decides.
        for chained in ["", ", for=10.0.0.9"] {
            let chained = if name == "forwarded" { chained } else { &chained.replace("for=", "") };
            let mut lines = text.split('\n').map(str::to_owned).collect::<Vec<_>>();
            let last = lines.last_mut().expect("a text has a line");
            *last = format!("{last}, {by_proxy}{chained}");
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(name, HeaderValue::from_str(&line).expect("printable"));
            }
            assert_eq!(proxies.client(peer, &headers).to_string(), "192.0.2.7", "{headers:?}");
            if name == "forwarded" {
                assert_eq!(proxies.transport(peer, &headers), Some(Transport::Tls), "{headers:?}");
            }
        }
    }
    protocols(peer, text);
}

/// Lines of `X-Forwarded-Proto`, whose elements must all be encrypted protocols.
fn protocols(peer: IpAddr, text: &str) {
    let proxies = TrustedProxies::new(["10.0.0.0/8"]).expect("a network");
    let mut headers = HeaderMap::new();
    for line in text.split('\n') {
        headers.append("x-forwarded-proto", HeaderValue::from_str(line).expect("printable"));
    }
    let elements = text
        .split(['\n', ','])
        .map(|element| element.trim_matches([' ', '\t', '\x0c', '\r']).to_ascii_lowercase());
    let elements: Vec<_> = elements.filter(|element| !element.is_empty()).collect();
    let is_encrypted = !elements.is_empty()
        && elements.iter().all(|element| ["https", "wss"].contains(&element.as_str()));
    let expected = if is_encrypted { Transport::Tls } else { Transport::Clear };
    assert_eq!(proxies.transport(peer, &headers), Some(expected), "{text:?}");
    // Whatever a caller writes, the element that a proxy adds decides.
    headers.append("x-forwarded-proto", HeaderValue::from_static("http"));
    assert_eq!(proxies.transport(peer, &headers), Some(Transport::Clear), "{text:?}");
}

/// The rightmost address that is not of a proxy, without ports and quotes.
fn rightmost(peer: IpAddr, text: &str) -> IpAddr {
    let mut nearest = peer;
    for element in text.split(['\n', ',']).rev() {
        let element = element.trim_matches([' ', '\t', '\x0c', '\r']);
        if element.is_empty() {
            continue;
        }
        if !matches!(nearest, IpAddr::V4(address) if address.octets()[0] == 10) {
            break;
        }
        let Some(hop) = address(element) else { break };
        nearest = hop.to_canonical();
    }
    nearest
}

fn address(element: &str) -> Option<IpAddr> {
    if let Ok(address) = element.parse() {
        return Some(address);
    }
    let (address, port) = match element.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            let address = address.parse::<std::net::Ipv6Addr>().ok()?;
            if port.is_empty() {
                return Some(address.into());
            }
            (IpAddr::from(address), port.strip_prefix(':')?)
        }
        None => {
            let (address, port) = element.split_once(':')?;
            (IpAddr::from(address.parse::<std::net::Ipv4Addr>().ok()?), port)
        }
    };
    let is_number = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_hidden = port.len() > 1
        && port.starts_with('_')
        && port.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    (is_number || is_hidden).then_some(address)
}
