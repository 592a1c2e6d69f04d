//! The client list, the page of a client, and changes of clients.

use keygate::ClientProfile;
use keygate::manage::TransferKeys as _;
use keygate::testing::keys_of_every_kind;

use crate::filled::{between, client, hidden, lacks, page, send, store, store_with_app};
use crate::support::Answer;

fn rows(answer: &Answer) -> Vec<String> {
    let names = answer.body.split("<th class=\"name\" scope=\"row\"><a href=\"").skip(1);
    let name = |row: &str| {
        row.split_once("\">").and_then(|(_, rest)| rest.split_once("</a>")).unwrap().0.to_owned()
    };
    names.map(name).collect()
}

#[tokio::test]
async fn clients_are_listed_with_their_details() {
    let (store, _) = store_with_app();
    store.add_client("Backup").unwrap();
    store.disable_client("Backup").unwrap();
    let mut page = page(&store).await;
    let list = page.get("/clients").await;
    assert_eq!((list.status, rows(&list)), (200, vec!["The shop".to_owned(), "Backup".to_owned()]));
    let first = between(&list, "<tbody>", "</tr>");
    for fact in [
        "<small>App 1</small>",
        "enabled",
        "orders:*",
        "stock:read",
        "100/minute",
        "<td class=\"num\">1</td>",
    ] {
        assert!(first.contains(fact), "{fact}: {first}");
    }
    list.says("disabled").says("href=\"/clients/App%201\"").says("Add a client");
}

/// A new field of a client must be shown on its page, too.
#[tokio::test]
async fn every_field_of_a_client_is_on_its_page() {
    let store = store();
    store.import_keys(&keys_of_every_kind()).await.unwrap();
    let client = store.list_clients().into_iter().find(|it| it.profile.title().is_some()).unwrap();
    let shown = page(&store).await.get(&format!("/clients/{}", client.profile.name())).await;
    let fields = [
        ("enabled", "<dt>State</dt>"),
        ("keys", "<h2>Keys</h2>"),
        ("metadata", "<dt>Metadata</dt>"),
        ("name", "<dt>Name</dt>"),
        ("networks", "<dt>Networks</dt>"),
        ("quota", "<dt>Quota</dt>"),
        ("scopes", "<dt>Scopes</dt>"),
        ("title", "<h1>Größe "),
    ];
    for (_, text) in fields {
        shown.says(text);
    }
    let json = serde_json::json!(client);
    let mut names: Vec<_> = json.as_object().unwrap().keys().collect();
    names.sort_unstable();
    assert_eq!(names, fields.map(|(name, _)| name));
}

#[tokio::test]
async fn filters_select_clients_and_keep_their_input() {
    let (store, _) = store_with_app();
    store.add_client(ClientProfile::new("Backup").with_metadata([("team", "billing")])).unwrap();
    store.disable_client("Backup").unwrap();
    let mut page = page(&store).await;
    for (query, expected) in [
        ("search=back", vec!["Backup"]),
        ("search=the+sh", vec!["The shop"]),
        ("state=disabled", vec!["Backup"]),
        ("scope=orders:read", vec!["The shop"]),
        ("metadata=team%3Dbilling", vec!["Backup"]),
        ("search=app&state=disabled", vec![]),
        ("sort=-name", vec!["Backup", "The shop"]),
    ] {
        let list = page.get(&format!("/clients?{query}")).await;
        assert_eq!(rows(&list), expected, "{query}");
    }
    page.get("/clients?search=zzz")
        .await
        .says("value=\"zzz\"")
        .says("No clients match these filters");
    for query in ["scope=Orders", "metadata=team", "state=x"] {
        let wrong = page.get(&format!("/clients?{query}")).await;
        assert_eq!(wrong.status, 422, "{query}");
        wrong.says("class=\"error\"");
    }
    for path in ["/clients?scope=Orders", "/keys?scope=Orders", "/events?since=x"] {
        let wrong = page.get(path).await;
        assert_eq!(wrong.status, 422, "{path}");
        // The script replaces the rows of the list with this.
        let (_, list) = wrong.body.split_once(" id=\"list\"").expect(path);
        assert!(list.contains("These filters cannot be applied."), "{path}");
    }
}

#[tokio::test]
async fn long_lists_are_paged_by_the_server() {
    let store = store();
    for number in 0..120 {
        let scopes = ["orders:read", "orders:write", "stock:*"].map(|scope| scope.parse().unwrap());
        let profile = ClientProfile::new(format!("client-{number:03}")).with_scopes(scopes);
        let profile =
            profile.with_title(format!("A client with a name of usual length {number:03}"));
        store.add_client(profile.with_quota("100/minute".parse().unwrap())).unwrap();
    }
    let mut page = page(&store).await;
    let (mut path, mut seen, mut lengths) =
        ("/clients?search=a+client".to_owned(), Vec::new(), Vec::new());
    loop {
        let list = page.get(&path).await;
        assert!(list.body.len() < 60_000, "{}", list.body.len());
        println!("a page of clients has {} bytes", list.body.len());
        lengths.push(rows(&list).len());
        seen.extend(rows(&list));
        let Some((_, next)) = list.body.split_once("rel=\"next\" href=\"") else { break };
        path = crate::filled::unescaped(next.split_once('"').unwrap().0);
        assert!(path.contains("search=a%20client"), "{path}");
    }
    assert_eq!(lengths, [50, 50, 20]);
    assert!(seen.is_sorted() && seen.len() == 120);
}

