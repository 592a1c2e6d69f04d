//! Paging through lists, forwards and backwards.

use keygate::manage::{ChangeEvent, EventQuery};
use keygate::store::SqliteStore;
use keygate::{ApiKey, ClientProfile, ManageKeys, MemoryStore, NewKey};

use crate::filled::{lacks, unescaped};
use crate::support::{Answer, Page};

/// Returns the URL of a page link.
fn link(answer: &Answer, rel: &str) -> Option<String> {
    let (_, rest) = answer.body.split_once(&format!("<a rel=\"{rel}\" href=\""))?;
    rest.split_once('"').map(|(address, _)| unescaped(address))
}

/// Returns the table of a list.
fn table(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let (_, rest) = answer.body.split_once("<tbody>").unwrap();
    rest.split_once("</tbody>").unwrap().0.to_owned()
}

/// Pages to the end of a list and back, and expects the same pages in both directions.
async fn walk(page: &mut Page, path: &str, pages: usize) {
    let mut shown = page.get(path).await;
    assert_eq!(link(&shown, "prev"), None, "{path}");
    let mut tables = vec![table(&shown)];
    while let Some(next) = link(&shown, "next") {
        shown = page.get(&next).await;
        tables.push(table(&shown));
    }
    assert_eq!(tables.len(), pages, "{path}");
    tables.pop();
    while let Some(before) = tables.pop() {
        let previous = link(&shown, "prev").unwrap_or_else(|| panic!("{path}: {}", shown.body));
        shown = page.get(&previous).await;
        assert!(table(&shown) == before, "{path}: {previous}");
        assert!(link(&shown, "next").is_some(), "{path}");
    }
    assert_eq!(link(&shown, "prev"), None, "{path}");
}

#[tokio::test]
async fn each_list_goes_back_page_by_page() {
    let store = MemoryStore::new();
    store.add_client(ClientProfile::new("App 000").with_title("The first")).unwrap();
    for number in 1..151 {
        store.add_client(format!("App {number:03}").as_str()).unwrap();
    }
    for number in 0..130 {
        let key = ApiKey::generate("kg").unwrap();
        store.issue("App 000", NewKey::from(&key).with_label(format!("key {number}"))).unwrap();
    }
    let mut page = Page::new(std::sync::Arc::new(store)).await;
    for (path, pages) in [
        ("/clients", 4),
        ("/clients?sort=-name", 4),
        ("/clients?search=App+0", 2),
        ("/keys", 3),
        ("/keys?sort=-created", 3),
        ("/keys?sort=expires&client=App+000", 3),
        ("/clients/App%20000", 3),
    ] {
        walk(&mut page, path, pages).await;
    }
    // Cursors that are malformed, or of another list.
    for place in ["before=x", "before=n-0--41&sort=created"] {
        let refused = page.get(&format!("/keys?{place}")).await;
        assert_eq!(refused.status, 400, "{place}: {}", refused.body);
        lacks(&refused, "<tbody>");
    }
}

#[tokio::test]
async fn events_go_back_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::migrate(folder.path().join("keys.db")).await.unwrap();
    for number in 0..120 {
        ManageKeys::add_client(&store, format!("App {number:03}").as_str().into()).await.unwrap();
    }
    let events = ManageKeys::events(&store, &EventQuery::new().with_limit(1_000)).await.unwrap();
    let clients = events.found.iter().filter_map(|event: &ChangeEvent| event.client.as_ref());
    assert_eq!(clients.count(), 120);
    let mut page = Page::new(std::sync::Arc::new(store)).await;
    walk(&mut page, "/events", 3).await;
    walk(&mut page, "/events?action=client.added", 3).await;
}
