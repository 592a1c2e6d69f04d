use std::time::Duration;

use super::concurrency::{at_once, dropped, rounds};
use super::fixture::{Change, DAY, HOUR, Key, MINUTE, Managed};
use crate::error::WrongReason;
use crate::manage::{ClientChange, KeyChange, KeyError, KeyInfo, KeyQuery, ManageError, PurgeKeys};
use crate::testing::case::Case;

/// A purge removes the selected keys from every list, and no others.
pub(super) async fn purged_key_is_gone_and_unknown(case: &Case<impl Managed>) {
    let start = case.now();
    let keys =
        ["revoked first", "expired first", "revoked later", "expired later", "revoked expired"];
    let keys = keys.map(Key::of);
    let [revoked, expired, revoked_later, expired_later, both] = &keys;
    case.issue("App 2", revoked.to_new()).await;
    case.issue("App 1", expired.to_new().with_expiry(start + HOUR)).await;
    case.issue("App 1", revoked_later.to_new().with_expiry(start + 9 * DAY)).await;
    case.issue("App 2", expired_later.to_new().with_expiry(start + 2 * DAY)).await;
    case.issue("App 1", both.to_new().with_expiry(start + HOUR)).await;
    let [live] = case.issued("App 1", ["live"]).await;
    case.revoke(revoked).await;
    case.clock.advance(2 * DAY);
    let day_2 = case.now();
    case.revoke(revoked_later).await;
    case.revoke(both).await;
    case.clock.advance(DAY);

    let purge = PurgeKeys::new();
    let (day_1, now) = (start + DAY, case.now());
    let old = purge.revoked_before(day_1).expired_before(day_1);
    for (what, purge, taken) in [
        ("a purge without times", purge, vec![]),
        (
            "a purge of earlier times",
            purge.revoked_before(start - DAY).expired_before(start),
            vec![],
        ),
        ("a dry run", old.dry_run(), vec![expired, revoked]),
        ("a purge of revoked keys", purge.revoked_before(day_1), vec![revoked]),
        ("a purge of expired keys", purge.expired_before(day_1), vec![expired]),
        ("a repeated purge", old, vec![]),
        // A key that was revoked after it had expired counts as revoked.
        ("a purge of keys that expired until now", purge.expired_before(now), vec![expired_later]),
        (
            "a purge by the time of revocation",
            purge.revoked_before(day_2),
            vec![revoked_later, both],
        ),
    ] {
        let before = case.keys(None).await;
        let purged = purge_keys(case, &purge).await;
        let is_taken = |key: &KeyInfo| taken.iter().any(|taken| taken.id() == key.key_id);
        let (mut expected, mut kept) = before.iter().cloned().partition::<Vec<_>, _>(is_taken);
        expected.sort_by(KeyInfo::in_list_order);
        assert_eq!(purged, expected, "{case}: the result of {what}");
        assert_eq!(expected.len(), taken.len(), "{case}: the keys before {what}");
        if purge.is_dry_run() {
            kept = before;
        }
        assert_eq!(case.keys(None).await, kept, "{case}: the keys after {what}");
        for client in case.clients().await {
            let name = client.profile.name();
            let of_client = kept.iter().filter(|key| key.client == name && key.revoked.is_none());
            assert_eq!(client.keys, of_client.count(), "{case}: keys of a client after {what}");
        }
        let query = KeyQuery::new();
        let page = case.done("a page of keys", case.store.keys(&query)).await;
        assert_eq!(page.found, kept, "{case}: a page after {what}");
        for key in taken.iter().filter(|_| !purge.is_dry_run()) {
            case.refuses(format_args!("after {what}"), key, WrongReason::Unknown).await;
            let id = key.id();
            let found = case.result("finding a purged key", case.store.find_key(&id)).await;
            let is_unknown =
                matches!(&found, Err(ManageError::UnknownKey { key_id, .. }) if *key_id == id);
            assert!(is_unknown, "{case}: a key is found after {what}: {found:?}");
        }
    }
    case.admits("after all purges", &live, "App 1").await;
}