#[tokio::test]
async fn hostile_names_are_text_on_every_page() {
    let name = "<script>alert(1)</script>\"'&";
    let title = "\"><img src=x onerror=alert(2)>";
    let store = store();
    let profile =
        ClientProfile::new(name).with_title(title).with_metadata([("<b>", "</title><b>")]);
    store.add_client(profile).unwrap();
    let key = store
        .issue(name, keygate::NewKey::new(keygate::KeyDigest::of(b"x")).with_label(title))
        .unwrap()
        .key_id;
    let mut page = page(&store).await;
    let client = "/clients/%3Cscript%3Ealert%281%29%3C%2Fscript%3E%22%27%26";
    for path in [
        "/clients".to_owned(),
        client.to_owned(),
        format!("{client}/edit"),
        format!("{client}/disable"),
        format!("{client}/keys/new"),
        "/keys".to_owned(),
        format!("/keys/{key}"),
        format!("/keys/{key}/edit"),
        format!("/keys/{key}/rotate"),
        format!("/keys/{key}/revoke"),
    ] {
        let answer = page.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        for raw in ["<script>alert", "<img", "<b>", "</title><b>"] {
            assert!(!answer.body.contains(raw), "{path} {raw}: {}", answer.body);
        }
    }
    let renamed = page.get(&format!("{client}/edit")).await;
    renamed.says("value=\"&quot;&gt;&lt;img src=x onerror=alert(2)&gt;\"");
}

#[tokio::test]
async fn every_valid_name_has_its_own_page() {
    let store = store();
    for name in ["new", "..", ".", "~new", "a/b", "a?b#c", "50%", "Größe"] {
        store.add_client(name).unwrap();
        let mut page = page(&store).await;
        let list = page.get("/clients").await;
        let link = between(&list, "scope=\"row\"><a href=\"", "\"").to_owned();
        assert!(!link.ends_with("/.") && !link.ends_with("/.."), "{link}");
        let shown = page.get(&link).await;
        shown.says(&format!("<dd>{}</dd>", name.replace('&', "&amp;")));
        store.disable_client(name).unwrap();
        store.remove_client(name).unwrap();
    }
}

#[tokio::test]
async fn form_adds_a_client() {
    let store = store();
    let mut page = page(&store).await;
    let typed = [
        ("name", "App 1"),
        ("title", "The shop"),
        ("scopes", "orders:read, stock:*"),
        ("quota", "100/minute burst 20\r\n1000/day"),
        ("networks", "10.0.0.0/8"),
        ("metadata", "team=billing"),
    ];
    let added = page.post("/clients/new", &typed).await;
    assert_eq!((added.status, added.location()), (303, "/clients/App%201?done=added"));
    let profile = client(&store, "App 1").profile;
    let scopes: Vec<_> = profile.scopes().iter().map(ToString::to_string).collect();
    assert_eq!(
        (profile.title(), scopes.join(" ")),
        (Some("The shop"), "orders:read stock:*".to_owned())
    );
    assert_eq!(profile.quota().unwrap().to_string(), "100/minute, 20 at once; 1000/day");
    assert_eq!((profile.networks().len(), &*profile.metadata()["team"]), (1, "billing"));
    page.get("/clients/App%201?done=added")
        .await
        .says("The client was added")
        .says("Issue the first key");

    let twice = page.post("/clients/new", &typed).await;
    assert_eq!(twice.status, 409);
    twice.says("There is already a client").says("value=\"App 1\"").says("orders:read, stock:*");
}

#[tokio::test]
async fn invalid_fields_show_an_error_and_keep_their_input() {
    let store = store();
    let mut page = page(&store).await;
    let typed = [
        ("name", "App 1"),
        ("title", "a\tb"),
        ("scopes", "Orders"),
        ("quota", "9/week"),
        ("networks", "10.1.2.3/8"),
        ("metadata", "team"),
    ];
    let refused = page.post("/clients/new", &typed).await;
    assert_eq!(refused.status, 422);
    for field in ["title", "scopes", "quota", "networks", "metadata"] {
        refused.says(&format!("href=\"#{field}\"")).says(&format!("id=\"{field}-error\""));
        assert!(refused.body.contains(&format!("aria-describedby=\"{field}-error")), "{field}");
    }
    refused.says(">\nOrders</textarea>").says(">\n9/week</textarea>").says("value=\"a\tb\"");
    assert!(store.list_clients().is_empty());

    let long = "x".repeat(200_000);
    let refused = page.post("/clients/new", &[("name", &long)]).await;
    assert_eq!(refused.status, 422);
    refused.says("longer than 128 characters").says(&long);
}

