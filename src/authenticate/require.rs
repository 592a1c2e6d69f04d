use crate::client::{Client, Scope, is_scope};
use crate::error::{AuthError, MissingScope};

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
        if all {
            Ok(())
        } else {
            Err(AuthError::InsufficientScope(MissingScope::new(self, needed, false)))
        }
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
        Err(AuthError::InsufficientScope(MissingScope::new(self, needed, true)))
    }

    fn has(&self, scope: &str) -> bool {
        self.profile().scopes().iter().any(|has| has.covers_text(scope))
    }
}
