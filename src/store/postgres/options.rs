use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fmt, fs};

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::parameters::{names_hosts, refused};
use super::password::{self, Found};
use super::{PostgresStore, inspect};
use crate::store::sql::{DatabaseError, DatabaseFinding};

/// How a [`PostgresStore`] connects.
///
/// ```no_run
/// use keygate::PostgresStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), keygate::DatabaseError> {
/// let url = "postgres://service@db.internal/keys?sslmode=verify-full";
/// let store = PostgresStore::options(url)?.max_connections(4).connect().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until they connect"]
pub struct PostgresOptions {
    connect: PgConnectOptions,
    pub(super) max_connections: u32,
    pub(super) lookup_deadline: Duration,
    pub(super) allows_standby: bool,
    pub(super) through_pooler: bool,
    /// What to say where the server wants a password.
    pub(in crate::store) no_password: Option<Arc<str>>,
}

const DEFAULT_MAX_CONNECTIONS: u32 = 1;
const DEFAULT_LOOKUP_DEADLINE: Duration = Duration::from_secs(1);

const FORM: &str = "a URL is `postgres://user@host:5432/database?sslmode=verify-full`";

/// The names of one option.
const ROOT_CERTIFICATE: [&str; 3] = ["sslrootcert", "ssl-root-cert", "ssl-ca"];

impl PostgresOptions {
    pub(in crate::store) fn new(url: &str) -> Result<Self, DatabaseError> {
        let fault = |why: String| DatabaseError::Location { why };
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        let is_ours = |scheme: &str| {
            ["postgres", "postgresql"].iter().any(|ours| scheme.eq_ignore_ascii_case(ours))
        };
        if !scheme.is_some_and(is_ours) {
            return Err(fault(format!("it does not begin with `postgres://`; {FORM}")));
        }
        if names_hosts(url) {
            return Err(fault(
                "it names more than one host, which is not supported: name the primary, or a name \
                 that always leads to it"
                    .to_owned(),
            ));
        }
        // The driver's complaints quote what they do not take.
        let unreadable =
            || fault(format!("it cannot be read, or an option in it has no such value; {FORM}"));
        let mut address = address_of(PgConnectOptions::from_url, url).map_err(|_| unreadable())?;
        let mut names = address.query_pairs().map(|(name, _)| name);
        if let Some(why) = names.find_map(|name| refused(&name)) {
            return Err(fault(why));
        }
        let has_password = address.password().is_some()
            || address.query_pairs().any(|(name, _)| name == "password")
            || env::var("PGPASSWORD").is_ok_and(|password| !password.is_empty());
        if !has_password {
            // The driver would look for the password file, and log lines of it.
            address.query_pairs_mut().append_pair("password", "");
        }
        let connect = PgConnectOptions::from_url(&address).map_err(|_| unreadable())?;
        let connect = with_plain_host(connect);
        let authorities =
            address.query_pairs().filter(|(name, _)| ROOT_CERTIFICATE.contains(&&**name));
        let authority = authorities.last();
        let connect = with_authority(connect, authority.as_ref().map(|(_, path)| &**path));
        let connect = connect.map_err(fault)?;
        let options = Self {
            connect,
            max_connections: DEFAULT_MAX_CONNECTIONS,
            lookup_deadline: DEFAULT_LOOKUP_DEADLINE,
            allows_standby: false,
            through_pooler: false,
            no_password: None,
        };
        if has_password {
            return Ok(options);
        }
        Ok(match password::find(&options.connect) {
            Found::Password(password) => {
                Self { connect: options.connect.password(&password), ..options }
            }
            Found::Nothing(why) => Self { no_password: Some(why.into()), ..options },
        })
    }

    /// Replaces the number of connections that lookups open at most; 0 counts as 1. Those who manage
    /// keys need one more, which is closed when they have been quiet for 30 seconds.
    ///
    /// The default is 1, so that 50 instances meet PostgreSQL's default limit of 100, together with
    /// the 50 that a rolling deploy starts beside them. Raise it where requests ask the
    /// database directly and are many.
    pub fn max_connections(self, max_connections: u32) -> Self {
        Self { max_connections: max_connections.max(1), ..self }
    }

    /// Replaces how long a lookup may take, waiting for a connection included, before it fails.
    ///
    /// The default is 1 second, as long as an [`Authenticator`](crate::Authenticator) waits for it by
    /// default: whoever raises one raises the other.
    pub fn lookup_deadline(self, lookup_deadline: Duration) -> Self {
        Self { lookup_deadline, ..self }
    }

    /// Gives no statement a name.
    ///
    /// For poolers that lend a connection for a transaction, as pgbouncer does with
    /// `pool_mode=transaction`: a name would be known, or be another's, on another connection. A lookup
    /// takes three round trips in the place of one.
    pub fn through_pooler(self) -> Self {
        Self { through_pooler: true, ..self }
    }

    /// Takes a standby for the database too, which changes nothing and may lag behind: a revoked key
    /// is let in, and a new one is unknown, until the standby has caught up.
    ///
    /// By default, a server that answers as a standby is an outage.
    pub fn allow_standby(self) -> Self {
        Self { allows_standby: true, ..self }
    }

    /// Connects to a database whose tables are there: see [`PostgresStore::connect`].
    ///
    /// # Errors
    ///
    /// As for [`PostgresStore::connect`].
    pub async fn connect(self) -> Result<PostgresStore, DatabaseError> {
        PostgresStore::open(&self, false).await
    }

