//! A store that runs a hook before and after each of its changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use keygate::manage::{
    BoxFuture, ChangeEvent, ClientChange, ClientInfo, ClientQuery, EventQuery, KeyChange, KeyInfo,
    KeyQuery, ManageError, ManageFuture, Page, Policy, PolicyChange, PurgeKeys, Rotated, Version,
};
use keygate::{ClientProfile, KeyId, ManageKeys, MemoryStore, NewKey, StoreError};

/// The hook is called with the method's name, and with `true` before the change and `false` after it. The method
/// returns the hook's error.
pub(crate) type Hook =
    Arc<dyn Fn(&'static str, bool) -> BoxFuture<'static, Result<(), ManageError>> + Send + Sync>;

pub(crate) struct Hooked {
    inner: Box<dyn ManageKeys>,
    hook: Hook,
}

impl Hooked {
    pub(crate) fn new<F>(inner: Box<dyn ManageKeys>, hook: F) -> Arc<Self>
    where
        F: Fn(&'static str, bool) -> BoxFuture<'static, Result<(), ManageError>>,
        F: Send + Sync + 'static,
    {
        Arc::new(Self { inner, hook: Arc::new(hook) })
    }

    /// A store whose `method` fails at its first call, either before or after the change.
    pub(crate) fn failing(
        store: MemoryStore,
        method: &'static str,
        fails_before: bool,
    ) -> Arc<Self> {
        let calls = AtomicUsize::new(0);
        Self::new(Box::new(store), move |called, is_before| -> BoxFuture<'static, _> {
            let fails = called == method
                && is_before == fails_before
                && calls.fetch_add(1, Ordering::Relaxed) == 0;
            Box::pin(async move { if fails { Err(outage()) } else { Ok(()) } })
        })
    }
}

/// Returns an outage with a message that only operators may see.
pub(crate) fn outage() -> ManageError {
    ManageError::Unavailable(StoreError::new("no route to db.internal"))
}

macro_rules! hooked {
    ($($method:ident $(<$a:lifetime>)? (&$s:lifetime self $(, $name:ident: $type:ty)*) -> $out:ty;)+) => {
        $(fn $method $(<$a>)? (&$s self $(, $name: $type)*) -> ManageFuture<$s, $out> {
            Box::pin(async move {
                (self.hook)(stringify!($method), true).await?;
                let result = self.inner.$method($($name),*).await;
                (self.hook)(stringify!($method), false).await?;
                result
            })
        })+
    };
}

impl ManageKeys for Hooked {
    fn for_actor(&self, actor: &str) -> Result<Box<dyn ManageKeys>, ManageError> {
        let inner = self.inner.for_actor(actor)?;
        Ok(Box::new(Self { inner, hook: self.hook.clone() }))
    }

    fn if_version(&self, version: Version) -> Box<dyn ManageKeys> {
        Box::new(Self { inner: self.inner.if_version(version), hook: self.hook.clone() })
    }

    fn add_client(&self, profile: ClientProfile) -> ManageFuture<'_, ClientInfo> {
        self.inner.add_client(profile)
    }

    fn list_clients(&self) -> ManageFuture<'_, Vec<ClientInfo>> {
        self.inner.list_clients()
    }

    fn policy(&self) -> ManageFuture<'_, Policy> {
        self.inner.policy()
    }

    fn update_policy(&self, change: PolicyChange) -> ManageFuture<'_, Policy> {
        self.inner.update_policy(change)
    }

    hooked! {
        update_client<'a>(&'a self, name: &'a str, change: ClientChange) -> ClientInfo;
        enable_client<'a>(&'a self, name: &'a str) -> ClientInfo;
        disable_client<'a>(&'a self, name: &'a str) -> ClientInfo;
        remove_client<'a>(&'a self, name: &'a str) -> ClientInfo;
        issue<'a>(&'a self, client: &'a str, key: NewKey) -> KeyInfo;
        update_key<'a>(&'a self, key_id: &'a KeyId, change: KeyChange) -> KeyInfo;
        revoke<'a>(&'a self, key_id: &'a KeyId) -> KeyInfo;
        rotate<'a>(&'a self, key_id: &'a KeyId, successor: NewKey, grace: Duration) -> Rotated;
        purge_keys<'a>(&'a self, purge: &'a PurgeKeys) -> Vec<KeyInfo>;
        list_keys<'a>(&'a self, client: Option<&'a str>) -> Vec<KeyInfo>;
        find_client<'a>(&'a self, name: &'a str) -> ClientInfo;
        find_key<'a>(&'a self, key_id: &'a KeyId) -> KeyInfo;
        clients<'a>(&'a self, query: &'a ClientQuery) -> Page<ClientInfo>;
        keys<'a>(&'a self, query: &'a KeyQuery) -> Page<KeyInfo>;
        events<'a>(&'a self, query: &'a EventQuery) -> Page<ChangeEvent>;
    }
}
