//! The page of a key, rotation, revocation and changes of keys, and the key list.

use std::time::Duration;

use keygate::key::KeyState;
use keygate::manage::{KeyInfo, Policy, TransferKeys as _};
use keygate::testing::keys_of_every_kind;
use keygate::{ApiKey, KeyDigest, LocalKeyStore as _, MemoryStore, NewKey};

use crate::filled::{between, lacks, page, send, store, store_with_app};
use crate::support::{Answer, at};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

fn info(store: &MemoryStore, key: &ApiKey) -> KeyInfo {
    let keys = store.list_keys(None).unwrap();
    keys.into_iter().find(|it| it.key_id == key.key_id()).unwrap()
}

fn works(store: &MemoryStore, key: &str) -> bool {
    let found = store.find(&KeyDigest::of(key.as_bytes())).unwrap();
    found.is_some_and(|record| record.lifetime().expires().is_none_or(|end| end > at(0)))
}

#[track_caller]
fn key_in(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    between(
        answer,
        "id=\"key\" readonly rows=\"2\" spellcheck=\"false\" autocomplete=\"off\">",
        "</textarea>",
    )
    .to_owned()
}

#[tokio::test]
async fn rotation_issues_one_key_and_ends_the_old_one_after_the_grace() {
    for (grace, end) in [
        (vec![("grace", "now")], Some(Duration::ZERO)),
        (vec![("grace", "1h")], Some(HOUR)),
        (vec![("grace", "24h")], Some(DAY)),
        (vec![("grace", "7d")], Some(7 * DAY)),
        (vec![("grace", "custom"), ("grace-count", "3"), ("grace-unit", "hours")], Some(3 * HOUR)),
        (vec![("grace", "custom"), ("grace-count", "x"), ("grace-unit", "hours")], None),
        (vec![("grace", "2d")], None),
    ] {
        let (store, old) = store_with_app();
        let mut page = page(&store).await;
        let path = format!("/keys/{}/rotate", old.key_id());
        let form = page.get(&path).await;
        form.says("new key for <strong>App 1</strong>")
            .says("Who still uses the old key")
            .says("value=\"24h\" checked");
        let typed: Vec<_> =
            grace.iter().copied().chain([("label", "production"), ("lifetime", "same")]).collect();
        let shown = send(&mut page, &path, &form, &typed).await;
        let Some(end) = end else {
            assert_eq!(shown.status, 422);
            shown.says("id=\"grace-error\"");
            assert_eq!(store.list_keys(None).unwrap().len(), 1);
            continue;
        };
        let new = key_in(&shown);
        assert!(works(&store, &new) && works(&store, old.expose()) != end.is_zero());
        let old_info = info(&store, &old);
        assert_eq!(old_info.expires(), Some(at(0) + end));
        shown.says("The old key").says(&old.key_id().to_string());
        lacks(&shown, old.expose());

        let again = send(&mut page, &path, &form, &typed).await;
        again.says("has already been used").says(&old_info.replaced_by.unwrap().to_string());
        lacks(&again, &new);
        assert_eq!(store.list_keys(None).unwrap().len(), 2);
        let refused = page.get(&path).await;
        refused.says(if end.is_zero() { "This key has expired" } else { "was already replaced" });
        lacks(&refused, "Rotate the key");
        page.get(&format!("/keys/{}", old.key_id())).await.says("Replaced by key");
    }
}

#[tokio::test]
async fn rotated_key_gets_the_chosen_lifetime() {
    let (store, old) = store_with_app();
    store
        .update_policy(Policy::new().with_max_lifetime(40 * DAY).with_default_lifetime(40 * DAY))
        .unwrap();
    let mut page = page(&store).await;
    let path = format!("/keys/{}/rotate", old.key_id());
    let form = page.get(&path).await;
    form.says("As long as the old key, until 2027-02-10");
    lacks(&form, "value=\"90d\"");
    let refused = send(
        &mut page,
        &path,
        &form,
        &[("grace", "now"), ("lifetime", "365d"), ("label", "new <1>")],
    )
    .await;
    assert_eq!(refused.status, 422);
    refused.says("id=\"lifetime-error\"").says("value=\"new &lt;1&gt;\"");
    key_in(
        &send(
            &mut page,
            &path,
            &refused,
            &[("grace", "now"), ("lifetime", "7d"), ("label", "new")],
        )
        .await,
    );
    let successor = info(&store, &old).replaced_by.unwrap();
    let keys = store.list_keys(None).unwrap();
    let new = keys.iter().find(|key| key.key_id == successor).unwrap();
    assert_eq!((new.label.as_deref(), new.expires()), (Some("new"), Some(at(0) + 7 * DAY)));
}

