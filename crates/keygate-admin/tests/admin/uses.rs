//! The last use and the requests of clients and keys, on their pages.

use std::sync::Arc;
use std::time::Duration;

use keygate::observe::UsageHistory;
use keygate::{KeyDigest, MemoryStore, NewKey};

use crate::filled::{between, lacks, send, unescaped};
use crate::kept::{DAY, HOUR, Kept};
use crate::support::{Answer, Page, Server, at, key_id, minutes};

const UNUSED: &str = "It has not been used since its successor began to work";

async fn page(kept: &Kept) -> Page {
    let server = Server::with(Arc::new(kept.store.clone()), kept.with_usage());
    server.clock.set((kept.clock.reader())());
    server.signed_in("ann").await
}

fn names(answer: &Answer) -> Vec<String> {
    let rows = answer.body.split("<th class=\"name\" scope=\"row\"><a href=\"").skip(1);
    rows.map(|row| row.split_once("\">").unwrap().1.split_once("</a>").unwrap().0.to_owned())
        .collect()
}

/// Reads all pages of a list. Returns the names, and the number of rows on each page.
async fn all(page: &mut Page, path: &str) -> (Vec<String>, Vec<usize>) {
    let (mut path, mut found, mut rows) = (path.to_owned(), Vec::new(), Vec::new());
    loop {
        let list = page.get(&path).await;
        assert_eq!(list.status, 200, "{path}");
        assert!(list.body.len() < 60_000, "{}", list.body.len());
        rows.push(names(&list).len());
        found.extend(names(&list));
        let Some((_, next)) = list.body.split_once("rel=\"next\" href=\"") else {
            return (found, rows);
        };
        path = unescaped(next.split_once('"').unwrap().0);
        assert!(rows.len() < 100, "{path}");
    }
}

#[tokio::test]
async fn clients_are_sorted_by_last_use_and_then_by_name() {
    let kept = Kept::since(at(0)).await;
    let client = |number: usize| format!("client-{number:04}");
    // More clients than are sorted in memory. Every 20th client was used, in order.
    for number in 0..1_110 {
        kept.key(&client(number), &format!("key {number}"), |key| key);
    }
    let used: Vec<_> = (0..1_110).step_by(20).rev().map(client).collect();
    for number in (0..1_110).step_by(20) {
        kept.clock.advance(minutes(1));
        kept.calls(&format!("key {number}"), 1);
    }
    kept.key("removed", "key of removed", |key| key);
    kept.calls("key of removed", 1);
    kept.flush().await;
    kept.store.disable_client("removed").unwrap();
    kept.store.remove_client("removed").unwrap();

    let unused = (0..1_110).map(client).filter(|name| !used.contains(name));
    let expected: Vec<_> = used.iter().cloned().chain(unused).collect();
    let mut page = page(&kept).await;
    for filter in ["", "&search=client", "&state=enabled"] {
        let (found, rows) = all(&mut page, &format!("/clients?sort=used{filter}")).await;
        assert!(found == expected, "{filter} {found:?}");
        assert!(rows[..rows.len() - 1].iter().all(|rows| *rows == 50), "{filter} {rows:?}");
    }
    // Few enough clients to be sorted in memory.
    let few: Vec<_> =
        expected.iter().filter(|name| name.starts_with("client-01")).cloned().collect();
    let (found, rows) = all(&mut page, "/clients?sort=used&search=client-01").await;
    assert_eq!((found, rows), (few, vec![50, 50]));
    assert_eq!(page.get("/clients?sort=used&after=x").await.status, 400);
    page.get("/clients?sort=used").await.says("aria-sort=\"descending\"");
}

