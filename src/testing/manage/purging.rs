use std::time::Duration;

use super::concurrency::{all_succeed, dropped, rounds};
use super::fixture::{Change, DAY, HOUR, Key, MINUTE, Managed};
use super::refusals::exactly;
use crate::error::WrongReason;
use crate::key::KeyId;
use crate::manage::{ClientChange, KeyChange, KeyError, KeyInfo, KeyQuery, ManageError, PurgeKeys};
use crate::testing::case::Case;
use crate::testing::sample::scope;

/// A purge removes the selected keys from every list, and no others.
pub(super) async fn purged_key_is_gone_and_unknown(case: &Case<impl Managed>) {
    let start = case.now();
    let [live] = case.issued("App 1", ["live"]).await;
    let [revoked] = case.issued("App 2", ["revoked first"]).await;
    let expired = case.issued_until("App 1", "expired first", start + HOUR).await;
    let revoked_later = case.issued_until("App 1", "revoked later", start + 9 * DAY).await;
    let both = case.issued_until("App 1", "revoked expired", start + HOUR).await;
    let expired_later = case.issued_until("App 2", "expired later", start + 2 * DAY).await;
    case.revoke(&revoked).await;
    case.clock.advance(2 * DAY);
    case.revoke(&revoked_later).await;
    case.revoke(&both).await;
    case.clock.advance(DAY);

    let purge = PurgeKeys::new();
    let (day_1, day_2, now) = (start + DAY, start + 2 * DAY, case.now());
    let old = purge.revoked_before(day_1).expired_before(day_1);
    let too_early = purge.revoked_before(start - DAY).expired_before(start);
    for (what, purge, taken) in [
        ("a purge without times", purge, vec![]),
        ("a purge of earlier times", too_early, vec![]),
        ("a dry run", old.dry_run(), vec![&expired, &revoked]),
        ("a purge of revoked keys", purge.revoked_before(day_1), vec![&revoked]),
        ("a purge of expired keys", purge.expired_before(day_1), vec![&expired]),
        ("a repeated purge", old, vec![]),
        // A key that was revoked after it had expired counts as revoked.
        ("a purge of all expired keys", purge.expired_before(now), vec![&expired_later]),
        ("a purge up to a time", purge.revoked_before(day_2), vec![&revoked_later, &both]),
    ] {
        let before = case.keys(None).await;
        let is_taken = |key: &KeyInfo| taken.iter().any(|taken| taken.id() == key.key_id);
        let (mut expected, mut kept) = before.iter().cloned().partition::<Vec<_>, _>(is_taken);
        expected.sort_by(KeyInfo::in_list_order);
        assert_eq!(case.purge(&purge).await, expected, "{case}: the result of {what}");
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
    let [live, replaced] = case.issued("App 1", ["live", "replaced"]).await;
    let of_disabled = case.issued_until("App 2", "of disabled", case.now() + DAY).await;
    let expiring = case.issued_until("App 1", "expiring", case.now() + MINUTE).await;
    let later = Key::of("later").to_new().with_not_before(case.now() + HOUR);
    case.issue("App 1", later.with_expiry(case.now() + DAY)).await;
    let successor = case.rotated(&replaced, "successor", HOUR).await;
    case.disable("App 2").await;
    let before = case.contents().await;
    for ahead in [Duration::ZERO, 1_000 * DAY] {
        let time = case.now() + ahead;
        let purged = case.purge(&PurgeKeys::new().revoked_before(time).expired_before(time)).await;
        assert_eq!(purged, [], "{case}: a purge of keys that work");
        case.lists_the_same("a purge of nothing", &before).await;
    }
    for key in [&live, &replaced, &expiring, &successor] {
        case.admits("after a purge", key, "App 1").await;
    }
    case.enable("App 2").await;
    case.admits("of an enabled client", &of_disabled, "App 2").await;
    // At the instant of its expiry, the key has ended.
    case.clock.advance(MINUTE);
    let purged = purged_ids(case, PurgeKeys::new().expired_before(case.now())).await;
    assert_eq!(purged, [expiring.id()], "{case}: the keys that have just expired");
    let replaced_by = case.listed(&replaced).await.replaced_by;
    assert_eq!(replaced_by, Some(successor.id()), "{case}: the successor of another key");
}

pub(super) async fn purged_key_cannot_be_added_again(case: &Case<impl Managed>) {
    let [old, live] = case.issued("App 1", ["purged", "live"]).await;
    case.revoke(&old).await;
    case.purge(&PurgeKeys::new().revoked_before(case.now())).await;
    let is_purged = exactly(KeyError::Purged { key_id: old.id() }.into());
    let is_not_issued = async || {
        for client in ["App 1", "App 2"] {
            case.refused_issue("issuing a purged key", client, old.to_new(), &is_purged).await;
        }
    };
    is_not_issued().await;
    case.refused_rotation("rotating to a purged key", &live, old.to_new(), &is_purged).await;
    case.admits("after refused changes", &live, "App 1").await;
    // The client does not matter.
    case.disable("App 1").await;
    case.remove("App 1").await;
    case.add("App 1").await;
    is_not_issued().await;
    case.refuses("after a purge", &old, WrongReason::Unknown).await;
}

/// It stays until the key that it replaces has ended. That key then no longer names it.
pub(super) async fn successor_of_a_key_that_works_is_kept(case: &Case<impl Managed>) {
    let [old] = case.issued("App 1", ["old"]).await;
    let new = case.rotated(&old, "new", HOUR).await;
    case.revoke(&new).await;
    let before = case.contents().await;
    let purged = purged_ids(case, PurgeKeys::new().revoked_before(case.now())).await;
    assert_eq!(purged, [], "{case}: the successor of a key that works");
    case.lists_the_same("a purge of a key that works", &before).await;
    case.admits("until its grace ends", &old, "App 1").await;
    case.refuses("while its predecessor works", &new, WrongReason::Revoked).await;

    let named = case.listed(&old).await;
    case.clock.advance(HOUR);
    let purged = purged_ids(case, PurgeKeys::new().revoked_before(case.now())).await;
    assert_eq!(purged, [new.id()], "{case}: the successor of an ended key");
    let expected = KeyInfo { replaced_by: None, ..named };
    assert_eq!(case.keys(None).await, [expected], "{case}: a key without its successor");
    case.refuses("without its successor", &old, WrongReason::Expired).await;

    // Purging the old key does not affect its successor.
    let [first] = case.issued("App 2", ["first"]).await;
    let second = Key::of("second");
    let rotated = case.rotate(&first, second.to_new(), Duration::ZERO).await;
    let purged = purged_ids(case, PurgeKeys::new().expired_before(case.now())).await;
    assert_eq!(purged.len(), 2, "{case}: the replaced keys that have expired");
    assert_eq!(case.keys(None).await, [rotated.new], "{case}: the successor of a purged key");
    case.admits("after its predecessor was purged", &second, "App 2").await;

    let later = Key::of("later");
    case.issue("App 2", later.to_new().with_not_before(case.now() + HOUR)).await;
    let successor = case.rotated(&later, "successor of later", DAY).await;
    case.revoke(&successor).await;
    let purged = purged_ids(case, PurgeKeys::new().revoked_before(case.now())).await;
    assert_eq!(purged, [], "{case}: the successor of a key that begins later");
}

async fn purged_ids(case: &Case<impl Managed>, purge: PurgeKeys) -> Vec<KeyId> {
    case.purge(&purge).await.iter().map(|key| key.key_id).collect()
}

pub(super) async fn change_during_a_purge_is_kept(case: &Case<impl Managed>) {
    for round in 0..rounds(case).await {
        let key = async |what: &str| {
            let [key] = case.issued("App 1", [&*format!("{what} {round}")]).await;
            key
        };
        let dead = [key("dead 0").await, key("dead 1").await, key("dead 2").await];
        let (labelled, rotated) = (key("labelled").await, key("rotated").await);
        let [successor, issued] =
            ["successor", "issued"].map(|what| Key::of(&format!("{what} {round}")));
        for key in &dead {
            case.revoke(key).await;
        }
        let purge = PurgeKeys::new().revoked_before(case.now()).expired_before(case.now());
        let added = scope(&format!("round:{round}"));
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
        let add_scope = ClientChange::new().add_scope(added.clone());
        let changes = vec![
            dropped(case.store.update_key(&labelled_id, label())),
            dropped(case.store.purge_keys(&purge)),
            dropped(case.store.rotate(&rotated_id, successor.to_new(), HOUR)),
            dropped(case.store.issue("App 1", issued.to_new())),
            of_dead,
            dropped(case.store.purge_keys(&purge)),
            dropped(case.store.update_client("App 1", add_scope)),
        ];
        all_succeed(case, round, changes).await;
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
        let is_kept = case.client("App 1").await.profile.scopes().contains(&added);
        assert!(is_kept, "{case}: a change of a client is lost");
    }
}
