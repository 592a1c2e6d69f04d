//! What a URL and the environment may say, and what libpq takes besides.

use std::env;

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

/// Whether a part of the password would be read as the name of a database, which is shown.
pub(super) fn splits_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let place = rest.split('?').next().unwrap_or_default();
    place.split_once(['/', '#']).is_some_and(|(_, behind)| behind.contains('@'))
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

/// What the environment can demand of libpq's connections, and the driver does not do: it is not passed
/// over in silence. Without a value, any demands it.
const DEMANDS: [(&str, Option<&str>); 6] = [
    ("PGCHANNELBINDING", Some("require")),
    ("PGGSSENCMODE", Some("require")),
    ("PGREQUIREAUTH", None),
    ("PGREQUIREPEER", None),
    ("PGSSLCRL", None),
    ("PGSSLCRLDIR", None),
];

const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Refuses what the driver would pass over. What the URL says itself counts there.
pub(super) fn check_environment(has_mode: bool, has_port: bool) -> Result<(), String> {
    let value = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    for (name, demand) in DEMANDS {
        if value(name).is_some_and(|value| demand.is_none_or(|demand| demand == value)) {
            return Err(format!("`{name}` in the environment is not supported: unset it"));
        }
    }
    let is_mode = |mode: String| SSL_MODES.contains(&&*mode.to_ascii_lowercase());
    if !has_mode && value("PGSSLMODE").is_some_and(|mode| !is_mode(mode)) {
        return Err(format!("`PGSSLMODE` in the environment is none of {}", SSL_MODES.join(", ")));
    }
    if !has_port && value("PGPORT").is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("`PGPORT` in the environment is no port".to_owned());
    }
    Ok(())
}

/// The user of a URL that names none, as libpq has it.
pub(super) fn system_user() -> Result<String, String> {
    if let Some(user) = env::var("PGUSER").ok().filter(|user| !user.is_empty()) {
        return Ok(user);
    }
    // So a system without users is called.
    let user = whoami::username().ok().filter(|user| user != "anonymous");
    user.ok_or_else(|| {
        "it names no user, and the system has no name for that of this process: write \
         `postgres://user@host/database`, or set PGUSER"
            .to_owned()
    })
}