#[tokio::test]
async fn list_shows_last_use_and_requests_of_each_client() {
    let kept = Kept::since(at(0)).await;
    kept.key("A", "key of a", |key| key);
    kept.key("B", "key of b", |key| key);
    // Yesterday, but within the last 24 hours.
    kept.pass(23 * HOUR).await;
    kept.calls("key of a", 3);
    kept.pass(2 * HOUR).await;
    kept.calls("key of a", 1_200);
    kept.pass(minutes(5)).await;
    let mut page = page(&kept).await;
    let list = page.get("/clients").await;
    let row = |name: &str| between(&list, &format!("/clients/{name}\">"), "</tr>").to_owned();
    let a = row("A");
    for fact in [
        "5 minutes ago",
        "<td class=\"num\">1,200</td>",
        "1,203 requests in the last 24 hours",
        "<polyline",
    ] {
        assert!(a.contains(fact), "{fact}: {a}");
    }
    let b = row("B");
    assert!(
        b.contains("not seen") && b.contains("<td class=\"num\">0</td>") && !b.contains("polyline"),
        "{b}"
    );
}

#[tokio::test]
async fn revoke_and_rotate_show_the_recent_use_of_the_key() {
    let kept = Kept::since(at(0)).await;
    let used = kept.key("A", "key of a", |key| key.with_label("used"));
    let unused = kept.key("A", "another key of a", |key| key.with_label("unused"));
    kept.pass(2 * HOUR).await;
    kept.calls("key of a", 42);
    kept.pass(3 * minutes(1)).await;
    let mut page = page(&kept).await;
    for path in ["", "/revoke", "/rotate"] {
        let shown = page.get(&format!("/keys/{used}{path}")).await;
        shown.says("Last used").says("3 minutes ago").says("42 requests");
        let shown = page.get(&format!("/keys/{unused}{path}")).await;
        shown.says("Never used").says("0 requests");
    }
    let client = page.get("/clients/A").await;
    client.says("Requests by outcome").says("42 served").says("href=\"/usage?client=A\"");
    let row = between(&client, ">used</a>", "</tr>");
    assert!(row.contains("3 minutes ago") && row.contains("<td class=\"num\">42</td>"), "{row}");
    page.get("/clients/A/disable").await.says("42 requests with these keys today");

    // The old key is used after its rotation, and then the new one.
    let path = format!("/keys/{used}/rotate");
    let form = page.get(&path).await;
    let typed = [("grace", "7d"), ("lifetime", "same"), ("label", "")];
    assert_eq!(send(&mut page, &path, &form, &typed).await.status, 200);
    // Nobody can know yet.
    lacks(&page.get(&format!("/keys/{used}")).await, UNUSED);
    kept.pass(HOUR).await;
    lacks(&page.get(&format!("/keys/{used}")).await, UNUSED);
    kept.pass(DAY).await;
    page.get(&format!("/keys/{used}")).await.says(UNUSED);
    kept.pass(HOUR).await;
    kept.calls("key of a", 1);
    kept.flush().await;
    page.get(&format!("/keys/{used}")).await.says("It is still in use");
}

#[tokio::test]
async fn use_in_the_minute_of_rotation_is_not_before_it() {
    let kept = Kept::since(at(0)).await;
    let used = kept.key("A", "key of a", |key| key);
    kept.pass(2 * minutes(1)).await;
    kept.clock.advance(Duration::from_secs(10));
    let new = NewKey::new(KeyDigest::of(b"new key of a"));
    kept.store.rotate(&used, new, 30 * DAY).unwrap();
    // The last use is kept as the start of the minute, which is before the rotation.
    kept.clock.advance(Duration::from_secs(10));
    kept.calls("key of a", 1);
    kept.pass(HOUR).await;
    let mut page = page(&kept).await;
    let path = format!("/keys/{used}");
    lacks(&page.get(&path).await, UNUSED);
    lacks(&page.get("/safety/replaced-and-unused").await, &path);
    kept.pass(DAY).await;
    let mut page = self::page(&kept).await;
    page.get(&path).await.says(UNUSED);
    page.get("/safety/replaced-and-unused").await.says(&path);
}