    /// Looks for what keeps the database from being used, and for what can hide, delay or rewrite a
    /// change. It changes nothing; tables that are missing or of another version are a finding, and
    /// then the only one.
    ///
    /// # Errors
    ///
    /// The database cannot be reached, or does not answer within ten seconds.
    pub async fn inspect(self) -> Result<Vec<DatabaseFinding>, DatabaseError> {
        inspect::inspect(&self).await
    }

    /// Brings the tables up to date, and connects: see [`PostgresStore::migrate`].
    ///
    /// # Errors
    ///
    /// As for [`PostgresStore::migrate`].
    pub async fn migrate(self) -> Result<PostgresStore, DatabaseError> {
        PostgresStore::open(&self, true).await
    }

    /// What a connection of its own is made of.
    pub(in crate::store) fn connect_options(&self) -> PgConnectOptions {
        // The driver's log would show at every lookup what never changes.
        let options = self.connect.clone().disable_statement_logging();
        match options.get_application_name() {
            Some(_) => options,
            None => options.application_name("keygate"),
        }
    }
}

/// An address of the type that the driver takes, and does not name.
fn address_of<A: FromStr, T>(_: fn(&A) -> T, url: &str) -> Result<A, A::Err> {
    url.parse()
}

/// The driver looks up the brackets around an address of IPv6 too.
fn with_plain_host(connect: PgConnectOptions) -> PgConnectOptions {
    let host = connect.get_host().strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match host.map(str::to_owned) {
        Some(host) => connect.host(&host),
        None => connect,
    }
}

/// Sees to it that the authority that somebody has named is asked, or says that it is not.
fn with_authority(
    connect: PgConnectOptions,
    path: Option<&str>,
) -> Result<PgConnectOptions, String> {
    let mode = connect.get_ssl_mode();
    if let Some(path) = path {
        if matches!(mode, PgSslMode::Allow | PgSslMode::Disable | PgSslMode::Prefer) {
            let why = "`sslrootcert` names an authority that nobody would ask: \
                       say `sslmode=verify-full` besides";
            return Err(why.to_owned());
        }
        if path == "system" {
            let why = "`sslrootcert=system` is not needed: `sslmode=verify-full` asks the authorities \
                       known to the system";
            return Err(why.to_owned());
        }
        let text = fs::read(path).map_err(|error| {
            format!("the file that `sslrootcert` names cannot be read: {error}")
        })?;
        if !String::from_utf8_lossy(&text).contains("-----BEGIN CERTIFICATE-----") {
            return Err("the file that `sslrootcert` names holds no certificate in PEM".to_owned());
        }
    }
    let is_named =
        path.is_some() || env::var_os("PGSSLROOTCERT").is_some_and(|path| !path.is_empty());
    // As PostgreSQL's own programs do. The driver would trust whoever answers.
    if is_named && matches!(mode, PgSslMode::Require) {
        return Ok(connect.ssl_mode(PgSslMode::VerifyCa));
    }
    Ok(connect)
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("host", &self.connect.get_host())
            .field("port", &self.connect.get_port())
            .field("database", &self.connect.get_database())
            .field("user", &self.connect.get_username())
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "c4n4ry";

    #[test]
    fn no_fault_and_no_listing_shows_a_password() {
        for url in [
            "postgres://a:c4n4ry@host:65536/keys",
            "postgres://a:c4n4ry@host/keys?sslmode=c4n4ry",
            "postgres://a@host/keys?passwrod=c4n4ry",
            "postgres://a@host/keys?c4n4ry",
            "mysql://a:c4n4ry@host/keys",
            "a:c4n4ry@host",
        ] {
            let error = PostgresOptions::new(url).unwrap_err();
            assert!(matches!(error, DatabaseError::Location { .. }), "{url}");
            assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
        }
        let options = PostgresOptions::new("postgres://a:c4n4ry@host/keys").unwrap();
        assert!(!format!("{options:?}").contains(CANARY), "{options:?}");
    }

    #[test]
    fn what_libpq_takes_besides_is_named() {
        for (url, told) in [
            ("postgres://a@host/keys?channel_binding=require", "`channel_binding`"),
            ("postgres://a@host/keys?sslmode=require&connect_timeout=3", "`connect_timeout`"),
            ("postgres://a@host/keys?target_session_attrs=any", "`target_session_attrs`"),
            ("postgres://a@one,two/keys", "more than one host"),
            ("postgres://a:p,w@one:5432,two:5433/keys", "more than one host"),
            ("postgres://a@/keys?host=one,two", "more than one host"),
            ("postgres://a@host/keys?sslmode=verify-full&sslrootcert=system", "not needed"),
            ("postgres://a@host/keys?conect_timeout=3", "the nearest is"),
        ] {
            let error = PostgresOptions::new(url).unwrap_err().to_string();
            assert!(error.contains(told), "{url}: {error}");
        }
        for url in ["POSTGRES://a:p,w@host/keys", "postgresql://host/a,b?application_name=a,b"] {
            assert!(PostgresOptions::new(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn addresses_are_taken_without_their_brackets() {
        let host = |url| PostgresOptions::new(url).unwrap().connect.get_host().to_owned();
        assert_eq!(host("postgres://me:p@[::1]:5433/keys"), "::1");
        assert_eq!(host("postgres://me:p@127.0.0.1/keys"), "127.0.0.1");
    }

    #[test]
    fn name_of_the_application_can_be_replaced() {
        let name = |url| {
            let options = PostgresOptions::new(url).unwrap().connect_options();
            options.get_application_name().map(str::to_owned)
        };
        assert_eq!(name("postgres://host/keys").as_deref(), Some("keygate"));
        assert_eq!(name("postgres://host/keys?application_name=a").as_deref(), Some("a"));
    }
}
