use crate::client::{Client, Scope, is_scope};
use crate::error::{AuthError, MissingScope, Need};

/// Checks of scopes in a handler.
impl Client {
    /// Requires one scope.
    ///
    /// If the text is not a scope, every client is refused. [`Scope::from_static`] in a `const` lets the compiler check
    /// the text.
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

    /// Requires all of several scopes. Every client passes an empty list.
    ///
    /// # Errors
    ///
    /// [`AuthError::InsufficientScope`]: the client's scopes do not cover all of these.
    pub fn require_all<T: AsRef<str>>(
        &self,
        scopes: impl IntoIterator<Item = T>,
    ) -> Result<(), AuthError> {
        // No scope covers a text that is not a scope, not even `*`.
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
        if all {
            Ok(())
        } else {
            Err(AuthError::InsufficientScope(MissingScope::new(self, needed, Need::All)))
        }
    }

    /// Requires at least one of several scopes. No client passes an empty list.
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
        Err(AuthError::InsufficientScope(MissingScope::new(self, needed, Need::Any)))
    }

    fn has(&self, scope: &str) -> bool {
        self.profile().scopes().iter().any(|has| has.covers_text(scope))
    }
}
