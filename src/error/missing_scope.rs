use std::fmt;
use std::sync::Arc;

use crate::client::{Client, Scope};

/// The scopes that a client lacks, and the client.
///
/// `Display` is safe to show to callers: it names only the scopes.
///
/// ```
/// use keygate::{AuthError, Client};
///
/// let error = Client::for_test("User 1").require_any(["orders:read", "orders:write"]).unwrap_err();
/// let AuthError::InsufficientScope(missing) = &error else { unreachable!() };
/// assert_eq!(missing.needed().len(), 2);
/// assert_eq!(missing.client().name(), "User 1");
/// assert_eq!(error.to_string(), "One of the scopes orders:read, orders:write needed");
/// ```
#[derive(Clone)]
pub struct MissingScope(Arc<Missing>);

struct Missing {
    client: Client,
    needed: Vec<Scope>,
    need: Need,
}

/// Which of the missing scopes a client needs.
#[derive(Clone, Copy)]
pub(crate) enum Need {
    All,
    Any,
    /// No scope would help: the table of routes does not list this route.
    Unlisted,
}

impl MissingScope {
    #[cold]
    pub(crate) fn new(client: &Client, needed: Vec<Scope>, need: Need) -> Self {
        Self(Arc::new(Missing { client: client.clone(), needed, need }))
    }

    /// Returns the missing scopes. The client needs all of them, or one of them if one was enough. The list is empty if
    /// the required text is not a scope, or if a [`RouteScopes`](crate::RouteScopes) does not list the route.
    pub fn needed(&self) -> &[Scope] {
        &self.0.needed
    }

    /// Returns the client that lacks them.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// Returns the scopes separated by blanks, as in the `scope` of RFC 6750 section 3.
    pub(crate) fn list(&self) -> String {
        self.joined(" ")
    }

    fn joined(&self, separator: &str) -> String {
        self.needed().iter().map(Scope::as_str).collect::<Vec<_>>().join(separator)
    }
}

impl fmt::Display for MissingScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.needed(), self.0.need) {
            (_, Need::Unlisted) => f.write_str("No scope grants access to this route"),
            ([], _) => f.write_str("The required scope is not a scope that a client can have"),
            ([one], _) => write!(f, "Scope {one} needed"),
            (_, Need::All) => write!(f, "Scopes {} needed", self.joined(", ")),
            (_, Need::Any) => write!(f, "One of the scopes {} needed", self.joined(", ")),
        }
    }
}

impl fmt::Debug for MissingScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MissingScope")
            .field("needed", &self.0.needed)
            .field("client", &self.0.client)
            .finish_non_exhaustive()
    }
}
