//! Checks that every fact of a key is kept, wherever the key comes from.

use std::time::{Duration, UNIX_EPOCH};

use keygate::KeyStore;
use keygate::manage::TransferKeys;
use keygate::testing::{
    FakeClock, assert_finds_keys, assert_same_facts, keys_of_every_kind, write_keys,
};

/// Writes keys to a store, and imports them into a second one and from there into a third one. Checks all three, and
/// again after a restart.
///
/// `open` opens the store at one of three places, which is empty at first.
pub(crate) async fn are_kept<S: KeyStore + TransferKeys>(
    open: impl AsyncFn(usize, FakeClock) -> S,
) {
    let clock = FakeClock::at(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let keys = keys_of_every_kind();
    let written = open(0, clock.clone()).await;
    write_keys(&written, &clock).await;
    let imported = open(1, clock.clone()).await;
    assert!(imported.import_keys(&keys).await.unwrap().is_complete());
    let back = open(2, clock.clone()).await;
    let export = imported.export_keys().await.unwrap();
    assert!(back.import_keys(&export).await.unwrap().is_complete());
    for (place, store) in [written, imported, back].into_iter().enumerate() {
        assert_same_facts(&keys, &store.export_keys().await.unwrap());
        assert_finds_keys(&keys, &store).await;
        drop(store);
        let restarted = open(place, clock.clone()).await;
        assert_same_facts(&keys, &restarted.export_keys().await.unwrap());
        assert_finds_keys(&keys, &restarted).await;
    }
}
