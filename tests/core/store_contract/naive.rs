//! The model of managing as a store, and ways to break it.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use keygate::manage::{BoxFuture, ClientInfo, KeyInfo, ManageError, Rotated};
use keygate::testing::FakeClock;
use keygate::{
    ClientProfile, KeyDigest, KeyId, KeyRecord, LocalKeyStore, ManageKeys, NewKey, StoreError,
};

use crate::managing::model::{Change, Changed, Model};

type Answer<T> = Result<T, ManageError>;

/// A fault that a test causes in a store.
pub(crate) trait Fault: Send + Sync + 'static {
    /// Makes a change as this store makes it.
    fn make(&self, model: &mut Model, change: Change, now: SystemTime) -> Answer<Changed> {
        model.make(change, now)
    }

    /// The listed clients.
    fn clients(&self, model: &Model) -> Vec<ClientInfo> {
        model.list_clients()
    }

    /// The listed keys.
    fn keys(&self, model: &Model, client: Option<&str>) -> Answer<Vec<KeyInfo>> {
        model.list_keys(client)
    }

    /// The steps of a change that is not made at once.
    fn in_steps(
        &self,
        naive: &Naive<Self>,
        change: Change,
    ) -> Option<BoxFuture<'_, Answer<Changed>>>
    where
        Self: Sized,
    {
        let _ = (naive, change);
        None
    }
}

/// Makes each change by this function.
impl<F> Fault for F
where
    F: Fn(&mut Model, Change, SystemTime) -> Answer<Changed> + Send + Sync + 'static,
{
    fn make(&self, model: &mut Model, change: Change, now: SystemTime) -> Answer<Changed> {
        self(model, change, now)
    }
}

/// A store without a fault.
pub(crate) struct Right;

impl Fault for Right {}

pub(crate) struct Naive<F> {
    model: Arc<Mutex<Model>>,
    clock: FakeClock,
    fault: Arc<F>,
}

impl<F> Clone for Naive<F> {
    fn clone(&self) -> Self {
        Self {
            model: Arc::clone(&self.model),
            clock: self.clock.clone(),
            fault: Arc::clone(&self.fault),
        }
    }
}

impl<F: Fault> Naive<F> {
    pub(crate) fn new(fault: F, clock: FakeClock) -> Self {
        Self { model: Arc::default(), clock, fault: Arc::new(fault) }
    }

    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap()
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    fn make<T: 'static>(
        &self,
        change: Change,
        pick: fn(Changed) -> Option<T>,
    ) -> BoxFuture<'_, Answer<T>> {
        let steps = self.fault.in_steps(self, change.clone());
        Box::pin(async move {
            let made = match steps {
                Some(steps) => steps.await?,
                None => self.fault.make(&mut self.model(), change, self.now())?,
            };
            Ok(pick(made).expect("a change has a result of its kind"))
        })
    }

    fn of_client(&self, change: Change) -> BoxFuture<'_, Answer<ClientInfo>> {
        self.make(
            change,
            |changed| if let Changed::Client(client) = changed { Some(client) } else { None },
        )
    }

    fn of_key(&self, change: Change) -> BoxFuture<'_, Answer<KeyInfo>> {
        self.make(change, |changed| if let Changed::Key(key) = changed { Some(key) } else { None })
    }
}

impl<F: Fault> LocalKeyStore for Naive<F> {
    fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRecord>, StoreError> {
        Ok(self.model().find(*digest))
    }
}

impl<F: Fault> ManageKeys for Naive<F> {
    fn add_client(&self, profile: ClientProfile) -> BoxFuture<'_, Answer<ClientInfo>> {
        self.of_client(Change::Add(profile))
    }

    fn enable_client<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Answer<ClientInfo>> {
        self.of_client(Change::Enable(name.to_owned()))
    }

    fn disable_client<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Answer<ClientInfo>> {
        self.of_client(Change::Disable(name.to_owned()))
    }

    fn remove_client<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Answer<ClientInfo>> {
        self.of_client(Change::Remove(name.to_owned()))
    }

    fn list_clients(&self) -> BoxFuture<'_, Answer<Vec<ClientInfo>>> {
        Box::pin(async { Ok(self.fault.clients(&self.model())) })
    }

    fn issue<'a>(&'a self, client: &'a str, key: NewKey) -> BoxFuture<'a, Answer<KeyInfo>> {
        self.of_key(Change::Issue(client.to_owned(), key))
    }

    fn revoke<'a>(&'a self, key_id: &'a KeyId) -> BoxFuture<'a, Answer<KeyInfo>> {
        self.of_key(Change::Revoke(*key_id))
    }

    fn rotate<'a>(
        &'a self,
        key_id: &'a KeyId,
        successor: NewKey,
        grace: Duration,
    ) -> BoxFuture<'a, Answer<Rotated>> {
        let pick = |changed| if let Changed::Rotated(keys) = changed { Some(keys) } else { None };
        self.make(Change::Rotate(*key_id, successor, grace), pick)
    }

    fn list_keys<'a>(&'a self, client: Option<&'a str>) -> BoxFuture<'a, Answer<Vec<KeyInfo>>> {
        Box::pin(async move { self.fault.keys(&self.model(), client) })
    }
}
