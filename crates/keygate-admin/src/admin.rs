use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use http::request::Parts;
use keygate::observe::UsageHistory;
use keygate::{Authenticator, KeyStore, ManageKeys};

use crate::app::{App, Clock};
use crate::health::StoreHealth;
use crate::operator::{AdminUser, OperatorKeys, UserOf};
use crate::pages::nonce::Nonces;
use crate::pages::safety::counts::KeptCounts;
use crate::service::AdminService;
use crate::serving::MetricsUrl;
use crate::session::Sessions;
use crate::sign_in::{AddressOf, SignIn, SignInCode};
use crate::site::Site;

/// Configures the page: its store, its address, and who may sign in.
///
/// ```
/// use std::sync::Arc;
/// use keygate::MemoryStore;
/// use keygate_admin::{Admin, SignInCode};
///
/// let admin = Admin::new(Arc::new(MemoryStore::new()))
///     .on_loopback("127.0.0.1:8081".parse()?)?
///     .with_sign_in_code(SignInCode::new(|code| println!("Sign-in code: {code}")))
///     .with_key_prefix("acme")?
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct Admin {
    store: Arc<dyn ManageKeys>,
    usage: Option<UsageHistory>,
    health: Option<Arc<dyn StoreHealth>>,
    metrics: Vec<MetricsUrl>,
    key_prefix: Option<String>,
    site: Option<Site>,
    base: String,
    code: Option<SignInCode>,
    operators: Option<Arc<dyn OperatorKeys>>,
    user: Option<UserOf>,
    address: Option<AddressOf>,
    has_api: bool,
    clock: Clock,
}

impl Admin {
    /// Begins with the store whose clients and keys the page manages.
    pub fn new(store: Arc<dyn ManageKeys>) -> Self {
        Self {
            store,
            usage: None,
            health: None,
            metrics: Vec::new(),
            key_prefix: None,
            site: None,
            base: String::new(),
            code: None,
            operators: None,
            user: None,
            address: None,
            has_api: false,
            clock: Arc::new(SystemTime::now),
        }
    }

    /// Shows requests and last uses from this history. Without it, the page says that usage is not known.
    pub fn with_usage(self, usage: UsageHistory) -> Self {
        Self { usage: Some(usage), ..self }
    }

    /// Shows the kind of the store, the version of its tables, and the latest failure of its file. Without it, the page says
    /// that these are not known.
    pub fn with_health(self, health: impl StoreHealth + 'static) -> Self {
        Self { health: Some(Arc::new(health)), ..self }
    }

    /// Reads the staleness and the latency on the page of health from these addresses, where the processes that verify keys
    /// export their metrics in Prometheus' text format. Each is read when the page is opened, within two seconds and up to
    /// 4 MiB.
    ///
    /// # Errors
    ///
    /// An address is neither `https://` nor `http://` on loopback, or has a password.
    pub fn with_metrics(
        self,
        urls: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, AdminConfigError> {
        let urls = urls.into_iter().map(|url| MetricsUrl::parse(url.as_ref()));
        let metrics = urls.collect::<Option<_>>().ok_or(AdminConfigError::MetricsUrl)?;
        Ok(Self { metrics, ..self })
    }

    /// Generates keys that begin with this prefix, as [`ApiKey::generate`](keygate::ApiKey::generate) does.
    ///
    /// # Errors
    ///
    /// The prefix cannot begin a key.
    pub fn with_key_prefix(self, prefix: &str) -> Result<Self, AdminConfigError> {
        keygate::key::KeyFormat::new(prefix).map_err(|_| AdminConfigError::KeyPrefix)?;
        Ok(Self { key_prefix: Some(prefix.to_owned()), ..self })
    }

    /// Serves the page on loopback without TLS, at this address.
    ///
    /// # Errors
    ///
    /// The address is not on loopback, or has no port.
    pub fn on_loopback(self, address: SocketAddr) -> Result<Self, AdminConfigError> {
        Ok(Self { site: Some(Site::on_loopback(address)?), ..self })
    }

    /// Serves the page behind TLS, at this URL: `https://` and a host, without a path. It is the only `Host` whose requests
    /// are answered.
    ///
    /// # Errors
    ///
    /// The URL is another one.
    pub fn with_public_url(self, url: impl AsRef<str>) -> Result<Self, AdminConfigError> {
        Ok(Self { site: Some(Site::public(url.as_ref())?), ..self })
    }

    /// Begins all links with this path, under which the service is mounted, such as `/admin`. Requests come without it, as
    /// `nest_service` of axum passes them on.
    ///
    /// # Errors
    ///
    /// The path does not begin with a slash, ends with one, or has other characters than letters, digits, `-`, `_`, `.`
    /// and `/`.
    pub fn with_base_path(self, path: impl Into<String>) -> Result<Self, AdminConfigError> {
        let path = path.into();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
        let is_path = path.starts_with('/') && !path.ends_with('/') && !path.contains("//");
        if !is_path || !path.bytes().all(is_plain) {
            return Err(AdminConfigError::BasePath);
        }
        Ok(Self { base: path, ..self })
    }

    /// Signs in who types the one-time code that the process prints. Only on loopback.
    pub fn with_sign_in_code(self, code: SignInCode) -> Self {
        Self { code: Some(code), ..self }
    }

    /// Signs in clients of this authenticator's store, with the scope `admin` or `read`. It must be another store than the
    /// managed one.
    ///
    /// A key that is restricted to networks signs in from the address of [`Admin::with_client_address`]. Through the API, it
    /// is the address that the authenticator knows:
    /// [`Authenticator::with_client_address`](keygate::Authenticator::with_client_address).
    pub fn with_operators<S: KeyStore + 'static>(self, operators: Authenticator<S>) -> Self {
        Self { operators: Some(Arc::new(operators)), ..self }
    }

