use std::fmt;
use std::time::SystemTime;

use super::fixture::{DAY, HOUR, Key, MINUTE, Managed};
use super::refusals::{exactly, is_unknown_client};
use crate::client::ClientProfile;
use crate::key::KeyId;
use crate::manage::{
    ClientQuery, KeyInfo, KeyQuery, KeySort, KeyStatus, ManageError, NewKey, Page,
};
use crate::testing::case::Case;
use crate::testing::sample::scope;

const SORTS: [KeySort; 3] = [KeySort::Client, KeySort::Created, KeySort::Expires];

/// Adds clients and keys of every kind: with and without scopes, metadata, label, expiry and successor; enabled and
/// disabled, not yet valid, expired and revoked.
async fn fill(case: &Case<impl Managed>) {
    let scopes = [&[][..], &["orders:read"], &["orders:*", "stock:read"], &["*"]];
    for (number, name) in
        ["acme", "Acme 2", "ACME_3", "backup", "Éclair", "zulu"].iter().enumerate()
    {
        let scopes = scopes[number % 4].iter().copied().map(scope);
        let profile = ClientProfile::new(name).with_scopes(scopes);
        let team = ["billing", "stock"][number % 2];
        let metadata = [("team", team), ("it's", "\"$1\"")].into_iter().take(number % 3);
        let profile = if number == 3 { profile.with_title("Acme's copies") } else { profile };
        case.add(profile.with_metadata(metadata)).await;
        for key in 0..5 {
            let labels = ["Mobile", "mobile app", "éclair", "x_%", "mOBILE"];
            let label = (key != 1).then_some(labels[(number + key) % labels.len()]);
            let lifetime = (key > 1).then_some([HOUR, DAY, 20 * DAY][(number + key) % 3]);
            let delay =
                (key == 1 && number % 2 == 1).then_some([HOUR, 3 * HOUR, 5 * HOUR][number / 2]);
            let own = (key == 1 && number % 4 == 2).then(|| scope("orders:write"));
            let new = Key::of(&format!("key {key} of {name}"))
                .to_new()
                .with_expiry(lifetime.map(|lifetime| case.now() + lifetime))
                .with_not_before(delay.map(|delay| case.now() + delay))
                .with_scopes(own);
            let new = label.into_iter().fold(new, NewKey::with_label);
            case.issue(name, new).await;
            if (number + key) % 3 == 0 {
                case.clock.advance(MINUTE / 7);
            }
        }
        let key = |number: usize| Key::of(&format!("key {number} of {name}"));
        if number % 2 == 0 {
            case.revoke(&key(4)).await;
            case.rotated(&key(0), &format!("successor of {name}"), DAY).await;
        }
    }
    case.disable("backup").await;
    case.clock.advance(2 * HOUR);
}

/// One query for each filter, and some with several.
fn client_queries() -> Vec<ClientQuery> {
    let query = ClientQuery::new;
    vec![
        query(),
        query().with_search("aCMe"),
        query().with_search("acme_"),
        query().with_search("acme's"),
        query().with_search("É"),
        query().with_search("é"),
        query().with_search("nobody"),
        query().with_enabled(true),
        query().with_enabled(false),
        query().with_scope(scope("orders:read")),
        query().with_scope(scope("orders:read:own")),
        query().with_scope(scope("orders:*")),
        query().with_scope(scope("*")),
        query().add_metadata("team", "stock"),
        query().add_metadata("team", "billing").add_metadata("it's", "\"$1\""),
        query().add_metadata("other", "stock"),
        query().only(["zulu", "acme", "no such client", "ACME_3", "a\"b", "a\\b", "a\0b"]),
        query().only([""; 0]),
        query().only(["Éclair", "backup"]).with_enabled(true),
        query().with_search("a").with_enabled(true).add_metadata("team", "stock"),
    ]
}

fn key_queries(keys: &[KeyInfo], now: SystemTime) -> Vec<KeyQuery> {
    let query = || KeyQuery::new().at(now);
    let some = || keys.iter().step_by(3).map(|key| key.key_id);
    let id = keys[7].key_id.to_string();
    let statuses = KeyStatus::ALL.iter();
    let mut queries: Vec<_> = statuses.map(|status| query().add_status(*status)).collect();
    queries.extend([
        query(),
        query().add_status(KeyStatus::Expired).add_status(KeyStatus::Replaced),
        query().add_status(KeyStatus::Active).at(now + 30 * DAY),
        query().with_search("MOBILE"),
        query().with_search("mobile a"),
        query().with_search("x_"),
        query().with_search("É"),
        query().with_search(&id[..2].to_uppercase()),
        query().with_search(&id),
        query().with_client("acme"),
        query().with_label("Mobile"),
        query().with_label("mobile"),
        query().with_label("éclair"),
        query().with_label("nothing"),
        query().with_scope(scope("orders:read")),
        query().with_scope(scope("stock:read")),
        query().with_scope(scope("orders:write")),
        query().add_metadata("team", "stock"),
        query().add_metadata("team", "billing").add_metadata("it's", "\"$1\""),
        query().without_expiry(),
        query().expiring_within(DAY),
        query().expiring_within(30 * DAY).at(now - DAY),
        query().only(some()),
        query().only([]),
        query().except(some()),
        query().with_search("m").add_status(KeyStatus::Active).with_scope(scope("orders:read")),
        query().with_client("Acme 2").without_expiry().except(some()),
    ]);
    queries
}

