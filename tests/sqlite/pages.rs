//! Pages of lists with hand-written rows, and of lists so long that they are read in the order of an index.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::manage::{ClientQuery, KeyInfo, KeyQuery, KeySort, KeyStatus};
use keygate::store::SqliteStore;
use keygate::{KeyStore as _, ManageKeys as _};

use crate::fixture::{Folder, digest, id, sqlite3, store};

/// The most keys of a page.
const MOST: usize = 1_000;

const SORTS: [KeySort; 3] = [KeySort::Client, KeySort::Created, KeySort::Expires];

/// All pages of a query.
async fn pages(store: &SqliteStore, query: &KeyQuery) -> (Vec<KeyInfo>, Vec<String>) {
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    let mut page = store.keys(query).await.unwrap();
    loop {
        found.extend(page.found);
        unreadable.extend(page.unreadable);
        let Some(next) = page.next else { return (found, unreadable) };
        page = store.keys(&query.clone().after(next)).await.unwrap();
    }
}

/// Compares the pages of this query, in each order, with the filtered list of all keys.
async fn check(store: &SqliteStore, query: &KeyQuery, limit: usize) {
    check_among(store, &store.list_keys(None).await.unwrap(), query, limit).await;
}

async fn check_among(store: &SqliteStore, keys: &[KeyInfo], query: &KeyQuery, limit: usize) {
    let clients = store.list_clients().await.unwrap();
    for sort in SORTS {
        let query = query.clone().sorted_by(sort).with_limit(MOST);
        let expected = query.page_of(keys.to_vec(), &clients, UNIX_EPOCH).unwrap().found;
        let (found, unreadable) = pages(store, &query.clone().with_limit(limit)).await;
        let found = found.into_iter().take(MOST).collect::<Vec<_>>();
        assert!(found == expected && unreadable.is_empty(), "{query:?}");
    }
}

#[tokio::test]
async fn times_with_offsets_and_fractions_are_sorted() {
    let folder = Folder::new();
    let store = store(&folder.database(), "ABCDEFG").await;
    for (letter, time) in [
        ('A', "2026-11-23T10:00:00Z"),
        ('B', "2026-11-23T10:00:00.5Z"),
        ('C', "2026-11-23T10:00:00.499999Z"),
        ('D', "2026-11-23T11:29:59.9999999+01:30"),
        ('E', "2026-11-23T08:00:00-02:00"),
        ('F', "1970-01-01T00:00:00.000001Z"),
        ('G', "9999-12-31T23:59:59.999999Z"),
    ] {
        let set = format!("expires = '{time}', created = '{time}' where key_id = '{}'", id(letter));
        sqlite3(&folder.database(), &format!("update keygate_keys set {set};"));
    }
    check(&store, &KeyQuery::new(), 1).await;
    let at = UNIX_EPOCH + Duration::from_secs(1_795_427_999);
    for micros in [999_999, 1_000_000, 1_499_999, 1_500_000] {
        let query = KeyQuery::new().at(at).expiring_within(Duration::from_micros(micros));
        check(&store, &query, 2).await;
    }
}

#[tokio::test]
async fn finer_beginning_is_rounded_up_in_lists_and_requests() {
    let folder = Folder::new();
    let store = store(&folder.database(), "A").await;
    let set = format!("not_before = '2098-01-01T00:00:00.0000011Z' where key_id = '{}'", id('A'));
    sqlite3(&folder.database(), &format!("update keygate_keys set {set};"));
    let begins = UNIX_EPOCH + Duration::from_micros(4_039_372_800_000_002);
    assert_eq!(store.list_keys(None).await.unwrap()[0].not_before(), Some(begins));
    let record = store.lookup(digest('A')).await.unwrap().unwrap();
    assert_eq!(record.lifetime().not_before(), Some(begins));
    let micros = |number| Duration::from_micros(number);
    for (now, found) in [(begins - micros(1), 1), (begins, 0)] {
        let query = KeyQuery::new().at(now).add_status(KeyStatus::NotYetValid);
        assert_eq!(store.keys(&query).await.unwrap().found.len(), found);
    }
}

