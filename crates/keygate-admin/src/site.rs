use std::net::SocketAddr;

use http::Uri;

use crate::admin::AdminConfigError;

/// The URL at which browsers reach the page, and the matching cookie.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    scheme: &'static str,
    /// The accepted `Host` values, in lowercase. Messages show the first one.
    hosts: Vec<String>,
    /// The name of the session cookie.
    pub(crate) cookie: String,
    pub(crate) is_loopback: bool,
}

impl Site {
    /// Creates the site of a page on loopback without TLS.
    pub(crate) fn on_loopback(address: SocketAddr) -> Result<Self, AdminConfigError> {
        if !address.ip().is_loopback() || address.port() == 0 {
            return Err(AdminConfigError::NotLoopback { address });
        }
        let port = address.port();
        let mut hosts = [address.to_string(), format!("localhost:{port}")].to_vec();
        if port == 80 {
            let without_port = hosts.iter().filter_map(|host| host.strip_suffix(":80"));
            let without_port = without_port.map(str::to_owned).collect::<Vec<_>>();
            hosts.extend(without_port);
        }
        let cookie = format!("keygate_admin_{port}");
        Ok(Self { scheme: "http", hosts, cookie, is_loopback: true })
    }

    /// Creates the site of a page behind TLS.
    pub(crate) fn public(url: &str) -> Result<Self, AdminConfigError> {
        let uri = url.parse::<Uri>().map_err(|_| AdminConfigError::PublicUrl)?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let (Some("https"), Some(authority), "/", None) =
            (uri.scheme_str(), authority, uri.path(), uri.query())
        else {
            return Err(AdminConfigError::PublicUrl);
        };
        let host = authority.host().to_ascii_lowercase();
        let hosts = match authority.port_u16() {
            None | Some(443) => vec![host.clone(), format!("{host}:443")],
            Some(port) => vec![format!("{host}:{port}")],
        };
        let cookie = "__Host-keygate_admin".to_owned();
        Ok(Self { scheme: "https", hosts, cookie, is_loopback: false })
    }

    /// Returns whether this is the page's `Host`.
    pub(crate) fn is_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
    }

    /// Returns whether this is the page's `Origin`.
    pub(crate) fn is_origin(&self, origin: &str) -> bool {
        let host = origin.strip_prefix(self.scheme).and_then(|rest| rest.strip_prefix("://"));
        host.is_some_and(|host| self.is_host(host))
    }

    /// Returns the URL of the page without its path.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.hosts[0])
    }

    /// Returns the `Set-Cookie` value that starts a session, or ends it if the token is empty.
    pub(crate) fn set_cookie(&self, token: &str) -> String {
        let secure = if self.is_loopback { "" } else { "; Secure" };
        let age = if token.is_empty() { "; Max-Age=0" } else { "" };
        format!("{}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{age}", self.cookie)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_site_has_its_port_in_hosts_and_cookie() {
        let site = Site::on_loopback("127.0.0.1:8081".parse().unwrap()).unwrap();
        for host in ["127.0.0.1:8081", "localhost:8081", "LOCALHOST:8081"] {
            assert!(site.is_host(host), "{host}");
        }
        for host in
            ["127.0.0.1", "localhost", "127.0.0.1:80", "evil.example:8081", "", "0.0.0.0:8081"]
        {
            assert!(!site.is_host(host), "{host}");
        }
        assert!(
            site.is_origin("http://127.0.0.1:8081") && !site.is_origin("https://127.0.0.1:8081")
        );
        let cookie = site.set_cookie("t");
        assert_eq!(cookie, "keygate_admin_8081=t; Path=/; HttpOnly; SameSite=Strict");
        let site = Site::on_loopback("[::1]:80".parse().unwrap()).unwrap();
        assert!(["[::1]", "[::1]:80", "localhost"].iter().all(|host| site.is_host(host)));
    }

    #[test]
    fn other_addresses_are_not_loopback() {
        for address in ["0.0.0.0:8081", "10.0.0.1:8081", "127.0.0.1:0", "[::]:8081"] {
            assert!(Site::on_loopback(address.parse().unwrap()).is_err(), "{address}");
        }
    }

    #[test]
    fn public_site_is_one_https_host() {
        let site = Site::public("https://Keys.example/").unwrap();
        assert!(site.is_host("keys.example") && site.is_host("keys.example:443"));
        assert!(
            !site.is_host("keys.example:8443")
                && !site.is_host("keys.example.")
                && !site.is_host("a.keys.example")
        );
        assert!(site.is_origin("https://keys.example") && !site.is_origin("http://keys.example"));
        let cookie = site.set_cookie("t");
        assert_eq!(cookie, "__Host-keygate_admin=t; Path=/; HttpOnly; SameSite=Strict; Secure");
        for url in [
            "http://keys.example",
            "keys.example",
            "https://keys.example/admin",
            "https://a:b@keys.example",
            "https://keys.example/?a",
            "",
        ] {
            assert!(Site::public(url).is_err(), "{url}");
        }
    }
}
