use std::fmt;
use std::net::IpAddr;

use http::Uri;

/// The metrics address of a serving process: `https://`, or `http://` on loopback.
#[derive(Clone, Debug)]
pub(crate) struct MetricsUrl {
    pub(super) is_tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// The host and port as they were written.
    pub(super) authority: String,
    pub(super) path: String,
}

impl MetricsUrl {
    /// Parses the address. It must not contain a user name or a password, since the page shows it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let uri = text.parse::<Uri>().ok()?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_tls = match uri.scheme_str()? {
            "https" => true,
            "http" if is_loopback(&host) => false,
            _ => return None,
        };
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Some(Self { is_tls, host, port, authority: authority.as_str().to_owned(), path })
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for MetricsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_addresses_are_accepted() {
        for text in [
            "http://127.0.0.1:9000/metrics",
            "http://localhost:9000/metrics?a=b",
            "http://[::1]:9000/",
            "https://service.example/metrics",
            "https://10.0.0.1:8443/metrics",
        ] {
            assert_eq!(MetricsUrl::parse(text).expect(text).to_string(), text);
        }
        for text in [
            "http://service.example/metrics",
            "http://10.0.0.1/metrics",
            "http://localhost.example/",
            "https://user:secret@service.example/",
            "ftp://127.0.0.1/",
            "/metrics",
            "",
        ] {
            assert!(MetricsUrl::parse(text).is_none(), "{text}");
        }
    }
}