#[tokio::test]
async fn unreadable_rows_are_reported_on_their_page() {
    let folder = Folder::new();
    let store = store(&folder.database(), "ABCDE").await;
    let unchecked = "pragma ignore_check_constraints = on; pragma foreign_keys = off;";
    for (letter, change) in [('B', "expires = 'tomorrow'"), ('D', "created = '2026-13-40T'")] {
        let sql = format!("update keygate_keys set {change} where key_id = '{}';", id(letter));
        sqlite3(&folder.database(), &format!("{unchecked}{sql}"));
    }
    for sort in SORTS {
        let query = KeyQuery::new().sorted_by(sort).with_limit(1);
        let (found, mut unreadable) = pages(&store, &query).await;
        assert_eq!(found.len(), 3);
        unreadable.sort();
        for (why, letter) in unreadable.iter().zip({
            let mut letters = ['B', 'D'];
            letters.sort_by_key(|letter| id(*letter));
            letters
        }) {
            assert!(why.contains(&id(letter).to_string()), "{why}");
        }
        assert_eq!(unreadable.len(), 2);
    }
    let sql = "update keygate_clients set scopes = '';";
    sqlite3(&folder.database(), &format!("{unchecked}{sql}"));
    let query = ClientQuery::new().with_scope("orders:read".parse().unwrap());
    assert_eq!(store.clients(&query).await.unwrap().found, []);
    let page = store.clients(&ClientQuery::new()).await.unwrap();
    assert!(page.found.is_empty() && page.unreadable[0].contains("`App 1`"), "{page:?}");
}

/// Fills a store with 12,000 keys, of which some filters select few and others many.
async fn long_list(folder: &Folder) -> SqliteStore {
    let store = store(&folder.database(), "").await;
    store.add_client("few's client".into()).await.unwrap();
    let time =
        |minutes: &str| format!("strftime('%Y-%m-%dT%H:%M:%SZ', 'now', {minutes} || ' minutes')");
    let (created, expires, later) =
        (time("-(n * 37 % 8000)"), time("1440 + (n * 53 % 1000)"), time("9 + n % 7"));
    let sql = format!(
        "with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < 11999) \
         insert into keygate_keys (digest, client, label, created, expires, revoked, replaced_by, not_before) \
         select randomblob(32), iif(n % 400, 'App 1', 'few''s client'), iif(n % 2, 'Many', 'few ' || n), {created}, \
         case when n % 500 = 9 then '2026-01-01T00:00:00+14:00' when n % 2 then {expires} end, \
         iif(n % 600 = 5, '2026-01-01T00:00:00Z', null), iif(n % 700 = 6, '0123456789abcdef', null), \
         iif(n % 800 = 7, {later}, null) from numbers;"
    );
    sqlite3(&folder.database(), &sql);
    store
}

#[tokio::test]
async fn filters_find_the_same_rows_few_or_many() {
    let folder = Folder::new();
    let store = long_list(&folder).await;
    let keys = store.list_keys(None).await.unwrap();
    for query in [
        KeyQuery::new().with_search("m"),
        KeyQuery::new().with_search("FEW 77"),
        KeyQuery::new().with_search("a"),
        KeyQuery::new().with_label("Many"),
        KeyQuery::new().with_label("few 78").with_search("f"),
        KeyQuery::new().with_label("FEW 78"),
        KeyQuery::new().without_expiry(),
        KeyQuery::new().expiring_within(Duration::from_secs(2 * 24 * 60 * 60)),
        KeyQuery::new().expiring_within(Duration::from_secs(25 * 60 * 60)),
        KeyQuery::new().without_expiry().with_search("few").descending(),
        KeyQuery::new().add_status(KeyStatus::Expired),
        KeyQuery::new().add_status(KeyStatus::Expired).with_search("few"),
        KeyQuery::new().add_status(KeyStatus::Revoked).with_search("m"),
        KeyQuery::new().add_status(KeyStatus::Replaced),
        KeyQuery::new().add_status(KeyStatus::NotYetValid),
        KeyQuery::new().add_status(KeyStatus::NotYetValid).add_status(KeyStatus::Expired),
    ] {
        check_among(&store, &keys, &query.at(SystemTime::now()), 700).await;
    }
    for (search, found) in [("APP", "App 1"), ("few'", "few's client")] {
        let clients = store.clients(&ClientQuery::new().with_search(search)).await.unwrap();
        assert_eq!(clients.found.len(), 1);
        assert_eq!(clients.found[0].profile.name(), found);
    }
}
