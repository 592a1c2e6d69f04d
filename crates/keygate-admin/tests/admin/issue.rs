//! Issuing a key: the review, and the page that shows the key once.

use std::time::Duration;

use keygate::manage::Policy;
use keygate::{ApiKey, ClientProfile, KeyDigest, LocalKeyStore as _, MemoryStore};

use crate::failing::{Failing, Fault};
use crate::filled::{between, client, hidden, lacks, page, send, store, store_with_app};
use crate::support::{Answer, Page, at};

const PATH: &str = "/clients/App%201/keys/new";
const DAY: Duration = Duration::from_secs(86_400);

/// Returns the key from the response that shows it.
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

fn typed(label: &str) -> [(&str, &str); 3] {
    [("label", label), ("lifetime", "30d"), ("step", "review")]
}

fn works(store: &MemoryStore, key: &str) -> bool {
    store.find(&KeyDigest::of(key.as_bytes())).unwrap().is_some()
}

async fn review(page: &mut Page, typed: &[(&str, &str)]) -> Answer {
    let form = page.get(PATH).await;
    assert_eq!(form.status, 200);
    send(page, PATH, &form, typed).await
}

#[tokio::test]
async fn key_is_shown_once_after_the_review() {
    let (store, _) = store_with_app();
    let mut page = page(&store).await;
    let summary = review(
        &mut page,
        &[
            ("label", "laptop"),
            ("scope", "stock:read"),
            ("networks", "10.0.0.0/8"),
            ("lifetime", "30d"),
        ],
    )
    .await;
    assert_eq!(summary.status, 200);
    for fact in [
        "laptop",
        "stock:read",
        "10.0.0.0/8",
        "2027-01-31 00:00:00 UTC",
        "in 30 days",
        "This issues one key",
        "The client’s other key does not change",
    ] {
        summary.says(fact);
    }
    assert_eq!(client(&store, "App 1").keys, 1);

    let shown = send(&mut page, PATH, &summary, &[("step", "issue")]).await;
    let key = key_in(&shown);
    assert!(key.starts_with("kg_") && works(&store, &key));
    assert_eq!(shown.header("cache-control"), "no-store");
    shown
        .says(&format!("curl -H 'x-api-key: {key}'"))
        .says("Where to keep it")
        .says("data-copy=\"#key\"");
    let info = store
        .list_keys(Some("App 1"))
        .unwrap()
        .into_iter()
        .find(|key| key.label.as_deref() == Some("laptop"))
        .unwrap();
    assert_eq!(
        (info.expires(), info.scopes.len(), info.networks.len()),
        (Some(at(0) + 30 * DAY), 1, 1)
    );

    for path in
        ["/clients", "/clients/App%201", "/keys", "/events", &format!("/keys/{}", info.key_id)]
    {
        lacks(&page.get(path).await, &key);
    }
}

#[tokio::test]
async fn resubmitted_form_creates_no_second_key() {
    let (store, _) = store_with_app();
    let mut page = page(&store).await;
    let form = page.get(PATH).await;
    let summary = send(&mut page, PATH, &form, &typed("laptop")).await;
    let key = key_in(&send(&mut page, PATH, &summary, &[("step", "issue")]).await);
    let id = store
        .list_keys(Some("App 1"))
        .unwrap()
        .into_iter()
        .find(|key| key.label.as_deref() == Some("laptop"))
        .unwrap()
        .key_id;
    // Reload, back to the summary, back to the form.
    for (shown, step) in
        [(&summary, "issue"), (&summary, "edit"), (&summary, "review"), (&form, "review")]
    {
        let again =
            send(&mut page, PATH, shown, &[("label", "other"), ("lifetime", "7d"), ("step", step)])
                .await;
        assert_eq!(again.status, 200);
        again.says("has already been used").says(&id.to_string());
        lacks(&again, &key);
    }
    assert_eq!(client(&store, "App 1").keys, 2);
    // A new form makes a new key.
    let summary = review(&mut page, &typed("second")).await;
    key_in(&send(&mut page, PATH, &summary, &[("step", "issue")]).await);
    assert_eq!(client(&store, "App 1").keys, 3);
}

