use std::fmt;

use http::Method;

use super::route_path::Pattern;
use crate::client::{Client, Scope};
use crate::error::{AuthError, ConfigError, MissingScope, Need};

/// A table of routes and their scopes. Routes that it does not list are refused.
///
/// A route is a method and a path such as `/orders/{id}`. `HEAD` has the scope of `GET`. No other method is special,
/// not even `OPTIONS`. If several paths match, the most specific one counts, as in the routers of axum and actix:
/// `/orders/export` before `/orders/{id}` before `/orders/{*path}`.
///
/// [`RequireScope::by_route`](crate::RequireScope::by_route) and
/// [`RequireScope::by_path`](crate::RequireScope::by_path) apply it in front of a service.
///
/// ```
/// use http::Method;
/// use keygate::{Client, ClientProfile, RouteScopes, Scope};
///
/// const READ: Scope = Scope::from_static("orders:read");
///
/// let scopes = RouteScopes::new()
///     .require(Method::GET, "/orders", READ)?
///     .require(Method::GET, "/orders/{id}", READ)?
///     .require(Method::POST, "/orders", Scope::from_static("orders:write"))?
///     .any_client(Method::GET, "/me")?;
///
/// let reader = Client::for_test(ClientProfile::new("App 1").with_scopes([READ]));
/// assert!(scopes.check_path(&reader, &Method::GET, "/orders/7").is_ok());
/// assert!(scopes.check_path(&reader, &Method::POST, "/orders").is_err());
/// assert!(scopes.check_path(&reader, &Method::GET, "/elsewhere").is_err());
/// # Ok::<(), keygate::error::ConfigError>(())
/// ```
///
/// A test can check that the table lists all routes of a service, so that no route is added without a scope:
///
/// ```
/// # use http::Method;
/// # use keygate::{RouteScopes, Scope};
/// # let scopes = RouteScopes::new().require(Method::GET, "/orders", Scope::from_static("orders:read"))?;
/// for (method, path) in [(Method::GET, "/orders")] {
///     assert!(scopes.lists(&method, path), "{method} {path} has no scope");
/// }
/// # Ok::<(), keygate::error::ConfigError>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct RouteScopes {
    /// The first pattern that matches a path is the most specific one.
    paths: Vec<(Pattern, Vec<Entry>)>,
}

/// A method, and the scope that it requires; `None` admits every client.
type Entry = (Method, Option<Scope>);

impl RouteScopes {
    /// Creates an empty table, which refuses every request.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a route that requires a scope.
    ///
    /// # Errors
    ///
    /// The path is not the path of a route, the table has the route already, or the method is `HEAD`.
    pub fn require(self, method: Method, path: &str, scope: Scope) -> Result<Self, ConfigError> {
        self.add(method, path, Some(scope))
    }

    /// Adds a route that is open to every client, whatever its scopes. Anonymous callers are refused.
    ///
    /// # Errors
    ///
    /// As for [`RouteScopes::require`].
    pub fn any_client(self, method: Method, path: &str) -> Result<Self, ConfigError> {
        self.add(method, path, None)
    }

    fn add(
        mut self,
        method: Method,
        path: &str,
        scope: Option<Scope>,
    ) -> Result<Self, ConfigError> {
        let pattern = Pattern::parse(path).ok_or(ConfigError::RoutePath)?;
        if method == Method::HEAD {
            return Err(ConfigError::RouteHead);
        }
        let search = self.paths.binary_search_by(|(known, _)| known.cmp_shape(&pattern));
        match search {
            Ok(index) => {
                let (known, entries) = &mut self.paths[index];
                // Routers treat paths that differ only in the names of parameters as the same route.
                if known.as_str() != path || entries.iter().any(|(known, _)| *known == method) {
                    return Err(ConfigError::RouteTwice);
                }
                entries.push((method, scope));
            }
            Err(index) => self.paths.insert(index, (pattern, vec![(method, scope)])),
        }
        Ok(self)
    }

    /// Returns all routes with their scopes; `None` admits every client.
    pub fn iter(&self) -> impl Iterator<Item = (&Method, &str, Option<&Scope>)> {
        self.paths.iter().flat_map(|(pattern, entries)| {
            entries.iter().map(|(method, scope)| (method, pattern.as_str(), scope.as_ref()))
        })
    }

    /// Returns whether the table has this route. `path` is written as in the table.
    pub fn lists(&self, method: &Method, path: &str) -> bool {
        self.entry(method, |pattern| pattern.as_str() == path).is_some()
    }

    /// Checks a client by the path of its request, as it was sent.
    ///
    /// A path that servers read in different ways is refused: with an empty segment (`//`), a segment `.` or `..`, a
    /// backslash, or an encoded slash, dot, backslash or control character. So is a path that matches another route
    /// when it is decoded.
    ///
    /// # Errors
    ///
    /// [`AuthError::InsufficientScope`]: the client lacks the scope, or the table does not list the route.
    pub fn check_path(
        &self,
        client: &Client,
        method: &Method,
        path: &str,
    ) -> Result<(), AuthError> {
        check(client, Pattern::find(&self.paths, path).and_then(|entries| of(entries, method)))
    }

    /// Checks a client by the route that a router has matched, written as in the table. `None`, an unknown route, is
    /// refused.
    ///
    /// # Errors
    ///
    /// [`AuthError::InsufficientScope`]: the client lacks the scope, or the table does not list the route.
    pub fn check_route(
        &self,
        client: &Client,
        method: &Method,
        route: Option<&str>,
    ) -> Result<(), AuthError> {
        let entry = route.and_then(|route| self.entry(method, |pattern| pattern.as_str() == route));
        check(client, entry)
    }

    fn entry(&self, method: &Method, is_ours: impl Fn(&Pattern) -> bool) -> Option<&Entry> {
        let (_, entries) = self.paths.iter().find(|(pattern, _)| is_ours(pattern))?;
        of(entries, method)
    }
}

fn of<'a>(entries: &'a [Entry], method: &Method) -> Option<&'a Entry> {
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    entries.iter().find(|(known, _)| known == method)
}

fn check(client: &Client, entry: Option<&Entry>) -> Result<(), AuthError> {
    match entry {
        Some((_, Some(scope))) => client.require(scope),
        Some((_, None)) => Ok(()),
        None => {
            let missing = MissingScope::new(client, Vec::new(), Need::Unlisted);
            Err(AuthError::InsufficientScope(missing))
        }
    }
}

impl fmt::Debug for RouteScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