    /// Signs in the user that this function returns for a request: the one whom the mounting service has authenticated.
    pub fn with_user(
        self,
        user: impl Fn(&Parts) -> Option<AdminUser> + Send + Sync + 'static,
    ) -> Self {
        Self { user: Some(Arc::new(user)), ..self }
    }

    /// Takes the address that this function returns for that of the caller: failed sign-ins are counted by it, instead of
    /// all together, and keys that are restricted to networks sign in from theirs. It must not be one that callers can
    /// choose, such as a header that no proxy overwrites.
    pub fn with_client_address(
        self,
        address: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        Self { address: Some(Arc::new(address)), ..self }
    }

    /// Serves the JSON API below `/api/v1`: see [`api_guide`](crate::api_guide). Its requests carry keys of
    /// [`Admin::with_operators`].
    pub fn with_api(self) -> Self {
        Self { has_api: true, ..self }
    }

    /// Replaces the clock of sessions, codes and pages. For tests.
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Makes the service, and prints the first sign-in code.
    ///
    /// # Errors
    ///
    /// Nobody could sign in, or nobody to the API; the address of the page is missing; or a sign-in code is to be used off
    /// loopback.
    pub fn build(self) -> Result<AdminService, AdminConfigError> {
        let site = self.site.ok_or(AdminConfigError::NoAddress)?;
        if self.code.is_none() && self.operators.is_none() && self.user.is_none() {
            return Err(AdminConfigError::NobodySignsIn);
        }
        if self.has_api && self.operators.is_none() {
            return Err(AdminConfigError::ApiWithoutOperators);
        }
        if self.code.is_some() && !site.is_loopback {
            return Err(AdminConfigError::CodeOffLoopback);
        }
        let sign_in = SignIn::new(self.code, self.address);
        sign_in.print_code((self.clock)());
        let app = App {
            store: self.store,
            usage: self.usage,
            health: self.health,
            metrics: self.metrics,
            key_prefix: self.key_prefix,
            operators: self.operators,
            has_api: self.has_api,
            site,
            base: self.base,
            user: self.user,
            user_tokens: crate::random::bytes().map_err(|_| AdminConfigError::NoRandomness)?,
            sessions: Sessions::default(),
            sign_in,
            nonces: Nonces::default(),
            safety: KeptCounts::default(),
            clock: self.clock,
        };
        Ok(AdminService::new(Arc::new(app)))
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("site", &self.site).finish_non_exhaustive()
    }
}

/// Reason why [`Admin`] cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdminConfigError {
    /// The page has no address.
    #[error(
        "the page needs its address: `Admin::on_loopback`, or `Admin::with_public_url` behind TLS"
    )]
    NoAddress,
    /// The address is not on loopback.
    #[error(
        "{address} is not an address on loopback with a port: behind TLS, declare the page's URL with \
         `Admin::with_public_url`"
    )]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// The public URL is not `https://` and a host.
    #[error(
        "the public URL is `https://` and a host, without a path, such as https://keys.example"
    )]
    PublicUrl,
    /// The address of metrics cannot be read.
    #[error(
        "an address of metrics is https://, or http:// on loopback, and has no password, such as \
         http://127.0.0.1:9000/metrics"
    )]
    MetricsUrl,
    /// The base path is not a plain path.
    #[error(
        "the base path begins with a slash and ends without one, and has only letters, digits, `-`, `_`, `.` and `/`"
    )]
    BasePath,
    /// The prefix cannot begin a key.
    #[error("the prefix of keys cannot begin one: see `ApiKey::generate`")]
    KeyPrefix,
    /// No way to sign in is set up.
    #[error(
        "nobody could sign in: set up `Admin::with_operators`, `Admin::with_user`, or on loopback \
         `Admin::with_sign_in_code`"
    )]
    NobodySignsIn,
    /// The sign-in code is for loopback alone.
    #[error(
        "a sign-in code is for loopback alone: behind a public URL, set up `Admin::with_operators`"
    )]
    CodeOffLoopback,
    /// Nobody could sign in to the API.
    #[error("requests to the API carry keys of operators: set up `Admin::with_operators`")]
    ApiWithoutOperators,
    /// The system has no randomness.
    #[error("the system has no randomness for tokens: try again")]
    NoRandomness,
}