#[tokio::test]
async fn double_click_creates_no_second_key() {
    let (store, _) = store_with_app();
    let slow = Failing::new(store.clone());
    let mut page = Page::new(slow.shared()).await;
    let summary = review(&mut page, &typed("laptop")).await;
    slow.set(Fault::Waits);
    let mut other = page.tab();
    // The browser gives up the first request at the second click.
    tokio::select! {
        biased;
        answer = send(&mut page, PATH, &summary, &[("step", "issue")]) => panic!("{answer:?}"),
        () = slow.began() => {}
    }
    let release = async {
        slow.release();
        std::future::pending::<()>().await;
    };
    let second = tokio::select! {
        answer = send(&mut other, PATH, &summary, &[("step", "issue")]) => answer,
        () = release => unreachable!(),
    };
    second.says("has already been used");
    assert_eq!(client(&store, "App 1").keys, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_equal_posts_create_one_key() {
    let (store, old) = store_with_app();
    let slow = Failing::new(store.clone());
    let mut page = Page::new(slow.shared()).await;
    let rotate = format!("/keys/{}/rotate", old.key_id());
    let issue = review(&mut page, &typed("laptop")).await;
    let grace = [("label", "next"), ("lifetime", "same"), ("grace", "1h")];
    let rotation = page.get(&rotate).await;
    for (path, shown, typed) in
        [(PATH, issue, &[("step", "issue")][..]), (&rotate, rotation, &grace)]
    {
        let before = store.list_keys(None).unwrap().len();
        slow.set(Fault::Waits);
        let fields: Vec<_> = hidden(&shown)
            .into_iter()
            .chain(typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
            .collect();
        let posts: Vec<_> = (0..4)
            .map(|_| {
                let (mut page, path, fields) = (page.tab(), path.to_owned(), fields.clone());
                tokio::spawn(async move {
                    let fields: Vec<_> =
                        fields.iter().map(|(name, value)| (&**name, &**value)).collect();
                    page.post(&path, &fields).await
                })
            })
            .collect();
        slow.began().await;
        slow.release();
        let mut shown_keys = 0;
        for post in posts {
            let answer = post.await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.body);
            shown_keys += usize::from(answer.body.contains("id=\"key\""));
        }
        assert_eq!((shown_keys, store.list_keys(None).unwrap().len()), (1, before + 1), "{path}");
        slow.set(Fault::None);
    }
}

#[tokio::test]
async fn unknown_or_expired_form_asks_again() {
    let (store, _) = store_with_app();
    let mut page = page(&store).await;
    let summary = review(&mut page, &typed("laptop")).await;
    for nonce in ["", "0123456789abcdef0123456789abcdef"] {
        let again = send(&mut page, PATH, &summary, &[("nonce", nonce), ("step", "issue")]).await;
        again.says("form had expired").says("laptop");
        assert_eq!(client(&store, "App 1").keys, 1);
    }
    let again = send(&mut page, PATH, &summary, &[("nonce", "x"), ("step", "issue")]).await;
    key_in(&send(&mut page, PATH, &again, &[("step", "issue")]).await);
    assert_eq!(client(&store, "App 1").keys, 2);
}

#[tokio::test]
async fn invalid_fields_show_an_error_at_the_field() {
    let store = store();
    let scopes = ["orders:*".parse().unwrap()];
    let profile = ClientProfile::new("App 1").with_scopes(scopes);
    store.add_client(profile.with_networks(["10.0.0.0/8".parse().unwrap()])).unwrap();
    let mut page = page(&store).await;
    let wrong = [
        (
            [("scopes", "stock:read"), ("lifetime", "30d"), ("label", "a")],
            "scopes",
            "lacks the scope",
        ),
        (
            [("networks", "192.0.2.0/24"), ("lifetime", "30d"), ("label", "a")],
            "networks",
            "not within those of the client",
        ),
        (
            [("lifetime", "date"), ("date", "2020-01-01"), ("label", "a")],
            "lifetime",
            "already passed",
        ),
        ([("lifetime", "date"), ("date", "soon"), ("label", "a")], "lifetime", "last day"),
        ([("lifetime", ""), ("date", ""), ("label", "a")], "lifetime", "Choose how long"),
        ([("lifetime", "30d"), ("date", ""), ("label", "a\tb")], "label", "control character"),
    ];
    for (typed, field, why) in wrong {
        let refused = review(&mut page, &typed).await;
        assert_eq!(refused.status, 422, "{field}");
        refused.says(&format!("id=\"{field}-error\"")).says(why).says("value=\"a");
    }
    let key = ApiKey::generate("kg").unwrap();
    let refused = review(&mut page, &[("label", key.expose()), ("lifetime", "30d")]).await;
    assert_eq!(refused.status, 422);
    lacks(&refused, key.expose());
    // Narrower scopes are within the client's.
    review(&mut page, &[("scopes", "orders:read"), ("lifetime", "30d")])
        .await
        .says("This issues one key");
}

#[tokio::test]
async fn policy_sets_the_default_and_maximum_lifetime() {
    let (store, _) = store_with_app();
    let policy = Policy::new().with_default_lifetime(60 * DAY).with_max_lifetime(90 * DAY);
    store.update_policy(policy).unwrap();
    let mut page = page(&store).await;
    let form = page.get(PATH).await;
    form.says("value=\"default\" checked").says("60 days, the default of the store’s policy");
    for absent in ["value=\"365d\"", "value=\"never\""] {
        lacks(&form, absent);
    }
    let summary = send(&mut page, PATH, &form, &[("lifetime", "default")]).await;
    summary.says("2027-03-02 00:00:00 UTC");
    for forged in ["365d", "never"] {
        let refused = send(&mut page, PATH, &form, &[("lifetime", forged)]).await;
        assert_eq!(refused.status, 422, "{forged}");
        refused.says("id=\"lifetime-error\"");
    }
}

#[tokio::test]
async fn failed_issue_creates_no_key_and_can_be_repeated() {
    let (store, _) = store_with_app();
    let failing = Failing::new(store.clone());
    let mut page = Page::new(failing.shared()).await;
    let summary = review(&mut page, &typed("laptop")).await;
    failing.set(Fault::NoChanges);
    let failed = send(&mut page, PATH, &summary, &[("step", "issue")]).await;
    assert_eq!(failed.status, 503);
    failed.says("The change failed").says("The disk is full").says("value=\"laptop\"");
    lacks(&failed, "kg_");
    failing.set(Fault::None);
    let typed = [("label", "laptop"), ("lifetime", "30d"), ("step", "issue")];
    key_in(&send(&mut page, PATH, &failed, &typed).await);
    assert_eq!(client(&store, "App 1").keys, 2);
}
