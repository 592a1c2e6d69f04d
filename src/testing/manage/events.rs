use std::fmt;
use std::time::Duration;

use super::fixture::{Change, HOUR, Key, Managed};
use super::paging::all_pages;
use super::refusals::exactly;
use crate::client::ClientProfile;
use crate::key::KeyId;
use crate::manage::{
    ChangeAction, ChangeEvent, ClientChange, ClientQuery, EventQuery, KeyChange, ManageError,
    ManageKeys, Policy, PolicyChange, PurgeKeys,
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
    use ChangeAction::{
        ClientAdded, ClientChanged, ClientDisabled, ClientEnabled, ClientRemoved, KeyChanged,
        KeyIssued, KeyPurged, KeyRemoved, KeyRevoked, KeyRotated, PolicyChanged,
    };
    let [old, new, other] = ["old", "new", "other"].map(Key::of);
    let [old_id, new_id, other_id] = [&old, &new, &other].map(|key| Some(key.id()));
    let (ann, name, id) = (actor(case, "ann"), "Of Ann", old.id());
    let has = |json: &Option<String>, text| json.as_ref().is_some_and(|json| json.contains(text));

    let profile = ClientProfile::new(name).with_metadata([("team", "first team")]);
    has_events(case, "adding a client", ann.add_client(profile), &[(ClientAdded, None)]).await;
    let change = ClientChange::new().set_metadata("team", "second team");
    let changed = ann.update_client(name, change);
    let seen = has_events(case, "a change", changed, &[(ClientChanged, None)]).await;
    let is_whole = has(&seen[0].before, "first team") && has(&seen[0].after, "second team");
    assert!(is_whole, "{case}: the facts of a changed client: {seen:?}");
    has_events(case, "a change", ann.disable_client(name), &[(ClientDisabled, None)]).await;
    has_events(case, "a change", ann.enable_client(name), &[(ClientEnabled, None)]).await;

    let issued = ann.issue(name, old.to_new());
    has_events(case, "issuing a key", issued, &[(KeyIssued, old_id)]).await;
    let change = KeyChange::new().with_label("mobile app");
    let changed = ann.update_key(&id, change);
    let seen = has_events(case, "a change", changed, &[(KeyChanged, old_id)]).await;
    let is_whole = !has(&seen[0].before, "mobile app") && has(&seen[0].after, "mobile app");
    assert!(is_whole, "{case}: the facts of a changed key: {seen:?}");
    let rotated = ann.rotate(&id, new.to_new(), HOUR);
    has_events(case, "a rotation", rotated, &[(KeyRotated, old_id), (KeyIssued, new_id)]).await;
    let new = new.id();
    let revoked = ann.revoke(&new);
    let seen = has_events(case, "revoking a key", revoked, &[(KeyRevoked, new_id)]).await;
    let is_in_utc = !has(&seen[0].after, "+00:00");
    assert!(is_in_utc, "{case}: the times of a revoked key end in `Z`: {seen:?}");

    let policy = ann.update_policy(PolicyChange::new().with_default_lifetime(HOUR));
    let seen = has_events(case, "a policy", policy, &[(PolicyChanged, None)]).await;
    assert!(has(&seen[0].after, "1h"), "{case}: the facts of the policy: {seen:?}");
    case.done("a policy", ann.update_policy(Policy::new().into())).await;

    let issued = ann.issue(name, other.to_new());
    has_events(case, "issuing a key", issued, &[(KeyIssued, other_id)]).await;
    has_events(case, "revoking a key", ann.revoke(&other.id()), &[(KeyRevoked, other_id)]).await;
    // The other revoked key replaces one that still works.
    let purge = PurgeKeys::new().revoked_before(case.now());
    has_events(case, "a dry run", ann.purge_keys(&purge.dry_run()), &[]).await;
    has_events(case, "a purge", ann.purge_keys(&purge), &[(KeyPurged, other_id)]).await;
    has_events(case, "a change", ann.disable_client(name), &[(ClientDisabled, None)]).await;
    let all = [(ClientRemoved, None), (KeyRemoved, old_id), (KeyRemoved, new_id)];
    has_events(case, "removing a client", ann.remove_client(name), &all).await;
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
    for change in [Policy::new().into(), PolicyChange::new().with_max_lifetime(None)] {
        case.done("a policy", case.store.update_policy(change)).await;
    }
    let (id, new) = (key.id(), Key::of("new").to_new());
    let any = |_: &ManageError| true;
    case.refused("a change", |store| store.add_client("App 1".into()), any).await;
    case.refused("a change", |store| store.remove_client("App 1"), any).await;
    case.refused("a change", |store| store.issue("App 1", key.to_new()), any).await;
    case.refused("a change", |store| store.rotate(&id, new, HOUR), any).await;
    let after = listed(case, &EventQuery::new()).await;
    assert_eq!(after, before, "{case}: the events after changes of nothing");
}

