use std::time::Duration;

use super::fixture::{HOUR, Key, Managed};
use super::paging::all_pages;
use crate::client::ClientProfile;
use crate::key::KeyId;
use crate::manage::{
    ChangeAction, ChangeEvent, ClientChange, ClientQuery, EventQuery, KeyChange, ManageError,
    ManageKeys, Policy, PurgeKeys,
};
use crate::testing::case::Case;

/// A store that records no changes refuses to list them: an empty list would mean that there were none.
pub(super) async fn listing_unrecorded_changes_is_an_error(case: &Case<impl Managed>) {
    let listed = case.result("a page of events", case.store.events(&EventQuery::new())).await;
    match listed {
        Err(ManageError::NoEvents { .. }) => {}
        Ok(page) => {
            let is_recorded =
                page.found.iter().any(|event| event.client.as_deref() == Some("App 1"));
            assert!(is_recorded, "{case}: the client `App 1` was added, and that is not listed");
        }
        Err(error) => panic!("{case}: listing the events failed: {error:?}"),
    }
}

/// Each change has an event with its actor, its action, and the facts before and after it.
pub(super) async fn each_change_has_an_event(case: &Case<impl Managed>) {
    let [old, new, other] = ["old", "new", "other"].map(Key::of);
    let ids = [old.id(), new.id(), other.id()];
    let ann = actor(case, "ann");
    let client = ChangeAction::ClientChanged;
    let events = Events { case };

    let profile = ClientProfile::new("Of Ann").with_metadata([("team", "first team")]);
    events
        .expect("adding a client", ann.add_client(profile), [(ChangeAction::ClientAdded, None)])
        .await;
    let change = ClientChange::new().set_metadata("team", "second team");
    let seen =
        events.expect("a change", ann.update_client("Of Ann", change), [(client, None)]).await;
    let has = |json: &Option<String>, text| json.as_ref().is_some_and(|json| json.contains(text));
    let is_whole = has(&seen[0].before, "first team") && has(&seen[0].after, "second team");
    assert!(is_whole, "{case}: the facts of a changed client: {seen:?}");
    events
        .expect("a change", ann.disable_client("Of Ann"), [(ChangeAction::ClientDisabled, None)])
        .await;
    events
        .expect("a change", ann.enable_client("Of Ann"), [(ChangeAction::ClientEnabled, None)])
        .await;

    let issued = (ChangeAction::KeyIssued, Some(ids[0]));
    events.expect("issuing a key", ann.issue("Of Ann", old.to_new()), [issued]).await;
    let change = KeyChange::new().with_label("mobile app");
    let changed = (ChangeAction::KeyChanged, Some(ids[0]));
    let seen = events.expect("a change", ann.update_key(&ids[0], change), [changed]).await;
    let is_whole = !has(&seen[0].before, "mobile app") && has(&seen[0].after, "mobile app");
    assert!(is_whole, "{case}: the facts of a changed key: {seen:?}");
    let rotated =
        [(ChangeAction::KeyRotated, Some(ids[0])), (ChangeAction::KeyIssued, Some(ids[1]))];
    events.expect("a rotation", ann.rotate(&ids[0], new.to_new(), HOUR), rotated).await;
    let revoked = (ChangeAction::KeyRevoked, Some(ids[1]));
    events.expect("revoking a key", ann.revoke(&ids[1]), [revoked]).await;

    let policy = Policy::new().with_default_lifetime(HOUR);
    let seen = events
        .expect("a policy", ann.set_policy(policy), [(ChangeAction::PolicyChanged, None)])
        .await;
    assert!(has(&seen[0].after, "1h"), "{case}: the facts of the policy: {seen:?}");
    ann.set_policy(Policy::new()).await.expect("a policy that allows everything");

    let issued = (ChangeAction::KeyIssued, Some(ids[2]));
    events.expect("issuing a key", ann.issue("Of Ann", other.to_new()), [issued]).await;
    let revoked = (ChangeAction::KeyRevoked, Some(ids[2]));
    events.expect("revoking a key", ann.revoke(&ids[2]), [revoked]).await;
    // The other revoked key replaces one that still works.
    let purge = PurgeKeys::new().revoked_before(case.now());
    events.expect("a dry run", ann.purge_keys(&purge.dry_run()), []).await;
    let purged = (ChangeAction::KeyPurged, Some(ids[2]));
    events.expect("a purge", ann.purge_keys(&purge), [purged]).await;
    events
        .expect("a change", ann.disable_client("Of Ann"), [(ChangeAction::ClientDisabled, None)])
        .await;
    let removed = [ids[0], ids[1]].map(|id| (ChangeAction::KeyRemoved, Some(id)));
    let removed =
        [(ChangeAction::ClientRemoved, None)].into_iter().chain(removed).collect::<Vec<_>>();
    events.expect("removing a client", ann.remove_client("Of Ann"), removed).await;
}

