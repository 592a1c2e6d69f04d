use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::HeaderMap;
use http::request::Parts;
use keygate::manage::ManageError;
use keygate::{
    AuthError, Authenticate, Authenticator, Client, KeyDigest, KeyStore, ManageKeys, Scope,
};
use serde_json::{Map, Value};

use crate::app::App;
use crate::error::PageError;

/// The function that returns the user of the mounting service.
pub(crate) type UserOf = Arc<dyn Fn(&Parts) -> Option<AdminUser> + Send + Sync>;

/// What an operator may do: the scope `admin` or `read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// May read and change everything.
    Admin,
    /// May read everything and change nothing. Nobody, not even an admin, can read a key after it was issued.
    Read,
}

/// A user whom the mounting service has authenticated: see [`Admin::with_user`](crate::Admin::with_user).
///
/// ```
/// use keygate_admin::{AdminUser, Role};
///
/// let user = AdminUser::new("ann@example.org", Role::Read);
/// assert_eq!(user.name(), "ann@example.org");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct AdminUser {
    name: String,
    role: Role,
}

impl AdminUser {
    /// Creates a user. Events record `name`, so a user whose name is not a valid label cannot change anything: see
    /// [`NewKey::with_label`](keygate::NewKey::with_label).
    pub fn new(name: impl Into<String>, role: Role) -> Self {
        Self { name: name.into(), role }
    }

    /// Returns the user's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for AdminUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminUser").field("name", &self.name).field("role", &self.role).finish()
    }
}

/// A signed-in operator. The guard adds it to the request's extensions.
#[derive(Clone)]
pub(crate) struct Operator {
    name: Arc<str>,
    role: Role,
    /// The operator's form token; empty for the API, which has no forms.
    csrf: Arc<str>,
    /// The token of the session; `None` for users of the mounting service and for the API.
    session: Option<Arc<str>>,
}

impl Operator {
    pub(crate) fn of_session(name: &str, role: Role, csrf: &Arc<str>, token: &str) -> Self {
        Self { name: name.into(), role, csrf: Arc::clone(csrf), session: Some(token.into()) }
    }

    /// Returns the operator for a client of the operators' store, for the API. `None` if the client has neither of the
    /// two scopes.
    pub(crate) fn by_key(client: &Client) -> Option<Self> {
        let role = role_of(client)?;
        Some(Self { name: client.name().into(), role, csrf: "".into(), session: None })
    }

    /// Returns the operator for a user of the mounting service, who has no session here.
    pub(crate) fn by_service(user: &AdminUser, app: &App) -> Self {
        // The inner digest has a fixed length, so no token can be computed from the token of another name.
        let name = KeyDigest::of(user.name.as_bytes()).to_text();
        let secret = [&app.user_tokens[..], name.as_bytes()].concat();
        let csrf = KeyDigest::of(&secret).to_text();
        Self {
            name: user.name.as_str().into(),
            role: user.role,
            csrf: csrf.trim_start_matches("sha256:").into(),
            session: None,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn may_change(&self) -> bool {
        self.role == Role::Admin
    }

    pub(crate) fn csrf(&self) -> &str {
        &self.csrf
    }

    /// Returns the token of the session.
    pub(crate) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// Returns a handle to the managed store that records changes under the operator's name.
    pub(crate) fn store(&self, app: &App) -> Result<Box<dyn ManageKeys>, ManageError> {
        app.store.for_actor(&self.name)
    }
}

/// Returns the role of a client of the operators' store.
pub(crate) fn role_of(client: &Client) -> Option<Role> {
    const ADMIN: Scope = Scope::from_static("admin");
    const READ: Scope = Scope::from_static("read");
    let has = |scope: &Scope| client.scopes().iter().any(|held| held.covers(scope));
    if has(&ADMIN) { Some(Role::Admin) } else { has(&READ).then_some(Role::Read) }
}

impl FromRequestParts<Arc<App>> for Operator {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, PageError> {
        parts.extensions.get().cloned().ok_or(PageError::SignedOut)
    }
}

impl OptionalFromRequestParts<Arc<App>> for Operator {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &Arc<App>,
    ) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get().cloned())
    }
}

/// The operators' authenticator, for any type of store.
pub(crate) trait OperatorKeys: Send + Sync {
    /// Verifies a key that was typed into the sign-in form from this address, if the address is known.
    fn authenticate_key(&self, key: &[u8], address: Option<IpAddr>) -> Authenticate;

    /// Verifies the key of an API request.
    fn authenticate(&self, parts: &Parts) -> Authenticate;

    /// Returns the headers for the response to a refused API request.
    fn refusal_headers(&self, error: &AuthError) -> HeaderMap;

    /// Returns the API's security schemes, for its OpenAPI document.
    fn security_schemes(&self) -> Map<String, Value>;

    /// Verifies a signed-in client again.
    fn revalidate(&self, client: &Client) -> Authenticate;
}

impl<S: KeyStore + 'static> OperatorKeys for Authenticator<S> {
    fn authenticate_key(&self, key: &[u8], address: Option<IpAddr>) -> Authenticate {
        match address {
            Some(address) => self.authenticate_key_from(key, address),
            None => Authenticator::authenticate_key(self, key),
        }
    }

    fn authenticate(&self, parts: &Parts) -> Authenticate {
        self.authenticate_parts(parts)
    }

    fn refusal_headers(&self, error: &AuthError) -> HeaderMap {
        let mut headers = HeaderMap::new();
        self.finish_refusal(&mut headers, error);
        headers
    }

    fn security_schemes(&self) -> Map<String, Value> {
        match serde_json::to_value(self.openapi().security_schemes()) {
            Ok(Value::Object(schemes)) => schemes,
            _ => Map::new(),
        }
    }

    fn revalidate(&self, client: &Client) -> Authenticate {
        Authenticator::revalidate(self, client)
    }
}
