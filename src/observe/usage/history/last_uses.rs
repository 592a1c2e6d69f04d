use std::collections::HashMap;
use std::ops::Range;
use std::time::SystemTime;

use super::{UsageWatch, system_time};
use crate::key::KeyId;
use crate::manage::{KeyInfo, LastUsed};
use crate::store::usage::LastUse;

/// The last uses of keys, to the minute.
///
/// ```
/// use keygate::ManageKeys;
/// use keygate::manage::KeyInfo;
/// use keygate::observe::UsageHistory;
///
/// async fn keys(
///     store: &dyn ManageKeys,
///     history: &UsageHistory,
/// ) -> Result<Vec<KeyInfo>, Box<dyn std::error::Error>> {
///     let mut keys = store.list_keys(None).await?;
///     history.last_uses(None).await?.add_to(&mut keys);
///     Ok(keys)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct LastUses {
    watch: UsageWatch,
    by_key: HashMap<KeyId, HashMap<String, SystemTime>>,
}

impl LastUses {
    pub(super) fn new(watch: UsageWatch, last_uses: Vec<LastUse>) -> Self {
        let mut by_key: HashMap<_, HashMap<_, _>> = HashMap::new();
        for LastUse { client, key_id, time } in last_uses {
            // A malformed id was written by hand.
            if let Ok(key_id) = key_id.parse() {
                by_key.entry(key_id).or_default().insert(client, system_time(time));
            }
        }
        Self { watch, by_key }
    }

    /// Returns when usage was watched: see [`UsageHistory::watch`](super::UsageHistory::watch).
    pub fn watch(&self) -> UsageWatch {
        self.watch
    }

    /// Returns since when usage has been watched: see
    /// [`UsageHistory::watched_since`](super::UsageHistory::watched_since).
    pub fn watched_since(&self) -> Option<SystemTime> {
        self.watch.since()
    }

    /// Returns the time that has been watched: see [`UsageWatch::watched`].
    pub fn watched(&self) -> Option<Range<SystemTime>> {
        self.watch.watched()
    }

    /// Returns when a key was last used: [`LastUsed::Never`] only if it has been watched since its issue, until
    /// now. A key that was issued after the last batch is not watched yet.
    pub fn of(&self, key: &KeyInfo) -> LastUsed {
        if let Some(time) = self.time(key.key_id, &key.client) {
            return LastUsed::At(time);
        }
        let watched = self.watched();
        let is_watched = |time| watched.is_some_and(|it| it.start <= time && time <= it.end);
        if key.created.is_some_and(is_watched) { LastUsed::Never } else { LastUsed::Unknown }
    }

    /// Returns the ids of the keys that were used at or after this time, or in its minute, for [`KeyQuery::only`] and [`KeyQuery::except`].
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use keygate::ManageKeys;
    /// use keygate::manage::{KeyInfo, KeyQuery, Page};
    /// use keygate::observe::UsageHistory;
    ///
    /// async fn unused(
    ///     store: &dyn ManageKeys,
    ///     history: &UsageHistory,
    /// ) -> Result<Page<KeyInfo>, Box<dyn std::error::Error>> {
    ///     let since = SystemTime::now() - Duration::from_secs(90 * 24 * 60 * 60);
    ///     let used = history.last_uses(None).await?;
    ///     Ok(store.keys(&KeyQuery::new().except(used.used_since(since))).await?)
    /// }
    /// ```
    ///
    /// [`KeyQuery::only`]: crate::manage::KeyQuery::only
    /// [`KeyQuery::except`]: crate::manage::KeyQuery::except
    pub fn used_since(&self, time: SystemTime) -> impl Iterator<Item = KeyId> {
        let may_be_since = move |used: &_| LastUsed::At(*used).may_be_since(time);
        let is_used = move |uses: &HashMap<_, _>| uses.values().any(may_be_since);
        self.by_key.iter().filter(move |(_, uses)| is_used(uses)).map(|(key_id, _)| *key_id)
    }

    pub(super) fn time(&self, key_id: KeyId, client: &str) -> Option<SystemTime> {
        self.by_key.get(&key_id)?.get(client).copied()
    }

    /// Sets [`KeyInfo::last_used`] of each key.
    pub fn add_to<'a>(&self, keys: impl IntoIterator<Item = &'a mut KeyInfo>) {
        for key in keys {
            key.last_used = self.of(key);
        }
    }
}
