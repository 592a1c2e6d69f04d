use std::fmt;
use std::sync::Arc;

use crate::client::Client;
use crate::error::AuthError;
use crate::scope::{Scope, is_scope};

#[cfg(feature = "tower")]
mod layer;

#[cfg(feature = "tower")]
pub use layer::{RequireScope, RequireScopeFuture, RequireScopeService};

/// What a client may do, asked in a handler.
impl Client {
    /// Asks for one scope.
    ///
    /// A text that is no scope is one that no client has. To have the compiler check it, name it in a
    /// `const` with [`Scope::from_static`].
    ///
    /// ```
    /// use keygate::{AuthError, Client};
    ///
    /// fn cancel_order(client: &Client) -> Result<(), AuthError> {
    ///     client.require("orders:write")?;
    ///     // ...
    ///     Ok(())
    /// }
    ///
    /// let profile = keygate::ClientProfile::new("App 1").with_scopes(["orders:read".parse().unwrap()]);
    /// let error = cancel_order(&Client::for_test(profile)).unwrap_err();
    /// assert_eq!((error.status().as_u16(), error.to_string()), (403, "Scope orders:write needed".to_owned()));
    /// ```
    ///
    /// # Errors
    ///
    /// [`AuthError::InsufficientScope`]: none of the client's scopes covers this one.
    pub fn require(&self, scope: impl AsRef<str>) -> Result<(), AuthError> {
        self.require_all([scope])
    }

    /// Asks for several scopes, all of which the client must have. Of an empty list, every client has all.
    ///
    /// # Errors
    ///
    /// [`AuthError::InsufficientScope`]: the client's scopes do not cover all of these.
    pub fn require_all<T: AsRef<str>>(
        &self,
        scopes: impl IntoIterator<Item = T>,
    ) -> Result<(), AuthError> {
        // A text that is no scope is covered by none, not even by `*`.
        let covered = |text: &str| self.has(text) && is_scope(text.as_bytes());
        let mut needed = Vec::new();
        let mut all = true;
        for scope in scopes {
            let scope = scope.as_ref();
            if !covered(scope) {
                all = false;
                needed.extend(scope.parse());
            }
        }
        if all { Ok(()) } else { Err(MissingScope::error(self, needed, false)) }
    }

    /// Asks for several scopes, one of which the client must have. Of an empty list, no client has one.
    ///
    /// # Errors
    ///
    /// [`AuthError::InsufficientScope`]: the client's scopes cover none of these.
    pub fn require_any<T: AsRef<str>>(
        &self,
        scopes: impl IntoIterator<Item = T>,
    ) -> Result<(), AuthError> {
        let mut needed = Vec::new();
        for scope in scopes {
            if let Ok(scope) = scope.as_ref().parse::<Scope>() {
                if self.has(scope.as_str()) {
                    return Ok(());
                }
                needed.push(scope);
            }
        }
        Err(MissingScope::error(self, needed, true))
    }

    fn has(&self, scope: &str) -> bool {
        self.profile().scopes().iter().any(|has| has.covers_text(scope))
    }
}

/// Which scopes a client lacks, and which client it is.
///
/// Its `Display` is fit for the public: it names the scopes.
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
    any: bool,
}

impl MissingScope {
    #[cold]
    fn error(client: &Client, needed: Vec<Scope>, any: bool) -> AuthError {
        let client = client.clone();
        AuthError::InsufficientScope(Self(Arc::new(Missing { client, needed, any })))
    }

    /// The scopes that the client lacks: all of them are needed, or one where one of several was asked
    /// for. Empty where what was asked for is no scope.
    pub fn needed(&self) -> &[Scope] {
        &self.0.needed
    }

    /// The client that lacks them.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// With blanks between them, as in the `scope` of RFC 6750 section 3.
    pub(crate) fn list(&self) -> String {
        self.joined(" ")
    }

    fn joined(&self, separator: &str) -> String {
        self.needed().iter().map(Scope::as_str).collect::<Vec<_>>().join(separator)
    }
}

impl fmt::Display for MissingScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.needed(), self.0.any) {
            ([], _) => f.write_str("Scope needed that no client has"),
            ([one], _) => write!(f, "Scope {one} needed"),
            (_, false) => write!(f, "Scopes {} needed", self.joined(", ")),
            (_, true) => write!(f, "One of the scopes {} needed", self.joined(", ")),
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
