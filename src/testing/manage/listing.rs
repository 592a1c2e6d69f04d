use super::fixture::{Change, Key, MINUTE, Managed};
use super::refusals::exactly;
use crate::key::{KeyDigest, KeyId};
use crate::manage::{ClientInfo, ManageError};
use crate::testing::case::Case;

/// Clients are sorted by name. Their number of keys does not include revoked ones.
pub(super) async fn clients_are_listed_in_order(case: &Case<impl Managed>) {
    case.add("App 0").await;
    let [_, revoked, old] = case.issued("App 1", ["plain", "revoked", "old"]).await;
    case.issued_until("App 1", "expired", case.now() + MINUTE).await;
    case.revoke(&revoked).await;
    case.rotated(&old, "new", MINUTE).await;
    case.clock.advance(2 * MINUTE);

    let listed = case.clients().await;
    let seen: Vec<_> = listed.iter().map(|it| (it.profile.name(), it.keys)).collect();
    assert_eq!(seen, [("App 0", 0), ("App 1", 4), ("App 2", 0)], "{case}: names and keys");
    assert_eq!(case.disable("App 1").await.keys, 4, "{case}: keys of a disabled client");
    assert_eq!(case.enable("App 1").await.keys, 4, "{case}: keys of an enabled client");

    for client in &listed {
        let found = case.store.find_client(client.profile.name());
        assert_eq!(case.done("finding a client", found).await, *client, "{case}: when found");
    }
    let readable = case.store.list_readable_clients();
    let readable = case.done("listing the readable clients", readable).await;
    assert_eq!(readable, listed.into(), "{case}: the readable clients");
}

/// Keys are sorted by client and then by creation time. The list includes expired and revoked keys.
pub(super) async fn keys_are_listed_in_order(case: &Case<impl Managed>) {
    case.add("App 0").await;
    let (mut of_app_1, mut of_app_2) = (Vec::new(), Vec::new());
    for number in 0..6 {
        for (client, keys) in [("App 2", &mut of_app_2), ("App 1", &mut of_app_1)] {
            let what = format!("key {number} of {client}");
            keys.push(case.issued_until(client, &what, case.now() + 10 * MINUTE).await);
            case.clock.advance(MINUTE);
        }
    }
    case.revoke(&of_app_2[0]).await;
    case.revoke(&of_app_1[1]).await;

    let [of_app_1, of_app_2] =
        [of_app_1, of_app_2].map(|keys| keys.iter().map(Key::id).collect::<Vec<_>>());
    let all = [&*of_app_1, &*of_app_2].concat();
    for (client, expected) in
        [(None, all), (Some("App 1"), of_app_1), (Some("App 0"), vec![]), (Some("App 2"), of_app_2)]
    {
        let listed: Vec<_> = case.keys(client).await.iter().map(|key| key.key_id).collect();
        assert_eq!(listed, expected, "{case}: the keys of {client:?}");
    }
    let listed = case.keys(None).await;
    for key in &listed {
        let found = case.done("finding a key", case.store.find_key(&key.key_id)).await;
        assert_eq!(found, *key, "{case}: when found");
    }
    let readable = case.store.list_readable_keys(None);
    let readable = case.done("listing the readable keys", readable).await;
    assert_eq!(readable, listed.into(), "{case}: the readable keys");
}

pub(super) async fn unknown_name_suggests_the_nearest(case: &Case<impl Managed>) {
    name_is_unknown(case, "Billing", None).await;
    for client in ["Orders", "Billing", "Stock keeping"] {
        case.add(client).await;
    }
    for (name, nearest) in
        [("Biling", "Billing"), ("orders", "Orders"), ("Stock-keeping", "Stock keeping")]
    {
        name_is_unknown(case, name, Some(nearest)).await;
    }
}

type OfName<'a, S> = fn(&'a S, &'a str) -> Change<'a, ClientInfo>;

async fn name_is_unknown<S: Managed>(case: &Case<S>, name: &str, nearest: Option<&str>) {
    let is_reason = exactly(ManageError::UnknownClient { nearest: nearest.map(str::to_owned) });
    let changes: [(&str, OfName<'_, S>); 4] = [
        ("enabling an unknown client", S::enable_client),
        ("disabling an unknown client", S::disable_client),
        ("removing an unknown client", S::remove_client),
        ("finding an unknown client", S::find_client),
    ];
    for (what, change) in changes {
        case.refused(what, |store| change(store, name), &is_reason).await;
    }
    let new = Key::of("new").to_new();
    case.refused_issue("issuing a key to an unknown client", name, new, &is_reason).await;
    let what = "listing the keys of an unknown client";
    case.refused(what, |store| store.list_keys(Some(name)), is_reason).await;
}

pub(super) async fn unknown_id_suggests_the_nearest(case: &Case<impl Managed>) {
    id_is_unknown(case, Key::of("nobody's").id(), None).await;
    let keys = case.issued("App 1", ["one", "two", "three"]).await;
    case.revoke(&keys[2]).await;
    for key in &keys {
        let mut bytes = key.digest().to_bytes();
        bytes[3] ^= 0x0f;
        id_is_unknown(case, KeyDigest::from_bytes(bytes).key_id(), Some(key.id())).await;
    }
}

async fn id_is_unknown(case: &Case<impl Managed>, id: KeyId, nearest: Option<KeyId>) {
    let is_reason = exactly(ManageError::UnknownKey { key_id: id, nearest });
    let new = Key::of("new").to_new();
    case.refused("revoking an unknown key", |store| store.revoke(&id), &is_reason).await;
    case.refused("finding an unknown key", |store| store.find_key(&id), &is_reason).await;
    let what = "rotating an unknown key";
    case.refused(what, |store| store.rotate(&id, new, MINUTE), is_reason).await;
}