#[tokio::test]
async fn key_typed_into_the_wrong_field_is_refused_and_not_shown() {
    let store = store();
    let mut page = page(&store).await;
    let key = keygate::ApiKey::generate("kg").unwrap();
    for field in ["name", "title", "scopes", "quota", "networks", "metadata"] {
        let text = if field == "metadata" {
            format!("a={}", key.expose())
        } else {
            key.expose().to_owned()
        };
        let typed = [("name", "App 1"), (field, &*text)];
        let skip = usize::from(field == "name");
        let refused = page.post("/clients/new", &typed[skip..]).await;
        assert_eq!(refused.status, 422, "{field}");
        lacks(&refused, key.expose());
    }
    lacks(&page.get(&format!("/clients?search={}", key.expose())).await, key.expose());
    assert!(store.list_clients().is_empty());
}

#[tokio::test]
async fn review_shows_the_effect_of_a_change() {
    let (store, _) = store_with_app();
    let narrow = keygate::NewKey::new(keygate::KeyDigest::of(b"narrow"));
    store.issue("App 1", narrow.with_scopes(["stock:read".parse().unwrap()])).unwrap();
    let mut page = page(&store).await;
    let path = "/clients/App%201/edit";
    let form = page.get(path).await;
    form.says("apply to 2 keys").says("orders:*\nstock:read</textarea>").says("value=\"The shop\"");
    let typed = [
        ("title", "The shop"),
        ("scopes", "orders:*"),
        ("quota", "9/day"),
        ("networks", ""),
        ("metadata", ""),
        ("step", "review"),
    ];
    let review = send(&mut page, path, &form, &typed).await;
    assert_eq!(review.status, 200);
    review
        .says("applies to 2 keys")
        .says("need stock:read will be refused")
        .says("1 key with narrower scopes or networks");
    assert_eq!(client(&store, "App 1").profile.quota().unwrap().to_string(), "100/minute");

    let back = send(&mut page, path, &review, &[("step", "edit")]).await;
    back.says(">\n9/day</textarea>");
    let done = send(&mut page, path, &review, &[("step", "apply")]).await;
    assert_eq!((done.status, done.location()), (303, "/clients/App%201?done=changed"));
    let profile = client(&store, "App 1").profile;
    assert_eq!(
        (profile.quota().unwrap().to_string(), profile.scopes().len()),
        ("9/day".to_owned(), 1)
    );
    assert_eq!(profile.title(), Some("The shop"));

    let again = page.get(path).await;
    let same = hidden(&again).into_iter().find(|(name, _)| name == "was-scopes").unwrap().1;
    let typed = [
        ("title", "The shop"),
        ("scopes", &*same),
        ("quota", "9/day"),
        ("networks", ""),
        ("metadata", ""),
    ];
    send(&mut page, path, &again, &typed).await.says("You have not changed anything");
}

#[tokio::test]
async fn stored_metadata_that_looks_like_a_key_is_kept() {
    let store = store();
    let value = "cus4X9z7Qq2Lm8Rt5Vw1Yb3Nc6";
    assert!(keygate::key::looks_like_key(value));
    store.add_client(ClientProfile::new("App 1").with_metadata([("customer", value)])).unwrap();
    let mut page = page(&store).await;
    let path = "/clients/App%201/edit";
    let form = page.get(path).await;
    form.says(&format!(">\ncustomer={value}</textarea>"));
    let metadata = format!("customer={value}\nteam=a");
    let typed = [
        ("title", ""),
        ("scopes", ""),
        ("quota", ""),
        ("networks", ""),
        ("metadata", &*metadata),
        ("step", "apply"),
    ];
    assert_eq!(send(&mut page, path, &form, &typed).await.status, 303);
    let profile = client(&store, "App 1").profile;
    assert_eq!((&*profile.metadata()["customer"], &*profile.metadata()["team"]), (value, "a"));
}

#[tokio::test]
async fn disable_enable_and_remove_ask_for_confirmation() {
    let (store, _) = store_with_app();
    let mut page = page(&store).await;
    let path = |change: &str| format!("/clients/App%201/{change}");
    page.get(&path("remove")).await.says("Disable it first");
    let confirm = page.get(&path("disable")).await;
    confirm.says("1 key of <strong>App 1</strong> will be refused");
    assert!(client(&store, "App 1").enabled);
    let done = send(&mut page, &path("disable"), &confirm, &[]).await;
    assert_eq!((done.status, done.location()), (303, "/clients/App%201?done=disabled"));
    assert!(!client(&store, "App 1").enabled);

    let confirm = page.get(&path("enable")).await;
    confirm.says("will work again");
    send(&mut page, &path("enable"), &confirm, &[]).await;
    assert!(client(&store, "App 1").enabled);

    store.disable_client("App 1").unwrap();
    let confirm = page.get(&path("remove")).await;
    confirm.says("1 key will be removed").says("cannot be undone");
    let refused = send(&mut page, &path("remove"), &confirm, &[("confirm", "App 2")]).await;
    assert_eq!(refused.status, 422);
    let done = send(&mut page, &path("remove"), &refused, &[("confirm", "App 1")]).await;
    assert_eq!((done.status, done.location()), (303, "/clients?done=removed"));
    assert!(store.list_clients().is_empty());
    assert_eq!(page.get("/clients/App%201").await.status, 404);
}
