//! Forms as a person fills them in, including their hidden fields.

use std::sync::Arc;

use keygate::manage::ClientInfo;
use keygate::testing::FakeClock;
use keygate::{ApiKey, ClientProfile, MemoryStore, NewKey};

use crate::support::{Answer, Page, at};

/// Creates a memory store with the page's clock.
pub(crate) fn store() -> MemoryStore {
    MemoryStore::new().with_clock(FakeClock::at(at(0)).reader())
}

/// Creates a store with the client `App 1`, which has scopes, a quota, and a key with the label `production`.
pub(crate) fn store_with_app() -> (MemoryStore, ApiKey) {
    let store = store();
    let scopes = ["orders:*", "stock:read"].map(|scope| scope.parse().unwrap());
    let profile = ClientProfile::new("App 1").with_title("The shop").with_scopes(scopes);
    store.add_client(profile.with_quota("100/minute".parse().unwrap())).unwrap();
    let key = ApiKey::generate("kg").unwrap();
    store.issue("App 1", NewKey::from(&key).with_label("production")).unwrap();
    (store, key)
}

pub(crate) async fn page(store: &MemoryStore) -> Page {
    Page::new(Arc::new(store.clone())).await
}

pub(crate) fn client(store: &MemoryStore, name: &str) -> ClientInfo {
    let found = store.list_clients().into_iter().find(|client| client.profile.name() == name);
    found.unwrap()
}

/// Returns the hidden fields of the form in `main`, except the session's token.
pub(crate) fn hidden(answer: &Answer) -> Vec<(String, String)> {
    let (_, main) = answer.body.split_once("<main").expect("a page");
    let fields = main.split("<input type=\"hidden\" name=\"").skip(1).map(|rest| {
        let (name, rest) = rest.split_once("\" value=\"").unwrap();
        let (value, _) = rest.split_once('"').unwrap();
        (name.to_owned(), unescaped(value))
    });
    fields.filter(|(name, _)| name != "csrf").collect()
}

/// Submits the form of a page. `typed` adds to the hidden fields or replaces them.
pub(crate) async fn send(
    page: &mut Page,
    path: &str,
    shown: &Answer,
    typed: &[(&str, &str)],
) -> Answer {
    let hidden = hidden(shown);
    let kept = hidden.iter().filter(|(name, _)| typed.iter().all(|(known, _)| known != name));
    let fields: Vec<_> =
        kept.map(|(name, value)| (&**name, &**value)).chain(typed.iter().copied()).collect();
    page.post(path, &fields).await
}

pub(crate) fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// Returns the part of the page between two texts.
#[track_caller]
pub(crate) fn between<'a>(answer: &'a Answer, start: &str, end: &str) -> &'a str {
    let found = answer.body.split_once(start).and_then(|(_, rest)| rest.split_once(end));
    found.unwrap_or_else(|| panic!("{start}…{end}: {}", answer.body)).0
}

#[track_caller]
pub(crate) fn lacks(answer: &Answer, text: &str) {
    assert!(!answer.body.contains(text), "{text}: {}", answer.body);
}