#[tokio::test]
async fn revoke_shows_its_effect_and_is_permanent() {
    let (store, key) = store_with_app();
    let mut page = page(&store).await;
    let path = format!("/keys/{}/revoke", key.key_id());
    let confirm = page.get(&path).await;
    confirm.says("1 key of").says("cannot be undone").says("Who will notice").says("production");
    assert_eq!(info(&store, &key).state, KeyState::Active);
    let done = send(&mut page, &path, &confirm, &[]).await;
    assert_eq!(
        (done.status, done.location()),
        (303, &*format!("/keys/{}?done=revoked", key.key_id()))
    );
    assert_eq!(info(&store, &key).state, KeyState::Revoked);
    page.get(done.location()).await.says("The key was revoked.").says("badge bad");
    let again = page.get(&path).await;
    again.says("was already revoked");
    lacks(&again, "Revoke the key");
}

#[tokio::test]
async fn form_changes_a_key() {
    let (store, key) = store_with_app();
    let mut page = page(&store).await;
    let path = format!("/keys/{}/edit", key.key_id());
    let form = page.get(&path).await;
    form.says("value=\"production\"")
        .says("Unchanged, until it is revoked")
        .says("one key of <strong>App 1</strong>");
    let typed = [
        ("label", "staging"),
        ("scope", "stock:read"),
        ("scopes", "orders:read"),
        ("networks", "10.0.0.0/8"),
        ("lifetime", "30d"),
    ];
    let done = send(&mut page, &path, &form, &typed).await;
    assert_eq!(
        (done.status, done.location()),
        (303, &*format!("/keys/{}?done=key-changed", key.key_id()))
    );
    let changed = info(&store, &key);
    let scopes: Vec<_> = changed.scopes.iter().map(ToString::to_string).collect();
    assert_eq!(
        (changed.label.as_deref(), scopes.join(" ")),
        (Some("staging"), "orders:read stock:read".to_owned())
    );
    assert_eq!((changed.expires(), changed.networks.len()), (Some(at(0) + 30 * DAY), 1));

    let form = page.get(&path).await;
    form.says("value=\"stock:read\" checked").says("orders:read</textarea>");
    for (typed, field) in [
        (("scopes", "billing:read"), "scopes"),
        (("lifetime", "date"), "lifetime"),
        (("networks", "10"), "networks"),
    ] {
        let lifetime = ("lifetime", "same");
        let typed = [("label", "other"), lifetime, typed];
        let typed = if field == "lifetime" { [typed[0], typed[2], ("date", "")] } else { typed };
        let refused = send(&mut page, &path, &form, &typed).await;
        assert_eq!(refused.status, 422, "{field}");
        refused.says(&format!("id=\"{field}-error\"")).says("value=\"other\"");
    }
    let same = [
        ("label", "staging"),
        ("scope", "stock:read"),
        ("scopes", "orders:read"),
        ("networks", "10.0.0.0/8"),
        ("lifetime", "same"),
    ];
    send(&mut page, &path, &form, &same).await.says("You have not changed anything");
}

#[tokio::test]
async fn beginning_of_a_key_is_shown() {
    let (store, key) = (store_with_app().0, ApiKey::generate("kg").unwrap());
    store.issue("App 1", NewKey::from(&key).with_not_before(at(0) + 30 * DAY)).unwrap();
    let mut page = page(&store).await;
    let path = format!("/keys/{}", key.key_id());
    let badge = "<span class=\"badge warn\">not yet valid</span>";
    page.get(&path).await.says(badge).says("<dt>Works from</dt><dd>");
    let path = format!("{path}/rotate");
    let form = page.get(&path).await;
    form.says("name=\"was-not-before\" value=\"2027-01-31 00:00:00 UTC");
    // The new key would expire before the beginning that it inherits.
    let typed =
        [("grace", "24h"), ("label", "later"), ("lifetime", "date"), ("date", "2027-01-15")];
    let refused = send(&mut page, &path, &form, &typed).await;
    assert_eq!(refused.status, 422);
    refused.says("id=\"lifetime-error\"").says("would expire before it begins to work");
}