/// A change that is refused or changes nothing has no event.
pub(super) async fn empty_change_has_no_event(case: &Case<impl Managed>) {
    let [key] = case.issued("App 1", ["key"]).await;
    case.revoke(&key).await;
    case.disable("App 2").await;
    let before = listed(case, &EventQuery::new()).await;
    case.update_client("App 1", ClientChange::new().with_scopes([])).await;
    case.revoke(&key).await;
    case.disable("App 2").await;
    case.done("a policy", case.store.set_policy(Policy::new())).await;
    for refused in [
        case.result("a change", case.store.add_client("App 1".into())).await.map(drop),
        case.result("a change", case.store.remove_client("App 1")).await.map(drop),
        case.result("a change", case.store.issue("App 1", key.to_new())).await.map(drop),
        case.result("a change", case.store.rotate(&key.id(), Key::of("new").to_new(), HOUR))
            .await
            .map(drop),
    ] {
        assert!(refused.is_err(), "{case}: a change is not refused");
    }
    let after = listed(case, &EventQuery::new()).await;
    assert_eq!(after, before, "{case}: the events after changes of nothing");
}

/// For each filter and limit, the pages contain the selected events, the newest or the oldest first.
pub(super) async fn pages_cover_the_filtered_events(case: &Case<impl Managed>) {
    let mut keys = Vec::new();
    for number in 0..6 {
        let (ann, bob) = (actor(case, "ann"), actor(case, "bob"));
        let key = Key::of(&format!("key {number}"));
        let client = ["App 1", "App 2"][number % 2];
        ann.issue(client, key.to_new()).await.expect("a new key");
        let change = KeyChange::new().with_label(format!("label {number}"));
        bob.update_key(&key.id(), change).await.expect("a change of a key");
        if number % 3 == 0 {
            case.revoke(&key).await;
            bob.disable_client(client).await.expect("a change of a client");
        }
        case.clock.advance(HOUR);
        keys.push(key.id());
    }
    let all = listed(case, &EventQuery::new().oldest_first()).await;
    let times = [all[all.len() / 3].at, all[2 * all.len() / 3].at];
    let query = EventQuery::new;
    let queries = [
        query(),
        query().with_client("App 1"),
        query().with_client("App"),
        query().with_key(keys[3]),
        query().with_actor("ann"),
        query().with_actor("bob").with_client("App 2"),
        query().with_actor("n".repeat(200)),
        query().with_action(ChangeAction::KeyIssued),
        query().with_action(ChangeAction::KeyRevoked).with_client("App 1"),
        query().with_action(ChangeAction::AllRemoved),
        query().since(times[0]),
        query().since(times[0] + Duration::from_nanos(1)),
        query().until(times[1]),
        query().until(times[1] + Duration::from_nanos(1)),
        query().since(times[0]).until(times[1]).with_action(ChangeAction::KeyChanged),
    ];
    for query in queries {
        for query in [query.clone(), query.oldest_first()] {
            let whole = query.clone().with_limit(1_000);
            let expected = whole.page_of(all.clone()).expect("a query without a cursor").found;
            for limit in [1, 3, 50] {
                let found = all_events(case, &query, limit).await;
                assert_eq!(found, expected, "{case}: {query:?} with the limit {limit}");
            }
        }
    }
}

