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
    /// Creates a builder for a page that manages the clients and keys of `store`.
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

    /// Shows the requests and last uses recorded in `usage`. Without it, the page says that usage is not known.
    pub fn with_usage(self, usage: UsageHistory) -> Self {
        Self { usage: Some(usage), ..self }
    }

    /// Shows the store's kind, its table version and the latest failure to load its file. Without it, the page says
    /// that they are not known.
    pub fn with_health(self, health: impl StoreHealth + 'static) -> Self {
        Self { health: Some(Arc::new(health)), ..self }
    }

    /// Shows the staleness and latency of serving processes on the health page. `urls` are the addresses where these
    /// processes export their metrics in the Prometheus text format. Opening the health page reads each address, with a
    /// timeout of two seconds and a limit of 4 MiB.
    ///
    /// # Errors
    ///
    /// Fails if an address is neither `https://` nor `http://` on loopback, or contains a password.
    pub fn with_metrics(
        self,
        urls: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, AdminConfigError> {
        let urls = urls.into_iter().map(|url| MetricsUrl::parse(url.as_ref()));
        let metrics = urls.collect::<Option<_>>().ok_or(AdminConfigError::MetricsUrl)?;
        Ok(Self { metrics, ..self })
    }

    /// Sets the prefix of new keys. See [`ApiKey::generate`](keygate::ApiKey::generate).
    ///
    /// # Errors
    ///
    /// Fails if the prefix is not valid.
    pub fn with_key_prefix(self, prefix: &str) -> Result<Self, AdminConfigError> {
        keygate::key::KeyFormat::new(prefix).map_err(|_| AdminConfigError::KeyPrefix)?;
        Ok(Self { key_prefix: Some(prefix.to_owned()), ..self })
    }

    /// Serves the page on loopback without TLS, at this address.
    ///
    /// # Errors
    ///
    /// Fails if the address is not on loopback or has no port.
    pub fn on_loopback(self, address: SocketAddr) -> Result<Self, AdminConfigError> {
        Ok(Self { site: Some(Site::on_loopback(address)?), ..self })
    }

    /// Serves the page behind TLS at this URL, which is `https://` and a host, without a path. Requests with any other
    /// `Host` are refused.
    ///
    /// # Errors
    ///
    /// Fails if the URL has another form.
    pub fn with_public_url(self, url: impl AsRef<str>) -> Result<Self, AdminConfigError> {
        Ok(Self { site: Some(Site::public(url.as_ref())?), ..self })
    }

    /// Sets the path under which the service is mounted, such as `/admin`. All links begin with it. The service expects
    /// requests without this path; axum's `nest_service` strips it.
    ///
    /// # Errors
    ///
    /// Fails if the path does not begin with a slash, ends with one, contains `//`, or has characters other than
    /// letters, digits, `-`, `_`, `.` and `/`.
    pub fn with_base_path(self, path: impl Into<String>) -> Result<Self, AdminConfigError> {
        let path = path.into();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
        let is_path = path.starts_with('/') && !path.ends_with('/') && !path.contains("//");
        if !is_path || !path.bytes().all(is_plain) {
            return Err(AdminConfigError::BasePath);
        }
        Ok(Self { base: path, ..self })
    }

    /// Lets operators sign in with a one-time code that the process prints. Works only on loopback.
    pub fn with_sign_in_code(self, code: SignInCode) -> Self {
        Self { code: Some(code), ..self }
    }

    /// Lets the clients of this authenticator's store sign in, if they have the scope `admin` or `read`. It must not be
    /// the managed store.
    ///
    /// If a key is restricted to networks, the form compares them with the address of [`Admin::with_client_address`].
    /// The API compares them with the authenticator's address of the client:
    /// [`Authenticator::with_client_address`](keygate::Authenticator::with_client_address).
    pub fn with_operators<S: KeyStore + 'static>(self, operators: Authenticator<S>) -> Self {
        Self { operators: Some(Arc::new(operators)), ..self }
    }

    /// Uses the sign-in of the mounting service: the function returns the user whom the service has authenticated for a
    /// request.
    pub fn with_user(
        self,
        user: impl Fn(&Parts) -> Option<AdminUser> + Send + Sync + 'static,
    ) -> Self {
        Self { user: Some(Arc::new(user)), ..self }
    }

    /// Sets the function that returns the caller's address. With it, failed sign-ins are counted by address instead of
    /// all together, and keys that are restricted to networks can sign in from these networks. The function must not
    /// return an address that callers can forge, for example from a header that no proxy overwrites.
    pub fn with_client_address(
        self,
        address: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        Self { address: Some(Arc::new(address)), ..self }
    }

    /// Serves the JSON API under `/api/v1`: see [`api_guide`](crate::api_guide). Its requests are authenticated with
    /// the keys of [`Admin::with_operators`].
    pub fn with_api(self) -> Self {
        Self { has_api: true, ..self }
    }

    /// Replaces the clock of sessions, codes and pages, for tests.
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Builds the service. If sign-in codes are set up, prints the first one.
    ///
    /// # Errors
    ///
    /// Fails if the page has no address, if no way to sign in is set up, if the API is enabled without operators, if a
    /// sign-in code is set up for a page that is not on loopback, or if the system's random number generator fails.
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

/// Reason why an [`Admin`] cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdminConfigError {
    /// The page has no address.
    #[error(
        "the page has no address: set it with `Admin::on_loopback`, or with `Admin::with_public_url` behind TLS"
    )]
    NoAddress,
    /// The address is not on loopback, or has no port.
    #[error(
        "{address} is not a loopback address with a port: if the page is behind TLS, set its URL with \
         `Admin::with_public_url`"
    )]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// The public URL is not `https://` followed by a host.
    #[error(
        "the public URL must be `https://` and a host, without a path, such as https://keys.example"
    )]
    PublicUrl,
    /// A metrics address is not allowed.
    #[error(
        "a metrics address must begin with https://, or with http:// on loopback, and contain no password; for example \
         http://127.0.0.1:9000/metrics"
    )]
    MetricsUrl,
    /// The base path is malformed.
    #[error(
        "the base path must begin with a slash, must not end with one or contain `//`, and may contain only letters, \
         digits, `-`, `_`, `.` and `/`"
    )]
    BasePath,
    /// The key prefix is not valid.
    #[error("the key prefix is not valid: see `ApiKey::generate` for the rules")]
    KeyPrefix,
    /// No way to sign in is set up.
    #[error(
        "no way to sign in is set up: call `Admin::with_operators`, `Admin::with_user`, or, on loopback, \
         `Admin::with_sign_in_code`"
    )]
    NobodySignsIn,
    /// The sign-in code works only on loopback.
    #[error(
        "a sign-in code works only on loopback: with a public URL, call `Admin::with_operators` instead"
    )]
    CodeOffLoopback,
    /// The API is enabled without operators.
    #[error(
        "the API needs operators, whose keys authenticate its requests: call `Admin::with_operators`"
    )]
    ApiWithoutOperators,
    /// The system's random number generator failed.
    #[error("the system's random number generator failed: try again")]
    NoRandomness,
}
