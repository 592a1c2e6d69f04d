//! A store that fails, refuses changes or waits, as a test demands.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use keygate::manage::{
    ChangeEvent, ClientChange, ClientInfo, EventQuery, KeyChange, KeyInfo, ManageError,
    ManageFuture, Page, Policy, PolicyChange, PurgeKeys, Rotated, Version,
};
use keygate::{ClientProfile, KeyId, ManageKeys, MemoryStore, NewKey, StoreError};
use tokio::sync::{Notify, Semaphore};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// All operations fail.
    Down,
    /// Reads succeed, and changes fail.
    NoChanges,
    /// Reads succeed, and changes are refused.
    ReadOnly,
    /// Issuing or rotating a key waits for `release`.
    Waits,
}

struct State {
    fault: Mutex<Fault>,
    began: Notify,
    gate: Semaphore,
}

pub(crate) struct Failing {
    inner: Box<dyn ManageKeys>,
    state: Arc<State>,
}

impl Failing {
    pub(crate) fn new(store: MemoryStore) -> Self {
        let state =
            State { fault: Mutex::new(Fault::None), began: Notify::new(), gate: Semaphore::new(0) };
        Self { inner: Box::new(store), state: Arc::new(state) }
    }

    /// Returns a handle for the page.
    pub(crate) fn shared(&self) -> Arc<dyn ManageKeys> {
        Arc::new(Self {
            inner: self.inner.for_actor("page").unwrap(),
            state: Arc::clone(&self.state),
        })
    }

    pub(crate) fn set(&self, fault: Fault) {
        *self.state.fault.lock().unwrap() = fault;
    }

    /// Waits until a key is being issued or rotated.
    pub(crate) async fn began(&self) {
        self.state.began.notified().await;
    }

    pub(crate) fn release(&self) {
        self.state.gate.add_permits(9);
    }

    fn read(&self) -> Result<(), ManageError> {
        let down = || ManageError::Unavailable(StoreError::new("no connection to the database"));
        if *self.state.fault.lock().unwrap() == Fault::Down { Err(down()) } else { Ok(()) }
    }

    fn write(&self) -> Result<(), ManageError> {
        self.read()?;
        match *self.state.fault.lock().unwrap() {
            Fault::NoChanges => Err(ManageError::Unavailable(StoreError::new("the disk is full"))),
            Fault::ReadOnly => {
                Err(ManageError::ReadOnly { why: "change it in the settings".into() })
            }
            _ => Ok(()),
        }
    }

    async fn wait(&self) {
        if *self.state.fault.lock().unwrap() == Fault::Waits {
            self.state.began.notify_one();
            self.state.gate.acquire().await.unwrap().forget();
        }
    }
}

macro_rules! passed_on {
    ($($check:ident $name:ident($($arg:ident: $kind:ty),*) -> $result:ty;)*) => {
        $(fn $name<'a>(&'a self $(, $arg: $kind)*) -> ManageFuture<'a, $result> {
            Box::pin(async move {
                self.$check()?;
                self.inner.$name($($arg),*).await
            })
        })*
    };
}

impl ManageKeys for Failing {
    fn for_actor(&self, actor: &str) -> Result<Box<dyn ManageKeys>, ManageError> {
        let inner = self.inner.for_actor(actor)?;
        Ok(Box::new(Self { inner, state: Arc::clone(&self.state) }))
    }

    fn if_version(&self, version: Version) -> Box<dyn ManageKeys> {
        Box::new(Self { inner: self.inner.if_version(version), state: Arc::clone(&self.state) })
    }

    fn add_client(&self, profile: ClientProfile) -> ManageFuture<'_, ClientInfo> {
        Box::pin(async move {
            self.write()?;
            self.inner.add_client(profile).await
        })
    }

    fn list_clients(&self) -> ManageFuture<'_, Vec<ClientInfo>> {
        Box::pin(async move {
            self.read()?;
            self.inner.list_clients().await
        })
    }

    fn issue<'a>(&'a self, client: &'a str, key: NewKey) -> ManageFuture<'a, KeyInfo> {
        Box::pin(async move {
            self.write()?;
            self.wait().await;
            self.inner.issue(client, key).await
        })
    }

    fn rotate<'a>(
        &'a self,
        key_id: &'a KeyId,
        successor: NewKey,
        grace: Duration,
    ) -> ManageFuture<'a, Rotated> {
        Box::pin(async move {
            self.write()?;
            self.wait().await;
            self.inner.rotate(key_id, successor, grace).await
        })
    }

    fn policy(&self) -> ManageFuture<'_, Policy> {
        Box::pin(async move {
            self.read()?;
            self.inner.policy().await
        })
    }

    fn update_policy(&self, change: PolicyChange) -> ManageFuture<'_, Policy> {
        self.inner.update_policy(change)
    }

    passed_on! {
        write update_client(name: &'a str, change: ClientChange) -> ClientInfo;
        write enable_client(name: &'a str) -> ClientInfo;
        write disable_client(name: &'a str) -> ClientInfo;
        write remove_client(name: &'a str) -> ClientInfo;
        write update_key(key_id: &'a KeyId, change: KeyChange) -> KeyInfo;
        write revoke(key_id: &'a KeyId) -> KeyInfo;
        write purge_keys(purge: &'a PurgeKeys) -> Vec<KeyInfo>;
        read list_keys(client: Option<&'a str>) -> Vec<KeyInfo>;
        read events(query: &'a EventQuery) -> Page<ChangeEvent>;
    }
}