/// Whatever the times of the purge, and even if the client is disabled.
pub(super) async fn key_that_may_work_is_never_purged(case: &Case<impl Managed>) {
    let [live, replaced, of_disabled] = ["live", "replaced", "of a disabled client"].map(Key::of);
    let (expiring, later, successor) =
        (Key::of("expiring"), Key::of("later"), Key::of("successor"));
    for key in [&live, &replaced] {
        case.issue("App 1", key.to_new()).await;
    }
    case.issue("App 2", of_disabled.to_new().with_expiry(case.now() + DAY)).await;
    case.issue("App 1", expiring.to_new().with_expiry(case.now() + MINUTE)).await;
    case.issue("App 1", later.to_new().with_not_before(case.now() + HOUR)).await;
    case.rotate(&replaced, successor.to_new(), HOUR).await;
    case.disable("App 2").await;
    let before = case.contents().await;
    for ahead in [Duration::ZERO, 1_000 * DAY] {
        let time = case.now() + ahead;
        let purge = PurgeKeys::new().revoked_before(time).expired_before(time);
        let purged = purge_keys(case, &purge).await;
        assert_eq!(purged, [], "{case}: a purge of keys that work");
        let is_same = case.contents().await == before;
        assert!(is_same, "{case}: a purge of nothing changes the store");
    }
    for key in [&live, &replaced, &expiring, &successor] {
        case.admits("after a purge", key, "App 1").await;
    }
    case.enable("App 2").await;
    case.admits("of an enabled client", &of_disabled, "App 2").await;
    // At the instant of its expiry, the key has ended.
    case.clock.advance(MINUTE);
    let purged = purge_keys(case, &PurgeKeys::new().expired_before(case.now())).await;
    let ids = purged.iter().map(|key| key.key_id).collect::<Vec<_>>();
    assert_eq!(ids, [expiring.id()], "{case}: the keys that have just expired");
    let replaced_by = case.listed(&replaced).await.replaced_by;
    assert_eq!(replaced_by, Some(successor.id()), "{case}: the successor of another key");
}

pub(super) async fn purged_key_cannot_be_added_again(case: &Case<impl Managed>) {
    let [old, live] = case.issued("App 1", ["purged", "live"]).await;
    case.revoke(&old).await;
    purge_keys(case, &PurgeKeys::new().revoked_before(case.now())).await;
    let is_purged = |error: &ManageError| matches!(error, ManageError::Key(KeyError::Purged { key_id }) if *key_id == old.id());
    let again = async || {
        for client in ["App 1", "App 2"] {
            let issue = |store| issue(store, client, &old);
            case.refused("issuing a purged key", issue, is_purged).await;
        }
    };
    again().await;
    let (id, new) = (live.id(), old.to_new());
    case.refused("rotating to a purged key", |store| store.rotate(&id, new, HOUR), is_purged).await;
    case.admits("after refused changes", &live, "App 1").await;
    // The client does not matter.
    case.disable("App 1").await;
    case.done("removing a client", case.store.remove_client("App 1")).await;
    case.add("App 1").await;
    again().await;
    case.refuses("after a purge", &old, WrongReason::Unknown).await;
}

fn issue<'a, S: Managed>(store: &'a S, client: &'a str, key: &Key) -> Change<'a, KeyInfo> {
    store.issue(client, key.to_new())
}

