//! The model of managing as a store, which can have a fault.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use keygate::manage::{
    BoxFuture, ChangeContext, ChangeEvent, ClientChange, ClientInfo, EventQuery, KeyChange,
    KeyFacts, KeyInfo, KeyQuery, ManageError, Page, Policy, PolicyChange, PurgeKeys, Rotated,
    Version,
};
use keygate::testing::FakeClock;
use keygate::{
    ClientProfile, KeyDigest, KeyId, KeyRecord, LocalKeyStore, ManageKeys, NewKey, StoreError,
};

use crate::managing::model::{Change, Changed, Model};
use crate::store_contract::recording::events;

pub(crate) type Made<T> = Result<T, ManageError>;
pub(crate) type Making<T> = BoxFuture<'static, Made<T>>;
type Make = Arc<dyn Fn(&mut Model, Change, SystemTime) -> Made<Changed> + Send + Sync>;
type Steps = Arc<dyn Fn(Naive, Change) -> Option<Making<Changed>> + Send + Sync>;

/// How a store makes changes and lists; without a fault by default.
#[derive(Clone)]
pub(crate) struct Fault {
    pub(crate) make: Make,
    pub(crate) check: fn(&Naive, &Model, &Change) -> Made<()>,
    pub(crate) clients: fn(&Model) -> Vec<ClientInfo>,
    pub(crate) keys: fn(&Model, Option<&str>) -> Made<Vec<KeyInfo>>,
    /// Alters the pages of keys.
    pub(crate) page: fn(Made<Page<KeyInfo>>) -> Made<Page<KeyInfo>>,
    /// Lists the events of the changes that are made at once.
    pub(crate) events: fn(Vec<ChangeEvent>, &EventQuery) -> Made<Page<ChangeEvent>>,
    /// Makes a change in several steps, or `None` to make it at once.
    pub(crate) steps: Steps,
}

impl Default for Fault {
    fn default() -> Self {
        Self {
            make: Arc::new(Model::make),
            check: Naive::check,
            clients: Model::list_clients,
            keys: Model::list_keys,
            page: |page| page,
            events: |_, _| Err(ManageError::NoEvents { why: "nobody asked for them" }),
            steps: Arc::new(|_, _| None),
        }
    }
}

pub(crate) fn make<F>(make: F) -> Fault
where
    F: Fn(&mut Model, Change, SystemTime) -> Made<Changed> + Send + Sync + 'static,
{
    Fault { make: Arc::new(make), ..Fault::default() }
}

/// Issues another key.
pub(crate) fn issue(alter: fn(NewKey) -> NewKey) -> Fault {
    make(move |model, change, now| match change {
        Change::Issue(name, new) => model.make(Change::Issue(name, alter(new)), now),
        change => model.make(change, now),
    })
}

/// Rotates to another successor, or with another grace.
pub(crate) fn rotate(
    alter: fn(&mut Model, KeyId, NewKey, Duration) -> (NewKey, Duration),
) -> Fault {
    make(move |model, change, now| match change {
        Change::Rotate(id, new, grace) => {
            let (new, grace) = alter(model, id, new, grace);
            model.make(Change::Rotate(id, new, grace), now)
        }
        change => model.make(change, now),
    })
}

/// Alters all keys after a change.
pub(crate) fn mar(mar: fn(&Change, &mut KeyFacts)) -> Fault {
    make(move |model, change, now| {
        let made = model.make(change.clone(), now)?;
        model.keys.iter_mut().for_each(|key| mar(&change, key));
        Ok(made)
    })
}

/// Prepares the model for a change, and restores it if the change is refused.
pub(crate) fn prepare(prepare: fn(&mut Model, &Change)) -> Fault {
    make(move |model, change, now| {
        let before = model.clone();
        prepare(model, &change);
        let made = model.make(change, now);
        made.inspect_err(|_| *model = before)
    })
}

/// Alters the errors of changes.
pub(crate) fn error(alter: fn(&Change, ManageError) -> ManageError) -> Fault {
    make(move |model, change, now| {
        model.make(change.clone(), now).map_err(|error| alter(&change, error))
    })
}

#[derive(Clone)]
pub(crate) struct Naive {
    model: Arc<Mutex<Model>>,
    events: Arc<Mutex<Vec<ChangeEvent>>>,
    clock: FakeClock,
    fault: Fault,
    pub(crate) context: ChangeContext,
}

impl Naive {
    pub(crate) fn new(fault: Fault, clock: FakeClock) -> Self {
        let (model, events, context) = Default::default();
        Self { model, events, clock, fault, context }
    }

    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap()
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Refuses a change that is based on another version.
    pub(crate) fn check(&self, model: &Model, change: &Change) -> Made<()> {
        let client = match change {
            Change::UpdateClient(name, _)
            | Change::Enable(name)
            | Change::Disable(name)
            | Change::Remove(name)
            | Change::Issue(name, _) => Some(name),
            _ => None,
        };
        let key = match change {
            Change::UpdateKey(id, _) | Change::Revoke(id) | Change::Rotate(id, ..) => Some(id),
            _ => None,
        };
        let clients = model.list_clients();
        let client = client.and_then(|name| clients.iter().find(|it| it.profile.name() == name));
        if let Some(client) = client.filter(|it| self.context.is_outdated(it.version())) {
            return Err(ManageError::ClientChanged { current: Box::new(client.clone()) });
        }
        let keys = model.list_keys(None)?;
        let key = key.and_then(|id| keys.iter().find(|key| key.key_id == *id));
        match key.filter(|key| self.context.is_outdated(key.version())) {
            Some(key) => Err(ManageError::KeyChanged { current: Box::new(key.clone()) }),
            None => Ok(()),
        }
    }