/// Reads all pages of a query with this limit. Checks that all pages but the last one are full, and that only an empty
/// list has an empty page.
pub(super) async fn all_pages<Q: Clone, T: fmt::Debug>(
    case: &Case<impl Managed>,
    limit: usize,
    query: Q,
    after: fn(Q, String) -> Q,
    read: impl AsyncFn(&Q) -> Result<Page<T>, ManageError>,
) -> Vec<T> {
    let (mut found, mut next) = (Vec::new(), None);
    loop {
        let is_first = next.is_none();
        let query = next.into_iter().fold(query.clone(), after);
        let page = case.result("a page", read(&query)).await;
        let page = page.unwrap_or_else(|error| panic!("{case}: a page: {error:?}"));
        assert!(is_first || !page.found.is_empty(), "{case}: the page after a cursor is empty");
        assert_eq!(page.unreadable, [""; 0], "{case}: unreadable rows");
        let is_full = page.found.len() == limit;
        found.extend(page.found);
        let Some(cursor) = page.next else { return found };
        assert!(is_full, "{case}: a page before the last has fewer than {limit} rows");
        next = Some(cursor);
    }
}

/// For each filter, order and limit, the pages contain the selected rows in the order of the query.
pub(super) async fn pages_cover_the_filtered_list(case: &Case<impl Managed>) {
    fill(case).await;
    let clients = case.clients().await;
    for query in client_queries() {
        for query in [query.clone(), query.descending()] {
            let expected = query.page_of(clients.clone()).expect("a query without a cursor").found;
            for limit in [1, 2, 50] {
                let query = query.clone().with_limit(limit);
                let read = async |query: &ClientQuery| case.store.clients(query).await;
                let found = all_pages(case, limit, query.clone(), ClientQuery::after, read).await;
                assert_eq!(found, expected, "{case}: {query:?}");
            }
        }
    }

    let keys = case.keys(None).await;
    for (number, query) in key_queries(&keys, case.now()).into_iter().enumerate() {
        let sorted = SORTS.map(|sort| query.clone().sorted_by(sort));
        for query in sorted.into_iter().flat_map(|query| [query.clone(), query.descending()]) {
            let page = query.page_of(keys.clone(), &clients, case.now());
            let expected = page.expect("a query without a cursor").found;
            let limit = [50, 7, 3][number % 3];
            let query = query.with_limit(limit);
            let read = async |query: &KeyQuery| case.store.keys(query).await;
            let found = all_pages(case, limit, query.clone(), KeyQuery::after, read).await;
            assert_eq!(found, expected, "{case}: {query:?}");
        }
    }
}

/// Keys that are issued or removed between two pages move no other key.
pub(super) async fn every_key_is_in_one_page(case: &Case<impl Managed>) {
    let mut before = Vec::new();
    for (number, client) in ["App 1", "App 2"].into_iter().cycle().take(7).enumerate() {
        let what = format!("key {number}");
        before.push(case.issued_until(client, &what, case.now() + HOUR).await.id());
    }
    for sort in SORTS {
        let query = KeyQuery::new().sorted_by(sort).with_limit(2);
        let found = all_pages(case, 2, query, KeyQuery::after, async |query| {
            let what = format!("a key issued before {query:?}");
            case.issued_until("App 1", &what, case.now() + HOUR).await;
            case.store.keys(query).await
        })
        .await;
        for id in &before {
            let times = found.iter().filter(|found| found.key_id == *id).count();
            assert_eq!(times, 1, "{case}: pages by {sort:?} with the key {id}");
        }
    }

    let query = ClientQuery::new().with_limit(1);
    let first = case.done("a page of clients", case.store.clients(&query)).await;
    case.disable("App 1").await;
    case.remove("App 1").await;
    let query = query.after(first.next.unwrap_or_else(|| panic!("{case}: there is no next page")));
    let second = case.done("a page of clients", case.store.clients(&query)).await;
    let names: Vec<_> = second.found.iter().map(|client| client.profile.name()).collect();
    assert_eq!(names, ["App 2"], "{case}: the page after a removed client");
}

/// A cursor of another list or order is an error, and so is the name of an unknown client.
pub(super) async fn invalid_query_is_refused(case: &Case<impl Managed>) {
    case.issued("App 1", ["one", "two"]).await;
    let query = KeyQuery::new().with_limit(1);
    let page = case.done("a page of keys", case.store.keys(&query)).await;
    let cursor = page.next.unwrap_or_else(|| panic!("{case}: there is no next page"));
    let is_cursor = exactly(ManageError::InvalidCursor);
    for query in [
        query.clone().after(&*cursor).sorted_by(KeySort::Created),
        query.clone().after(""),
        query.after(format!("{cursor} ")),
    ] {
        case.refused("a page behind another cursor", |store| store.keys(&query), &is_cursor).await;
    }
    let query = ClientQuery::new().after(cursor);
    case.refused("a page behind a key", |store| store.clients(&query), is_cursor).await;

    let query = KeyQuery::new().with_client("App 3");
    case.refused("keys of an unknown client", |store| store.keys(&query), is_unknown_client).await;
    let none: [KeyId; 0] = [];
    let page = case.done("no keys", case.store.keys(&KeyQuery::new().only(none))).await;
    assert_eq!((page.found.len(), page.next), (0, None), "{case}: no keys");
}
