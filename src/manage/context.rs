use std::sync::Arc;

use super::{ClientFacts, KeyInfo, ManageError, Version};
use crate::client::label;

/// The actor of a handle's changes, and the version that the changes are based on.
///
/// For stores that implement [`ManageKeys`](crate::ManageKeys): a handle has a context, and
/// [`ManageKeys::for_actor`](crate::ManageKeys::for_actor) and [`ManageKeys::if_version`](crate::ManageKeys::if_version)
/// return a handle with another one.
///
/// ```
/// use keygate::manage::{ChangeContext, ClientFacts};
///
/// let context = ChangeContext::default().for_actor("ann")?;
/// assert_eq!(context.actor(), Some("ann"));
/// let client = ClientFacts::new("App 1");
/// let version = client.clone().info(0).version();
/// assert!(!context.if_version(version).is_outdated(version));
/// # Ok::<(), keygate::manage::ManageError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeContext {
    actor: Option<Arc<str>>,
    if_version: Option<Version>,
    is_dry_run: bool,
}

impl ChangeContext {
    #[cfg_attr(not(any(feature = "sqlite", feature = "postgres")), allow(dead_code))]
    pub(crate) const NONE: Self = Self { actor: None, if_version: None, is_dry_run: false };

    /// Returns a context with this actor.
    ///
    /// # Errors
    ///
    /// The name breaks the rules of labels: see [`NewKey::with_label`](crate::NewKey::with_label).
    pub fn for_actor(&self, actor: &str) -> Result<Self, ManageError> {
        label::check(actor).map_err(ManageError::Actor)?;
        Ok(self.with_actor(actor.into()))
    }

    /// Replaces the actor without checking its name.
    pub(crate) fn with_actor(&self, actor: Arc<str>) -> Self {
        Self { actor: Some(actor), ..self.clone() }
    }

    /// Returns a context whose changes are refused if the client or key has another version.
    #[must_use]
    pub fn if_version(&self, version: Version) -> Self {
        Self { if_version: Some(version), ..self.clone() }
    }

    /// Returns a context whose changes are rolled back.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn dry_run(&self) -> Self {
        Self { is_dry_run: true, ..self.clone() }
    }

    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn is_dry_run(&self) -> bool {
        self.is_dry_run
    }

    /// Returns the name under which changes are recorded, if the handle has its own.
    pub fn actor(&self) -> Option<&str> {
        self.actor.as_deref()
    }

    /// Returns whether a change must be refused because its client or key has this version.
    pub fn is_outdated(&self, version: Version) -> bool {
        self.if_version.is_some_and(|expected| expected != version)
    }

    /// Checks the version of a client, whose number of keys `keys` returns.
    pub(crate) fn check_client(
        &self,
        client: &ClientFacts,
        keys: impl FnOnce() -> usize,
    ) -> Result<(), ManageError> {
        if self.if_version.is_some() && self.is_outdated(client.version()) {
            let current = Box::new(client.clone().info(keys()));
            return Err(ManageError::ClientChanged { current });
        }
        Ok(())
    }

    /// Checks the version of a key.
    pub(crate) fn check_key(&self, key: impl FnOnce() -> KeyInfo) -> Result<(), ManageError> {
        if self.if_version.is_none() {
            return Ok(());
        }
        let current = Box::new(key());
        if self.is_outdated(current.version()) {
            return Err(ManageError::KeyChanged { current });
        }
        Ok(())
    }
}
