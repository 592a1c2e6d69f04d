use super::fixture::{Change, HOUR, Key, Managed};
use crate::client::ClientProfile;
use crate::key::KeyId;
use crate::manage::{
    ClientChange, ClientInfo, KeyChange, KeyInfo, ManageError, ManageKeys, Version,
};
use crate::testing::case::Case;

/// The version of a client or key differs after each change, is the same in lists, and does not change otherwise.
pub(super) async fn version_differs_after_a_change(case: &Case<impl Managed>) {
    let [key, other] = case.issued("App 1", ["a key", "another key"]).await;
    let versions = async || {
        let clients = case.clients().await;
        let client = clients.iter().find(|client| client.profile.name() == "App 1");
        let client = client.map(ClientInfo::version).expect("the client is listed");
        (client, case.listed(&key).await.version(), case.listed(&other).await.version())
    };
    let first = versions().await;
    assert_ne!(first.1, first.2, "{case}: two keys have one version");
    assert_eq!(versions().await, first, "{case}: the version changes by itself");
    let mut clients = vec![first.0];
    for change in [
        ClientChange::new().add_scope("orders:read".parse().expect("a scope")),
        ClientChange::new().set_metadata("team", "billing"),
    ] {
        let changed = case.update_client("App 1", change).await;
        clients.push(changed.version());
        let (client, key, other) = versions().await;
        assert_eq!(client, changed.version(), "{case}: the version in the list");
        assert_eq!((key, other), (first.1, first.2), "{case}: the versions of its keys change");
    }
    clients.push(case.disable("App 1").await.version());
    for (index, version) in clients.iter().enumerate() {
        assert!(
            !clients[..index].contains(version),
            "{case}: a changed client has its old version"
        );
    }
    case.enable("App 1").await;
    let (client, ..) = versions().await;
    assert_eq!(client, clients[2], "{case}: the same client has another version");

    let mut keys = vec![first.1];
    for change in [
        KeyChange::new().with_label("production"),
        KeyChange::new().with_expiry(case.now() + 4 * HOUR),
    ] {
        keys.push(case.update_key(&key, change).await.version());
        assert_eq!(versions().await.1, keys[keys.len() - 1], "{case}: the version in the list");
    }
    let rotated = case.rotate(&key, Key::of("successor").to_new(), HOUR).await;
    keys.push(rotated.old.version());
    keys.push(case.revoke(&key).await.version());
    for (index, version) in keys.iter().enumerate() {
        assert!(!keys[..index].contains(version), "{case}: a changed key has its old version");
    }
    assert_eq!(versions().await.2, first.2, "{case}: the version of another key changes");
}

/// A change based on an outdated version is refused with the current state.
pub(super) async fn outdated_version_is_a_conflict(case: &Case<impl Managed>) {
    let [key] = case.issued("App 1", ["a key"]).await;
    let (id, old_key) = (key.id(), case.listed(&key).await.version());
    let old_client = find_client(case, "App 1").await.version();
    case.update_key(&key, KeyChange::new().with_label("production")).await;
    case.update_client("App 1", ClientChange::new().set_metadata("team", "billing")).await;
    let (client, now) = (find_client(case, "App 1").await, case.listed(&key).await);

    let new = || Key::of("successor").to_new();
    let label = || KeyChange::new().with_label("other");
    let scopes = || ClientChange::new().add_scope("a".parse().expect("a scope"));
    let is_client = |error: &ManageError| matches!(error, ManageError::ClientChanged { current } if **current == client);
    let is_key = |error: &ManageError| matches!(error, ManageError::KeyChanged { current } if **current == now);
    let outdated = case.store.if_version(old_client);
    let store = &*outdated;
    refused(case, "updating a client", store.update_client("App 1", scopes()), is_client).await;
    refused(case, "disabling a client", store.disable_client("App 1"), is_client).await;
    refused(case, "enabling a client", store.enable_client("App 1"), is_client).await;
    refused(case, "removing a client", store.remove_client("App 1"), is_client).await;
    refused(case, "issuing a key", store.issue("App 1", new()), is_client).await;
    let outdated = case.store.if_version(old_key);
    let store = &*outdated;
    refused(case, "updating a key", store.update_key(&id, label()), is_key).await;
    refused(case, "rotating a key", store.rotate(&id, new(), HOUR), is_key).await;
    refused(case, "revoking a key", store.revoke(&id), is_key).await;

    let at = |version: Version| case.store.if_version(version);
    let changed = at(client.version());
    let changed = case.done("a change", changed.update_client("App 1", scopes())).await;
    let disabled = at(changed.version());
    let disabled = case.done("a change", disabled.disable_client("App 1")).await;
    let enabled = at(disabled.version());
    let enabled = case.done("a change", enabled.enable_client("App 1")).await;
    let issuing = at(enabled.version());
    case.done("a change", issuing.issue("App 1", Key::of("issued").to_new())).await;
    let updating = at(now.version());
    let updated = case.done("a change", updating.update_key(&id, label())).await;
    let rotating = at(updated.version());
    let rotated = case.done("a change", rotating.rotate(&id, new(), HOUR)).await;
    let revoking = at(rotated.old.version());
    case.done("a change", revoking.revoke(&id)).await;
    let disabled = case.disable("App 1").await;
    let removing = at(disabled.version());
    case.done("a change", removing.remove_client("App 1")).await;
}

/// Of several changes that are based on the same version, one succeeds, and the others are conflicts that return its
/// result.
pub(super) async fn one_competing_change_succeeds(case: &Case<impl Managed>) {
    let [key] = case.issued("App 1", ["a key"]).await;
    for round in 0..super::concurrency::rounds(case).await {
        let id = key.id();
        let version = case.listed(&key).await.version();
        let handles: Vec<_> = (0..8).map(|_| case.store.if_version(version)).collect();
        let changes = (0..).zip(&handles).map(|(index, handle): (usize, _)| {
            let change = KeyChange::new().with_label(format!("label {round} {index}"));
            boxed(&**handle, id, change)
        });
        let changes = changes.collect();
        let results = super::concurrency::at_once(case, round, changes).await;
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

fn boxed(handle: &dyn ManageKeys, id: KeyId, change: KeyChange) -> Change<'_, KeyInfo> {
    Box::pin(async move { handle.update_key(&id, change).await })
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
    let version = find_client(case, "Of Ann").await.version();
    case.disable("Of Ann").await;
    let both = ann.if_version(version);
    let refused = case.result("a change", both.enable_client("Of Ann")).await;
    let is_conflict = matches!(refused, Err(ManageError::ClientChanged { .. }));
    assert!(is_conflict, "{case}: the version of an actor's handle is ignored: {refused:?}");
}

async fn refused<T: std::fmt::Debug>(
    case: &Case<impl Managed>,
    what: &str,
    change: Change<'_, T>,
    is_reason: impl Fn(&ManageError) -> bool,
) {
    case.refused(what, |_| change, is_reason).await;
}

async fn find_client(case: &Case<impl Managed>, name: &str) -> ClientInfo {
    case.done("finding a client", case.store.find_client(name)).await
}