    fn make<T: 'static>(&self, change: Change, pick: fn(Changed) -> Option<T>) -> Making<T> {
        let naive = self.clone();
        let steps = (self.fault.steps)(self.clone(), change.clone());
        Box::pin(async move {
            let made = if let Some(steps) = steps {
                steps.await?
            } else {
                let model = &mut *naive.model();
                (naive.fault.check)(&naive, model, &change)?;
                let before = model.clone();
                let made = (naive.fault.make)(model, change, naive.now());
                naive.record(&before, model);
                made?
            };
            Ok(pick(made).expect("a change has a result of its kind"))
        })
    }

    fn record(&self, before: &Model, after: &Model) {
        let mut recorded = events(before, after);
        for event in &mut recorded {
            event.at = self.now();
            event.actor = self.context.actor().map(str::to_owned);
        }
        self.events.lock().unwrap().extend(recorded);
    }

    fn of_client(&self, change: Change) -> Making<ClientInfo> {
        self.make(change, |made| match made {
            Changed::Client(client) => Some(client),
            _ => None,
        })
    }

    fn of_key(&self, change: Change) -> Making<KeyInfo> {
        self.make(change, |made| match made {
            Changed::Key(key) => Some(key),
            _ => None,
        })
    }
}

impl LocalKeyStore for Naive {
    fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRecord>, StoreError> {
        Ok(self.model().find(*digest))
    }
}

impl ManageKeys for Naive {
    fn for_actor(&self, actor: &str) -> Made<Box<dyn ManageKeys>> {
        let context = self.context.for_actor(actor)?;
        Ok(Box::new(Self { context, ..self.clone() }))
    }

    fn if_version(&self, version: Version) -> Box<dyn ManageKeys> {
        Box::new(Self { context: self.context.if_version(version), ..self.clone() })
    }

    fn add_client(&self, profile: ClientProfile) -> BoxFuture<'_, Made<ClientInfo>> {
        self.of_client(Change::Add(profile))
    }

    fn update_client<'a>(
        &'a self,
        name: &'a str,
        change: ClientChange,
    ) -> BoxFuture<'a, Made<ClientInfo>> {
        self.of_client(Change::UpdateClient(name.to_owned(), change))
    }

    fn enable_client<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Made<ClientInfo>> {
        self.of_client(Change::Enable(name.to_owned()))
    }

    fn disable_client<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Made<ClientInfo>> {
        self.of_client(Change::Disable(name.to_owned()))
    }

    fn remove_client<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Made<ClientInfo>> {
        self.of_client(Change::Remove(name.to_owned()))
    }

    fn list_clients(&self) -> BoxFuture<'_, Made<Vec<ClientInfo>>> {
        Box::pin(async { Ok((self.fault.clients)(&self.model())) })
    }

    fn issue<'a>(&'a self, client: &'a str, key: NewKey) -> BoxFuture<'a, Made<KeyInfo>> {
        self.of_key(Change::Issue(client.to_owned(), key))
    }

    fn update_key<'a>(
        &'a self,
        key_id: &'a KeyId,
        change: KeyChange,
    ) -> BoxFuture<'a, Made<KeyInfo>> {
        self.of_key(Change::UpdateKey(*key_id, change))
    }

    fn revoke<'a>(&'a self, key_id: &'a KeyId) -> BoxFuture<'a, Made<KeyInfo>> {
        self.of_key(Change::Revoke(*key_id))
    }

    fn rotate<'a>(
        &'a self,
        key_id: &'a KeyId,
        successor: NewKey,
        grace: Duration,
    ) -> BoxFuture<'a, Made<Rotated>> {
        self.make(Change::Rotate(*key_id, successor, grace), |made| match made {
            Changed::Rotated(keys) => Some(keys),
            _ => None,
        })
    }

    fn purge_keys<'a>(&'a self, purge: &'a PurgeKeys) -> BoxFuture<'a, Made<Vec<KeyInfo>>> {
        self.make(Change::Purge(*purge), |made| match made {
            Changed::Purged(keys) => Some(keys),
            _ => None,
        })
    }

    fn policy(&self) -> BoxFuture<'_, Made<Policy>> {
        Box::pin(async { Ok(self.model().policy) })
    }

    fn update_policy(&self, change: PolicyChange) -> BoxFuture<'_, Made<Policy>> {
        self.make(Change::Policy(change), |made| match made {
            Changed::Policy(policy) => Some(policy),
            _ => None,
        })
    }

    fn list_keys<'a>(&'a self, client: Option<&'a str>) -> BoxFuture<'a, Made<Vec<KeyInfo>>> {
        Box::pin(async move { (self.fault.keys)(&self.model(), client) })
    }

    fn keys<'a>(&'a self, query: &'a KeyQuery) -> BoxFuture<'a, Made<Page<KeyInfo>>> {
        Box::pin(async {
            let (clients, keys) = (self.list_clients().await?, self.list_keys(None).await?);
            (self.fault.page)(query.page_of(keys, &clients, self.now()))
        })
    }

    fn events<'a>(&'a self, query: &'a EventQuery) -> BoxFuture<'a, Made<Page<ChangeEvent>>> {
        let events = self.events.lock().unwrap().clone();
        Box::pin(async move { (self.fault.events)(events, query) })
    }
}
