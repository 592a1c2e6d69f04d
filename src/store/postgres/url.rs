//! Parses URLs, with defaults from the environment.

use std::env;
use std::str::FromStr;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::files::{self, Access};
use super::parameters::{check_environment, names_hosts, refused, splits_password, system_user};
use crate::error::StoreError;
use crate::store::sql::DatabaseError;

/// A parsed URL.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) connect: PgConnectOptions,
    /// Whether there is a password, so that the password file is not read.
    pub(super) has_password: bool,
}

const FORM: &str = "a URL is `postgres://user@host:5432/database?sslmode=verify-full`";

/// The names of one parameter.
const ROOT_CERTIFICATE: [&str; 3] = ["sslrootcert", "ssl-root-cert", "ssl-ca"];

/// Parses a URL. Errors do not show it.
pub(super) fn parse(url: &str) -> Result<Address, DatabaseError> {
    let invalid = |why: String| DatabaseError::Location {
        why: format!("the URL of the database is not valid: {why}"),
    };
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    let is_ours = |scheme: &str| {
        ["postgres", "postgresql"].iter().any(|ours| scheme.eq_ignore_ascii_case(ours))
    };
    if !scheme.is_some_and(is_ours) {
        return Err(invalid(format!("it does not begin with `postgres://`; {FORM}")));
    }
    if splits_password(url) {
        return Err(invalid(
            "it has an `@` after the first `/`, perhaps because a password contains a `/`: percent-encode \
             `/`, `?`, `#` and `@` in names and passwords (`%2F`, `%3F`, `%23`, `%40`)"
                .to_owned(),
        ));
    }
    if names_hosts(url) {
        return Err(invalid(
            "it names more than one host, which is not supported: name the primary, or an alias that \
             always leads to it"
                .to_owned(),
        ));
    }
    // The driver's errors quote the URL.
    let unreadable =
        || invalid(format!("it cannot be parsed, or a parameter has an invalid value; {FORM}"));
    let mut address = address_of(PgConnectOptions::from_url, url).map_err(|_| unreadable())?;
    let mut names = address.query_pairs().map(|(name, _)| name);
    if let Some(why) = names.find_map(|name| refused(&name)) {
        return Err(invalid(why));
    }
    let names = |wanted: &[&str]| address.query_pairs().any(|(name, _)| wanted.contains(&&*name));
    let has_host = address.has_host() || names(&["host"]);
    if names(&["hostaddr"]) && has_host {
        return Err(invalid(
            "`hostaddr` beside a host is not supported, since a certificate is checked against one \
             of them: remove `hostaddr`"
                .to_owned(),
        ));
    }
    let (has_mode, has_port) =
        (names(&["sslmode", "ssl-mode"]), address.port().is_some() || names(&["port"]));
    check_environment(has_mode, has_port).map_err(invalid)?;
    let has_user = !address.username().is_empty() || names(&["user"]);
    let has_password = address.password().is_some()
        || address.query_pairs().any(|(name, _)| name == "password")
        || env::var("PGPASSWORD").is_ok_and(|password| !password.is_empty());
    if !has_password {
        // Otherwise the driver would read the password file, and log lines of it.
        address.query_pairs_mut().append_pair("password", "");
    }
    let connect = PgConnectOptions::from_url(&address).map_err(|_| unreadable())?;
    let connect =
        if has_user { connect } else { connect.username(&system_user().map_err(invalid)?) };
    let connect = with_plain_host(connect);
    let authorities = address.query_pairs().filter(|(name, _)| ROOT_CERTIFICATE.contains(&&**name));
    let authority = authorities.last();
    let connect = with_authority(connect, authority.as_ref().map(|(_, path)| &**path));
    Ok(Address { connect: connect?, has_password })
}

/// Parses an address of the type of the function's parameter, which the driver does not export.
fn address_of<A: FromStr, T>(_: fn(&A) -> T, url: &str) -> Result<A, A::Err> {
    url.parse()
}

/// Removes the brackets around an IPv6 address, which the driver would look up.
fn with_plain_host(connect: PgConnectOptions) -> PgConnectOptions {
    let host = connect.get_host().strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match host.map(str::to_owned) {
        Some(host) => connect.host(&host),
        None => connect,
    }
}

/// Ensures that a configured authority is used, or returns an error.
fn with_authority(
    connect: PgConnectOptions,
    path: Option<&str>,
) -> Result<PgConnectOptions, DatabaseError> {
    let invalid = |why: &str| DatabaseError::Location { why: why.to_owned() };
    let mode = connect.get_ssl_mode();
    if let Some(path) = path {
        if matches!(mode, PgSslMode::Allow | PgSslMode::Disable | PgSslMode::Prefer) {
            let why = "`sslrootcert` names an authority that would not be used: add `sslmode=verify-full`";
            return Err(invalid(why));
        }
        if path == "system" {
            let why = "`sslrootcert=system` is not needed: `sslmode=verify-full` uses the authorities that the \
                       system trusts";
            return Err(invalid(why));
        }
        let text = files::read(path.as_ref(), 1024, Access::Anyone).map_err(|error| {
            let why = format!("the file that `sslrootcert` names cannot be read: {error}");
            DatabaseError::Unavailable(StoreError::new(why))
        })?;
        if !String::from_utf8_lossy(&text).contains("-----BEGIN CERTIFICATE-----") {
            return Err(invalid("the file that `sslrootcert` names contains no PEM certificate"));
        }
    }
    let is_named =
        path.is_some() || env::var_os("PGSSLROOTCERT").is_some_and(|path| !path.is_empty());
    // As in libpq. The driver would trust any server.
    if is_named && matches!(mode, PgSslMode::Require) {
        return Ok(connect.ssl_mode(PgSslMode::VerifyCa));
    }
    Ok(connect)
}
