//! A service that writes its usage to a folder, from which the page reads it.

use std::time::{Duration, SystemTime};

use keygate::observe::{UsageHistory, UsageWriter};
use keygate::testing::FakeClock;
use keygate::{Authenticator, KeyDigest, KeyId, MemoryStore, NewKey, Usage};
use keygate_admin::Admin;
use tempfile::TempDir;

pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) struct Kept {
    pub(crate) store: MemoryStore,
    pub(crate) clock: FakeClock,
    pub(crate) history: UsageHistory,
    pub(crate) folder: TempDir,
    auth: Authenticator<MemoryStore>,
    writer: UsageWriter,
}

impl Kept {
    /// Starts recording usage at this time.
    pub(crate) async fn since(time: SystemTime) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = FakeClock::at(time);
        let store = MemoryStore::new().with_clock(clock.reader());
        let usage = Usage::new().with_clock(clock.reader());
        let auth = Authenticator::new(store.clone()).with_clock(clock.reader());
        let auth = auth.add_observer(usage.clone());
        let history = UsageHistory::in_folder(folder.path()).await.unwrap();
        let history = history.with_clock(clock.reader());
        let writer = UsageWriter::start(&usage, &history).unwrap();
        Self { store, clock, history, folder, auth, writer }
    }

    /// Issues a key with this text to a client, and adds the client if it is new.
    pub(crate) fn key(
        &self,
        client: &str,
        text: &str,
        change: impl FnOnce(NewKey) -> NewKey,
    ) -> KeyId {
        let _ = self.store.add_client(client);
        let key = change(NewKey::new(KeyDigest::of(text.as_bytes())));
        self.store.issue(client, key).unwrap().key_id
    }

    pub(crate) fn calls(&self, text: &str, count: u64) {
        for _ in 0..count {
            let _ = self.auth.verify_key(text.as_bytes());
        }
    }

    pub(crate) async fn flush(&self) {
        self.writer.flush().await.unwrap();
    }

    /// Advances the clock without a gap in the recorded time.
    pub(crate) async fn pass(&self, time: Duration) {
        let end = (self.clock.reader())() + time;
        while (self.clock.reader())() + DAY < end {
            self.clock.advance(DAY);
            self.flush().await;
        }
        self.clock.set(end);
        self.flush().await;
    }

    pub(crate) fn with_usage(&self) -> impl FnOnce(Admin) -> Admin {
        let history = self.history.clone();
        |admin| admin.with_usage(history)
    }
}