#[tokio::test]
async fn nothing_is_known_of_a_key_before_it_was_watched() {
    let kept = Kept::since(at(0)).await;
    let old = kept.key("A", "key of a", |key| key);
    kept.pass(HOUR).await;
    kept.clock.advance(minutes(59));
    // Nobody has watched for 59 minutes.
    let new = NewKey::new(KeyDigest::of(b"new key of a"));
    let new = kept.store.rotate(&old, new, 30 * DAY).unwrap().new.key_id;
    let mut page = page(&kept).await;
    let key = page.get(&format!("/keys/{new}")).await;
    key.says("No use has been recorded yet");
    lacks(&key, "Never used");
    lacks(&page.get(&format!("/keys/{old}")).await, UNUSED);
    lacks(&page.get("/safety/replaced-and-unused").await, &format!("/keys/{old}"));
    kept.pass(minutes(1)).await;
    page.get(&format!("/keys/{new}")).await.says("Never used");
    kept.pass(DAY).await;
    page.get(&format!("/keys/{old}")).await.says(UNUSED);
}

#[tokio::test]
async fn usage_that_was_never_recorded_is_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let history = UsageHistory::in_folder(folder.path()).await.unwrap();
    let store = MemoryStore::from_keys([("7kQ2mXv9Rt4Wp8Zc1Nb6Hs3Jd5Lf0Ga", "A")]).unwrap();
    let key = format!("/keys/{}", key_id(&store, "A"));
    let server = Server::with(Arc::new(store.clone()), |admin| admin.with_usage(history));
    let mut page = server.signed_in("ann").await;
    let form = |form: &str| format!("{key}/{form}");
    let (revoke, rotate) = (form("revoke"), form("rotate"));
    for path in ["/clients", "/clients/A", &*key, &revoke, &rotate, "/clients/A/disable", "/usage"]
    {
        let shown = page.get(path).await;
        shown.says("No service has recorded usage yet");
        for claim in ["Not used since", "0 requests", "Never used", "not seen", "by outcome"] {
            lacks(&shown, claim);
        }
    }

    let kept = Kept::since(at(0)).await;
    kept.flush().await;
    let server = Server::with(Arc::new(store), kept.with_usage());
    let mut page = server.signed_in("ann").await;
    page.get(&key).await.says("Not used since usage recording began").says("0 requests");
}

#[tokio::test]
async fn usage_that_is_no_longer_recorded_is_not_known() {
    let kept = Kept::since(at(0)).await;
    let used = kept.key("A", "key of a", |key| key);
    kept.pass(minutes(1)).await;
    let unused = kept.key("A", "another key of a", |key| key);
    kept.calls("key of a", 1);
    kept.flush().await;
    let paths = ["/clients", "/clients/A", "/clients/A/disable", "/usage"].map(str::to_owned);
    let of_keys = [used, unused].map(|key| format!("/keys/{key}"));
    let revoke = of_keys.clone().map(|path| format!("{path}/revoke"));
    let server = Server::with(Arc::new(kept.store.clone()), kept.with_usage());
    let mut page = server.signed_in("ann").await;
    page.get(&of_keys[1]).await.says("Never used");
    let says = "No service has recorded usage since";
    lacks(&page.get("/clients").await, says);

    kept.clock.advance(25 * HOUR);
    for path in [&paths[..], &of_keys, &revoke].concat() {
        let shown = page.get(&path).await;
        shown.says(says);
        lacks(&shown, "Never used");
    }
    page.get(&of_keys[0]).await.says("Last used").says("as far as is known");
}

#[tokio::test]
async fn clients_are_listed_even_if_usage_cannot_be_read() {
    let kept = Kept::since(at(0)).await;
    let key = kept.key("A", "key of a", |key| key);
    kept.calls("key of a", 1);
    kept.flush().await;
    let mut page = page(&kept).await;
    let file = kept.folder.path().join("usage.db");
    std::fs::rename(file, kept.folder.path().join("away.db")).unwrap();
    let list = page.get("/clients").await;
    assert_eq!((list.status, names(&list)), (200, vec!["A".to_owned()]));
    list.says("Usage cannot be read right now");
    for path in ["/clients/A", &format!("/keys/{key}/revoke")] {
        let shown = page.get(path).await;
        assert_eq!(shown.status, 200, "{path}");
        shown.says("Usage cannot be read right now");
    }
    // Sorting by last use needs the usage history.
    assert_eq!(page.get("/clients?sort=used").await.status, 503);
}
