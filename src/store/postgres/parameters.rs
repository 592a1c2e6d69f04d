//! What a URL may say, and what libpq takes besides.

/// What a URL may say behind the `?`. The driver would pass over others, and log their values.
const KNOWN: [&str; 18] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// What libpq knows besides, and the driver does not do.
const UNSUPPORTED: [&str; 30] = [
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "passfile",
    "replication",
    "require_auth",
    "requirepeer",
    "service",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslnegotiation",
    "sslpassword",
    "sslsni",
    "target_session_attrs",
];

/// Why this is not taken for an option, if it is not.
pub(super) fn refused(name: &str) -> Option<String> {
    if KNOWN.contains(&name) || name.starts_with("options[") {
        return None;
    }
    if let Some(name) = UNSUPPORTED.iter().find(|unsupported| **unsupported == name) {
        return Some(format!("`{name}` behind its `?` is not supported: leave it out"));
    }
    let nearest = KNOWN.into_iter().min_by_key(|known| strsim::osa_distance(known, name))?;
    Some(format!("an option behind its `?` is not known; the nearest is `{nearest}`"))
}

/// Whether there is a list of hosts, as libpq takes it.
pub(super) fn names_hosts(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = place.split('/').next().unwrap_or_default();
    let hosts = authority.rsplit('@').next().unwrap_or_default();
    let mut options = query.split('&').filter_map(|option| option.split_once('='));
    hosts.contains(',')
        || options.any(|(name, hosts)| matches!(name, "host" | "hostaddr") && hosts.contains(','))
}