#[tokio::test]
async fn expiry_of_an_ended_key_cannot_change() {
    let (store, key) = store_with_app();
    store.revoke(&key.key_id()).unwrap();
    let mut page = page(&store).await;
    let path = format!("/keys/{}/edit", key.key_id());
    let form = page.get(&path).await;
    let refused =
        send(&mut page, &path, &form, &[("label", "production"), ("lifetime", "30d")]).await;
    assert_eq!(refused.status, 409);
    refused.says("was revoked, which is permanent");
}

#[tokio::test]
async fn keys_are_filtered_and_sorted() {
    let (store, _) = store_with_app();
    store.add_client("Backup").unwrap();
    let issue = |text: &str, days: u32| {
        let key = NewKey::new(KeyDigest::of(text.as_bytes())).with_label(text);
        store.issue("Backup", key.with_expiry(at(0) + days * DAY)).unwrap().key_id
    };
    let (soon, _later) = (issue("soon", 5), issue("later", 60));
    store.revoke(&soon).unwrap();
    let mut page = page(&store).await;
    let labels = |answer: &Answer| {
        let rows = answer.body.split("<th class=\"name\" scope=\"row\">").skip(1);
        let label =
            |row: &str| row.split_once("\">").unwrap().1.split_once("</a>").unwrap().0.to_owned();
        rows.map(label).collect::<Vec<_>>()
    };
    for (query, expected) in [
        ("", "soon production later"),
        ("?client=Backup", "soon later"),
        ("?status=revoked", "soon"),
        ("?expires=never", "production"),
        ("?expires=90", "later"),
        ("?search=lat", "later"),
        ("?scope=orders:read", "production"),
        ("?sort=-expires", "production later soon"),
    ] {
        let list = page.get(&format!("/keys{query}")).await;
        let mut labels = labels(&list);
        // The two keys were issued within the same second.
        if !query.contains("sort") {
            labels.sort_by_key(|label| std::cmp::Reverse(label.clone()));
        }
        assert_eq!(labels.join(" "), expected, "{query}");
    }
    for query in ["?status=x", "?scope=X", "?expires=x"] {
        assert_eq!(page.get(&format!("/keys{query}")).await.status, 422, "{query}");
    }
    assert_eq!(page.get("/keys/0123456789abcdef").await.status, 404);
    assert_eq!(page.get("/keys/nonsense").await.status, 404);
}

/// A new field of a key must be shown on its page, too.
#[tokio::test]
async fn every_field_of_a_key_is_on_its_page() {
    let store = store();
    store.import_keys(&keys_of_every_kind()).await.unwrap();
    let keys = store.list_keys(None).unwrap();
    let has_every_fact = |key: &&KeyInfo| key.revoked.is_some() && key.replaced_by.is_some();
    let key = keys.iter().find(has_every_fact).unwrap();
    let shown = page(&store).await.get(&format!("/keys/{}", key.key_id)).await;
    let fields = [
        ("client", "<dt>Client</dt>"),
        ("created", "<dt>Created</dt>"),
        ("expires", "<dt>Expires</dt>"),
        ("key_id", "<dt>Key ID</dt>"),
        ("label", "production</h1>"),
        ("last_used", "<h2>Usage</h2>"),
        ("networks", "<dt>Networks</dt>"),
        ("not_before", "<dt>Works from</dt>"),
        ("replaced_by", "Replaced by key"),
        ("revoked", "<dt>Revoked</dt>"),
        ("scopes", "<dt>Scopes</dt>"),
        ("state", "<dt>State</dt>"),
    ];
    for (_, text) in fields {
        shown.says(text);
    }
    let json = serde_json::json!(key);
    let mut names: Vec<_> = json.as_object().unwrap().keys().collect();
    names.sort_unstable();
    assert_eq!(names, fields.map(|(name, _)| name));
}