/// It stays until the key that it replaces has ended. That key then no longer names it.
pub(super) async fn successor_of_a_key_that_works_is_kept(case: &Case<impl Managed>) {
    let [old] = case.issued("App 1", ["old"]).await;
    let new = Key::of("new");
    case.rotate(&old, new.to_new(), HOUR).await;
    case.revoke(&new).await;
    let purge_revoked = async || {
        let purged = purge_keys(case, &PurgeKeys::new().revoked_before(case.now())).await;
        purged.into_iter().map(|key| key.key_id).collect::<Vec<_>>()
    };
    let before = case.contents().await;
    assert_eq!(purge_revoked().await, [], "{case}: the successor of a key that works");
    let is_same = case.contents().await == before;
    assert!(is_same, "{case}: a purge changes a key that works");
    case.admits("until its grace ends", &old, "App 1").await;
    case.refuses("while its predecessor works", &new, WrongReason::Revoked).await;

    case.clock.advance(HOUR);
    assert_eq!(purge_revoked().await, [new.id()], "{case}: the successor of an ended key");
    let is_old = |key: &&KeyInfo| key.key_id == old.id();
    let expected = before.1.iter().find(is_old).expect("it was listed");
    let expected = KeyInfo { replaced_by: None, ..expected.clone() };
    assert_eq!(case.keys(None).await, [expected], "{case}: a key without its successor");
    case.refuses("without its successor", &old, WrongReason::Expired).await;

    // Purging the old key does not affect its successor.
    let [first] = case.issued("App 2", ["first"]).await;
    let second = Key::of("second");
    let rotated = case.rotate(&first, second.to_new(), Duration::ZERO).await;
    let purged = purge_keys(case, &PurgeKeys::new().expired_before(case.now())).await;
    assert_eq!(purged.len(), 2, "{case}: the replaced keys that have expired");
    assert_eq!(case.keys(None).await, [rotated.new], "{case}: the successor of a purged key");
    case.admits("after its predecessor was purged", &second, "App 2").await;
}

pub(super) async fn change_during_a_purge_is_kept(case: &Case<impl Managed>) {
    for round in 0..rounds(case).await {
        let name = |what| format!("{what} {round}");
        let dead = ["dead 0", "dead 1", "dead 2"].map(name);
        let dead = case.issued("App 1", dead.each_ref().map(|it| &**it)).await;
        let live = ["labelled", "rotated"].map(name);
        let [labelled, rotated] = case.issued("App 1", live.each_ref().map(|it| &**it)).await;
        let (successor, issued) = (Key::of(&name("successor")), Key::of(&name("issued")));
        for key in &dead {
            case.revoke(key).await;
        }
        let purge = PurgeKeys::new().revoked_before(case.now()).expired_before(case.now());
        let scope: crate::client::Scope = format!("round:{round}").parse().expect("a scope");
        let (labelled_id, rotated_id, dead_id) = (labelled.id(), rotated.id(), dead[0].id());
        let label = || KeyChange::new().with_label("changed");
        let of_dead = case.store.update_key(&dead_id, label());
        let of_dead: Change<'_, ()> = Box::pin(async move {
            match of_dead.await {
                // These keys were purged before.
                Ok(_) | Err(ManageError::UnknownKey { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        });
        let changes = vec![
            dropped(case.store.update_key(&labelled_id, label())),
            dropped(case.store.purge_keys(&purge)),
            dropped(case.store.rotate(&rotated_id, successor.to_new(), HOUR)),
            dropped(case.store.issue("App 1", issued.to_new())),
            of_dead,
            dropped(case.store.purge_keys(&purge)),
            dropped(
                case.store.update_client("App 1", ClientChange::new().add_scope(scope.clone())),
            ),
        ];
        for result in at_once(case, round, changes).await {
            result.unwrap_or_else(|error| panic!("{case}: a change fails: {error:?}"));
        }
        for key in &dead {
            case.refuses("after it was purged", key, WrongReason::Unknown).await;
        }
        let label = case.listed(&labelled).await.label;
        assert_eq!(label.as_deref(), Some("changed"), "{case}: a change of a key is lost");
        let replaced_by = case.listed(&rotated).await.replaced_by;
        assert_eq!(replaced_by, Some(successor.id()), "{case}: a rotation is lost");
        for key in [&labelled, &rotated, &successor, &issued] {
            case.admits("after changes at once", key, "App 1").await;
        }
        let clients = case.clients().await;
        let client = clients.iter().find(|client| client.profile.name() == "App 1");
        let is_kept = client.is_some_and(|client| client.profile.scopes().contains(&scope));
        assert!(is_kept, "{case}: a change of a client is lost");
    }
}

async fn purge_keys(case: &Case<impl Managed>, purge: &PurgeKeys) -> Vec<KeyInfo> {
    case.done("a purge", case.store.purge_keys(purge)).await
}