/// For each filter and limit, the pages contain the selected events, the newest or the oldest first.
pub(super) async fn pages_cover_the_filtered_events(case: &Case<impl Managed>) {
    let (ann, bob) = (actor(case, "ann"), actor(case, "bob"));
    let keys = ["0", "1", "2", "3", "4", "5"].map(Key::of);
    for (number, key) in keys.iter().enumerate() {
        let (client, id) = (["App 1", "App 2"][number % 2], key.id());
        case.done("issuing a key", ann.issue(client, key.to_new())).await;
        let change = KeyChange::new().with_label(format!("label {number}"));
        case.done("changing a key", bob.update_key(&id, change)).await;
        if number % 3 == 0 {
            case.revoke(key).await;
            case.done("disabling a client", bob.disable_client(client)).await;
        }
        case.clock.advance(HOUR);
    }
    let all = listed(case, &EventQuery::new().oldest_first()).await;
    let times = [all[all.len() / 3].at, all[2 * all.len() / 3].at];
    let query = EventQuery::new;
    let queries = [
        query(),
        query().with_client("App 1"),
        query().with_client("App"),
        query().with_key(keys[3].id()),
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
                let query = query.clone().with_limit(limit);
                let read = async |query: &EventQuery| case.store.events(query).await;
                let found = all_pages(case, limit, query.clone(), EventQuery::after, read).await;
                assert_eq!(found, expected, "{case}: {query:?}");
            }
        }
    }
}

/// Events that are recorded between two pages move no other event.
pub(super) async fn every_event_is_in_one_page(case: &Case<impl Managed>) {
    case.issued("App 1", ["one", "two", "three", "four"]).await;
    let before = listed(case, &EventQuery::new()).await;
    let query = EventQuery::new().with_limit(2);
    let found = all_pages(case, 2, query, EventQuery::after, async |query| {
        case.issued("App 2", [&*format!("issued before {query:?}")]).await;
        case.store.events(query).await
    })
    .await;
    let new = found.iter().filter(|event| !before.contains(event)).count();
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
        let is_cursor = exactly(ManageError::InvalidCursor);
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

/// Makes a change by Ann, and returns its events, which must have these actions and keys, in any order.
async fn has_events<T: fmt::Debug>(
    case: &Case<impl Managed>,
    what: &str,
    change: Change<'_, T>,
    expected: &[(ChangeAction, Option<KeyId>)],
) -> Vec<ChangeEvent> {
    let query = EventQuery::new().oldest_first();
    let before = listed(case, &query).await;
    case.done(what, change).await;
    let mut after = listed(case, &query).await;
    assert!(after.starts_with(&before), "{case}: after {what}, there are other events");
    let new = after.split_off(before.len());
    let mut found: Vec<_> = new.iter().map(|it| (it.action.name(), it.key_id)).collect();
    let mut expected: Vec<_> = expected.iter().map(|(action, id)| (action.name(), *id)).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "{case}: the events of {what}");
    for event in &new {
        let is_policy = event.action == ChangeAction::PolicyChanged;
        let client = (!is_policy).then_some("Of Ann");
        let is_whole = event.actor.as_deref() == Some("ann") && event.client.as_deref() == client;
        assert!(is_whole, "{case}: {what} has an event without its actor or client: {event:?}");
        let begins = matches!(event.action, ChangeAction::ClientAdded | ChangeAction::KeyIssued);
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
