//! The parameters of URLs and of the environment, and errors for parameters that only libpq supports.

use std::env;

/// Parameters of a URL. The driver would ignore others, and log their values.
const KNOWN: &str = "application_name dbname host hostaddr options password port ssl-ca ssl-cert \
    ssl-key ssl-mode ssl-root-cert sslcert sslkey sslmode sslrootcert statement-cache-capacity user";

/// Parameters of libpq that the driver does not support.
const UNSUPPORTED: &str = "channel_binding client_encoding connect_timeout \
    fallback_application_name gssdelegation gssencmode gsslib keepalives keepalives_count \
    keepalives_idle keepalives_interval krbsrvname load_balance_hosts max_protocol_version \
    min_protocol_version passfile replication require_auth requirepeer service \
    ssl_max_protocol_version ssl_min_protocol_version sslcertmode sslcompression sslcrl sslcrldir \
    sslnegotiation sslpassword sslsni target_session_attrs";

/// Returns the reason why a parameter is refused, if it is.
pub(super) fn refused(name: &str) -> Option<String> {
    let known = KNOWN.split_whitespace();
    if known.clone().any(|known| known == name) || name.starts_with("options[") {
        return None;
    }
    if let Some(name) = UNSUPPORTED.split_whitespace().find(|unsupported| *unsupported == name) {
        return Some(format!("its parameter `{name}` is not supported: remove it"));
    }
    let nearest = known.min_by_key(|known| strsim::osa_distance(known, name))?;
    Some(format!("it has an unknown parameter; the nearest is `{nearest}`"))
}

/// Returns whether a part of the password would be parsed as the name of the database, which is shown.
pub(super) fn splits_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let place = rest.split('?').next().unwrap_or_default();
    place.split_once(['/', '#']).is_some_and(|(_, behind)| behind.contains('@'))
}

/// Returns whether the URL has a list of hosts, which libpq supports.
pub(super) fn names_hosts(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = place.split('/').next().unwrap_or_default();
    let hosts = authority.rsplit('@').next().unwrap_or_default();
    let mut options = query.split('&').filter_map(|option| option.split_once('='));
    hosts.contains(',')
        || options.any(|(name, hosts)| matches!(name, "host" | "hostaddr") && hosts.contains(','))
}

/// libpq's environment variables with requirements that the driver would silently ignore. `None` means any value.
const REQUIREMENTS: [(&str, Option<&str>); 6] = [
    ("PGCHANNELBINDING", Some("require")),
    ("PGGSSENCMODE", Some("require")),
    ("PGREQUIREAUTH", None),
    ("PGREQUIREPEER", None),
    ("PGSSLCRL", None),
    ("PGSSLCRLDIR", None),
];

const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Refuses variables that the driver would ignore, unless the URL has the same parameter.
pub(super) fn check_environment(has_mode: bool, has_port: bool) -> Result<(), String> {
    let value = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    for (name, required) in REQUIREMENTS {
        if value(name).is_some_and(|value| required.is_none_or(|required| required == value)) {
            return Err(format!("`{name}` in the environment is not supported: unset it"));
        }
    }
    let is_mode = |mode: String| SSL_MODES.contains(&&*mode.to_ascii_lowercase());
    if !has_mode && value("PGSSLMODE").is_some_and(|mode| !is_mode(mode)) {
        return Err(format!(
            "`PGSSLMODE` in the environment must be one of {}",
            SSL_MODES.join(", ")
        ));
    }
    if !has_port && value("PGPORT").is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("`PGPORT` in the environment is not a port".to_owned());
    }
    Ok(())
}

/// Returns the default user, as in libpq.
pub(super) fn system_user() -> Result<String, String> {
    if let Some(user) = env::var("PGUSER").ok().filter(|user| !user.is_empty()) {
        return Ok(user);
    }
    // The default on a system without users.
    let user = whoami::username().ok().filter(|user| user != "anonymous");
    user.ok_or_else(|| {
        "it names no user, and the user of this process has no name: write \
         `postgres://user@host/database`, or set PGUSER"
            .to_owned()
    })
}
