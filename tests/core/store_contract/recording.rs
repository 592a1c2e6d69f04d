//! The suite for the record of changes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::UNIX_EPOCH;

use keygate::YamlStore;
use keygate::manage::{ChangeAction, ChangeEvent, EventQuery, ManageError, Page};
use keygate::testing::{event_contract, manage_contract};

use crate::managing::model::{Change, Model};
use crate::store_contract::failure;
use crate::store_contract::naive::{Fault, Made, Naive, make};

/// The events of a change, derived from the differences.
pub(crate) fn events(before: &Model, after: &Model) -> Vec<ChangeEvent> {
    let mut events = Vec::new();
    if before.policy != after.policy {
        let facts = [before, after].map(|model| {
            model.policy.default_lifetime().map(|time| format!("{}h", time.as_secs() / 3_600))
        });
        let [before, after] = facts;
        let mut event = ChangeEvent::new(UNIX_EPOCH, ChangeAction::PolicyChanged);
        (event.before, event.after) = (before, after);
        events.push(event);
    }
    let clients = |model: &Model| {
        let clients = model.clients.iter().cloned();
        clients.map(|it| (it.profile.name().to_owned(), it)).collect::<BTreeMap<_, _>>()
    };
    let (old, new) = (clients(before), clients(after));
    for name in old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))) {
        let action = match (old.get(name), new.get(name)) {
            (None, _) => ChangeAction::ClientAdded,
            (_, None) => ChangeAction::ClientRemoved,
            (Some(old), Some(new)) if old == new => continue,
            (Some(old), Some(new)) if !old.enabled && new.enabled => ChangeAction::ClientEnabled,
            (Some(old), Some(new)) if old.enabled && !new.enabled => ChangeAction::ClientDisabled,
            _ => ChangeAction::ClientChanged,
        };
        // A `Debug` of the profile hides its metadata.
        let facts =
            [&old, &new].map(|it| it.get(name).map(|it| format!("{:?}", it.profile.metadata())));
        let [before, after] = facts;
        let mut event = ChangeEvent::new(UNIX_EPOCH, action);
        (event.client, event.before, event.after) = (Some(name.clone()), before, after);
        events.push(event);
    }
    let remaining = clients(after);
    let keys = |model: &Model| {
        model.keys.iter().cloned().map(|key| (key.key_id(), key)).collect::<BTreeMap<_, _>>()
    };
    let (old, new) = (keys(before), keys(after));
    for id in old.keys().chain(new.keys().filter(|id| !old.contains_key(id))) {
        let action = match (old.get(id), new.get(id)) {
            (None, _) => ChangeAction::KeyIssued,
            (Some(old), None) if remaining.contains_key(&old.client) => ChangeAction::KeyPurged,
            (_, None) => ChangeAction::KeyRemoved,
            (Some(old), Some(new)) if old == new => continue,
            (Some(old), Some(new)) if old.revoked != new.revoked => ChangeAction::KeyRevoked,
            (Some(old), Some(new)) if old.replaced_by != new.replaced_by => {
                ChangeAction::KeyRotated
            }
            _ => ChangeAction::KeyChanged,
        };
        let client = new.get(id).or(old.get(id)).map(|key| key.client.clone());
        let facts = [&old, &new].map(|it| it.get(id).map(|key| format!("{:?}", key.label)));
        let [before, after] = facts;
        let mut event = ChangeEvent::new(UNIX_EPOCH, action);
        (event.client, event.key_id) = (client, Some(*id));
        (event.before, event.after) = (before, after);
        events.push(event);
    }
    events
}

fn list(list: fn(Vec<ChangeEvent>, &EventQuery) -> Made<Page<ChangeEvent>>) -> Fault {
    Fault { events: list, ..Fault::default() }
}

fn altered(events: Vec<ChangeEvent>, alter: fn(&mut ChangeEvent)) -> Vec<ChangeEvent> {
    let mut events = events;
    events.iter_mut().for_each(alter);
    events
}

/// Records with one fault, and the start of the message.
pub(crate) fn faults() -> Vec<(&'static str, Fault)> {
    vec![
        (
            "each_change_has_an_event: adding a client has an event without its actor",
            list(|events, query| query.page_of(altered(events, |event| event.actor = None))),
        ),
        (
            "each_change_has_an_event: the events of a rotation",
            list(|mut events, query| {
                events.retain(|event| event.action != ChangeAction::KeyRotated);
                query.page_of(events)
            }),
        ),
        (
            "each_change_has_an_event: the facts of a changed client",
            list(|events, query| {
                query.page_of(altered(events, |event| {
                    if event.before.is_some() && event.after.is_some() {
                        event.after.clone_from(&event.before);
                    }
                }))
            }),
        ),
        (
            "each_change_has_an_event: the times of a revoked key",
            list(|events, query| {
                query.page_of(altered(events, |event| {
                    if event.action == ChangeAction::KeyRevoked {
                        event.after = Some(r#"{"revoked": "2027-01-15T08:00:00+00:00"}"#.into());
                    }
                }))
            }),
        ),
        (
            "empty_change_has_no_event: the events after changes of nothing",
            Fault {
                events: |events, query| query.page_of(events),
                // Revoking again changes the label.
                ..make(|model, change, now| {
                    let made = model.make(change.clone(), now)?;
                    if let Change::Revoke(id) = change
                        && let Some(key) = model.keys.iter_mut().find(|key| key.key_id() == id)
                    {
                        key.label = Some(key.label.take().unwrap_or_default() + "x");
                    }
                    Ok(made)
                })
            },
        ),
        (
            "pages_cover_the_filtered_events",
            list(|events, query| {
                let is_actor = format!("{query:?}").contains("bob");
                if is_actor { EventQuery::new().page_of(events) } else { query.page_of(events) }
            }),
        ),
        (
            "every_event_is_in_one_page",
            list(|events, query| {
                let is_limited = format!("{query:?}").contains("limit: 2");
                let skipped = usize::from(is_limited && events.len() == 8);
                query.page_of(events.into_iter().skip(skipped))
            }),
        ),
        (
            "event_cursor_of_another_list_is_refused",
            list(|events, query| {
                query.page_of(events.clone()).or_else(|_| EventQuery::new().page_of(events))
            }),
        ),
    ]
}

#[tokio::test]
async fn faulty_record_fails_with_the_name_of_the_rule() {
    for (rule, fault) in faults() {
        let contract = event_contract(async |clock| Naive::new(fault.clone(), clock));
        let message = failure(contract).await;
        assert!(message.starts_with(rule), "{rule} expected: {message}");
    }
    // An empty list would mean that nothing was changed.
    for events in [
        |_: Vec<ChangeEvent>, query: &EventQuery| query.page_of([]),
        |_: Vec<ChangeEvent>, _: &EventQuery| Err(ManageError::InvalidCursor),
    ] {
        let fault = Fault { events, ..Fault::default() };
        let contract = manage_contract(async |clock| Naive::new(fault.clone(), clock));
        let message = failure(contract).await;
        let is_rule = message.starts_with("listing_unrecorded_changes_is_an_error");
        assert!(is_rule, "{message}");
    }
}

#[tokio::test]
async fn model_records_its_changes() {
    let fault = list(|events, query| query.page_of(events));
    event_contract(async |clock| Naive::new(fault.clone(), clock)).await;
}

#[tokio::test]
async fn yaml_store_records_its_changes() {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    event_contract(async |clock| {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("recorded {number}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let store = YamlStore::create(folder.join("keys.yml")).unwrap();
        store.record_events(folder).unwrap().with_clock(clock.reader())
    })
    .await;
}
