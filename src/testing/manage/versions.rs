use std::collections::HashSet;

use super::concurrency::{at_once, rounds};
use super::fixture::{HOUR, Key, Managed};
use crate::client::ClientProfile;
use crate::manage::{ClientChange, KeyChange, ManageError, Version};
use crate::testing::case::Case;
use crate::testing::sample::scope;

/// The version of a client or key differs after each change, is the same in lists, and does not change otherwise.
pub(super) async fn version_differs_after_a_change(case: &Case<impl Managed>) {
    let [key, other] = case.issued("App 1", ["a key", "another key"]).await;
    let of_client = async || case.client("App 1").await.version();
    let of_key = async |key: &Key| case.listed(key).await.version();
    let mut clients = vec![of_client().await];
    let mut keys = vec![of_key(&key).await];
    let of_other = of_key(&other).await;
    assert_ne!(keys[0], of_other, "{case}: two keys have one version");
    let again = (of_client().await, of_key(&key).await, of_key(&other).await);
    assert_eq!(again, (clients[0], keys[0], of_other), "{case}: the version changes by itself");

    for change in [
        ClientChange::new().add_scope(scope("orders:read")),
        ClientChange::new().set_metadata("team", "billing"),
    ] {
        clients.push(case.update_client("App 1", change).await.version());
        assert_eq!(
            of_client().await,
            clients[clients.len() - 1],
            "{case}: the version in the list"
        );
        let of_keys = (of_key(&key).await, of_key(&other).await);
        assert_eq!(of_keys, (keys[0], of_other), "{case}: the versions of its keys change");
    }
    let changed = clients[2];
    clients.push(case.disable("App 1").await.version());
    are_different(case, "a changed client", &clients);
    case.enable("App 1").await;
    assert_eq!(of_client().await, changed, "{case}: the same client has another version");

    for change in [
        KeyChange::new().with_label("production"),
        KeyChange::new().with_expiry(case.now() + 4 * HOUR),
    ] {
        keys.push(case.update_key(&key, change).await.version());
        assert_eq!(of_key(&key).await, keys[keys.len() - 1], "{case}: the version in the list");
    }
    keys.push(case.rotate(&key, Key::of("successor").to_new(), HOUR).await.old.version());
    keys.push(case.revoke(&key).await.version());
    are_different(case, "a changed key", &keys);
    assert_eq!(of_key(&other).await, of_other, "{case}: the version of another key changes");
}

fn are_different(case: &Case<impl Managed>, what: &str, versions: &[Version]) {
    let different = versions.iter().collect::<HashSet<_>>();
    assert_eq!(different.len(), versions.len(), "{case}: {what} has an old version");
}

/// A change based on an outdated version is refused with the current state.
pub(super) async fn outdated_version_is_a_conflict(case: &Case<impl Managed>) {
    let [key] = case.issued("App 1", ["a key"]).await;
    let (old_client, old_key) = (case.client("App 1").await, case.listed(&key).await);
    case.update_key(&key, KeyChange::new().with_label("production")).await;
    case.update_client("App 1", ClientChange::new().set_metadata("team", "billing")).await;
    let (client, now) = (case.client("App 1").await, case.listed(&key).await);

    let id = key.id();
    let new = || Key::of("successor").to_new();
    let label = || KeyChange::new().with_label("other");
    let scopes = || ClientChange::new().add_scope(scope("a"));
    let is_client = |error: &ManageError| matches!(error, ManageError::ClientChanged { current } if **current == client);
    let is_key = |error: &ManageError| matches!(error, ManageError::KeyChanged { current } if **current == now);
    let at = |version: Version| case.store.if_version(version);
    let old = at(old_client.version());
    case.refused("updating a client", |_| old.update_client("App 1", scopes()), is_client).await;
    case.refused("disabling a client", |_| old.disable_client("App 1"), is_client).await;
    case.refused("enabling a client", |_| old.enable_client("App 1"), is_client).await;
    case.refused("removing a client", |_| old.remove_client("App 1"), is_client).await;
    case.refused("issuing a key", |_| old.issue("App 1", new()), is_client).await;
    let old = at(old_key.version());
    case.refused("updating a key", |_| old.update_key(&id, label()), is_key).await;
    case.refused("rotating a key", |_| old.rotate(&id, new(), HOUR), is_key).await;
    case.refused("revoking a key", |_| old.revoke(&id), is_key).await;

    let store = at(client.version());
    let client = case.done("a change", store.update_client("App 1", scopes())).await;
    let client = case.done("a change", at(client.version()).disable_client("App 1")).await;
    let client = case.done("a change", at(client.version()).enable_client("App 1")).await;
    let issued = Key::of("issued").to_new();
    case.done("a change", at(client.version()).issue("App 1", issued)).await;
    let updated = case.done("a change", at(now.version()).update_key(&id, label())).await;
    let rotated = case.done("a change", at(updated.version()).rotate(&id, new(), HOUR)).await;
    case.done("a change", at(rotated.old.version()).revoke(&id)).await;
    let disabled = case.disable("App 1").await;
    case.done("a change", at(disabled.version()).remove_client("App 1")).await;
}

/// Of several changes that are based on the same version, one succeeds, and the others are conflicts that return its
/// result.
pub(super) async fn one_competing_change_succeeds(case: &Case<impl Managed>) {
    let [key] = case.issued("App 1", ["a key"]).await;
    let id = key.id();
    for round in 0..rounds(case).await {
        let version = case.listed(&key).await.version();
        let handles: Vec<_> = (0..8).map(|_| case.store.if_version(version)).collect();
        let changes = handles.iter().enumerate().map(|(index, handle)| {
            let change = KeyChange::new().with_label(format!("label {round} {index}"));
            handle.update_key(&id, change)
        });
        let results = at_once(case, round, changes.collect()).await;
        let made: Vec<_> = results.iter().flatten().collect();
        let [made] = made[..] else { panic!("{case}: {} changes are made", made.len()) };
        assert_eq!(case.listed(&key).await, *made, "{case}: the change that was made");
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            let is_conflict =
                matches!(error, ManageError::KeyChanged { current } if **current == *made);
            assert!(is_conflict, "{case}: a competing change is refused: {error:?}");
        }
    }
}

/// The name of an actor follows the rules of labels, and its handle changes the same store.
pub(super) async fn actor_has_a_valid_name(case: &Case<impl Managed>) {
    for name in ["", " ", " ann", "two\nlines", "zero\0", &"n".repeat(129)] {
        let refused = case.store.for_actor(name).err();
        let is_refused = matches!(refused, Some(ManageError::Actor(_)));
        assert!(is_refused, "{case}: an actor called {name:?} is not refused: {refused:?}");
    }
    let ann = case.store.for_actor("Ann O'Hara \\ \"2\"").expect("a valid name of an actor");
    case.done("adding a client", ann.add_client(ClientProfile::new("Of Ann"))).await;
    let key = Key::of("of ann");
    case.done("issuing a key", ann.issue("Of Ann", key.to_new())).await;
    case.admits("issued by an actor", &key, "Of Ann").await;
    let both = ann.if_version(case.client("Of Ann").await.version());
    case.disable("Of Ann").await;
    let is_outdated = |error: &ManageError| matches!(error, ManageError::ClientChanged { .. });
    case.refused("an outdated change", |_| both.enable_client("Of Ann"), is_outdated).await;
}