/// Events that are recorded between two pages move no other event.
pub(super) async fn every_event_is_in_one_page(case: &Case<impl Managed>) {
    case.issued("App 1", ["one", "two", "three", "four"]).await;
    let before = listed(case, &EventQuery::new()).await;
    let query = EventQuery::new().with_limit(2);
    let found = all_pages(case, 2, async |next| {
        case.issue("App 2", Key::of(&format!("issued after {next:?}")).to_new()).await;
        let query = next.into_iter().fold(query.clone(), EventQuery::after);
        case.store.events(&query).await
    })
    .await;
    let is_new = |event: &&ChangeEvent| !before.contains(event);
    let new = found.iter().filter(is_new).count();
    assert!(found[new..] == before, "{case}: not every event is in one page: {found:?}");
}

/// A cursor that is from another list, or from no page, is an error.
pub(super) async fn event_cursor_of_another_list_is_refused(case: &Case<impl Managed>) {
    let query = EventQuery::new().with_limit(1);
    let page = case.done("a page of events", case.store.events(&query)).await;
    let cursor = page.next.unwrap_or_else(|| panic!("{case}: there is no next page"));
    let clients = ClientQuery::new().with_limit(1);
    let clients = case.done("a page of clients", case.store.clients(&clients)).await;
    for cursor in [clients.next.unwrap_or_default(), format!("{cursor} "), String::new()] {
        let query = query.clone().after(cursor);
        let is_cursor = |error: &ManageError| matches!(error, ManageError::InvalidCursor);
        case.refused("a page behind another cursor", |store| store.events(&query), is_cursor).await;
    }
}

fn actor(case: &Case<impl Managed>, name: &str) -> Box<dyn ManageKeys> {
    case.store.for_actor(name).expect("a valid name of an actor")
}

/// All events of a query, in one page.
async fn listed(case: &Case<impl Managed>, query: &EventQuery) -> Vec<ChangeEvent> {
    let query = query.clone().with_limit(1_000);
    case.done("a page of events", case.store.events(&query)).await.found
}

async fn all_events<S: Managed>(
    case: &Case<S>,
    query: &EventQuery,
    limit: usize,
) -> Vec<ChangeEvent> {
    let query = query.clone().with_limit(limit);
    all_pages(case, limit, async |next| {
        let query = next.into_iter().fold(query.clone(), EventQuery::after);
        case.result("a page of events", case.store.events(&query)).await
    })
    .await
}

/// The events of changes by Ann.
struct Events<'a, S> {
    case: &'a Case<S>,
}

impl<S: Managed> Events<'_, S> {
    /// Makes a change, and returns its events, which must have these actions and keys, in any order.
    async fn expect<T: std::fmt::Debug>(
        &self,
        what: &str,
        change: super::fixture::Change<'_, T>,
        expected: impl IntoIterator<Item = (ChangeAction, Option<KeyId>)>,
    ) -> Vec<ChangeEvent> {
        let Self { case } = self;
        let query = EventQuery::new().oldest_first();
        let before = listed(case, &query).await;
        case.done(what, change).await;
        let mut after = listed(case, &query).await;
        assert!(after.starts_with(&before), "{case}: after {what}, there are other events");
        let new = after.split_off(before.len());
        let name = |(action, key_id): (ChangeAction, Option<KeyId>)| (action.name(), key_id);
        let mut found = new.iter().map(|it| name((it.action, it.key_id))).collect::<Vec<_>>();
        let mut expected = expected.into_iter().map(name).collect::<Vec<_>>();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{case}: the events of {what}");
        for event in &new {
            let is_policy = event.action == ChangeAction::PolicyChanged;
            let client = (!is_policy).then_some("Of Ann");
            let is_whole =
                event.actor.as_deref() == Some("ann") && event.client.as_deref() == client;
            assert!(is_whole, "{case}: {what} has an event without its actor or client: {event:?}");
            let begins =
                matches!(event.action, ChangeAction::ClientAdded | ChangeAction::KeyIssued);
            let ends = matches!(
                event.action,
                ChangeAction::ClientRemoved | ChangeAction::KeyPurged | ChangeAction::KeyRemoved
            );
            let has_facts =
                is_policy || event.before.is_some() != begins && event.after.is_some() != ends;
            assert!(has_facts, "{case}: {what} has an event without its facts: {event:?}");
        }
        new
    }
}
