//! Empty, failing and read-only stores, and read-only operators.

use crate::failing::{Failing, Fault};
use crate::filled::{lacks, page, send, store, store_with_app};
use crate::support::{Page, Server};

#[tokio::test]
async fn store_without_clients_shows_the_first_steps() {
    let store = store();
    let mut page = page(&store).await;
    page.get("/clients").await.says("No clients yet").says("Add the first client");
    // A filter without matches is not an empty store.
    lacks(&page.get("/clients?search=x").await, "No clients yet");
    store.add_client("App 1").unwrap();
    page.get("/clients/App%201").await.says("This client has no keys").says("Issue the first key");
}

#[tokio::test]
async fn read_only_operators_see_no_buttons_and_change_nothing() {
    let (store, key) = store_with_app();
    let server = Server::new(std::sync::Arc::new(store.clone()));
    let mut reader = server.signed_in("ray").await;
    let paths =
        ["/clients", "/clients/App%201", "/keys", &format!("/keys/{}", key.key_id()), "/events"];
    for path in paths {
        let shown = reader.get(path).await;
        assert_eq!(shown.status, 200, "{path}");
        let (_, main) = shown.body.split_once("<main").unwrap();
        for button in ["class=\"button primary", "button danger", "button small", "method=\"post\""]
        {
            assert!(!main.contains(button), "{path} {button}: {main}");
        }
    }
    let key = format!("/keys/{}", key.key_id());
    let changes = [
        "/clients/new".to_owned(),
        "/clients/App%201/edit".to_owned(),
        "/clients/App%201/disable".to_owned(),
        "/clients/App%201/enable".to_owned(),
        "/clients/App%201/remove".to_owned(),
        "/clients/App%201/keys/new".to_owned(),
        format!("{key}/edit"),
        format!("{key}/rotate"),
        format!("{key}/revoke"),
    ];
    let before = (store.list_clients(), store.list_keys(None).unwrap());
    for path in changes {
        assert_eq!(reader.get(&path).await.status, 403, "{path}");
        let fields = [
            ("name", "App 2"),
            ("label", "x"),
            ("step", "apply"),
            ("grace", "now"),
            ("confirm", "App 1"),
        ];
        assert_eq!(reader.post(&path, &fields).await.status, 403, "{path}");
    }
    assert_eq!((store.list_clients(), store.list_keys(None).unwrap()), before);
    let empty = crate::filled::store();
    let mut reader = Page::reader(std::sync::Arc::new(empty)).await;
    let first = reader.get("/clients").await;
    first.says("No clients yet").says("scope “admin”");
    lacks(&first, "Add the first client");
}

#[tokio::test]
async fn outage_of_the_store_is_shown_on_every_page() {
    let (store, key) = store_with_app();
    let failing = Failing::new(store);
    let mut page = Page::new(failing.shared()).await;
    failing.set(Fault::Down);
    for path in [
        "/clients",
        "/clients/App%201",
        "/keys",
        &format!("/keys/{}", key.key_id()),
        "/events",
        "/clients/App%201/edit",
    ] {
        let shown = page.get(path).await;
        assert_eq!(shown.status, 503, "{path}");
        shown.says("The store cannot be reached").says("No connection to the database");
    }
    failing.set(Fault::None);
    assert_eq!(page.get("/clients").await.status, 200);
}

#[tokio::test]
async fn refused_changes_give_the_reason_and_keep_the_input() {
    for (fault, status, why) in [
        (Fault::NoChanges, 503, "The disk is full"),
        (Fault::ReadOnly, 403, "This store is read-only: change it in the settings"),
    ] {
        let (store, key) = store_with_app();
        let failing = Failing::new(store.clone());
        let mut page = Page::new(failing.shared()).await;
        let key = format!("/keys/{}", key.key_id());
        let changes = [
            ("/clients/new".to_owned(), vec![("name", "App 2"), ("title", "Typed")]),
            ("/clients/App%201/edit".to_owned(), vec![("title", "Typed"), ("step", "apply")]),
            ("/clients/App%201/disable".to_owned(), vec![]),
            (format!("{key}/edit"), vec![("label", "Typed"), ("lifetime", "same")]),
            (
                format!("{key}/rotate"),
                vec![("label", "Typed"), ("lifetime", "same"), ("grace", "1h")],
            ),
            (format!("{key}/revoke"), vec![]),
        ];
        let before = (store.list_clients(), store.list_keys(None).unwrap());
        for (path, typed) in changes {
            failing.set(Fault::None);
            let form = page.get(&path).await;
            failing.set(fault);
            let refused = send(&mut page, &path, &form, &typed).await;
            assert_eq!(refused.status, status, "{path}");
            refused
                .says(why)
                .says(&format!("method=\"post\" action=\"{path}\""))
                .says("role=\"alert\"");
            if !typed.is_empty() {
                refused.says("value=\"Typed\"");
            }
        }
        assert_eq!((store.list_clients(), store.list_keys(None).unwrap()), before);
    }
}

#[tokio::test]
async fn missing_events_and_usage_are_explained() {
    let (store, key) = store_with_app();
    let mut page = page(&store).await;
    page.get("/events").await.says("does not record changes");
    page.get("/clients/App%201")
        .await
        .says("does not record changes")
        .says("Last use and requests are not known");
    page.get(&format!("/keys/{}/revoke", key.key_id()))
        .await
        .says("this page was started without a usage history");
}
